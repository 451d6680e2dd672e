//! Two runs of a tick: better, same or worse.

use std::collections::HashMap;
use std::sync::Arc;

use super::median::Median;
use super::{Metric, Sample};
use crate::model::Class;
use crate::stats::ticks::{Counts, Relative, dead_zone};

/// Tells of a route and its baseline, tick by tick, by what earlier ticks have shown of the baseline.
#[derive(Clone, Debug)]
pub(super) struct Judge {
    metric: Metric,
    dead_zone: DeadZone,
    usual: Usual,
}

/// How many seconds are too little to call a difference.
#[derive(Clone, Debug)]
enum DeadZone {
    Fixed(f64),
    /// A tenth of the baseline's median wait so far.
    OfMedian(Median),
}

/// What the baseline's runs of each class usually leave behind.
#[derive(Clone, Debug, Default)]
struct Usual(HashMap<Class, Content>);

#[derive(Clone, Debug, Default)]
struct Content {
    counts: HashMap<Arc<str>, u64>,
    most: Option<(Arc<str>, u64)>,
}

impl Judge {
    /// `dead_zone` in seconds; `None` for a tenth of the baseline's median wait.
    pub(super) fn new(metric: Metric, dead_zone: Option<f64>) -> Self {
        Self {
            metric,
            dead_zone: dead_zone.map_or_else(|| DeadZone::OfMedian(Median::default()), DeadZone::Fixed),
            usual: Usual::default(),
        }
    }

    /// How the route did; `None` where the tick says nothing: nothing arrived whose content could be compared.
    pub(super) fn judge(&self, baseline: &Sample, route: &Sample) -> Option<Relative> {
        match self.metric {
            Metric::Success => Some(Relative::of_success(baseline.succeeded(), route.succeeded())),
            // Samples hold times that are finite and in order.
            Metric::Latency => Relative::of_latency(baseline.wait, route.wait, self.seconds()).ok(),
            Metric::Content if baseline.has_content() && route.has_content() => Some(Relative::of_success(
                self.usual.matches(baseline),
                self.usual.matches(route),
            )),
            Metric::Content => None,
        }
    }

    /// Takes in the baseline's run of a tick, once that tick has been judged.
    pub(super) fn learn(&mut self, baseline: &Sample) {
        match (self.metric, &mut self.dead_zone) {
            (Metric::Latency, DeadZone::OfMedian(median)) => median.add(baseline.wait.hi),
            (Metric::Content, _) => self.usual.add(baseline),
            _ => {}
        }
    }

    /// The dead zone as it stands; `None` where no wait is known that it could be a part of.
    pub(super) fn known_dead_zone(&self) -> Option<f64> {
        match &self.dead_zone {
            DeadZone::Fixed(seconds) => Some(*seconds),
            DeadZone::OfMedian(median) => (!median.is_empty()).then(|| dead_zone(median.value())),
        }
    }

    /// Before any wait is known no difference of two arrivals is called one; a loss still loses.
    fn seconds(&self) -> f64 {
        self.known_dead_zone().unwrap_or(f64::MAX)
    }
}

impl Usual {
    /// Whether a run's content is as it should be: it passed what the probe expects of it, and is what the baseline's runs
    /// of that class mostly left behind, as far as that is known.
    fn matches(&self, sample: &Sample) -> bool {
        let known = self
            .0
            .get(&sample.class)
            .and_then(|content| content.most.as_ref());
        let as_usual = match (known, &sample.fingerprint) {
            (Some((usual, _)), Some(found)) => usual == found,
            _ => true,
        };
        sample.class != Class::Mismatched && as_usual
    }

    fn add(&mut self, sample: &Sample) {
        let Some(fingerprint) = sample.fingerprint.clone().filter(|_| sample.has_content()) else {
            return;
        };
        let content = self.0.entry(sample.class).or_default();
        let count = content.counts.entry(fingerprint.clone()).or_default();
        *count += 1;
        // Of equals the one that was there first stays.
        if content.most.as_ref().is_none_or(|(_, most)| *count > *most) {
            content.most = Some((fingerprint, *count));
        }
    }
}

/// All ticks at once, for who looks once: the dead zone is of the baseline's median over all of them.
pub(super) fn at_once<'a>(
    metric: Metric,
    dead_zone: Option<f64>,
    ticks: impl Iterator<Item = (&'a Sample, &'a Sample)> + Clone,
) -> Counts {
    let mut all = Median::default();
    ticks.clone().for_each(|(baseline, _)| all.add(baseline.wait.hi));
    let whole = (!all.is_empty()).then(|| self::dead_zone(all.value()));
    let mut judge = Judge::new(metric, dead_zone.or(whole));
    let mut counts = Counts::default();
    for (baseline, route) in ticks {
        if let Some(relative) = judge.judge(baseline, route) {
            counts.add(relative);
        }
        judge.learn(baseline);
    }
    counts
}
