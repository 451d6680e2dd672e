//! A reader that holds an old view for long: writing goes on, the log grows by what is written and is used again after.

use std::path::Path;

use futures::future::join_all;
use landfall::store::{SqliteStore, Store};

use super::make::{observation, open};

/// Writes so many observations from `first` on, in commits of many.
async fn write(store: &SqliteStore, first: u64, count: u64) {
    for from in (first..first + count).step_by(200) {
        let writes = (from..from + 200).map(|id| store.observe(observation(id, &[])));
        for answer in join_all(writes).await {
            answer.unwrap();
        }
    }
}

fn log(file: &Path) -> u64 {
    let mut name = file.as_os_str().to_owned();
    name.push("-wal");
    std::fs::metadata(name).unwrap().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_holds_a_view_for_long_holds_nobody_up_and_the_log_is_used_again() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("landfall.db");
    let store = open(&file);
    write(&store, 1, 200).await;
    let other = rusqlite::Connection::open(&file).unwrap();
    other.execute_batch("BEGIN").unwrap();
    let count = || -> i64 {
        other
            .query_row("SELECT count(*) FROM observations", [], |row| row.get(0))
            .unwrap()
    };
    assert_eq!(count(), 200);
    write(&store, 1_000, 40_000).await;
    assert_eq!(count(), 200, "the view is as old as it was");
    assert_eq!(store.size().await.unwrap().observations, 40_200);
    let held = log(&file);

    other.execute_batch("COMMIT").unwrap();
    // The next turns copy everything back and begin the log anew.
    write(&store, 100_000, 40_000).await;
    let after = log(&file);
    assert!(
        after <= held + (12 << 20),
        "{held} bytes while it was held, {after} after as much again: it was not used again"
    );
    assert_eq!(store.size().await.unwrap().observations, 80_200);
    store.shutdown().await.unwrap();
}
