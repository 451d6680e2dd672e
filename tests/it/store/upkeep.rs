//! Hours rolled up, and what has been kept long enough leaves: nothing is counted twice or lost on the way.

use std::sync::Arc;
use std::time::Duration;

use landfall::model::{
    Class, LayerRecord, LayerState, Moment, Rollup, RunRecord, Seconds, SkipReason, SkipSpan,
};
use landfall::store::{Claim, Retention, RollupFilter, Store, Upkeep};

use super::make::{intent, observation, open, record, run, skip, tick};
use super::suite::on_each;

const DAY: Duration = Duration::from_hours(24);

/// Run `n` at tick `n` (a minute each), arrived after `n` milliseconds.
fn ended(n: u128, route: &str, class: Class) -> Arc<RunRecord> {
    let mut ended = RunRecord::clone(&record(n, route, class));
    let arrived = class != Class::Lost;
    #[expect(clippy::cast_precision_loss, reason = "small")]
    let after = n as f64 / 1000.0;
    ended.layers.outcome = LayerRecord {
        state: if arrived { LayerState::Yes } else { LayerState::No },
        seconds: arrived.then_some(Seconds(0.0, after)),
    };
    ended.fingerprint = Some(format!("f{}", n % 3));
    Arc::new(ended)
}

async fn close(store: &dyn Store, n: u128, route: &str, class: Class) {
    let at = tick(i64::try_from(n).unwrap());
    store.close(at, ended(n, route, class)).await.unwrap();
}

async fn all(store: &dyn Store) -> Vec<Rollup> {
    store.rollups(RollupFilter::default()).await.unwrap()
}

/// What the roll-ups of `orders` must be for these runs.
fn expected(runs: &[(u128, &str, Class)], until: Moment) -> Vec<Rollup> {
    let mut rollups: Vec<Rollup> = Vec::new();
    for (n, route, class) in runs {
        let hour = Rollup::hour_of(tick(i64::try_from(*n).unwrap()));
        if hour >= until {
            continue;
        }
        let found = rollups.iter().position(|r| r.hour == hour && r.route == *route);
        let at = found.unwrap_or_else(|| {
            rollups.push(Rollup::empty(hour, "orders", route, "default"));
            rollups.len() - 1
        });
        rollups[at].add(&ended(*n, route, *class));
    }
    rollups.sort_by(|a, b| (a.hour, &a.route).cmp(&(b.hour, &b.route)));
    rollups
}

#[tokio::test(flavor = "multi_thread")]
async fn hours_that_have_ended_are_rolled_up_and_again_when_their_runs_change() {
    on_each(|store| {
        Box::pin(async move {
            let store = &**store;
            let mut runs: Vec<_> = (0..150_u128)
                .map(|n| (n, ["a", "b"][n as usize % 2], Class::ALL[n as usize % 7]))
                .collect();
            for (n, route, class) in &runs {
                close(store, *n, route, *class).await;
            }
            let now = tick(150);
            let first = store.upkeep(now, Retention::default()).await.unwrap();
            assert!(first.rolled_up >= 2, "{first:?}");
            let until = Rollup::hour_of(now);
            assert_eq!(
                all(store).await,
                expected(&runs, until),
                "the hour that goes on is not there"
            );

            // One is amended, one closes long after its hour.
            runs[3].2 = if runs[3].2 == Class::Late {
                Class::Duplicate
            } else {
                Class::Late
            };
            close(store, 3, runs[3].1, runs[3].2).await;
            runs.push((5, "c", Class::Lost));
            let mut late = RunRecord::clone(&ended(5, "c", Class::Lost));
            late.id = run(9_000);
            store.close(tick(5), Arc::new(late)).await.unwrap();
            store.upkeep(now, Retention::default()).await.unwrap();
            assert_eq!(all(store).await, expected(&runs, until));
            store.upkeep(now, Retention::default()).await.unwrap();
            assert_eq!(all(store).await, expected(&runs, until), "again is the same");
            let one = RollupFilter {
                routes: vec![String::from("c")],
                until: Some(until),
                ..RollupFilter::default()
            };
            assert_eq!(store.rollups(one).await.unwrap().len(), 1);
        })
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn delivered_runs_leave_first_then_the_others_and_rollups_last() {
    on_each(|store| {
        Box::pin(async move {
            let store = &**store;
            let base = tick(0);
            store
                .claim(vec![intent(1, "a"), intent(2, "a"), intent(3, "a")])
                .await
                .unwrap();
            store.observe(observation(1, &[run(1)])).await.unwrap();
            store.observe(observation(2, &[run(1), run(2)])).await.unwrap();
            store.observe(observation(3, &[])).await.unwrap();
            close(store, 1, "a", Class::Delivered).await;
            close(store, 2, "a", Class::Lost).await;
            store
                .skip(run(900), tick(4), skip("a", tick(4), SkipReason::Limit))
                .await
                .unwrap();
            let span = SkipSpan {
                probe: String::from("orders"),
                route: String::from("a"),
                input: String::from("default"),
                reason: SkipReason::Down,
                detail: String::new(),
                first: tick(5),
                last: tick(6),
                ticks: 2,
            };
            store.skip_span(vec![span]).await.unwrap();
            let keep = Retention::default();
            let counts = async || {
                let size = store.size().await.unwrap();
                (
                    size.runs,
                    size.open_runs,
                    size.observations,
                    size.skips,
                    size.skip_spans,
                )
            };

            let young = store.upkeep(base.after(80 * DAY), keep).await.unwrap();
            // Strays are kept from when they arrived, which was long ago.
            assert_eq!(
                young,
                Upkeep {
                    rolled_up: 1,
                    observations: 1,
                    ..Upkeep::default()
                }
            );
            assert_eq!(counts().await, (2, 1, 2, 1, 1));
            let hours = all(store).await;

            let old = store.upkeep(base.after(91 * DAY), keep).await.unwrap();
            assert_eq!((old.runs, old.observations, old.others), (1, 1, 1));
            assert_eq!(
                counts().await,
                (1, 1, 1, 0, 1),
                "the failure, its observation and the open run stay"
            );
            assert_eq!(store.run(run(1)).await.unwrap(), None);
            assert!(store.run(run(2)).await.unwrap().is_some());
            assert_eq!(all(store).await, hours, "the hour tells of both");

            // Too late to be made again: a part of its runs is gone.
            close(store, 2, "a", Class::Late).await;
            store.upkeep(base.after(92 * DAY), keep).await.unwrap();
            assert_eq!(all(store).await, hours);

            store.upkeep(base.after(181 * DAY), keep).await.unwrap();
            assert_eq!(counts().await, (0, 1, 0, 0, 1));
            assert_eq!(all(store).await, hours);
            assert_eq!(
                store.open_runs().await.unwrap()[0].intent.run,
                run(3),
                "what is open never leaves"
            );
            assert_eq!(store.claim(vec![intent(3, "a")]).await.unwrap(), [Claim::Taken]);

            store.upkeep(base.after(731 * DAY), keep).await.unwrap();
            assert_eq!(all(store).await, []);
            assert_eq!(counts().await, (0, 1, 0, 0, 0));
        })
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cut_off_anywhere_and_with_runs_closing_meanwhile_it_comes_to_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(open(&folder.path().join("landfall.db")));
    let mut runs: Vec<_> = (0..600_u128).map(|n| (n, "a", Class::Delivered)).collect();
    for (n, route, class) in &runs {
        close(&*store, *n, route, *class).await;
    }
    let now = tick(600);
    let amending = tokio::spawn({
        let store = Arc::clone(&store);
        async move {
            for n in (0..600).step_by(7) {
                close(&*store, n, "a", Class::Duplicate).await;
            }
        }
    });
    let mut cut = 0;
    for micros in (0..).map(|n| 200 + 150 * n) {
        let turn = store.upkeep(now, Retention::default());
        if tokio::time::timeout(Duration::from_micros(micros), turn)
            .await
            .is_ok()
            && amending.is_finished()
        {
            break;
        }
        cut += 1;
    }
    assert!(cut > 0, "no turn was cut off");
    amending.await.unwrap();
    store.upkeep(now, Retention::default()).await.unwrap();
    for n in (0..600).step_by(7) {
        runs[n].2 = Class::Duplicate;
    }
    assert_eq!(all(&*store).await, expected(&runs, Rollup::hour_of(now)));

    // And so with what leaves.
    let now = now.after(100 * DAY);
    for micros in (0..).map(|n| 200 + 150 * n) {
        let turn = store.upkeep(now, Retention::default());
        if tokio::time::timeout(Duration::from_micros(micros), turn)
            .await
            .is_ok()
        {
            break;
        }
    }
    let size = store.size().await.unwrap();
    assert_eq!(
        size.runs,
        runs.iter().filter(|run| run.2 == Class::Duplicate).count() as u64
    );
    let told = all(&*store).await.iter().map(Rollup::runs).sum::<u64>();
    assert_eq!(told, 600);
}
