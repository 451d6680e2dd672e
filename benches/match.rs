//! What matching one observation costs while 1,000,000 runs are outstanding, each with two expectations, against 1,000.
//!
//! ```text
//! cargo bench --bench match
//! ```
//!
//! `lifecycle::Machine` alone, on one CPU (`taskset -c 1`); CPU time of the process. *Matching* is `Event::Seen`: from
//! the token to the run and to the order to evaluate. *With its mark* adds `Event::Marked`, which judges the run.
//! Memory is what the process grew by while the runs were handed in, fired and answered, over their number.
//! Goals: at most 1 µs, at most 10 times the cost with 1,000, at most 1 KiB a run.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a bench says what it needs by failing, and prints"
)]
#![expect(unreachable_pub, reason = "the shared part is a module of each bench")]

#[expect(dead_code, reason = "each bench uses its part")]
mod common;

use std::sync::Arc;
use std::time::Duration;

use common::{cpu, median, pin, resident};
use landfall::lifecycle::{Command, Due, DueLeg, Event, Limits, Machine, Seen, Settings};
use landfall::model::{
    Accepted, ChannelId, ExpectationSpec, Identity, Interval, Layer, Leg, Moment, ObservationId, Repeat,
    RunId, Tick, Times, Token, TokenFormat, TokenKey,
};
use rand::SeedableRng as _;
use rand::seq::SliceRandom as _;

const MANY: usize = 1_000_000;
const FEW: usize = 1_000;
/// Observations of a measurement.
const SEEN: usize = 100_000;
const ROUNDS: usize = 3;
const START: Moment = Moment(1_800_000_000_000_000_000);

fn main() {
    pin();
    let tokens = tokens(MANY);
    let (mut many, mut few) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        many.push(measure(&tokens, MANY, SEEN));
        few.push(small(&tokens));
    }
    let of = |costs: &[Cost], what: fn(&Cost) -> f64| median(costs.iter().map(what).collect());
    for (name, what) in [
        ("matching", (|c| c.seen) as fn(&Cost) -> f64),
        ("with its mark", |c| c.seen + c.marked),
    ] {
        let (few, many) = (of(&few, what), of(&many, what));
        println!(
            "{name:<14} {FEW}: {few:7.0} ns   {MANY}: {many:7.0} ns (goal 1000)   ratio {:.2} (goal 10)",
            many / few
        );
    }
    println!(
        "memory         {:.0} bytes a run (goal 1024)",
        of(&many, |c| c.bytes)
    );
}

struct Cost {
    /// Nanoseconds for one observation.
    seen: f64,
    marked: f64,
    bytes: f64,
}

/// Machines of 1,000 runs until as many observations were matched as by the large one.
fn small(tokens: &[Token]) -> Cost {
    let costs: Vec<Cost> = tokens
        .chunks_exact(FEW)
        .take(SEEN / FEW)
        .map(|tokens| measure(tokens, FEW, FEW))
        .collect();
    let mean = |what: fn(&Cost) -> f64| costs.iter().map(what).sum::<f64>() / costs.len() as f64;
    Cost {
        seen: mean(|c| c.seen),
        marked: mean(|c| c.marked),
        bytes: mean(|c| c.bytes),
    }
}

fn measure(tokens: &[Token], runs: usize, observations: usize) -> Cost {
    let before = resident();
    let mut machine = outstanding(&tokens[..runs]);
    let bytes = (resident() - before) / runs as f64;
    let mut order: Vec<usize> = (0..runs).collect();
    order.shuffle(&mut rand::rngs::StdRng::seed_from_u64(7));
    let events: Vec<Event> = order
        .iter()
        .take(observations)
        .map(|n| seen(*n as u64, tokens[*n]))
        .collect();
    let mut out = Vec::with_capacity(observations);
    let at = START.after(Duration::from_secs(2));
    let began = cpu();
    for event in events {
        machine.handle(at, event, &mut out);
    }
    let matched = cpu();
    let asked = std::mem::take(&mut out);
    assert_eq!(asked.len(), observations);
    out.reserve(observations);
    let marking = cpu();
    for command in asked {
        let Command::Evaluate { run, observation } = command else {
            panic!("{command:?}");
        };
        let marked = Event::Marked {
            run,
            observation,
            matched: 1,
            held: 1,
        };
        machine.handle(at, marked, &mut out);
    }
    let ended = cpu();
    assert_eq!(machine.open(), runs, "all wait for their second expectation");
    let each = |seconds: f64| seconds * 1e9 / observations as f64;
    Cost {
        seen: each(matched - began),
        marked: each(ended - marking),
        bytes,
    }
}

fn tokens(count: usize) -> Vec<Token> {
    let key = TokenKey::new([1; 32]);
    let issue = |n: usize| {
        let mut random = [0; 32];
        random[..8].copy_from_slice(&n.to_le_bytes());
        // The token takes its first bytes as they are: spread them as a generator would.
        let random = *blake3::hash(&random).as_bytes();
        key.issue(TokenFormat::Text, random)
    };
    (0..count).map(issue).collect()
}

fn run(n: u64) -> RunId {
    // Version 7: the time first, as the engine makes them.
    RunId(uuid::Builder::from_unix_timestamp_millis(1_800_000_000_000 + n, &[3; 10]).into_uuid())
}

/// A machine whose runs have all been armed, claimed, fired and accepted.
fn outstanding(tokens: &[Token]) -> Machine {
    let mut machine = Machine::new(Settings::STANDARD);
    let mut out = Vec::new();
    let leg = leg();
    for (n, token) in tokens.iter().enumerate() {
        let id = run(n as u64);
        let due = Due {
            probe: leg.probe.clone(),
            tick: Tick { due: START },
            start_deadline: START.after(Duration::from_secs(60)),
            limits: Limits::default(),
            paired: false,
            gap: Duration::ZERO,
            legs: vec![DueLeg {
                run: id,
                token: *token,
                leg: leg.clone(),
            }],
        };
        let armed = |channel| Event::Armed { run: id, channel };
        for event in [
            Event::Due(due),
            armed(ChannelId(0)),
            armed(ChannelId(1)),
            Event::Claimed { run: id },
            Event::Sent { run: id, at: START },
            Event::Answered {
                run: id,
                sent: START,
                at: START.after(Duration::from_secs(1)),
                accepted: Accepted::Yes,
                reason: String::new(),
                keys: Vec::new(),
            },
        ] {
            machine.handle(START, event, &mut out);
            out.clear();
        }
    }
    machine
}

fn leg() -> Arc<Leg> {
    let expectation = |channel: u32| ExpectationSpec {
        layer: Layer::Outcome,
        name: format!("channel_{channel}"),
        step: None,
        channel: ChannelId(channel.try_into().expect("small")),
        channel_name: format!("channel_{channel}"),
        within: Duration::from_secs(60),
        grace: Duration::from_secs(60),
        times: Times::ONCE,
    };
    Arc::new(Leg {
        probe: "probe".into(),
        revision: "r".into(),
        route: "route".into(),
        input: "default".into(),
        location: "here".into(),
        expectations: vec![expectation(0), expectation(1)],
        settle: Duration::from_secs(2),
    })
}

fn seen(n: u64, token: Token) -> Event {
    Event::Seen(Seen {
        observation: ObservationId(n + 1),
        channel: ChannelId(0),
        at: Interval::point(START.after(Duration::from_secs(2))),
        looked_at: None,
        widened: false,
        identity: Identity::Event(format!("msg_{n}")),
        repeat: Repeat::First,
        tokens: vec![token],
        keys: Vec::new(),
    })
}
