//! A store in trouble, with the real engine: no probe is late for it, no class is changed by it, nothing is acknowledged
//! that it has not taken.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use landfall::engine::Update;
use landfall::model::{Class, Moment, RunId, SkipReason};
use landfall::store::{Options, SqliteStore, Store};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::store::make::{intent, observation};
use crate::support::whole::{self, Whole, http_client};

/// A system that takes every order and leaves calling back to the test: gives its address and the hooks it was told.
async fn system() -> (String, UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let (told, hooks) = unbounded_channel();
    let order = async move |Json(body): Json<Value>| {
        told.send(body["hook"].as_str().unwrap().to_owned()).unwrap();
        Json(json!({}))
    };
    let app = axum::Router::new().route("/orders", axum::routing::post(order));
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    (base, hooks)
}

fn definition(base: &str, within: &str) -> (Value, Value) {
    let workspace = json!({ "vars": { "base": base }, "channels": { "hooks": { "callback": {} } } });
    let probe = json!({
        "name": "orders",
        "request": { "http": {
            "method": "POST", "url": "{{ vars.base }}/orders",
            "json": { "ref": "{{ token }}", "hook": "{{ channels.hooks.url }}" },
        } },
        "outcome": [{ "in": "hooks", "within": within, "grace": "0s" }],
        "settle": "0s",
    });
    (workspace, probe)
}

async fn call(hook: &str) -> u16 {
    let request = http_client()
        .post(hook)
        .header("webhook-id", "one")
        .json(&json!({ "event": "paid" }));
    request.send().await.unwrap().status().as_u16()
}

/// Writes of every sort until none of them finds room, however small.
async fn fill(store: &SqliteStore) {
    for (n, bytes) in [20_000, 500, 1].into_iter().enumerate() {
        let text = "x".repeat(bytes);
        let mut at = 0;
        while store.save_cursor(format!("{n} {at}"), text.clone()).await.is_ok() {
            at += 1;
        }
    }
    let mut id = 1 << 40;
    while store.observe(observation(id, &[])).await.is_ok() {
        id += 1;
    }
    // At the end of every tree, where the next real one goes.
    let mut n = 0;
    loop {
        let mut intent = intent(1, "a");
        intent.run = RunId(uuid::Uuid::from_u128(u128::MAX / 2 + n));
        intent.tick = Moment(i64::MAX / 2 + i64::try_from(n).unwrap());
        if store.claim(vec![intent]).await.is_err() {
            return;
        }
        n += 1;
    }
}

async fn skipped(whole: &mut Whole) -> SkipReason {
    loop {
        match whole.updates.recv().await.unwrap() {
            Update::Skipped(skip) => return skip.reason,
            Update::Closed { record, .. } => panic!("{record:?}"),
            _ => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_held_lock_skips_ticks_refuses_callbacks_and_changes_no_class() {
    let dir = tempfile::tempdir().unwrap();
    let (base, mut hooks) = system().await;
    let (workspace, probe) = definition(&base, "60s");
    whole::write(dir.path(), &workspace, &probe);
    let options = Options::new(Moment(0), "landfall under test");
    let store = Arc::new(SqliteStore::open(&dir.path().join("landfall.db"), options).unwrap());
    let mut whole = Whole::start(dir.path(), store.clone()).await;
    assert_eq!(whole.tick().await, 1);
    let hook = hooks.recv().await.unwrap();

    let other = rusqlite::Connection::open(store.file()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert_eq!(call(&hook).await, 503, "not durable, so not acknowledged");
    // A tick whose intent is not durable by its start deadline does not fire.
    assert_eq!(whole.tick_within(Duration::from_millis(300)).await, 1);
    let reason = skipped(&mut whole).await;
    assert!(
        matches!(reason, SkipReason::Store | SkipReason::LateStart),
        "{reason:?}"
    );
    assert!(hooks.try_recv().is_err(), "nothing was fired");

    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(call(&hook).await, 200, "the sender's next attempt");
    let record = whole.closed().await;
    assert_eq!(record.class, Class::Delivered, "{record:#?}");
    assert_eq!(store.run(record.id).await.unwrap().as_ref(), Some(&*record));
    // It fires again by itself.
    assert_eq!(whole.tick().await, 1);
    let hook = hooks.recv().await.unwrap();
    assert_eq!(call(&hook).await, 200);
    assert_eq!(whole.closed().await.class, Class::Delivered);
    whole.end().await;
    store.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_store_fires_nothing_and_what_it_could_not_take_is_not_called_lost() {
    let dir = tempfile::tempdir().unwrap();
    let (base, mut hooks) = system().await;
    let (workspace, probe) = definition(&base, "10s");
    whole::write(dir.path(), &workspace, &probe);
    let mut options = Options::new(Moment(0), "landfall under test");
    options.max_bytes = Some(400_000);
    let store = Arc::new(SqliteStore::open(&dir.path().join("landfall.db"), options).unwrap());
    let mut whole = Whole::start(dir.path(), store.clone()).await;
    assert_eq!(whole.tick().await, 1);
    let hook = hooks.recv().await.unwrap();
    fill(&store).await;
    assert_eq!(call(&hook).await, 503);
    assert_eq!(whole.tick_within(Duration::from_millis(300)).await, 1);
    // The tick is skipped and the open run ends, in either order.
    let (mut reason, mut ended) = (None, None);
    while reason.is_none() || ended.is_none() {
        let update = tokio::time::timeout(Duration::from_secs(60), whole.updates.recv());
        match update.await.expect("a skip and a closed run").unwrap() {
            Update::Skipped(skip) => reason = Some(skip.reason),
            Update::Closed { record, .. } => {
                assert!(ended.replace(record).is_none(), "the second tick fired");
            }
            _ => {}
        }
    }
    assert!(
        matches!(reason, Some(SkipReason::Store | SkipReason::LateStart)),
        "{reason:?}"
    );
    assert!(hooks.try_recv().is_err(), "nothing was fired");
    let record = ended.unwrap();
    assert_eq!(
        record.class,
        Class::Unobserved,
        "landfall could not keep what it saw: {record:#?}"
    );
    whole.end().await;
}
