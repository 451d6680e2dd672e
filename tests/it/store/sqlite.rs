//! The queue before the file: bounded, answered as a whole, and never in the way of a reader.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::join_all;
use landfall::model::Reason;
use landfall::store::{Claim, SqliteStore, Store};

use super::make::{intent, observation, open, options, run};
use crate::support::channel::eventually;

/// Keeps the writer waiting until it is let go: another program in a transaction.
fn hold(store: &SqliteStore) -> rusqlite::Connection {
    let other = rusqlite::Connection::open(store.file()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    other
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_refuses_at_once_and_a_reader_does_not_wait() {
    let folder = tempfile::tempdir().unwrap();
    let mut small = options();
    small.queue_ops = 4;
    let store = Arc::new(SqliteStore::open(&folder.path().join("landfall.db"), small).unwrap());
    let other = hold(&store);
    let mut waiting = Vec::new();
    let mut id = 0;
    // The writer takes some of them and then waits for the other program; the queue fills behind it.
    let refused = eventually("a full queue", || {
        id += 1;
        let mut observe = Box::pin({
            let store = Arc::clone(&store);
            async move { store.observe(observation(id, &[])).await }
        });
        match observe.as_mut().now_or_never() {
            Some(answer) => Some(answer.unwrap_err()),
            None => {
                waiting.push(observe);
                None
            }
        }
    })
    .await;
    assert_eq!(refused.reason, Reason::Store);
    assert!(refused.message.contains("4 of 4 writes"), "{refused}");
    assert_eq!(
        store.last_observation().await.unwrap(),
        None,
        "a reader is not held"
    );
    let taken = waiting.len() as u64;
    drop(other);
    for answer in join_all(waiting).await {
        answer.unwrap();
    }
    assert_eq!(store.last_observation().await.unwrap().unwrap().0, taken);
    let large = "x".repeat(options().queue_bytes + 1);
    let refused = store.save_cursor(String::from("inbox"), large).await.unwrap_err();
    assert!(refused.message.contains("larger than the queue"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_whose_caller_has_gone_is_withdrawn() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("landfall.db"));
    let other = hold(&store);
    assert!(store.claim(vec![intent(1, "a")]).now_or_never().is_none());
    drop(other);
    let mut second = intent(2, "a");
    second.tick = intent(1, "a").tick;
    assert_eq!(store.claim(vec![second]).await.unwrap(), [Claim::Won]);
    let open = store.open_runs().await.unwrap();
    assert_eq!(
        open.iter().map(|open| open.intent.run).collect::<Vec<_>>(),
        [run(2)]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_write_spoils_no_other_of_its_commit() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("landfall.db"));
    store.claim(vec![intent(1, "a")]).await.unwrap();
    let other = hold(&store);
    // All of these queue up behind the other program and come to one commit.
    let good: Vec<_> = (1..=20)
        .map(|id| store.observe(observation(id, &[run(1)])))
        .collect();
    let bad = {
        let mut same_run = intent(2, "b");
        same_run.run = run(1);
        store.claim(vec![intent(3, "b"), same_run])
    };
    let (good, bad, ()) = futures::join!(join_all(good), bad, async { drop(other) });
    assert!(good.iter().all(Result::is_ok), "{good:?}");
    assert_eq!(bad.unwrap_err().reason, Reason::Internal);
    let open = store.open_runs().await.unwrap();
    assert_eq!(open.len(), 1, "nothing of the bad claim");
    assert_eq!(open[0].observations.len(), 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_stays_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("landfall.db"));
    let mut log = store.file().as_os_str().to_owned();
    log.push("-wal");
    for hundred in 0..60 {
        let writes = (1..=400).map(|n| store.observe(observation(hundred * 400 + n, &[])));
        for answer in join_all(writes).await {
            answer.unwrap();
        }
        let bytes = std::fs::metadata(&log).unwrap().len();
        assert!(
            bytes < 24 << 20,
            "{bytes} bytes in the log after {hundred} hundred commits"
        );
    }
    store.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_queued_is_committed_by_the_shutdown() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("landfall.db");
    let store = open(&file);
    let mut writes: Vec<_> = (1..=50).map(|id| store.observe(observation(id, &[]))).collect();
    for write in &mut writes {
        // Queues it.
        let _early = write.now_or_never();
    }
    store.shutdown().await.unwrap();
    drop(writes);
    assert_eq!(open(&file).last_observation().await.unwrap().unwrap().0, 50);
}
