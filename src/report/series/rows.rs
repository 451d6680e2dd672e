//! Runs of one series, as few numbers as its figures need.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::SeriesKey;
use crate::model::{Class, Ending, Flag, LayerRecord, LayerState, Moment, Seconds};
use crate::report::receipts::Claims;

/// So many distinct endings are kept in words; further ones are counted without.
const WORDS: usize = 1_000;
/// What an ending is called whose words were not kept.
pub(super) const ANOTHER: &str = "an ending of its own";

/// What was counted of a series.
#[derive(Clone, Debug, Default)]
pub(super) struct Rows {
    pub(super) classes: BTreeMap<Class, u64>,
    pub(super) flags: BTreeMap<Flag, u64>,
    /// Runs accepted and not unobserved, and the silent failures among them.
    pub(super) judged: u64,
    pub(super) silent: u64,
    /// Whether each observed run was delivered, in the order of ticks.
    pub(super) good: Vec<bool>,
    /// Accepted, executed, outcome.
    pub(super) layers: [LayerRows; 3],
    pub(super) lag: Vec<f64>,
    pub(super) endings: Endings,
    /// The shortest and the longest watch for the outcome, in seconds.
    pub(super) watched: Option<(f64, f64)>,
    /// The first and the last tick.
    pub(super) ticks: Option<(Moment, Moment)>,
    pub(super) claims: Claims,
    /// Times on record that cannot be: negative, or ending before they began.
    pub(super) impossible: u64,
}

/// One layer of observed runs.
#[derive(Clone, Debug, Default)]
pub(super) struct LayerRows {
    /// When it happened, in seconds since the first byte: not before, at the latest.
    pub(super) reached: Vec<(f64, f64)>,
    /// Runs in which it did not happen while landfall watched.
    pub(super) never: u64,
    /// Runs of which nobody knows.
    pub(super) unknown: u64,
    /// Runs whose probe says nothing of it.
    pub(super) undeclared: u64,
}

/// How observed runs ended, by the words of one layer after the other.
#[derive(Clone, Debug, Default)]
pub(super) struct Endings {
    /// Runs by what the layers up to each say together.
    pub(super) layers: [HashMap<u64, u64>; 3],
    /// The same with the fingerprint of the content.
    pub(super) strict: HashMap<u64, u64>,
    /// What the endings of all three layers are in words.
    pub(super) words: HashMap<u64, String>,
    /// Runs with a fingerprint of their content.
    pub(super) fingerprinted: u64,
    /// Whether the probe says anything of execution.
    pub(super) executes: bool,
    /// Each run's tick with its ending, without and with its content.
    pub(super) by_tick: Vec<(Moment, u64, u64)>,
}

impl Rows {
    /// Takes a run in; runs come in the order of their ticks.
    pub(super) fn add(&mut self, ending: &Ending) {
        *self.classes.entry(ending.class).or_default() += 1;
        for flag in &ending.flags {
            *self.flags.entry(*flag).or_default() += 1;
        }
        let first = self
            .ticks
            .map_or(ending.tick, |(first, _)| first.min(ending.tick));
        let last = self.ticks.map_or(ending.tick, |(_, last)| last.max(ending.tick));
        self.ticks = Some((first, last));
        match ending.lag {
            Some(lag) if lag.is_finite() && lag >= 0.0 => self.lag.push(lag),
            Some(_) => self.impossible += 1,
            None => {}
        }
        if let Some(watched) = ending.watched {
            let (least, most) = self.watched.unwrap_or((watched, watched));
            self.watched = Some((least.min(watched), most.max(watched)));
        }
        if ending.class == Class::Unobserved {
            return;
        }
        self.judged += u64::from(ending.judged());
        self.silent += u64::from(ending.silent());
        self.good.push(ending.class == Class::Delivered);
        let layers = [
            ending.layers.accepted,
            ending.layers.executed,
            ending.layers.outcome,
        ];
        for (place, layer) in layers.iter().enumerate() {
            // What came after the watch is told of the run, and did not arrive in time to be counted.
            let limit = ending.watched.filter(|_| place == 2);
            self.impossible += u64::from(!self.layers[place].add(layer, limit));
        }
        self.endings.add(ending);
        self.claims.add(ending);
    }

    pub(super) fn runs(&self) -> u64 {
        self.classes.values().sum()
    }

    pub(super) fn unobserved(&self) -> u64 {
        self.classes.get(&Class::Unobserved).copied().unwrap_or(0)
    }
}

impl LayerRows {
    /// False where its time cannot be.
    fn add(&mut self, layer: &LayerRecord, limit: Option<f64>) -> bool {
        match (layer.state, layer.seconds) {
            (LayerState::Undeclared, _) => self.undeclared += 1,
            (LayerState::Unknown, _) | (LayerState::Yes, None) => self.unknown += 1,
            (LayerState::No, _) => self.never += 1,
            (LayerState::Yes, Some(seconds)) if !possible(seconds) => {
                self.unknown += 1;
                return false;
            }
            (LayerState::Yes, Some(Seconds(_, hi))) if limit.is_some_and(|limit| hi > limit) => {
                self.never += 1;
            }
            (LayerState::Yes, Some(Seconds(lo, hi))) => self.reached.push((lo, hi)),
        }
        true
    }
}

/// Whether a stored interval can have been.
pub(in crate::report) fn possible(Seconds(lo, hi): Seconds) -> bool {
    lo.is_finite() && hi.is_finite() && lo >= 0.0 && lo <= hi
}

impl Endings {
    fn add(&mut self, ending: &Ending) {
        let mut hasher = DefaultHasher::new();
        let mut coarse = 0;
        for (said, counts) in ending.said.iter().zip(&mut self.layers) {
            said.hash(&mut hasher);
            coarse = hasher.finish();
            *counts.entry(coarse).or_default() += 1;
        }
        ending.fingerprint.hash(&mut hasher);
        let strict = hasher.finish();
        *self.strict.entry(strict).or_default() += 1;
        if !self.words.contains_key(&coarse) && self.words.len() < WORDS {
            self.words.insert(coarse, words(&ending.said));
        }
        self.fingerprinted += u64::from(ending.fingerprint.is_some());
        self.executes |= !ending.said[1].is_empty();
        self.by_tick.push((ending.tick, coarse, strict));
    }
}

/// `accepted 2xx, executed, delivered`.
pub(super) fn words(said: &[String; 3]) -> String {
    let parts: Vec<&str> = said
        .iter()
        .map(String::as_str)
        .filter(|s| !s.is_empty())
        .collect();
    parts.join(", ")
}

/// Which series a run belongs to.
pub(super) fn key(ending: &mut Ending) -> SeriesKey {
    let take = std::mem::take::<String>;
    SeriesKey {
        probe: take(&mut ending.probe),
        route: take(&mut ending.route),
        input: take(&mut ending.input),
        location: take(&mut ending.location),
        revision: take(&mut ending.revision),
    }
}
