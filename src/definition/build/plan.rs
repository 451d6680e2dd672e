//! What a leg is made of: a route's own parts, else the probe's.

use crate::definition::raw::{Named, OneOrMany, RawExpectation, RawProbe, RawRoute, RawStep, RawTimes};
use crate::model::{Expr, Free, Lapse, Layer, Spanned};
use crate::trigger::TriggerConfig;

/// One route × input, not yet checked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LegPlan<'p> {
    pub(crate) probe: &'p str,
    pub(crate) raw: &'p RawProbe,
    pub(crate) route_name: &'p str,
    pub(crate) route_raw: Option<&'p RawRoute>,
    pub(crate) input_name: &'p str,
    pub(crate) input: &'p Free,
    pub(crate) capture: &'p Named<Expr>,
}

/// An expectation or a step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Waited<'p> {
    pub(crate) layer: Layer,
    pub(crate) step: Option<&'p Spanned<String>>,
    pub(crate) channel: &'p Spanned<String>,
    pub(crate) name: Option<&'p Spanned<String>>,
    pub(crate) filter: Option<&'p Expr>,
    pub(crate) key: Option<&'p Expr>,
    pub(crate) expect: &'p OneOrMany<Expr>,
    pub(crate) within: Option<&'p Spanned<Lapse>>,
    pub(crate) grace: Option<&'p Spanned<Lapse>>,
    pub(crate) times: Option<&'p Spanned<RawTimes>>,
}

static NO_INPUT: Free = Free::Map(Vec::new());

/// Every route × input of a probe, in the order written.
pub(super) fn plans(raw: &RawProbe) -> Vec<LegPlan<'_>> {
    let routes: Vec<(&str, Option<&RawRoute>)> = if raw.routes.0.is_empty() {
        vec![("default", None)]
    } else {
        raw.routes
            .0
            .iter()
            .map(|(name, route)| (name.value.as_str(), Some(route)))
            .collect()
    };
    let inputs: Vec<(&str, &Free)> = match (&raw.inputs, &raw.input) {
        (Some(inputs), _) => inputs
            .value
            .0
            .iter()
            .map(|(name, input)| (name.value.as_str(), input))
            .collect(),
        (None, Some(input)) => vec![("default", &input.value)],
        (None, None) => vec![("default", &NO_INPUT)],
    };
    let mut plans = Vec::with_capacity(routes.len() * inputs.len());
    for (route_name, route_raw) in routes {
        for (input_name, input) in &inputs {
            plans.push(LegPlan {
                probe: &raw.name.value,
                raw,
                route_name,
                route_raw,
                input_name,
                input,
                capture: route_raw.and_then(|r| r.capture.as_ref()).unwrap_or(&raw.capture),
            });
        }
    }
    plans
}

impl<'p> LegPlan<'p> {
    /// Whether the route brings its own part of this name.
    pub(crate) fn replaces(&self, section: &str) -> bool {
        self.route_raw.is_some_and(|route| match section {
            "request" => route.request.is_some(),
            "capture" => route.capture.is_some(),
            "accepted" => route.accepted.is_some(),
            "executed" => route.executed.is_some(),
            "outcome" => route.outcome.is_some(),
            "failed_when" => route.failed_when.is_some(),
            "path" => route.path.is_some(),
            "cleanup" => route.cleanup.is_some(),
            _ => false,
        })
    }

    pub(super) fn request(&self) -> Option<&'p TriggerConfig> {
        self.own(|r| r.request.as_ref()).or(self.raw.request.as_ref())
    }

    pub(super) fn accepted(&self) -> Option<&'p Expr> {
        self.own(|r| r.accepted.as_ref()).or(self.raw.accepted.as_ref())
    }

    pub(super) fn path(&self) -> &'p [Expr] {
        self.own(|r| r.path.as_deref()).unwrap_or(&self.raw.path)
    }

    pub(super) fn cleanup(&self) -> &'p [TriggerConfig] {
        self.own(|r| r.cleanup.as_deref()).unwrap_or(&self.raw.cleanup)
    }

    pub(super) fn outcome(&self) -> &'p [RawExpectation] {
        self.own(|r| r.outcome.as_deref()).unwrap_or(&self.raw.outcome)
    }

    /// All that is waited for: steps first, then outcomes, `failed_when`, receipts.
    pub(crate) fn waited(&self) -> Vec<Waited<'p>> {
        let steps = self.own(|r| r.executed.as_deref()).unwrap_or(&self.raw.executed);
        let failed = self
            .own(|r| r.failed_when.as_deref())
            .unwrap_or(&self.raw.failed_when);
        let mut all: Vec<Waited<'p>> = steps.iter().map(of_step).collect();
        all.extend(self.outcome().iter().map(|e| of_expectation(Layer::Outcome, e)));
        all.extend(failed.iter().map(|e| of_expectation(Layer::FailedWhen, e)));
        all.extend(self.raw.receipt.iter().map(|e| of_expectation(Layer::Receipt, e)));
        all
    }

    fn own<T: ?Sized>(&self, part: impl FnOnce(&'p RawRoute) -> Option<&'p T>) -> Option<&'p T> {
        self.route_raw.and_then(part)
    }
}

fn of_step(step: &RawStep) -> Waited<'_> {
    Waited {
        layer: Layer::Executed,
        step: Some(&step.step),
        channel: &step.channel,
        name: step.name.as_ref(),
        filter: step.filter.as_ref(),
        key: step.key.as_ref(),
        expect: &step.expect,
        within: step.within.as_ref(),
        grace: step.grace.as_ref(),
        times: step.times.as_ref(),
    }
}

fn of_expectation(layer: Layer, expectation: &RawExpectation) -> Waited<'_> {
    Waited {
        layer,
        step: None,
        channel: &expectation.channel,
        name: expectation.name.as_ref(),
        filter: expectation.filter.as_ref(),
        key: expectation.key.as_ref(),
        expect: &expectation.expect,
        within: expectation.within.as_ref(),
        grace: expectation.grace.as_ref(),
        times: expectation.times.as_ref(),
    }
}
