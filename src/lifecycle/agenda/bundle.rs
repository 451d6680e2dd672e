//! Skips that follow each other for one reason, told as one: a pause of a month is one row that grows.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::lifecycle::schedule::Stretch;
use crate::model::{Moment, SkipReason};

type Key = (Arc<str>, Option<Arc<str>>, SkipReason);

/// What has grown since it was last asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grown {
    /// The probe.
    pub probe: Arc<str>,
    /// Only this route; all of them where it is `None`.
    pub route: Option<Arc<str>>,
    /// Why.
    pub reason: SkipReason,
    /// What exactly, by the last of them.
    pub detail: String,
    /// All of it: what was told before is the first part.
    pub ticks: Stretch,
    /// How many ticks of it have not been told.
    pub added: u64,
}

/// Skips that are still to be put on record.
#[derive(Debug, Default)]
pub struct Bundle {
    open: BTreeMap<Key, Grown>,
    closed: Vec<Grown>,
}

impl Bundle {
    /// Ticks that did not fire. They join what stands open for the same reason, and end what stands open for another.
    pub fn add(
        &mut self,
        probe: &Arc<str>,
        route: Option<&Arc<str>>,
        reason: SkipReason,
        ticks: Stretch,
        detail: String,
    ) {
        let key = (probe.clone(), route.cloned(), reason);
        if let Some(grown) = self.open.get_mut(&key) {
            grown.ticks.last = grown.ticks.last.max(ticks.last);
            grown.ticks.ticks += ticks.ticks;
            grown.added += ticks.ticks;
            grown.detail = detail;
            return;
        }
        self.end(probe, |of, _| of == route);
        self.open.insert(
            key,
            Grown {
                probe: probe.clone(),
                route: route.cloned(),
                reason,
                detail,
                added: ticks.ticks,
                ticks,
            },
        );
    }

    /// The probe fired: what stood open for it, but for these routes, has ended.
    pub fn fired(&mut self, probe: &Arc<str>, but: &[Arc<str>]) {
        self.end(probe, |route, _| route.is_none_or(|route| !but.contains(route)));
    }

    /// What is to be put on record now; where a part of it was before, it takes its place.
    pub fn take(&mut self) -> Vec<Grown> {
        let mut grown = std::mem::take(&mut self.closed);
        for open in self.open.values_mut().filter(|open| open.added > 0) {
            grown.push(open.clone());
            open.added = 0;
        }
        grown
    }

    /// The earliest tick that is not on record.
    #[must_use]
    pub fn earliest(&self) -> Option<Moment> {
        let open = self
            .open
            .values()
            .chain(&self.closed)
            .filter(|grown| grown.added > 0);
        open.map(|grown| grown.ticks.first).min()
    }

    fn end(&mut self, probe: &Arc<str>, ends: impl Fn(Option<&Arc<str>>, SkipReason) -> bool) {
        // The first of all reasons.
        let from = (probe.clone(), None, SkipReason::LateStart);
        let keys: Vec<Key> = self
            .open
            .range(from..)
            .map(|(key, _)| key)
            .take_while(|(of, ..)| of == probe)
            .filter(|(_, route, reason)| ends(route.as_ref(), *reason))
            .cloned()
            .collect();
        for key in keys {
            if let Some(grown) = self.open.remove(&key).filter(|grown| grown.added > 0) {
                self.closed.push(grown);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(at: i64) -> Stretch {
        Stretch::one(Moment(at))
    }

    #[test]
    fn what_follows_for_one_reason_is_one_and_what_ends_it_begins_another() {
        let (a, b): (Arc<str>, Arc<str>) = ("a".into(), "b".into());
        let x: Arc<str> = "x".into();
        let mut bundle = Bundle::default();
        for at in 1..=3 {
            bundle.add(&a, None, SkipReason::Paused, one(at), format!("until {at}"));
        }
        bundle.add(&b, None, SkipReason::Paused, one(2), String::new());
        let told = bundle.take();
        assert_eq!(told.len(), 2);
        assert_eq!((told[0].ticks.first, told[0].ticks.last), (Moment(1), Moment(3)));
        assert_eq!((told[0].ticks.ticks, told[0].added), (3, 3));
        assert_eq!(told[0].detail, "until 3");
        assert_eq!(bundle.take(), [], "nothing has grown");

        bundle.add(&a, None, SkipReason::Paused, one(4), String::new());
        bundle.add(&a, Some(&x), SkipReason::Paused, one(4), String::new());
        bundle.fired(&a, std::slice::from_ref(&x));
        bundle.add(&a, Some(&x), SkipReason::Paused, one(5), String::new());
        bundle.add(&a, None, SkipReason::Maintenance, one(6), String::new());
        bundle.add(&a, None, SkipReason::Paused, one(7), String::new());
        let told: Vec<_> = bundle
            .take()
            .into_iter()
            .map(|g| {
                (
                    g.route.is_some(),
                    g.reason,
                    g.ticks.first.0,
                    g.ticks.last.0,
                    g.ticks.ticks,
                    g.added,
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                (false, SkipReason::Paused, 1, 4, 4, 1),
                (false, SkipReason::Maintenance, 6, 6, 1, 1),
                (false, SkipReason::Paused, 7, 7, 1, 1),
                (true, SkipReason::Paused, 4, 5, 2, 2),
            ]
        );
    }
}
