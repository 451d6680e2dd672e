//! What the machine asks for, done. Nothing here waits: what takes time becomes a task that answers with a message.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use futures::future::join_all;
use serde_json::{Map, Value};

use super::drive::{Loop, Message, Shared};
use super::live::Live;
use super::supervise::offers;
use super::{Step, Update};
use crate::channel::Watch;
use crate::definition::{LegDef, RunScope};
use crate::lifecycle::{Event, Run};
use crate::model::{
    ChannelId, Fault, Leg, Moment, Observation, ObservationId, Reason, RunId, SkipReason, SkipRecord, Tick,
    Token,
};
use crate::store::{Claim, Intent};
use crate::trigger::{OpenContext, Prepared, Trigger, TriggerConfig};

/// A channel that has not confirmed by then cannot be armed.
const ARM_TIMEOUT: Duration = Duration::from_secs(30);
/// A look that has not come back by then is sent anew.
const LOOK_TIMEOUT: Duration = Duration::from_secs(30);
/// Between looks that failed.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

impl Shared {
    fn trigger(&self, key: usize, config: &TriggerConfig) -> Result<Arc<dyn Trigger>, Fault> {
        let mut triggers = self.triggers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = triggers.get(&key) {
            return Ok(found.clone());
        }
        let context = OpenContext {
            clock: self.clock.clone(),
            root: self.workspace.root.clone(),
        };
        let opened: Arc<dyn Trigger> = config.clone().open(&context)?.into();
        triggers.insert(key, opened.clone());
        Ok(opened)
    }

    /// The trigger of a leg, built once.
    pub(super) fn leg_trigger(&self, def: &Arc<LegDef>) -> Result<Arc<dyn Trigger>, Fault> {
        self.trigger(Arc::as_ptr(def) as usize, &def.request.trigger)
    }

    /// Everything one run of a leg needs before anything leaves.
    pub(super) fn prepare(
        &self,
        def: &Arc<LegDef>,
        run: RunId,
        tick: Moment,
        token: &Token,
    ) -> Result<(RunScope, Prepared), Fault> {
        let vars = &self.workspace.vars;
        // Channels' own templates may name the token and the run, so a scope without channels comes first.
        let bare = RunScope::new(def, vars, run, tick, token, Map::new())?;
        let channels = offers(&self.channels, &def.channel_names, token, &bare)?;
        let scope = RunScope::new(def, vars, run, tick, token, channels)?;
        let prepared = self.leg_trigger(def)?.prepare(&scope)?;
        Ok((scope, prepared))
    }
}

impl Loop {
    pub(super) fn arm(&mut self, run: RunId, channels: &[ChannelId]) {
        let Some(def) = self.incoming.get(&run).cloned() else {
            return;
        };
        let Some(known) = self.machine.run(run) else {
            return;
        };
        let token = known.token;
        let shared = self.shared.clone();
        let (scope, prepared) = match shared.prepare(&def, run, known.tick.due, &token) {
            Ok(ready) => ready,
            Err(fault) => {
                let detail = shared.workspace.redactor.text(&fault.message).into_owned();
                let reason = SkipReason::Render;
                shared.tell(Message::Event(Event::Refused { run, reason, detail }));
                return;
            }
        };
        let mut request = prepared.shown.clone();
        shared.workspace.redactor.value(&mut request);
        let live = Live {
            token,
            def,
            scope: scope.clone(),
            prepared: Some(prepared),
            request: Arc::new(request),
            answer: None,
            observations: std::collections::HashMap::new(),
            sent: None,
            early: Vec::new(),
        };
        self.live.insert(run, live);
        shared
            .sinks
            .tokens
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(token, run);
        let opened: Vec<_> = channels
            .iter()
            .map(|id| (*id, shared.channels.get(id).cloned()))
            .collect();
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
        let intent = intent(known, self.shared.clock.now());
        self.step(run, Step::Claiming);
        let shared = self.shared.clone();
        tokio::spawn(async move {
            let event = match shared.store.claim(vec![intent]).await.as_deref() {
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
        });
        let Some(live) = self.live.get_mut(&run) else {
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

    pub(super) fn evaluate(&mut self, run: RunId, id: ObservationId) {
        let Some(observation) = self.unclaimed.remove(&id).or_else(|| self.shown_to_another(id)) else {
            return;
        };
        self.seen_step(run, &observation);
        if let Some(opened) = self.shared.channels.get(&observation.channel) {
            self.shared.sinks.count(&opened.name, "matched");
        }
        let Some(live) = self.live.get_mut(&run) else {
            return;
        };
        live.observations.insert(id, observation.clone());
        if live.answer.is_none() {
            live.early.push(id);
        } else {
            super::evaluate::spawn(&self.shared, run, live, observation);
        }
    }

    /// One observation may bear the tokens of several runs.
    fn shown_to_another(&self, id: ObservationId) -> Option<Arc<Observation>> {
        self.live
            .values()
            .find_map(|live| live.observations.get(&id))
            .cloned()
    }

    pub(super) fn seen_step(&self, run: RunId, observation: &Observation) {
        let Some(opened) = self.shared.channels.get(&observation.channel) else {
            return;
        };
        let sent = self.machine.run(run).and_then(|r| r.sent);
        let at = observation.sighting.at.hi;
        let step = Step::Seen {
            channel: opened.name.clone(),
            summary: observation.sighting.summary.clone(),
            seconds: sent.map_or(0.0, |sent| at.seconds_since(sent)),
        };
        self.step(run, step);
    }

    pub(super) fn answered(&mut self, event: &Event, scope: RunScope, answer: Arc<super::live::LiveAnswer>) {
        let Event::Answered {
            run,
            accepted,
            reason,
            sent,
            ..
        } = event
        else {
            return;
        };
        let detail = if reason.is_empty() {
            answer
                .response
                .as_ref()
                .map_or_else(String::new, |r| format!("status {}", r.status))
        } else {
            reason.clone()
        };
        self.step(
            *run,
            Step::Answered {
                accepted: *accepted,
                detail,
            },
        );
        let Some(live) = self.live.get_mut(run) else {
            return;
        };
        live.scope = scope;
        live.sent = Some(*sent);
        live.answer = Some(answer);
        for id in std::mem::take(&mut live.early) {
            if let Some(observation) = live.observations.get(&id).cloned() {
                super::evaluate::spawn(&self.shared, *run, live, observation);
            }
        }
    }

    pub(super) fn look(&self, channel: ChannelId, due: Moment) {
        let Some(opened) = self.shared.channels.get(&channel).cloned() else {
            return;
        };
        let shared = self.shared.clone();
        tokio::spawn(async move {
            let through = loop {
                match tokio::time::timeout(LOOK_TIMEOUT, opened.channel.look(due)).await {
                    Ok(Ok(through)) => break through,
                    // The channel says itself when it cannot see; the machine's patience bounds the wait.
                    Ok(Err(_)) | Err(_) if shared.stop.is_cancelled() => return,
                    Ok(Err(_)) | Err(_) => shared.clock.sleep(LOOK_AGAIN).await,
                }
            };
            opened.sink.in_flight.drained(due).await;
            // Through the queue that observations take, so that none of them is overtaken.
            let event = Event::Watermark { channel, through };
            drop(shared.queues.messages.send(Message::Event(event)).await);
        });
    }

    pub(super) fn extend(&self, run: RunId) {
        let (Some(known), Some(live)) = (self.machine.run(run), self.live.get(&run)) else {
            return;
        };
        for channel in known.channels() {
            if let Some(opened) = self.shared.channels.get(&channel) {
                opened
                    .channel
                    .extend(run, &known.keys, Arc::new(live.scope.clone()));
            }
        }
    }

    pub(super) fn disarm(&mut self, run: RunId) {
        let Some(live) = self.live.get(&run) else { return };
        for spec in &live.def.leg.expectations {
            if let Some(opened) = self.shared.channels.get(&spec.channel) {
                opened.channel.disarm(run);
            }
        }
        self.shared
            .sinks
            .tokens
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&live.token);
    }

    pub(super) fn cleanup(&self, run: RunId) {
        let Some(live) = self.live.get(&run) else { return };
        if live.def.cleanup.is_empty() || self.shared.options.keep_data {
            self.shared
                .tell(Message::Event(Event::Cleaned { run, done: true }));
            return;
        }
        let (shared, def, scope) = (self.shared.clone(), live.def.clone(), live.scope.clone());
        tokio::spawn(async move {
            let mut done = true;
            for cleanup in &def.cleanup {
                let key = std::ptr::from_ref(cleanup) as usize;
                let ended = match shared.trigger(key, &cleanup.trigger) {
                    Ok(trigger) => super::answer::clean(trigger.as_ref(), &scope).await,
                    Err(fault) => Err(fault),
                };
                if let Err(fault) = ended {
                    done = false;
                    let fault = shared.workspace.redactor.text(&fault.message).into_owned();
                    tracing::warn!(%run, probe = %def.leg.probe, route = %def.leg.route, %fault, "cleanup failed");
                }
            }
            shared.tell(Message::Event(Event::Cleaned { run, done }));
        });
    }

    pub(super) fn skip(&mut self, run: RunId, leg: &Leg, tick: Tick, reason: SkipReason, detail: String) {
        self.live.remove(&run);
        let record = SkipRecord {
            probe: leg.probe.to_string(),
            route: leg.route.to_string(),
            input: leg.input.to_string(),
            tick: tick.due.to_rfc3339(),
            reason,
            detail: self.shared.workspace.redactor.text(&detail).into_owned(),
        };
        let shared = self.shared.clone();
        tokio::spawn(async move {
            if let Err(fault) = shared.store.skip(tick.due, record.clone()).await {
                tracing::error!(%fault, probe = %record.probe, "a skip is not on record");
            }
            shared.update(Update::Skipped(record));
        });
    }

    pub(super) fn record(&mut self, run: RunId, amended: bool) {
        let now = self.shared.clock.now();
        let (Some(known), Some(judgement), Some(live)) = (
            self.machine.run(run),
            self.machine.judge(run, now),
            self.live.get(&run),
        ) else {
            return;
        };
        let record = super::record::build(&self.shared, known, &judgement, live);
        let job = super::recorder::Job {
            tick: known.tick.due,
            record: Arc::new(record),
            amended,
        };
        // The recorder ends after the loop.
        drop(self.shared.recorder.send(job));
    }
}

fn intent(run: &Run, now: Moment) -> Intent {
    let leg = &run.leg;
    let waits: Vec<Value> = leg
        .expectations
        .iter()
        .map(|e| {
            serde_json::json!({
                "name": e.name, "in": e.channel_name, "within": e.within.as_secs_f64(), "grace": e.grace.as_secs_f64(),
            })
        })
        .collect();
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
        plan: Value::Array(waits),
    }
}
