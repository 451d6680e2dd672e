//! Any sequence of operations gives the same answers from every store.

use std::sync::Arc;

use landfall::model::{Class, SkipReason};
use landfall::store::{Fired, MemoryStore, RunFilter, Store};
use proptest::prelude::*;
use serde_json::json;

use super::make::{amended, intent, observation, open, record, run, skip, tick};

#[derive(Clone, Debug)]
enum Step {
    Claim(Vec<(u128, i64, bool)>),
    Fired(u128, bool),
    Observe(u64, Vec<u128>, bool),
    Close(u128, Class, bool),
    Skip(u128, i64, bool, SkipReason),
    Cursor(u8, u8),
    Key(u8),
}

fn step() -> impl Strategy<Value = Step> {
    let n = 0_u128..6;
    let class = prop::sample::select(Class::ALL.to_vec());
    let reason = prop::sample::select(vec![SkipReason::Down, SkipReason::Limit]);
    prop_oneof![
        prop::collection::vec((n.clone(), 0_i64..4, any::<bool>()), 0..4).prop_map(Step::Claim),
        (n.clone(), any::<bool>()).prop_map(|(n, answered)| Step::Fired(n, answered)),
        (0_u64..5, prop::collection::vec(n.clone(), 0..3), any::<bool>())
            .prop_map(|(id, runs, other)| Step::Observe(id, runs, other)),
        (n.clone(), class, any::<bool>()).prop_map(|(n, class, changed)| Step::Close(n, class, changed)),
        (n, 0_i64..4, any::<bool>(), reason).prop_map(|(n, at, a, reason)| Step::Skip(n, at, a, reason)),
        (0_u8..2, any::<u8>()).prop_map(|(name, at)| Step::Cursor(name, at)),
        any::<u8>().prop_map(Step::Key),
    ]
}

fn route(a: bool) -> &'static str {
    if a { "a" } else { "b" }
}

/// What the store answers to a step, in words.
async fn take(store: &dyn Store, step: &Step) -> String {
    match step.clone() {
        Step::Claim(intents) => {
            let intents = intents.into_iter().map(|(n, at, a)| {
                let mut intent = intent(n, route(a));
                intent.tick = tick(at);
                intent
            });
            format!("{:?}", store.claim(intents.collect()).await)
        }
        Step::Fired(n, answered) => {
            let answer = answered.then(|| json!({ "status": 202 }));
            let fired = Fired {
                sent: tick(1),
                answer,
            };
            format!("{:?}", store.fired(run(n), fired).await)
        }
        Step::Observe(id, runs, other) => {
            let runs: Vec<_> = runs.into_iter().map(run).collect();
            let mut seen = observation(id, &runs);
            Arc::make_mut(&mut seen.observation).sighting.automatic = other;
            format!("{:?}", store.observe(seen).await)
        }
        Step::Close(n, class, changed) => {
            let record = if changed {
                amended(n, "a", Class::Lost, class)
            } else {
                record(n, "a", class)
            };
            format!("{:?}", store.close(tick(1), record).await)
        }
        Step::Skip(n, at, a, reason) => {
            format!(
                "{:?}",
                store
                    .skip(run(n), tick(at), skip(route(a), tick(at), reason))
                    .await
            )
        }
        Step::Cursor(name, at) => format!("{:?}", store.save_cursor(name.to_string(), at.to_string()).await),
        Step::Key(byte) => format!("{:?}", store.token_key([byte; 32]).await.map(|key| *key.bytes())),
    }
}

/// All that a store can be asked.
async fn state(store: &dyn Store) -> String {
    let mut text = format!(
        "{:#?} {:#?} {:#?} {:?}",
        store.open_runs().await,
        store.runs(RunFilter::default()).await,
        store.skips(Some(tick(1))).await,
        store.last_observation().await,
    );
    for n in 0..6 {
        text += &format!("{:?}", store.replaced(run(n)).await);
        let since = tick(i64::try_from(n).unwrap());
        text += &format!("{:?}", store.claimed_since(String::from("orders"), since).await);
        text += &format!("{:?}", store.cursor(n.to_string()).await);
    }
    text
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn every_store_answers_alike(steps in prop::collection::vec(step(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let stores: [Arc<dyn Store>; 2] =
                [Arc::new(MemoryStore::new()), Arc::new(open(&folder.path().join("landfall.db")))];
            let [memory, sqlite] = &stores;
            for step in &steps {
                prop_assert_eq!(take(&**memory, step).await, take(&**sqlite, step).await, "{:?}", step);
            }
            prop_assert_eq!(state(&**memory).await, state(&**sqlite).await);
            sqlite.shutdown().await.unwrap();
            Ok(())
        })?;
    }
}
