//! A comparison with what separates bad runs from good where a route did worse.

use schemars::JsonSchema;
use serde::Serialize;

use crate::compare::{Compared, Comparison, Metric, Role};
use crate::model::{Class, Mark, RunRecord};
use crate::report::causes::{Bad, Causes, Collector, Question};
use crate::stats::verdict::Word;

/// Routes of which causes are looked for.
pub const EXPLAINED: usize = 20;

/// What `compare --format json` prints.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Explained {
    /// The comparison.
    #[serde(flatten)]
    pub comparison: Comparison,
    /// What separates bad runs from good on each route that the exit code calls worse; empty where none is.
    pub causes: Vec<RouteCauses>,
}

/// What separates bad runs from good on a route that is worse than the baseline.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct RouteCauses {
    /// The probe.
    pub probe: String,
    /// The route.
    pub route: String,
    /// The input.
    pub input: String,
    /// By what it is worse.
    pub metric: Metric,
    /// Which runs count as bad, and what they have in common.
    pub found: Causes,
}

/// Takes in the runs of the routes that are worse, in any order.
pub struct Inquiry {
    routes: Vec<(Asked, Collector)>,
    left_out: u64,
    /// Of other definitions nothing was compared.
    revisions: Vec<String>,
}

/// Of which runs causes are looked for.
struct Asked {
    probe: String,
    route: String,
    input: String,
    metric: Metric,
}

impl From<Comparison> for Explained {
    fn from(comparison: Comparison) -> Self {
        Self {
            comparison,
            causes: Vec::new(),
        }
    }
}

impl Inquiry {
    /// For every declared comparison that is worse. Runs are bad by what they are worse by: not delivered; later than the
    /// baseline's median by more than counts as none; mismatched.
    #[must_use]
    pub fn of(comparison: &Comparison) -> Self {
        let worse = comparison
            .comparisons
            .iter()
            .filter(|of| of.role == Role::Declared)
            .filter(|of| matches!(of.word, Some(Word::Worse | Word::WorseWithinMargin)));
        let all: Vec<_> = worse.collect();
        let left_out = all.len().saturating_sub(EXPLAINED) as u64;
        let routes = all.into_iter().take(EXPLAINED).map(|of| {
            let bad = match of.metric {
                Metric::Success => Bad::NotDelivered,
                Metric::Content => Bad::Classes([Class::Mismatched].into()),
                Metric::Latency => Bad::Slow(slow(comparison, of)),
            };
            let route = Asked {
                probe: of.probe.clone(),
                route: of.route.clone(),
                input: of.input.clone(),
                metric: of.metric,
            };
            (route, Collector::new(Question { bad, seed: 0 }))
        });
        Self {
            routes: routes.collect(),
            left_out,
            revisions: comparison.revisions.clone(),
        }
    }

    /// Whether there is nothing to be asked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.routes.is_empty()
    }

    /// Takes a run in; that of another route, input or definition is left alone.
    pub fn add(&mut self, run: &RunRecord) {
        if !self.revisions.is_empty() && !self.revisions.contains(&run.revision) {
            return;
        }
        let of = |route: &Asked| {
            (&run.probe, &run.route, &run.input) == (&route.probe, &route.route, &route.input)
        };
        for (_, collector) in self.routes.iter_mut().filter(|(route, _)| of(route)) {
            collector.add(run);
        }
    }

    /// What was found, with the comparison that it explains.
    #[must_use]
    pub fn finish(self, comparison: Comparison, marks: &[Mark]) -> Explained {
        let mut comparison = comparison;
        if self.left_out > 0 {
            comparison.notes.push(format!(
                "causes are looked for on {EXPLAINED} routes: {} more are worse",
                self.left_out
            ));
        }
        let causes = self.routes.into_iter().map(|(of, collector)| RouteCauses {
            probe: of.probe,
            route: of.route,
            input: of.input,
            metric: of.metric,
            found: collector.finish(marks),
        });
        Explained {
            causes: causes.collect(),
            comparison,
        }
    }
}

/// What is later than this did worse than the baseline's usual run: its median, and as much as counts as no difference.
fn slow(comparison: &Comparison, of: &Compared) -> Option<f64> {
    let baseline = comparison.routes.iter().find(|figures| {
        let own = match &figures.file {
            Some(file) => *file == comparison.baseline && figures.route == of.route,
            None => figures.route == comparison.baseline,
        };
        own && (&figures.probe, &figures.input) == (&of.probe, &of.input)
    });
    Some(baseline?.p50? + of.dead_zone.unwrap_or(0.0))
}
