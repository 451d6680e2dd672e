//! Ended runs in pages: every filter, both orders, and no run twice or left out.

use std::collections::BTreeMap;
use std::sync::Arc;

use landfall::model::{Class, RunId, RunRecord};
use landfall::store::{Order, Page, Place, RunFilter, Store};
use proptest::prelude::*;
use serde_json::json;

use super::make::{amended, open, record, run, tick};
use super::suite::on_each;

/// Run `n` at tick `n / 2`, so that two runs share each tick.
fn ended(n: u128) -> RunRecord {
    let mut ended = RunRecord::clone(&record(n, ["a", "b", "c"][n as usize % 3], Class::Delivered));
    ended.class = Class::ALL[n as usize % 4];
    ended.probe = String::from(if n.is_multiple_of(5) { "mail" } else { "orders" });
    ended.input = String::from(if n.is_multiple_of(7) { "unicode" } else { "plain" });
    let team = if n.is_multiple_of(2) {
        "pay\"ments' $"
    } else {
        "mail"
    };
    ended.labels = BTreeMap::from([(String::from("team.\"of\" x"), String::from(team))]);
    ended
}

async fn filled(store: &dyn Store, runs: u128) {
    for n in 0..runs {
        let at = tick(i64::try_from(n / 2).unwrap());
        store.close(at, Arc::new(ended(n))).await.unwrap();
    }
}

fn ids(records: &[RunRecord]) -> Vec<RunId> {
    records.iter().map(|record| record.id).collect()
}

/// What the filter lets through, page by page.
async fn paged(store: &dyn Store, filter: &RunFilter, size: u32) -> Vec<RunId> {
    let mut all = Vec::new();
    let mut filter = filter.clone();
    filter.limit = Some(size);
    loop {
        let Page { runs, next } = store.page(filter.clone()).await.unwrap();
        assert!(runs.len() <= size as usize);
        all.extend(ids(&runs));
        filter.after = next;
        if next.is_none() {
            return all;
        }
        assert_eq!(runs.len(), size as usize, "only the last page is short");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_part_of_a_filter_chooses() {
    on_each(|store| {
        Box::pin(async move {
            filled(&**store, 60).await;
            let texts = |texts: &[&str]| texts.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>();
            let team = |name: &str| (String::from("team.\"of\" x"), name.to_owned());
            let all = RunFilter::default();
            let filters = [
                RunFilter {
                    inputs: texts(&["unicode"]),
                    ..all.clone()
                },
                RunFilter {
                    probes: texts(&["mail", "none"]),
                    ..all.clone()
                },
                RunFilter {
                    probes: texts(&["orders"]),
                    routes: texts(&["a", "c"]),
                    ..all.clone()
                },
                RunFilter {
                    classes: vec![Class::Late],
                    ..all.clone()
                },
                RunFilter {
                    classes: vec![Class::Late, Class::Delivered],
                    ..all.clone()
                },
                RunFilter {
                    since: Some(tick(5)),
                    until: Some(tick(9)),
                    ..all.clone()
                },
                RunFilter {
                    labels: vec![team("pay\"ments' $")],
                    ..all.clone()
                },
                RunFilter {
                    labels: vec![team("mail"), team("other")],
                    ..all.clone()
                },
                all,
            ];
            for filter in filters {
                let expected: Vec<_> = (0..60)
                    .filter(|n| filter.admits(tick(i64::try_from(n / 2).unwrap()), &ended(*n)))
                    .map(run)
                    .collect();
                let oldest = RunFilter {
                    order: Order::Oldest,
                    ..filter.clone()
                };
                assert_eq!(
                    ids(&store.runs(oldest.clone()).await.unwrap()),
                    expected,
                    "{filter:?}"
                );
                assert_eq!(paged(&**store, &oldest, 7).await, expected, "{filter:?}");
                let newest: Vec<_> = expected.into_iter().rev().collect();
                assert_eq!(
                    ids(&store.runs(filter.clone()).await.unwrap()),
                    newest,
                    "{filter:?}"
                );
                assert_eq!(paged(&**store, &filter, 1).await, newest, "{filter:?}");
            }
        })
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_run_is_read_by_its_id_as_last_amended() {
    on_each(|store| {
        Box::pin(async move {
            assert_eq!(store.run(run(1)).await.unwrap(), None);
            store.close(tick(1), record(1, "a", Class::Lost)).await.unwrap();
            store.close(tick(2), record(2, "a", Class::Lost)).await.unwrap();
            let late = amended(1, "a", Class::Lost, Class::Late);
            store.close(tick(1), Arc::clone(&late)).await.unwrap();
            assert_eq!(store.run(run(1)).await.unwrap(), Some((*late).clone()));
            let only_lost = RunFilter {
                classes: vec![Class::Lost],
                ..RunFilter::default()
            };
            assert_eq!(ids(&store.runs(only_lost).await.unwrap()), [run(2)]);
        })
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_large_records_ends_early_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("landfall.db"));
    for n in 0..6 {
        let mut large = ended(n);
        large.response = Some(json!({ "body": "x".repeat(3 << 20) }));
        store
            .close(tick(i64::try_from(n).unwrap()), Arc::new(large))
            .await
            .unwrap();
    }
    let filter = RunFilter {
        order: Order::Oldest,
        ..RunFilter::default()
    };
    let first = store.page(filter.clone()).await.unwrap();
    assert_eq!(ids(&first.runs), [0, 1, 2].map(run), "about 8 MiB");
    assert_eq!(
        first.next,
        Some(Place {
            tick: tick(2),
            run: run(2)
        })
    );
    let rest = RunFilter {
        after: first.next,
        ..filter.clone()
    };
    assert_eq!(ids(&store.page(rest).await.unwrap().runs), [3, 4, 5].map(run));
    assert_eq!(store.runs(filter).await.unwrap().len(), 6);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn pages_of_any_size_make_up_the_whole(runs in 0_u128..40, size in 1_u32..12, newest: bool) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
        runtime.block_on(on_each(|store| {
            Box::pin(async move {
                filled(&**store, runs).await;
                let order = if newest { Order::Newest } else { Order::Oldest };
                let filter = RunFilter { order, ..RunFilter::default() };
                let mut expected: Vec<_> = (0..runs).map(run).collect();
                if newest {
                    expected.reverse();
                }
                assert_eq!(paged(&**store, &filter, size).await, expected);
            })
        }));
    }
}
