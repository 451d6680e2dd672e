//! What bears a key that nobody has claimed yet: held for a while, within bounds, and found when its key appears.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use super::Seen;
use crate::model::Moment;

/// How much is held, and how long. What goes beyond is let go of, counted and named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnclaimedLimits {
    /// Observations.
    pub count: usize,
    /// From arrival.
    pub age: Duration,
    /// Candidate keys of one observation.
    pub keys: usize,
}

impl UnclaimedLimits {
    /// 10,000 observations, ten minutes, 64 keys each.
    pub const STANDARD: Self = Self {
        count: 10_000,
        age: Duration::from_secs(600),
        keys: 64,
    };
}

/// Observations without a token, held until their key appears.
#[derive(Debug)]
pub struct Unclaimed {
    limits: UnclaimedLimits,
    /// In order of arrival; claimed ones leave a hole.
    held: VecDeque<Option<Seen>>,
    /// The number of the front of `held`.
    first: u64,
    by_key: HashMap<String, Vec<u64>>,
    live: usize,
}

impl Unclaimed {
    /// An empty hold.
    #[must_use]
    pub fn new(limits: UnclaimedLimits) -> Self {
        Self {
            limits,
            held: VecDeque::new(),
            first: 0,
            by_key: HashMap::new(),
            live: 0,
        }
    }

    /// Holds an observation. The result is the one that was pushed out for it.
    pub fn hold(&mut self, seen: Seen) -> Option<Seen> {
        let number = self.first + self.held.len() as u64;
        for key in seen.keys.iter().take(self.limits.keys) {
            self.by_key.entry(key.clone()).or_default().push(number);
        }
        self.held.push_back(Some(seen));
        self.live += 1;
        let full = self.live > self.limits.count;
        if full { self.pop_oldest() } else { None }
    }

    /// Everything held that bears the key; it is held no longer.
    pub fn claim(&mut self, key: &str) -> Vec<Seen> {
        let numbers = self.by_key.get(key).cloned().unwrap_or_default();
        numbers
            .into_iter()
            .filter_map(|number| self.remove(number))
            .collect()
    }

    /// Lets go of what is too old.
    pub fn expire(&mut self, now: Moment) -> Vec<Seen> {
        let mut gone = Vec::new();
        while let Some(front) = self.held.front() {
            match front {
                Some(seen) if seen.at.hi.after(self.limits.age) > now => break,
                Some(_) => gone.extend(self.pop_oldest()),
                None => self.drop_hole(),
            }
        }
        gone
    }

    /// When the oldest will be too old.
    #[must_use]
    pub fn next_expiry(&self) -> Option<Moment> {
        self.held
            .iter()
            .flatten()
            .next()
            .map(|seen| seen.at.hi.after(self.limits.age))
    }

    /// How many are held.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.live
    }

    /// Whether none is held.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.live == 0
    }

    fn pop_oldest(&mut self) -> Option<Seen> {
        while let Some(None) = self.held.front() {
            self.drop_hole();
        }
        let seen = self.remove(self.first);
        self.drop_hole();
        seen
    }

    fn drop_hole(&mut self) {
        if self.held.pop_front().is_some() {
            self.first += 1;
        }
    }

    fn remove(&mut self, number: u64) -> Option<Seen> {
        let place = usize::try_from(number.checked_sub(self.first)?).ok()?;
        let seen = self.held.get_mut(place)?.take()?;
        self.live -= 1;
        for key in seen.keys.iter().take(self.limits.keys) {
            if let Some(numbers) = self.by_key.get_mut(key) {
                numbers.retain(|n| *n != number);
                if numbers.is_empty() {
                    self.by_key.remove(key);
                }
            }
        }
        Some(seen)
    }
}
