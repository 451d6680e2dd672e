//! The engine with a channel that does as the test says, where a real one would do it too rarely to be waited for.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::BoxFuture;
use serde_json::{Map, Value, json};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::sink::{Budget, STRAYS_PER_SECOND};
use super::slots::Opened;
use super::{Engine, Options, Setup, Update};
use crate::channel::{Channel, ObservationSink as _, Planted, Watch};
use crate::clock::{Clock, SeededRandom, SystemClock};
use crate::definition::{LoadOptions, ProcessEnvironment, Workspace, load};
use crate::lifecycle::Settings;
use crate::model::{Class, Fault, Identity, Interval, Moment, RunId, RunRecord, Scope, Sighting, Token};
use crate::store::MemoryStore;
use crate::web::HttpListener;

/// How long each run has.
const WITHIN: Duration = Duration::from_millis(300);

/// A look under way: the instant it stands for, and how the test ends it, with the instant it is said to cover.
type Look = (Moment, oneshot::Sender<Moment>);

/// Arms at once, and looks for as long as the test pleases.
struct Scripted {
    armed: mpsc::UnboundedSender<Token>,
    looks: mpsc::UnboundedSender<Look>,
}

impl Channel for Scripted {
    fn offers(&self, _: &Token, _: &dyn Scope) -> Result<Value, Fault> {
        Ok(json!({}))
    }

    fn arm(&self, watch: Watch) -> BoxFuture<'_, Result<(), Fault>> {
        self.armed.send(watch.token).unwrap();
        Box::pin(async { Ok(()) })
    }

    fn extend(&self, _: RunId, _: &[String], _: Arc<dyn Scope>) {}

    fn look(&self, due: Moment) -> BoxFuture<'_, Result<Moment, Fault>> {
        let (end, ended) = oneshot::channel();
        // Looks after the test has ended find nobody.
        drop(self.looks.send((due, end)));
        Box::pin(async move { Ok(ended.await.unwrap_or(due)) })
    }

    fn disarm(&self, _: RunId) {}

    fn drive(self: Arc<Self>, stop: CancellationToken) -> BoxFuture<'static, ()> {
        Box::pin(async move { stop.cancelled().await })
    }

    fn plant(&self, _: &Token) -> BoxFuture<'_, Result<Planted, Fault>> {
        Box::pin(async { Ok(Planted::ReadOnly("a script")) })
    }
}

fn workspace(dir: &std::path::Path) -> Arc<Workspace> {
    let channels = json!({ "rows": { "http": { "url": "http://127.0.0.1:1/{{ token }}" } } });
    let settings = json!({ "allow_exec": true, "channels": channels });
    let probe = json!({
        "name": "orders",
        "request": { "exec": { "command": ["true"] } },
        "outcome": [{ "in": "rows", "within": format!("{}ms", WITHIN.as_millis()), "grace": "0s" }],
        "settle": "0s",
    });
    std::fs::create_dir(dir.join("probes")).unwrap();
    std::fs::write(dir.join("landfall.yaml"), settings.to_string()).unwrap();
    std::fs::write(dir.join("probes/orders.yaml"), probe.to_string()).unwrap();
    let options = LoadOptions {
        dir: Some(dir.to_owned()),
        vars: Vec::new(),
    };
    let loaded = load(&options, &ProcessEnvironment);
    let said = loaded.problems.render(&loaded.sources, false);
    Arc::new(loaded.workspace.expect(&said))
}

async fn closed(updates: &mut mpsc::UnboundedReceiver<Update>) -> Arc<RunRecord> {
    loop {
        match updates.recv().await.unwrap() {
            Update::Closed { record, .. } => return record,
            Update::Skipped(skip) => panic!("{skip:?}"),
            _ => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_is_credited_only_to_runs_armed_before_it_had_begun() {
    let dir = tempfile::tempdir().unwrap();
    let workspace = workspace(dir.path());
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    let setup = Setup {
        workspace: Arc::clone(&workspace),
        store: Arc::new(MemoryStore::new()),
        clock: Arc::clone(&clock),
        random: Arc::new(SeededRandom::new(7)),
        listener: HttpListener::new(
            ([127, 0, 0, 1], 1).into(),
            crate::web::Settings::default(),
            Arc::clone(&clock),
        ),
        settings: Settings::STANDARD,
        options: Options::default(),
    };
    let (armed, mut arms) = mpsc::unbounded_channel();
    let (looks, mut begun) = mpsc::unbounded_channel();
    let mut sink = None;
    let (engine, mut updates) = Engine::start_with(setup, |shared| {
        let opened: Vec<_> = shared
            .slots()
            .all()
            .map(|(id, opened)| (id, opened.clone()))
            .collect();
        for (id, opened) in opened {
            sink = Some(Arc::clone(&opened.sink));
            let scripted = Opened {
                name: opened.name.clone(),
                kind: opened.kind,
                channel: Arc::new(Scripted {
                    armed: armed.clone(),
                    looks: looks.clone(),
                }),
                sink: Arc::clone(&opened.sink),
                down: Mutex::new(None),
                waiting: None,
                digest: opened.digest,
                instance: opened.instance,
                stop: opened.stop.clone(),
                ended: opened.ended.clone(),
            };
            shared.change_slots(|slots| slots.put(id, Arc::new(scripted), 0));
        }
    })
    .await
    .unwrap();
    let tick = async || {
        let now = engine.now();
        let deadline = now.after(Duration::from_secs(30));
        engine.tick(&workspace.probes[0], now, deadline, &|_| true).await
    };

    assert_eq!(tick().await, 1);
    let first = arms.recv().await.unwrap();
    let (_, first_look) = begun.recv().await.unwrap();
    assert_eq!(tick().await, 1);
    let second = arms.recv().await.unwrap();
    let (limit, second_look) = begun.recv().await.unwrap();
    // The first look ends only now, and says that it covers all there was: of the second run it cannot know.
    first_look
        .send(clock.now().after(Duration::from_secs(60)))
        .unwrap();
    let record = closed(&mut updates).await;
    assert_eq!(
        (record.token.as_str(), record.class),
        (first.as_str(), Class::Lost)
    );

    // What the second look sees had come in time.
    let came = Interval::point(limit.before(WITHIN / 2));
    let mut sighting = Sighting::new(came, Identity::Event(String::from("row 1")), Map::new());
    sighting.keys.push(second.to_string());
    sink.unwrap().send(sighting).await.unwrap();
    second_look.send(limit).unwrap();
    let record = closed(&mut updates).await;
    assert_eq!(
        (record.token.as_str(), record.class),
        (second.as_str(), Class::Delivered),
        "{record:?}"
    );
    engine.shut_down().await;
}

#[test]
fn strays_have_a_budget_that_refills() {
    let mut budget = Budget::default();
    let mut taken = |at: Moment| (0..20 * STRAYS_PER_SECOND).filter(|_| budget.take(at)).count() as u64;
    let begin = Moment(1_000_000_000);
    assert_eq!(taken(begin), 10 * STRAYS_PER_SECOND);
    assert_eq!(taken(begin), 0);
    assert_eq!(taken(begin.after(Duration::from_secs(1))), STRAYS_PER_SECOND);
    assert_eq!(
        taken(begin.after(Duration::from_secs(3600))),
        10 * STRAYS_PER_SECOND
    );
}
