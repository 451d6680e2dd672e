//! Years of bad days, seeded: whatever the clocks do, whatever is reloaded or paused in between, every tick that comes
//! due has exactly one fate, in its order, and nothing fires late or in a burst.

use rand::{Rng, SeedableRng, rngs::StdRng};

use super::*;
use crate::lifecycle::schedule::Schedule;

const SECOND: i64 = 1_000_000_000;
const HOUR: i64 = 3_600 * SECOND;
/// A day before the clocks of Europe go forward, and one before they go back.
const STARTS: [&str; 2] = ["2026-03-28T12:00:00Z", "2026-10-24T12:00:00Z"];

/// What the oracle knows of a probe: by which tick it is, on the probe's own line.
struct Known {
    plan: Planned,
    cursor: Moment,
    fired: u64,
    skipped: u64,
}

struct World {
    rng: StdRng,
    agenda: Agenda,
    now: Moment,
    /// The wall clock less the line, as it is and as the agenda last saw it.
    offset: i64,
    known: BTreeMap<Arc<str>, Known>,
}

impl World {
    fn start(seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let now = Moment::from_rfc3339(STARTS[usize::from(rng.random_bool(0.5))]).unwrap();
        let clocks = Clocks { now, wall: now };
        let mut world = Self {
            agenda: Agenda::new(Pauses::default(), clocks),
            rng,
            now,
            offset: 0,
            known: BTreeMap::new(),
        };
        world.reload();
        world
    }

    fn clocks(&self) -> Clocks {
        Clocks {
            now: self.now,
            wall: Moment(self.now.0 + self.offset),
        }
    }

    fn plan(&mut self, probe: &str) -> Planned {
        let schedule = match self.rng.random_range(0..6) {
            0 => Schedule::every(Duration::from_secs(1), Duration::ZERO),
            1 => Schedule::every(Duration::from_secs(30), Duration::from_secs(20)),
            2 => Schedule::every(Duration::from_secs(3_600), Duration::from_secs(60)),
            3 => Schedule::cron("*/5 * * * *", Some("Europe/Amsterdam")).unwrap(),
            4 => Schedule::cron("30 2 * * *", Some("Europe/Amsterdam")).unwrap(),
            _ => Schedule::cron("*/20 * * * * *", None).unwrap(),
        };
        Planned {
            probe: probe.into(),
            schedule: Some(schedule),
            start_deadline: self.rng.random_bool(0.2).then_some(Duration::from_millis(900)),
            lead: Duration::from_millis(if self.rng.random_bool(0.5) { 250 } else { 0 }),
            routes: vec!["x".into(), "y".into()],
            windows: Arc::new([]),
        }
    }

    /// Some probes stay, some change, some come and go; in the middle of whatever tick it is.
    fn reload(&mut self) {
        let mut plans = Vec::new();
        for name in ["a", "b", "c", "d"] {
            let before = self.known.get(name).map(|known| known.plan.clone());
            match (before, self.rng.random_range(0..10)) {
                (_, 0) => {}
                (Some(plan), 1..8) => plans.push(plan),
                _ => plans.push(self.plan(name)),
            }
        }
        let clocks = self.clocks();
        let mut out = Vec::new();
        self.agenda.replace(plans.clone(), self.now, clocks, &mut out);
        self.check(&out);
        let mut before = std::mem::take(&mut self.known);
        for plan in plans {
            let own = |at: Moment| {
                if plan.by_wall() {
                    Moment(at.0 + self.offset)
                } else {
                    at
                }
            };
            let now = own(self.now);
            let (cursor, fired, skipped) = match before.remove(&plan.probe) {
                Some(old) => {
                    let on_line = if old.plan.by_wall() {
                        old.cursor.0 - self.offset
                    } else {
                        old.cursor.0
                    };
                    (own(Moment(on_line)).max(now), old.fired, old.skipped)
                }
                None => (now, 0, 0),
            };
            let known = Known {
                cursor,
                fired,
                skipped,
                plan,
            };
            self.known.insert(known.plan.probe.clone(), known);
        }
    }

    fn take(&mut self) {
        let mut out = Vec::new();
        self.agenda.take(self.clocks(), &mut out);
        self.check(&out);
        let clocks = self.clocks();
        for known in self.known.values() {
            let own = if known.plan.by_wall() {
                clocks.wall
            } else {
                clocks.now
            };
            let next = known
                .plan
                .schedule
                .as_ref()
                .unwrap()
                .next_after(&known.plan.probe, known.cursor);
            assert!(
                next.is_none_or(|next| next > own.after(known.plan.lead)),
                "{} was due at {next:?} and has no fate at {own}",
                known.plan.probe
            );
        }
    }

    fn check(&mut self, fates: &[Fate]) {
        let mut fired: BTreeMap<Arc<str>, u32> = BTreeMap::new();
        for fate in fates {
            match fate {
                Fate::Stepped { .. } => {}
                Fate::Fire {
                    probe,
                    due,
                    start_deadline,
                    paused,
                } => {
                    let now = self.now;
                    assert!(now <= *start_deadline, "{probe}: fired after its start deadline");
                    assert!(paused.is_empty());
                    self.pass(probe, Stretch::one(*due));
                    let known = self.known.get_mut(probe).unwrap();
                    known.fired += 1;
                    assert!(now.after(known.plan.lead) >= *due, "{probe}: fired early");
                    assert!(
                        self.agenda.pauses().of(probe, None).is_none(),
                        "{probe}: fired while paused"
                    );
                    *fired.entry(probe.clone()).or_default() += 1;
                }
                Fate::Skip {
                    probe, ticks, reason, ..
                } => {
                    self.pass(probe, *ticks);
                    let known = self.known.get_mut(probe).unwrap();
                    known.skipped += ticks.ticks;
                    if *reason == SkipReason::LateStart {
                        let deadline = ticks.last.after(known.plan.start_deadline());
                        assert!(self.now > deadline, "{probe}: skipped in time");
                    }
                }
            }
        }
        // Two where a delay brought them together; never what was missed.
        assert!(fired.values().all(|n| *n <= 2), "a burst: {fired:?}");
    }

    /// The oracle walks: these must be the very next ticks of the probe.
    fn pass(&mut self, probe: &Arc<str>, ticks: Stretch) {
        let offset = self.offset;
        let known = self.known.get_mut(probe).unwrap();
        let schedule = known.plan.schedule.as_ref().unwrap();
        let own = |at: Moment| {
            if known.plan.by_wall() {
                Moment(at.0 + offset)
            } else {
                at
            }
        };
        for tick in 0..ticks.ticks {
            let next = schedule.next_after(probe, known.cursor).unwrap();
            if tick == 0 {
                assert_eq!(
                    next,
                    own(ticks.first),
                    "{probe}: a tick was left out or came twice"
                );
            }
            known.cursor = next;
        }
        assert_eq!(known.cursor, own(ticks.last), "{probe}: a stretch counts wrongly");
    }

    fn day(&mut self) {
        for _ in 0..400 {
            // The ticker wakes for the next tick, or a little late, or after the machine was away.
            let asleep = match self.rng.random_range(0..100) {
                0 => self.rng.random_range(0..2 * HOUR),
                1..5 => self.rng.random_range(0..40 * SECOND),
                5..20 => self.rng.random_range(0..SECOND),
                _ => 0,
            };
            let next = self.agenda.next().unwrap_or(self.now).max(self.now);
            self.now = Moment(next.min(self.now.after(Duration::from_secs(60))).0 + asleep);
            match self.rng.random_range(0..200) {
                0 => self.offset += HOUR,
                1 => self.offset -= HOUR,
                2 => self.offset += self.rng.random_range(SECOND..5 * SECOND),
                3..6 => self.reload(),
                6 => {
                    let pause = Pause {
                        since: self.now,
                        note: String::new(),
                    };
                    self.agenda.pauses_mut().pause(PauseOf::All, pause);
                }
                7..12 => drop(self.agenda.pauses_mut().resume(&PauseOf::All)),
                _ => {}
            }
            self.take();
        }
    }
}

#[test]
fn every_due_tick_has_exactly_one_fate() {
    let (mut fired, mut skipped) = (0, 0);
    for seed in 0..40 {
        let mut world = World::start(seed);
        world.day();
        fired += world.known.values().map(|known| known.fired).sum::<u64>();
        skipped += world.known.values().map(|known| known.skipped).sum::<u64>();
    }
    assert!(
        fired > 1_000 && skipped > 1_000,
        "it tried little: {fired} fired, {skipped} skipped"
    );
}
