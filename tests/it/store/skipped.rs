//! A skip, and the intent of its run.

use landfall::model::{Class, Reason, RunId, SkipReason};
use landfall::store::Fired;

use super::make::{intent, record, run, skip, tick};
use super::suite::on_each;

#[tokio::test(flavor = "multi_thread")]
async fn a_skip_takes_the_place_of_its_runs_intent() {
    on_each(|store| {
        Box::pin(async move {
            store
                .claim(
                    vec![intent(1, "a"), intent(1, "b")]
                        .into_iter()
                        .zip([1, 2])
                        .map(|(mut i, n)| {
                            i.run = run(n);
                            i
                        })
                        .collect(),
                )
                .await
                .unwrap();
            let stopped = skip("a", tick(1), SkipReason::Stopped);
            store.skip(run(1), tick(1), stopped.clone()).await.unwrap();
            assert_eq!(store.skips(None).await.unwrap(), [stopped]);
            let left: Vec<RunId> = store
                .open_runs()
                .await
                .unwrap()
                .iter()
                .map(|open| open.intent.run)
                .collect();
            assert_eq!(left, [run(2)], "only its own");
            let today = store
                .claimed_since(String::from("orders"), tick(0))
                .await
                .unwrap();
            assert_eq!(today, 1, "it counts for no limit");
            let late = Fired {
                sent: tick(1),
                answer: None,
            };
            let refused = store.fired(run(1), late).await.unwrap_err();
            assert_eq!(refused.reason, Reason::Internal, "{refused}");

            // A run that has ended has its fate.
            store.close(tick(1), record(2, "b", Class::Lost)).await.unwrap();
            store
                .skip(run(2), tick(3), skip("b", tick(3), SkipReason::Limit))
                .await
                .unwrap();
            assert!(store.run(run(2)).await.unwrap().is_some());
            assert_eq!(
                store
                    .claimed_since(String::from("orders"), tick(0))
                    .await
                    .unwrap(),
                1
            );
        })
    })
    .await;
}
