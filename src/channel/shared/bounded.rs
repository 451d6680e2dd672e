//! A map that forgets its oldest entry rather than grow past its bound.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

/// At most `limit` entries; what was inserted first is forgotten first.
#[derive(Debug)]
pub(in crate::channel) struct Bounded<K, V> {
    limit: usize,
    entries: HashMap<K, V>,
    /// Every key of `entries` once.
    order: VecDeque<K>,
    forgotten: u64,
}

impl<K: Clone + Eq + Hash, V> Bounded<K, V> {
    pub(in crate::channel) fn new(limit: usize) -> Self {
        Self {
            limit,
            entries: HashMap::new(),
            order: VecDeque::new(),
            forgotten: 0,
        }
    }

    pub(in crate::channel) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.entries.get_mut(key)
    }

    /// The entry, made if it is not there.
    pub(in crate::channel) fn entry(&mut self, key: &K, make: impl FnOnce() -> V) -> &mut V {
        if !self.entries.contains_key(key) {
            while self.entries.len() >= self.limit {
                let Some(oldest) = self.order.pop_front() else {
                    break;
                };
                self.forgotten += u64::from(self.entries.remove(&oldest).is_some());
            }
            self.order.push_back(key.clone());
        }
        self.entries.entry(key.clone()).or_insert_with(make)
    }

    /// How many entries were forgotten for want of room.
    pub(in crate::channel) const fn forgotten(&self) -> u64 {
        self.forgotten
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_is_forgotten_and_counted() {
        let mut map = Bounded::new(2);
        for n in 0..5 {
            *map.entry(&n, || 0) += n;
        }
        *map.entry(&4, || 0) += 1;
        assert_eq!(map.get_mut(&2), None);
        assert_eq!(map.get_mut(&3), Some(&mut 3));
        assert_eq!(map.get_mut(&4), Some(&mut 5));
        assert_eq!(map.forgotten(), 3);
        assert_eq!(map.order.len(), 2);
    }
}
