//! A machine driven by hand: one run, two channels, time in milliseconds since the request left.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use crate::lifecycle::{Command, Due, DueLeg, Event, Firing, Limits, Machine, Resumed, Seen, Settings};
use crate::model::{
    Accepted, ChannelId, Class, ExpectationSpec, Flag, Identity, Interval, Layer, Leg, Moment, ObservationId,
    Repeat, RunId, Tick, Times, Token, TokenFormat, TokenKey,
};

/// A push channel: what it misses is gone.
pub(super) const PUSH: ChannelId = ChannelId(0);
/// A polled channel: a later look finds what it missed.
pub(super) const POLL: ChannelId = ChannelId(1);

/// The request leaves here.
pub(super) const SENT: Moment = Moment(1_800_000_000_000_000_000);

pub(super) fn at(millis: i64) -> Moment {
    Moment(SENT.0 + millis * 1_000_000)
}

pub(super) fn expectation(layer: Layer, channel: ChannelId, times: Times) -> ExpectationSpec {
    let step = (layer == Layer::Executed).then(|| String::from("step"));
    ExpectationSpec {
        layer,
        name: format!("{layer:?} on {}", channel.0),
        step,
        channel,
        channel_name: format!("channel_{}", channel.0),
        within: Duration::from_millis(100),
        grace: Duration::from_millis(100),
        times,
    }
}

/// Waits for one thing on the push channel: 100 ms, then 100 ms of grace, and settles for 20 ms.
pub(super) fn leg(expectations: Vec<ExpectationSpec>) -> Arc<Leg> {
    Arc::new(Leg {
        probe: "probe".into(),
        revision: "r".into(),
        route: "route".into(),
        input: "default".into(),
        location: "here".into(),
        expectations,
        settle: Duration::from_millis(20),
    })
}

pub(super) fn token(n: u8) -> Token {
    TokenKey::new([1; 32]).issue(TokenFormat::Text, [n; 32])
}

/// One machine and what it has asked for.
pub(super) struct World {
    pub(super) machine: Machine,
    pub(super) run: RunId,
    pub(super) commands: Vec<Command>,
    /// What expectations the next observations meet: matched, held.
    pub(super) marks: (u64, u64),
    /// The same for single observations, by their number.
    pub(super) marks_of: std::collections::HashMap<u64, (u64, u64)>,
    next: u64,
    /// Channels whose looks come back at once.
    pub(super) answering: HashSet<ChannelId>,
}

impl World {
    /// A run that has been armed and claimed, and whose request has left at 0 ms.
    pub(super) fn fired(leg: Arc<Leg>) -> Self {
        let mut world = Self::new();
        world.due(leg, Limits::default());
        world.arm_all();
        world.tell(0, Event::Claimed { run: world.run });
        world.tell(
            0,
            Event::Sent {
                run: world.run,
                at: SENT,
            },
        );
        world
    }

    pub(super) fn new() -> Self {
        Self {
            machine: Machine::new(Settings::STANDARD),
            run: RunId(uuid::Uuid::from_u128(1)),
            commands: Vec::new(),
            marks: (u64::MAX, u64::MAX),
            marks_of: std::collections::HashMap::new(),
            next: 0,
            answering: HashSet::from([PUSH, POLL]),
        }
    }

    pub(super) fn due(&mut self, leg: Arc<Leg>, limits: Limits) {
        let legs = vec![DueLeg {
            run: self.run,
            token: token(1),
            leg,
        }];
        let due = Due {
            probe: "probe".into(),
            tick: Tick { due: SENT },
            start_deadline: at(1000),
            limits,
            paired: false,
            gap: Duration::ZERO,
            legs,
        };
        self.tell(0, Event::Due(due));
    }

    pub(super) fn arm_all(&mut self) {
        let run = self.run;
        let channels = self.machine.run(run).map(|r| r.channels()).unwrap_or_default();
        for channel in channels {
            self.tell(0, Event::Armed { run, channel });
        }
    }

    /// Tells the machine something and answers what it asks for as a perfect engine would, at the same instant.
    pub(super) fn tell(&mut self, millis: i64, event: Event) {
        self.tell_at(at(millis), event);
    }

    /// The same, to the nanosecond.
    pub(super) fn tell_at(&mut self, now: Moment, event: Event) {
        let mut open = vec![event];
        while let Some(event) = open.pop() {
            let mut commands = Vec::new();
            self.machine.handle(now, event, &mut commands);
            for command in &commands {
                match command {
                    Command::Look { channel, due } if self.answering.contains(channel) => {
                        open.push(Event::Watermark {
                            channel: *channel,
                            through: (*due).max(now),
                        });
                    }
                    Command::Evaluate { run, observation } => {
                        let (matched, held) =
                            self.marks_of.get(&observation.0).copied().unwrap_or(self.marks);
                        open.push(Event::Marked {
                            run: *run,
                            observation: *observation,
                            matched,
                            held,
                        });
                    }
                    Command::Cleanup { run } => open.push(Event::Cleaned {
                        run: *run,
                        done: true,
                    }),
                    _ => {}
                }
            }
            self.commands.extend(commands);
        }
    }

    /// Lets time pass up to `millis`, waking the machine at each of its deadlines.
    pub(super) fn pass(&mut self, millis: i64) {
        while let Some(next) = self.machine.next_deadline().filter(|next| *next <= at(millis)) {
            // Rounded up: woken early it would ask again for ever.
            let nanos = next.0 - SENT.0 + 999_999;
            self.tell(nanos.div_euclid(1_000_000), Event::Time);
        }
        self.tell(millis, Event::Time);
    }

    /// The same, to the nanosecond.
    pub(super) fn pass_to(&mut self, now: Moment) {
        while let Some(next) = self.machine.next_deadline().filter(|next| *next <= now) {
            self.tell_at(next, Event::Time);
        }
        self.tell_at(now, Event::Time);
    }

    /// A run that an earlier process left, taken up at `millis`; that process is known to have worked until `until`.
    pub(super) fn resumed(leg: Arc<Leg>, firing: Firing, seen: Vec<Seen>, until: i64, millis: i64) -> Self {
        let mut world = Self::new();
        let down = Event::Down {
            channel: PUSH,
            since: at(until),
        };
        world.tell(millis, down);
        let up = Event::Up {
            channel: PUSH,
            closed: false,
        };
        world.tell(millis, up);
        let resumed = world.left_over(leg, firing, seen);
        world.tell(millis, Event::Resumed(Box::new(resumed)));
        world
    }

    pub(super) fn left_over(&self, leg: Arc<Leg>, firing: Firing, seen: Vec<Seen>) -> Resumed {
        Resumed {
            run: self.run,
            token: token(1),
            leg,
            tick: Tick { due: SENT },
            firing,
            keys: Vec::new(),
            seen,
            partial: None,
            unclocked: None,
            ended: None,
        }
    }

    /// Every channel watches again.
    pub(super) fn rearm(&mut self, millis: i64) {
        for channel in [PUSH, POLL] {
            let rearmed = Event::Rearmed {
                channel,
                runs: vec![self.run],
                at: at(millis),
            };
            self.tell(millis, rearmed);
        }
    }

    pub(super) fn answered(&mut self, millis: i64, accepted: Accepted) {
        let reason = String::from(if accepted == Accepted::Yes {
            ""
        } else {
            "status: 500"
        });
        let event = Event::Answered {
            run: self.run,
            sent: SENT,
            at: at(millis),
            accepted,
            reason,
            keys: Vec::new(),
        };
        self.tell(millis, event);
    }

    pub(super) fn seen(&mut self, channel: ChannelId, millis: i64) -> Seen {
        self.next += 1;
        Seen {
            observation: ObservationId(self.next),
            channel,
            at: Interval::point(at(millis)),
            looked_at: None,
            widened: false,
            identity: Identity::Event(format!("event {}", self.next)),
            repeat: Repeat::First,
            tokens: vec![token(1)],
            keys: Vec::new(),
        }
    }

    /// Something arrives on the push channel and meets what `marks` says.
    pub(super) fn arrives(&mut self, channel: ChannelId, millis: i64) {
        self.pass(millis);
        let seen = self.seen(channel, millis);
        self.tell(millis, Event::Seen(seen));
    }

    pub(super) fn class(&self) -> Option<Class> {
        self.machine.run(self.run).and_then(|run| run.class)
    }

    pub(super) fn flags(&self, millis: i64) -> Vec<Flag> {
        self.machine
            .judge(self.run, at(millis))
            .map(|j| j.flags)
            .unwrap_or_default()
    }

    pub(super) fn closes(&self) -> usize {
        self.commands
            .iter()
            .filter(|c| matches!(c, Command::Close { .. }))
            .count()
    }
}

/// It must not arrive.
pub(super) const NEVER: Times = Times { min: 0, max: 0 };

pub(super) fn once() -> World {
    World::fired(leg(vec![expectation(Layer::Outcome, PUSH, Times::ONCE)]))
}

/// A run that was accepted at 10 ms.
pub(super) fn accepted(mut world: World) -> World {
    world.answered(10, Accepted::Yes);
    world
}

pub(super) fn ends(world: &mut World, class: Class) {
    world.pass(11_000);
    assert_eq!((world.class(), world.closes()), (Some(class), 1));
}
