//! Legs that belong together: they leave together or not at all.

use std::time::Duration;

use super::world::{POLL, PUSH, SENT, World, at, expectation, leg, token};
use crate::lifecycle::{Command, Due, DueLeg, Event, Limits};
use crate::model::{Fault, Layer, Leg, Moment, Reason, RunId, SkipReason, Tick, Times};

fn run(n: u128) -> RunId {
    RunId(uuid::Uuid::from_u128(n))
}

fn one() -> std::sync::Arc<Leg> {
    leg(vec![expectation(Layer::Outcome, PUSH, Times::ONCE)])
}

/// Two legs that belong together, the second to leave `gap` milliseconds after the first; of each one channel is waited on.
fn two(gap: u64) -> World {
    let mut world = World::new();
    let legs = [2, 1].map(|n| DueLeg {
        run: run(n),
        token: token(u8::try_from(n).unwrap()),
        leg: one(),
    });
    let due = Due {
        probe: "probe".into(),
        tick: Tick { due: SENT },
        start_deadline: at(1000),
        limits: Limits::default(),
        paired: true,
        gap: Duration::from_millis(gap),
        legs: legs.to_vec(),
    };
    world.tell(0, Event::Due(due));
    world
}

fn armed(world: &mut World, millis: i64, n: u128) {
    let run = run(n);
    world.tell(millis, Event::Armed { run, channel: PUSH });
}

fn asked(world: &World, of: fn(&Command) -> Option<RunId>) -> Vec<RunId> {
    world.commands.iter().filter_map(of).collect()
}

fn claims(world: &World) -> Vec<RunId> {
    asked(world, |c| match c {
        Command::Claim { run } => Some(*run),
        _ => None,
    })
}

fn fires(world: &World) -> Vec<RunId> {
    asked(world, |c| match c {
        Command::Fire { run } => Some(*run),
        _ => None,
    })
}

fn skips(world: &World) -> Vec<(RunId, SkipReason)> {
    let skip = |c: &Command| match c {
        Command::Skip { run, reason, .. } => Some((*run, *reason)),
        _ => None,
    };
    world.commands.iter().filter_map(skip).collect()
}

#[test]
fn none_is_claimed_before_all_are_armed_and_none_leaves_before_all_are_claimed() {
    let mut world = two(0);
    armed(&mut world, 1, 1);
    assert_eq!(claims(&world), []);
    armed(&mut world, 2, 2);
    assert_eq!(claims(&world), [run(2), run(1)]);
    world.tell(3, Event::Claimed { run: run(1) });
    assert_eq!(fires(&world), []);
    world.tell(4, Event::Claimed { run: run(2) });
    // In the order of the legs, whichever was ready first.
    assert_eq!(fires(&world), [run(2), run(1)]);
}

#[test]
fn what_skips_one_skips_the_other() {
    let fault = Fault::new(Reason::Unreachable, "refused");
    let mut world = two(0);
    armed(&mut world, 1, 1);
    let channel = String::from("hooks");
    world.tell(
        5,
        Event::ArmFailed {
            run: run(2),
            channel,
            fault,
        },
    );
    assert_eq!(
        skips(&world),
        [(run(2), SkipReason::ArmFailed), (run(1), SkipReason::ArmFailed)]
    );
    assert_eq!((world.machine.open(), claims(&world)), (0, vec![]));

    let mut world = two(0);
    armed(&mut world, 1, 1);
    armed(&mut world, 1, 2);
    world.tell(2, Event::Claimed { run: run(1) });
    let refused = Event::Refused {
        run: run(2),
        reason: SkipReason::Store,
        detail: String::from("full"),
    };
    world.tell(3, refused);
    assert_eq!(
        skips(&world),
        [(run(2), SkipReason::Store), (run(1), SkipReason::Store)]
    );
    assert_eq!(fires(&world), []);

    let mut world = two(0);
    armed(&mut world, 1, 1);
    armed(&mut world, 1001, 2);
    assert_eq!(skips(&world).len(), 2);
    assert_eq!(claims(&world), []);
}

#[test]
fn with_a_gap_each_is_claimed_when_it_is_meant_to_leave() {
    let mut world = two(500);
    armed(&mut world, 1, 1);
    armed(&mut world, 2, 2);
    assert_eq!(claims(&world), [run(2)]);
    world.tell(3, Event::Claimed { run: run(2) });
    assert_eq!(fires(&world), [run(2)]);
    world.pass(499);
    assert_eq!(claims(&world), [run(2)]);
    world.pass(500);
    assert_eq!(claims(&world), [run(2), run(1)]);
    world.tell(501, Event::Claimed { run: run(1) });
    assert_eq!(fires(&world), [run(2), run(1)]);
    let intended = |n| world.machine.run(run(n)).map(|run| run.intended());
    assert_eq!((intended(2), intended(1)), (Some(SENT), Some(at(500))));
}

#[test]
fn a_gap_moves_the_start_deadline_with_the_leg() {
    let mut world = two(800);
    armed(&mut world, 1, 1);
    armed(&mut world, 2, 2);
    world.tell(3, Event::Claimed { run: run(2) });
    world.pass(800);
    // 1700 ms after the tick, and 900 ms after it was meant to leave.
    world.tell(1700, Event::Claimed { run: run(1) });
    assert_eq!(fires(&world), [run(2), run(1)]);
    assert_eq!(skips(&world), []);
}

#[test]
fn a_stop_within_the_gap_skips_what_has_not_left() {
    let mut world = two(500);
    armed(&mut world, 1, 1);
    armed(&mut world, 2, 2);
    world.tell(3, Event::Claimed { run: run(2) });
    world.tell(100, Event::StopFiring);
    assert_eq!(skips(&world), [(run(1), SkipReason::Stopped)]);
    assert_eq!((claims(&world), fires(&world)), (vec![run(2)], vec![run(2)]));
    world.pass(600);
    assert_eq!(claims(&world), [run(2)]);
}

#[test]
fn legs_that_stand_for_themselves_do_not_wait() {
    let mut world = World::new();
    let slow = leg(vec![expectation(Layer::Outcome, POLL, Times::ONCE)]);
    let legs = [(1, one()), (2, slow)].map(|(n, leg)| DueLeg {
        run: run(n),
        token: token(u8::try_from(n).unwrap()),
        leg,
    });
    let due = Due {
        probe: "probe".into(),
        tick: Tick { due: Moment(SENT.0) },
        start_deadline: at(1000),
        limits: Limits::default(),
        paired: false,
        gap: Duration::ZERO,
        legs: legs.to_vec(),
    };
    world.tell(0, Event::Due(due));
    armed(&mut world, 1, 1);
    world.tell(2, Event::Claimed { run: run(1) });
    assert_eq!(fires(&world), [run(1)]);
    let fault = Fault::new(Reason::Unreachable, "refused");
    let channel = String::from("rows");
    world.tell(
        5,
        Event::ArmFailed {
            run: run(2),
            channel,
            fault,
        },
    );
    assert_eq!(skips(&world), [(run(2), SkipReason::ArmFailed)]);
}
