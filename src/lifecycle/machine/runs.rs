//! Every run that is known, found by its id and by its token.

use crate::lifecycle::run::Run;
use crate::model::{OwnMap, RunId, Token};

/// Runs in slots. Both keys lead to the slot at once: with a million runs outstanding each map that is asked costs a
/// way to memory or two, and nothing else of matching costs as much.
#[derive(Debug, Default)]
pub(super) struct Runs {
    slots: Vec<Option<Run>>,
    /// Slots that are empty.
    free: Vec<u32>,
    by_id: OwnMap<RunId, u32>,
    by_token: OwnMap<Token, u32>,
}

impl Runs {
    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    pub(super) fn get(&self, id: &RunId) -> Option<&Run> {
        self.slots.get(*self.by_id.get(id)? as usize)?.as_ref()
    }

    pub(super) fn get_mut(&mut self, id: &RunId) -> Option<&mut Run> {
        self.slots.get_mut(*self.by_id.get(id)? as usize)?.as_mut()
    }

    /// The run of a token.
    pub(super) fn of(&self, token: &Token) -> Option<&Run> {
        self.slots.get(*self.by_token.get(token)? as usize)?.as_ref()
    }

    pub(super) fn of_mut(&mut self, token: &Token) -> Option<&mut Run> {
        self.slots.get_mut(*self.by_token.get(token)? as usize)?.as_mut()
    }

    /// In no order.
    pub(super) fn values(&self) -> impl Iterator<Item = &Run> {
        self.slots.iter().flatten()
    }

    /// In no order.
    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut Run> {
        self.slots.iter_mut().flatten()
    }

    /// A run whose id is known already takes that run's place.
    pub(super) fn insert(&mut self, run: Run) {
        self.remove(&run.id);
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            // Memory ends long before four thousand million runs do.
            u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
        });
        self.by_id.insert(run.id, slot);
        self.by_token.insert(run.token, slot);
        if let Some(place) = self.slots.get_mut(slot as usize) {
            *place = Some(run);
        }
    }

    pub(super) fn remove(&mut self, id: &RunId) -> Option<Run> {
        let slot = self.by_id.remove(id)?;
        let run = self.slots.get_mut(slot as usize)?.take()?;
        self.free.push(slot);
        // A token that another run has taken over leads there.
        if self.by_token.get(&run.token) == Some(&slot) {
            self.by_token.remove(&run.token);
        }
        Some(run)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::model::{Leg, Moment, Tick, TokenFormat, TokenKey};

    fn id(n: u8) -> RunId {
        RunId(uuid::Uuid::from_u128(n.into()))
    }

    fn token(n: u8) -> Token {
        TokenKey::new([1; 32]).issue(TokenFormat::Text, [n; 32])
    }

    fn run(n: u8) -> Run {
        let leg = Leg {
            probe: "probe".into(),
            revision: "r".into(),
            route: "route".into(),
            input: "default".into(),
            location: "here".into(),
            expectations: Vec::new(),
            settle: std::time::Duration::ZERO,
        };
        let tick = Tick { due: Moment(0) };
        Run::new(id(n), token(n), leg.into(), tick, Moment(0))
    }

    proptest! {
        #[test]
        fn both_keys_lead_to_what_was_put_in_and_not_taken_out(steps in prop::collection::vec((0..12_u8, any::<bool>()), 0..80)) {
            let (mut runs, mut known) = (Runs::default(), BTreeMap::new());
            for (n, put) in steps {
                if put {
                    runs.insert(run(n));
                    known.insert(id(n), token(n));
                } else {
                    let removed = runs.remove(&id(n)).map(|run| run.id);
                    prop_assert_eq!(removed, known.remove(&id(n)).map(|_| id(n)));
                }
                prop_assert_eq!(runs.len(), known.len());
                prop_assert_eq!(runs.values().count(), known.len());
                prop_assert!(runs.slots.len() <= 12);
            }
            for n in 0..12 {
                let there = known.contains_key(&id(n));
                prop_assert_eq!(runs.get(&id(n)).is_some(), there);
                prop_assert_eq!(runs.of(&token(n)).map(|run| run.id), there.then(|| id(n)));
            }
        }
    }
}
