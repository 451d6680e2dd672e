//! Stored records from the command line, while another process has the store open.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use landfall::model::{Class, MarkKind, RunRecord};
use landfall::store::{Options, SqliteStore, Store};

use super::{err, landfall, out};
use crate::store::make::{amended, open, record, run, tick};

fn workspace() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    // What history does not need may be wrong or missing.
    let text = "store: sqlite:data/runs.db\nlisten: nowhere\nvars: { key: \"${env:NOT_SET}\" }\n";
    fs::write(dir.path().join("landfall.yaml"), text).expect("written");
    dir
}

/// Runs 1 to 5 with what filters tell apart; the store stays open, as a daemon has it.
async fn daemon(dir: &Path) -> SqliteStore {
    let store = open(&dir.join("data/runs.db"));
    for n in 1..=5_u128 {
        let class = if n == 2 { Class::Lost } else { Class::Delivered };
        let mut ended = RunRecord::clone(&record(n, ["a", "b"][n as usize % 2], class));
        ended.labels = BTreeMap::from([(String::from("team"), format!("t{}", n % 3))]);
        ended.probe = String::from(if n == 5 { "mail" } else { "orders" });
        let at = tick(i64::try_from(n).expect("small"));
        store.close(at, Arc::new(ended)).await.expect("closed");
    }
    store
        .close(tick(2), amended(2, "a", Class::Lost, Class::Late))
        .await
        .expect("amended");
    store
}

fn records(output: &std::process::Output) -> Vec<RunRecord> {
    assert_eq!(output.status.code(), Some(0), "{}", err(output));
    out(output)
        .lines()
        .map(|line| serde_json::from_str(line).expect("a record a line"))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_are_printed_while_a_daemon_has_the_store() {
    let dir = workspace();
    let store = daemon(dir.path()).await;
    let ids = |arguments: &[&str]| -> Vec<_> {
        let all = [&["runs", "--format", "ndjson"], arguments].concat();
        records(&landfall(dir.path(), &all))
            .iter()
            .map(|record| record.id)
            .collect()
    };
    assert_eq!(ids(&[]), [5, 4, 3, 2, 1].map(run));
    assert_eq!(ids(&["--oldest-first", "--limit", "2"]), [1, 2].map(run));
    assert_eq!(ids(&["--probe", "mail"]), [run(5)]);
    assert_eq!(ids(&["--route", "b"]), [5, 3, 1].map(run));
    assert_eq!(ids(&["--class", "late"]), [run(2)], "the amended class");
    assert_eq!(ids(&["--class", "lost"]), []);
    assert_eq!(
        ids(&["--class", "late", "--class", "delivered", "--limit", "1"]),
        [run(5)]
    );
    assert_eq!(ids(&["--label", "team=t1"]), [4, 1].map(run));
    let (since, until) = (tick(2).to_rfc3339(), tick(4).to_rfc3339());
    assert_eq!(ids(&["--since", &since, "--until", &until]), [3, 2].map(run));

    let text = out(&landfall(dir.path(), &["runs", "--class", "late"]));
    assert!(text.contains("late        orders/a/default"), "{text}");
    assert_eq!(text.lines().count(), 1);
    // In the same form as `run` prints it.
    let line = out(&landfall(
        dir.path(),
        &["runs", "--format", "ndjson", "--class", "late"],
    ));
    let kept = store.run(run(2)).await.expect("read").expect("there");
    assert_eq!(line, landfall::report::line(&kept));
    store.shutdown().await.expect("closed");
    assert_eq!(ids(&["--limit", "1"]), [run(5)], "and when it has gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mark_reaches_the_store_of_a_running_daemon() {
    let dir = workspace();
    let store = daemon(dir.path()).await;
    let made = landfall(
        dir.path(),
        &[
            "mark",
            "release 4.2",
            "--label",
            "service=pay",
            "--at",
            "2026-11-22T10:00:00Z",
        ],
    );
    assert_eq!(made.status.code(), Some(0), "{}", err(&made));
    let marks = store.marks(None, None).await.expect("read");
    assert_eq!(marks.len(), 1);
    assert_eq!(marks[0].id.to_string(), out(&made).trim());
    assert_eq!(
        (marks[0].text.as_str(), marks[0].kind),
        ("release 4.2", MarkKind::Deployment)
    );
    assert_eq!(marks[0].labels["service"], "pay");
    assert_eq!(marks[0].at.to_rfc3339(), "2026-11-22T10:00:00.000Z");
    // The daemon writes on.
    store
        .close(tick(9), record(9, "a", Class::Delivered))
        .await
        .expect("closed");

    let id = out(&made).trim().to_owned();
    let over = landfall(
        dir.path(),
        &[
            "mark",
            "outage",
            "--kind",
            "incident",
            "--at",
            "2h",
            "--until",
            "1h",
            "--replace",
            &id,
        ],
    );
    assert_eq!(over.status.code(), Some(0), "{}", err(&over));
    let marks = store.marks(None, None).await.expect("read");
    assert_eq!((marks.len(), marks[0].kind), (1, MarkKind::Incident));
    let wrong = landfall(dir.path(), &["mark", " "]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(err(&wrong).contains("needs a text"), "{}", err(&wrong));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_a_store_of_one_instant() {
    let dir = workspace();
    let store = daemon(dir.path()).await;
    let made = landfall(dir.path(), &["backup", "copy.db"]);
    assert_eq!(made.status.code(), Some(0), "{}", err(&made));
    assert!(
        err(&made).contains("bytes in `copy.db`, verified"),
        "{}",
        err(&made)
    );
    store
        .close(tick(9), record(9, "a", Class::Delivered))
        .await
        .expect("closed");
    let copy = dir.path().join("copy.db");
    let copied = records(&landfall(
        dir.path(),
        &["runs", "--format", "ndjson", "--store", "sqlite:copy.db"],
    ));
    assert_eq!(copied.len(), 5, "as it was then");
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&copy).expect("there").permissions());
    assert_eq!(mode & 0o777, 0o600);
    // It is a store like any other.
    let options = Options::new(tick(10), "test");
    let again = SqliteStore::open(&copy, options).expect("opens");
    assert_eq!(again.size().await.expect("read").runs, 5);
    let refused = landfall(dir.path(), &["backup", "copy.db"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(err(&refused).contains("overwrites nothing"), "{}", err(&refused));
    let nowhere = landfall(dir.path(), &["backup", "no/such/folder.db"]);
    assert_eq!(nowhere.status.code(), Some(4));
    let left: Vec<_> = fs::read_dir(dir.path())
        .expect("listed")
        .flatten()
        .map(|e| e.file_name())
        .collect();
    assert!(
        !left.iter().any(|name| name.to_string_lossy().contains(".part")),
        "{left:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn several_stores_are_read_as_one() {
    let dir = workspace();
    // Two machines whose ticks lie between each other's, and a copy of the first.
    for (file, first, step) in [("a.db", 1_u128, 2), ("b.db", 2, 2), ("c.db", 1, 4)] {
        let store = open(&dir.path().join(file));
        for n in (first..12).step_by(step) {
            let ended = record(n, "a", Class::Delivered);
            let at = tick(i64::try_from(n).expect("small"));
            store.close(at, ended).await.expect("closed");
        }
        store.shutdown().await.expect("closed");
    }
    let stores = [
        "--store",
        "sqlite:a.db",
        "--store",
        "sqlite:b.db",
        "--store",
        "sqlite:c.db",
    ];
    let ids = |arguments: &[&str]| -> Vec<_> {
        let all = [&["runs", "--format", "ndjson"], &stores[..], arguments].concat();
        records(&landfall(dir.path(), &all))
            .iter()
            .map(|record| record.id)
            .collect()
    };
    let all: Vec<_> = (1..12).map(run).collect();
    assert_eq!(ids(&["--oldest-first"]), all);
    let newest: Vec<_> = all.iter().rev().copied().collect();
    assert_eq!(ids(&[]), newest);
    assert_eq!(ids(&["--limit", "4"]), newest[..4]);
    let twice = ["runs", "--store", "sqlite:a.db", "--store", "sqlite:./a.db"];
    let said = landfall(dir.path(), &twice);
    assert_eq!(said.status.code(), Some(2));
    assert!(err(&said).contains("twice"), "{}", err(&said));
}

#[test]
fn what_is_not_there_is_said() {
    let dir = workspace();
    for command in [&["runs"][..], &["mark", "x"], &["backup", "copy.db"]] {
        let said = landfall(dir.path(), command);
        assert_eq!(said.status.code(), Some(2), "{command:?}");
        assert!(err(&said).contains("there is no store"), "{}", err(&said));
        assert!(!dir.path().join("data/runs.db").exists(), "looking makes nothing");
    }
    for (text, expected) in [
        ("store: memory\n", "in memory"),
        ("store: postgres:x\n", "is no store"),
        ("store: \"sqlite:${env:NOT_SET}\"\n", "NOT_SET"),
        ("store: [\n", "landfall.yaml"),
    ] {
        fs::write(dir.path().join("landfall.yaml"), text).expect("written");
        let said = landfall(dir.path(), &["runs"]);
        assert_eq!(said.status.code(), Some(2), "{text}");
        assert!(err(&said).contains(expected), "{text}: {}", err(&said));
    }
    let wrong = landfall(dir.path(), &["runs", "--since", "yesterday", "--class", "lots"]);
    assert_eq!(wrong.status.code(), Some(2));
    let turned = landfall(
        dir.path(),
        &["runs", "--store", "sqlite:x.db", "--since", "1h", "--until", "2h"],
    );
    assert_eq!(turned.status.code(), Some(2));
    assert!(err(&turned).contains("nothing lies between"), "{}", err(&turned));
}
