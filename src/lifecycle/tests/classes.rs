//! Every row of DESIGN.md section 3.

use super::world::{NEVER, POLL, PUSH, World, accepted, ends, expectation, leg, once};
use crate::lifecycle::Command;
use crate::model::{Accepted, Class, Flag, Layer, Times};

#[test]
fn delivered_when_met_within_its_limit_even_at_the_very_instant() {
    for millis in [1, 99, 100] {
        let mut world = accepted(once());
        world.arrives(PUSH, millis.max(11));
        ends(&mut world, Class::Delivered);
    }
}

#[test]
fn late_when_met_inside_its_grace_even_at_its_end() {
    for millis in [101, 200] {
        let mut world = accepted(once());
        world.arrives(PUSH, millis);
        ends(&mut world, Class::Late);
    }
}

#[test]
fn lost_when_nothing_passes_where() {
    let mut world = accepted(once());
    ends(&mut world, Class::Lost);
    let mut world = accepted(once());
    world.marks = (0, 0);
    world.arrives(PUSH, 50);
    ends(&mut world, Class::Lost);
}

#[test]
fn mismatched_when_what_passes_where_fails_expect() {
    let mut world = accepted(once());
    world.marks = (1, 0);
    world.arrives(PUSH, 50);
    ends(&mut world, Class::Mismatched);
}

#[test]
fn a_right_one_after_a_wrong_one_is_delivered() {
    let mut world = accepted(once());
    world.marks = (1, 0);
    world.arrives(PUSH, 50);
    world.marks = (1, 1);
    world.arrives(PUSH, 60);
    ends(&mut world, Class::Delivered);
}

#[test]
fn duplicate_when_it_arrives_more_often_than_allowed() {
    let mut world = accepted(once());
    world.arrives(PUSH, 50);
    world.arrives(PUSH, 60);
    ends(&mut world, Class::Duplicate);
    let mut world = accepted(World::fired(leg(vec![expectation(
        Layer::Outcome,
        PUSH,
        Times { min: 1, max: 2 },
    )])));
    world.arrives(PUSH, 50);
    world.arrives(PUSH, 60);
    ends(&mut world, Class::Delivered);
}

#[test]
fn too_few_of_several_are_lost() {
    let two = Times { min: 2, max: 2 };
    let mut world = accepted(World::fired(leg(vec![expectation(Layer::Outcome, PUSH, two)])));
    world.arrives(PUSH, 50);
    ends(&mut world, Class::Lost);
}

#[test]
fn unwanted_when_the_forbidden_arrives_and_delivered_when_it_does_not() {
    let both = || {
        let wanted = expectation(Layer::Outcome, POLL, Times::ONCE);
        accepted(World::fired(leg(vec![
            wanted,
            expectation(Layer::Outcome, PUSH, NEVER),
        ])))
    };
    let mut world = both();
    world.arrives(POLL, 20);
    world.arrives(PUSH, 50);
    ends(&mut world, Class::Unwanted);
    let mut world = both();
    world.arrives(POLL, 20);
    world.pass(199);
    assert_eq!(world.class(), None, "it may still arrive");
    ends(&mut world, Class::Delivered);
}

#[test]
fn failed_decides_at_once_when_the_system_says_so() {
    let failing = || {
        let says = expectation(Layer::FailedWhen, POLL, Times::ONCE);
        accepted(World::fired(leg(vec![
            expectation(Layer::Outcome, PUSH, Times::ONCE),
            says,
        ])))
    };
    let mut world = failing();
    world.arrives(POLL, 30);
    world.pass(50);
    assert_eq!(
        world.class(),
        Some(Class::Failed),
        "failed_when and settle have passed"
    );
    world.arrives(PUSH, 80);
    assert_eq!(world.class(), Some(Class::Late));
    assert!(world.flags(80).contains(&Flag::FalseFailure));
    let mut world = failing();
    ends(&mut world, Class::Lost);
}

#[test]
fn rejected_waits_like_any_other_and_is_phantom_when_the_outcome_arrives() {
    let mut world = once();
    world.answered(10, Accepted::No);
    world.pass(199);
    assert_eq!(world.class(), None);
    ends(&mut world, Class::Rejected);
    let mut world = once();
    world.answered(10, Accepted::No);
    world.arrives(PUSH, 50);
    ends(&mut world, Class::Phantom);
    let mut world = once();
    world.answered(10, Accepted::No);
    world.pass(300);
    world.arrives(PUSH, 400);
    assert_eq!(world.class(), Some(Class::Phantom), "amended");
}

#[test]
fn in_doubt_is_judged_by_its_outcome() {
    let mut world = once();
    world.answered(60, Accepted::Unknown);
    world.arrives(PUSH, 70);
    ends(&mut world, Class::Delivered);
    assert_eq!(world.flags(300), [Flag::InDoubt]);
    let mut world = once();
    world.answered(60, Accepted::Unknown);
    ends(&mut world, Class::Lost);
    assert_eq!(world.flags(300), [Flag::InDoubt, Flag::Unanswered]);
}

#[test]
fn the_worst_outcome_decides() {
    let two = || {
        let second = expectation(Layer::Outcome, POLL, Times::ONCE);
        accepted(World::fired(leg(vec![
            expectation(Layer::Outcome, PUSH, Times::ONCE),
            second,
        ])))
    };
    let mut world = two();
    world.arrives(PUSH, 20);
    ends(&mut world, Class::Lost);
    let mut world = two();
    world.arrives(PUSH, 20);
    world.arrives(POLL, 150);
    ends(&mut world, Class::Late);
}

#[test]
fn executed_never_changes_the_class() {
    let step = expectation(Layer::Executed, POLL, Times::ONCE);
    let mut world = accepted(World::fired(leg(vec![
        step,
        expectation(Layer::Outcome, PUSH, Times::ONCE),
    ])));
    world.arrives(PUSH, 20);
    ends(&mut world, Class::Delivered);
    assert!(world.flags(300).contains(&Flag::Unexecuted));
}

#[test]
fn a_forbidden_thing_that_nobody_waited_for_any_longer_is_no_loss() {
    let says = expectation(Layer::FailedWhen, POLL, Times::ONCE);
    let wanted = expectation(Layer::Outcome, PUSH, Times::ONCE);
    let mut world = accepted(World::fired(leg(vec![
        wanted,
        expectation(Layer::Outcome, POLL, NEVER),
        says,
    ])));
    world.marks = (0b100, 0b100);
    world.arrives(POLL, 30);
    world.pass(60);
    assert_eq!(world.class(), Some(Class::Failed));
    let findings = world
        .machine
        .judge(world.run, super::world::at(60))
        .unwrap()
        .findings;
    assert_eq!(findings[1].state, Some(crate::model::ExpectationState::Met));
    assert_eq!(findings[0].state, Some(crate::model::ExpectationState::Lost));
}

#[test]
fn a_closed_run_is_looked_for_as_long_again_as_it_was_waited_for_and_amended_by_what_is_pushed_later() {
    let mut world = accepted(once());
    world.pass(200);
    assert_eq!(world.class(), Some(Class::Lost));
    let disarm = Command::Disarm { run: world.run };
    world.pass(399);
    assert!(!world.commands.contains(&disarm));
    world.pass(400);
    assert!(
        world.commands.contains(&disarm),
        "looking for it would go on for ever"
    );
    world.arrives(PUSH, 500);
    assert_eq!(world.class(), Some(Class::Late));
}
