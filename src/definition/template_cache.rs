//! Compiled templates and expressions, kept by their source.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, PoisonError};

const SHARDS: usize = 16;
/// Entries of one generation of one shard; a shard holds two, the cache therefore at most 16,384 entries.
const GENERATION: usize = 512;

/// A bounded map from source to what it compiled to. A shard that is full forgets what was not asked for since it was
/// last full, so that a workspace's own templates stay.
pub(super) struct Cache<V> {
    hasher: RandomState,
    shards: [Mutex<Shard<V>>; SHARDS],
}

struct Shard<V> {
    young: HashMap<Box<str>, Arc<V>>,
    old: HashMap<Box<str>, Arc<V>>,
}

impl<V> Cache<V> {
    pub(super) fn new() -> Self {
        Self {
            hasher: RandomState::new(),
            shards: std::array::from_fn(|_| {
                Mutex::new(Shard {
                    young: HashMap::new(),
                    old: HashMap::new(),
                })
            }),
        }
    }

    /// What `source` compiled to, compiled now where it was not yet. Compiling happens outside the lock.
    pub(super) fn get<E>(&self, source: &str, compile: impl FnOnce() -> Result<V, E>) -> Result<Arc<V>, E> {
        let place = usize::try_from(self.hasher.hash_one(source) % SHARDS as u64).unwrap_or(0);
        let shard = &self.shards[place];
        if let Some(found) = shard.lock().unwrap_or_else(PoisonError::into_inner).find(source) {
            return Ok(found);
        }
        let made = Arc::new(compile()?);
        shard
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .keep(source.into(), Arc::clone(&made));
        Ok(made)
    }
}

impl<V> Shard<V> {
    fn find(&mut self, source: &str) -> Option<Arc<V>> {
        if let Some(found) = self.young.get(source) {
            return Some(Arc::clone(found));
        }
        let (source, found) = self.old.remove_entry(source)?;
        self.keep(source, Arc::clone(&found));
        Some(found)
    }

    fn keep(&mut self, source: Box<str>, made: Arc<V>) {
        if self.young.len() >= GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(source, made);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compiles_once_and_stays_bounded() {
        let cache = Cache::new();
        let mut compiled = 0;
        for round in 0..3 {
            for i in 0..100 {
                let made = cache.get(&format!("s{i}"), || {
                    compiled += 1;
                    Ok::<_, ()>(i)
                });
                assert_eq!(made, Ok(Arc::new(i)), "round {round}");
            }
        }
        assert_eq!(compiled, 100);
        for i in 0..40_000 {
            let _made = cache.get(&format!("t{i}"), || Ok::<_, ()>(i));
        }
        let held: usize = cache
            .shards
            .iter()
            .map(|s| {
                let s = s.lock().unwrap();
                s.young.len() + s.old.len()
            })
            .sum();
        assert!(held <= SHARDS * GENERATION * 2, "{held}");
    }
}
