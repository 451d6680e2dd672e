//! What a reload changes: two sets of definitions held against each other, and the new one made to fit what runs.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::probe::{Otlp, Probe, Workspace};
use crate::model::{ChannelId, Leg};

/// Which probes are another, by name and in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Those that are new.
    pub added: Vec<Arc<str>>,
    /// Those that are gone.
    pub removed: Vec<Arc<str>>,
    /// Those that say something else than before, be it a secret's value.
    pub changed: Vec<Arc<str>>,
    /// Those that are as they were.
    pub unchanged: Vec<Arc<str>>,
}

impl Difference {
    /// What makes `after` of `before`. Each probe of either is named exactly once.
    #[must_use]
    pub fn between(before: &[Arc<Probe>], after: &[Arc<Probe>]) -> Self {
        let said = |probe: &Arc<Probe>| (Arc::clone(&probe.name), probe.digest);
        Self::of(before.iter().map(said), after.iter().map(said))
    }

    fn of<D: PartialEq>(
        before: impl Iterator<Item = (Arc<str>, D)>,
        after: impl Iterator<Item = (Arc<str>, D)>,
    ) -> Self {
        let mut old: BTreeMap<Arc<str>, D> = before.collect();
        let new: BTreeMap<Arc<str>, D> = after.collect();
        let mut difference = Self::default();
        for (name, digest) in new {
            let list = match old.remove(&name) {
                None => &mut difference.added,
                Some(was) if was == digest => &mut difference.unchanged,
                Some(_) => &mut difference.changed,
            };
            list.push(name);
        }
        difference.removed = old.into_keys().collect();
        difference
    }

    /// Whether every probe is as it was.
    #[must_use]
    pub const fn is_none(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty()
    }
}

impl Workspace {
    /// Keys of `landfall.yaml` in which `next` differs and that hold from a start to the next.
    #[must_use]
    pub fn fixed_keys_that_differ(&self, next: &Self) -> Vec<&'static str> {
        let differ = [
            ("store", self.store != next.store),
            ("listen", self.listen != next.listen),
            ("admin", self.admin != next.admin),
            ("public_url", self.public_url != next.public_url),
            ("api", self.api_tokens != next.api_tokens),
            ("proxies", self.proxies != next.proxies),
            (
                "telemetry",
                told(self.telemetry.as_ref()) != told(next.telemetry.as_ref()),
            ),
            ("location", self.location != next.location),
        ];
        let differing = differ.into_iter().filter(|(_, differs)| *differs);
        differing.map(|(key, _)| key).collect()
    }

    /// Takes over from the workspace that runs what holds until the next start.
    pub fn keep_fixed_keys(&mut self, running: &Self) {
        self.store = running.store.clone();
        self.listen = running.listen;
        self.admin = running.admin;
        self.public_url.clone_from(&running.public_url);
        self.api_tokens.clone_from(&running.api_tokens);
        self.proxies.clone_from(&running.proxies);
        self.telemetry.clone_from(&running.telemetry);
        if self.location != running.location {
            self.location = Arc::clone(&running.location);
            self.each_leg(|leg| leg.location = Arc::clone(&running.location), |id| id);
        }
    }

    /// Gives each channel the number that it has in a running engine, by its place in `channels`.
    pub fn number_channels(&mut self, numbers: &[ChannelId]) {
        let number = |id: ChannelId| numbers.get(usize::from(id.0)).copied().unwrap_or(id);
        let expectations = |leg: &mut Leg| {
            for expectation in &mut leg.expectations {
                expectation.channel = number(expectation.channel);
            }
        };
        self.each_leg(expectations, number);
    }

    /// Keeps every probe that is as it was in a workspace before, with all that stands on it, where its channels have
    /// kept their numbers.
    pub fn keep_probes(&mut self, before: &Self) {
        if self.root != before.root {
            // Relative paths lead elsewhere.
            return;
        }
        for probe in &mut self.probes {
            let known = before.probes.binary_search_by(|old| old.name.cmp(&probe.name));
            let known = known.ok().and_then(|at| before.probes.get(at));
            if let Some(old) =
                known.filter(|old| old.digest == probe.digest && numbers(old).eq(numbers(probe)))
            {
                *probe = Arc::clone(old);
            }
        }
    }

    fn each_leg(&mut self, change: impl Fn(&mut Leg), number: impl Fn(ChannelId) -> ChannelId) {
        for probe in &mut self.probes {
            for def in &mut Arc::make_mut(probe).legs {
                let def = Arc::make_mut(def);
                change(Arc::make_mut(&mut def.leg));
                def.channel_names.values_mut().for_each(|id| *id = number(*id));
            }
        }
    }
}

/// Every channel's number that a probe names, in a fixed order.
fn numbers(probe: &Probe) -> impl Iterator<Item = ChannelId> {
    probe.legs.iter().flat_map(|def| {
        let waited = def.leg.expectations.iter().map(|expectation| expectation.channel);
        waited.chain(def.channel_names.values().copied())
    })
}

/// Its settings with the values of its headers, to be compared alone.
fn told(otlp: Option<&Otlp>) -> Option<impl PartialEq> {
    otlp.map(|otlp| {
        let headers = otlp.headers.iter();
        let headers: Vec<(String, String)> = headers
            .map(|(name, value)| (name.clone(), value.0.source.clone()))
            .collect();
        let rest = (otlp.traces, otlp.metrics, otlp.every, otlp.timeout);
        (otlp.endpoint.clone(), headers, rest, format!("{:?}", otlp.tls))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Set = BTreeMap<String, u8>;

    fn set() -> impl Strategy<Value = Set> {
        prop::collection::btree_map("[a-d]{1,2}", 0..3_u8, 0..12)
    }

    fn named(set: &Set) -> impl Iterator<Item = (Arc<str>, u8)> {
        set.iter()
            .map(|(name, digest)| (Arc::from(name.as_str()), *digest))
    }

    proptest! {
        #[test]
        fn what_is_told_makes_the_new_set_of_the_old_one(before in set(), after in set()) {
            let told = Difference::of(named(&before), named(&after));
            let mut made = before.clone();
            for name in &told.removed {
                prop_assert!(made.remove(&**name).is_some());
            }
            for name in &told.added {
                prop_assert!(made.insert(name.to_string(), after[&**name]).is_none());
            }
            for name in &told.changed {
                prop_assert_ne!(made.insert(name.to_string(), after[&**name]), Some(after[&**name]));
            }
            prop_assert_eq!(&made, &after);
            let mut all: Vec<_> = [&told.added, &told.changed, &told.unchanged].into_iter().flatten().collect();
            all.sort();
            prop_assert!(all.iter().map(|name| &***name).eq(after.keys().map(String::as_str)));
            prop_assert_eq!(told.is_none(), before == after);
            // The other way round it is the other way round.
            let back = Difference::of(named(&after), named(&before));
            prop_assert_eq!((back.added, back.removed), (told.removed, told.added));
            prop_assert_eq!((back.changed, back.unchanged), (told.changed, told.unchanged));
        }
    }
}
