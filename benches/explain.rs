//! How often `explain` is right about what it cannot have read, and how long it takes over a long history.
//!
//! ```text
//! cargo bench --bench explain                    # 200 scenarios with a planted cause, 200 without
//! cargo bench --bench explain -- 20              # fewer
//! ```
//!
//! Each scenario is a sandbox of its own with a scripted fault, and a probe that the engine fires at it over HTTP; its outcome
//! comes back to the engine's callback listener. Ticks follow one another within milliseconds, since nobody can wait for
//! days: in the records they are then laid ten minutes apart, and landfall's own lag, which that makes meaningless, is left
//! out. Everything else of a record is as the engine made it. What was planted is known to the script alone.
//!
//! Goals: the planted cause named first in at least 95 %, something named without one in at most 5 %.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a bench says what it needs by failing, and prints"
)]
#![expect(unreachable_pub, reason = "the shared part is a module of each bench")]

#[expect(dead_code, reason = "each bench uses its part")]
mod common;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use landfall::clock::{Clock, SystemClock, SystemRandom};
use landfall::engine::{Engine, Options, Setup, Update};
use landfall::lifecycle::Settings;
use landfall::model::{Moment, RunId, RunRecord};
use landfall::report::causes::{Causes, Question, explain};
use landfall::sandbox::{self, Running, Script};
use landfall::store;
use landfall::web::{self, HttpListener};
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use tokio_util::sync::CancellationToken;

/// Ticks of a scenario; each fires four routes.
const TICKS: i64 = 60;
/// Scenarios that run at once.
const BATCH: usize = 10;
/// Between two ticks, in the records.
const STEP: i64 = 600_000_000_000;

/// What is planted.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Cause {
    Nothing,
    Provider,
    Worker,
    Header,
    Hour,
    Path,
}

/// A scenario: what is planted, by which script, and where.
struct Scenario {
    cause: Cause,
    script: String,
    /// The values that are the cause, as records tell them.
    attribute: &'static str,
    values: Vec<String>,
}

fn main() {
    let numbers: Vec<usize> = std::env::args().skip(1).filter_map(|a| a.parse().ok()).collect();
    let scenarios = numbers.first().copied().unwrap_or(200);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(truth(scenarios));
}

/// The script of the `n`th scenario.
fn scenario(n: usize, planted: bool) -> Scenario {
    let mut random = ChaCha8Rng::seed_from_u64(n as u64 * 2 + u64::from(planted));
    let kinds = [
        Cause::Provider,
        Cause::Worker,
        Cause::Header,
        Cause::Hour,
        Cause::Path,
    ];
    let cause = if planted {
        kinds[n % kinds.len()]
    } else {
        Cause::Nothing
    };
    let (node, zone) = (
        random.random_range(1..=3),
        ["a", "b", "c", "d"][random.random_range(0..4)],
    );
    let from = random.random_range(6..=48);
    // Two routes of one provider, so that no route is the cause; for a way, one provider on all.
    let providers = match cause {
        Cause::Path => ["north"; 4],
        _ => ["north", "north", "south", "west"],
    };
    let fault = ["drop", "refuse", "late", "alter"][random.random_range(0..4)];
    let (rule, attribute, values) = match cause {
        Cause::Nothing => (String::new(), "", Vec::new()),
        Cause::Provider => (
            String::from("probability: 0.35"),
            "provider",
            vec![String::from("north")],
        ),
        Cause::Worker => (
            format!("probability: 0.6, node: {node}"),
            "worker",
            vec![format!("north-{node}")],
        ),
        Cause::Header => (
            format!("probability: 0.5, zone: {zone}"),
            // It is a hop of the probe's `path:`, and called so.
            "path response.headers[\"x-zone\"]",
            vec![zone.to_owned()],
        ),
        Cause::Hour => {
            let until = from + 11;
            let hours = (from - 1) / 6..=(until - 1) / 6;
            let hours = hours.map(|hour| format!("2026-10-01 {hour:02}:00"));
            (
                format!("probability: 0.7, from: {from}, until: {until}"),
                "hour",
                hours.collect(),
            )
        }
        Cause::Path => (
            format!("probability: 0.9, zone: {zone}, node: {node}"),
            "path of the answer",
            vec![format!("north-{node} → {zone}"), format!("{zone} → north-{node}")],
        ),
    };
    let noise = if planted { 0.03 } else { 0.1 };
    let mut script = String::from("routes:\n");
    for (route, provider) in ["alpha", "beta", "gamma", "delta"].iter().zip(providers) {
        let hit = match cause {
            Cause::Nothing => false,
            Cause::Provider | Cause::Worker => provider == "north",
            _ => true,
        };
        let rule = if hit {
            format!("{{ fault: {fault}, {rule} }}, ")
        } else {
            String::new()
        };
        script.push_str(&format!(
            "  {route}: {{ provider: {provider}, faults: [{rule}{{ fault: drop, probability: {noise} }}] }}\n"
        ));
    }
    Scenario {
        cause,
        script,
        attribute,
        values,
    }
}

async fn truth(scenarios: usize) {
    let mut right: HashMap<&'static str, (u64, u64)> = HashMap::new();
    let (mut wrong, mut all) = (0, 0);
    let each = (0..scenarios).flat_map(|n| [scenario(n, true), scenario(n, false)]);
    let each: Vec<Scenario> = each.collect();
    for (at, batch) in each.chunks(BATCH).enumerate() {
        for (scenario, runs) in batch.iter().zip(played(batch, at as u64).await) {
            let found = explain(&runs, &[], &Question::default());
            if scenario.cause == Cause::Nothing {
                all += 1;
                if let Some(first) = found.causes.first() {
                    wrong += 1;
                    println!("  nothing was planted: {} (p = {})", first.attribute, first.p);
                }
                continue;
            }
            let count = right.entry(scenario.attribute).or_default();
            count.1 += 1;
            if named_first(&found, scenario) {
                count.0 += 1;
            } else {
                println!("  {:?} {:?}: {}", scenario.cause, scenario.values, found.sentence);
            }
        }
    }
    let (hits, planted) = right
        .values()
        .fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    println!(
        "{} runs a scenario, through sandbox, engine and listener",
        4 * TICKS
    );
    println!(
        "the planted cause named first in {hits} of {planted}, {:.1} % (goal 95); by kind: {right:?}",
        100.0 * hits as f64 / planted.max(1) as f64
    );
    println!(
        "something named where nothing was planted in {wrong} of {all}, {:.1} % (goal at most 5)",
        100.0 * wrong as f64 / f64::from(all.max(1))
    );
}

/// Whether the first cause is the planted one: its attribute, or one that these runs cannot tell from it, and the value.
fn named_first(found: &Causes, scenario: &Scenario) -> bool {
    let Some(first) = found.causes.first() else {
        return false;
    };
    let own = first
        .values
        .first()
        .map(|v| (first.attribute.as_str(), v.value.as_str()));
    let equal = first
        .equivalents
        .iter()
        .map(|e| (e.attribute.as_str(), e.value.as_str()));
    own.into_iter()
        .chain(equal)
        .any(|(name, value)| name == scenario.attribute && scenario.values.iter().any(|v| v == value))
}

/// Plays scenarios side by side through one engine; gives the records of each.
async fn played(batch: &[Scenario], seed: u64) -> Vec<Vec<RunRecord>> {
    let dir = tempfile::tempdir().unwrap();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    let stop = CancellationToken::new();
    std::fs::create_dir(dir.path().join("probes")).unwrap();
    let listen = "store: memory\nlisten: 127.0.0.1:0\nchannels: { hooks: { callback: {} } }\n";
    std::fs::write(dir.path().join("landfall.yaml"), listen).unwrap();
    let mut gateways: Vec<Running> = Vec::new();
    for (n, scenario) in batch.iter().enumerate() {
        let options = sandbox::Options {
            faults: Script::parse("script", &scenario.script).unwrap(),
            seed: seed * 1_000 + n as u64,
            ..sandbox::Options::default()
        };
        let gateway = sandbox::start(options, clock.clone(), stop.clone())
            .await
            .unwrap();
        let file = dir.path().join(format!("probes/s{n}.yaml"));
        std::fs::write(file, probe(n, &gateway)).unwrap();
        gateways.push(gateway);
    }
    let workspace = Arc::new(common::workspace(dir.path()));
    let socket = web::bind(workspace.listen).await.unwrap();
    let at = socket.local_addr().unwrap();
    let listener = HttpListener::new(at, web::Settings::default(), clock.clone());
    tokio::spawn(Arc::clone(&listener).run(socket, stop.clone()));
    let options = store::Options::new(clock.now(), "bench");
    let setup = Setup {
        workspace: workspace.clone(),
        store: store::open(&workspace.store, options).unwrap(),
        clock: clock.clone(),
        random: Arc::new(SystemRandom),
        listener,
        settings: Settings::STANDARD,
        options: Options::default(),
    };
    let (engine, mut updates) = Engine::start(setup).await.unwrap();
    let first = Moment(clock.now().0 / 1_000_000 * 1_000_000);
    let fire = async {
        for tick in 0..TICKS {
            let due = Moment(first.0 + tick * 1_000_000);
            let until = clock.now().after(Duration::from_secs(600));
            for probe in &workspace.probes {
                assert_eq!(engine.tick(probe, due, until, &|_| true).await, 4);
            }
            // So that messages reach each gateway in the order of their ticks.
            clock.sleep(Duration::from_millis(10)).await;
        }
    };
    let wanted = batch.len() * 4 * TICKS as usize;
    let gather = async {
        let mut records: HashMap<RunId, Arc<RunRecord>> = HashMap::new();
        let mut ended = 0;
        while ended < wanted {
            match updates.recv().await.expect("the engine works") {
                Update::Closed { record, .. } => {
                    ended += 1;
                    records.insert(record.id, record);
                }
                Update::Amended(record) => drop(records.insert(record.id, record)),
                Update::Skipped(skip) => panic!("{skip:?}"),
                _ => {}
            }
        }
        records
    };
    let ((), records) = tokio::join!(fire, gather);
    engine.shut_down().await;
    stop.cancel();
    for gateway in gateways {
        gateway.join().await.unwrap();
    }
    let mut all = vec![Vec::new(); batch.len()];
    for record in records.into_values() {
        let n: usize = record.probe[1..].parse().unwrap();
        all[n].push(apart(&record, first));
    }
    all
}

/// The record with its tick laid out in time.
fn apart(record: &RunRecord, first: Moment) -> RunRecord {
    let tick = (Moment::from_rfc3339(&record.tick).unwrap().0 - first.0) / 1_000_000;
    let origin = Moment::from_rfc3339("2026-10-01T00:00:00Z").unwrap();
    RunRecord {
        tick: Moment(origin.0 + tick * STEP).to_rfc3339(),
        lag: None,
        ..record.clone()
    }
}

fn probe(n: usize, gateway: &Running) -> String {
    format!(
        r#"name: s{n}
routes: {{ alpha: {{}}, beta: {{}}, gamma: {{}}, delta: {{}} }}
request:
  http:
    method: POST
    url: "http://{}/v1/messages?route={{{{ route.name }}}}"
    json: {{ ref: "{{{{ token }}}}", text: hello, webhook: "{{{{ channels.hooks.url }}}}" }}
accepted: response.status == 202
outcome:
  - name: event
    in: hooks
    where: seen.json.event == "message.delivered"
    expect: seen.json.text == "hello"
    within: 1200ms
    grace: 900ms
settle: 0s
attributes:
  provider: 'response.headers["x-provider"]'
  worker: 'response.headers["x-served-by"]'
path:
  - 'response.headers["x-served-by"]'
  - 'response.headers["x-zone"]'
  - hooks.json.provider
"#,
        gateway.address()
    )
}
