//! From a tick to a request that leaves: prepared, armed, claimed, fired. Nothing here waits: what takes time becomes a
//! task that answers with a message.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use futures::future::join_all;
use serde_json::{Map, Value};

use super::Step;
use super::drive::{Loop, Message, Shared};
use super::live::Live;
use super::resume::Plan;
use super::slots::Generation;
use super::supervise::offers;
use super::waiting::taken_away;
use crate::channel::Watch;
use crate::definition::{LegDef, Probe, RunScope};
use crate::lifecycle::{Event, Run};
use crate::model::{ChannelId, Fault, Moment, Reason, RunId, SkipReason, Token};
use crate::store::{Claim, Intent};
use crate::trigger::{OpenContext, Prepared, Trigger, TriggerConfig};

/// A channel that has not confirmed by then cannot be armed.
const ARM_TIMEOUT: Duration = Duration::from_secs(30);

/// An opened trigger.
pub(super) struct Cached {
    /// Kept, so that no other definition comes to stand at its address.
    leg: Arc<LegDef>,
    trigger: Arc<dyn Trigger>,
    /// Only runs of earlier generations are fired with it.
    before: Option<Generation>,
}

impl Shared {
    /// The trigger of one part of a leg, built once.
    pub(super) fn trigger(
        &self,
        leg: &Arc<LegDef>,
        key: usize,
        config: &TriggerConfig,
    ) -> Result<Arc<dyn Trigger>, Fault> {
        let mut triggers = self.triggers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = triggers.get(&key) {
            return Ok(found.trigger.clone());
        }
        let context = OpenContext {
            clock: self.clock.clone(),
            root: self.workspace().root.clone(),
        };
        let trigger: Arc<dyn Trigger> = config.clone().open(&context)?.into();
        let cached = Cached {
            leg: leg.clone(),
            trigger: trigger.clone(),
            before: None,
        };
        triggers.insert(key, cached);
        Ok(trigger)
    }

    /// The trigger of a leg, built once.
    pub(super) fn leg_trigger(&self, def: &Arc<LegDef>) -> Result<Arc<dyn Trigger>, Fault> {
        self.trigger(def, Arc::as_ptr(def) as usize, &def.request.trigger)
    }

    /// From this generation on runs are fired by these probes alone.
    pub(super) fn age_triggers(&self, probes: &[Arc<Probe>], generation: Generation) {
        let legs = probes.iter().flat_map(|probe| &probe.legs);
        let in_force: HashSet<usize> = legs.map(|leg| Arc::as_ptr(leg) as usize).collect();
        let mut triggers = self.triggers.lock().unwrap_or_else(PoisonError::into_inner);
        for cached in triggers.values_mut() {
            if !in_force.contains(&(Arc::as_ptr(&cached.leg) as usize)) {
                cached.before.get_or_insert(generation);
            }
        }
    }

    /// Lets go of triggers, with their connections, that only runs of earlier generations could need.
    pub(super) fn forget_triggers(&self, oldest: Generation) {
        let mut triggers = self.triggers.lock().unwrap_or_else(PoisonError::into_inner);
        triggers.retain(|_, cached| cached.before.is_none_or(|before| before > oldest));
    }

    /// Everything one run of a leg needs before anything leaves.
    pub(super) fn prepare(
        &self,
        (probe, def): (&Probe, &Arc<LegDef>),
        run: RunId,
        tick: Moment,
        token: &Token,
    ) -> Result<(RunScope, Prepared), Fault> {
        // Channels' own templates may name the token, the run and the input; or the input names the channels.
        let start = RunScope::start(def, &probe.vars, run, tick, token, Map::new());
        let with_input = start.with_input();
        let known = with_input.as_ref().unwrap_or(&start);
        let channels = Value::Object(offers(&self.slots(), &def.channel_names, token, known)?);
        let scope = match with_input {
            Ok(scope) => scope.with("channels", channels),
            Err(_) => start.with("channels", channels).with_input()?,
        };
        let prepared = self.leg_trigger(def)?.prepare(&scope)?;
        Ok((scope, prepared))
    }

    /// Why a leg cannot be armed, whatever its request: the channel, and what is wrong with it.
    fn unarmed(&self, def: &LegDef) -> Option<(String, Fault)> {
        let slots = self.slots();
        let waited = def.leg.expectations.iter().map(|e| (&*e.channel_name, e.channel));
        let named = def.channel_names.iter().map(|(name, id)| (name.as_str(), *id));
        waited.chain(named).find_map(|(name, id)| {
            let fault = match slots.get(id) {
                Some(opened) => opened.waiting.as_ref()?.why()?,
                None => taken_away(name),
            };
            Some((name.to_owned(), fault))
        })
    }
}

impl Loop {
    pub(super) fn arm(&mut self, run: RunId, channels: &[ChannelId]) {
        let Some(def) = self.incoming.get(&run).cloned() else {
            return;
        };
        let (Some(known), Some(probe)) = (self.machine.run(run), self.incoming_of.clone()) else {
            return;
        };
        let token = known.token;
        let shared = self.shared.clone();
        if let Some((channel, fault)) = shared.unarmed(&def) {
            let failed = Event::ArmFailed { run, channel, fault };
            return shared.tell(Message::Event(failed));
        }
        let (scope, mut prepared) = match shared.prepare((&probe, &def), run, known.tick.due, &token) {
            Ok(ready) => ready,
            Err(fault) => {
                let detail = shared.redactor().text(&fault.message).into_owned();
                let reason = SkipReason::Render;
                shared.tell(Message::Event(Event::Refused { run, reason, detail }));
                return;
            }
        };
        let mut request = std::mem::take(&mut prepared.shown);
        shared.redactor().value(&mut request);
        let live = Live {
            token,
            sources: probe.sources.clone(),
            probe: Some(probe),
            def,
            scope: scope.clone(),
            prepared: Some(prepared),
            request: Arc::new(request),
            answer: None,
            observations: HashMap::new(),
            sent: None,
            early: Vec::new(),
        };
        self.reloads.begin(run, &live.def);
        self.live.insert(run, live);
        shared
            .sinks
            .tokens
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(token, run);
        let opened: Vec<_> = channels.iter().map(|id| (*id, shared.channel(*id))).collect();
        let names = opened
            .iter()
            .flat_map(|(_, o)| o.as_ref().map(|o| o.name.clone()))
            .collect();
        self.step(run, Step::Arming { channels: names });
        let scope = Arc::new(scope);
        tokio::spawn(async move {
            let arms = opened.into_iter().map(|(channel, opened)| {
                let watch = Watch {
                    run,
                    token,
                    scope: scope.clone(),
                };
                async move {
                    let Some(opened) = opened else {
                        return Event::Armed { run, channel };
                    };
                    let armed = tokio::time::timeout(ARM_TIMEOUT, opened.channel.arm(watch)).await;
                    let late = || Fault::new(Reason::Timeout, format!("not armed within {ARM_TIMEOUT:?}"));
                    match armed.unwrap_or_else(|_| Err(late())) {
                        Ok(()) => Event::Armed { run, channel },
                        Err(fault) => Event::ArmFailed {
                            run,
                            channel: opened.name.clone(),
                            fault,
                        },
                    }
                }
            });
            for event in join_all(arms).await {
                shared.tell(Message::Event(event));
            }
        });
    }

    pub(super) fn claim(&mut self, run: RunId) {
        let Some(known) = self.machine.run(run) else {
            return;
        };
        let Some(live) = self.live.get(&run) else {
            return;
        };
        let probe = live.probe.take();
        let plan = Plan::of(known, &live.scope, &self.shared.redactor());
        let intent = intent(known, self.shared.clock.now(), plan);
        let leg = known.leg.clone();
        self.step(run, Step::Claiming);
        let shared = self.shared.clone();
        let claiming = tokio::spawn(async move {
            // Queued before the claim, and so durable no later than it.
            let revision = shared.revisions.keep(&shared, probe.as_deref(), &leg);
            let ((), claimed) = tokio::join!(revision, shared.store.claim(vec![intent]));
            let event = match claimed.as_deref() {
                Ok([Claim::Won]) => Event::Claimed { run },
                Ok(_) => {
                    let detail = String::from("another process has claimed this tick");
                    Event::Refused {
                        run,
                        reason: SkipReason::Claimed,
                        detail,
                    }
                }
                Err(fault) => Event::Refused {
                    run,
                    reason: SkipReason::Store,
                    detail: fault.message.clone(),
                },
            };
            shared.tell(Message::Event(event));
        });
        self.claiming.insert(run, claiming);
    }

    pub(super) fn fire(&mut self, run: RunId) {
        self.step(run, Step::Firing);
        let Some(known) = self.machine.run(run) else {
            return;
        };
        let facts = serde_json::json!({
            "run": run,
            "probe": known.leg.probe,
            "route": known.leg.route,
            "input": known.leg.input,
            "token": known.token,
            "tick": known.tick.due.to_rfc3339(),
            "traceparent": run.traceparent(),
        });
        let Some(live) = self.live.get(&run) else {
            return;
        };
        let Some(prepared) = live.prepared.take() else {
            return;
        };
        let (def, scope) = (live.def.clone(), live.scope.clone());
        tokio::spawn(super::answer::fire(
            self.shared.clone(),
            run,
            def,
            scope,
            prepared,
            facts,
        ));
    }
}

fn intent(run: &Run, now: Moment, plan: Value) -> Intent {
    let leg = &run.leg;
    Intent {
        run: run.id,
        probe: leg.probe.to_string(),
        input: leg.input.to_string(),
        route: leg.route.to_string(),
        location: leg.location.to_string(),
        tick: run.tick.due,
        revision: leg.revision.to_string(),
        token: run.token.to_string(),
        at: now,
        plan,
    }
}
