//! What landfall could see, and when: blindness, intervals, repeats, amendments.

use super::world::{POLL, PUSH, World, accepted, at, ends, expectation, leg, once, token};
use crate::lifecycle::Event;
use crate::model::{Accepted, Class, ExpectationState, Flag, Identity, Interval, Layer, Repeat, Times};

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
fn what_a_limit_dropped_is_unobserved_and_never_lost_and_the_limit_is_named() {
    // Of this run, and of whoever waits.
    for tokens in [vec![token(1)], Vec::new()] {
        let mut world = accepted(once());
        let dropped = |what: &str| Event::Dropped {
            channel: PUSH,
            what: what.into(),
            tokens: tokens.clone(),
        };
        world.tell(20, dropped("body_limit"));
        world.tell(20, dropped("another"));
        ends(&mut world, Class::Unobserved);
        assert!(world.flags(300).contains(&Flag::Dropped), "{tokens:?}");
        let finding = world
            .machine
            .judge(world.run, at(300))
            .unwrap()
            .findings
            .remove(0);
        assert_eq!(
            finding.why.to_string(),
            "a limit of landfall's own dropped something: body_limit"
        );
    }
}

#[test]
fn a_limit_that_drops_during_an_outage_is_not_what_blinded() {
    let mut world = accepted(once());
    world.tell(
        20,
        Event::Down {
            channel: PUSH,
            since: at(20),
        },
    );
    world.tell(
        25,
        Event::Dropped {
            channel: PUSH,
            what: "body_limit".into(),
            tokens: Vec::new(),
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
    let finding = world
        .machine
        .judge(world.run, at(300))
        .unwrap()
        .findings
        .remove(0);
    assert_eq!(finding.why.to_string(), "the channel could not see");
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
fn an_answer_whose_time_ran_out_while_landfall_was_held_up_proves_nothing_that_is_missing() {
    for (belated, class) in [(true, Class::Unobserved), (false, Class::Lost)] {
        let mut world = World::fired(leg(vec![expectation(Layer::Outcome, PUSH, Times::ONCE)]));
        if belated {
            let run = world.run;
            world.tell(40, Event::Belated { run });
        }
        world.answered(50, Accepted::Unknown);
        ends(&mut world, class);
    }
    // What arrives proves itself.
    let mut world = World::fired(leg(vec![expectation(Layer::Outcome, PUSH, Times::ONCE)]));
    let run = world.run;
    world.tell(40, Event::Belated { run });
    world.answered(50, Accepted::Unknown);
    world.arrives(PUSH, 60);
    ends(&mut world, Class::Delivered);
}
