//! Before measuring: how many runs or ticks a claim needs.

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use super::StatError;
use super::betting::{log_wealth, shows_above};
use super::error::{open_share, share, some};
use super::looks::Looks;
use super::paired::{mcnemar_of, tango_of};
use super::shares::{exact_floor, runs_for_floor};
use super::special::{binomial_at_least, binomial_weight, first_count, two_sided_z};
use super::ticks::Relative;
use super::verdict::{FARTHEST, Mode, Question, Word};

/// No number of runs is in reach.
const NO_RUNS: StatError = StatError::OutOfReach {
    what: "number of runs",
    bound: FARTHEST,
};

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

/// The fewest runs, `failures` of them not good, that claim at least `target`, looked at once: by the exact floor.
///
/// # Errors
/// A target or a confidence that is not above 0 and below 1; one so high that a thousand million runs do not suffice.
pub fn runs_to_claim(target: f64, failures: u64, conf: f64) -> Result<u64, StatError> {
    if failures == 0 {
        return runs_for_floor(target, conf);
    }
    let target = open_share("the share to claim", target)?;
    open_share("the confidence", conf)?;
    let claims = |n: u64| exact_floor(n - failures, n, conf).is_ok_and(|floor| floor >= target);
    first_count(failures, FARTHEST, claims).ok_or(NO_RUNS)
}

/// The fewest runs that claim at least `target` to one who may look at any time: by the betting floor.
///
/// # Errors
/// As [`runs_to_claim`].
pub fn runs_to_claim_at_any_look(target: f64, failures: u64, conf: f64) -> Result<u64, StatError> {
    let target = open_share("the share to claim", target)?;
    let enough = -(1.0 - open_share("the confidence", conf)?).ln();
    let claims = |n: u64| {
        let wealth = log_wealth(&[(1.0, n - failures), (0.0, failures)], target);
        // Few runs with many failures win by being bad: only a share above the target claims it.
        let above = (n - failures) as f64 > target * n as f64;
        above && wealth.is_ok_and(|wealth| wealth >= enough)
    };
    first_count(failures.max(1), FARTHEST, claims).ok_or(NO_RUNS)
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
    fewest(BOUND, |n| {
        power_of_worse(baseline, route, n, conf).is_ok_and(|p| p >= power)
    })
}

/// The chance that one look at `n` ticks rules a loss beyond the margin out, where both routes are good with probability
/// `both`, independently at each tick. Exact: every count of better ticks with the counts of worse ones up to which
/// Tango's lower limit stays above the margin.
///
/// # Errors
/// No ticks, a probability that is not from 0 to 1, a margin or a confidence that is not above 0 and below 1.
pub fn power_of_no_loss(both: f64, margin: f64, n: u64, conf: f64) -> Result<f64, StatError> {
    let ticks = some("ticks", n)?;
    let good = share("the share of both routes", both)?;
    let margin = open_share("the margin", margin)?;
    let z = two_sided_z(open_share("the confidence", conf)?);
    let p = good * (1.0 - good);
    let within = p / (1.0 - p);
    let mut power = 0.0;
    let middle = (ticks * p) as u64;
    let mut add = |better: u64| {
        let (b, rest) = (better as f64, ticks - better as f64);
        let weight = binomial_weight(b, ticks, p, 1.0 - p);
        let lost = |worse: u64| tango_of(b, worse as f64, ticks, z).lower <= -margin;
        // From so many worse ticks on a loss is no longer ruled out.
        let shown = match first_count(0, n - better, lost) {
            Some(0) => 0.0,
            Some(least) => 1.0 - binomial_at_least(least as f64, rest, within, 1.0 - within),
            None => 1.0,
        };
        power += weight * shown;
        weight > 1e-16
    };
    let _ = (middle..=n).take_while(|better| add(*better)).count();
    let _ = (0..middle).rev().take_while(|better| add(*better)).count();
    Ok(power.min(1.0))
}

/// The fewest ticks at which one look rules a loss beyond the margin out with probability `power`, where both routes are
/// good with probability `both`, up to the saw teeth of exact tests.
///
/// # Errors
/// As [`power_of_no_loss`]; a power that is not above 0 and below 1, a margin so small that a million ticks do not
/// suffice.
pub fn ticks_for_no_loss(both: f64, margin: f64, power: f64, conf: f64) -> Result<u64, StatError> {
    let power = open_share("the power", power)?;
    power_of_no_loss(both, margin, 1, conf)?;
    fewest(1_000_000, |n| {
        power_of_no_loss(both, margin, n, conf).is_ok_and(|p| p >= power)
    })
}

/// The fewest ticks, up to `bound`, that reach what more of them reach too, but for saw teeth.
fn fewest(bound: u64, reaches: impl Fn(u64) -> bool) -> Result<u64, StatError> {
    let mut high = 1;
    while high < bound && !reaches(high) {
        high *= 2;
    }
    let found = first_count(high / 2, high, |n| n > 0 && reaches(n)).ok_or(StatError::OutOfReach {
        what: "number of ticks",
        bound,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_for_a_claim_are_those_of_the_table() {
        for (target, runs) in [(0.9, 29), (0.95, 59), (0.99, 299), (0.999, 2_995)] {
            assert_eq!(runs_to_claim(target, 0, 0.95), Ok(runs), "{target}");
            // One fewer does not claim it, and a failure costs more.
            let with_one = runs_to_claim(target, 1, 0.95).unwrap();
            assert!(exact_floor(with_one - 1, with_one, 0.95).unwrap() >= target);
            assert!(exact_floor(with_one - 2, with_one - 1, 0.95).unwrap() < target);
            assert!(with_one > runs && runs_to_claim_at_any_look(target, 0, 0.95).unwrap() > runs);
        }
        // 50 good runs have a floor of .920 at every look, 100 of .959.
        assert!((20..=50).contains(&runs_to_claim_at_any_look(0.9, 0, 0.95).unwrap()));
        assert!((50..=100).contains(&runs_to_claim_at_any_look(0.95, 0, 0.95).unwrap()));
        let wanted = runs_to_claim_at_any_look(0.9, 2, 0.95).unwrap();
        assert!(super::super::betting::floor_of_share(wanted - 2, wanted, 0.95).unwrap() >= 0.9 - 1e-9);
        assert!(runs_to_claim(1.0, 0, 0.95).is_err() && runs_to_claim(f64::NAN, 2, 0.95).is_err());
    }

    #[test]
    fn ticks_for_no_loss_are_those_of_the_table() {
        for (both, margin, ticks) in [
            (0.999, 0.10, 35),
            (0.99, 0.10, 53),
            (0.95, 0.10, 95),
            (0.999, 0.05, 73),
            (0.99, 0.05, 124),
            (0.95, 0.05, 326),
        ] {
            let found = ticks_for_no_loss(both, margin, 0.8, 0.95).unwrap();
            assert_eq!(found, ticks, "{both} {margin}");
        }
    }

    #[test]
    fn ticks_for_worse_are_those_of_the_table() {
        for (baseline, route, ticks) in [
            (0.99, 0.5, [13, 15]),
            (0.99, 0.8, [38, 46]),
            (0.999, 0.9, [68, 81]),
            (0.99, 0.9, [91, 116]),
        ] {
            let found = [0.8, 0.9].map(|power| ticks_for_worse(baseline, route, power, 0.95).unwrap());
            assert_eq!(found, ticks, "{baseline} {route}");
        }
    }
}
