//! Skips that the store has not taken. They wait in bounded memory and are put on record once it is well again, also at
//! a stop; where the process ends before that, the next start finds their ticks without a fate and skips them as *down*.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::drive::Shared;
use crate::model::{Fault, Moment, RunId, SkipRecord, SkipSpan};

/// Between two attempts.
const AGAIN: Duration = Duration::from_secs(1);
/// Attempts after a stop, each as long as the store lets it wait.
const LAST: u32 = 3;
/// Between them.
const PAUSE: Duration = Duration::from_millis(100);
/// Stretches that wait at most.
const SPANS: usize = 100_000;
/// Skips that wait by themselves at most, since the intents of their runs may be on record.
const SINGLES: usize = 10_000;
/// Stretches put on record in one commit.
const BATCH: usize = 1_000;

/// What waits.
#[derive(Default)]
pub(super) struct Owed {
    state: Mutex<State>,
    /// Skips on their way to the store.
    under_way: AtomicUsize,
    changed: Notify,
}

/// One skip that the store has not taken.
pub(super) struct Skip {
    pub(super) run: RunId,
    pub(super) tick: Moment,
    pub(super) record: SkipRecord,
    /// Whether the intent of its run may be on record, and is withdrawn with it.
    pub(super) claimed: bool,
}

/// Probe, route, input, and the first tick.
type Key = (String, String, String, Moment);

#[derive(Default)]
struct State {
    singles: VecDeque<Skip>,
    spans: BTreeMap<Key, Waiting>,
}

struct Waiting {
    span: SkipSpan,
    /// The store has been handed it, and may have taken it: its first tick stays what it is.
    tried: bool,
}

/// Counts a skip as on its way.
pub(super) struct UnderWay(Arc<Shared>);

impl UnderWay {
    pub(super) fn begin(shared: &Arc<Shared>) -> Self {
        shared.owed.under_way.fetch_add(1, Ordering::AcqRel);
        Self(shared.clone())
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.owed.under_way.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Owed {
    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        let state = self.lock();
        state.singles.is_empty() && state.spans.is_empty()
    }

    /// Takes one in. `next`: the tick that follows another by the schedule; where one follows the last that waits, of the
    /// same leg and for the same reason, both are one stretch.
    pub(super) fn add(&self, skip: Skip, next: impl Fn(Moment) -> Option<Moment>) {
        let mut state = self.lock();
        let taken = if skip.claimed {
            let room = state.singles.len() < SINGLES;
            if room {
                state.singles.push_back(skip);
                Ok(())
            } else {
                Err(Box::new((
                    skip.record,
                    format!("{SINGLES} skips of runs with an intent"),
                )))
            }
        } else {
            state.fold(skip, next)
        };
        drop(state);
        self.changed.notify_one();
        if let Err(dropped) = taken {
            let (record, limit) = *dropped;
            tracing::error!(
                probe = record.probe,
                route = record.route,
                tick = record.tick,
                "a skip is not on record, and is skipped as down at the next start: {limit} wait for the store already"
            );
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts on record what waits.
    async fn flush(&self, shared: &Shared) -> Result<(), Fault> {
        loop {
            let spans = self.lock().some();
            if spans.is_empty() {
                break;
            }
            shared.store.skip_span(spans.clone()).await?;
            self.lock().written(&spans);
        }
        loop {
            let single = self.lock().singles.pop_front();
            let Some(skip) = single else { return Ok(()) };
            if let Err(fault) = shared.store.skip(skip.run, skip.tick, skip.record.clone()).await {
                self.lock().singles.push_front(skip);
                return Err(fault);
            }
        }
    }
}

impl State {
    fn fold(
        &mut self,
        skip: Skip,
        next: impl Fn(Moment) -> Option<Moment>,
    ) -> Result<(), Box<(SkipRecord, String)>> {
        let Skip { tick, record, .. } = skip;
        let key = |first| {
            (
                record.probe.clone(),
                record.route.clone(),
                record.input.clone(),
                first,
            )
        };
        let full = self.spans.len() >= SPANS;
        let of_leg = |waiting: &SkipSpan| {
            (&waiting.probe, &waiting.route, &waiting.input) == (&record.probe, &record.route, &record.input)
        };
        if let Some((_, before)) = self.spans.range_mut(..key(tick)).next_back()
            && of_leg(&before.span)
            && (before.span.reason == record.reason || full)
            && next(before.span.last) == Some(tick)
        {
            before.span.last = tick;
            before.span.ticks += 1;
            before.span.detail = record.detail;
            return Ok(());
        }
        // One that was on its way for longer than the one after it.
        let after = (Bound::Excluded(key(tick)), Bound::Unbounded);
        if let Some((of, after)) = self.spans.range(after).next()
            && of_leg(&after.span)
            && after.span.reason == record.reason
            && !after.tried
            && next(tick) == Some(after.span.first)
        {
            let of = of.clone();
            if let Some(mut waiting) = self.spans.remove(&of) {
                waiting.span.first = tick;
                waiting.span.ticks += 1;
                self.spans.insert(key(tick), waiting);
            }
            return Ok(());
        }
        if full {
            return Err(Box::new((record, format!("{SPANS} stretches"))));
        }
        let key = key(tick);
        let span = SkipSpan {
            probe: record.probe,
            route: record.route,
            input: record.input,
            reason: record.reason,
            detail: record.detail,
            first: tick,
            last: tick,
            ticks: 1,
        };
        let tried = false;
        self.spans.insert(key, Waiting { span, tried });
        Ok(())
    }

    /// As many as go into one commit.
    fn some(&mut self) -> Vec<SkipSpan> {
        let some = self.spans.values_mut().take(BATCH);
        some.map(|waiting| {
            waiting.tried = true;
            waiting.span.clone()
        })
        .collect()
    }

    /// These are on record; one that has grown since waits on.
    fn written(&mut self, spans: &[SkipSpan]) {
        for span in spans {
            let key = (
                span.probe.clone(),
                span.route.clone(),
                span.input.clone(),
                span.first,
            );
            if self.spans.get(&key).is_some_and(|waiting| waiting.span == *span) {
                self.spans.remove(&key);
            }
        }
    }
}

/// Works until the engine stops, and then until all is on record or the store has refused it for the last time.
pub(super) async fn keep(shared: Arc<Shared>) {
    let owed = &shared.owed;
    let mut left = LAST;
    let mut said = false;
    loop {
        let stopping = shared.stop.is_cancelled();
        // Before the attempt: what came to wait after it is seen by the next.
        let quiet = owed.under_way.load(Ordering::Acquire) == 0;
        match owed.flush(&shared).await {
            Ok(()) if said => {
                tracing::info!("the skips that waited for the store are on record");
                said = false;
            }
            Ok(()) => {}
            Err(fault) => {
                if !said {
                    tracing::warn!(%fault, "skips are not on record yet: they wait for the store");
                }
                said = true;
                left -= u32::from(stopping && quiet);
            }
        }
        if stopping && quiet && (owed.is_empty() || left == 0) {
            if !owed.is_empty() {
                tracing::error!("skips are not on record: the next start will skip their ticks as down");
            }
            return;
        }
        if stopping {
            shared.clock.sleep(PAUSE).await;
            continue;
        }
        let wait = async {
            if owed.is_empty() {
                owed.changed.notified().await;
            } else {
                shared.clock.sleep(AGAIN).await;
            }
        };
        tokio::select! {
            () = shared.stop.cancelled() => {}
            () = wait => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::SkipReason;

    fn skip(at: i64, reason: SkipReason) -> Skip {
        let text = String::from;
        Skip {
            run: RunId(uuid::Uuid::nil()),
            tick: Moment(at),
            record: SkipRecord {
                probe: text("p"),
                route: text("r"),
                input: text("i"),
                tick: at.to_string(),
                reason,
                detail: text("d"),
            },
            claimed: false,
        }
    }

    fn tens(at: Moment) -> Option<Moment> {
        Some(Moment(at.0 - at.0.rem_euclid(10) + 10))
    }

    fn all(owed: &Owed) -> Vec<(i64, i64, u64)> {
        let state = owed.lock();
        let spans = state.spans.values();
        spans
            .map(|w| (w.span.first.0, w.span.last.0, w.span.ticks))
            .collect()
    }

    #[test]
    fn what_follows_by_the_schedule_for_one_reason_is_one_stretch_in_whatever_order_it_comes() {
        let owed = Owed::default();
        for at in [20, 30, 10, 40, 70, 60] {
            owed.add(skip(at, SkipReason::Store), tens);
        }
        assert_eq!(all(&owed), [(10, 40, 4), (60, 70, 2)]);
        owed.add(skip(50, SkipReason::LateStart), tens);
        owed.add(skip(80, SkipReason::LateStart), tens);
        assert_eq!(all(&owed), [(10, 40, 4), (50, 50, 1), (60, 70, 2), (80, 80, 1)]);
        // Not on the schedule: by hand.
        owed.add(skip(73, SkipReason::Store), tens);
        assert_eq!(all(&owed).len(), 5);
    }

    #[test]
    fn what_grows_while_it_is_written_waits_on_and_keeps_its_first_tick() {
        let owed = Owed::default();
        owed.add(skip(20, SkipReason::Store), tens);
        let handed = owed.lock().some();
        owed.add(skip(30, SkipReason::Store), tens);
        owed.add(skip(10, SkipReason::Store), tens);
        assert_eq!(all(&owed), [(10, 10, 1), (20, 30, 2)]);
        owed.lock().written(&handed);
        assert_eq!(all(&owed), [(10, 10, 1), (20, 30, 2)]);
        let handed = owed.lock().some();
        owed.lock().written(&handed);
        assert!(owed.is_empty());
    }

    #[test]
    fn a_month_of_ticks_is_held_as_one_stretch() {
        let owed = Owed::default();
        for at in 1..=43_200 {
            owed.add(skip(at * 10, SkipReason::Store), tens);
        }
        assert_eq!(all(&owed), [(10, 432_000, 43_200)]);
    }
}
