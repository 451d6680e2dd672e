//! What becomes of a run whose process ended before it did.

use super::world::{NEVER, POLL, PUSH, SENT, World, at, ends, expectation, leg};
use crate::lifecycle::{Answered, Command, Ended, Event, Firing, Judged};
use crate::model::{Accepted, Class, Flag, Identity, Interval, Layer, ObservationId, Times};

fn outcome(channel: crate::model::ChannelId) -> std::sync::Arc<crate::model::Leg> {
    leg(vec![expectation(Layer::Outcome, channel, Times::ONCE)])
}

fn answered() -> Firing {
    Firing::Answered {
        sent: SENT,
        answered: Answered {
            at: at(10),
            accepted: Accepted::Yes,
            reason: String::new(),
        },
    }
}

const UNKNOWN: Firing = Firing::Unknown { claimed: SENT };

fn interrupted() -> Firing {
    Firing::Interrupted {
        sent: SENT,
        until: at(5),
    }
}

fn never_fired(world: &World) {
    let acts = |c: &&Command| {
        matches!(
            c,
            Command::Fire { .. } | Command::Claim { .. } | Command::Skip { .. }
        )
    };
    assert_eq!(world.commands.iter().find(acts), None);
}

/// Found by the first look after the start: it came at any time since the request left.
fn found(world: &mut World, millis: i64) {
    let mut seen = world.seen(POLL, millis);
    seen.at = Interval {
        lo: SENT,
        hi: at(millis),
    };
    (seen.looked_at, seen.widened) = (Some(at(millis)), true);
    seen.identity = Identity::State(String::from("row"));
    world.tell(millis, Event::Seen(seen));
}

#[test]
fn what_was_seen_before_stands() {
    let mut earlier = World::new();
    let seen = vec![earlier.seen(PUSH, 50)];
    let mut world = World::resumed(outcome(PUSH), answered(), seen, 60, 5_000);
    world.rearm(5_000);
    never_fired(&world);
    ends(&mut world, Class::Delivered);
}

#[test]
fn a_sender_that_tried_again_in_time_is_delivered_and_one_that_did_not_is_unobserved() {
    let mut world = World::resumed(outcome(PUSH), answered(), Vec::new(), 20, 60);
    world.rearm(60);
    world.arrives(PUSH, 90);
    ends(&mut world, Class::Delivered);
    let mut world = World::resumed(outcome(PUSH), answered(), Vec::new(), 20, 60);
    world.rearm(60);
    ends(&mut world, Class::Unobserved);
    let mut world = World::resumed(outcome(PUSH), answered(), Vec::new(), 20, 60);
    world.rearm(60);
    // An earlier attempt may have found nobody.
    world.arrives(PUSH, 150);
    ends(&mut world, Class::Unobserved);
}

#[test]
fn its_deadlines_are_those_of_the_first_process() {
    let mut world = World::resumed(outcome(POLL), answered(), Vec::new(), 20, 60);
    world.rearm(60);
    world.pass(199);
    assert_eq!(world.class(), None);
    world.pass(201);
    assert_eq!(world.class(), Some(Class::Lost));
}

#[test]
fn what_a_look_finds_is_timed_by_all_that_it_may_have_been() {
    let mut world = World::resumed(outcome(POLL), answered(), Vec::new(), 20, 60);
    found(&mut world, 60);
    world.rearm(60);
    ends(&mut world, Class::Delivered);
    let mut world = World::resumed(outcome(POLL), answered(), Vec::new(), 20, 180);
    found(&mut world, 180);
    world.rearm(180);
    ends(&mut world, Class::Unobserved);
}

#[test]
fn past_its_grace_it_is_closed_after_one_look_that_began_after_it_was_watched_again() {
    let mut world = World::resumed(outcome(POLL), answered(), Vec::new(), 20, 5_000);
    // Somebody else's look: it did not ask for this run.
    let through = at(5_001);
    world.tell(
        5_001,
        Event::Watermark {
            channel: POLL,
            through,
        },
    );
    assert_eq!(world.class(), None, "nobody has looked for it yet");
    world.rearm(5_002);
    assert_eq!(world.class(), Some(Class::Lost));
    let looks = world
        .commands
        .iter()
        .filter(|c| matches!(c, Command::Look { .. }));
    assert_eq!(looks.count(), 1);
    assert!(
        world
            .commands
            .iter()
            .any(|c| matches!(c, Command::Cleanup { .. }))
    );
}

#[test]
fn a_channel_that_does_not_come_back_is_waited_for_with_patience() {
    let mut world = World::resumed(outcome(POLL), answered(), Vec::new(), 20, 5_000);
    world.pass(14_999);
    assert_eq!(world.class(), None);
    world.pass(15_001);
    assert_eq!(world.class(), Some(Class::Unobserved));
    world.rearm(15_500);
    ends(&mut world, Class::Unobserved);
}

#[test]
fn fire_unknown_is_unobserved_unless_an_outcome_proves_it() {
    let mut world = World::resumed(outcome(POLL), UNKNOWN, Vec::new(), 0, 60);
    world.rearm(60);
    never_fired(&world);
    ends(&mut world, Class::Unobserved);
    assert!(world.flags(11_000).contains(&Flag::FireUnknown));
    let mut world = World::resumed(outcome(POLL), UNKNOWN, Vec::new(), 0, 60);
    found(&mut world, 60);
    world.rearm(60);
    ends(&mut world, Class::Delivered);
    assert!(world.flags(11_000).contains(&Flag::FireUnknown));
    // It is not known when it left, so late is not known either.
    let mut world = World::resumed(outcome(PUSH), UNKNOWN, Vec::new(), 0, 1);
    world.rearm(1);
    world.arrives(PUSH, 150);
    ends(&mut world, Class::Unobserved);
}

#[test]
fn cut_off_by_landfall_itself_it_cannot_be_lost() {
    let mut world = World::resumed(outcome(POLL), interrupted(), Vec::new(), 5, 60);
    world.rearm(60);
    ends(&mut world, Class::Unobserved);
    let mut world = World::resumed(outcome(PUSH), interrupted(), Vec::new(), 5, 6);
    world.rearm(6);
    world.arrives(PUSH, 50);
    ends(&mut world, Class::Delivered);
    assert!(world.flags(11_000).contains(&Flag::InDoubt));
}

#[test]
fn the_forbidden_is_not_said_to_have_stayed_away_while_nobody_looked() {
    let both = || {
        leg(vec![
            expectation(Layer::Outcome, POLL, Times::ONCE),
            expectation(Layer::Outcome, PUSH, NEVER),
        ])
    };
    let mut world = World::resumed(both(), answered(), Vec::new(), 20, 60);
    found(&mut world, 60);
    world.rearm(60);
    ends(&mut world, Class::Unobserved);
}

#[test]
fn a_refusal_that_was_on_record_stays_one() {
    let refused = Firing::Answered {
        sent: SENT,
        answered: Answered {
            at: at(10),
            accepted: Accepted::No,
            reason: String::from("status: 500"),
        },
    };
    let mut world = World::resumed(outcome(POLL), refused, Vec::new(), 20, 60);
    world.rearm(60);
    ends(&mut world, Class::Rejected);
}

#[test]
fn where_the_clock_was_set_meanwhile_only_what_was_decided_before_stands() {
    for (known, class) in [(vec![50], Class::Delivered), (Vec::new(), Class::Unobserved)] {
        let mut world = World::new();
        let seen = known.into_iter().map(|at| world.seen(POLL, at)).collect();
        let mut resumed = world.left_over(outcome(POLL), answered(), seen);
        resumed.unclocked = Some(ObservationId(1));
        world.tell(60, Event::Resumed(Box::new(resumed)));
        // A second sighting has a number of the new process.
        world.seen(POLL, 60);
        found(&mut world, 70);
        world.rearm(70);
        world.pass(11_000);
        let class = if class == Class::Delivered {
            // It was there before, and is there again under another name: twice.
            Class::Duplicate
        } else {
            class
        };
        assert_eq!(world.class(), Some(class));
    }
}

#[test]
fn closed_before_it_is_amended_by_what_arrives_and_by_nothing_else() {
    for (before, after) in [
        (Class::Lost, Class::Late),
        (Class::Unobserved, Class::Unobserved),
        (Class::Rejected, Class::Phantom),
    ] {
        let mut world = World::new();
        let accepted = if before == Class::Rejected {
            Accepted::No
        } else {
            Accepted::Yes
        };
        let firing = Firing::Answered {
            sent: SENT,
            answered: Answered {
                at: at(10),
                accepted,
                reason: String::new(),
            },
        };
        let mut resumed = world.left_over(outcome(PUSH), firing, Vec::new());
        resumed.ended = Some(Ended {
            at: at(220),
            class: before,
            amendments: Vec::new(),
            cleanup_failed: false,
            belated: false,
            delay: std::time::Duration::ZERO,
            judged: Judged {
                blind: u64::from(before == Class::Unobserved),
                ..Judged::default()
            },
        });
        world.tell(5_000, Event::Resumed(Box::new(resumed)));
        world.pass(60_000);
        assert_eq!((world.class(), world.closes()), (Some(before), 0));
        world.arrives(PUSH, 60_001);
        assert_eq!(world.class(), Some(after));
        let amends = world
            .commands
            .iter()
            .filter(|c| matches!(c, Command::Amend { .. }));
        assert_eq!(amends.count(), usize::from(before != after));
        assert_eq!(world.machine.open(), 0);
    }
}

#[test]
fn a_stall_widens_what_is_read_at_its_end_and_blinds_who_waits_for_what_was_not() {
    let stall = |lost: bool| Event::Stalled {
        from: at(60),
        to: at(160),
        lost: if lost { vec![PUSH] } else { Vec::new() },
    };
    // Read at the end of it: on time or late, nobody knows.
    for told_before in [true, false] {
        let mut world = super::world::accepted(super::world::once());
        world.pass(60);
        let seen = world.seen(PUSH, 161);
        if told_before {
            world.tell(161, Event::Seen(seen.clone()));
        }
        world.tell(161, stall(false));
        if !told_before {
            world.tell(161, Event::Seen(seen));
        }
        ends(&mut world, Class::Unobserved);
    }
    let mut world = super::world::accepted(super::world::once());
    world.pass(60);
    world.tell(161, stall(true));
    ends(&mut world, Class::Unobserved);
    // Senders wait a while: a short one loses nothing.
    let mut world = super::world::accepted(super::world::once());
    world.pass(60);
    world.tell(161, stall(false));
    ends(&mut world, Class::Lost);
    let mut world = super::world::accepted(super::world::once());
    world.arrives(PUSH, 50);
    world.tell(161, stall(true));
    ends(&mut world, Class::Delivered);
}
