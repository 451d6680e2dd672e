//! Distributions, exact where others stop: tails of the binomial at any size, quantiles of the beta at any shape.
//!
//! statrs ends its continued fraction after 140 steps, which is too early from about 100,000 runs on; these go on until
//! the value stands still. The weights come from C. Loader, *Fast and Accurate Computation of Binomial Probabilities*
//! (2000), which loses no digits to differences of large logarithms.

use std::f64::consts::{PI, SQRT_2};

use statrs::function::erf::erfc_inv;
use statrs::function::gamma::ln_gamma;

/// The z of a two-sided interval: 1.959964 for `conf` 0.95. Taken from the tail, so that it stays exact as conf nears 1.
pub(super) fn two_sided_z(conf: f64) -> f64 {
    SQRT_2 * erfc_inv(1.0 - conf)
}

/// The probability that a chi-square variable of `df` degrees of freedom reaches `x`.
pub(super) fn chi2_tail(x: f64, df: f64) -> f64 {
    ln_chi2_tail(x, df).exp()
}

/// The logarithm of that probability: it tells far tails apart where the probability itself is 0.
pub(super) fn ln_chi2_tail(x: f64, df: f64) -> f64 {
    if x <= 0.0 || df <= 0.0 {
        return 0.0;
    }
    let (a, y) = (df / 2.0, x / 2.0);
    let ln_weight = a * y.ln() - y - ln_gamma(a);
    if y < a + 1.0 {
        return (-(ln_weight.exp() * lower_gamma_series(a, y))).ln_1p();
    }
    ln_weight + upper_gamma_fraction(a, y).ln()
}

/// The series of the lower incomplete gamma function without its weight: sum of y^k / (a (a+1) … (a+k)).
fn lower_gamma_series(a: f64, y: f64) -> f64 {
    let (mut term, mut total, mut at) = (1.0 / a, 1.0 / a, a);
    loop {
        at += 1.0;
        term *= y / at;
        total += term;
        if term <= total * f64::EPSILON / 4.0 {
            return total;
        }
    }
}

/// The continued fraction of the upper incomplete gamma function without its weight (Lentz's way).
fn upper_gamma_fraction(a: f64, y: f64) -> f64 {
    let mut b = y + 1.0 - a;
    let mut c = 1.0 / TINY;
    let mut d = 1.0 / b;
    let mut value = d;
    let mut i = 0.0;
    while i < MAX_STEPS {
        i += 1.0;
        let an = -i * (i - a);
        b += 2.0;
        d = 1.0 / away_from_zero(an * d + b);
        c = away_from_zero(b + an / c);
        let change = d * c;
        value *= change;
        if (change - 1.0).abs() <= f64::EPSILON {
            break;
        }
    }
    value
}

/// What stands for 0 in a denominator of a continued fraction.
const TINY: f64 = 1e-300;

/// Steps after which a continued fraction ends in any case: enough for counts of 2^53, which need about the square root.
const MAX_STEPS: f64 = 2e8;

fn away_from_zero(x: f64) -> f64 {
    if x.abs() < TINY { TINY } else { x }
}

/// What Stirling's formula for ln n! leaves out.
fn stirling_rest(n: f64) -> f64 {
    if n < 16.0 {
        return ln_gamma(n + 1.0) - (n + 0.5) * n.ln() + n - 0.5 * (2.0 * PI).ln();
    }
    let n2 = n * n;
    (1.0 / 12.0
        - (1.0 / 360.0
            - (1.0 / 1260.0 - (1.0 / 1680.0 - (1.0 / 1188.0 - 691.0 / 360_360.0 / n2) / n2) / n2) / n2)
            / n2)
        / n
}

/// x ln(x/m) + m - x without the loss of digits where x is near m.
fn deviance(x: f64, m: f64) -> f64 {
    if (x - m).abs() >= 0.1 * (x + m) {
        return x * (x / m).ln() + m - x;
    }
    let v = (x - m) / (x + m);
    let mut total = (x - m) * v;
    let mut term = 2.0 * x * v;
    let mut k = 1.0;
    loop {
        term *= v * v;
        let next = total + term / (2.0 * k + 1.0);
        if next == total {
            return total;
        }
        total = next;
        k += 1.0;
    }
}

/// The probability of exactly `k` of `n` where each comes with probability `p`; `q` is 1 - p, given apart because it
/// may be too near to 1 or 0 to be told from it.
pub(super) fn binomial_weight(k: f64, n: f64, p: f64, q: f64) -> f64 {
    if p <= 0.0 {
        return if k == 0.0 { 1.0 } else { 0.0 };
    }
    if q <= 0.0 {
        return if k == n { 1.0 } else { 0.0 };
    }
    if k == 0.0 {
        return (n * ln_of(q, p)).exp();
    }
    if k == n {
        return (n * ln_of(p, q)).exp();
    }
    let ln = stirling_rest(n)
        - stirling_rest(k)
        - stirling_rest(n - k)
        - deviance(k, n * p)
        - deviance(n - k, n * q);
    ln.exp() * (n / (2.0 * PI * k * (n - k))).sqrt()
}

/// ln p, where p + rest = 1.
fn ln_of(p: f64, rest: f64) -> f64 {
    if rest < 0.5 { (-rest).ln_1p() } else { p.ln() }
}

/// The regularised incomplete beta function at x for a, b of 1 or more, with y = 1 - x: the probability that a beta
/// variable of shape a, b is at most x. The smaller of the two tails is the one computed.
pub(super) fn beta_below(a: f64, b: f64, x: f64, y: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if y <= 0.0 {
        return 1.0;
    }
    let weight = binomial_weight(a, a + b, x, y) * a * b / (a + b);
    if x < (a + 1.0) / (a + b + 2.0) {
        weight * beta_fraction(a, b, x) / a
    } else {
        1.0 - weight * beta_fraction(b, a, y) / b
    }
}

/// The continued fraction of the incomplete beta function (Lentz's way), gone on with until it stands still.
fn beta_fraction(a: f64, b: f64, x: f64) -> f64 {
    let mut c = 1.0;
    let mut d = 1.0 / away_from_zero(1.0 - (a + b) * x / (a + 1.0));
    let mut value = d;
    let mut m = 0.0;
    while m < MAX_STEPS {
        m += 1.0;
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / away_from_zero(1.0 + even * d);
        c = away_from_zero(1.0 + even / c);
        value *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / away_from_zero(1.0 + odd * d);
        c = away_from_zero(1.0 + odd / c);
        let change = d * c;
        value *= change;
        if (change - 1.0).abs() <= f64::EPSILON {
            break;
        }
    }
    value
}

/// The x below which a beta variable of shape a, b (1 or more) falls with probability `p`. Closed forms at a = 1 and
/// b = 1; else halving.
pub(super) fn beta_quantile(p: f64, a: f64, b: f64) -> f64 {
    if b == 1.0 {
        return (p.ln() / a).exp();
    }
    if a == 1.0 {
        return -((-p).ln_1p() / b).exp_m1();
    }
    bisect(0.0, 1.0, |x| beta_below(a, b, x, 1.0 - x) >= p)
}

/// P(X <= k) of n tries with probability p each; q = 1 - p.
pub(super) fn binomial_at_most(k: f64, n: f64, p: f64, q: f64) -> f64 {
    if k < 0.0 {
        0.0
    } else if k >= n {
        1.0
    } else {
        beta_below(n - k, k + 1.0, q, p)
    }
}

/// P(X >= k) of n tries with probability p each; q = 1 - p.
pub(super) fn binomial_at_least(k: f64, n: f64, p: f64, q: f64) -> f64 {
    if k <= 0.0 {
        1.0
    } else if k > n {
        0.0
    } else {
        beta_below(k, n - k + 1.0, p, q)
    }
}

/// Where a condition that is false at `low` and true at `high` turns true, to the last digit of the number.
pub(super) fn bisect(mut low: f64, mut high: f64, holds: impl Fn(f64) -> bool) -> f64 {
    for _ in 0..200 {
        let middle = low + (high - low) / 2.0;
        if middle <= low || middle >= high {
            break;
        }
        if holds(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    low + (high - low) / 2.0
}

/// The smallest whole number from `low` to `high` at which a condition holds that stays true once it is.
pub(super) fn first_count(mut low: u64, mut high: u64, holds: impl Fn(u64) -> bool) -> Option<u64> {
    if low > high || !holds(high) {
        return None;
    }
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    Some(low)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(got: f64, want: f64, relative: f64) {
        assert!(
            (got - want).abs() <= relative * want.abs(),
            "{got} and not {want}"
        );
    }

    #[test]
    fn binomial_tails_hold_for_many_runs() {
        // By symmetry, P(X <= n/2) = 1/2 + P(X = n/2)/2 at p = 1/2.
        for n in [10.0, 1e4, 1e6, 1e9] {
            let half = 0.5 + 0.5 * binomial_weight(n / 2.0, n, 0.5, 0.5);
            near(binomial_at_most(n / 2.0, n, 0.5, 0.5), half, 1e-11);
        }
    }

    #[test]
    fn tails_agree_with_the_sum_of_weights() {
        for (n, p) in [(12.0, 0.3), (60.0, 0.01), (400.0, 0.93), (5000.0, 0.001)] {
            let mut below = 0.0;
            let mut k = 0.0;
            while k < n {
                below += binomial_weight(k, n, p, 1.0 - p);
                if below > 1e-290 {
                    near(binomial_at_most(k, n, p, 1.0 - p), below, 1e-11);
                }
                near(binomial_at_least(k + 1.0, n, p, 1.0 - p) + below, 1.0, 1e-11);
                k += 1.0;
            }
        }
    }

    #[test]
    fn far_tails_keep_their_digits() {
        // P(X >= n) = p^n, P(X >= 1) = 1 - q^n.
        near(binomial_at_least(30.0, 30.0, 1e-9, 1.0 - 1e-9), 1e-270, 1e-12);
        near(binomial_at_least(1.0, 1e6, 1e-12, 1.0 - 1e-12), 1e-6, 1e-6);
    }

    #[test]
    fn chi_square_tails_agree_with_closed_forms() {
        // Two degrees of freedom: e^(-x/2). Four: e^(-x/2) (1 + x/2).
        for x in [0.01, 1.0, 5.0, 40.0, 700.0, 5000.0] {
            near(ln_chi2_tail(x, 2.0), -x / 2.0, 1e-12);
            near(ln_chi2_tail(x, 4.0), -x / 2.0 + (x / 2.0).ln_1p(), 1e-11);
        }
        near(chi2_tail(3.841_458_820_694_124, 1.0), 0.05, 1e-12);
        near(ln_chi2_tail(599.0, 1.0), ln_chi2_tail(601.0, 1.0) + 1.0, 0.01);
    }

    #[test]
    fn the_beta_quantile_undoes_the_tail() {
        for (a, b) in [(2.0, 3.0), (500.0, 2.0), (5e5, 5e5), (1e6, 2.0), (2.0, 1e9)] {
            for p in [1e-6, 0.025, 0.5, 0.975] {
                let x = beta_quantile(p, a, b);
                near(beta_below(a, b, x, 1.0 - x), p, 1e-6);
            }
        }
        near(beta_quantile(0.05, 1e6, 1.0), (0.05_f64.ln() / 1e6).exp(), 1e-15);
    }
}
