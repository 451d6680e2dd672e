//! What the tests put on record.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use landfall::clock::{Clock, SystemClock};
use landfall::model::{
    Amendment, ChannelId, Class, Identity, Interval, LayerRecord, LayerState, Layers, Moment, Observation,
    ObservationId, RunId, RunRecord, Sighting, SkipReason, SkipRecord, Timings,
};
use landfall::store::{Intent, Options, SqliteStore, StoredObservation};
use serde_json::json;

pub(crate) fn options() -> Options {
    Options::new(SystemClock::start().now(), "landfall under test")
}

pub(crate) fn open(path: &Path) -> SqliteStore {
    SqliteStore::open(path, options()).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The `n`th run.
pub(crate) fn run(n: u128) -> RunId {
    RunId(uuid::Uuid::from_u128(
        0x0192_0000_0000_7000_8000_0000_0000_0000 + n,
    ))
}

pub(crate) fn tick(n: i64) -> Moment {
    Moment(1_790_000_000_000_000_000 + n * 60_000_000_000)
}

/// Run `n` of probe `orders` down `route` at tick `n`.
pub(crate) fn intent(n: u128, route: &str) -> Intent {
    let at = tick(i64::try_from(n).unwrap());
    Intent {
        run: run(n),
        probe: String::from("orders"),
        input: String::from("default"),
        route: route.to_owned(),
        location: String::from("eu-west"),
        tick: at,
        revision: String::from("r1"),
        token: format!("token{n}"),
        at,
        plan: json!({ "deadlines": [1, 2.5], "address": "canary@example.com" }),
    }
}

/// Observation `id` of `runs`.
pub(crate) fn observation(id: u64, runs: &[RunId]) -> StoredObservation {
    let mut seen = serde_json::Map::new();
    seen.insert(String::from("text"), json!(format!("paid {id}: ü \u{0} end")));
    let mut sighting = Sighting::new(
        Interval {
            lo: Moment(5),
            hi: Moment(i64::try_from(id).unwrap()),
        },
        Identity::Event(format!("webhook-{id}")),
        seen,
    );
    sighting.keys = vec![format!("key{id}")];
    sighting.summary = String::from("POST /c/hooks");
    StoredObservation {
        channel: String::from("hooks"),
        observation: Arc::new(Observation {
            id: ObservationId(id),
            channel: ChannelId(3),
            sighting,
        }),
        runs: runs.to_vec(),
    }
}

/// The record of run `n`, as [`intent`] has it.
pub(crate) fn record(n: u128, route: &str, class: Class) -> Arc<RunRecord> {
    let intent = intent(n, route);
    let silent = LayerRecord {
        state: LayerState::Yes,
        seconds: None,
    };
    Arc::new(RunRecord {
        id: intent.run,
        probe: intent.probe,
        revision: intent.revision,
        route: intent.route,
        input: intent.input,
        location: intent.location,
        tick: intent.tick.to_rfc3339(),
        token: intent.token,
        sent: None,
        class,
        reason: String::new(),
        flags: Vec::new(),
        lag: Some(0.125),
        timings: Timings::default(),
        layers: Layers {
            accepted: silent,
            executed: silent,
            outcome: silent,
        },
        stopped_after: None,
        expectations: Vec::new(),
        observations: Vec::new(),
        path: Vec::new(),
        attributes: BTreeMap::new(),
        fingerprint: None,
        amendments: Vec::new(),
        request: None,
        response: None,
        labels: BTreeMap::new(),
    })
}

/// The record of run `n` after its verdict changed.
pub(crate) fn amended(n: u128, route: &str, from: Class, to: Class) -> Arc<RunRecord> {
    let mut amended = RunRecord::clone(&record(n, route, to));
    amended.amendments.push(Amendment {
        at: String::from("2026-09-21T00:00:00Z"),
        from,
        to,
        reason: String::from("it came after all"),
    });
    Arc::new(amended)
}

pub(crate) fn skip(route: &str, at: Moment, reason: SkipReason) -> SkipRecord {
    SkipRecord {
        probe: String::from("orders"),
        route: route.to_owned(),
        input: String::from("default"),
        tick: at.to_rfc3339(),
        reason,
        detail: String::from("because"),
    }
}
