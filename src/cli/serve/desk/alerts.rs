//! Alerts as pages and API see them, and mutes as they set them.

use super::Desk;
use super::act::{known, near, probe};
use super::views;
use crate::alert::mute::{self, Mute};
use crate::cli::alerts::views::{alert, destination, muted};
use crate::web::daemon::{AlertView, AlertsView, Event, MuteView, NewMute, Refused, Unmuted};

/// Labels that a mute may name.
const LABELS: usize = 32;

/// All there is.
pub(super) async fn all(desk: &Desk) -> Result<AlertsView, Refused> {
    let now = desk.clock.now();
    let mutes = mute::in_force(desk.store.as_ref(), now).await?;
    let mut open: Vec<AlertView> = desk
        .alerting
        .open()
        .iter()
        .map(|notice| alert(notice, &mutes, now))
        .collect();
    open.sort_by(|a, b| (&a.probe, &a.id).cmp(&(&b.probe, &b.id)));
    Ok(AlertsView {
        open,
        mutes: mutes.iter().map(muted).collect(),
        destinations: desk
            .alerting
            .destinations()
            .into_iter()
            .map(destination)
            .collect(),
    })
}

/// Sets a mute. Names that there are not are refused, so that a slip of the pen mutes nothing else.
pub(super) async fn set(desk: &Desk, ask: NewMute) -> Result<MuteView, Refused> {
    if let Some(name) = &ask.probe {
        let probe = probe(desk, name)?;
        if let Some(route) = &ask.route {
            known(
                "route",
                "/route",
                std::slice::from_ref(route),
                &views::routes(&probe),
            )?;
        }
    } else if let Some(route) = &ask.route {
        let force = desk.force.now();
        let mut all: Vec<&str> = force.probes.iter().flat_map(|p| views::routes(p)).collect();
        all.sort_unstable();
        all.dedup();
        if !all.contains(&route.as_str()) {
            return Err(Refused::Unknown {
                what: "route",
                name: route.clone(),
                near: near(route, all.into_iter()),
            });
        }
    }
    if ask.labels.len() > LABELS {
        return Err(Refused::Invalid {
            pointer: String::from("/labels"),
            detail: format!("there are {} labels, and {LABELS} is the limit", ask.labels.len()),
        });
    }
    let now = desk.clock.now();
    let mute = Mute {
        id: mute::fresh_id(desk.random.bytes()),
        probe: ask.probe,
        route: ask.route,
        labels: ask.labels,
        until: ask.until,
        since: now,
        by: ask.by,
        reason: ask.reason,
    };
    mute::mute(desk.store.as_ref(), &mute, now).await?;
    tracing::info!(mute = %mute.id, probe = mute.probe, route = mute.route, by = mute.by, "muted");
    changed(desk).await;
    Ok(muted(&mute))
}

/// Ends a mute.
pub(super) async fn end(desk: &Desk, id: &str) -> Result<Unmuted, Refused> {
    let there = mute::in_force(desk.store.as_ref(), desk.clock.now()).await?;
    let was = there.iter().any(|mute| mute.id == id);
    if was {
        mute::unmute(desk.store.as_ref(), id).await?;
        tracing::info!(mute = id, "unmuted");
        changed(desk).await;
    }
    Ok(Unmuted { was })
}

async fn changed(desk: &Desk) {
    desk.alerting.mutes_changed().await;
    desk.bell.ring(Event::Changed);
}
