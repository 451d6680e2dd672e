//! What ended or was amended, in that order: who was away reads on where he was.

use landfall::model::Class;
use landfall::store::Store;

use super::make::{amended, record, run, tick};
use super::suite::on_each;

async fn positions(store: &std::sync::Arc<dyn Store>, after: u64) -> Vec<(u64, landfall::model::RunId)> {
    let changes = store.changes(after, 100).await.unwrap();
    changes
        .into_iter()
        .map(|(position, run)| (position, run.id))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_amended_run_comes_again_at_the_end_and_only_there() {
    on_each(|store| {
        Box::pin(async move {
            assert_eq!(store.last_change().await.unwrap(), 0);
            assert!(positions(store, 0).await.is_empty());
            for n in [3, 1, 2] {
                store.close(tick(9), record(n, "a", Class::Lost)).await.unwrap();
            }
            let first = positions(store, 0).await;
            let runs: Vec<_> = first.iter().map(|(_, run)| *run).collect();
            assert_eq!(
                runs,
                [run(3), run(1), run(2)],
                "in the order in which they closed"
            );
            assert!(first.is_sorted_by(|a, b| a.0 < b.0));
            assert_eq!(store.last_change().await.unwrap(), first[2].0);

            let late = amended(1, "a", Class::Lost, Class::Late);
            store.close(tick(9), late).await.unwrap();
            let then = positions(store, first[2].0).await;
            assert_eq!(then.iter().map(|(_, run)| *run).collect::<Vec<_>>(), [run(1)]);
            assert_eq!(positions(store, 0).await.len(), 3);
            assert_eq!(store.changes(0, 2).await.unwrap().len(), 2);
            assert_eq!(
                store.changes(first[2].0, 9).await.unwrap()[0].1.class,
                Class::Late
            );
            assert!(positions(store, then[0].0).await.is_empty());
            assert!(positions(store, u64::MAX).await.is_empty());
        })
    })
    .await;
}
