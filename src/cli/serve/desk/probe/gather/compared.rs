//! The routes of a probe held against its first one, tick by tick.

use super::Skips;
use crate::cli::serve::desk::views;
use crate::compare::{Comparison, End, Experiment, Role, Setup, Source};
use crate::definition::Probe;
use crate::model::{Moment, RunRecord};
use crate::report::html::probe::MOST_ROUTES;
use crate::store::RunFilter;

/// A comparison while its runs are read, the newest first.
pub(super) struct Pairing {
    experiment: Experiment,
    baseline: String,
    /// Only ticks before this count.
    settled: Moment,
    /// The first tick that was read.
    first: Option<Moment>,
}

impl Pairing {
    /// The routes that are asked for against the first of them; `None` where there are not two.
    pub(super) fn new(probe: &Probe, filter: &RunFilter, settled: Moment) -> Option<Self> {
        let chosen = |names: Vec<&str>, asked: &[String]| -> Vec<String> {
            let wanted = |name: &&str| asked.is_empty() || asked.iter().any(|asked| asked == name);
            let names = names.into_iter().filter(wanted);
            names.take(MOST_ROUTES).map(str::to_owned).collect()
        };
        let mut routes = chosen(views::routes(probe), &filter.routes);
        let inputs = chosen(views::inputs(probe), &filter.inputs);
        if routes.len() < 2 || inputs.is_empty() {
            return None;
        }
        let baseline = routes.remove(0);
        let setup = Setup {
            routes,
            inputs,
            ..Setup::new(&probe.name, &baseline, &[])
        };
        Some(Self {
            experiment: Experiment::new(setup, false).ok()?,
            baseline,
            settled,
            first: None,
        })
    }

    pub(super) fn add(&mut self, run: &RunRecord) {
        let Some(tick) = Moment::from_rfc3339(&run.tick) else {
            return;
        };
        self.first = Some(self.first.map_or(tick, |first| first.min(tick)));
        if tick < self.settled {
            self.experiment.take(run);
        }
    }

    /// What it came to. Only of the worst route, the first, it is told how it came to it.
    pub(super) fn finish(mut self, skips: &Skips) -> Option<Comparison> {
        let first = self.first?;
        let within = |tick: Moment| tick >= first && tick < self.settled;
        for skip in &skips.single {
            if Moment::from_rfc3339(&skip.tick).is_some_and(within) {
                self.experiment.skip(skip);
            }
        }
        for span in &skips.spans {
            // A span is of one route: those of the baseline stand for the ticks.
            if span.route == self.baseline && within(span.first) {
                self.experiment.skip_ticks(span.reason, span.ticks);
            }
        }
        self.experiment.finish();
        let compared = self.experiment.comparison(Source::Store, End::Read);
        let mut compared = compared
            .inspect_err(|error| tracing::warn!(%error, "the routes of a probe cannot be compared"))
            .ok()?;
        let net = |net: Option<f64>| net.unwrap_or(f64::INFINITY);
        compared.comparisons.sort_by(|a, b| {
            (a.role, net(a.net))
                .partial_cmp(&(b.role, net(b.net)))
                .unwrap_or(std::cmp::Ordering::Equal)
        });
        for other in compared.comparisons.iter_mut().skip(1) {
            other.course.clear();
        }
        compared
            .comparisons
            .first()
            .filter(|worst| worst.role == Role::Declared)?;
        Some(compared)
    }
}
