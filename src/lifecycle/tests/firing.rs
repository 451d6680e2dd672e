//! From a tick to a request, and from an observation to its run.

use super::world::{POLL, PUSH, SENT, World, accepted, at, ends, expectation, leg, once, token};
use crate::lifecycle::{Command, Due, DueLeg, Event, Limits, StrayReason};
use crate::model::{Accepted, Class, Fault, Layer, Reason, RunId, SkipReason, Tick, Times};

#[test]
fn nothing_fires_before_every_channel_is_armed_and_the_intent_is_durable() {
    let mut world = World::new();
    let second = expectation(Layer::Outcome, POLL, Times::ONCE);
    world.due(
        leg(vec![expectation(Layer::Outcome, PUSH, Times::ONCE), second]),
        Limits::default(),
    );
    let run = world.run;
    world.tell(0, Event::Armed { run, channel: PUSH });
    assert!(!world.commands.contains(&Command::Claim { run }));
    world.tell(0, Event::Armed { run, channel: POLL });
    assert!(
        world.commands.contains(&Command::Claim { run }) && !world.commands.contains(&Command::Fire { run })
    );
    world.tell(0, Event::Claimed { run });
    assert!(world.commands.contains(&Command::Fire { run }));
}

fn skipped(world: &World) -> Vec<SkipReason> {
    let reason = |c: &Command| match c {
        Command::Skip { reason, .. } => Some(*reason),
        _ => None,
    };
    world.commands.iter().filter_map(reason).collect()
}

#[test]
fn a_channel_that_cannot_be_armed_skips_and_never_fires() {
    let mut world = World::new();
    world.due(
        leg(vec![expectation(Layer::Outcome, PUSH, Times::ONCE)]),
        Limits::default(),
    );
    let fault = Fault::new(Reason::Unreachable, "refused");
    world.tell(
        5,
        Event::ArmFailed {
            run: world.run,
            channel: String::from("hooks"),
            fault,
        },
    );
    assert_eq!(skipped(&world), [SkipReason::ArmFailed]);
    assert_eq!(world.machine.open(), 0);
}

#[test]
fn a_limit_skips_the_whole_tick() {
    for limits in [
        Limits {
            per_day: Some(1),
            in_flight: None,
        },
        Limits {
            per_day: None,
            in_flight: Some(1),
        },
    ] {
        let mut world = World::new();
        let one = leg(vec![expectation(Layer::Outcome, PUSH, Times::ONCE)]);
        let legs = [1, 2].map(|n| DueLeg {
            run: RunId(uuid::Uuid::from_u128(n)),
            token: token(n as u8),
            leg: one.clone(),
        });
        let due = Due {
            probe: "probe".into(),
            tick: Tick { due: SENT },
            start_deadline: at(1000),
            limits,
            paired: false,
            gap: std::time::Duration::ZERO,
            legs: legs.to_vec(),
        };
        world.tell(0, Event::Due(due));
        assert_eq!(skipped(&world), [SkipReason::Limit, SkipReason::Limit]);
    }
}

#[test]
fn a_tick_past_its_start_deadline_is_skipped() {
    let mut world = World::new();
    world.due(
        leg(vec![expectation(Layer::Outcome, PUSH, Times::ONCE)]),
        Limits::default(),
    );
    let run = world.run;
    world.tell(1001, Event::Armed { run, channel: PUSH });
    assert_eq!(skipped(&world), [SkipReason::LateStart]);
}

#[test]
fn what_is_claimed_before_or_after_a_stop_is_skipped_once_and_never_fired() {
    let run = World::new().run;
    let claimed_first = [Event::Claimed { run }, Event::StopFiring];
    let mut stopped_first = claimed_first.clone();
    stopped_first.reverse();
    for events in [claimed_first, stopped_first] {
        let mut world = World::new();
        world.due(
            leg(vec![expectation(Layer::Outcome, PUSH, Times::ONCE)]),
            Limits::default(),
        );
        world.tell(-200, Event::Armed { run, channel: PUSH });
        for (millis, event) in (-199..).zip(events.clone()) {
            world.tell(millis, event);
        }
        world.pass(10);
        let skips = |command: &&Command| matches!(command, Command::Skip { run: of, .. } if *of == run);
        assert_eq!(skipped(&world), [SkipReason::Stopped], "{events:?}");
        assert_eq!(world.commands.iter().filter(skips).count(), 1, "it names the run");
        assert!(!world.commands.contains(&Command::Fire { run }), "{events:?}");
        assert_eq!(world.machine.open(), 0);
    }
}

#[test]
fn an_observation_that_bears_only_a_captured_id_is_held_until_the_id_is_known() {
    let mut world = once();
    let mut seen = world.seen(PUSH, 5);
    (seen.tokens, seen.keys) = (Vec::new(), vec![String::from("order-77")]);
    world.tell(5, Event::Seen(seen));
    let keys = vec![String::from("order-77")];
    let run = world.run;
    let reason = String::new();
    world.tell(
        10,
        Event::Answered {
            run,
            sent: SENT,
            at: at(10),
            accepted: Accepted::Yes,
            reason,
            keys,
        },
    );
    ends(&mut world, Class::Delivered);
}

#[test]
fn what_belongs_to_nobody_is_a_stray() {
    let mut world = accepted(once());
    let mut seen = world.seen(PUSH, 20);
    seen.tokens = vec![token(9)];
    world.tell(20, Event::Seen(seen));
    let mut seen = world.seen(PUSH, 30);
    seen.tokens.clear();
    world.tell(30, Event::Seen(seen));
    let mut seen = world.seen(PUSH, 40);
    (seen.tokens, seen.keys) = (Vec::new(), vec![String::from("nobody")]);
    world.tell(40, Event::Seen(seen));
    world.pass(601_000);
    let reason = |c: &Command| match c {
        Command::Stray { reason, .. } => Some(*reason),
        _ => None,
    };
    let reasons: Vec<StrayReason> = world.commands.iter().filter_map(reason).collect();
    assert_eq!(
        reasons,
        [
            StrayReason::UnknownToken,
            StrayReason::NoKey,
            StrayReason::Expired
        ]
    );
    assert_eq!(world.class(), Some(Class::Lost));
}
