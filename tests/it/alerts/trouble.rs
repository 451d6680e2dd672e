//! Bad days: a queue that overflows, a destination that is down for a day.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use landfall::alert::{About, Alerts, Opened, Policy, Rules, Setup, Watched};
use landfall::clock::{Clock, SeededRandom, SystemClock};
use landfall::model::Moment;
use landfall::redact::Redactor;
use landfall::store::{MemoryStore, Store};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::service::{record_at, watched};
use super::{Peer, opened};
use crate::support::channel::eventually;

/// Time that passes when the test says so.
#[derive(Clone)]
struct ByHand {
    now: Arc<AtomicI64>,
    moved: Arc<Notify>,
}

impl ByHand {
    fn new() -> Self {
        Self {
            now: Arc::new(AtomicI64::new(SystemClock::start().now().0)),
            moved: Arc::default(),
        }
    }

    fn pass(&self, time: Duration) {
        self.now
            .fetch_add(i64::try_from(time.as_nanos()).unwrap(), Ordering::SeqCst);
        self.moved.notify_waiters();
    }
}

impl Clock for ByHand {
    fn now(&self) -> Moment {
        Moment(self.now.load(Ordering::SeqCst))
    }

    fn sleep_until(&self, until: Moment) -> BoxFuture<'static, ()> {
        let clock = self.clone();
        Box::pin(async move {
            loop {
                let moved = clock.moved.notified();
                let mut moved = std::pin::pin!(moved);
                // Registered before the look, so that no move between the two is missed.
                moved.as_mut().enable();
                if clock.now() >= until {
                    return;
                }
                moved.await;
            }
        })
    }
}

/// One route of one probe that alerts on three lost runs in a row, and on nothing else.
fn in_a_row() -> Watched {
    let known = watched();
    let policy = Policy {
        burn_rate: false,
        at_once: BTreeSet::new(),
        ..known.policy
    };
    let about = About {
        rules: Rules::new(&policy, None, None).unwrap(),
        ..known.about
    };
    Watched {
        about,
        policy,
        series: known.series,
    }
}

fn start(clock: &ByHand, store: &Arc<dyn Store>, peer: &Peer) -> (Arc<Alerts>, CancellationToken) {
    let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
    let setup = Setup {
        watched: vec![in_a_row()],
        destinations: vec![Opened {
            name: String::from("chat"),
            kind: "webhook",
            stateful: false,
            destination: opened(json!({ "webhook": { "url": peer.url } }), Path::new("")),
            digest: [0; 32],
        }],
        store: store.clone(),
        clock: Arc::new(clock.clone()),
        random: Arc::new(SeededRandom::new(3)),
        redactor: Arc::new(Redactor::new([])),
        maintenance: Arc::new(|_, _: Moment| false),
    };
    (Alerts::start(setup, &stop, &tasks), stop)
}

#[tokio::test]
async fn a_destination_that_is_down_for_a_day_is_told_once_of_all_of_it() {
    let (peer, clock) = (Peer::start().await, ByHand::new());
    let store = Arc::new(MemoryStore::default()) as Arc<dyn Store>;
    *peer.answer.lock().unwrap() = 503;
    let (alerts, stop) = start(&clock, &store, &peer);
    // Every four hours of a day an outage of three runs, over before the next; at the end one that stays.
    for outage in 0..6_u64 {
        let last = outage == 5;
        let good = if last { "lost" } else { "delivered" };
        for (n, class) in ["lost", "lost", "lost", good, good, good].into_iter().enumerate() {
            let number = 10 * outage + n as u64 + 1;
            alerts.ended(&record_at(clock.now(), number, "stripe", class));
            clock.pass(Duration::from_secs(60));
            // Opened by the third that is lost, over with the third that is not.
            let expected = n >= 2 && (last || n < 5);
            eventually("the run to be taken", || {
                clock.pass(Duration::from_millis(10));
                (alerts.open().is_empty() != expected).then_some(())
            })
            .await;
        }
        clock.pass(Duration::from_secs(4 * 3_600 - 360));
    }
    let tried = eventually("attempts that failed", || {
        clock.pass(Duration::from_secs(60));
        let status = alerts.destinations()[0].clone();
        (status.failed > 3 && status.summed_up > 0).then_some(status)
    })
    .await;
    assert!(tried.down_since.is_some() && tried.last_failure.is_some() && tried.last_success.is_none());
    assert_eq!((tried.sent, tried.given_up), (0, 0));

    let before = peer.got().len();
    *peer.answer.lock().unwrap() = 200;
    eventually("nothing waits", || {
        clock.pass(Duration::from_secs(60));
        (alerts.destinations()[0].waiting == 0).then_some(())
    })
    .await;
    let got: Vec<Value> = peer.got()[before..]
        .iter()
        .map(|(_, body)| serde_json::from_str(body).unwrap())
        .collect();
    // Each message once; what happened is in a word, and what is still open is in it.
    let mut ids: Vec<_> = got.iter().map(|body| body["id"].clone()).collect();
    ids.dedup();
    assert_eq!(ids.len(), got.len(), "{ids:?}");
    assert!(
        got.len() <= 3,
        "a day ends in few messages, not in a storm: {}",
        got.len()
    );
    let open = alerts.open();
    let told = |alert: &str| {
        got.iter().any(|body| {
            body["alert"] == alert
                || body["summary"]["alerts"]
                    .as_array()
                    .is_some_and(|all| all.iter().any(|a| a["alert"] == alert))
        })
    };
    assert!(open.len() == 1 && told(&open[0].alert), "{got:#?}");
    let status = &alerts.destinations()[0];
    assert!(
        status.last_success.is_some() && status.down_since.is_none() && status.sent >= 1,
        "{status:?}"
    );
    stop.cancel();
}

#[tokio::test]
async fn what_finds_the_queue_full_is_counted_and_read_from_the_store() {
    const BEYOND: u64 = 500;
    let (peer, clock) = (Peer::start().await, ByHand::new());
    let store = Arc::new(MemoryStore::keeping(20_000)) as Arc<dyn Store>;
    let (alerts, stop) = start(&clock, &store, &peer);
    let first = clock.now();
    let run = |n: u64, class: &str| record_at(first.after(Duration::from_millis(n)), n, "stripe", class);
    // An outage that comes and goes: then alerting is at work.
    (1..=3).for_each(|n| alerts.ended(&run(n, "lost")));
    let opened = eventually("an alert", || {
        clock.pass(Duration::from_secs(1));
        alerts.open().first().cloned()
    })
    .await;
    (4..=6).for_each(|n| alerts.ended(&run(n, "delivered")));
    eventually("its end", || {
        clock.pass(Duration::from_secs(1));
        alerts.open().is_empty().then_some(())
    })
    .await;
    // The test is one thread: alerting takes nothing before the test waits for something.
    for n in 7..10_007 {
        alerts.ended(&run(n, "delivered"));
    }
    assert_eq!(alerts.missed(), 0);
    for n in 10_007..10_007 + BEYOND {
        let record = run(n, "lost");
        let tick = Moment::from_rfc3339(&record.tick).unwrap();
        store.close(tick, record.clone()).await.unwrap();
        alerts.ended(&record);
    }
    assert_eq!(
        alerts.missed(),
        BEYOND,
        "each that the queue of 10,000 did not take is counted"
    );
    let again = eventually("the alert of what was missed", || {
        clock.pass(Duration::from_secs(1));
        alerts.open().first().cloned()
    })
    .await;
    assert_ne!(again.alert, opened.alert);
    assert!(again.title.contains("lost on stripe"), "{}", again.title);
    stop.cancel();
}
