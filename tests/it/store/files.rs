//! The file: whose it is, who may read it, and what is refused with what advice.

use std::os::unix::fs::{FileExt, PermissionsExt, symlink};
use std::path::Path;

use landfall::store::{Fired, OpenRun, SqliteStore, Store};

use super::child::{Role, Worker, umask};
use super::make::{intent, observation, open, options, tick};

fn refusal(file: &Path) -> String {
    match SqliteStore::open(file, options()) {
        Ok(_) => panic!("{} was opened", file.display()),
        Err(e) => e.message,
    }
}

#[track_caller]
fn says(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "no `{part}` in: {message}");
    }
}

#[test]
fn nobody_but_the_owner_can_read_it_whatever_the_umask() {
    for mask in [0, 0o077, 0o777] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("state/of/landfall.db");
        let mut holder = Worker::start(Role::Open, &file, &[], &umask(mask));
        assert_eq!(holder.line().as_deref(), Some("open"));
        let mode = |path: &str| folder.path().join(path).metadata().unwrap().permissions().mode() & 0o7777;
        for path in ["", "-wal", "-shm", ".lock"] {
            assert_eq!(
                mode(&format!("state/of/landfall.db{path}")),
                0o600,
                "{path} under {mask:o}"
            );
        }
        assert_eq!(
            (mode("state"), mode("state/of")),
            (0o700, 0o700),
            "under {mask:o}"
        );
    }
}

#[tokio::test]
async fn a_second_process_is_told_who_holds_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("landfall.db");
    let mut holder = Worker::start(Role::Open, &file, &[], &umask(0o022));
    assert_eq!(holder.line().as_deref(), Some("open"));
    let pid = format!("pid {}", holder.pid());
    let holds = [
        &pid,
        "landfall under test",
        "since 20",
        "--store memory",
        "landfall.db",
    ];
    says(&refusal(&file), &holds);
    let link = folder.path().join("link.db");
    symlink(&file, &link).unwrap();
    says(&refusal(&link), &holds);

    holder.kill();
    let store = open(&file);
    says(&refusal(&file), &[&format!("pid {}", std::process::id())]);
    store.shutdown().await.unwrap();
    open(&link);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_file_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("landfall.db");
    let store = open(&file);
    for n in 1..200 {
        store.observe(observation(n, &[])).await.unwrap();
    }
    store.shutdown().await.unwrap();
    let whole = std::fs::read(&file).unwrap();
    let page = 4096;
    let torn = |at: usize, with: &[u8]| {
        std::fs::write(&file, &whole).unwrap();
        let on = std::fs::OpenOptions::new().write(true).open(&file).unwrap();
        on.write_all_at(with, at as u64).unwrap();
    };
    let last = whole.len() - page;
    for (what, at) in [
        ("the header", 0),
        ("the first page", 100),
        ("the last page", last),
    ] {
        torn(at, &[0xa5; 64]);
        let before = std::fs::read(&file).unwrap();
        says(
            &refusal(&file),
            &["is damaged", "landfall.db", "landfall backup", ".recover"],
        );
        assert_eq!(std::fs::read(&file).unwrap(), before, "{what} was 'fixed'");
    }
    std::fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    says(&refusal(&file), &["is damaged", "landfall backup"]);
    std::fs::write(&file, &whole).unwrap();
    assert_eq!(open(&file).last_observation().await.unwrap().unwrap().0, 199);
}

#[tokio::test]
async fn a_newer_schema_and_a_foreign_file_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("landfall.db");
    open(&file).shutdown().await.unwrap();
    let raw = rusqlite::Connection::open(&file).unwrap();
    let version: i64 = raw
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .unwrap();
    raw.pragma_update(None, "user_version", version + 1).unwrap();
    drop(raw);
    let newer = format!("schema {}; this one knows up to {version}", version + 1);
    says(
        &refusal(&file),
        &["newer landfall", &newer, "landfall.db", "landfall backup"],
    );

    let foreign = folder.path().join("orders.db");
    let raw = rusqlite::Connection::open(&foreign).unwrap();
    raw.execute_batch("CREATE TABLE orders (id)").unwrap();
    drop(raw);
    says(&refusal(&foreign), &["not a store of landfall's", "orders.db"]);

    let text = folder.path().join("notes.txt");
    std::fs::write(&text, "not a database, but long enough to look at. ".repeat(200)).unwrap();
    says(&refusal(&text), &["notes.txt", "not a database"]);
    says(&refusal(folder.path()), &["is not a file"]);
    says(
        &refusal(&text.join("landfall.db")),
        &["cannot make the folder", "--store memory"],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_there_after_a_reopen() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("landfall.db");
    let store = open(&file);
    store.token_key([1; 32]).await.unwrap();
    store.claim(vec![intent(1, "a")]).await.unwrap();
    store
        .observe(observation(3, &[intent(1, "a").run]))
        .await
        .unwrap();
    store
        .save_cursor(String::from("inbox"), String::from("7"))
        .await
        .unwrap();
    let before = store.open_runs().await.unwrap();
    store.shutdown().await.unwrap();
    store.shutdown().await.unwrap();
    let late = store.observe(observation(4, &[])).await.unwrap_err();
    says(&late.message, &["is shut down"]);
    says(&store.open_runs().await.unwrap_err().message, &["is shut down"]);
    assert!(
        !file.with_extension("db-wal").exists(),
        "a closed store is one file"
    );

    let store = open(&file);
    assert_eq!(store.token_key([2; 32]).await.unwrap().bytes(), &[1; 32]);
    assert_eq!(store.open_runs().await.unwrap(), before);
    assert_eq!(
        store.cursor(String::from("inbox")).await.unwrap().as_deref(),
        Some("7")
    );
    assert_eq!(store.last_observation().await.unwrap().unwrap().0, 3);
}

/// As the first schema holds it: what is on record now must be readable by every later landfall.
const FIRST_SCHEMA: &str = r#"
INSERT INTO intents VALUES (x'01920000000070008000000000000001',
  '{"run":"01920000-0000-7000-8000-000000000001","probe":"orders","input":"default","route":"a","location":"eu-west","tick":1790000060000000000,"revision":"r1","token":"token1","at":1790000060000000000,"plan":{"deadlines":[1,2.5],"address":"canary@example.com"}}');
INSERT INTO fired VALUES (x'01920000000070008000000000000001', 1790000060000000000, '{"status":202}');
INSERT INTO observations VALUES (9, 'hooks', 3, x'01920000000070008000000000000001',
  '{"at":{"lo":5,"hi":9},"looked_at":null,"widened":false,"narrowed":null,"identity":{"event":"webhook-9"},"repeat":"first","seen":{"text":"paid 9: \u00fc \u0000 end"},"keys":["key9"],"automatic":false,"summary":"POST /c/hooks"}');
INSERT INTO run_observation VALUES (x'01920000000070008000000000000001', 9);
"#;

#[tokio::test(flavor = "multi_thread")]
async fn what_the_first_schema_holds_can_still_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("landfall.db");
    let first = rusqlite::Connection::open(&file).unwrap();
    first
        .execute_batch(include_str!("../../../src/store/migrations/0001.sql"))
        .unwrap();
    first.pragma_update(None, "application_id", 0x4c46_414c).unwrap();
    first.pragma_update(None, "user_version", 1).unwrap();
    first.execute_batch(FIRST_SCHEMA).unwrap();
    drop(first);
    let open_run = OpenRun {
        intent: intent(1, "a"),
        fired: Some(Fired {
            sent: tick(1),
            answer: Some(serde_json::json!({ "status": 202 })),
        }),
        observations: vec![observation(9, &[intent(1, "a").run])],
    };
    assert_eq!(open(&file).open_runs().await.unwrap(), [open_run]);
}
