//! A table of what is told when.

mod properties;

use std::time::Duration;

use serde_json::json;

use super::*;
use crate::alert::policy::{Cadence, Policy, Severity};
use crate::model::RunRecord;

const MINUTE: i64 = 60_000_000_000;

/// The rules of a probe that is due each minute.
fn rules(policy: &Policy, on_time: f64) -> Rules {
    let cadence = Cadence {
        ticks: 43_200,
        longest_gap: Duration::from_secs(60),
        decided_after: Duration::from_secs(60),
    };
    Rules::new(policy, Some(on_time), Some(cadence)).unwrap()
}

fn at_once() -> Policy {
    Policy {
        wait: Duration::ZERO,
        ..Policy::default()
    }
}

/// A record as the store has it; what does not matter here is empty.
fn record(route: &str, class: Class) -> RunRecord {
    let layer = json!({ "state": "yes", "seconds": null });
    let value = json!({
        "id": "01890000-0000-7000-8000-000000000000", "probe": "p", "revision": "r", "route": route,
        "input": "default", "location": "here", "tick": "2026-01-01T00:00:00Z", "token": "t", "sent": null,
        "class": class.word(), "reason": "", "flags": [], "lag": null, "timings": {},
        "layers": { "accepted": layer, "executed": layer, "outcome": layer }, "stopped_after": null,
        "expectations": [], "observations": [], "path": [], "attributes": {}, "fingerprint": null,
        "amendments": [], "request": null, "response": null, "labels": {},
    });
    serde_json::from_value(value).unwrap()
}

/// A probe that is told what happens, minute by minute.
struct World {
    rules: Rules,
    state: State,
    minute: i64,
    told: Vec<(i64, Event, Topic)>,
    decisions: Vec<Decision>,
    muted: bool,
    restarts: bool,
}

impl World {
    fn new(rules: Rules) -> Self {
        let mut state = State::default();
        state.expect([("a", "default"), ("b", "default")]);
        Self {
            rules,
            state,
            minute: 0,
            told: Vec::new(),
            decisions: Vec::new(),
            muted: false,
            restarts: false,
        }
    }

    fn now(&self) -> Moment {
        Moment(self.minute * MINUTE)
    }

    /// One run of each route named, and the minute is over.
    fn minute(&mut self, runs: &[(&str, Class)]) {
        self.minute += 1;
        for (route, class) in runs {
            self.close(self.minute, route, *class);
        }
        self.pass();
    }

    fn close(&mut self, tick: i64, route: &str, class: Class) {
        let record = record(route, class);
        self.step(Input::Run(Moment(tick * MINUTE), &record));
    }

    fn pass(&mut self) {
        self.step(Input::Time(Moment(0)));
    }

    fn step(&mut self, input: Input<'_>) {
        let (now, muted) = (self.now(), self.muted);
        let decisions = step(&mut self.state, &self.rules, now, input, &|_| muted);
        self.told
            .extend(decisions.iter().map(|d| (self.minute, d.event, d.topic)));
        self.decisions.extend(decisions);
        if self.restarts {
            self.restart();
        }
    }

    /// As after a kill: what is left is what was kept.
    fn restart(&mut self) {
        let text = serde_json::to_string(&self.state).unwrap();
        let series = serde_json::to_string(&self.state.series).unwrap();
        self.state = serde_json::from_str(&text).unwrap();
        self.state.series = serde_json::from_str(&series).unwrap();
    }

    /// What a word stands for: `.` delivered, `x` lost, `l` late, `m` mismatched, `p` phantom, `u` unobserved.
    fn play(&mut self, route: &str, script: &str) {
        for word in script.chars() {
            self.minute(&[(route, class(word))]);
        }
    }

    fn events(&self) -> Vec<Event> {
        // A route that is not played is missed in time, which is another test.
        let of_outcomes = self.told.iter().filter(|(_, _, topic)| *topic == Topic::Outcome);
        of_outcomes.map(|(_, event, _)| *event).collect()
    }
}

fn class(word: char) -> Class {
    match word {
        '.' => Class::Delivered,
        'x' => Class::Lost,
        'l' => Class::Late,
        'm' => Class::Mismatched,
        'p' => Class::Phantom,
        _ => Class::Unobserved,
    }
}

#[test]
fn what_is_told_of_a_course_of_runs() {
    use Event::{Changed, Flapping, Opened, Resolved};
    let long = ".".repeat(400);
    let burning = format!("{long}{}", "x......".repeat(9));
    let table: &[(&str, &str, &[Event])] = &[
        ("nothing wrong", "......................", &[]),
        ("two in a row are not three", "....xx....xx....", &[]),
        ("three in a row", "....xxx", &[Opened]),
        ("an open alert is told once", "....xxxxxxxxxxxx", &[Opened]),
        ("two good runs do not close it", "....xxx..", &[Opened]),
        ("three do", "....xxx...", &[Opened, Resolved]),
        (
            "a bad one in between begins anew",
            "....xxx..x..x...",
            &[Opened, Resolved],
        ),
        ("late is bad", "....lll", &[Opened]),
        (
            "late that gets lost is worse",
            "....lllxxxxxx",
            &[Opened, Changed],
        ),
        ("a phantom at once", "....p", &[Opened]),
        (
            "the same again is no news for a day",
            "....p...p...p...p",
            &[Opened, Resolved],
        ),
        ("not observed is not bad", "....xuxux", &[]),
        ("nine spread over an hour burn the budget", &burning, &[Opened]),
        (
            "the third time in six hours it flaps",
            "xxx...xxx...xxx...xxx...",
            &[Opened, Resolved, Opened, Resolved, Flapping],
        ),
    ];
    for (name, script, expected) in table {
        for restarts in [false, true] {
            let mut world = World::new(rules(&at_once(), 0.99));
            world.restarts = restarts;
            world.play("a", script);
            assert_eq!(world.events(), *expected, "{name} (restarts: {restarts})");
        }
    }
}

#[test]
fn one_outage_of_all_routes_is_one_alert() {
    let policy = Policy {
        wait: Duration::from_secs(10),
        ..Policy::default()
    };
    let mut world = World::new(rules(&policy, 0.99));
    for _ in 0..5 {
        world.minute(&[("a", Class::Lost), ("b", Class::Lost)]);
    }
    assert_eq!(world.events(), [Event::Opened]);
    let members: Vec<&String> = world.decisions[0].episode.shown().map(|(key, _)| key).collect();
    assert_eq!(members, ["a/default", "b/default"]);
}

#[test]
fn another_route_escalates_and_one_that_recovers_does_not() {
    let mut world = World::new(rules(&at_once(), 0.99));
    for _ in 0..4 {
        world.minute(&[("a", Class::Lost), ("b", Class::Delivered)]);
    }
    for a in [Class::Lost, Class::Delivered] {
        for _ in 0..5 {
            world.minute(&[("a", a), ("b", Class::Lost)]);
        }
    }
    for _ in 0..5 {
        world.minute(&[("a", Class::Delivered), ("b", Class::Delivered)]);
    }
    assert_eq!(world.events(), [Event::Opened, Event::Changed, Event::Resolved]);
}

#[test]
fn three_at_a_row_of_ticks_count_though_they_close_between_others() {
    let mut world = World::new(rules(&at_once(), 0.99));
    world.play("a", "....");
    // Ticks 5 to 7 are lost, which shows only when later ones have been delivered.
    for (tick, class) in [
        (8, Class::Delivered),
        (5, Class::Lost),
        (9, Class::Delivered),
        (6, Class::Lost),
        (10, Class::Delivered),
        (7, Class::Lost),
    ] {
        world.minute += 1;
        world.close(tick, "a", class);
    }
    assert_eq!(world.events(), [Event::Opened]);
}

#[test]
fn silence_and_blindness_are_landfalls_own_and_say_so() {
    let mut world = World::new(rules(&at_once(), 0.99));
    for _ in 0..3 {
        world.minute(&[("a", Class::Delivered), ("b", Class::Delivered)]);
    }
    for _ in 0..6 {
        world.minute(&[("b", Class::Delivered)]);
    }
    assert_eq!(world.told, [(7, Event::Opened, Topic::Sight)]);
    world.minute(&[("a", Class::Delivered), ("b", Class::Delivered)]);
    assert_eq!(world.told.last(), Some(&(10, Event::Resolved, Topic::Sight)));

    let mut world = World::new(rules(&at_once(), 0.99));
    for word in "......uu....xxxx...".chars() {
        world.minute(&[("a", class(word)), ("b", Class::Delivered)]);
    }
    let sight: Vec<_> = world.told.iter().filter(|t| t.2 == Topic::Sight).collect();
    assert_eq!(
        sight,
        [
            &(8, Event::Opened, Topic::Sight),
            &(11, Event::Resolved, Topic::Sight)
        ]
    );
    // While it was blind nothing was said of outcomes; once it sees again, it is.
    assert_eq!(
        world.told.iter().find(|t| t.2 == Topic::Outcome).map(|t| t.0),
        Some(15)
    );
}

#[test]
fn a_paused_route_is_not_missed() {
    let mut world = World::new(rules(&at_once(), 0.99));
    let skip = |route: &str| SkipRecord {
        probe: String::from("p"),
        route: route.to_owned(),
        input: String::from("default"),
        tick: String::new(),
        reason: SkipReason::Paused,
        detail: String::new(),
    };
    for _ in 0..30 {
        world.minute += 1;
        for route in ["a", "b"] {
            world.step(Input::Skip(&skip(route)));
        }
        world.pass();
    }
    assert_eq!(world.told, []);
}

#[test]
fn what_is_muted_is_told_when_that_ends_if_it_is_still_there() {
    let mut world = World::new(rules(&at_once(), 0.99));
    world.muted = true;
    world.play("a", "xxxx...");
    assert_eq!(world.events(), [], "it came and went");
    world.play("a", "xxxx");
    assert_eq!(world.events(), []);
    world.muted = false;
    world.play("a", "x");
    assert_eq!(world.events()[0], Event::Opened);
}

#[test]
fn a_loss_that_arrives_after_all_is_told_at_the_end() {
    let policy = Policy {
        late_is_bad: false,
        ..at_once()
    };
    let mut world = World::new(rules(&policy, 0.99));
    world.play("a", "...xxx");
    assert_eq!(world.events(), [Event::Opened]);
    for tick in 4..=6 {
        world.close(tick, "a", Class::Late);
    }
    assert_eq!(world.events(), [Event::Opened, Event::Resolved]);
    let last = world
        .decisions
        .iter()
        .rfind(|d| d.topic == Topic::Outcome)
        .unwrap();
    let member = &last.episode.members["a/default"];
    assert_eq!(member.late_after_all, 3);
}

#[test]
fn a_ticket_that_becomes_a_page_tells_both() {
    let mut world = World::new(rules(&at_once(), 0.99));
    let slow = format!("{}{}", ".".repeat(100), format!("x{}", ".".repeat(55)).repeat(75));
    world.play("a", &slow);
    let outcome: Vec<&Decision> = world
        .decisions
        .iter()
        .filter(|d| d.topic == Topic::Outcome)
        .collect();
    assert_eq!(outcome[0].episode.severity(), Severity::Ticket);
    assert_eq!(outcome.len(), 1);
    world.play("a", "xxxxxx");
    let last = world
        .decisions
        .iter()
        .rfind(|d| d.topic == Topic::Outcome)
        .unwrap();
    assert_eq!((last.event, last.was), (Event::Changed, Some(Severity::Ticket)));
    assert_eq!(last.episode.told.as_ref().unwrap().severities.len(), 2);
}
