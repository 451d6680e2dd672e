//! A hundred thousand seeded schedules: arrivals permuted, duplicated, delayed to the very instant of a deadline,
//! channels lost and regained, ended at any point. Each is judged three times: by the machine as things become known,
//! by a machine that learns the same things in another order, and by an oracle that knows only the truth.

mod oracle;
mod script;
mod stage;
mod stop;

use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};

use super::world::World;
use crate::lifecycle::{Command, Event};
use crate::model::Class;
use script::Script;
use stage::{Outcome, play};

const SCHEDULES: u64 = 100_000;

/// The seeds of one of four parts, which run side by side.
fn part(n: u64) {
    let mut counts = std::collections::BTreeMap::<Option<Class>, u64>::new();
    for seed in n * SCHEDULES / 4..(n + 1) * SCHEDULES / 4 {
        let mut rng = rand::rngs::StdRng::seed_from_u64(seed);
        let script = Script::draw(&mut rng);
        let outcome = play(&script, &mut rng);
        let class = check(&script, &outcome, &mut rng, seed);
        *counts.entry(class).or_default() += 1;
    }
    // A simulation that never reaches a class proves nothing of it.
    for class in Class::ALL {
        assert!(
            counts.get(&Some(class)).is_some_and(|n| *n > 20),
            "{class:?} hardly ever: {counts:?}"
        );
    }
}

#[test]
fn the_first_quarter_ends_once_and_as_the_truth_says() {
    part(0);
}

#[test]
fn the_second_quarter_ends_once_and_as_the_truth_says() {
    part(1);
}

#[test]
fn the_third_quarter_ends_once_and_as_the_truth_says() {
    part(2);
}

#[test]
fn the_last_quarter_ends_once_and_as_the_truth_says() {
    part(3);
}

/// Invariants 1 to 5 and 8 of one schedule.
fn check(script: &Script, outcome: &Outcome, rng: &mut impl Rng, seed: u64) -> Option<Class> {
    let commands = &outcome.world.commands;
    let place = |wanted: &dyn Fn(&Command) -> bool| commands.iter().position(wanted);
    let count = |wanted: &dyn Fn(&Command) -> bool| commands.iter().filter(|c| wanted(c)).count();
    let fires = count(&|c| matches!(c, Command::Fire { .. }));
    let closes = count(&|c| matches!(c, Command::Close { .. }));
    let skips = count(&|c| matches!(c, Command::Skip { .. }));
    assert!(fires <= 1, "seed {seed}: fired {fires} times");
    assert_eq!(
        closes + skips,
        1,
        "seed {seed}: {closes} records and {skips} skips of one tick"
    );
    assert_eq!(
        fires, closes,
        "seed {seed}: a record of what never left, or no record of what did"
    );
    if let Some(fired) = place(&|c| matches!(c, Command::Fire { .. })) {
        let claimed = place(&|c| matches!(c, Command::Claim { .. }));
        assert!(
            claimed.is_some_and(|claimed| claimed < fired),
            "seed {seed}: fired before it was claimed"
        );
        assert!(
            outcome.armed_before_claim,
            "seed {seed}: claimed before every channel was armed"
        );
    }
    if let Some(run) = outcome.world.machine.run(outcome.world.run) {
        assert!(run.arrivals.len() <= 256, "seed {seed}: arrivals without a bound");
    }
    let class = outcome.world.class();
    if skips == 1 {
        return None;
    }
    let class = class.unwrap_or_else(|| panic!("seed {seed}: closed without a class"));
    if outcome.cut.is_none() {
        // A cut judges what is known at its instant, so that there the order does matter.
        assert_eq!(
            again(script, outcome, rng),
            Some(class),
            "seed {seed}: another order, another class\n{script:#?}"
        );
    }
    oracle::agrees(script, outcome, class)
        .unwrap_or_else(|why| panic!("seed {seed}: {class:?}, but {why}\n{script:#?}"));
    Some(class)
}

/// The class of a machine that learns the same things in another order.
fn again(script: &Script, outcome: &Outcome, rng: &mut impl Rng) -> Option<Class> {
    let mut world = World::fired(script.leg.clone());
    for (now, event) in &outcome.health {
        world.tell(*now, event.clone());
    }
    if let Some(answer) = &outcome.answer {
        world.tell(0, answer.clone());
    }
    let mut seen = outcome.seen.clone();
    seen.shuffle(rng);
    // Nobody has looked yet, so that nothing is decided for want of a sight.
    world.answering.clear();
    for (sighting, marks) in seen {
        world.marks = marks;
        world.tell(0, Event::Seen(sighting));
    }
    for (channel, through) in &outcome.through {
        world.tell(
            0,
            Event::Watermark {
                channel: *channel,
                through: *through,
            },
        );
    }
    world.pass(60_000);
    world.class()
}
