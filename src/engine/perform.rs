//! What the machine asks for once a request has left, done. Nothing here waits: what takes time becomes a task that
//! answers with a message.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use super::drive::{Loop, Message};
use super::owed::{Skip, UnderWay};
use super::{Step, Update};
use crate::definition::RunScope;
use crate::lifecycle::Event;
use crate::model::{ChannelId, Leg, Moment, Observation, ObservationId, RunId, SkipReason, SkipRecord, Tick};
use crate::store::Amendable;

/// A look that has not come back by then is sent anew.
const LOOK_TIMEOUT: Duration = Duration::from_secs(30);
/// So often a sender is answered before what it brings is there: a mail takes the most, some six.
const STEPS: u32 = 6;
/// Between looks that failed.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

impl Loop {
    pub(super) fn evaluate(&mut self, run: RunId, id: ObservationId) {
        // One observation may bear the tokens of several runs.
        let Some(observation) = self.unclaimed.remove(&id).or_else(|| self.live.shown(id)) else {
            return;
        };
        self.seen_step(run, &observation);
        if let Some(opened) = self.shared.channel(observation.channel) {
            self.shared.sinks.count(&opened.name, "matched");
        }
        let Some(live) = self.live.get(&run) else {
            return;
        };
        live.observations.insert(id, observation.clone());
        if live.answer.is_none() {
            live.early.push(id);
        } else {
            super::evaluate::spawn(&self.shared, run, live, observation);
        }
    }

    pub(super) fn seen_step(&self, run: RunId, observation: &Observation) {
        if !self.shared.options.steps {
            return;
        }
        let Some(opened) = self.shared.channel(observation.channel) else {
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
                .status
                .map_or_else(String::new, |status| format!("status {status}"))
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
        let Some(live) = self.live.get(run) else {
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
        let Some(opened) = self.shared.channel(channel) else {
            return;
        };
        let shared = self.shared.clone();
        tokio::spawn(async move {
            let through = loop {
                let started = shared.clock.now();
                match tokio::time::timeout(LOOK_TIMEOUT, opened.channel.look(due)).await {
                    // A run that was armed after the look had begun was not looked for.
                    Ok(Ok(through)) => break through.min(started),
                    // The channel says itself when it cannot see; the machine's patience bounds the wait.
                    Ok(Err(_)) | Err(_) if shared.stop.is_cancelled() => return,
                    Ok(Err(_)) | Err(_) => shared.clock.sleep(LOOK_AGAIN).await,
                }
            };
            // What was on its way to a listener is read step by step, each as late as landfall is.
            let late = shared.sinks.lateness.at(shared.clock.now());
            if !late.is_zero() && !opened.channel.remembers() {
                shared.clock.sleep(late * STEPS).await;
            }
            opened.sink.in_flight.drained(due).await;
            // Through the queue that observations take, so that none of them is overtaken.
            let event = Event::Watermark { channel, through };
            drop(shared.queues.messages.send(Message::Event(event)).await);
        });
    }

    pub(super) fn extend(&mut self, run: RunId) {
        let (Some(known), Some(scope)) = (self.machine.run(run), self.live.handle(run)) else {
            return;
        };
        for channel in known.channels() {
            if let Some(opened) = self.shared.channel(channel) {
                opened.channel.extend(run, &known.keys, scope.clone());
            }
        }
    }

    pub(super) fn disarm(&self, run: RunId) {
        let Some(def) = self.live.def(&run) else { return };
        for spec in &def.leg.expectations {
            if let Some(opened) = self.shared.channel(spec.channel) {
                opened.channel.disarm(run);
            }
        }
    }

    /// Nothing of the run is needed any longer.
    pub(super) fn let_go(&mut self, run: RunId) {
        if let Some(token) = self.live.remove(&run) {
            let mut tokens = self
                .shared
                .sinks
                .tokens
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            tokens.remove(&token);
        }
    }

    pub(super) fn cleanup(&mut self, run: RunId) {
        let Some(def) = self.live.def(&run) else { return };
        if def.cleanup.is_empty() || self.shared.options.keep_data {
            self.shared
                .tell(Message::Event(Event::Cleaned { run, done: true }));
            return;
        }
        let Some(live) = self.live.get(&run) else {
            // What is held of it was lost, and with it what the cleanup names.
            self.shared
                .tell(Message::Event(Event::Cleaned { run, done: false }));
            return;
        };
        let (shared, def, scope) = (self.shared.clone(), live.def.clone(), live.scope.clone());
        tokio::spawn(async move {
            let mut done = true;
            for cleanup in &def.cleanup {
                let key = std::ptr::from_ref(cleanup) as usize;
                let ended = match shared.trigger(&def, key, &cleanup.trigger) {
                    Ok(trigger) => super::answer::clean(trigger.as_ref(), &scope).await,
                    Err(fault) => Err(fault),
                };
                if let Err(fault) = ended {
                    done = false;
                    let fault = shared.redactor().text(&fault.message).into_owned();
                    tracing::warn!(%run, probe = %def.leg.probe, route = %def.leg.route, %fault, "cleanup failed");
                }
            }
            shared.tell(Message::Event(Event::Cleaned { run, done }));
        });
    }

    pub(super) fn skip(&mut self, run: RunId, leg: &Leg, tick: Tick, reason: SkipReason, detail: String) {
        self.ended(run);
        self.let_go(run);
        let record = SkipRecord {
            probe: leg.probe.to_string(),
            route: leg.route.to_string(),
            input: leg.input.to_string(),
            tick: tick.due.to_rfc3339(),
            reason,
            detail: self.shared.redactor().text(&detail).into_owned(),
        };
        let (shared, claiming) = (self.shared.clone(), self.claiming.remove(&run));
        // What the store refused has no intent, but for the runs that belong to others: theirs may stand.
        let claimed = reason != SkipReason::Store || shared.options.paired;
        let under_way = UnderWay::begin(&shared);
        // The end waits for it: a run that was claimed would otherwise be taken up at the next start.
        self.shared.tasks.spawn(async move {
            // A claim that is on its way must not reach the store after the skip that takes it back.
            if let Some(claiming) = claiming {
                drop(claiming.await);
            }
            if let Err(fault) = shared.store.skip(run, tick.due, record.clone()).await {
                tracing::debug!(%fault, probe = %record.probe, "a skip is not on record yet");
                let (tick, record) = (tick.due, record.clone());
                let probe = record.probe.clone();
                let skip = Skip {
                    run,
                    tick,
                    record,
                    claimed,
                };
                shared.owed.add(skip, |at| shared.tick_after(&probe, at));
            }
            drop(under_way);
            shared.update(Update::Skipped(record));
        });
    }

    /// The request of a run that an earlier process fired, as it was; it is not sent.
    fn render_request(&mut self, run: RunId) {
        if let Some(live) = self.live.get(&run).filter(|live| live.request.is_null())
            && let Ok(trigger) = self.shared.leg_trigger(&live.def)
            && let Ok(prepared) = trigger.prepare(&live.scope)
        {
            let mut request = prepared.shown;
            self.shared.redactor().value(&mut request);
            live.request = Arc::new(request);
        }
    }

    pub(super) fn record(&mut self, run: RunId, amended: bool) {
        let now = self.shared.clock.now();
        self.render_request(run);
        let (Some(known), Some(judgement), Some(live)) = (
            self.machine.run(run),
            self.machine.judge(run, now),
            self.live.get(&run),
        ) else {
            return;
        };
        let record = super::record::build(&self.shared, known, &judgement, live);
        let redactor = self.shared.redactor();
        let how = Amendable {
            at: known.closed_at.unwrap_or(now),
            sent: known.sent,
            keys: known
                .keys
                .iter()
                .map(|key| redactor.text(key).into_owned())
                .collect(),
            seen: known.arrivals.iter().map(|arrival| arrival.observation).collect(),
            most: self.amend_count,
        };
        let job = super::recorder::Job {
            tick: known.tick.due,
            record: Arc::new(record),
            amended,
            how: Some(how),
        };
        // The recorder ends after the loop.
        drop(self.shared.recorder.send(job));
    }
}
