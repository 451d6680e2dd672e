//! The verdict comes from the version of the probe that fired, whatever its file says by now.

use landfall::model::Class;
use rusqlite::Connection;
use serde_json::json;

use super::life::{Lives, Target, token};

/// Waits for a row that says `paid`.
fn lives(target: &Target) -> (Lives, Connection) {
    let channels = json!({ "rows": { "sqlite": {
        "path": "outcomes.db",
        "query": "SELECT ref AS key, status FROM done WHERE ref IN (:keys)",
    } } });
    let outcome = json!({ "outcome": [{
        "in": "rows", "within": "60s", "expect": "seen.row.status == 'paid'",
    }] });
    let lives = Lives::new(target, &channels, &outcome);
    let table = Connection::open(lives.path("outcomes.db")).unwrap();
    table
        .execute_batch("CREATE TABLE done (ref TEXT, status TEXT)")
        .unwrap();
    (lives, table)
}

fn pay(table: &Connection, token: &str) {
    table
        .execute("INSERT INTO done VALUES (?1, 'paid')", [token])
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_probe_judges_its_own_runs_alone() {
    let target = Target::start().await;
    let (lives, table) = lives(&target);
    lives.fire_and_end().await;
    let before = token(&target).await;
    lives.rewrite("probes/probe.yaml", |probe| {
        probe["outcome"][0]["expect"] = json!("seen.row.status == 'shipped'");
        probe["description"] = json!("changed");
    });
    pay(&table, &before);
    let mut life = lives.begin().await;
    let record = life.closed().await;
    assert_eq!(
        (record.class, record.token.as_str()),
        (Class::Delivered, before.as_str())
    );
    assert_eq!(target.cleaned(), 1);
    let revision = record.revision.clone();
    life.end().await;
    // What fires from now on is judged by what stands there now.
    lives.rewrite("probes/probe.yaml", |probe| {
        probe["outcome"][0]["within"] = json!("100ms");
        probe["outcome"][0]["grace"] = json!("100ms");
    });
    let mut life = lives.begin().await;
    life.whole.tick().await;
    let after =
        crate::support::channel::eventually("the second order", || target.orders().get(1).cloned()).await;
    pay(&table, after["ref"].as_str().unwrap());
    let record = life.closed().await;
    assert_eq!(record.class, Class::Mismatched);
    assert_ne!(record.revision, revision);
    life.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_that_is_gone_is_still_waited_for() {
    let target = Target::start().await;
    let (lives, table) = lives(&target);
    lives.fire_and_end().await;
    let token = token(&target).await;
    let file = lives.path("probes/probe.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(
        lives.path("probes/other.yaml"),
        text.replace("\"orders\"", "\"other\""),
    )
    .unwrap();
    std::fs::remove_file(file).unwrap();
    pay(&table, &token);
    let mut life = lives.begin().await;
    let record = life.closed().await;
    assert_eq!(
        (record.class, record.probe.as_str()),
        (Class::Delivered, "orders")
    );
    life.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_its_version_cannot_be_had_it_is_unobserved_and_says_why() {
    let target = Target::start().await;
    let (lives, _table) = lives(&target);
    lives.fire_and_end().await;
    let store = Connection::open(lives.path("landfall.db")).unwrap();
    store
        .execute("DELETE FROM kept WHERE space = 'revisions'", [])
        .unwrap();
    drop(store);
    lives.rewrite("probes/probe.yaml", |probe| {
        probe["outcome"][0]["within"] = json!("61s");
    });
    let mut life = lives.begin().await;
    let record = life.closed().await;
    assert_eq!(record.class, Class::Unobserved);
    assert!(
        record.reason.contains("that version was not kept"),
        "{}",
        record.reason
    );
    assert_eq!(record.expectations[0].name, "rows");
    assert_eq!(life.open().await, 0);
    assert!(life.skips().await.is_empty());
    life.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_that_means_something_else_by_now_proves_nothing() {
    let target = Target::start().await;
    let (lives, _table) = lives(&target);
    lives.rewrite("probes/probe.yaml", |probe| {
        // Over soon, and not before the first life is, however busy the machine.
        probe["outcome"][0]["within"] = json!("5s");
        probe["outcome"][0]["grace"] = json!("10ms");
    });
    lives.fire_and_end().await;
    let other = Connection::open(lives.path("elsewhere.db")).unwrap();
    other
        .execute_batch("CREATE TABLE done (ref TEXT, status TEXT)")
        .unwrap();
    lives.rewrite("landfall.yaml", |workspace| {
        workspace["channels"]["rows"]["sqlite"]["path"] = json!("elsewhere.db");
    });
    let mut life = lives.begin().await;
    let record = life.closed().await;
    assert_eq!(record.class, Class::Unobserved, "{}", record.reason);
    life.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_kept() {
    let target = Target::start().await;
    let (lives, _table) = lives(&target);
    std::fs::write(lives.path("secret"), "hunter2-hunter2").unwrap();
    lives.rewrite("probes/probe.yaml", |probe| {
        probe["request"]["http"]["headers"] = json!({ "authorization": "Bearer ${file:secret}" });
        probe["input"] = json!({ "pass": "${file:secret}" });
    });
    lives.fire_and_end().await;
    let store = std::fs::read(lives.path("landfall.db")).unwrap();
    let text = String::from_utf8_lossy(&store);
    assert!(text.contains("Bearer ${file:secret}"), "the text is kept");
    assert!(!text.contains("hunter2"));
}
