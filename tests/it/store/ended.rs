//! Runs that have ended are known for as long as they may be amended.

use std::sync::{Arc, Mutex};

use landfall::model::{Class, Moment, ObservationId, RunId};
use landfall::store::{Amendable, Fired, OpenRow, SqliteStore, Store};
use serde_json::json;

use super::make::{amended, intent, observation, open, record, run, tick};

fn how(n: u128, seen: &[u64]) -> Amendable {
    Amendable {
        at: tick(i64::try_from(n).unwrap()).after(std::time::Duration::from_secs(5)),
        sent: Some(tick(i64::try_from(n).unwrap())),
        keys: vec![format!("order-{n}")],
        seen: seen.iter().map(|id| ObservationId(*id)).collect(),
        most: 3,
    }
}

async fn ends(store: &SqliteStore, n: u128, seen: &[u64]) {
    store.claim(vec![intent(n, "a")]).await.unwrap();
    let fired = Fired {
        sent: tick(i64::try_from(n).unwrap()),
        answer: Some(json!({ "n": n.to_string() })),
    };
    store.fired(run(n), fired).await.unwrap();
    let record = record(n, "a", Class::Lost);
    store
        .end(intent(n, "a").tick, record, how(n, seen))
        .await
        .unwrap();
}

async fn known(store: &SqliteStore) -> Vec<RunId> {
    let ended = store.ended(Moment(0)).await.unwrap();
    ended.into_iter().map(|run| run.run).collect()
}

/// What they were while they were open: the run, its answer, what was seen of it.
async fn texts(store: &SqliteStore, runs: Vec<RunId>) -> Vec<String> {
    let all: Arc<Mutex<Vec<String>>> = Arc::default();
    let rows = all.clone();
    let take = move |row: OpenRow<'_>| {
        rows.lock().unwrap().push(match row {
            OpenRow::Run(text) => format!("{} {:?}", text.run, text.fired),
            OpenRow::Seen(seen) => format!("seen {}", seen.observation.id.0),
        });
        Ok(())
    };
    store.each_ended(runs, Box::new(take)).await.unwrap();
    let all = all.lock().unwrap();
    all.clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_latest_are_kept_with_what_they_were_and_no_more_than_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("landfall.db");
    let store = open(&path);
    for n in 1..=5 {
        ends(&store, n, &[]).await;
    }
    assert_eq!(known(&store).await, [run(3), run(4), run(5)]);
    assert_eq!(store.open_runs().await.unwrap(), []);
    store.shutdown().await.unwrap();
    let store = open(&path);
    assert_eq!(known(&store).await, [run(3), run(4), run(5)]);
    let last = store.ended(how(5, &[]).at).await.unwrap();
    assert_eq!(last.len(), 1, "of these the earlier ones are too old");
    assert_eq!(last[0].token, "token5");
    assert_eq!(last[0].keys, ["order-5"]);
    assert_eq!((last[0].at, last[0].sent), (how(5, &[]).at, Some(tick(5))));
    assert_eq!(
        (last[0].probe.as_str(), last[0].revision.as_str()),
        ("orders", "r1")
    );
    let told = texts(&store, vec![run(1), run(4)]).await;
    let answer = format!(
        "{} Some((Moment({}), Some(\"{{\\\"n\\\":\\\"4\\\"}}\")))",
        run(4),
        tick(4).0
    );
    assert_eq!(told, [answer], "the first has left");
    store.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_seen_and_not_heeded_is_told_until_the_verdict_knows_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("landfall.db"));
    // Put on record while nobody knew whose it was.
    store.observe(observation(10, &[])).await.unwrap();
    ends(&store, 1, &[10]).await;
    ends(&store, 2, &[]).await;
    let unheeded = || store.unheeded(Moment(0), 10);
    assert_eq!(unheeded().await.unwrap(), []);
    assert_eq!(texts(&store, vec![run(1)]).await[1..], ["seen 10"]);
    assert_eq!(store.strays(ObservationId(0), 10).await.unwrap(), []);
    store.observe(observation(11, &[run(1)])).await.unwrap();
    assert_eq!(unheeded().await.unwrap(), [run(1)]);
    let changed = amended(1, "a", Class::Lost, Class::Late);
    store
        .end(intent(1, "a").tick, changed, how(1, &[10, 11]))
        .await
        .unwrap();
    assert_eq!(unheeded().await.unwrap(), []);
    assert_eq!(
        known(&store).await,
        [run(1), run(2)],
        "in the order in which they ended"
    );
    assert_eq!(texts(&store, vec![run(1)]).await[1..], ["seen 10", "seen 11"]);
    store.shutdown().await.unwrap();
}
