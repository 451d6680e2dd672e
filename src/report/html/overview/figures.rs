//! Figures of every route over a stretch of time.

use std::collections::BTreeMap;

use super::{Range, Stretch};
use crate::model::{Class, Mark, Moment, SkipReason};
use crate::report::series::{LayersFigures, Share};

/// What is known of all routes over one range, made at one instant.
#[derive(Clone, Debug, PartialEq)]
pub struct Figures {
    /// The range.
    pub range: Range,
    /// Its instants.
    pub stretch: Stretch,
    /// When they were made.
    pub made: Moment,
    /// By probe, its routes.
    pub probes: BTreeMap<String, Vec<RouteFigures>>,
    /// What people noted in that time.
    pub marks: Vec<Mark>,
    /// What has to be known of the figures.
    pub notes: Vec<String>,
}

/// One route, its inputs together.
#[derive(Clone, Debug, PartialEq)]
pub struct RouteFigures {
    /// Its name.
    pub route: String,
    /// Runs of each part, by class as last amended.
    pub cells: Vec<Cell>,
    /// Runs that ended.
    pub runs: u64,
    /// Of these the unobserved.
    pub unobserved: u64,
    /// Runs whose verdict changed after they had closed.
    pub amended: u64,
    /// Runs of which a receipt claimed that they were delivered, and they were lost.
    pub false_receipts: u64,
    /// Delivered, over observed runs.
    pub on_time: Share,
    /// Lost or mismatched, over runs accepted and observed: nothing said so.
    pub silent: Share,
    /// The chance that two runs end alike, of the input for which it is least.
    pub consistency: Option<Agreement>,
    /// The three layers.
    pub layers: LayersFigures,
    /// Ticks that did not fire, by reason.
    pub skipped: BTreeMap<SkipReason, u64>,
    /// Whether the figures hold runs of several definitions.
    pub mixed: bool,
}

/// How alike runs end.
#[derive(Clone, Debug, PartialEq)]
pub struct Agreement {
    /// The chance, 0 to 1.
    pub score: f64,
    /// Its 95 % interval; null below five runs.
    pub bounds: Option<(f64, f64)>,
    /// The commonest ending, in words.
    pub usual: String,
    /// How many endings there are.
    pub endings: u64,
}

/// Runs of one part of a range, by class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cell([u32; Class::ALL.len()]);

impl Figures {
    /// Those of one route.
    #[must_use]
    pub fn route(&self, probe: &str, route: &str) -> Option<&RouteFigures> {
        let routes = self.probes.get(probe)?;
        routes.iter().find(|figures| figures.route == route)
    }
}

impl RouteFigures {
    /// Ticks that did not fire although somebody meant them to: all but paused, in maintenance, or fired by another.
    #[must_use]
    pub fn unintended(&self) -> u64 {
        let meant = [SkipReason::Paused, SkipReason::Maintenance, SkipReason::Claimed];
        let counted = self.skipped.iter().filter(|(reason, _)| !meant.contains(reason));
        counted.map(|(_, ticks)| ticks).sum()
    }
}

impl Cell {
    /// Adds runs of a class.
    pub fn add(&mut self, class: Class, runs: u64) {
        let runs = u32::try_from(runs).unwrap_or(u32::MAX);
        if let Some(place) = Class::ALL.iter().position(|known| *known == class) {
            self.0[place] = self.0[place].saturating_add(runs);
        }
    }

    /// Its classes with their runs, those that occur.
    pub fn classes(&self) -> impl Iterator<Item = (Class, u32)> + '_ {
        let all = Class::ALL.into_iter().zip(self.0);
        all.filter(|(_, runs)| *runs > 0)
    }

    /// All its runs.
    #[must_use]
    pub fn runs(&self) -> u64 {
        self.0.iter().map(|runs| u64::from(*runs)).sum()
    }
}
