//! What the daemon keeps beside the runs.

use std::collections::BTreeMap;

use landfall::model::{Class, Mark, MarkId, MarkKind, Moment, Reason, SkipReason, SkipSpan};
use landfall::store::{KEEP_BYTES, Keep, Store};
use serde_json::{Value, json};

use super::make::{intent, observation, open, record, run, skip, tick};
use super::suite::on_each;

fn mark(n: u128, at: i64) -> Mark {
    Mark {
        id: MarkId(run(n).0),
        at: tick(at),
        text: format!("release {n}"),
        kind: MarkKind::Deployment,
        labels: BTreeMap::from([(String::from("service"), String::from("pay"))]),
        until: None,
    }
}

fn span(route: &str, reason: SkipReason, first: i64, last: i64) -> SkipSpan {
    SkipSpan {
        probe: String::from("orders"),
        route: route.to_owned(),
        input: String::from("default"),
        reason,
        detail: String::from("landfall was not running"),
        first: tick(first),
        last: tick(last),
        ticks: u64::try_from(last - first + 1).unwrap(),
    }
}

async fn kept(store: &dyn Store, space: &str) -> Vec<(String, Value)> {
    store.kept(space.to_owned()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn values_are_kept_replaced_and_forgotten_space_by_space() {
    on_each(|store| {
        Box::pin(async move {
            let store = &**store;
            assert_eq!(kept(store, "pauses").await, []);
            store
                .keep("pauses", "orders", Some(json!({ "by": "me" })))
                .await
                .unwrap();
            store.keep("pauses ", "other", Some(json!(1))).await.unwrap();
            store.keep("pause", "other", Some(json!(2))).await.unwrap();
            let several = vec![
                Keep::put("pauses", "mail", json!(null)),
                Keep::put("pauses", "orders", json!("ü\u{0}")),
                Keep::put("mutes", "orders", json!([1])),
                Keep::forget("pause", "other"),
                Keep::forget("pause", "never was"),
            ];
            store.keep_all(several).await.unwrap();
            let expected = [
                (String::from("mail"), json!(null)),
                (String::from("orders"), json!("ü\u{0}")),
            ];
            assert_eq!(kept(store, "pauses").await, expected);
            assert_eq!(kept(store, "pause").await, []);
            assert_eq!(kept(store, "mutes").await, [(String::from("orders"), json!([1]))]);
        })
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_over_its_bound_is_refused_with_all_that_came_with_it() {
    on_each(|store| {
        Box::pin(async move {
            let store = &**store;
            let large = Value::String("x".repeat(KEEP_BYTES));
            let several = vec![
                Keep::put("outbox", "small", json!(1)),
                Keep::put("outbox", "large", large),
            ];
            let refused = store.keep_all(several).await.unwrap_err();
            assert_eq!(refused.reason, Reason::Limit);
            let said = format!(
                "`large` in `outbox` has {} bytes, and the store keeps at most {KEEP_BYTES}",
                KEEP_BYTES + 2
            );
            assert!(refused.message.contains(&said), "{refused}");
            assert_eq!(kept(store, "outbox").await, []);
            let most = Value::String("x".repeat(KEEP_BYTES - 2));
            store.keep("outbox", "most", Some(most.clone())).await.unwrap();
            assert_eq!(kept(store, "outbox").await, [(String::from("most"), most)]);
            let refused = store.keep("outbox", "", Some(json!(1))).await.unwrap_err();
            assert!(refused.message.contains("1 to 512 bytes"), "{refused}");
        })
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn marks_are_listed_by_time_and_replaced_by_their_id() {
    on_each(|store| {
        Box::pin(async move {
            for (n, at) in [(2, 5), (1, 9), (3, 1)] {
                store.mark(mark(n, at)).await.unwrap();
            }
            assert_eq!(
                store.marks(None, None).await.unwrap(),
                [mark(3, 1), mark(2, 5), mark(1, 9)]
            );
            assert_eq!(
                store.marks(Some(tick(5)), Some(tick(9))).await.unwrap(),
                [mark(2, 5)]
            );
            let mut incident = mark(3, 2);
            incident.kind = MarkKind::Incident;
            store.mark(incident.clone()).await.unwrap();
            assert_eq!(
                store.marks(Some(tick(6)), Some(tick(7))).await.unwrap(),
                [incident.clone()],
                "it goes on"
            );
            incident.until = Some(tick(4));
            store.mark(incident.clone()).await.unwrap();
            assert_eq!(store.marks(Some(tick(6)), Some(tick(7))).await.unwrap(), []);
            assert_eq!(store.marks(None, Some(tick(4))).await.unwrap(), [incident]);
            let refused = store
                .mark(Mark {
                    text: String::new(),
                    ..mark(4, 1)
                })
                .await
                .unwrap_err();
            assert_eq!(refused.reason, Reason::Input);
            assert_eq!(store.size().await.unwrap().marks, 3);
        })
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_of_missed_ticks_is_one_row_that_grows() {
    on_each(|store| {
        Box::pin(async move {
            let down = span("a", SkipReason::Down, 1, 43_200);
            let spans = vec![
                down.clone(),
                span("b", SkipReason::Down, 1, 10),
                span("a", SkipReason::Paused, 1, 2),
            ];
            store.skip_span(spans).await.unwrap();
            // Again after a crash, and grown.
            store.skip_span(vec![down.clone()]).await.unwrap();
            let grown = span("b", SkipReason::Down, 1, 20);
            store
                .skip_span(vec![grown.clone(), span("a", SkipReason::Paused, 50_000, 50_001)])
                .await
                .unwrap();
            let all = store.skip_spans(None).await.unwrap();
            assert_eq!(
                all,
                [
                    down.clone(),
                    span("a", SkipReason::Paused, 1, 2),
                    grown,
                    span("a", SkipReason::Paused, 50_000, 50_001),
                ]
            );
            let late = store.skip_spans(Some(tick(43_200))).await.unwrap();
            assert_eq!(late, [down, span("a", SkipReason::Paused, 50_000, 50_001)]);
            assert_eq!(store.size().await.unwrap().skip_spans, 4);
        })
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_heartbeat_and_the_newest_moment_are_known() {
    on_each(|store| {
        Box::pin(async move {
            assert_eq!(store.last_alive().await.unwrap(), None);
            assert_eq!(store.newest().await.unwrap(), None);
            for at in [tick(3), tick(2)] {
                store.alive(at).await.unwrap();
                assert_eq!(store.last_alive().await.unwrap(), Some(at));
            }
            let newest = async || store.newest().await.unwrap();
            assert_eq!(newest().await, Some(tick(2)));
            store.claim(vec![intent(4, "a")]).await.unwrap();
            assert_eq!(newest().await, Some(tick(4)));
            store.close(tick(5), record(5, "a", Class::Lost)).await.unwrap();
            assert_eq!(newest().await, Some(tick(5)));
            store
                .skip(run(900), tick(6), skip("a", tick(6), SkipReason::Limit))
                .await
                .unwrap();
            assert_eq!(newest().await, Some(tick(6)));
            store
                .skip_span(vec![span("a", SkipReason::Down, 1, 7)])
                .await
                .unwrap();
            assert_eq!(newest().await, Some(tick(7)));
            // What people say of the future is no clock.
            store.mark(mark(1, 1_000)).await.unwrap();
            assert_eq!(newest().await, Some(tick(7)));
            store.alive(Moment(tick(8).0)).await.unwrap();
            assert_eq!(newest().await, Some(tick(8)));
        })
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_size_counts_each_sort_of_row() {
    on_each(|store| {
        Box::pin(async move {
            assert_eq!(store.size().await.unwrap().runs, 0);
            assert_eq!(store.size().await.unwrap().oldest, None);
            store
                .claim((1..=3).map(|n| intent(n, "a")).collect())
                .await
                .unwrap();
            store.close(tick(2), record(2, "a", Class::Lost)).await.unwrap();
            store.observe(observation(1, &[run(1)])).await.unwrap();
            store.observe(observation(2, &[])).await.unwrap();
            store
                .skip(run(900), tick(6), skip("a", tick(6), SkipReason::Limit))
                .await
                .unwrap();
            let size = store.size().await.unwrap();
            assert_eq!(
                (size.runs, size.open_runs, size.observations, size.skips),
                (1, 2, 2, 1)
            );
            assert_eq!(size.oldest, Some(tick(2)));
        })
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_of_it_survives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("landfall.db");
    let store = open(&file);
    store.keep("pauses", "orders", Some(json!(true))).await.unwrap();
    store.mark(mark(1, 1)).await.unwrap();
    store
        .skip_span(vec![span("a", SkipReason::Down, 1, 2)])
        .await
        .unwrap();
    store.alive(tick(9)).await.unwrap();
    store.shutdown().await.unwrap();
    let store = open(&file);
    assert_eq!(
        kept(&store, "pauses").await,
        [(String::from("orders"), json!(true))]
    );
    assert_eq!(store.marks(None, None).await.unwrap(), [mark(1, 1)]);
    assert_eq!(store.skip_spans(None).await.unwrap().len(), 1);
    assert_eq!(store.last_alive().await.unwrap(), Some(tick(9)));
    let size = store.size().await.unwrap();
    assert!(size.bytes >= std::fs::metadata(&file).unwrap().len() && size.log_bytes <= size.bytes);
}
