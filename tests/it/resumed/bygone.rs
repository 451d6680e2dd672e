//! A run that had ended before the start is amended by what a polled channel finds, by what bears its captured id, and by
//! what was acknowledged and not yet heeded when the process before was killed.

use std::sync::Arc;

use landfall::clock::{Clock, SystemClock};
use landfall::model::{Class, ObservationId, RunRecord};
use landfall::store::{Location, Store, StoredObservation};
use rusqlite::{Connection, OpenFlags};
use serde_json::json;

use super::life::{Lives, Target, token};
use crate::support::channel::eventually;
use crate::support::whole::http_client;

/// The record of the one run, once its verdict is this.
async fn becomes(lives: &Lives, class: Class) -> RunRecord {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
    let store = Connection::open_with_flags(lives.path("landfall.db"), flags).unwrap();
    let look = || {
        let record: String = store
            .query_row("SELECT record FROM records", [], |row| row.get(0))
            .unwrap();
        let record: RunRecord = serde_json::from_str(&record).unwrap();
        (record.class == class).then_some(record)
    };
    eventually(&format!("the run to be {}", class.word()), look).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_comes_while_the_run_would_still_be_looked_for_makes_it_late() {
    let target = Target::start().await;
    let channels = json!({ "rows": { "sqlite": {
        "path": "outcomes.db",
        "query": "SELECT ref AS key, status FROM done WHERE ref IN (:keys)",
    } } });
    let outcome = json!({ "outcome": [{ "in": "rows", "within": "9s", "grace": "1s" }] });
    let lives = Lives::new(&target, &channels, &outcome);
    let table = Connection::open(lives.path("outcomes.db")).unwrap();
    table
        .execute_batch("CREATE TABLE done (ref TEXT, status TEXT)")
        .unwrap();
    let mut life = lives.begin().await;
    life.whole.tick().await;
    let token = token(&target).await;
    assert_eq!(life.closed().await.class, Class::Lost);
    life.end().await;
    let life = lives.begin().await;
    table
        .execute("INSERT INTO done VALUES (?1, 'paid')", [&token])
        .unwrap();
    let record = becomes(&lives, Class::Late).await;
    assert_eq!(record.amendments[0].from, Class::Lost);
    let seconds = record.expectations[0].seconds.unwrap();
    assert!(
        seconds.0 >= 10.0,
        "it was not there when the run ended: {seconds:?}"
    );
    assert_eq!(target.orders().len(), 1);
    assert_eq!(target.cleaned(), 1, "cleaned up once");
    life.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_bears_its_captured_id_makes_it_a_duplicate() {
    let target = Target::start().await;
    let channels = json!({ "hooks": { "callback": {} } });
    let more = json!({
        "request": { "http": {
            "url": "{{ vars.base }}/orders",
            "json": { "ref": "{{ token }}", "webhook": "{{ channels.hooks.base_url }}" },
        } },
        "capture": { "order": "response.json.id" },
        "outcome": [{ "in": "hooks", "within": "60s", "expect": "seen.json.order == order" }],
    });
    let lives = Lives::new(&target, &channels, &more);
    let mut life = lives.begin().await;
    life.whole.tick().await;
    token(&target).await;
    let webhook = target.orders()[0]["webhook"].as_str().unwrap().to_owned();
    let call = |n: u32| {
        let body = json!({ "order": "order-424243", "n": n });
        let call = http_client().post(&webhook).json(&body).send();
        async { assert!(call.await.unwrap().status().is_success()) }
    };
    call(1).await;
    assert_eq!(life.closed().await.class, Class::Delivered);
    life.end().await;
    let life = lives.begin().await;
    call(2).await;
    let record = becomes(&lives, Class::Duplicate).await;
    assert_eq!(record.observations.len(), 2, "{record:#?}");
    assert_eq!(record.amendments[0].from, Class::Delivered);
    life.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_and_not_heeded_before_a_kill_is_heeded_at_the_start() {
    let target = Target::start().await;
    let channels = json!({ "hooks": { "callback": {} } });
    let more = json!({ "outcome": [{ "in": "hooks", "within": "100ms", "grace": "100ms" }] });
    let lives = Lives::new(&target, &channels, &more);
    let mut life = lives.begin().await;
    life.whole.tick().await;
    let lost = life.closed().await;
    assert_eq!(lost.class, Class::Lost);
    life.end().await;
    // As a process leaves it that is killed between the acknowledgement and the verdict.
    let now = SystemClock::start().now();
    let location = Location::Sqlite(lives.path("landfall.db"));
    let options = landfall::store::Options::new(now, "a test");
    let opened = tokio::task::spawn_blocking(move || landfall::store::open(&location, options));
    let store: Arc<dyn Store> = opened.await.unwrap().unwrap();
    let sighting = landfall::model::Sighting::new(
        landfall::model::Interval::point(now),
        landfall::model::Identity::Event(String::from("one")),
        serde_json::Map::new(),
    );
    let observation = Arc::new(landfall::model::Observation {
        id: ObservationId(now.0.unsigned_abs()),
        channel: landfall::model::ChannelId(0),
        sighting,
    });
    let stored = StoredObservation {
        channel: String::from("hooks"),
        observation,
        runs: vec![lost.id],
    };
    store.observe(stored).await.unwrap();
    store.shutdown().await.unwrap();
    let life = lives.begin().await;
    let record = becomes(&lives, Class::Late).await;
    assert_eq!(record.amendments.len(), 1);
    life.end().await;
    // Heeded once: a further start finds nothing to do.
    let life = lives.begin().await;
    assert_eq!(life.open().await, 0);
    life.end().await;
    assert_eq!(becomes(&lives, Class::Late).await, record);
}
