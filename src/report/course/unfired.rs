//! When ticks did not fire.

use std::collections::BTreeMap;

use crate::model::{Moment, SkipReason, SkipRecord, SkipSpan};

/// So many stretches are listed; further ones are counted.
const MOST: usize = 200;

/// From one tick that did not fire to another, for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// The first tick.
    pub from: Moment,
    /// The last.
    pub to: Moment,
    /// The route's name.
    pub route: String,
    /// The input's name.
    pub input: String,
    /// Why.
    pub reason: SkipReason,
    /// Ticks that did not fire, as far as they are known one by one or as spans.
    pub ticks: u64,
}

/// Route, input and reason.
type Key = (String, String, SkipReason);

/// First tick, last tick, and how many.
#[derive(Clone, Debug, Default)]
pub(super) struct Unfired(BTreeMap<Key, Vec<(Moment, Moment, u64)>>);

impl Unfired {
    pub(super) fn skip(&mut self, skip: &SkipRecord, within: (Moment, Moment)) {
        if let Some(tick) = Moment::from_rfc3339(&skip.tick) {
            self.add((&skip.route, &skip.input, skip.reason), (tick, tick, 1), within);
        }
    }

    pub(super) fn span(&mut self, span: &SkipSpan, within: (Moment, Moment)) {
        let key = (span.route.as_str(), span.input.as_str(), span.reason);
        self.add(key, (span.first, span.last, span.ticks), within);
    }

    fn add(
        &mut self,
        (route, input, reason): (&str, &str, SkipReason),
        (first, last, ticks): (Moment, Moment, u64),
        (since, until): (Moment, Moment),
    ) {
        if last < since || first >= until {
            return;
        }
        let key = (route.to_owned(), input.to_owned(), reason);
        let stretch = (first.max(since), last.min(until), ticks);
        self.0.entry(key).or_default().push(stretch);
    }

    /// Joined where no more than `step` nanoseconds lie between, by their beginning; and how many are not listed.
    pub(super) fn stretches(self, step: i64) -> (Vec<Stretch>, u64) {
        let mut all = Vec::new();
        for ((route, input, reason), mut ticks) in self.0 {
            ticks.sort_unstable();
            for (from, to, count) in ticks {
                match all.last_mut() {
                    Some(Stretch {
                        route: last_route,
                        input: last_input,
                        reason: last_reason,
                        to: last,
                        ticks,
                        ..
                    }) if (&*last_route, &*last_input, *last_reason) == (&route, &input, reason)
                        && from.0.saturating_sub(last.0) <= step =>
                    {
                        *last = to.max(*last);
                        *ticks += count;
                    }
                    _ => all.push(Stretch {
                        from,
                        to,
                        route: route.clone(),
                        input: input.clone(),
                        reason,
                        ticks: count,
                    }),
                }
            }
        }
        all.sort_by_key(|stretch| (stretch.from, stretch.to));
        let more = all.len().saturating_sub(MOST);
        all.truncate(MOST);
        (all, more as u64)
    }
}
