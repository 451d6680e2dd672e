//! What every store does: each rule once, on each kind.

use std::sync::Arc;

use futures::future::{BoxFuture, join_all};
use landfall::model::{Class, ObservationId, Reason, RunRecord, SkipReason};
use landfall::store::{Claim, Fired, Intent, MemoryStore, OpenRow, OpenRun, RunFilter, Store};
use serde_json::json;

use super::make::{amended, intent, observation, open, record, run, skip, tick};

/// Runs `rule` on a fresh store of each kind.
pub(crate) async fn on_each(rule: impl for<'a> Fn(&'a Arc<dyn Store>) -> BoxFuture<'a, ()>) {
    let memory: Arc<dyn Store> = Arc::new(MemoryStore::default());
    rule(&memory).await;
    memory.shutdown().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let sqlite: Arc<dyn Store> = Arc::new(open(&folder.path().join("landfall.db")));
    rule(&sqlite).await;
    sqlite.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_intent_with_the_same_five_is_refused() {
    on_each(|store| {
        Box::pin(async move {
            assert_eq!(store.claim(vec![intent(1, "a")]).await.unwrap(), [Claim::Won]);
            let mut rival = intent(2, "a");
            rival.tick = intent(1, "a").tick;
            assert_eq!(store.claim(vec![rival.clone()]).await.unwrap(), [Claim::Taken]);
            assert_eq!(
                store.claim(vec![intent(1, "a")]).await.unwrap(),
                [Claim::Taken],
                "the very same one again"
            );
            for part in 0..4 {
                let mut other = rival.clone();
                other.run = run(10 + part);
                let parts = [
                    &mut other.probe,
                    &mut other.input,
                    &mut other.route,
                    &mut other.location,
                ];
                parts.into_iter().nth(part as usize).unwrap().push('x');
                assert_eq!(
                    store.claim(vec![other]).await.unwrap(),
                    [Claim::Won],
                    "part {part}"
                );
            }
            let open = store.open_runs().await.unwrap();
            assert_eq!(open.len(), 5);
            assert_eq!(open[0].intent, intent(1, "a"));
            assert_eq!(open[0].fired, None, "fire unknown");
        })
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_rivals_exactly_one_wins() {
    on_each(|store| {
        Box::pin(async move {
            for round in 0..8 {
                let rivals = (0..32_u128).map(|n| {
                    let store = Arc::clone(store);
                    let mut rival = intent(1000 * (round + 1) + n, "a");
                    rival.tick = tick(i64::try_from(round).unwrap());
                    tokio::spawn(async move { store.claim(vec![rival]).await.unwrap()[0] })
                });
                let won = join_all(rivals).await;
                let won = won
                    .into_iter()
                    .filter(|claim| *claim.as_ref().unwrap() == Claim::Won);
                assert_eq!(won.count(), 1, "round {round}");
            }
            assert_eq!(store.open_runs().await.unwrap().len(), 8);
        })
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_intents_of_one_claim_stand_or_fall_together() {
    on_each(|store| {
        Box::pin(async move {
            let mut same_run = intent(2, "b");
            same_run.run = run(1);
            let refused = store.claim(vec![intent(1, "a"), same_run]).await.unwrap_err();
            assert_eq!(refused.reason, Reason::Internal);
            assert!(refused.message.contains("run ids are given once"), "{refused}");
            assert_eq!(store.open_runs().await.unwrap(), []);
            let rival = {
                let mut rival = intent(4, "a");
                rival.tick = intent(3, "a").tick;
                rival
            };
            assert_eq!(
                store
                    .claim(vec![intent(3, "a"), rival, intent(5, "b")])
                    .await
                    .unwrap(),
                [Claim::Won, Claim::Taken, Claim::Won]
            );
        })
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_run_has_its_firing_and_its_observations() {
    on_each(|store| {
        Box::pin(async move {
            store.claim(vec![intent(1, "a"), intent(2, "b")]).await.unwrap();
            let sent = Fired {
                sent: tick(1),
                answer: None,
            };
            store.fired(run(1), sent.clone()).await.unwrap();
            store.observe(observation(7, &[run(1), run(2)])).await.unwrap();
            store.observe(observation(5, &[])).await.unwrap();
            store.observe(observation(6, &[run(1)])).await.unwrap();
            let answered = Fired {
                answer: Some(json!({ "status": 202 })),
                ..sent
            };
            store.fired(run(1), answered.clone()).await.unwrap();
            // The same observation again, once it is known whose it is too.
            store.observe(observation(5, &[run(2)])).await.unwrap();
            let seen = |ids: [(u64, &[_]); 2]| ids.map(|(id, runs)| observation(id, runs)).to_vec();
            assert_eq!(
                store.open_runs().await.unwrap(),
                [
                    OpenRun {
                        intent: intent(1, "a"),
                        fired: Some(answered),
                        observations: seen([(6, &[run(1)]), (7, &[run(1), run(2)])]),
                    },
                    OpenRun {
                        intent: intent(2, "b"),
                        fired: None,
                        observations: seen([(5, &[run(2)]), (7, &[run(1), run(2)])]),
                    },
                ]
            );
            assert_eq!(store.last_observation().await.unwrap(), Some(ObservationId(7)));
            assert_eq!(
                rows(store).await,
                ["run 1, answered", "6", "7", "run 2, fire unknown", "5", "7"]
            );
        })
    })
    .await;
}

/// What is told of each row; its texts are what [`Store::open_runs`] reads.
async fn rows(store: &Arc<dyn Store>) -> Vec<String> {
    let mut known = store.open_runs().await.unwrap().into_iter();
    let told = Arc::new(std::sync::Mutex::new(Vec::new()));
    let rows = Arc::clone(&told);
    let take = move |row: OpenRow<'_>| {
        let said = match row {
            OpenRow::Seen(seen) => seen.observation.id.0.to_string(),
            OpenRow::Run(text) => {
                let OpenRun { intent, fired, .. } = known.next().unwrap();
                let read: Intent = serde_json::from_str(text.intent).unwrap();
                assert_eq!((text.run, read), (intent.run, intent));
                let answer = fired.and_then(|fired| fired.answer);
                let text = text.fired.and_then(|(_, text)| text);
                assert_eq!(text.map(|text| serde_json::from_str(text).unwrap()), answer);
                let how = answer.map_or("fire unknown", |_| "answered");
                format!("run {}, {how}", if how == "answered" { 1 } else { 2 })
            }
        };
        rows.lock().unwrap().push(said);
        Ok(())
    };
    store.each_open(Box::new(take)).await.unwrap();
    let refused = store
        .each_open(Box::new(|_| Err(String::from("not this one"))))
        .await;
    assert!(refused.unwrap_err().message.contains("not this one"));
    told.lock().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_contradicts_the_record_is_refused() {
    on_each(|store| {
        Box::pin(async move {
            assert_eq!(store.last_observation().await.unwrap(), None);
            let fired = Fired {
                sent: tick(1),
                answer: None,
            };
            let refused = store.fired(run(1), fired).await.unwrap_err();
            assert!(
                refused.message.contains("no claim of it is on record"),
                "{refused}"
            );
            store.observe(observation(1, &[])).await.unwrap();
            let mut other = observation(1, &[]);
            Arc::make_mut(&mut other.observation).sighting.summary = String::from("another");
            let refused = store.observe(other).await.unwrap_err();
            assert!(refused.message.contains("other content"), "{refused}");
        })
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_amended_verdict_stands_beside_the_first() {
    on_each(|store| {
        Box::pin(async move {
            store.claim(vec![intent(1, "a")]).await.unwrap();
            let lost = record(1, "a", Class::Lost);
            store.close(tick(1), Arc::clone(&lost)).await.unwrap();
            assert_eq!(store.open_runs().await.unwrap(), []);
            assert_eq!(store.runs(RunFilter::default()).await.unwrap(), [(*lost).clone()]);
            // Again the same is no amendment.
            store.close(tick(1), Arc::clone(&lost)).await.unwrap();
            assert_eq!(store.replaced(run(1)).await.unwrap(), []);
            let late = amended(1, "a", Class::Lost, Class::Late);
            store.close(tick(1), Arc::clone(&late)).await.unwrap();
            assert_eq!(store.runs(RunFilter::default()).await.unwrap(), [(*late).clone()]);
            assert_eq!(store.replaced(run(1)).await.unwrap(), [(*lost).clone()]);
            // The answer of a run that has ended comes too late to matter, and is no error.
            let fired = Fired {
                sent: tick(1),
                answer: None,
            };
            store.fired(run(1), fired).await.unwrap();
            assert_eq!(store.open_runs().await.unwrap(), []);
            assert_eq!(
                store.claim(vec![intent(1, "a")]).await.unwrap(),
                [Claim::Taken],
                "the fence outlives the run"
            );
        })
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_choose_and_the_newest_comes_first() {
    on_each(|store| {
        Box::pin(async move {
            for n in 1..=6 {
                let route = if n % 2 == 0 { "even" } else { "odd" };
                let ended = record(n, route, Class::Delivered);
                store.close(tick(i64::try_from(n).unwrap()), ended).await.unwrap();
            }
            let mut other = RunRecord::clone(&record(9, "even", Class::Late));
            other.probe = String::from("mail");
            store.close(tick(9), Arc::new(other)).await.unwrap();
            let ids = async |filter: RunFilter| {
                let runs = store.runs(filter).await.unwrap();
                runs.iter().map(|record| record.id).collect::<Vec<_>>()
            };
            let all = RunFilter::default();
            assert_eq!(ids(all.clone()).await, [9, 6, 5, 4, 3, 2, 1].map(run));
            let orders = RunFilter {
                probes: vec![String::from("orders")],
                ..all.clone()
            };
            assert_eq!(ids(orders.clone()).await, [6, 5, 4, 3, 2, 1].map(run));
            let even = RunFilter {
                routes: vec![String::from("even")],
                ..orders
            };
            assert_eq!(ids(even.clone()).await, [6, 4, 2].map(run));
            let since = RunFilter {
                since: Some(tick(4)),
                ..even.clone()
            };
            assert_eq!(ids(since).await, [6, 4].map(run));
            let one = RunFilter {
                limit: Some(1),
                ..even
            };
            assert_eq!(ids(one).await, [6].map(run));
            let quoted = RunFilter {
                probes: vec![String::from("' OR 1=1 --")],
                ..all
            };
            assert_eq!(ids(quoted).await, []);
        })
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn skips_cursors_counts_and_the_key_are_kept() {
    on_each(|store| {
        Box::pin(async move {
            let down = skip("a", tick(1), SkipReason::Down);
            let late = skip("b", tick(2), SkipReason::LateStart);
            store.skip(run(902), tick(2), late.clone()).await.unwrap();
            store.skip(run(901), tick(1), down.clone()).await.unwrap();
            // A tick has one fate, the first that was said.
            store
                .skip(run(900), tick(1), skip("a", tick(1), SkipReason::Paused))
                .await
                .unwrap();
            assert_eq!(store.skips(None).await.unwrap(), [down, late.clone()]);
            assert_eq!(store.skips(Some(tick(2))).await.unwrap(), [late]);

            assert_eq!(store.cursor(String::from("inbox")).await.unwrap(), None);
            for at in ["7/1", "7/2"] {
                store
                    .save_cursor(String::from("inbox"), String::from(at))
                    .await
                    .unwrap();
            }
            assert_eq!(
                store.cursor(String::from("inbox")).await.unwrap().as_deref(),
                Some("7/2")
            );

            store
                .claim((1..=5).map(|n| intent(n, "a")).collect())
                .await
                .unwrap();
            store.close(tick(4), record(4, "a", Class::Lost)).await.unwrap();
            let orders = || String::from("orders");
            assert_eq!(store.claimed_since(orders(), tick(3)).await.unwrap(), 3);
            assert_eq!(
                store.claimed_since(String::from("mail"), tick(3)).await.unwrap(),
                0
            );

            let key = store.token_key([1; 32]).await.unwrap();
            assert_eq!(key.bytes(), &[1; 32]);
            let again = store.token_key([2; 32]).await.unwrap();
            assert_eq!(again.bytes(), &[1; 32], "made once");
        })
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_open_run_is_found_among_many_with_what_is_its_own() {
    on_each(|store| {
        Box::pin(async move {
            store
                .claim((1..=5).map(|n| intent(n, "a")).collect())
                .await
                .unwrap();
            let fired = Fired {
                sent: tick(3),
                answer: Some(json!({ "status": 202 })),
            };
            store.fired(run(3), fired.clone()).await.unwrap();
            store.observe(observation(9, &[run(3)])).await.unwrap();
            store.observe(observation(10, &[run(4)])).await.unwrap();
            let expected = OpenRun {
                intent: intent(3, "a"),
                fired: Some(fired),
                observations: vec![observation(9, &[run(3)])],
            };
            assert_eq!(store.open_run(run(3)).await.unwrap(), Some(expected));
            let other = store.open_run(run(1)).await.unwrap().unwrap();
            assert_eq!((other.fired, other.observations.len()), (None, 0));
            assert_eq!(store.open_run(run(77)).await.unwrap(), None, "never claimed");
            store
                .close(tick(3), record(3, "a", Class::Delivered))
                .await
                .unwrap();
            assert_eq!(store.open_run(run(3)).await.unwrap(), None, "ended");
        })
    })
    .await;
}
