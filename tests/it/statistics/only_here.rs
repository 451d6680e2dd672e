//! Functions that only check others: written plainly, apart from the product's.

use landfall::stats::Bounds;
use landfall::stats::ticks::Counts;
use landfall::stats::verdict::{Mode, Question, Word, word};
use statrs::function::beta::ln_beta;
use statrs::function::factorial::ln_binomial;

/// The confidence sequence of Howard, Ramdas, McAuliffe and Sekhon (2021) for a share: the two-sided beta-binomial
/// mixture, at its tightest at `t_opt` runs.
pub(super) fn beta_binomial_cs(k: u64, n: u64, alpha: f64, t_opt: f64, alpha_opt: f64) -> Bounds {
    let (good, bad) = (k as f64, (n - k) as f64);
    let refuted = |p: f64| {
        let variance = p * (1.0 - p);
        let l = 2.0 * (1.0 / alpha_opt).ln();
        let r = (t_opt * variance / (l + l.ln_1p()) - variance).max(1e-3 * variance);
        let (a, b) = (r / (1.0 - p), r / p);
        let martingale = ln_beta(a + good, b + bad) - ln_beta(a, b) - good * p.ln() - bad * (-p).ln_1p();
        martingale >= -alpha.ln()
    };
    // Between the share itself, which nothing refutes, and an end.
    let edge = |mut end: f64| {
        let mut inside = k as f64 / n as f64;
        for _ in 0..100 {
            let middle = f64::midpoint(end, inside);
            if refuted(middle) {
                end = middle
            } else {
                inside = middle
            }
        }
        inside
    };
    Bounds {
        lower: if k == 0 { 0.0 } else { edge(1e-12) },
        upper: if k == n { 1.0 } else { edge(1.0 - 1e-12) },
    }
}

/// The chance that the betting mixture against "the share is at most m" ever reaches 1/alpha within so many runs, each
/// good with probability p: the distribution of the number of good runs among streams that have not crossed.
pub(super) fn crossing_probability(p: f64, m: f64, alpha: f64, runs: u64) -> f64 {
    let mut alive = vec![1.0];
    let mut crossed = 0.0;
    for n in 1..=runs {
        let mut next = vec![0.0; n as usize + 1];
        for (k, weight) in alive.iter().enumerate() {
            next[k + 1] += weight * p;
            next[k] += weight * (1.0 - p);
        }
        for (k, weight) in next.iter_mut().enumerate() {
            let tally = [(1.0, k as u64), (0.0, n - k as u64)];
            let wealth = landfall::stats::betting::log_wealth(&tally, m).unwrap();
            if *weight > 0.0 && wealth >= -f64::ln(alpha) {
                crossed += *weight;
                *weight = 0.0;
            }
        }
        alive = next;
    }
    crossed
}

/// The chance that one look at n ticks says worse, failures independent within a tick: every table with its weight.
pub(super) fn power_worse_fixed(p_a: f64, p_b: f64, n: u64) -> f64 {
    let question = Question {
        margin: 0.05,
        mode: Mode::Fixed,
        conf: 0.95,
        peers: false,
    };
    let (better, worse) = (p_b * (1.0 - p_a), p_a * (1.0 - p_b));
    let mut power = 0.0;
    for b in 0..=n {
        for c in 0..=n - b {
            let same = n - b - c;
            let ways = ln_binomial(n, b) + ln_binomial(n - b, c);
            let ln = ways
                + b as f64 * better.ln()
                + c as f64 * worse.ln()
                + same as f64 * (1.0 - better - worse).ln();
            let said = word(
                Counts {
                    better: b,
                    same,
                    worse: c,
                },
                question,
            )
            .unwrap();
            if matches!(said, Word::Worse | Word::WorseWithinMargin) {
                power += ln.exp();
            }
        }
    }
    power
}

/// Fleiss' kappa of two routes and two endings, from their agreement and the share of the commoner ending.
pub(super) fn fleiss_kappa_two(agreement: f64, ok: f64) -> f64 {
    let by_chance = ok * ok + (1.0 - ok) * (1.0 - ok);
    (agreement - by_chance) / (1.0 - by_chance)
}

/// Mann and Whitney's U of the first sample, and its exact p of two sides without ties: all ways to place the ranks.
pub(super) fn mann_whitney_exact(x: &[f64], y: &[f64]) -> (f64, f64) {
    let u = x
        .iter()
        .flat_map(|a| y.iter().map(move |b| u64::from(a > b)))
        .sum::<u64>();
    let (m, n) = (x.len(), y.len());
    // ways[j][u]: of the ranks so far, j belong to the first sample, with so large a U.
    let mut ways = vec![vec![0.0; m * n + 1]; m + 1];
    ways[0][0] = 1.0;
    for place in 0..m + n {
        for j in (1..=m.min(place + 1)).rev() {
            // The j-th of the first sample at this place stands above so many of the second.
            let above = place + 1 - j;
            if above > n {
                continue;
            }
            for u in (above..=m * n).rev() {
                let more = ways[j - 1][u - above];
                ways[j][u] += more;
            }
        }
    }
    let all: f64 = ways[m].iter().sum();
    let least = (u as usize).min(m * n - u as usize);
    let below: f64 = ways[m][..=least].iter().sum();
    (u as f64, (2.0 * below / all).min(1.0))
}
