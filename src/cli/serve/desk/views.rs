//! What is known, as pages and API show it.

use std::collections::BTreeMap;

use super::Desk;
use crate::cli::serve::board::{End, Series};
use crate::definition::Probe;
use crate::lifecycle::agenda::{Pause, PauseOf, Pauses};
use crate::model::{Moment, ProbeState};
use crate::store::StoreSize;
use crate::web::daemon::{
    ChannelView, LastRun, PauseView, ProbeView, RouteView, ScheduleView, SkipView, Status, StoreView, Unready,
};

/// The names of a probe's routes, in the order of the definition.
pub(super) fn routes(probe: &Probe) -> Vec<&str> {
    names(probe, |leg| leg.route.as_ref())
}

/// The names of its inputs.
pub(super) fn inputs(probe: &Probe) -> Vec<&str> {
    names(probe, |leg| leg.input.as_ref())
}

fn names<'a>(probe: &'a Probe, name: impl Fn(&'a crate::model::Leg) -> &'a str) -> Vec<&'a str> {
    let mut names = Vec::new();
    for leg in &probe.legs {
        let name = name(&leg.leg);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// Every probe.
pub(super) fn probes(desk: &Desk) -> Vec<ProbeView> {
    let pauses = desk.ticker.pauses();
    let down: Vec<String> = desk
        .engine
        .channels()
        .into_iter()
        .filter(|channel| channel.down.is_some())
        .map(|channel| channel.name)
        .collect();
    let force = desk.force.now();
    let probes = force.probes.iter();
    probes.map(|probe| one(desk, probe, &pauses, &down)).collect()
}

fn one(desk: &Desk, probe: &Probe, pauses: &Pauses, down: &[String]) -> ProbeView {
    let (state, states) = if probe.enabled {
        desk.board.states(probe, pauses)
    } else {
        let disabled = (ProbeState::Paused, String::from("disabled"));
        (ProbeState::Paused, vec![disabled; probe.legs.len()])
    };
    let routes: Vec<RouteView> = routes(probe)
        .into_iter()
        .map(|name| route(desk, probe, name, &states, pauses, down))
        .collect();
    let several = routes.len() > 1;
    let why = routes
        .iter()
        .find(|route| route.state == state && !route.why.is_empty());
    let why = why.map(|route| match several {
        true => format!("{}: {}", route.name, route.why),
        false => route.why.clone(),
    });
    ProbeView {
        name: probe.name.to_string(),
        description: probe.description.clone(),
        enabled: probe.enabled,
        state,
        why: why.unwrap_or_default(),
        schedule: probe.schedule.as_ref().map(|schedule| ScheduleView {
            text: schedule.describe(),
            next: desk.ticker.next_of(&probe.name).map(Moment::to_rfc3339),
        }),
        paused: pauses.of(&probe.name, None).map(pause),
        inputs: inputs(probe).into_iter().map(str::to_owned).collect(),
        labels: probe.labels.clone(),
        revision: probe.revision.to_string(),
        in_flight: routes.iter().map(|route| route.in_flight).sum(),
        routes,
    }
}

fn route(
    desk: &Desk,
    probe: &Probe,
    name: &str,
    states: &[(ProbeState, String)],
    pauses: &Pauses,
    down: &[String],
) -> RouteView {
    let legs = || {
        probe
            .legs
            .iter()
            .zip(states)
            .filter(|(def, _)| def.leg.route.as_ref() == name)
    };
    let all = legs().map(|(def, _)| desk.board.series(&probe.name, name, &def.leg.input));
    let all: Vec<Series> = all.collect();
    let mut ends: Vec<&End> = all.iter().flat_map(|series| &series.ends).collect();
    ends.sort_by_key(|end| std::cmp::Reverse((end.tick, end.run)));
    let state = ProbeState::of_probe(legs().map(|(_, (state, _))| *state));
    let why = legs().find(|(_, (of, why))| *of == state && !why.is_empty());
    let why = why.map(|(_, (_, why))| why.clone()).unwrap_or_default();
    let waits = legs().flat_map(|(def, _)| &def.leg.expectations);
    let blind = waits
        .map(|e| &e.channel_name)
        .find(|channel| down.contains(channel));
    let skip = all
        .iter()
        .filter_map(|series| series.last_skip.as_ref())
        .max_by_key(|skip| skip.tick);
    let own = PauseOf::Route(probe.name.to_string(), name.to_owned());
    RouteView {
        name: name.to_owned(),
        state,
        why: match (state, blind) {
            (ProbeState::Ok | ProbeState::Paused, _) | (_, None) => why,
            (_, Some(channel)) => format!("channel `{channel}` cannot see"),
        },
        paused: pauses
            .iter()
            .find(|(of, _)| **of == own)
            .map(|(_, own)| pause(own)),
        in_flight: u32::try_from(all.iter().map(|s| s.in_flight.len()).sum::<usize>()).unwrap_or(u32::MAX),
        last: ends.iter().map(|end| last(end)).collect(),
        skipped: skip.map(|skip| SkipView {
            tick: skip.tick.to_rfc3339(),
            reason: skip.reason,
            detail: skip.detail.clone(),
        }),
    }
}

fn last(end: &End) -> LastRun {
    LastRun {
        id: end.run,
        tick: end.tick.to_rfc3339(),
        class: end.class,
        reason: end.reason.to_string(),
        seconds: end.seconds,
    }
}

/// A pause as it is shown.
pub(super) fn pause(pause: &Pause) -> PauseView {
    PauseView {
        since: pause.since.to_rfc3339(),
        note: pause.note.clone(),
    }
}

/// Every channel, by name.
pub(super) fn channels(desk: &Desk) -> Vec<ChannelView> {
    let counters = desk.engine.counters();
    let mut channels: Vec<ChannelView> = desk
        .engine
        .channels()
        .into_iter()
        .map(|channel| {
            let counted = counters.observations.iter();
            let of_it = counted.filter(|((name, _), _)| *name == channel.name);
            let observations = of_it
                .map(|((_, became), count)| (became.clone(), *count))
                .collect();
            let (down_since, why) = channel.down.map(|(at, why)| (at.to_rfc3339(), why)).unzip();
            ChannelView {
                kind: channel.kind.to_owned(),
                up: down_since.is_none(),
                name: channel.name,
                down_since,
                why,
                observations,
            }
        })
        .collect();
    channels.sort_by(|a, b| a.name.cmp(&b.name));
    channels
}

/// The whole.
pub(super) fn status(desk: &Desk, unready: Vec<Unready>) -> Status {
    let mut counts: BTreeMap<String, u32> = ProbeState::ALL.map(|s| (s.word().to_owned(), 0)).into();
    let probes = probes(desk);
    for probe in &probes {
        *counts.entry(probe.state.word().to_owned()).or_default() += 1;
    }
    let force = desk.force.now();
    let refused = desk.force.attempts().refused.clone();
    let (refused_at, refused) = refused.map(|(at, why)| (at.to_rfc3339(), why)).unzip();
    Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        location: force.workspace.location.to_string(),
        started: desk.started.to_rfc3339(),
        now: desk.clock.now().to_rfc3339(),
        ready: unready.is_empty(),
        unready,
        probes: counts,
        in_flight: u32::try_from(probes.iter().map(|p| p.in_flight as usize).sum::<usize>())
            .unwrap_or(u32::MAX),
        loaded: force.loaded.to_rfc3339(),
        refused: refused.unwrap_or_default(),
        refused_at,
        restart: force.restart.iter().map(|key| (*key).to_owned()).collect(),
    }
}

/// The store.
pub(super) fn store(desk: &Desk, size: StoreSize) -> StoreView {
    StoreView {
        location: match &desk.location {
            crate::store::Location::Memory => String::from("memory"),
            crate::store::Location::Sqlite(file) => file.display().to_string(),
        },
        bytes: size.bytes,
        log_bytes: size.log_bytes,
        free_bytes: size.free_bytes,
        runs: size.runs,
        open_runs: size.open_runs,
        observations: size.observations,
        skips: size.skips,
        skip_spans: size.skip_spans,
        marks: size.marks,
        oldest: size.oldest.map(Moment::to_rfc3339),
    }
}
