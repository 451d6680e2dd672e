//! Token buckets for requests that match nothing.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::source::Source;
use crate::model::Moment;

/// Refills evenly to twice what a second allows.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    left: f64,
    at: Moment,
}

/// The budget of all sources together and of each.
#[derive(Debug)]
pub(super) struct Budget {
    all: f64,
    each: f64,
    sources: usize,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    all: Bucket,
    /// What sources share that came when the list was full.
    others: Bucket,
    each: HashMap<Source, Bucket>,
}

impl Bucket {
    fn full(rate: f64, at: Moment) -> Self {
        Self { left: rate * 2.0, at }
    }

    fn refill(&mut self, rate: f64, now: Moment) {
        self.left = (self.left + now.since(self.at).as_secs_f64() * rate).min(rate * 2.0);
        self.at = now;
    }

    fn take(&mut self, rate: f64, now: Moment) -> bool {
        self.refill(rate, now);
        let enough = self.left >= 1.0;
        if enough {
            self.left -= 1.0;
        }
        enough
    }
}

impl Budget {
    pub(super) fn new(all: u32, each: u32, sources: usize, now: Moment) -> Self {
        let (all, each) = (f64::from(all), f64::from(each));
        Self {
            all,
            each,
            sources,
            state: Mutex::new(State {
                all: Bucket::full(all, now),
                others: Bucket::full(each, now),
                each: HashMap::new(),
            }),
        }
    }

    /// Whether one more request that matches nothing is within both budgets.
    pub(super) fn take(&self, source: Source, now: Moment) -> bool {
        let mut guard = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let state = &mut *guard;
        if !state.each.contains_key(&source) && state.each.len() >= self.sources {
            // A bucket that is full again says nothing about its source, so it need not be remembered.
            state.each.retain(|_, bucket| {
                bucket.refill(self.each, now);
                bucket.left < self.each * 2.0
            });
        }
        let room = state.each.len() < self.sources;
        let bucket = match state.each.get_mut(&source) {
            Some(bucket) => bucket,
            None if room => state
                .each
                .entry(source)
                .or_insert_with(|| Bucket::full(self.each, now)),
            None => &mut state.others,
        };
        // The source first: one that is over its own budget must not use up that of all.
        bucket.take(self.each, now) && state.all.take(self.all, now)
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};
    use std::time::Duration;

    use super::*;

    fn source(n: u32) -> Source {
        Source::of(IpAddr::V4(Ipv4Addr::from(n)))
    }

    #[test]
    fn a_source_over_its_budget_leaves_the_others_theirs() {
        let now = Moment(0);
        let budget = Budget::new(100, 5, 10, now);
        let taken = (0..1000).filter(|_| budget.take(source(1), now)).count();
        assert_eq!(taken, 10);
        assert!(budget.take(source(2), now));
        assert!(budget.take(source(1), now.after(Duration::from_secs(1))));
    }

    #[test]
    fn all_sources_together_are_bounded_and_so_is_what_is_remembered() {
        let now = Moment(0);
        let budget = Budget::new(100, 5, 10, now);
        let taken = (0..10_000).filter(|n| budget.take(source(*n), now)).count();
        // Ten remembered sources took one each, the rest shared the budget of one.
        assert_eq!(taken, 20);
        assert_eq!(budget.state.lock().unwrap().each.len(), 10);
        let later = now.after(Duration::from_secs(60));
        assert!(budget.take(source(77), later));
        assert_eq!(budget.state.lock().unwrap().each.len(), 1);
    }

    #[test]
    fn a_clock_that_stands_still_or_leaps_gives_no_more_than_the_burst() {
        let budget = Budget::new(2, 2, 10, Moment(i64::MIN));
        let taken = (0..100)
            .filter(|_| budget.take(source(1), Moment(i64::MAX)))
            .count();
        assert_eq!(taken, 4);
    }
}
