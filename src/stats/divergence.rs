//! Whether two routes end their runs differently, with the noise of each taken out.

use std::collections::HashMap;
use std::hash::Hash;

use rand::{RngCore as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use super::StatError;
use super::consistency::{counts, score_of};
use super::paired::mcnemar;

/// Discordant ticks up to which all swaps of the two routes are counted.
pub const EXACT_UP_TO: usize = 20;
/// Random swaps where there are more discordant ticks.
pub const SWAPS: u64 = 9_999;

/// How far two routes differ in how they end.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Divergence {
    /// Ticks counted.
    pub ticks: u64,
    /// (C_A + C_B)/2 - C_AB: unbiased for half of Σ (p_Ak - p_Bk)², so it may come out slightly below 0.
    pub divergence: f64,
    /// The first route's own consistency.
    pub own_first: f64,
    /// The second route's own consistency.
    pub own_second: f64,
    /// The share of pairs of runs, one of each route and of different ticks, that ended the same way.
    pub across: f64,
    /// The share of ticks on which both ended the same way.
    pub same_tick: f64,
    /// Same tick less across: above 0 the routes fail together.
    pub shared_fate: f64,
    /// The chance of so great a difference if the routes' labels could be exchanged within each tick.
    pub p: f64,
    /// How p came about.
    pub p_method: SwapMethod,
}

/// How the p of a swap test came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SwapMethod {
    /// Every swap was counted, or a closed form says the same.
    Exact,
    /// So many random swaps, drawn from this seed.
    Random {
        /// How many swaps.
        rounds: u64,
        /// What they were drawn from (ChaCha8).
        seed: u64,
    },
}

/// How two routes differ that got the same input at the same ticks; each tick holds both endings.
///
/// C_AB = (Σ n_Ak n_Bk - ticks with equal endings) / (T(T-1)); the energy distance with a distance of 0 or 1. The swap
/// test's statistic is Σ (n_Ak - n_Bk)²: all swaps of discordant ticks up to [`EXACT_UP_TO`] of them, the exact
/// McNemar test where only two endings differ, else [`SWAPS`] random ones and (hits + 1)/(rounds + 1).
///
/// # Errors
/// Fewer than two ticks.
pub fn divergence<T: Eq + Hash + Clone>(ticks: &[(T, T)], seed: u64) -> Result<Divergence, StatError> {
    let own_first = score_of(&counts(ticks.iter().map(|tick| &tick.0)))?;
    let own_second = score_of(&counts(ticks.iter().map(|tick| &tick.1)))?;
    let n = ticks.len() as f64;
    let mut tally: HashMap<&T, (u128, u128)> = HashMap::new();
    for (first, second) in ticks {
        tally.entry(first).or_default().0 += 1;
        tally.entry(second).or_default().1 += 1;
    }
    let products: u128 = tally.values().map(|(a, b)| a * b).sum();
    let same = ticks.iter().filter(|(a, b)| a == b).count();
    let across = (products - same as u128) as f64 / (n * (n - 1.0));
    let same_tick = same as f64 / n;
    let (p, p_method) = swap_test(ticks, seed)?;
    Ok(Divergence {
        ticks: ticks.len() as u64,
        divergence: f64::midpoint(own_first, own_second) - across,
        own_first,
        own_second,
        across,
        same_tick,
        shared_fate: same_tick - across,
        p,
        p_method,
    })
}

/// Discordant ticks between the same two endings: how many there are, and the endings' places.
struct Group {
    ends: [usize; 2],
    forward: u64,
    size: u64,
}

fn swap_test<T: Eq + Hash>(ticks: &[(T, T)], seed: u64) -> Result<(f64, SwapMethod), StatError> {
    let (groups, endings) = group(ticks);
    let discordant: u64 = groups.iter().map(|g| g.size).sum();
    if discordant == 0 {
        return Ok((1.0, SwapMethod::Exact));
    }
    if let [only] = groups.as_slice() {
        let p = mcnemar(only.forward, only.size - only.forward)?.exact;
        return Ok((p, SwapMethod::Exact));
    }
    let observed = statistic(&groups, endings, |g| g.forward);
    if discordant <= EXACT_UP_TO as u64 {
        return Ok((count_all(&groups, endings, observed), SwapMethod::Exact));
    }
    let mut bits = Bits::new(seed);
    let mut hits = 0_u64;
    for _ in 0..SWAPS {
        if statistic(&groups, endings, |g| bits.ones(g.size)) >= observed {
            hits += 1;
        }
    }
    let p = (hits + 1) as f64 / (SWAPS + 1) as f64;
    Ok((p, SwapMethod::Random { rounds: SWAPS, seed }))
}

/// The discordant ticks by their two endings. An ending that occurs in one discordant tick alone adds the same to the
/// statistic however that tick is swapped, so all such endings share place 0, which the statistic leaves out.
fn group<T: Eq + Hash>(ticks: &[(T, T)]) -> (Vec<Group>, usize) {
    let discordant = || ticks.iter().filter(|(a, b)| a != b);
    let mut seen: HashMap<&T, u64> = HashMap::new();
    for (first, second) in discordant() {
        *seen.entry(first).or_default() += 1;
        *seen.entry(second).or_default() += 1;
    }
    let mut places: HashMap<&T, usize> = HashMap::new();
    let mut found: HashMap<[usize; 2], usize> = HashMap::new();
    let mut groups: Vec<Group> = Vec::new();
    for (first, second) in discordant() {
        let mut place = |ending| {
            if seen[ending] == 1 {
                return 0;
            }
            let next = places.len() + 1;
            *places.entry(ending).or_insert(next)
        };
        let (from, to) = (place(first), place(second));
        if from == to {
            continue;
        }
        let ends = [from.min(to), from.max(to)];
        let next = groups.len();
        let at = *found.entry(ends).or_insert(next);
        if at == next {
            groups.push(Group {
                ends,
                forward: 0,
                size: 0,
            });
        }
        groups[at].size += 1;
        groups[at].forward += u64::from(from == ends[0]);
    }
    (groups, places.len() + 1)
}

/// Σ (n_Ak - n_Bk)² over the endings with a place, where `forward` of a group's ticks go from its first ending.
fn statistic(groups: &[Group], endings: usize, mut forward: impl FnMut(&Group) -> u64) -> u128 {
    let mut differences = vec![0_i64; endings];
    for group in groups {
        let net = 2 * forward(group).cast_signed() - group.size.cast_signed();
        differences[group.ends[0]] += net;
        differences[group.ends[1]] -= net;
    }
    differences[1..]
        .iter()
        .map(|d| u128::from(d.unsigned_abs()).pow(2))
        .sum()
}

/// The share of all swaps whose statistic is at least the observed one: over the groups' numbers of forward ticks, each
/// as often as there are ways to choose them.
fn count_all(groups: &[Group], endings: usize, observed: u128) -> f64 {
    let mut forward = vec![0_u64; groups.len()];
    let (mut hits, mut all) = (0.0, 0.0);
    loop {
        let ways: f64 = groups
            .iter()
            .zip(&forward)
            .map(|(g, f)| choose(g.size, *f))
            .product();
        let mut next = forward.iter();
        all += ways;
        if statistic(groups, endings, |_| next.next().copied().unwrap_or(0)) >= observed {
            hits += ways;
        }
        let Some(at) = (0..groups.len()).find(|at| forward[*at] < groups[*at].size) else {
            return hits / all;
        };
        forward[at] += 1;
        forward[..at].fill(0);
    }
}

/// n over k, for n up to [`EXACT_UP_TO`].
fn choose(n: u64, k: u64) -> f64 {
    (0..k)
        .map(|i| (n - i) as f64 / (i + 1) as f64)
        .product::<f64>()
        .round()
}

/// Random bits, none thrown away.
struct Bits {
    random: ChaCha8Rng,
    word: u64,
    left: u32,
}

impl Bits {
    fn new(seed: u64) -> Self {
        Self {
            random: ChaCha8Rng::seed_from_u64(seed),
            word: 0,
            left: 0,
        }
    }

    /// How many of so many fair coins show heads.
    fn ones(&mut self, mut coins: u64) -> u64 {
        let mut heads = 0;
        while coins >= 64 {
            heads += u64::from(self.random.next_u64().count_ones());
            coins -= 64;
        }
        while coins > 0 {
            if self.left == 0 {
                (self.word, self.left) = (self.random.next_u64(), 64);
            }
            let take = coins.min(u64::from(self.left)) as u32;
            let mask = (1_u64 << take) - 1;
            heads += u64::from((self.word & mask).count_ones());
            self.word = self.word.checked_shr(take).unwrap_or(0);
            self.left -= take;
            coins -= u64::from(take);
        }
        heads
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticks(groups: &[(&'static str, &'static str, usize)]) -> Vec<(&'static str, &'static str)> {
        groups.iter().flat_map(|(a, b, n)| vec![(*a, *b); *n]).collect()
    }

    #[test]
    fn counting_groups_is_counting_swaps() {
        let data = ticks(&[
            ("ok", "lost", 4),
            ("lost", "ok", 1),
            ("ok", "late", 3),
            ("late", "lost", 2),
        ]);
        let observed = divergence(&data, 1).unwrap();
        // Every one of the 2^10 swaps, by hand.
        let square = |flips: u32| -> i64 {
            let mut net: HashMap<&str, i64> = HashMap::new();
            for (i, (a, b)) in data.iter().enumerate() {
                let sign = if flips >> i & 1 == 1 { -1 } else { 1 };
                *net.entry(a).or_default() += sign;
                *net.entry(b).or_default() -= sign;
            }
            net.values().map(|d| d * d).sum()
        };
        let hits = (0..1024).filter(|f| square(*f) >= square(0)).count();
        assert!((observed.p - hits as f64 / 1024.0).abs() < 1e-12);
    }

    #[test]
    fn half_a_million_distinct_endings_are_no_trouble() {
        let data: Vec<(u32, u32)> = (0..1_000_000).step_by(4).map(|i| (i, i + 1)).collect();
        let found = divergence(&data, 7).unwrap();
        assert_eq!((found.p, found.same_tick), (1.0, 0.0));
    }

    #[test]
    fn more_ticks_are_drawn_from_the_seed() {
        let data = ticks(&[
            ("ok", "ok", 60),
            ("ok", "lost", 20),
            ("lost", "ok", 2),
            ("ok", "late", 12),
            ("late", "ok", 10),
        ]);
        let one = divergence(&data, 3).unwrap();
        assert_eq!(one, divergence(&data, 3).unwrap());
        assert!(one.p < 0.01 && one.p >= 1e-4, "{one:?}");
        assert!(matches!(one.p_method, SwapMethod::Random { seed: 3, .. }));
    }
}
