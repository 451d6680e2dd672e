//! The ticks of one input: which routes have ended, and which ticks count.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Sample;
use crate::model::{Moment, SkipReason};

/// A tick, and where it was fired.
pub(super) type Key = (Moment, Arc<str>);

/// What became of one route at a tick.
#[derive(Clone, Debug)]
pub(super) enum Fate {
    /// It ran, at this revision of the definition.
    Ran(Sample, Arc<str>),
    /// It did not fire.
    Skipped(SkipReason),
    /// It is on record in a way that cannot be read.
    Unreadable,
}

/// Why a tick does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Dropped {
    /// A route did not fire.
    Skipped(SkipReason),
    /// A record cannot be read.
    Unreadable,
    /// Not every route has a run.
    OneSided,
    /// It was fired by another revision of the definition, or by two.
    OtherRevision,
    /// Landfall could not see what became of a route.
    Unobserved,
}

impl Dropped {
    /// The word of the contract.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Skipped(reason) => reason.word(),
            Self::Unreadable => "unreadable",
            Self::OneSided => "one_sided",
            Self::OtherRevision => "other_revision",
            Self::Unobserved => "unobserved",
        }
    }

    /// Whether it is a tick that was skipped because something was not as it should be: too many of these leave a
    /// selection of ticks. What a limit, a pause or a stop keeps from firing selects nothing.
    pub(super) const fn selects(self) -> bool {
        matches!(
            self,
            Self::Skipped(
                SkipReason::LateStart
                    | SkipReason::Overlap
                    | SkipReason::ArmFailed
                    | SkipReason::Store
                    | SkipReason::Claimed
                    | SkipReason::Render
            )
        )
    }
}

/// What is known of one tick, a place for each route.
#[derive(Clone, Debug)]
pub(super) struct Unit {
    fates: Vec<Option<Fate>>,
}

impl Unit {
    /// Whether every route has ended.
    pub(super) fn is_complete(&self) -> bool {
        self.fates.iter().all(Option::is_some)
    }

    /// The runs, in the order of the routes, where the tick counts. `revision`: the one that is compared; `None` where
    /// any is, as long as it is the same for all.
    pub(super) fn samples(self, revision: Option<&str>) -> Result<Vec<Sample>, Dropped> {
        let mut runs = Vec::with_capacity(self.fates.len());
        // A reason that says more comes before one that says less.
        let mut dropped: Option<Dropped> = None;
        let mut drop_for = |why| dropped = Some(dropped.map_or(why, |before| before.min(why)));
        let mut first: Option<Arc<str>> = revision.map(Arc::from);
        for fate in self.fates {
            match fate {
                None => drop_for(Dropped::OneSided),
                Some(Fate::Skipped(reason)) => drop_for(Dropped::Skipped(reason)),
                Some(Fate::Unreadable) => drop_for(Dropped::Unreadable),
                Some(Fate::Ran(sample, of)) => {
                    if *first.get_or_insert_with(|| of.clone()) != of {
                        drop_for(Dropped::OtherRevision);
                    } else if !sample.observed() {
                        drop_for(Dropped::Unobserved);
                    }
                    runs.push(sample);
                }
            }
        }
        dropped.map_or(Ok(runs), Err)
    }

    /// How many runs it has, and how many of them landfall did not see.
    pub(super) fn seen(&self) -> (u64, u64) {
        let ran = |fate: &&Fate| matches!(fate, Fate::Ran(..));
        let unseen = |fate: &&Fate| matches!(fate, Fate::Ran(sample, _) if !sample.observed());
        let fates = || self.fates.iter().flatten();
        (
            fates().filter(ran).count() as u64,
            fates().filter(unseen).count() as u64,
        )
    }

    /// The revision that fired it; the first of several.
    pub(super) fn revision(&self) -> Option<Arc<str>> {
        self.revisions().next().cloned()
    }

    fn revisions(&self) -> impl Iterator<Item = &Arc<str>> {
        self.fates.iter().flatten().filter_map(|fate| match fate {
            Fate::Ran(_, revision) => Some(revision),
            _ => None,
        })
    }
}

/// The ticks of one input that have not been looked at, in the order in which they were due.
#[derive(Clone, Debug)]
pub(super) struct Units {
    routes: usize,
    waiting: BTreeMap<Key, Unit>,
    /// Everything up to here has been looked at.
    done: Option<Key>,
}

impl Units {
    pub(super) fn new(routes: usize) -> Self {
        Self {
            routes,
            waiting: BTreeMap::new(),
            done: None,
        }
    }

    /// A tick of which something will be known. What is known of one that was looked at already changes nothing.
    pub(super) fn at(&mut self, key: Key) -> Option<&mut Unit> {
        if self.done.as_ref().is_some_and(|done| key <= *done) {
            return None;
        }
        if !self.waiting.contains_key(&key) {
            // Skips that were known before any run of the tick name no place: they are of this one.
            let nowhere = self.waiting.remove(&(key.0, Arc::from("")));
            let fates = vec![None; self.routes];
            self.waiting
                .insert(key.clone(), nowhere.unwrap_or(Unit { fates }));
        }
        self.waiting.get_mut(&key)
    }

    /// What became of a route at a tick. False where that tick was looked at already.
    pub(super) fn put(&mut self, key: Key, route: usize, fate: Fate) -> bool {
        let Some(place) = self.at(key).and_then(|unit| unit.fates.get_mut(route)) else {
            return false;
        };
        *place = Some(fate);
        true
    }

    /// A route did not fire at a tick, wherever it has no run of it.
    pub(super) fn skip(&mut self, tick: Moment, route: usize, reason: SkipReason) {
        let mut known = false;
        let here = self.waiting.range_mut((tick, Arc::from(""))..);
        for (_, unit) in here.take_while(|((at, _), _)| *at == tick) {
            known = true;
            if let Some(fate) = unit.fates.get_mut(route) {
                fate.get_or_insert(Fate::Skipped(reason));
            }
        }
        if !known {
            self.put((tick, Arc::from("")), route, Fate::Skipped(reason));
        }
    }

    /// The earliest tick that has not been looked at, if all its routes have ended.
    pub(super) fn next(&mut self) -> Option<(Key, Unit)> {
        let (_, unit) = self.waiting.first_key_value()?;
        if unit.is_complete() { self.pop() } else { None }
    }

    /// The earliest tick that has not been looked at, ended or not.
    pub(super) fn pop(&mut self) -> Option<(Key, Unit)> {
        let (key, unit) = self.waiting.pop_first()?;
        self.done = Some(key.clone());
        Some((key, unit))
    }

    /// Ticks that have not been looked at.
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// The ticks that wait, with the revisions that fired them.
    pub(super) fn revisions(&self) -> impl Iterator<Item = (Moment, &Arc<str>)> {
        let each = |(key, unit): (&Key, _)| (key.0, unit);
        self.waiting
            .iter()
            .map(each)
            .flat_map(|(tick, unit): (Moment, &Unit)| unit.revisions().map(move |revision| (tick, revision)))
    }
}
