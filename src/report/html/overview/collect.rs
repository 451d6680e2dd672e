//! From hours, endings and skips to the figures of every route.

use std::collections::{BTreeMap, HashMap};

use super::figures::{Agreement, Cell, Figures, RouteFigures};
use super::{Range, Stretch};
use crate::model::{Ending, Flag, Mark, Moment, Rollup, SkipRecord, SkipSpan};
use crate::report::series::{LayersFigures, Rolled, SeriesFigures, Share};

/// An hour of a series that is made here, of endings.
type HourKey = (Moment, String, String, String);

/// Takes in what lies in a range, in any order.
#[derive(Debug)]
pub struct Collecting {
    range: Range,
    stretch: Stretch,
    rolled: Rolled,
    hours: BTreeMap<HourKey, Rollup>,
    cells: HashMap<String, BTreeMap<String, Vec<Cell>>>,
}

impl Collecting {
    /// For the range that ends now.
    #[must_use]
    pub fn new(range: Range, now: Moment) -> Self {
        Self {
            range,
            stretch: range.stretch(now),
            rolled: Rolled::default(),
            hours: BTreeMap::new(),
            cells: HashMap::new(),
        }
    }

    /// Its instants.
    #[must_use]
    pub const fn stretch(&self) -> Stretch {
        self.stretch
    }

    /// Takes a whole hour in, of which no ending is.
    pub fn hour(&mut self, rollup: &Rollup) {
        let Some(place) = self.stretch.place(rollup.hour) else {
            return;
        };
        let cell = self.cell(&rollup.probe, &rollup.route, place);
        for (class, runs) in &rollup.classes {
            cell.add(*class, *runs);
        }
        self.rolled.add(rollup);
    }

    /// Takes a run in.
    pub fn ending(&mut self, ending: &Ending) {
        let Some(place) = self.stretch.place(ending.tick) else {
            return;
        };
        self.cell(&ending.probe, &ending.route, place)
            .add(ending.class, 1);
        let hour = Rollup::hour_of(ending.tick);
        let key = (
            hour,
            ending.probe.clone(),
            ending.route.clone(),
            ending.input.clone(),
        );
        self.hours
            .entry(key)
            .or_insert_with(|| Rollup::empty(hour, &ending.probe, &ending.route, &ending.input))
            .add_ending(ending);
    }

    /// Takes a skipped tick in.
    pub fn skip(&mut self, skip: &SkipRecord) {
        self.rolled.skip(skip);
    }

    /// Takes in what lies of a span of skips in the range.
    pub fn span(&mut self, span: &SkipSpan, until: Moment) {
        self.rolled.span(span, Some(self.stretch.since), until);
    }

    fn cell(&mut self, probe: &str, route: &str, place: usize) -> &mut Cell {
        let parts = self.range.parts();
        let routes = self.cells.entry(probe.to_owned()).or_default();
        let cells = routes
            .entry(route.to_owned())
            .or_insert_with(|| vec![Cell::default(); parts]);
        &mut cells[place]
    }

    /// The figures, with what people noted in the range.
    #[must_use]
    pub fn figures(mut self, made: Moment, marks: Vec<Mark>, notes: Vec<String>) -> Figures {
        for rollup in self.hours.values_mut() {
            rollup.settle();
            self.rolled.add(rollup);
        }
        let none = BTreeMap::new();
        let inputs = self.rolled.figures(&none, None);
        let mut together: HashMap<String, Vec<SeriesFigures>> = HashMap::new();
        for probe in self.rolled.of_routes().figures(&none, None) {
            together.insert(probe.probe, probe.series);
        }
        let mut probes = BTreeMap::new();
        for mut of in inputs {
            let mut routes: BTreeMap<String, RouteFigures> = BTreeMap::new();
            for series in together.remove(&of.probe).unwrap_or_default() {
                let own = least(of.series.iter().filter(|one| one.route == series.route));
                let figures = self.route(&of.probe, series, own);
                routes.insert(figures.route.clone(), figures);
            }
            for skip in of.skips.drain(..) {
                let known = routes
                    .entry(skip.route.clone())
                    .or_insert_with(|| RouteFigures::none(&skip.route, self.range.parts()));
                for (reason, ticks) in skip.reasons {
                    *known.skipped.entry(reason).or_default() += ticks;
                }
            }
            probes.insert(of.probe, routes.into_values().collect());
        }
        Figures {
            range: self.range,
            stretch: self.stretch,
            made,
            probes,
            marks,
            notes,
        }
    }

    fn route(&self, probe: &str, all: SeriesFigures, consistency: Option<Agreement>) -> RouteFigures {
        let cells = self.cells.get(probe).and_then(|routes| routes.get(&all.route));
        let flag = |flag| all.flags.get(&flag).copied().unwrap_or(0);
        RouteFigures {
            cells: cells.cloned().unwrap_or_default(),
            runs: all.runs,
            unobserved: all.unobserved,
            amended: flag(Flag::Amended),
            false_receipts: flag(Flag::FalseReceipt),
            on_time: all.on_time,
            silent: all.silent_failures,
            consistency,
            layers: all.layers,
            skipped: BTreeMap::new(),
            mixed: all.revision.is_none(),
            route: all.route,
        }
    }
}

impl RouteFigures {
    /// Of a route of which no run has ended.
    fn none(route: &str, parts: usize) -> Self {
        Self {
            route: route.to_owned(),
            cells: vec![Cell::default(); parts],
            runs: 0,
            unobserved: 0,
            amended: 0,
            false_receipts: 0,
            on_time: Share::of(0, 0),
            silent: Share::of(0, 0),
            consistency: None,
            layers: LayersFigures::default(),
            skipped: BTreeMap::new(),
            mixed: false,
        }
    }
}

/// The least of all inputs: endings of different inputs are never mixed.
fn least<'a>(inputs: impl Iterator<Item = &'a SeriesFigures>) -> Option<Agreement> {
    let all = inputs.filter_map(|series| series.consistency.as_ref());
    let worst = all.min_by(|a, b| a.score.total_cmp(&b.score))?;
    Some(Agreement {
        score: worst.score,
        bounds: worst.lower.zip(worst.upper),
        usual: worst.usual.clone(),
        endings: worst.endings_with_content,
    })
}
