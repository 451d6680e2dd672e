//! The `sqlite` channel on real files.

use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::Duration;

use landfall::channel::{ChannelConfig, Planted};
use landfall::clock::{Clock, SystemClock};
use landfall::diag::Problems;
use landfall::model::{Identity, Reason};
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::support::channel::eventually;
use crate::support::polled::{Rig, TestScope, run, token, watch};

const ROWS: &str = "SELECT ref AS key, status, total FROM orders WHERE ref IN (:keys)";

/// A file with a table of orders.
struct File {
    dir: tempfile::TempDir,
    db: Connection,
}

impl File {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let db = make(dir.path().join("orders.db"));
        Self { dir, db }
    }

    async fn rig(&self, more: Value) -> Rig {
        let mut config = json!({ "path": "orders.db", "query": ROWS });
        config
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        Rig::open(json!({ "sqlite": config }), self.dir.path()).await
    }

    fn put(&self, key: &str, status: &str) {
        self.db
            .execute("INSERT INTO orders VALUES (?1, ?2, 5)", [key, status])
            .unwrap();
    }
}

fn make(path: PathBuf) -> Connection {
    let db = Connection::open(path).unwrap();
    db.execute_batch("CREATE TABLE orders (ref TEXT, status TEXT, total INTEGER)")
        .unwrap();
    db
}

#[tokio::test]
async fn each_state_of_a_row_is_reported_once_with_an_interval_that_holds_its_time() {
    let file = File::new();
    let rig = file.rig(json!({})).await;
    let t = rig.arm().await;
    rig.look().await.unwrap();
    let before = rig.clock.now();
    file.put(t.as_str(), "new");
    let after = rig.clock.now();
    for _ in 0..3 {
        rig.look().await.unwrap();
    }
    file.db.execute("UPDATE orders SET status = 'paid'", []).unwrap();
    for _ in 0..3 {
        rig.look().await.unwrap();
    }
    let seen = rig.of(&t);
    let states: Vec<&Value> = seen.iter().map(|s| &s.seen["row"]["status"]).collect();
    assert_eq!(states, ["new", "paid"]);
    assert_eq!(seen[0].identity, seen[1].identity, "one row");
    assert!(matches!(seen[0].identity, Identity::State(_)));
    assert_eq!(
        seen[0].seen["row"],
        json!({ "key": t.as_str(), "status": "new", "total": 5 })
    );
    assert!(seen[0].at.lo <= after && seen[0].at.hi >= before);
    assert!(seen[0].at.lo < seen[0].at.hi && seen[0].looked_at.unwrap() < seen[0].at.hi);
    assert!(!seen[0].widened);
    assert!(
        seen[1].at.lo >= seen[0].looked_at.unwrap(),
        "the look before did not see it"
    );
    rig.end().await;
}

#[tokio::test]
async fn two_rows_side_by_side_are_two_things() {
    let file = File::new();
    let rig = file.rig(json!({})).await;
    let t = rig.arm().await;
    file.put(t.as_str(), "new");
    file.put(t.as_str(), "new");
    rig.look().await.unwrap();
    rig.look().await.unwrap();
    let seen = rig.of(&t);
    assert_eq!(seen.len(), 2);
    assert_ne!(seen[0].identity, seen[1].identity);
}

#[tokio::test]
async fn a_captured_key_is_bound_and_never_pasted() {
    let file = File::new();
    let rig = file.rig(json!({})).await;
    rig.arm().await;
    let evil = "x'); DROP TABLE orders; --";
    file.put(evil, "evil");
    file.put("another", "strange");
    rig.channel.extend(run(1), &[evil.to_owned()], TestScope::of(&[]));
    rig.look().await.unwrap();
    let seen = rig.sink.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].keys, [evil]);
    let rows: u32 = file
        .db
        .query_row("SELECT count(*) FROM orders", [], |r| r.get(0))
        .unwrap();
    assert_eq!(rows, 2);
}

#[tokio::test]
async fn a_query_that_names_a_captured_value_waits_for_it() {
    let file = File::new();
    let query = "SELECT status FROM orders WHERE total = :amount AND ref = :token";
    let rig = file.rig(json!({ "query": query })).await;
    let t = rig.arm().await;
    file.put(t.as_str(), "new");
    assert!(
        rig.channel.look_for(run(1), rig.clock.now()).await.is_err(),
        "nothing can be asked for yet"
    );
    assert_eq!(rig.sink.seen().len(), 0);
    rig.channel
        .extend(run(1), &[], TestScope::of(&[("amount", json!(5))]));
    rig.look().await.unwrap();
    assert_eq!(rig.of(&t)[0].seen["row"], json!({ "status": "new" }));
}

#[tokio::test]
async fn one_query_asks_for_all_and_none_is_sent_when_nothing_is_armed() {
    let file = File::new();
    let rig = file.rig(json!({ "poll": "1h" })).await;
    for _ in 0..1_000 {
        rig.arm().await;
    }
    let before = rig.looks();
    file.put(token(1).as_str(), "new");
    file.put(token(1_000).as_str(), "new");
    rig.look().await.unwrap();
    assert_eq!(rig.looks(), before + 1);
    assert_eq!(rig.sink.seen().len(), 2);
    let now = rig.clock.now();
    let (one, two, three) = tokio::join!(
        rig.channel.look(now),
        rig.channel.look(now),
        rig.channel.look(now)
    );
    assert!(one.unwrap() >= now && two.unwrap() >= now && three.unwrap() >= now);
    assert!(rig.looks() <= before + 3, "looks at once share a question");
    for n in 1..=1_000 {
        rig.channel.disarm(run(n));
    }
    let idle = rig.looks();
    rig.look().await.unwrap();
    assert_eq!(rig.looks(), idle);
    assert_eq!(rig.channel.counters()["armed"], 0);
}

#[tokio::test]
async fn a_file_that_is_not_there_or_is_replaced_is_said_and_found() {
    let dir = tempfile::tempdir().unwrap();
    let config = json!({ "sqlite": { "path": "orders.db", "query": ROWS, "poll": "20ms" } });
    let rig = Rig::open(config, dir.path()).await;
    let fault = rig.channel.arm(watch(9, &[])).await.unwrap_err();
    assert_eq!(fault.reason, Reason::Unreachable);
    assert!(fault.message.contains("orders.db`: No such file"), "{fault}");
    drop(make(dir.path().join("orders.db")));
    let t = rig.arm().await;
    assert_eq!(*rig.sink.ups.lock().unwrap(), [true]);
    std::fs::remove_file(dir.path().join("orders.db")).unwrap();
    let db = make(dir.path().join("orders.db"));
    db.execute("INSERT INTO orders VALUES (?1, 'new', 1)", [t.as_str()])
        .unwrap();
    eventually("the row of the new file", || {
        (!rig.of(&t).is_empty()).then_some(())
    })
    .await;
    let Planted::ReadOnly(reason) = rig.channel.plant(&t).await.unwrap() else {
        panic!("nothing can be planted in a file that is only read");
    };
    assert!(reason.contains("read-only"));
}

#[tokio::test]
async fn a_lock_blinds_and_what_it_hid_is_found_and_marked() {
    let file = File::new();
    let rig = file.rig(json!({ "timeout": "200ms", "poll": "50ms" })).await;
    let t = rig.arm().await;
    file.db.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let fault = rig.look().await.unwrap_err();
    assert_eq!(fault.reason, Reason::Timeout);
    assert!(fault.message.contains("lock"), "{fault}");
    file.put(t.as_str(), "new");
    file.db.execute_batch("COMMIT").unwrap();
    eventually("the row behind the lock", || {
        (!rig.of(&t).is_empty()).then_some(())
    })
    .await;
    eventually("the end of the gap", || {
        (!rig.sink.ups.lock().unwrap().is_empty()).then_some(())
    })
    .await;
    assert!(rig.of(&t)[0].widened);
    assert_eq!(rig.sink.downs.lock().unwrap().len(), 1);
    assert_eq!(*rig.sink.ups.lock().unwrap(), [true]);
}

/// What a look saw has to be on record before the next one leaves. A store that takes its time is no fault of what
/// the next one sees.
#[tokio::test]
async fn a_look_that_the_store_held_up_is_marked() {
    let file = File::new();
    let rig = file.rig(json!({ "poll": "20ms" })).await;
    let t = rig.arm().await;
    let locked = rig.sink.gate.write().await;
    file.put(t.as_str(), "new");
    eventually("the first state on its way", || {
        (rig.sink.handed.load(Ordering::Relaxed) > 0).then_some(())
    })
    .await;
    file.db.execute("UPDATE orders SET status = 'paid'", []).unwrap();
    // As long as the store is locked.
    SystemClock::start().sleep(Duration::from_millis(100)).await;
    drop(locked);
    let seen = eventually("both states", || Some(rig.of(&t)).filter(|seen| seen.len() > 1)).await;
    assert!(seen[1].widened, "{seen:?}");
    assert!(seen[1].at.hi.since(seen[1].at.lo) > Duration::from_millis(100));
    // The mark does not stay.
    let mut states = 2;
    loop {
        let next = format!("state {states}");
        file.db.execute("UPDATE orders SET status = ?1", [&next]).unwrap();
        states += 1;
        let seen = eventually("the next state", || {
            Some(rig.of(&t)).filter(|seen| seen.len() >= states)
        })
        .await;
        if !seen.last().unwrap().widened {
            break;
        }
    }
    rig.end().await;
}

#[tokio::test]
async fn a_query_without_end_is_broken_off() {
    let file = File::new();
    let query = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n, orders WHERE status = 'slow') \
                 SELECT ref AS key, status, (SELECT max(x) FROM n) AS m FROM orders WHERE ref IN (:keys)";
    let rig = file
        .rig(json!({ "query": query, "timeout": "300ms", "poll": "50ms" }))
        .await;
    let t = rig.arm().await;
    file.put(t.as_str(), "slow");
    let fault = rig.look().await.unwrap_err();
    assert_eq!(fault.reason, Reason::Timeout, "{fault}");
    file.db.execute("UPDATE orders SET status = 'fast'", []).unwrap();
    eventually("the row", || (!rig.of(&t).is_empty()).then_some(())).await;
    rig.end().await;
}

#[tokio::test]
async fn huge_cells_are_cut_and_what_cannot_be_read_harms_no_other_run() {
    let file = File::new();
    let rig = file.rig(json!({ "poll": "1h" })).await;
    let (large, monstrous, plain) = (rig.arm().await, rig.arm().await, rig.arm().await);
    file.put(large.as_str(), &"é".repeat(1 << 20));
    file.db
        .execute(
            "INSERT INTO orders VALUES (?1, CAST(zeroblob(20000000) AS TEXT), 1)",
            [monstrous.as_str()],
        )
        .unwrap();
    file.put(plain.as_str(), "new");
    rig.look().await.unwrap();
    assert_eq!(rig.of(&plain)[0].seen["row"]["status"], "new");
    let cut = &rig.of(&large)[0].seen;
    assert_eq!(cut["row"]["status"].as_str().unwrap().len(), 64 << 10);
    assert_eq!(
        cut["cut"][0],
        "`status` of 2097152 bytes, at the limit bytes per cell (65536)"
    );
    assert!(rig.of(&monstrous).is_empty());
    let dropped = rig.sink.dropped.lock().unwrap().clone();
    assert_eq!(dropped.len(), 1, "{dropped:?}");
    assert!(
        dropped[0].contains("limit: bytes per value read, 16777216"),
        "{dropped:?}"
    );
    assert!(rig.sink.downs.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_store_that_takes_nothing_loses_nothing() {
    let file = File::new();
    let rig = file.rig(json!({ "poll": "1h" })).await;
    let t = rig.arm().await;
    *rig.sink.broken.lock().unwrap() = true;
    file.put(t.as_str(), "new");
    assert_eq!(rig.look().await.unwrap_err().reason, Reason::Store);
    *rig.sink.broken.lock().unwrap() = false;
    rig.look().await.unwrap();
    assert_eq!(rig.of(&t).len(), 1);
    assert!(
        rig.sink.downs.lock().unwrap().is_empty(),
        "the channel itself sees"
    );
}

#[tokio::test]
async fn what_cannot_work_is_said_with_what_there_is() {
    let file = File::new();
    for (query, said) in [
        (
            "SELECT ref, status FROM orders WHERE ref IN (:keys)",
            "no column `key`, only: ref, status; select",
        ),
        (
            "SELECT ref AS key FROM nowhere WHERE ref IN (:keys)",
            "no such table: nowhere",
        ),
        (
            "DELETE FROM orders WHERE ref IN (:keys) RETURNING ref AS key",
            "a channel only reads",
        ),
    ] {
        let rig = file.rig(json!({ "query": query })).await;
        let fault = rig.channel.arm(watch(1, &[])).await.unwrap_err();
        assert!(fault.message.contains(said), "{fault}");
    }
    let config: ChannelConfig = serde_json::from_value(json!({ "sqlite": {
        "path": "x", "query": "SELECT '{{ token }}' AS key", "timeout": "0s",
    }}))
    .unwrap();
    let mut problems = Problems::default();
    config.check(&mut problems);
    assert_eq!(problems.all().len(), 2);
    assert!(
        problems.all()[0]
            .message
            .contains("never put together from values")
    );
}
