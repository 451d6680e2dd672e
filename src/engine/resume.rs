//! Runs of an earlier process, taken up where it left them: never fired again, waited for with their deadlines, and
//! judged by the revision that fired them.
//!
//! An instant on record was counted on the wall clock's line of the process that wrote it; this one's is another. Where
//! the two part by more than a second (the wall clock was set), what was not decided before is unobserved.

mod abandon;
mod kept;
mod legs;
mod sight;
mod watch;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde_json::Value;

use super::Setup;
use super::drive::{Loop, Message};
use super::live::{Live, LiveAnswer};
use super::sink::SinkShared;
use crate::channel::{Earlier, Watch};
use crate::definition::RunScope;
use crate::lifecycle::{Answered, Event, Firing, Resumed, Seen};
use crate::model::{ChannelId, Fault, Identity, Moment, Observation, ObservationId, Tick, Timings, Token};
use crate::store::{OpenRun, StoredObservation};

pub(super) use kept::{KeptAnswer, Plan};
pub(super) use legs::{Legs, Revisions};
pub(super) use sight::{beat, blinded};

use legs::OldLeg;
use sight::Blindness;
use watch::{Again, Watches};

/// What an earlier process left.
#[derive(Default)]
pub(super) struct Left {
    runs: Vec<OpenRun>,
    pub(super) legs: Legs,
    blindness: Blindness,
    /// The last instant at which the earlier process is known to have worked.
    until: Option<Moment>,
    /// The wall clock was set: of what is observed after this nobody knows how long it took.
    unclocked: Option<ObservationId>,
    strays: Vec<StoredObservation>,
}

impl Left {
    /// Reads it from the store.
    pub(super) async fn read(setup: &Setup) -> Result<Self, Fault> {
        let store = setup.store.as_ref();
        let runs = store.open_runs().await?;
        let blindness = Blindness::load(store).await?;
        let legs = Legs::find(&setup.workspace, store, &runs).await;
        legs::prune(&setup.workspace, store, &runs).await;
        let alive = store.last_alive().await?;
        let until = runs.iter().flat_map(moments).chain(alive).max();
        let mut left = Self {
            runs,
            legs,
            until,
            ..Self::default()
        };
        if let Some(until) = until
            && blindness.clock_was_set(setup.clock.as_ref(), until)
        {
            tracing::warn!(
                runs = left.runs.len(),
                "the clock was set since these runs were fired: what was not decided before is unobserved"
            );
            left.unclocked = Some(store.last_observation().await?.unwrap_or(ObservationId(0)));
        }
        if left.legs.captures()
            && let Some(first) = left.runs.iter().map(|run| run.intent.at).min()
        {
            let from = ObservationId(u64::try_from(first.0).unwrap_or(0));
            let most = u32::try_from(setup.settings.unclaimed.count).unwrap_or(u32::MAX);
            left.strays = store.strays(from, most).await?;
        }
        left.blindness = blindness;
        sight::keep_line(store, setup.clock.as_ref()).await;
        Ok(left)
    }

    /// Makes the tokens known before any channel can see one.
    pub(super) fn register(&self, sinks: &SinkShared) {
        let mut tokens = sinks
            .tokens
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        tokens.reserve(self.runs.len());
        for OpenRun { intent, .. } in &self.runs {
            if let Some(token) = Token::from_record(&intent.token) {
                tokens.insert(token, intent.run);
            }
        }
    }
}

/// Every instant of a run at which the earlier process is known to have worked.
fn moments(run: &OpenRun) -> impl Iterator<Item = Moment> + '_ {
    let seen = run.observations.iter().map(|o| o.observation.sighting.at.hi);
    let fired = run.fired.as_ref().map(|fired| fired.sent);
    seen.chain(fired).chain([run.intent.at])
}

impl Loop {
    /// Takes up everything that was left, before anything new is heard.
    pub(super) fn resume(&mut self, left: Left) {
        if left.runs.is_empty() {
            return;
        }
        let now = self.shared.clock.now();
        self.tell_blindness(&left, now);
        let names: HashMap<String, ChannelId> = self
            .shared
            .channels
            .iter()
            .map(|(id, opened)| (opened.name.clone(), *id))
            .collect();
        let until = left.until.unwrap_or(now).min(now);
        let mut watches = Watches::new();
        let mut gone = 0_u64;
        let all = left.runs.len();
        for run in left.runs {
            let leg = left.legs.get(&run.intent).cloned();
            let leg = leg.unwrap_or_else(|| Err(String::from("it was not looked for")));
            let taken = leg.and_then(|leg| {
                self.take_up(&run, &leg, left.unclocked, until, &names, &mut watches)
                    .map_err(|fault| fault.message)
            });
            if let Err(why) = taken {
                gone += 1;
                self.abandon(&run, &why);
            }
        }
        tracing::info!(
            runs = all,
            abandoned = gone,
            "runs of an earlier process are waited for again"
        );
        self.old_legs = left.legs;
        for stored in left.strays {
            self.show_stray(stored, &names);
        }
        watch::start(&self.shared, watches);
    }

    /// Gaps that are on record, and the one since the earlier process ended.
    fn tell_blindness(&mut self, left: &Left, now: Moment) {
        let until = left.until.unwrap_or(now).min(now);
        let listeners: Vec<(ChannelId, String)> = self
            .shared
            .channels
            .iter()
            .filter(|(_, opened)| !opened.channel.remembers())
            .map(|(id, opened)| (*id, opened.name.clone()))
            .collect();
        for (from, to) in &left.blindness.stalls {
            let (from, to) = (*from, to.unwrap_or(now));
            let lost = Vec::new();
            self.machine
                .handle(now, Event::Stalled { from, to, lost }, &mut Vec::new());
        }
        for (channel, name) in listeners {
            let kept = left.blindness.gaps.get(&name).into_iter().flatten();
            let ended = kept.filter_map(|(from, to)| Some((*from, (*to)?)));
            let open = left.blindness.gaps.get(&name).and_then(|gaps| gaps.last());
            let since = open
                .filter(|(_, to)| to.is_none())
                .map_or(until, |(from, _)| *from);
            for (since, until) in ended.chain([(since, now)]) {
                let mut none = Vec::new();
                self.machine
                    .handle(since, Event::Down { channel, since }, &mut none);
                let closed = false;
                self.machine
                    .handle(until, Event::Up { channel, closed }, &mut none);
            }
            self.shared.keep_gaps(&name, self.machine.gaps(channel));
        }
    }

    fn take_up(
        &mut self,
        run: &OpenRun,
        leg: &OldLeg,
        unclocked: Option<ObservationId>,
        until: Moment,
        names: &HashMap<String, ChannelId>,
        watches: &mut Watches,
    ) -> Result<(), Fault> {
        let Some(token) = Token::from_record(&run.intent.token) else {
            let message = format!("its token `{}` is none", run.intent.token);
            return Err(Fault::new(crate::model::Reason::Store, message));
        };
        let plan: Plan = serde_json::from_value(run.intent.plan.clone()).unwrap_or_default();
        let answer: Option<KeptAnswer> = run
            .fired
            .as_ref()
            .and_then(|fired| fired.answer.clone())
            .and_then(|answer| serde_json::from_value(answer).ok());
        let (tick, id) = (run.intent.tick, run.intent.run);
        let scope = RunScope::new(&leg.def, &leg.vars, id, tick, &token, plan.channels)?;
        let scope = answer
            .as_ref()
            .map_or(scope.clone(), |answer| answer.extend(scope));
        let firing = firing(run, answer.as_ref(), until);
        let keys = answer.as_ref().map(|a| a.keys.clone()).unwrap_or_default();
        let (observations, seen): (Vec<_>, Vec<_>) = run
            .observations
            .iter()
            .filter_map(|stored| shown(stored, names))
            .unzip();
        let sent = run
            .fired
            .as_ref()
            .map_or(run.intent.at.max(tick), |fired| fired.sent);
        self.watch_again(run, leg, &scope, token, sent, &keys, watches);
        self.live
            .insert(id, live(leg, scope, token, sent, answer.as_ref()));
        let partial = answer.as_ref().and_then(KeptAnswer::limit);
        for observation in observations {
            self.unclaimed.insert(observation.id, observation);
        }
        let ids: Vec<ObservationId> = seen.iter().map(|seen| seen.observation).collect();
        let resumed = Resumed {
            run: id,
            token,
            leg: leg.def.leg.clone(),
            tick: Tick { due: tick },
            firing,
            keys,
            seen,
            partial,
            unclocked,
            ended: None,
        };
        self.take(Message::Event(Event::Resumed(Box::new(resumed))));
        for id in ids {
            // On a channel that it no longer waits on.
            self.unclaimed.remove(&id);
        }
        Ok(())
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one run, each used once")]
    fn watch_again(
        &self,
        run: &OpenRun,
        leg: &OldLeg,
        scope: &RunScope,
        token: Token,
        sent: Moment,
        keys: &[String],
        watches: &mut Watches,
    ) {
        let scope = Arc::new(scope.clone());
        let mut known: BTreeMap<&str, Vec<(String, String)>> = BTreeMap::new();
        for stored in &run.observations {
            let sighting = &stored.observation.sighting;
            if let (Identity::State(identity), Some(key)) = (&sighting.identity, sighting.keys.first()) {
                let states = known.entry(&stored.channel).or_default();
                states.push((key.clone(), identity.clone()));
            }
        }
        let mut channels: Vec<ChannelId> = leg.def.leg.expectations.iter().map(|e| e.channel).collect();
        channels.sort_unstable();
        channels.dedup();
        for channel in channels.into_iter().filter(|id| !leg.changed.contains(id)) {
            let Some(opened) = self.shared.channels.get(&channel) else {
                continue;
            };
            watches.entry(channel).or_default().push(Again {
                watch: Watch {
                    run: run.intent.run,
                    token,
                    scope: scope.clone(),
                },
                earlier: Earlier {
                    since: sent,
                    states: known.get(opened.name.as_str()).cloned().unwrap_or_default(),
                },
                keys: keys.to_vec(),
                scope: scope.clone(),
            });
        }
    }

    /// Something that bears no token: it may bear a captured id of a run that was left.
    fn show_stray(&mut self, stored: StoredObservation, names: &HashMap<String, ChannelId>) {
        if let Some((observation, mut seen)) = shown(&stored, names)
            && let Some(opened) = self.shared.channels.get(&observation.channel)
        {
            (seen.tokens, seen.keys) = opened.sink.keys_of(&observation.sighting);
            self.take(Message::Seen { seen, observation });
        }
    }
}

impl KeptAnswer {
    fn extend(&self, scope: RunScope) -> RunScope {
        let mut scope = match &self.response {
            Some(response) => scope.with_response(response),
            None => scope,
        };
        for (name, value) in &self.captured {
            scope = scope.with(name, value.clone());
        }
        scope
    }
}

fn firing(run: &OpenRun, answer: Option<&KeptAnswer>, until: Moment) -> Firing {
    match (&run.fired, answer) {
        (None, _) => Firing::Unknown {
            claimed: run.intent.at.max(run.intent.tick),
        },
        (Some(fired), None) => Firing::Interrupted {
            sent: fired.sent,
            until,
        },
        (Some(fired), Some(answer)) => Firing::Answered {
            sent: fired.sent,
            answered: Answered {
                at: answer.at,
                accepted: answer.accepted,
                reason: answer.reason.clone(),
            },
        },
    }
}

/// What was on record of one sighting, under this process's number of its channel; `None` where that is gone.
fn shown(stored: &StoredObservation, names: &HashMap<String, ChannelId>) -> Option<(Arc<Observation>, Seen)> {
    let channel = *names.get(&stored.channel)?;
    let mut observation = stored.observation.clone();
    if observation.channel != channel {
        Arc::make_mut(&mut observation).channel = channel;
    }
    let sighting = &observation.sighting;
    let seen = Seen {
        observation: observation.id,
        channel,
        at: sighting.at,
        looked_at: sighting.looked_at,
        widened: sighting.widened,
        identity: sighting.identity.clone(),
        repeat: sighting.repeat,
        tokens: Vec::new(),
        keys: Vec::new(),
    };
    Some((observation, seen))
}

fn live(leg: &OldLeg, scope: RunScope, token: Token, sent: Moment, answer: Option<&KeptAnswer>) -> Live {
    let shown = match answer {
        Some(KeptAnswer {
            response: Some(response),
            ..
        }) => super::answer::shown_of(response),
        Some(answer) => serde_json::json!({ "error": answer.reason }),
        None => serde_json::json!({ "error": "landfall ended before the answer was on record" }),
    };
    Live {
        token,
        def: leg.def.clone(),
        scope,
        prepared: None,
        // Rendered where it is needed, since many runs may be taken up at once.
        request: Arc::new(Value::Null),
        answer: Some(Arc::new(LiveAnswer {
            response: answer.and_then(|a| a.response.clone()),
            timings: answer.map_or_else(Timings::default, |a| a.timings),
            attributes: answer.map(|a| a.attributes.clone()).unwrap_or_default(),
            shown,
        })),
        observations: HashMap::new(),
        sent: Some(sent),
        early: Vec::new(),
        sources: leg.sources.clone(),
    }
}
