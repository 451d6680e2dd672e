//! Every row of DESIGN.md section 3.

use super::world::{POLL, PUSH, SENT, World, at, expectation, leg, token};
use crate::lifecycle::{Command, Due, DueLeg, Event, Limits, StrayReason};
use crate::model::{
    Accepted, Class, ExpectationState, Fault, Flag, Identity, Interval, Layer, Reason, Repeat, RunId,
    SkipReason, Tick, Times,
};

const NEVER: Times = Times { min: 0, max: 0 };

fn once() -> World {
    World::fired(leg(vec![expectation(Layer::Outcome, PUSH, Times::ONCE)]))
}

/// A run that was accepted at 10 ms.
fn accepted(mut world: World) -> World {
    world.answered(10, Accepted::Yes);
    world
}

fn ends(world: &mut World, class: Class) {
    world.pass(11_000);
    assert_eq!((world.class(), world.closes()), (Some(class), 1));
}

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
fn a_gap_of_a_listener_makes_blind_and_a_gap_that_a_look_closes_does_not() {
    let mut world = accepted(once());
    world.tell(
        20,
        Event::Down {
            channel: PUSH,
            since: at(20),
        },
    );
    world.tell(
        30,
        Event::Up {
            channel: PUSH,
            closed: false,
        },
    );
    ends(&mut world, Class::Unobserved);
    let poll = || {
        accepted(World::fired(leg(vec![expectation(
            Layer::Outcome,
            POLL,
            Times::ONCE,
        )])))
    };
    let mut world = poll();
    world.tell(
        20,
        Event::Down {
            channel: POLL,
            since: at(20),
        },
    );
    world.tell(
        30,
        Event::Up {
            channel: POLL,
            closed: true,
        },
    );
    ends(&mut world, Class::Lost);
}

#[test]
fn blindness_counts_only_while_undecided() {
    let mut world = accepted(once());
    world.arrives(PUSH, 15);
    world.tell(
        20,
        Event::Down {
            channel: PUSH,
            since: at(20),
        },
    );
    ends(&mut world, Class::Delivered);
}

#[test]
fn a_limit_inside_an_interval_widened_by_our_own_outage_is_unobserved() {
    let mut world = accepted(World::fired(leg(vec![expectation(
        Layer::Outcome,
        POLL,
        Times::ONCE,
    )])));
    world.pass(120);
    let mut seen = world.seen(POLL, 120);
    seen.at = Interval {
        lo: at(50),
        hi: at(120),
    };
    seen.widened = true;
    world.tell(120, Event::Seen(seen));
    ends(&mut world, Class::Unobserved);
}

#[test]
fn a_limit_inside_an_ordinary_interval_is_classified_by_its_end_and_flagged() {
    let mut world = accepted(World::fired(leg(vec![expectation(
        Layer::Outcome,
        POLL,
        Times::ONCE,
    )])));
    world.pass(120);
    let mut seen = world.seen(POLL, 120);
    seen.at = Interval {
        lo: at(50),
        hi: at(120),
    };
    world.tell(120, Event::Seen(seen));
    ends(&mut world, Class::Late);
    assert!(world.flags(300).contains(&Flag::Straddling));
}

#[test]
fn a_look_sent_within_50_ms_of_the_limit_counts_at_the_limit() {
    for (sent, class) in [(150, Class::Delivered), (151, Class::Late)] {
        let mut world = accepted(World::fired(leg(vec![expectation(
            Layer::Outcome,
            POLL,
            Times::ONCE,
        )])));
        world.pass(160);
        let mut seen = world.seen(POLL, 160);
        seen.at = Interval {
            lo: at(90),
            hi: at(160),
        };
        seen.looked_at = Some(at(sent));
        world.tell(160, Event::Seen(seen));
        ends(&mut world, class);
    }
}

#[test]
fn a_channel_that_does_not_come_back_is_blind_after_its_patience_and_amended_when_it_does() {
    let mut world = accepted(World::fired(leg(vec![expectation(
        Layer::Outcome,
        POLL,
        Times::ONCE,
    )])));
    world.answering.clear();
    world.pass(10_199);
    assert_eq!(world.class(), None);
    world.pass(10_200);
    assert_eq!(world.class(), Some(Class::Unobserved));
    world.tell(
        20_000,
        Event::Watermark {
            channel: POLL,
            through: at(20_000),
        },
    );
    let event = world.seen(POLL, 90);
    world.tell(20_001, Event::Seen(event));
    assert_eq!(
        world.class(),
        Some(Class::Delivered),
        "unobserved becomes what it was"
    );
}

#[test]
fn the_same_message_after_an_unproved_answer_is_a_redelivery_and_after_a_proved_one_a_duplicate() {
    for (repeat, class) in [
        (Repeat::Redelivery, Class::Delivered),
        (Repeat::AfterAck, Class::Duplicate),
    ] {
        let mut world = accepted(once());
        let first = world.seen(PUSH, 20);
        let mut again = world.seen(PUSH, 30);
        again.identity = first.identity.clone();
        again.repeat = repeat;
        world.tell(20, Event::Seen(first));
        world.tell(30, Event::Seen(again));
        ends(&mut world, class);
    }
}

#[test]
fn a_row_that_changes_is_one_thing() {
    let mut world = accepted(World::fired(leg(vec![expectation(
        Layer::Outcome,
        POLL,
        Times::ONCE,
    )])));
    for (millis, marks) in [(20, (0, 0)), (40, (1, 1)), (60, (1, 1))] {
        world.marks = marks;
        let mut seen = world.seen(POLL, millis);
        seen.identity = Identity::State(String::from("row 7"));
        world.tell(millis, Event::Seen(seen));
    }
    ends(&mut world, Class::Delivered);
}

#[test]
fn what_arrives_after_the_close_amends() {
    let mut world = accepted(once());
    world.pass(300);
    assert_eq!(world.class(), Some(Class::Lost));
    world.arrives(PUSH, 400);
    assert_eq!(world.class(), Some(Class::Late));
    assert!(world.flags(400).contains(&Flag::Amended));
    let mut world = accepted(once());
    world.arrives(PUSH, 20);
    world.pass(300);
    world.arrives(PUSH, 400);
    assert_eq!(world.class(), Some(Class::Duplicate));
    assert_eq!(world.closes(), 1);
}

#[test]
fn a_run_settles_before_it_closes() {
    let mut world = accepted(once());
    world.arrives(PUSH, 20);
    world.pass(39);
    assert_eq!(world.class(), None);
    world.pass(40);
    assert_eq!(world.class(), Some(Class::Delivered));
}

#[test]
fn a_false_receipt_is_flagged() {
    let claims = expectation(Layer::Receipt, POLL, Times::ONCE);
    let mut world = accepted(World::fired(leg(vec![
        expectation(Layer::Outcome, PUSH, Times::ONCE),
        claims,
    ])));
    world.arrives(POLL, 50);
    ends(&mut world, Class::Lost);
    assert!(world.flags(300).contains(&Flag::FalseReceipt));
}

#[test]
fn an_outcome_before_the_answer_is_early() {
    let mut world = once();
    world.arrives(PUSH, 5);
    world.answered(10, Accepted::Yes);
    ends(&mut world, Class::Delivered);
    assert_eq!(world.flags(300), [Flag::Early]);
}

#[test]
fn steps_seen_in_another_order_are_flagged() {
    let steps = vec![
        expectation(Layer::Executed, PUSH, Times::ONCE),
        expectation(Layer::Executed, POLL, Times::ONCE),
        expectation(Layer::Outcome, PUSH, Times::ONCE),
    ];
    let mut world = accepted(World::fired(leg(steps)));
    world.arrives(POLL, 20);
    world.arrives(PUSH, 30);
    ends(&mut world, Class::Delivered);
    assert!(world.flags(300).contains(&Flag::OutOfOrder));
}

#[test]
fn what_a_bound_dropped_is_unobserved_and_never_lost() {
    let mut world = accepted(once());
    world.tell(
        20,
        Event::Dropped {
            channel: PUSH,
            tokens: vec![token(1)],
        },
    );
    ends(&mut world, Class::Unobserved);
    let mut world = accepted(once());
    world.tell(
        20,
        Event::Dropped {
            channel: PUSH,
            tokens: Vec::new(),
        },
    );
    ends(&mut world, Class::Unobserved);
}

#[test]
fn a_run_that_is_cut_is_unobserved() {
    let mut world = accepted(once());
    world.tell(
        50,
        Event::Cut {
            reason: String::from("interrupted"),
        },
    );
    assert_eq!((world.class(), world.closes()), (Some(Class::Unobserved), 1));
    let finding = world.machine.judge(world.run, at(50)).unwrap().findings.remove(0);
    assert_eq!(
        (finding.state, finding.why.to_string().as_str()),
        (Some(ExpectationState::Blind), "interrupted")
    );
}

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
