//! Runs of an earlier process, taken up where it left them: never fired again, waited for with their deadlines, and
//! judged by the revision that fired them.
//!
//! An instant on record was counted on the wall clock's line of the process that wrote it; this one's is another. Where
//! the two part by more than a second (the wall clock was set), what was not decided before is unobserved.

mod abandon;
mod bygone;
mod found;
mod kept;
mod legs;
mod loader;
mod progress;
mod sight;
mod wake;
mod watch;

use std::collections::HashMap;
use std::sync::Arc;

use super::Setup;
use super::drive::{Loop, Message};
use super::live::{Handle, Packed, Share};
use super::sink::SinkShared;
use crate::channel::{Earlier, Watch};
use crate::lifecycle::{Answered, Event, Firing, Resumed, Seen, Settings};
use crate::model::{ChannelId, Fault, Identity, Moment, Observation, ObservationId, RunId, Tick, Token};
use crate::store::{EndedRun, StoredObservation};

pub(super) use bygone::Bygones;
pub(super) use found::open_ticks;
pub use kept::Wait;
pub(super) use kept::{Kept, KeptAnswer, Plan};
pub(super) use legs::{Legs, Revisions};
pub(super) use loader::Loaded;
pub use progress::{Come, Progress};
pub(super) use sight::{beat, blinded};
pub(super) use wake::{live, scope};

use found::{Found, FoundRun};
use legs::OldLeg;
use sight::Blindness;
use watch::{Again, Watches};

/// What an earlier process left.
#[derive(Default)]
pub(super) struct Left {
    found: Found,
    pub(super) legs: Legs,
    blindness: Blindness,
    /// The last instant at which the earlier process is known to have worked.
    until: Option<Moment>,
    /// The wall clock was set: of what is observed after this nobody knows how long it took.
    unclocked: Option<ObservationId>,
    strays: Vec<StoredObservation>,
    /// Runs that had ended and may still be amended.
    ended: Vec<EndedRun>,
    /// The last observation on record.
    last: ObservationId,
}

impl Left {
    /// Reads it from the store.
    pub(super) async fn read(setup: &Setup) -> Result<Self, Fault> {
        let store = setup.store.as_ref();
        let found = Found::read(store).await?;
        let blindness = Blindness::load(store).await?;
        let amendable = setup.clock.now().before(setup.settings.amend_for);
        let mut ended = store.ended(amendable).await?;
        let surplus = ended.len().saturating_sub(setup.settings.amend_count);
        ended.drain(..surplus);
        let legs = Legs::find(&setup.workspace, store, &found.legs, None).await;
        legs::prune(&setup.workspace, store, &found.legs, &ended).await;
        let alive = store.last_alive().await?;
        let closed = ended.last().map(|run| run.at);
        let until = found.last.into_iter().chain(alive).chain(closed).max();
        let mut left = Self {
            found,
            legs,
            until,
            last: store.last_observation().await?.unwrap_or_default(),
            ended,
            ..Self::default()
        };
        if let Some(until) = until
            && blindness.clock_was_set(setup.clock.as_ref(), until)
        {
            tracing::warn!(
                runs = left.found.runs.len(),
                "the clock was set since these runs were fired: what was not decided before is unobserved"
            );
            left.unclocked = Some(left.last);
        }
        if left.legs.captures()
            && let Some(first) = left.found.first
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
        tokens.reserve(self.found.runs.len() + self.ended.len());
        let open = self
            .found
            .runs
            .iter()
            .filter_map(|run| Some((run.token?, run.run)));
        let ended = self
            .ended
            .iter()
            .filter_map(|run| Some((Token::from_record(&run.token)?, run.run)));
        tokens.extend(open.chain(ended));
    }

    /// Whether any run is correlated by more than its token.
    pub(super) fn captures(&self) -> bool {
        self.legs.captures() || self.ended.iter().any(|run| !run.keys.is_empty())
    }
}

/// What is the same for all runs that are taken up, or gathered from them.
struct TakingUp {
    unclocked: Option<ObservationId>,
    until: Moment,
    /// Channels by their names.
    names: HashMap<String, ChannelId>,
    /// What the runs of each leg share; `None` until one of them was seen to wake.
    shares: Vec<Option<Arc<Share>>>,
    watches: Watches,
}

impl Loop {
    /// Takes up everything that was left, before anything new is heard.
    pub(super) fn resume(&mut self, mut left: Left, settings: &Settings) {
        if left.found.runs.is_empty() && left.ended.is_empty() {
            return;
        }
        let now = self.shared.clock.now();
        self.tell_blindness(&left, now);
        self.bygones = Bygones::begin(&self.shared, settings, &mut left);
        if left.found.runs.is_empty() {
            return;
        }
        let all = left.found.runs.len();
        self.live.reserve(all);
        let mut taking = TakingUp {
            unclocked: left.unclocked,
            until: left.until.unwrap_or(now).min(now),
            names: self
                .shared
                .slots()
                .all()
                .map(|(id, opened)| (opened.name.clone(), id))
                .collect(),
            shares: vec![None; left.found.legs.len()],
            watches: Watches::new(),
        };
        let mut gone = 0_u64;
        for run in left.found.runs {
            if let Err((run, why)) = self.take_up(run, &left.legs, &mut taking) {
                gone += 1;
                if let Some(leg) = left.found.legs.get(run.leg) {
                    self.abandon(&run, leg, &why);
                }
            }
        }
        tracing::info!(
            runs = all,
            abandoned = gone,
            "runs of an earlier process are waited for again"
        );
        for stored in left.strays {
            self.show_stray(stored, &taking.names);
        }
        watch::start(&self.shared, taking.watches);
    }

    /// Gaps that are on record, and the one since the earlier process ended.
    fn tell_blindness(&mut self, left: &Left, now: Moment) {
        let until = left.until.unwrap_or(now).min(now);
        let listeners: Vec<(ChannelId, String)> = self
            .shared
            .slots()
            .all()
            .filter(|(_, opened)| !opened.channel.remembers())
            .map(|(id, opened)| (id, opened.name.clone()))
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
        mut run: FoundRun,
        legs: &Legs,
        taking: &mut TakingUp,
    ) -> Result<(), (Box<FoundRun>, String)> {
        let leg = match legs.get(run.leg) {
            Some(Ok(leg)) => leg,
            Some(Err(why)) => return Err((Box::new(run), why.clone())),
            None => return Err((Box::new(run), String::from("it was not looked for"))),
        };
        let Some(token) = run.token else {
            let text = run.bytes.token().unwrap_or_default();
            return Err((Box::new(run), format!("its token `{text}` is none")));
        };
        let share = match taking.shares.get_mut(run.leg) {
            Some(Some(share)) => share.clone(),
            unknown => {
                let share = Arc::new(leg.share());
                // What one run of a leg has, the others have too; should one not, it is said when it wakes.
                if let Err(fault) = share.wakes(run.run, token, &run.bytes) {
                    return Err((Box::new(run), fault.message));
                }
                unknown.into_iter().for_each(|place| *place = Some(share.clone()));
                share
            }
        };
        let id = run.run;
        let firing = firing(&run, taking.until);
        let partial = run.answer.as_ref().is_some_and(|answer| answer.partial);
        let keys = run.answer.take().map(|answer| answer.keys).unwrap_or_default();
        let (observations, seen): (Vec<_>, Vec<_>) = run
            .observations
            .iter()
            .filter_map(|stored| shown(stored, &taking.names))
            .unzip();
        let packed = Arc::new(Packed::left(share, run.bytes));
        self.live.insert_asleep(id, packed.clone());
        self.reloads.begin(id, &leg.def);
        let sent = run.sent.unwrap_or(run.at.max(run.tick));
        let watched = Watched {
            packed: &packed,
            token,
            sent,
            keys: &keys,
            observations: &run.observations,
        };
        self.watch_again(id, leg, &watched, &mut taking.watches);
        for observation in observations {
            self.unclaimed.insert(observation.id, observation);
        }
        let ids: Vec<ObservationId> = seen.iter().map(|seen| seen.observation).collect();
        let resumed = Resumed {
            run: id,
            token,
            leg: leg.def.leg.clone(),
            tick: Tick { due: run.tick },
            firing,
            keys,
            seen,
            partial: partial.then(kept::partial),
            unclocked: taking.unclocked,
            ended: None,
        };
        self.take(Message::Event(Event::Resumed(Box::new(resumed))));
        for id in ids {
            // On a channel that it no longer waits on.
            self.unclaimed.remove(&id);
        }
        Ok(())
    }

    fn watch_again(&self, run: RunId, leg: &OldLeg, watched: &Watched<'_>, watches: &mut Watches) {
        let mut scope: Option<Arc<Handle>> = None;
        for channel in leg.watched() {
            let Some(opened) = self.shared.channel(channel) else {
                continue;
            };
            let list = watches.entry(channel).or_default();
            if opened.channel.is_addressed()
                && let Some(first) = list.first_mut()
            {
                first.alike.push(run);
                continue;
            }
            let scope = scope.get_or_insert_with(|| Arc::new(Handle::asleep(run, watched.packed.clone())));
            list.push(Again {
                watch: Watch {
                    run,
                    token: watched.token,
                    scope: scope.clone(),
                },
                earlier: Earlier {
                    since: watched.sent,
                    states: watched.states(&opened.name),
                },
                keys: watched.keys.to_vec(),
                alike: Vec::new(),
            });
        }
    }

    /// Something that bears no token: it may bear a captured id of a run that was left.
    fn show_stray(&mut self, stored: StoredObservation, names: &HashMap<String, ChannelId>) {
        if let Some((observation, mut seen)) = shown(&stored, names)
            && let Some(opened) = self.shared.channel(observation.channel)
        {
            (seen.tokens, seen.keys) = opened.sink.keys_of(&observation.sighting);
            self.take(Message::Seen { seen, observation });
        }
    }
}

/// What channels need to watch for a run again.
struct Watched<'a> {
    packed: &'a Arc<Packed>,
    token: Token,
    sent: Moment,
    keys: &'a [String],
    observations: &'a [StoredObservation],
}

impl Watched<'_> {
    /// States that were seen on a channel, with the key that each was found under.
    fn states(&self, channel: &str) -> Vec<(String, String)> {
        let here = self
            .observations
            .iter()
            .filter(|stored| stored.channel == channel);
        here.filter_map(|stored| {
            let sighting = &stored.observation.sighting;
            match (&sighting.identity, sighting.keys.first()) {
                (Identity::State(identity), Some(key)) => Some((key.clone(), identity.clone())),
                _ => None,
            }
        })
        .collect()
    }
}

fn firing(run: &FoundRun, until: Moment) -> Firing {
    match (run.sent, &run.answer) {
        (None, _) => Firing::Unknown {
            claimed: run.at.max(run.tick),
        },
        (Some(sent), None) => Firing::Interrupted { sent, until },
        (Some(sent), Some(answer)) => Firing::Answered {
            sent,
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
