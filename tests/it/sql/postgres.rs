//! The `postgres` channel on a real server.

use landfall::model::Reason;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, Executor};

use crate::support::channel::eventually;
use crate::support::polled::{Rig, TestScope, run, token, watch};
use crate::support::postgres::Server;

const TABLE: &str = "CREATE TABLE orders (id serial, ref text, status text, total numeric DEFAULT 5)";
const ROWS: &str = "SELECT id, ref AS key, status, total FROM orders WHERE ref = ANY(:keys)";

async fn server() -> Server {
    let server = Server::start().await;
    server.sql(TABLE).await;
    server
}

async fn rig(server: &Server, more: Value) -> Rig {
    let mut config = json!({ "url": server.url(), "query": ROWS });
    config
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    Rig::open(json!({ "postgres": config }), std::path::Path::new("/")).await
}

fn insert(key: &str, status: &str) -> String {
    format!(
        "INSERT INTO orders (ref, status) VALUES ('{}', '{status}')",
        key.replace('\'', "''")
    )
}

#[tokio::test]
async fn a_row_that_is_committed_late_with_a_lower_id_is_found() {
    let server = server().await;
    let rig = rig(&server, json!({ "poll": "50ms" })).await;
    let (slow, quick) = (rig.arm().await, rig.arm().await);
    let mut session = server.session().await;
    let mut open = session.begin().await.unwrap();
    open.execute(AssertSqlSafe(insert(slow.as_str(), "new")))
        .await
        .unwrap();
    server.sql(&insert(quick.as_str(), "new")).await;
    eventually("the higher id", || (!rig.of(&quick).is_empty()).then_some(())).await;
    rig.look().await.unwrap();
    assert!(rig.of(&slow).is_empty());
    open.commit().await.unwrap();
    rig.look().await.unwrap();
    let (slow, quick) = (rig.of(&slow), rig.of(&quick));
    assert!(slow[0].seen["row"]["id"].as_i64() < quick[0].seen["row"]["id"].as_i64());
    assert!(
        slow[0].at.lo >= quick[0].at.hi,
        "it came after the look that did not see it"
    );
    server
        .sql("UPDATE orders SET status = 'paid'; UPDATE orders SET status = 'sent'")
        .await;
    rig.look().await.unwrap();
    rig.look().await.unwrap();
    assert_eq!(rig.of(&token(1)).last().unwrap().seen["row"]["status"], "sent");
    assert_eq!(
        rig.of(&token(1))[0].identity,
        rig.of(&token(1)).last().unwrap().identity
    );
    rig.end().await;
}

#[tokio::test]
async fn a_server_that_crashes_and_comes_back_has_hidden_nothing() {
    let server = server().await;
    let rig = rig(&server, json!({ "poll": "50ms", "notify": "orders_changed" })).await;
    let t = rig.arm().await;
    eventually("both sessions", || {
        (rig.channel.counters()["connections"] == 2).then_some(())
    })
    .await;
    server.down();
    let fault = rig.look().await.unwrap_err();
    assert!(
        matches!(fault.reason, Reason::Unreachable | Reason::Reset),
        "{fault:?}"
    );
    assert!(
        !fault.message.contains(".c"),
        "no line of the server's source: {fault}"
    );
    server.up().await;
    server.sql(&insert(t.as_str(), "new")).await;
    eventually("the row", || (!rig.of(&t).is_empty()).then_some(())).await;
    eventually("the end of the gap", || {
        (!rig.sink.ups.lock().unwrap().is_empty()).then_some(())
    })
    .await;
    assert_eq!(*rig.sink.ups.lock().unwrap(), [true]);
    assert_eq!(rig.sink.downs.lock().unwrap().len(), 1);
    eventually("both sessions again", || {
        (rig.channel.counters()["connections"] == 2).then_some(())
    })
    .await;
    assert_eq!(rig.of(&t).len(), 1);
    rig.end().await;
}

#[tokio::test]
async fn a_lock_a_slow_query_and_a_missing_table_blind_and_lose_nothing() {
    let server = server().await;
    let query = "SELECT ref AS key, status, pg_sleep(CASE status WHEN 'slow' THEN 60 ELSE 0 END)::text AS s \
                 FROM orders WHERE ref = ANY(:keys)";
    let rig = rig(
        &server,
        json!({ "query": query, "timeout": "300ms", "poll": "50ms" }),
    )
    .await;
    let t = rig.arm().await;
    let mut session = server.session().await;
    let mut open = session.begin().await.unwrap();
    open.execute("LOCK TABLE orders").await.unwrap();
    let fault = rig.look().await.unwrap_err();
    assert!(
        fault.message.contains("(55P03); another session holds the lock"),
        "{fault}"
    );
    open.execute(AssertSqlSafe(insert(t.as_str(), "new")))
        .await
        .unwrap();
    open.commit().await.unwrap();
    eventually("the row behind the lock", || {
        (!rig.of(&t).is_empty()).then_some(())
    })
    .await;
    assert!(rig.of(&t)[0].widened);
    server.sql("UPDATE orders SET status = 'slow'").await;
    let fault = rig.look().await.unwrap_err();
    assert!(
        fault
            .message
            .contains("(57014); the query took longer than `timeout`"),
        "{fault}"
    );
    server.sql("ALTER TABLE orders RENAME TO hidden").await;
    let fault = rig.look().await.unwrap_err();
    assert_eq!(fault.reason, Reason::Status);
    assert!(
        fault
            .message
            .contains("relation \"orders\" does not exist (42P01)"),
        "{fault}"
    );
    server
        .sql("UPDATE hidden SET status = 'paid'; ALTER TABLE hidden RENAME TO orders")
        .await;
    eventually("the change", || (rig.of(&t).len() == 2).then_some(())).await;
    assert_eq!(rig.of(&t)[1].seen["row"]["status"], "paid");
}

#[tokio::test]
async fn a_notification_wakes_and_polling_need_not() {
    let server = server().await;
    let rig = rig(&server, json!({ "poll": "1h", "notify": "Orders changed" })).await;
    let t = rig.arm().await;
    eventually("both sessions", || {
        (rig.channel.counters()["connections"] == 2).then_some(())
    })
    .await;
    server
        .sql(&format!(
            "{}; NOTIFY \"Orders changed\"",
            insert(t.as_str(), "new")
        ))
        .await;
    eventually("the row", || (!rig.of(&t).is_empty()).then_some(())).await;
    rig.end().await;
}

#[tokio::test]
async fn one_query_asks_for_a_thousand_and_none_is_sent_when_nothing_is_armed() {
    let server = server().await;
    let rig = rig(&server, json!({ "poll": "1h" })).await;
    for _ in 0..1_000 {
        rig.arm().await;
    }
    server.sql(&insert(token(7).as_str(), "new")).await;
    let before = server.queries();
    rig.look().await.unwrap();
    assert_eq!(server.queries(), before + 1);
    assert_eq!(rig.sink.seen().len(), 1);
    for n in 1..=1_000 {
        rig.channel.disarm(run(n));
    }
    rig.look().await.unwrap();
    assert_eq!(server.queries(), before + 1);
}

#[tokio::test]
async fn values_are_bound_and_the_session_cannot_write() {
    let server = server().await;
    let evil = "x'; DROP TABLE orders; --";
    server.sql(&insert(evil, "evil")).await;
    let bound = rig(&server, json!({})).await;
    bound.arm().await;
    bound.channel.extend(
        run(1),
        &[evil.to_owned(), String::from("nul\0")],
        TestScope::of(&[]),
    );
    bound.look().await.unwrap();
    assert_eq!(bound.sink.seen()[0].keys, [evil]);
    let query = "SELECT status FROM orders WHERE ref = :name AND total = :total::numeric";
    let named = rig(&server, json!({ "query": query })).await;
    named
        .channel
        .arm(watch(1, &[("name", json!(evil)), ("total", json!(5))]))
        .await
        .unwrap();
    named.look().await.unwrap();
    assert_eq!(named.of(&token(1))[0].seen["row"]["status"], "evil");
    server
        .sql("CREATE FUNCTION spoil() RETURNS text LANGUAGE sql AS 'DELETE FROM orders RETURNING ref'")
        .await;
    for (query, said) in [
        (
            "SELECT spoil() AS key WHERE true OR '' = ANY(:keys)",
            "(25006); the session is read-only",
        ),
        (
            "WITH d AS (DELETE FROM orders RETURNING ref) SELECT ref AS key FROM d WHERE ref = ANY(:keys)",
            "(0A000)",
        ),
        (
            "SELECT ref FROM orders WHERE ref = ANY(:keys)",
            "no column `key`, only: ref; select",
        ),
        (
            "SELECT id AS key FROM orders WHERE id = ANY(:keys)",
            "cast the column, as in `ref::text = ANY(:keys)`",
        ),
    ] {
        let rig = rig(&server, json!({ "query": query })).await;
        let fault = rig.channel.arm(watch(2, &[])).await.unwrap_err();
        assert!(fault.message.contains(said), "{fault}");
    }
    bound.look().await.unwrap();
    assert_eq!(bound.sink.seen().len(), 1, "the row is still there, as it was");
}

#[tokio::test]
async fn any_type_is_read_and_what_is_too_long_is_cut() {
    let server = server().await;
    let query = "SELECT ref AS key, total, ARRAY[1,2] AS list, '1 day'::interval AS span, 'infinity'::timestamptz AS at, \
                 '{\"a\": 1}'::jsonb AS doc, 1e400::numeric AS big, null AS nothing, repeat('é', 5000000) AS text, \
                 status FROM orders WHERE ref = ANY(:keys)";
    let rig = rig(&server, json!({ "query": query })).await;
    let t = rig.arm().await;
    server.sql(&insert(t.as_str(), "new")).await;
    rig.look().await.unwrap();
    let seen = &rig.of(&t)[0].seen;
    let row = &seen["row"];
    assert_eq!(
        (&row["list"], &row["span"], &row["at"]),
        (&json!([1, 2]), &json!("1 day"), &json!("infinity"))
    );
    assert_eq!(
        (&row["doc"], &row["nothing"], &row["total"]),
        (&json!({ "a": 1 }), &json!(null), &json!(5))
    );
    assert!(row["big"].as_str().unwrap().starts_with("1000"));
    assert_eq!(row["text"].as_str().unwrap().len(), 64 << 10);
    assert_eq!(
        seen["cut"],
        json!(["`text` of 10000000 bytes, at the limit bytes per cell (65536)"])
    );
    assert_eq!(row["status"], "new");
}

#[tokio::test]
async fn a_row_that_spoils_the_query_harms_no_other_run() {
    let server = server().await;
    let query = "SELECT ref AS key, 1 / (total - 4) AS part FROM orders WHERE ref = ANY(:keys)";
    let rig = rig(&server, json!({ "query": query, "poll": "1h" })).await;
    for _ in 0..20 {
        rig.arm().await;
    }
    for n in 1..=20 {
        server.sql(&insert(token(n).as_str(), "new")).await;
    }
    server
        .sql(&format!(
            "UPDATE orders SET total = 4 WHERE ref = '{}'",
            token(13)
        ))
        .await;
    rig.look().await.unwrap();
    let fault = rig.channel.look_for(run(13), rig.clock.now()).await.unwrap_err();
    assert!(fault.message.contains("division by zero (22012)"), "{fault}");
    assert_eq!(rig.sink.seen().len(), 19);
    assert!(rig.of(&token(13)).is_empty());
    assert_eq!(rig.sink.dropped.lock().unwrap().len(), 1);
    assert!(rig.sink.downs.lock().unwrap().is_empty());
}
