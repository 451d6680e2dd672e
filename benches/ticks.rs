//! How late ticks are: landfall's agenda on its own timer against a plain loop of tokio's `sleep_until`.
//!
//! ```text
//! cargo bench --bench ticks
//! ```
//!
//! Each loop hands every tick to a task of its own, and the task reads the clock: lateness is that reading less the
//! tick's instant. Both loops run in turns on the same schedule, of probes with stable phases, so that instants do not
//! fall on milliseconds. Goals at 1,000 ticks a second: p50 at most 0.1 times and p99 at most 0.5 times tokio's; at 10,000
//! a second every tick has its fate. The time in which a thousand probes are planned is told besides.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench fails by stopping, prints, and holds tokio's own timer against landfall's"
)]

use std::sync::Arc;
use std::time::Duration;

use landfall::clock::{Alarm, Clock, SystemClock};
use landfall::lifecycle::agenda::{Agenda, Clocks, Fate, Pauses, Planned};
use landfall::lifecycle::schedule::Schedule;
use landfall::model::Moment;
use tokio::sync::mpsc;

const ROUNDS: usize = 5;
const SECONDS: u64 = 3;
const EVERY: Duration = Duration::from_secs(1);

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
        start(&clock);
        for rate in [10, 1_000, 10_000] {
            compare(&clock, rate).await;
        }
    });
}

/// Planning a thousand probes.
fn start(clock: &Arc<dyn Clock>) {
    let before = clock.now();
    let agenda = agenda(clock, before, 1_000, Duration::from_secs(300));
    let took = clock.now().since(before);
    assert!(agenda.next().is_some());
    println!("1,000 probes planned in {:.2} ms", took.as_secs_f64() * 1e3);
}

async fn compare(clock: &Arc<dyn Clock>, rate: u64) {
    let (mut ours, mut tokios) = (Vec::new(), Vec::new());
    let (mut due, mut told, mut skipped) = (0, 0, 0);
    for _ in 0..ROUNDS {
        let round = landfall(clock, rate).await;
        due += round.due;
        told += round.told;
        skipped += round.skipped;
        ours.push(round.lateness);
        tokios.push(tokio_loop(clock, rate).await);
    }
    let median = |rounds: &[Vec<u64>], share: f64| {
        let mut of: Vec<u64> = rounds.iter().map(|round| quantile(round, share)).collect();
        of.sort_unstable();
        of[of.len() / 2]
    };
    for share in [0.5, 0.99] {
        let (ours, tokio) = (median(&ours, share), median(&tokios, share));
        println!(
            "{rate:>6} ticks/s  p{:<2}  landfall {:>7.1} us  tokio {:>7.1} us  ratio {:.3}",
            share * 100.0,
            micros(ours),
            micros(tokio),
            micros(ours) / micros(tokio)
        );
    }
    println!("{rate:>6} ticks/s  {due} due, {told} with a fate, {skipped} of them skipped as late");
    assert_eq!(told, due, "a tick is unaccounted for");
}

fn micros(nanos: u64) -> f64 {
    Duration::from_nanos(nanos).as_secs_f64() * 1e6
}

fn quantile(sorted: &[u64], share: f64) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a place in a list"
    )]
    let place = ((sorted.len() - 1) as f64 * share) as usize;
    sorted[place]
}

fn clocks(clock: &Arc<dyn Clock>) -> Clocks {
    Clocks {
        now: clock.now(),
        wall: clock.wall(),
    }
}

/// So many probes of one interval.
fn agenda(clock: &Arc<dyn Clock>, from: Moment, probes: u64, every: Duration) -> Agenda {
    let at = clocks(clock);
    let mut agenda = Agenda::new(Pauses::default(), at);
    let plans = (0..probes)
        .map(|n| Planned {
            probe: format!("probe-{n}").into(),
            schedule: Some(Schedule::every(every, Duration::ZERO)),
            start_deadline: None,
            lead: Duration::ZERO,
            routes: vec!["default".into()],
            windows: Arc::new([]),
        })
        .collect();
    agenda.replace(plans, from, at, &mut Vec::new());
    agenda
}

/// What one round of landfall's loop gave.
struct Round {
    /// Of each tick that was handed out, in nanoseconds, sorted.
    lateness: Vec<u64>,
    due: u64,
    told: u64,
    skipped: u64,
}

async fn landfall(clock: &Arc<dyn Clock>, rate: u64) -> Round {
    let from = clock.now();
    let mut agenda = agenda(clock, from, rate, EVERY);
    let alarm = Alarm::new(clock.clone());
    let end = clock.now().after(Duration::from_secs(SECONDS));
    let (tell, told) = mpsc::unbounded_channel();
    let (mut fates, mut handed, mut skipped, mut at) = (Vec::new(), 0, 0, clocks(clock));
    while let Some(wake) = agenda.next().filter(|wake| *wake <= end) {
        alarm.until(wake).await;
        at = clocks(clock);
        agenda.take(at, &mut fates);
        for fate in fates.drain(..) {
            match fate {
                Fate::Fire { due, .. } => {
                    handed += 1;
                    hand_over(clock, due, tell.clone());
                }
                Fate::Skip { ticks, .. } => skipped += ticks.ticks,
                Fate::Stepped { .. } => {}
            }
        }
    }
    drop(tell);
    let schedule = Schedule::every(EVERY, Duration::ZERO);
    let due = |n: u64| {
        schedule
            .between(&format!("probe-{n}"), from, at.now)
            .map_or(0, |ticks| ticks.ticks)
    };
    Round {
        lateness: all(told).await,
        due: (0..rate).map(due).sum(),
        told: handed + skipped,
        skipped,
    }
}

/// The plain loop: the same instants, by tokio's timer.
async fn tokio_loop(clock: &Arc<dyn Clock>, rate: u64) -> Vec<u64> {
    // The instants are found before the first of them is due.
    let (from, began) = (clock.now(), tokio::time::Instant::now());
    let ahead = Duration::from_millis(500);
    let mut instants: Vec<Moment> = Vec::new();
    let every = Schedule::every(EVERY, Duration::ZERO);
    let (first, end) = (from.after(ahead), from.after(ahead + EVERY * 3));
    for n in 0..rate {
        let mut at = first;
        while let Some(next) = every
            .next_after(&format!("probe-{n}"), at)
            .filter(|next| *next <= end)
        {
            instants.push(next);
            at = next;
        }
    }
    instants.sort_unstable();
    let (tell, told) = mpsc::unbounded_channel();
    for due in instants {
        tokio::time::sleep_until(began + due.since(from)).await;
        hand_over(clock, due, tell.clone());
    }
    drop(tell);
    all(told).await
}

fn hand_over(clock: &Arc<dyn Clock>, due: Moment, tell: mpsc::UnboundedSender<u64>) {
    let clock = clock.clone();
    tokio::spawn(async move {
        let late = clock.now().since(due);
        tell.send(u64::try_from(late.as_nanos()).unwrap()).unwrap();
    });
}

async fn all(mut told: mpsc::UnboundedReceiver<u64>) -> Vec<u64> {
    let mut lateness = Vec::new();
    while let Some(late) = told.recv().await {
        lateness.push(late);
    }
    lateness.sort_unstable();
    lateness
}
