//! A map that remembers so many keys and forgets the oldest first.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

/// Bounded; keys leave in the order in which they came.
pub(super) struct Recent<K, V> {
    limit: usize,
    values: HashMap<K, V>,
    order: VecDeque<K>,
}

impl<K: Hash + Eq + Clone, V> Recent<K, V> {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit: limit.max(1),
            values: HashMap::new(),
            order: VecDeque::new(),
        }
    }

    /// The value of a key, made where it is new.
    pub(super) fn entry(&mut self, key: K, make: impl FnOnce() -> V) -> &mut V {
        if !self.values.contains_key(&key) {
            if self.order.len() >= self.limit
                && let Some(oldest) = self.order.pop_front()
            {
                self.values.remove(&oldest);
            }
            self.order.push_back(key.clone());
        }
        self.values.entry(key).or_insert_with(make)
    }

    /// The value of a key that is remembered.
    pub(super) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.values.get_mut(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_is_forgotten_first_and_no_more_than_the_limit_is_kept() {
        let mut recent = Recent::new(2);
        for key in ["a", "b", "a", "c"] {
            *recent.entry(key, || 0) += 1;
        }
        assert_eq!(recent.get_mut(&"a"), None);
        assert_eq!(recent.get_mut(&"b"), Some(&mut 1));
        assert_eq!(recent.values.len(), recent.order.len());
        assert_eq!(recent.values.len(), 2);
    }
}
