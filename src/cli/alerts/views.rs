//! Alerts, mutes and destinations as API, pages and `landfall alerts list` show them.

use crate::alert::mute::Mute;
use crate::alert::notice::RouteNotice;
use crate::alert::policy::Topic;
use crate::alert::{Notice, Severity, Status};
use crate::model::Moment;
use crate::web::daemon::{AlertView, DestinationView, MuteView};

/// An open alert, and whether it is muted.
pub(in crate::cli) fn alert(notice: &Notice, mutes: &[Mute], now: Moment) -> AlertView {
    let covered = |route: &str| {
        mutes
            .iter()
            .any(|mute| mute.covers(&notice.probe, route, &notice.labels, now))
    };
    let several = notice.routes.iter().any(|r| r.input != "default");
    let name = |route: &RouteNotice| {
        if several {
            format!("{}/{}", route.route, route.input)
        } else {
            route.route.clone()
        }
    };
    AlertView {
        id: notice.alert.clone(),
        probe: notice.probe.clone(),
        severity: String::from(match notice.severity {
            Severity::Page => "page",
            Severity::Ticket => "ticket",
        }),
        topic: String::from(match notice.topic {
            Topic::Outcome => "outcome",
            Topic::Sight => "sight",
        }),
        title: notice.title.clone(),
        since: notice.since.clone(),
        opened: notice.opened.clone(),
        routes: notice.routes.iter().map(name).collect(),
        muted: !notice.routes.is_empty() && notice.routes.iter().all(|r| covered(&r.route)),
    }
}

/// A mute.
pub(in crate::cli) fn muted(mute: &Mute) -> MuteView {
    MuteView {
        id: mute.id.clone(),
        probe: mute.probe.clone(),
        route: mute.route.clone(),
        labels: mute.labels.clone(),
        since: mute.since.to_rfc3339(),
        until: mute.until.map(Moment::to_rfc3339),
        by: mute.by.clone(),
        reason: mute.reason.clone(),
    }
}

/// How a destination fares.
pub(in crate::cli) fn destination(status: Status) -> DestinationView {
    DestinationView {
        name: status.name,
        kind: status.kind,
        waiting: status.waiting as u64,
        sent: status.sent,
        failed: status.failed,
        given_up: status.given_up,
        summed_up: status.summed_up,
        last_success: status.last_success,
        last_failure: status.last_failure,
        down_since: status.down_since,
        error: status.error,
    }
}
