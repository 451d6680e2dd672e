//! The same scripts, stopped at any point and started again: each ends as it would have without the stop, or
//! unobserved.

use std::collections::BTreeMap;

use rand::{Rng, SeedableRng};

use super::script::{Script, True};
use crate::lifecycle::judge::Why;
use crate::lifecycle::tests::world::{POLL, PUSH, SENT, World, at};
use crate::lifecycle::{Answered, Ended, Event, Firing, Gap, Judged, Machine, Phase, Run, Seen};
use crate::model::{Accepted, Class, ExpectationState, Interval, Layer, Moment};

const SCHEDULES: u64 = 20_000;
/// The claim is durable so long before the request leaves; milliseconds.
const CLAIMED: i64 = -10;

/// One process's part of a life.
struct Life<'a> {
    script: &'a Script,
    answer: (i64, Accepted),
    world: World,
    /// The verdict that an earlier process put on record.
    stands: Option<Class>,
    /// What is on record, with what it meets.
    seen: Vec<(Seen, (u64, u64))>,
}

/// What the record of a run tells a later process.
fn judged(machine: &Machine, run: &Run, now: Moment) -> Judged {
    let last = run.arrivals.iter().map(|a| a.observation).max();
    let mut judged = Judged {
        last: last.unwrap_or_default(),
        ..Judged::default()
    };
    let found = machine.judge(run.id, now).unwrap();
    for (i, (spec, finding)) in run.leg.expectations.iter().zip(&found.findings).enumerate() {
        let told = matches!(spec.layer, Layer::Executed | Layer::Outcome);
        match finding.state {
            Some(ExpectationState::Blind) if !matches!(finding.why, Why::FireUnknown | Why::Interrupted) => {
                judged.blind |= 1 << i;
            }
            Some(ExpectationState::Blind) | None => {}
            Some(_) if told => judged.seen |= 1 << i,
            Some(_) => {}
        }
    }
    judged
}

fn out(script: &Script, truth: &True) -> bool {
    truth.channel == PUSH && script.out(PUSH, truth.at)
}

impl<'a> Life<'a> {
    fn new(script: &'a Script, answer: (i64, Accepted)) -> Self {
        Self {
            script,
            answer,
            world: World::new(),
            stands: None,
            seen: Vec::new(),
        }
    }

    /// Shows a truth, as it comes or as the first look of a new process finds it.
    fn show(&mut self, truth: &True, at: Interval, widened: bool) {
        let mut seen = self.world.seen(truth.channel, 0);
        (seen.at, seen.widened) = (at, widened);
        seen.looked_at = (truth.channel == POLL).then_some(at.hi);
        (seen.identity, seen.repeat) = (truth.identity.clone(), truth.repeat);
        self.world.marks_of.insert(seen.observation.0, truth.marks);
        self.seen.push((seen.clone(), truth.marks));
        self.world.tell_at(at.hi, Event::Seen(seen));
    }

    /// Plays what happens after `from`, up to `until`.
    fn play(&mut self, from: Moment, until: Moment) {
        let mut events: Vec<(Moment, u8, usize)> = Vec::new();
        let script = self.script;
        for (n, truth) in script.truth.iter().enumerate() {
            events.push((truth.at, 2, n));
        }
        for (n, (_, down, up)) in script.outages.iter().enumerate().filter(|(_, o)| o.0 == PUSH) {
            events.push((at(*down), 0, n));
            events.push((at(*up), 1, n));
        }
        events.push((at(self.answer.0), 3, 0));
        events.retain(|(when, _, _)| *when > from && *when <= until);
        events.sort_unstable();
        for (when, kind, n) in events {
            self.world.pass_to(when);
            match kind {
                0 => self.world.tell_at(
                    when,
                    Event::Down {
                        channel: PUSH,
                        since: when,
                    },
                ),
                1 => self.world.tell_at(
                    when,
                    Event::Up {
                        channel: PUSH,
                        closed: false,
                    },
                ),
                2 if out(script, &script.truth[n]) => {}
                2 => self.show(&script.truth[n], Interval::point(when), false),
                _ => self.answer(when),
            }
        }
        self.world.pass_to(until);
    }

    fn answer(&mut self, when: Moment) {
        let event = Event::Answered {
            run: self.world.run,
            sent: SENT,
            at: when,
            accepted: self.answer.1,
            reason: String::new(),
            keys: Vec::new(),
        };
        self.world.tell_at(when, event);
    }

    /// A whole life without a stop.
    fn whole(script: &'a Script, answer: (i64, Accepted)) -> Option<Class> {
        let mut life = Self::new(script, answer);
        life.world = World::fired(script.leg.clone());
        life.play(Moment(SENT.0 - 30_000_000), at(60_000));
        life.world.class()
    }

    /// Stopped at `stop`, started again at `start`.
    fn halves(script: &'a Script, answer: (i64, Accepted), stop: Moment, start: Moment) -> Self {
        let mut first = Self::new(script, answer);
        if stop >= SENT {
            first.world = World::fired(script.leg.clone());
            first.play(Moment(SENT.0 - 30_000_000), stop);
        }
        let mut second = Self::new(script, answer);
        second.take_up(&first, stop, start);
        // Nobody is there to hear an answer that had not come.
        second.answer.0 = i64::MIN / 2_000_000;
        second.play(start, at(60_000));
        second
    }

    fn take_up(&mut self, first: &Self, stop: Moment, start: Moment) {
        let script = self.script;
        let gap = Gap {
            from: stop,
            to: Some(start),
        };
        for gap in first.world.machine.gaps(PUSH).iter().copied().chain([gap]) {
            let since = gap.from;
            self.world.tell_at(since, Event::Down { channel: PUSH, since });
            let up = gap.to.unwrap_or(start);
            self.world.tell_at(
                up,
                Event::Up {
                    channel: PUSH,
                    closed: false,
                },
            );
        }
        let firing = if stop < SENT {
            Firing::Unknown { claimed: at(CLAIMED) }
        } else if at(self.answer.0) > stop {
            Firing::Interrupted {
                sent: SENT,
                until: stop,
            }
        } else {
            let answered = Answered {
                at: at(self.answer.0),
                accepted: self.answer.1,
                reason: String::new(),
            };
            Firing::Answered { sent: SENT, answered }
        };
        let mut seen = Vec::new();
        for (one, marks) in &first.seen {
            // Numbers go on rising over a start.
            self.world.seen(one.channel, 0);
            self.world.marks_of.insert(one.observation.0, *marks);
            seen.push(one.clone());
        }
        let mut resumed = self.world.left_over(script.leg.clone(), firing, seen);
        resumed.ended = first
            .world
            .machine
            .run(first.world.run)
            .filter(|run| run.phase == Phase::Closed)
            .and_then(|run| {
                Some(Ended {
                    at: run.closed_at?,
                    class: run.class?,
                    amendments: run.amendments.clone(),
                    cleanup_failed: false,
                    belated: false,
                    delay: std::time::Duration::ZERO,
                    judged: judged(&first.world.machine, run, stop),
                })
            });
        self.stands = resumed.ended.as_ref().map(|ended| ended.class);
        // What had not been there when it was closed came after that.
        let lo = resumed.ended.as_ref().map_or(SENT, |ended| ended.at);
        self.world.tell_at(start, Event::Resumed(Box::new(resumed)));
        for truth in &script.truth {
            if truth.channel == POLL && truth.at > stop && truth.at <= start {
                let at = Interval { lo, hi: start };
                self.show(truth, at, true);
            }
        }
        for channel in [POLL, PUSH] {
            let rearmed = Event::Rearmed {
                channel,
                runs: vec![self.world.run],
                at: start,
            };
            self.world.tell_at(start, rearmed);
        }
    }
}

#[test]
fn stopped_at_any_point_it_ends_as_it_would_have_or_unobserved() {
    let mut same = BTreeMap::<Class, u64>::new();
    let (mut unobserved, mut closed, mut amended) = (0, 0, 0);
    for seed in 0..SCHEDULES {
        let mut rng = rand::rngs::StdRng::seed_from_u64(seed);
        let mut script = Script::draw(&mut rng);
        script.cut = None;
        let stop = Moment(SENT.0 + rng.random_range(-9_000_000..500_000_000));
        let start = Moment(stop.0 + rng.random_range(1_000_000..600_000_000));
        // What is down while it is stopped is nothing of its own.
        script.outages.retain(|(_, _, up)| at(*up) < stop);
        let truth = script.answer;
        // An answer that nobody heard is none.
        let heard = if at(truth.0) <= stop && stop >= SENT {
            truth
        } else {
            (millis(stop).max(1), Accepted::Unknown)
        };
        let whole = Life::whole(&script, heard);
        let life = Life::halves(&script, truth, stop, start);
        let class = life.world.class();
        let fired = life
            .world
            .commands
            .iter()
            .any(|c| matches!(c, crate::lifecycle::Command::Fire { .. }));
        assert!(!fired, "seed {seed}: fired again");
        assert!(
            class.is_some()
                && (class == whole
                    || class == life.stands
                    || class == Some(Class::Unobserved)
                    || excused(&script, heard, stop, start, class)),
            "seed {seed}: {class:?} instead of {whole:?}, stopped at {} ms, started at {} ms\n{script:#?}",
            millis(stop),
            millis(start)
        );
        let quiet = |t: &True| t.at <= stop || t.at > start;
        if life.stands.is_some() && script.truth.iter().all(quiet) {
            closed += 1;
            amended += u64::from(class != life.stands);
            assert_eq!(
                class,
                whole,
                "seed {seed}: closed as {:?} before the stop at {} ms\n{script:#?}",
                life.stands,
                millis(stop)
            );
        }
        match class {
            Some(Class::Unobserved) | None => unobserved += 1,
            Some(class) => *same.entry(class).or_default() += 1,
        }
    }
    // What closed before the stop is amended by what comes after the start as it would have been without one.
    assert!(
        closed > 1_000 && amended > 20,
        "{closed} closed before, {amended} amended after"
    );
    // A rule that says unobserved to everything would pass, too.
    assert!(
        same.values().sum::<u64>() > unobserved,
        "{unobserved} unobserved, {same:?}"
    );
    for class in [
        Class::Delivered,
        Class::Late,
        Class::Duplicate,
        Class::Mismatched,
        Class::Failed,
        Class::Lost,
        Class::Rejected,
        Class::Phantom,
    ] {
        assert!(
            same.get(&class).is_some_and(|n| *n > 20),
            "{class:?} hardly ever: {same:?}"
        );
    }
}

/// What was pushed while nobody listened can be known of by nobody: of a second arrival, and of the system's own word
/// that it failed, nobody can say that it is missing, and a refusal stands by itself. What was expected there is unobserved, never lost.
fn excused(
    script: &Script,
    heard: (i64, Accepted),
    stop: Moment,
    start: Moment,
    class: Option<Class>,
) -> bool {
    let missed = |t: &True| t.channel == PUSH && t.at > stop && t.at <= start;
    let known = script.truth.iter().filter(|t| !missed(t)).cloned().collect();
    let visible = Script {
        truth: known,
        ..script.clone()
    };
    let accuses = matches!(class, Some(Class::Lost | Class::Mismatched | Class::Unwanted));
    // Two things may have gone wrong, of which one is known.
    let worse = [Some(Class::Failed), Some(Class::Lost), Some(Class::Unwanted)];
    let whole = Life::whole(script, heard);
    let unknowable = !accuses || worse.contains(&whole);
    // After the grace it would have amended; what it amends stands by itself.
    let late = script.truth.iter().filter(|t| missed(t)).all(|t| t.at > at(200));
    if whole == Some(Class::Unwanted) && matches!(class, Some(Class::Lost | Class::Mismatched)) {
        // What must not come was found, and may have come too late to count: what did not come is missing all the same.
        return true;
    }
    (unknowable || late) && (class == Life::whole(&visible, heard) || class == Some(Class::Mismatched))
}

fn millis(moment: Moment) -> i64 {
    (moment.0 - SENT.0).div_euclid(1_000_000)
}
