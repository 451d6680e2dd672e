//! Where the bad ones are among the decided runs of a series, in little space: failures come in clumps.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::model::Moment;

/// Clumps that are kept; beyond that the two oldest become one, whose bad runs are then taken to lie evenly in it.
const MOST: usize = 1_024;

/// The places of bad runs, counted from the first decided run of the series.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Spans(VecDeque<Span>);

/// `bad` of `length` runs from place `from` on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Span {
    #[serde(rename = "f")]
    from: u64,
    #[serde(rename = "n")]
    length: u64,
    #[serde(rename = "b")]
    bad: u64,
    /// The tick of its first.
    #[serde(rename = "t")]
    tick: Moment,
}

impl Span {
    const fn end(self) -> u64 {
        self.from + self.length
    }

    /// The bad ones of it at `place` or after.
    fn bad_from(self, place: u64) -> u64 {
        if place <= self.from {
            return self.bad;
        }
        let left = self.end().saturating_sub(place);
        // Exact where all of it is bad, which it is unless it was made of several.
        let share = u128::from(self.bad) * u128::from(left) / u128::from(self.length.max(1));
        u64::try_from(share).unwrap_or(u64::MAX)
    }
}

impl Spans {
    /// The run at `place` was bad.
    pub(super) fn add(&mut self, place: u64, tick: Moment) {
        let at = self.0.partition_point(|span| span.end() <= place);
        if self.0.get(at).is_some_and(|span| span.from <= place) {
            return;
        }
        match at.checked_sub(1).and_then(|before| self.0.get_mut(before)) {
            Some(before) if before.end() == place && before.bad == before.length => {
                before.length += 1;
                before.bad += 1;
            }
            _ => self.0.insert(
                at,
                Span {
                    from: place,
                    length: 1,
                    bad: 1,
                    tick,
                },
            ),
        }
        self.bound();
    }

    /// The run at `place` is not bad after all.
    pub(super) fn remove(&mut self, place: u64) {
        let at = self.0.partition_point(|span| span.end() <= place);
        let Some(span) = self.0.get(at).copied().filter(|span| span.from <= place) else {
            return;
        };
        if span.bad < span.length {
            // One of several that were made one: which of its places were bad is not known any more.
            if let Some(span) = self.0.get_mut(at) {
                span.bad = span.bad.saturating_sub(1);
            }
        } else {
            self.0.remove(at);
            let (left, right) = (place - span.from, span.end() - place - 1);
            let parts = [(place + 1, right), (span.from, left)];
            for (from, length) in parts.into_iter().filter(|(_, length)| *length > 0) {
                let part = Span {
                    from,
                    length,
                    bad: length,
                    tick: span.tick,
                };
                self.0.insert(at, part);
            }
        }
        self.0.retain(|span| span.bad > 0);
        self.bound();
    }

    /// How many were bad at `place` or after.
    pub(super) fn count_from(&self, place: u64) -> u64 {
        let first = self.0.partition_point(|span| span.end() <= place);
        self.0.range(first..).map(|span| span.bad_from(place)).sum()
    }

    /// The first bad one at `place` or after: its place, and the tick of the clump that it is in.
    pub(super) fn first_from(&self, place: u64) -> Option<(u64, Moment)> {
        let first = self.0.partition_point(|span| span.end() <= place);
        let span = self.0.get(first)?;
        Some((span.from.max(place), span.tick))
    }

    /// What lies before `place` counts no more.
    pub(super) fn forget_before(&mut self, place: u64) {
        while self.0.front().is_some_and(|span| span.end() <= place) {
            self.0.pop_front();
        }
    }

    fn bound(&mut self) {
        while self.0.len() > MOST {
            let (Some(first), Some(second)) = (self.0.pop_front(), self.0.pop_front()) else {
                return;
            };
            self.0.push_front(Span {
                from: first.from,
                length: second.end() - first.from,
                bad: first.bad + second.bad,
                tick: first.tick,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn they_count_as_a_list_of_places_does(
            changes in prop::collection::vec((any::<bool>(), 0_u64..80), 0..200),
            from in 0_u64..90,
        ) {
            let (mut spans, mut plain) = (Spans::default(), BTreeSet::new());
            for (add, place) in changes {
                if add {
                    spans.add(place, Moment(0));
                    plain.insert(place);
                } else {
                    spans.remove(place);
                    plain.remove(&place);
                }
            }
            prop_assert_eq!(spans.count_from(from), plain.range(from..).count() as u64);
            prop_assert_eq!(spans.first_from(from).map(|(place, _)| place), plain.range(from..).next().copied());
        }
    }

    #[test]
    fn many_clumps_stay_within_their_bound_and_lose_none() {
        let mut spans = Spans::default();
        for n in 0..10_000 {
            spans.add(2 * n, Moment(0));
        }
        assert_eq!((spans.0.len(), spans.count_from(0)), (MOST, 10_000));
        assert_eq!(spans.count_from(19_000), 500);
        spans.forget_before(19_000);
        assert_eq!(spans.count_from(0), 500);
    }

    #[test]
    fn an_outage_is_one_clump() {
        let mut spans = Spans::default();
        (100..5_000).for_each(|n| spans.add(n, Moment(7)));
        assert_eq!(spans.0.len(), 1);
        assert_eq!(spans.count_from(4_000), 1_000);
        assert_eq!(spans.first_from(0), Some((100, Moment(7))));
    }
}
