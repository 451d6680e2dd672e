//! From what the daemon says of a probe to what the overview shows.

use crate::report::html::overview::{BlindChannel, LastRun, ProbeTile, RouteTile};
use crate::web::daemon::{ChannelView, ProbeView, RouteView};

pub(super) fn tile(probe: &ProbeView) -> ProbeTile {
    let paused = probe.paused.as_ref();
    ProbeTile {
        name: probe.name.clone(),
        description: probe.description.clone(),
        state: probe.state,
        why: probe.why.clone(),
        schedule: probe.schedule.as_ref().map(|schedule| schedule.text.clone()),
        next: probe.schedule.as_ref().and_then(|schedule| schedule.next.clone()),
        paused: paused.map(|pause| (pause.since.clone(), pause.note.clone())),
        labels: probe.labels.clone(),
        routes: probe.routes.iter().map(route).collect(),
    }
}

fn route(route: &RouteView) -> RouteTile {
    RouteTile {
        name: route.name.clone(),
        state: route.state,
        why: route.why.clone(),
        in_flight: route.in_flight,
        last: route
            .last
            .iter()
            .map(|run| LastRun {
                run: run.id,
                tick: run.tick.clone(),
                class: run.class,
                seconds: run.seconds,
            })
            .collect(),
        skipped: route
            .skipped
            .as_ref()
            .map(|skip| (skip.tick.clone(), skip.detail.clone())),
    }
}

pub(super) fn blind(channel: ChannelView) -> BlindChannel {
    BlindChannel {
        name: channel.name,
        kind: channel.kind,
        since: channel.down_since,
        why: channel.why,
    }
}
