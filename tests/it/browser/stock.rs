//! A store that holds many runs before the daemon starts.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use landfall::clock::{Clock as _, SystemClock};
use landfall::model::{
    Class, ExpectationRecord, ExpectationState, Layer, LayerRecord, LayerState, Layers, Moment, RunId,
    RunRecord, Seconds, Timings,
};
use landfall::store::{Options, Retention, SqliteStore, Store as _};

/// The routes of the sandbox's probe `message`.
pub(super) const ROUTES: [&str; 3] = ["alpha", "beta", "gamma"];
const BATCH: u64 = 512;
const LONG: Duration = Duration::from_hours(24 * 3_650);

/// Puts so many runs of `message` into the store of a workspace, evenly over the time before now. `alpha` delivers; of `beta`
/// every tenth run is late; of `gamma` every fourth is lost.
pub(super) async fn fill(dir: &Path, runs: u64, over: Duration) {
    let clock = SystemClock::start();
    let store = SqliteStore::open(&dir.join("landfall.db"), Options::new(clock.now(), "stock")).unwrap();
    let routes = ROUTES.len() as u64;
    let step = over / u32::try_from(runs.div_ceil(routes)).unwrap();
    let first = clock.now().before(over);
    for from in (0..runs).step_by(usize::try_from(BATCH).unwrap()) {
        let closes = (from..(from + BATCH).min(runs)).map(|n| {
            let tick = first.after(step * u32::try_from(n / routes).unwrap());
            store.close(tick, Arc::new(record(n, tick)))
        });
        for closed in join_all(closes).await {
            closed.unwrap();
        }
    }
    let keep = Retention {
        runs: LONG,
        failures: LONG,
        rollups: LONG,
    };
    store.upkeep(clock.now(), keep).await.unwrap();
    store.shutdown().await.unwrap();
}

fn record(n: u64, tick: Moment) -> RunRecord {
    let routes = ROUTES.len() as u64;
    let (route, nth) = (n % routes, n / routes);
    let class = match (route, nth) {
        (1, nth) if nth % 10 == 9 => Class::Late,
        (2, nth) if nth % 4 == 3 => Class::Lost,
        _ => Class::Delivered,
    };
    let lost = class == Class::Lost;
    let spread = f64::from(u32::try_from(n.wrapping_mul(2_654_435_761) % 1_000).unwrap()) / 1_000.0;
    let took = match class {
        Class::Late => 1.2 + spread * 0.7,
        _ => 0.1 + spread * 0.8 * f64::from(u32::try_from(route + 1).unwrap()) / 3.0,
    };
    let at = (!lost).then_some(Seconds(took, took));
    let layer = |state, seconds| LayerRecord { state, seconds };
    let state = match class {
        Class::Lost => ExpectationState::Lost,
        Class::Late => ExpectationState::Late,
        _ => ExpectationState::Met,
    };
    RunRecord {
        id: RunId(uuid::Uuid::from_u128((0x0192 << 112) | u128::from(n))),
        probe: String::from("message"),
        revision: String::from("5f3a90c15f3a90c1"),
        route: ROUTES[usize::try_from(route).unwrap()].to_owned(),
        input: String::from("default"),
        location: String::from("sandbox"),
        tick: tick.to_rfc3339(),
        token: String::from("k7m2p9q4r8s3t6v2w5x8y3"),
        sent: Some(tick.to_rfc3339_nanos()),
        class,
        reason: String::from(if lost { "`hooks`: nothing arrived" } else { "" }),
        flags: Vec::new(),
        lag: Some(0.002),
        timings: Timings {
            dns: None,
            connect: Some(0.001),
            tls: None,
            first_byte: Some(0.04),
            total: Some(0.045),
        },
        layers: Layers {
            accepted: layer(LayerState::Yes, Some(Seconds(0.045, 0.045))),
            executed: layer(LayerState::Undeclared, None),
            outcome: layer(if lost { LayerState::No } else { LayerState::Yes }, at),
        },
        stopped_after: None,
        expectations: vec![ExpectationRecord {
            layer: Layer::Outcome,
            name: String::from("hooks"),
            step: None,
            channel: String::from("hooks"),
            state,
            count: u32::from(!lost),
            seconds: at,
            reason: String::new(),
            within: 1.0,
            grace: 1.0,
            unmet: Vec::new(),
        }],
        observations: Vec::new(),
        path: Vec::new(),
        attributes: [(String::from("provider"), String::from("north"))].into(),
        fingerprint: None,
        amendments: Vec::new(),
        request: None,
        response: None,
        labels: [(String::from("team"), String::from("sandbox"))].into(),
    }
}
