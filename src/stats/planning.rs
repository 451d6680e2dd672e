//! Before measuring: how many runs or ticks a claim needs.

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use super::StatError;
use super::betting::shows_above;
use super::error::{open_share, share, some};
use super::looks::Looks;
use super::paired::mcnemar_of;
use super::special::{binomial_at_least, binomial_weight, first_count, two_sided_z};
use super::ticks::Relative;
use super::verdict::{FARTHEST, Mode, Question, Word};

/// How long comparisons of two routes with given shares took until they had a word, over many drawn from a seed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Stopping {
    /// Comparisons drawn.
    pub repeats: u64,
    /// What they were drawn from (ChaCha8).
    pub seed: u64,
    /// Ticks after which a comparison was given up.
    pub cap: u64,
    /// The tick by which half of them had a word; `None` beyond the cap.
    pub half: Option<u64>,
    /// The tick by which 80 % had one.
    pub most: Option<u64>,
    /// The tick by which 90 % had one.
    pub nearly_all: Option<u64>,
    /// How many said each word: better, worse, worse within the margin, no difference, not enough.
    pub words: [(Word, u64); 5],
}

/// The fewest ticks, none better and none worse, that make `no difference shown` at a margin.
///
/// # Errors
/// A margin or confidence that is not above 0 and below 1; a margin so small that a thousand million ticks do not suffice.
pub fn ticks_for_no_difference(margin: f64, mode: Mode, conf: f64) -> Result<u64, StatError> {
    let margin = open_share("the margin", margin)?;
    let conf = open_share("the confidence", conf)?;
    let z2 = two_sided_z(conf).powi(2);
    let shown = |n: u64| {
        let n = n as f64;
        match mode {
            Mode::Fixed => z2 / (n + z2) < margin,
            Mode::Sequential => shows_above([0.0, n, 0.0], -margin, (1.0 - conf) / 2.0),
        }
    };
    first_count(1, FARTHEST, shown).ok_or(StatError::OutOfReach {
        what: "number of ticks",
        bound: FARTHEST,
    })
}

/// The chance that one look at `n` ticks says worse (within the margin or not), where the baseline is good with
/// probability `baseline`, the route with `route`, independently at each tick. Exact: every count of better ticks with
/// the counts of worse ones from which on the word is said.
///
/// # Errors
/// No ticks, a probability that is not from 0 to 1, a confidence that is not above 0 and below 1.
pub fn power_of_worse(baseline: f64, route: f64, n: u64, conf: f64) -> Result<f64, StatError> {
    let ticks = some("ticks", n)?;
    let (a, b) = (
        share("the baseline's share", baseline)?,
        share("the route's share", route)?,
    );
    let z = two_sided_z(open_share("the confidence", conf)?);
    let (p_better, p_worse) = (b * (1.0 - a), a * (1.0 - b));
    if p_worse <= 0.0 {
        return Ok(0.0);
    }
    let within = p_worse / (1.0 - p_better);
    let mut power = 0.0;
    let middle = (ticks * p_better) as u64;
    let mut add = |better: u64| {
        let weight = binomial_weight(better as f64, ticks, p_better, 1.0 - p_better);
        let said = |worse: u64| {
            let (b, c) = (better as f64, worse as f64);
            // Tango's upper limit is below 0 exactly where McNemar's z is beyond the normal quantile.
            c > b && (c - b) > z * (b + c).sqrt() && mcnemar_of(b, c).mid_p <= 1.0 - conf
        };
        if let Some(least) = first_count(better + 1, n - better, said) {
            let rest = ticks - better as f64;
            power += weight * binomial_at_least(least as f64, rest, within, 1.0 - within);
        }
        weight > 1e-16
    };
    // From the commonest count outwards, until the weights no longer matter. Above half, no count of worse ticks is more.
    let _ = (middle..=n / 2).take_while(|better| add(*better)).count();
    let _ = (0..middle.min(n / 2 + 1))
        .rev()
        .take_while(|better| add(*better))
        .count();
    Ok(power.min(1.0))
}

/// The fewest ticks at which one look says worse with probability `power`, up to the saw teeth of exact tests.
///
/// # Errors
/// As [`power_of_worse`]; a power that is not above 0 and below 1; a route that is not worse than its baseline, or so
/// little that ten million ticks do not suffice.
pub fn ticks_for_worse(baseline: f64, route: f64, power: f64, conf: f64) -> Result<u64, StatError> {
    /// Ticks beyond which the exact power is not searched.
    const BOUND: u64 = 10_000_000;
    let power = open_share("the power", power)?;
    power_of_worse(baseline, route, 1, conf)?;
    if route >= baseline {
        return Err(StatError::Order {
            low_what: "the route's share",
            low: route,
            relation: "below",
            high_what: "the baseline's",
            high: baseline,
        });
    }
    let reaches = |n: u64| power_of_worse(baseline, route, n, conf).is_ok_and(|p| p >= power);
    let mut bound = 1;
    while bound < BOUND && !reaches(bound) {
        bound *= 2;
    }
    let found = first_count(bound / 2, bound, |n| n > 0 && reaches(n)).ok_or(StatError::OutOfReach {
        what: "number of ticks",
        bound: BOUND,
    })?;
    // The power is no straight line of n: look for a tooth before the one found.
    let earliest = found - (found / 8).min(200);
    Ok((earliest.max(1)..found).find(|n| reaches(*n)).unwrap_or(found))
}

/// How long comparisons looked at after every tick take until they have a word, by drawing `repeats` of them. The same
/// seed draws the same.
///
/// # Errors
/// A probability that is not from 0 to 1, no repeats, a question outside its domain.
pub fn stopping(
    baseline: f64,
    route: f64,
    question: Question,
    repeats: u64,
    cap: u64,
    seed: u64,
) -> Result<Stopping, StatError> {
    some("repeats", repeats)?;
    let (a, b) = (
        share("the baseline's share", baseline)?,
        share("the route's share", route)?,
    );
    let fresh = Looks::new(question)?;
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut words = [
        Word::Better,
        Word::Worse,
        Word::WorseWithinMargin,
        Word::NoDifference,
        Word::NotEnough,
    ]
    .map(|word| (word, 0));
    let mut stops = Vec::new();
    for _ in 0..repeats {
        let mut looks = fresh.clone();
        let mut tick = 0;
        while tick < cap && looks.word() == Word::NotEnough {
            looks.add(Relative::of_success(random.random_bool(a), random.random_bool(b)));
            tick += 1;
        }
        let said = looks.word();
        if said != Word::NotEnough {
            stops.push(tick);
        }
        for (word, count) in &mut words {
            *count += u64::from(*word == said);
        }
    }
    stops.sort_unstable();
    let by = |q: f64| {
        stops
            .get(((q * repeats as f64).ceil() as usize).saturating_sub(1))
            .copied()
    };
    Ok(Stopping {
        repeats,
        seed,
        cap,
        half: by(0.5),
        most: by(0.8),
        nearly_all: by(0.9),
        words,
    })
}
