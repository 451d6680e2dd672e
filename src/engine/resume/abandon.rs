//! A run of which nothing can be judged any more.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use super::found::{FoundRun, LegName};
use super::kept::Wait;
use crate::engine::drive::Loop;
use crate::engine::recorder::Job;
use crate::model::{
    Class, ExpectationRecord, ExpectationState, Flag, Layer, LayerRecord, LayerState, Layers, Moment,
    RunRecord, Timings,
};

impl Loop {
    /// A run of which nothing can be judged any more: unobserved, and said why.
    pub(super) fn abandon(&mut self, run: &FoundRun, leg: &LegName, why: &str) {
        let record = abandoned(run, leg, why);
        let probe = &record.probe;
        tracing::warn!(run = %record.id, probe, why = record.reason, "a run of an earlier process is unobserved");
        if let Some(token) = run.token {
            let tokens = &self.shared.sinks.tokens;
            tokens
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .remove(&token);
        }
        let job = Job {
            tick: run.tick,
            record: Arc::new(record),
            amended: false,
            how: None,
        };
        // The recorder ends after the loop.
        drop(self.shared.recorder.send(job));
    }
}

fn abandoned(run: &FoundRun, leg: &LegName, why: &str) -> RunRecord {
    let plan = run.bytes.with_kept(|kept| kept.plan()).unwrap_or_default();
    let sent = run.sent;
    let unknown = LayerRecord {
        state: LayerState::Unknown,
        seconds: None,
    };
    let told = plan
        .waits
        .iter()
        .filter(|wait| matches!(wait.layer, Layer::Executed | Layer::Outcome));
    let expectation = |wait: &Wait| ExpectationRecord {
        layer: wait.layer,
        name: wait.name.clone(),
        step: wait.step.clone(),
        channel: wait.channel.clone(),
        state: ExpectationState::Blind,
        count: 0,
        seconds: None,
        reason: String::from("nobody waited for it any longer"),
        within: wait.within,
        grace: wait.grace,
        unmet: Vec::new(),
    };
    RunRecord {
        id: run.run,
        probe: leg.probe.clone(),
        revision: leg.revision.clone(),
        route: leg.route.clone(),
        input: leg.input.clone(),
        location: leg.location.clone(),
        tick: run.tick.to_rfc3339(),
        token: run.bytes.token().unwrap_or_default(),
        sent: sent.map(Moment::to_rfc3339_nanos),
        class: Class::Unobserved,
        reason: format!(
            "fired by version {} of the probe, which landfall has no longer: {why}",
            leg.revision
        ),
        flags: sent.is_none().then_some(Flag::FireUnknown).into_iter().collect(),
        lag: sent.map(|sent| sent.seconds_since(run.tick)),
        timings: Timings::default(),
        layers: Layers {
            accepted: unknown,
            executed: unknown,
            outcome: unknown,
        },
        stopped_after: None,
        expectations: told.map(expectation).collect(),
        observations: Vec::new(),
        path: Vec::new(),
        attributes: BTreeMap::new(),
        fingerprint: None,
        amendments: Vec::new(),
        request: None,
        response: None,
        labels: BTreeMap::new(),
    }
}
