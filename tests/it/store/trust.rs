//! When a file is read from end to end: not after a close in order, at once after anything else, beside the work after a
//! kill.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;

use landfall::store::{SqliteStore, Store};

use super::child::{Role, Worker, umask};
use super::make::{observation, open, options};

const PAGE: u64 = 4096;

async fn filled(file: &Path) {
    let store = open(file);
    for n in 1..200 {
        store.observe(observation(n, &[])).await.unwrap();
    }
    store.shutdown().await.unwrap();
}

/// Spoils the last page and leaves the length as it is.
fn tear(file: &Path) {
    let on = OpenOptions::new().write(true).open(file).unwrap();
    let last = on.metadata().unwrap().len() - PAGE;
    on.write_all_at(&[0xa5; 64], last).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_closed_in_order_and_not_touched_is_not_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("landfall.db");
    filled(&file).await;
    let before = fs::metadata(&file).unwrap().modified().unwrap();
    tear(&file);
    // As no program but this test would have it: torn, and with the time that it had.
    let on = OpenOptions::new().write(true).open(&file).unwrap();
    on.set_modified(before).unwrap();
    drop(open(&file));

    filled(&folder.path().join("other.db")).await;
    let other = folder.path().join("other.db");
    tear(&other);
    let refused = SqliteStore::open(&other, options()).unwrap_err();
    assert!(refused.message.contains("is damaged"), "touched: {refused}");
    // A shorter file is told without reading it.
    let whole = fs::metadata(&file).unwrap().len();
    let at = fs::metadata(&file).unwrap().modified().unwrap();
    let on = OpenOptions::new().write(true).open(&file).unwrap();
    on.set_len(whole / 2).unwrap();
    on.set_modified(at).unwrap();
    let refused = SqliteStore::open(&file, options()).unwrap_err();
    assert!(refused.message.contains("is damaged"), "cut off: {refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_kill_it_is_read_beside_the_work_and_damage_stops_all_writing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("landfall.db");
    filled(&file).await;
    let mut holder = Worker::start(Role::Open, &file, &[], &umask(0o022));
    assert_eq!(holder.line().as_deref(), Some("open"));
    holder.kill();
    let store = open(&file);
    store
        .save_cursor(String::from("inbox"), String::from("1"))
        .await
        .unwrap();
    store.shutdown().await.unwrap();

    let mut holder = Worker::start(Role::Open, &file, &[], &umask(0o022));
    assert_eq!(holder.line().as_deref(), Some("open"));
    holder.kill();
    tear(&file);
    let store = open(&file);
    let mut refused = None;
    for turn in 0..20_000 {
        refused = store
            .save_cursor(String::from("inbox"), turn.to_string())
            .await
            .err();
        if refused.is_some() {
            break;
        }
    }
    let refused = refused.expect("20,000 writes after a tear");
    assert!(refused.message.contains("is damaged"), "{refused}");
    assert!(refused.message.contains("landfall backup"), "{refused}");
}
