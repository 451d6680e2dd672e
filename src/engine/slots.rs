//! The channels that are open, by their numbers in the machine.
//!
//! A channel that a reload changes gets a number of its own, and the one before works beside it until every run that
//! was fired on it has ended. Where senders reach a channel at an address of landfall's own, that address is what it is:
//! there the new one takes over number and runs, and the one before answers what only it understands.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio_util::sync::CancellationToken;

use super::sink::Sink;
use super::supervise::ChannelHealth;
use super::waiting::Waiting;
use crate::channel::Channel;
use crate::definition::{Digest, LegDef};
use crate::model::{ChannelId, Moment};

/// Which reload something is of; what a start opens is of generation 0.
pub(super) type Generation = u32;

/// One opened channel.
pub(super) struct Opened {
    pub(super) name: String,
    pub(super) kind: &'static str,
    pub(super) channel: Arc<dyn Channel>,
    pub(super) sink: Arc<Sink>,
    pub(super) down: Mutex<Option<(Moment, String)>>,
    /// `channel`, where it could not be opened yet.
    pub(super) waiting: Option<Arc<Waiting>>,
    /// Of its settings.
    pub(super) digest: Digest,
    /// Its number among all that were ever opened.
    pub(super) instance: u64,
    /// Ends it.
    pub(super) stop: CancellationToken,
    /// It has let go of its connections.
    pub(super) ended: CancellationToken,
}

impl Opened {
    pub(super) fn health(&self) -> ChannelHealth {
        let down = self.down.lock().unwrap_or_else(PoisonError::into_inner).clone();
        ChannelHealth {
            name: self.name.clone(),
            kind: self.kind,
            down,
        }
    }
}

/// One that no new run is fired on.
#[derive(Clone)]
pub(super) struct Old {
    pub(super) id: ChannelId,
    /// Runs of earlier generations may still be on it; no others are.
    pub(super) before: Generation,
    /// What is stopped once none of them is.
    pub(super) opened: Arc<Opened>,
}

/// Every channel that is open.
#[derive(Clone, Default)]
pub(super) struct Slots {
    by_id: BTreeMap<ChannelId, Arc<Opened>>,
    /// In the order in which they were replaced.
    old: Vec<Old>,
    /// Of every number that a run may still name.
    names: BTreeMap<ChannelId, String>,
}

impl Slots {
    pub(super) fn new(by_id: BTreeMap<ChannelId, Arc<Opened>>) -> Self {
        Self {
            names: by_id
                .iter()
                .map(|(id, opened)| (*id, opened.name.clone()))
                .collect(),
            by_id,
            old: Vec::new(),
        }
    }

    /// What the channel of a number is called, also when it has been closed.
    pub(super) fn name(&self, id: ChannelId) -> Option<&str> {
        self.names.get(&id).map(String::as_str)
    }

    /// What answers for a number.
    pub(super) fn get(&self, id: ChannelId) -> Option<&Arc<Opened>> {
        self.by_id.get(&id)
    }

    /// Every number, also of those that new runs are not fired on.
    pub(super) fn all(&self) -> impl Iterator<Item = (ChannelId, &Arc<Opened>)> {
        self.by_id.iter().map(|(id, opened)| (*id, opened))
    }

    /// Those that new runs are fired on.
    pub(super) fn in_force(&self) -> impl Iterator<Item = (ChannelId, &Arc<Opened>)> {
        self.all().filter(|(id, _)| !self.is_retired(*id))
    }

    /// Those that no new run is fired on.
    pub(super) fn old(&self) -> &[Old] {
        &self.old
    }

    /// Whether no new run is fired on a number.
    pub(super) fn is_retired(&self, id: ChannelId) -> bool {
        let of = |old: &Old| {
            old.id == id
                && self
                    .by_id
                    .get(&id)
                    .is_some_and(|now| Arc::ptr_eq(now, &old.opened))
        };
        self.old.iter().any(of)
    }

    /// From `generation` on new runs are fired on this one.
    pub(super) fn put(&mut self, id: ChannelId, opened: Arc<Opened>, generation: Generation) {
        self.names.insert(id, opened.name.clone());
        if let Some(opened) = self.by_id.insert(id, opened) {
            let before = generation;
            self.old.push(Old { id, before, opened });
        }
    }

    /// From `generation` on no new run is fired on this number.
    pub(super) fn retire(&mut self, id: ChannelId, generation: Generation) {
        if let Some(opened) = self.by_id.get(&id).filter(|_| !self.is_retired(id)) {
            let (before, opened) = (generation, Arc::clone(opened));
            self.old.push(Old { id, before, opened });
        }
    }

    /// Takes out what nothing needs: `needed` says whether a run of a number and of a generation before this is open.
    pub(super) fn drain(
        &mut self,
        until: Generation,
        needed: impl Fn(ChannelId, Generation) -> bool,
    ) -> Vec<Old> {
        let (done, old) = std::mem::take(&mut self.old)
            .into_iter()
            .partition(|old: &Old| old.before <= until && !needed(old.id, old.before));
        self.old = old;
        self.let_go(&done);
        done
    }

    /// Takes out the oldest of a name where there are more than `most`.
    pub(super) fn crowded(&mut self, most: usize) -> Vec<Old> {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for old in &self.old {
            *counts.entry(old.opened.name.clone()).or_default() += 1;
        }
        let (out, old) = std::mem::take(&mut self.old).into_iter().partition(|old: &Old| {
            let count = counts.entry(old.opened.name.clone()).or_default();
            let over = *count > most;
            *count -= usize::from(over);
            over
        });
        self.old = old;
        self.let_go(&out);
        out
    }

    fn let_go(&mut self, gone: &[Old]) {
        for Old { id, opened, .. } in gone {
            if self.by_id.get(id).is_some_and(|now| Arc::ptr_eq(now, opened)) {
                self.by_id.remove(id);
            }
        }
    }
}

/// How many runs are open, by number and generation.
#[derive(Debug, Default)]
pub(super) struct OpenOn(BTreeMap<(ChannelId, Generation), u32>);

impl OpenOn {
    /// A run of this leg is open.
    pub(super) fn begin(&mut self, leg: &LegDef, generation: Generation) {
        for expectation in &leg.leg.expectations {
            *self.0.entry((expectation.channel, generation)).or_default() += 1;
        }
    }

    /// It is no longer. Whether that was the last one somewhere.
    pub(super) fn end(&mut self, leg: &LegDef, generation: Generation) -> bool {
        let mut last = false;
        for expectation in &leg.leg.expectations {
            // A run whose id is of a clock that was ahead was counted earlier than it now seems to be.
            let counted = (expectation.channel, 0)..=(expectation.channel, generation);
            let Some((key, count)) = self.0.range_mut(counted).next_back() else {
                continue;
            };
            *count -= 1;
            if *count == 0 {
                let key = *key;
                self.0.remove(&key);
                last = true;
            }
        }
        last
    }

    /// The earliest generation of which a run is open.
    pub(super) fn oldest(&self) -> Option<Generation> {
        self.0.keys().map(|(_, generation)| *generation).min()
    }

    /// Whether any run of a number and of a generation before this one is open.
    pub(super) fn any(&self, id: ChannelId, before: Generation) -> bool {
        self.0.range((id, 0)..(id, before)).next().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::definition::{LoadOptions, ProcessEnvironment, load};

    #[test]
    fn a_channel_is_needed_until_the_last_earlier_run_on_it_has_ended() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("probes")).unwrap();
        let probe = "name: p\nrequest: { http: { url: 'http://127.0.0.1:1' } }\n\
                     outcome: [{ in: a, within: 1s }, { in: b, name: one, within: 1s }, { in: b, name: two, within: 1s }]\n";
        std::fs::write(dir.path().join("probes/p.yaml"), probe).unwrap();
        std::fs::write(
            dir.path().join("landfall.yaml"),
            "channels: { a: { callback: {} }, b: { callback: {} } }\n",
        )
        .unwrap();
        let options = LoadOptions {
            dir: Some(dir.path().to_owned()),
            vars: Vec::new(),
        };
        let workspace = load(&options, &ProcessEnvironment).workspace.unwrap();
        let leg = &workspace.probes[0].legs[0];
        let (a, b) = (ChannelId(0), ChannelId(1));
        let mut open = OpenOn::default();
        open.begin(leg, 3);
        open.begin(leg, 3);
        open.begin(leg, 4);
        assert_eq!(
            [open.any(a, 3), open.any(a, 4), open.any(b, 4)],
            [false, true, true]
        );
        assert!(!open.end(leg, 3));
        assert!(open.any(b, 4));
        assert_eq!(open.oldest(), Some(3));
        assert!(open.end(leg, 3));
        assert_eq!(
            [open.any(a, 4), open.any(b, 4), open.any(b, 5)],
            [false, false, true]
        );
        // What was never begun ends nothing.
        assert!(!open.end(leg, 3));
        assert_eq!(open.oldest(), Some(4));
    }
}
