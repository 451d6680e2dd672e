//! The stage: channels that see it in their own ways, and an engine that takes its time.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use rand::Rng;

use super::script::Script;
use crate::lifecycle::tests::world::{POLL, PUSH, SENT, World, at};
use crate::lifecycle::{Command, Event, Limits, Seen};
use crate::model::{ChannelId, Interval, Moment};

/// How it went.
pub(super) struct Outcome {
    pub(super) world: World,
    pub(super) armed_before_claim: bool,
    /// Everything that the machine was shown, with what it met.
    pub(super) seen: Vec<(Seen, (u64, u64))>,
    /// What it was told of the channels, and when.
    pub(super) health: Vec<(i64, Event)>,
    pub(super) answer: Option<Event>,
    pub(super) cut: Option<i64>,
    pub(super) through: HashMap<ChannelId, Moment>,
    /// Truths that no channel will ever show.
    pub(super) missed: Vec<usize>,
}

enum Act {
    Tell(Box<Event>),
    /// A truth of the push channel happens.
    Happens(usize),
    /// A look of the polled channel is sent; forced ones tell a watermark.
    Look(bool),
    /// The answer of a look that was sent then.
    Looked(Moment, bool),
    Wake,
}

struct Stage<'a, R> {
    script: &'a Script,
    rng: &'a mut R,
    queue: BinaryHeap<Reverse<(Moment, u64)>>,
    acts: HashMap<u64, Act>,
    number: u64,
    outcome: Outcome,
    marks: HashMap<u64, (u64, u64)>,
    shown: Vec<bool>,
    last_look: Moment,
    /// Nothing on the polled channel may overtake what was said of it before.
    last_told: HashMap<ChannelId, Moment>,
    /// A wake is queued for this deadline.
    woken: Option<Moment>,
}

/// Plays a script with an engine whose every answer takes a while.
pub(super) fn play(script: &Script, rng: &mut impl Rng) -> Outcome {
    let outcome = Outcome {
        world: World::new(),
        armed_before_claim: true,
        seen: Vec::new(),
        health: Vec::new(),
        answer: None,
        cut: None,
        through: HashMap::new(),
        missed: Vec::new(),
    };
    let mut stage = Stage {
        script,
        rng,
        queue: BinaryHeap::new(),
        acts: HashMap::new(),
        number: 0,
        outcome,
        marks: HashMap::new(),
        shown: vec![false; script.truth.len()],
        last_look: at(-30),
        last_told: HashMap::new(),
        woken: None,
    };
    stage.set();
    stage.run();
    stage.outcome
}

impl<R: Rng> Stage<'_, R> {
    fn push(&mut self, when: Moment, act: Act) {
        self.number += 1;
        self.acts.insert(self.number, act);
        self.queue.push(Reverse((when, self.number)));
    }

    fn soon(&mut self, now: Moment) -> Moment {
        Moment(now.0 + self.rng.random_range(0..15_000_000))
    }

    /// Later than `now` and than everything said of the channel before.
    fn after_all(&mut self, channel: ChannelId, now: Moment) -> Moment {
        let soon = self.soon(now);
        let last = self.last_told.entry(channel).or_insert(soon);
        *last = (*last).max(soon);
        *last
    }

    fn set(&mut self) {
        for i in 0..self.script.truth.len() {
            if self.script.truth[i].channel == PUSH {
                self.push(self.script.truth[i].at, Act::Happens(i));
            }
        }
        for (channel, from, to) in self.script.outages.clone() {
            let down = Event::Down {
                channel,
                since: at(from),
            };
            self.push(at(from), Act::Tell(Box::new(down)));
            if channel == PUSH {
                self.push(
                    at(to),
                    Act::Tell(Box::new(Event::Up {
                        channel,
                        closed: false,
                    })),
                );
            }
        }
        if let Some(cut) = self.script.cut {
            self.push(
                at(cut),
                Act::Tell(Box::new(Event::Cut {
                    reason: String::from("interrupted"),
                })),
            );
        }
        // Arming takes a while before the request leaves at 0.
        let mut commands = Vec::new();
        let due = crate::lifecycle::Due {
            probe: "probe".into(),
            tick: crate::model::Tick { due: at(-15) },
            start_deadline: at(1000),
            limits: Limits::default(),
            paired: false,
            gap: std::time::Duration::ZERO,
            legs: vec![crate::lifecycle::DueLeg {
                run: self.outcome.world.run,
                token: crate::lifecycle::tests::world::token(1),
                leg: self.script.leg.clone(),
            }],
        };
        self.outcome
            .world
            .machine
            .handle(at(-15), Event::Due(due), &mut commands);
        self.perform(at(-15), commands);
        for k in 0..16 {
            self.push(at(-30 + 45 * k), Act::Look(false));
        }
    }

    fn run(&mut self) {
        let mut turns = 0;
        while let Some(Reverse((now, number))) = self.queue.pop() {
            turns += 1;
            assert!(turns < 20_000, "the schedule does not end");
            let Some(act) = self.acts.remove(&number) else {
                continue;
            };
            match act {
                Act::Tell(event) => self.tell(now, *event),
                Act::Happens(i) => self.happens(now, i),
                Act::Look(forced) => self.look(now, forced),
                Act::Looked(sent, forced) => self.looked(now, sent, forced),
                Act::Wake => {
                    self.woken = None;
                    self.tell(now, Event::Time);
                }
            }
        }
    }

    fn tell(&mut self, now: Moment, event: Event) {
        let millis = (now.0 - SENT.0).div_euclid(1_000_000);
        match &event {
            Event::Down { .. } | Event::Up { .. } => self.outcome.health.push((millis, event.clone())),
            Event::Answered { .. } => self.outcome.answer = Some(event.clone()),
            Event::Cut { .. } => self.outcome.cut = Some(millis),
            Event::Watermark { channel, through } => {
                let known = self.outcome.through.entry(*channel).or_insert(*through);
                *known = (*known).max(*through);
            }
            _ => {}
        }
        let mut commands = Vec::new();
        let machine = &mut self.outcome.world.machine;
        // `Up` ends a gap at the machine's now; both machines must agree on it to the millisecond.
        let stamp = if matches!(event, Event::Up { .. } | Event::Cut { .. }) {
            at(millis)
        } else {
            now
        };
        machine.handle(stamp, event, &mut commands);
        let next = machine.next_deadline();
        self.perform(now, commands);
        if let Some(next) = next.filter(|next| self.woken != Some(*next)) {
            self.woken = Some(next);
            let late = self.rng.random_range(0..3_000_000);
            self.push(Moment(next.0.max(now.0) + late), Act::Wake);
        }
    }

    fn perform(&mut self, now: Moment, commands: Vec<Command>) {
        for command in commands {
            let later = self.soon(now);
            match &command {
                Command::Arm { run, channels } => {
                    for channel in channels.clone() {
                        let when = Moment(at(-14).0 + self.rng.random_range(0..3_000_000));
                        self.push(when, Act::Tell(Box::new(Event::Armed { run: *run, channel })));
                    }
                }
                Command::Claim { run } => {
                    let unarmed = self
                        .acts
                        .values()
                        .any(|a| matches!(a, Act::Tell(e) if matches!(**e, Event::Armed { .. })));
                    self.outcome.armed_before_claim &= !unarmed;
                    self.push(
                        Moment(now.0 + 1_000_000),
                        Act::Tell(Box::new(Event::Claimed { run: *run })),
                    );
                }
                Command::Fire { run } => {
                    let (answered, accepted) = self.script.answer;
                    let told = Moment(self.soon(SENT).0.max(now.0));
                    self.push(told, Act::Tell(Box::new(Event::Sent { run: *run, at: SENT })));
                    let reason = String::new();
                    let event = Event::Answered {
                        run: *run,
                        sent: SENT,
                        at: at(answered),
                        accepted,
                        reason,
                        keys: Vec::new(),
                    };
                    let told = self.soon(at(answered));
                    self.push(told, Act::Tell(Box::new(event)));
                }
                Command::Look { channel, due } if *channel == PUSH => {
                    let when = self.after_all(PUSH, now);
                    self.push(
                        when,
                        Act::Tell(Box::new(Event::Watermark {
                            channel: PUSH,
                            through: *due,
                        })),
                    );
                }
                Command::Look { .. } => {
                    let sent = Moment(now.0 + self.rng.random_range(0..60_000_000));
                    self.push(sent, Act::Look(true));
                }
                Command::Evaluate { run, observation } => {
                    let (matched, held) = self.marks[&observation.0];
                    let event = Event::Marked {
                        run: *run,
                        observation: *observation,
                        matched,
                        held,
                    };
                    self.push(later, Act::Tell(Box::new(event)));
                }
                Command::Cleanup { run } => {
                    let event = Event::Cleaned {
                        run: *run,
                        done: true,
                    };
                    self.push(later, Act::Tell(Box::new(event)));
                }
                _ => {}
            }
            self.outcome.world.commands.push(command);
        }
    }

    fn sighting(&mut self, i: usize, interval: Interval, looked_at: Option<Moment>, widened: bool) -> Seen {
        let truth = &self.script.truth[i];
        let mut seen = self.outcome.world.seen(truth.channel, 0);
        (seen.at, seen.looked_at, seen.widened) = (interval, looked_at, widened);
        (seen.identity, seen.repeat) = (truth.identity.clone(), truth.repeat);
        self.marks.insert(seen.observation.0, truth.marks);
        self.outcome.seen.push((seen.clone(), truth.marks));
        self.shown[i] = true;
        seen
    }

    fn happens(&mut self, now: Moment, i: usize) {
        if self.script.out(PUSH, now) {
            self.outcome.missed.push(i);
            return;
        }
        let seen = self.sighting(i, Interval::point(now), None, false);
        let when = self.after_all(PUSH, now);
        self.push(when, Act::Tell(Box::new(Event::Seen(seen))));
    }

    fn look(&mut self, now: Moment, forced: bool) {
        if self.script.out(POLL, now) {
            // It fails, and is sent again until somebody answers.
            if forced {
                self.push(Moment(now.0 + 10_000_000), Act::Look(true));
            }
            return;
        }
        let answer = Moment(now.0 + self.rng.random_range(0..8_000_000));
        self.push(answer, Act::Looked(now, forced));
    }

    fn looked(&mut self, now: Moment, sent: Moment, forced: bool) {
        let outage = self.script.outages.iter().find(|(c, _, _)| *c == POLL);
        let back = outage.is_some_and(|(_, from, to)| at(*to) <= sent && at(*from) > self.last_look);
        let was_down = outage.is_some_and(|(_, from, to)| at(*from) <= sent && sent >= at(*to));
        let lo = self.last_look;
        for i in 0..self.script.truth.len() {
            let truth = &self.script.truth[i];
            if truth.channel == POLL && !self.shown[i] && truth.at <= sent {
                let interval = Interval {
                    lo: lo.min(truth.at),
                    hi: now,
                };
                let seen = self.sighting(i, interval, Some(sent), back);
                let when = self.after_all(POLL, now);
                self.push(when, Act::Tell(Box::new(Event::Seen(seen))));
            }
        }
        self.last_look = self.last_look.max(sent);
        let said_up = self
            .outcome
            .health
            .iter()
            .any(|(_, e)| matches!(e, Event::Up { channel: POLL, .. }));
        let pending_up = self
            .acts
            .values()
            .any(|a| matches!(a, Act::Tell(e) if matches!(**e, Event::Up { channel: POLL, .. })));
        if was_down && !said_up && !pending_up {
            let when = self.after_all(POLL, now);
            self.push(
                when,
                Act::Tell(Box::new(Event::Up {
                    channel: POLL,
                    closed: true,
                })),
            );
        }
        if forced {
            let when = self.after_all(POLL, now);
            self.push(
                when,
                Act::Tell(Box::new(Event::Watermark {
                    channel: POLL,
                    through: sent,
                })),
            );
        }
    }
}
