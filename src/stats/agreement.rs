//! Routes side by side: on how many ticks they agree.

use serde::Serialize;

use super::error::as_many;
use super::shares::wilson_of;
use super::{Bounds, StatError};

/// How far routes that got the same input at the same ticks ended the same way.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Agreement {
    /// Ticks counted.
    pub ticks: u64,
    /// The mean over ticks of the share of pairs of routes with equal endings.
    pub score: f64,
    /// Its limits: Wilson's at `n_eff`.
    pub bounds: Bounds,
    /// T·A(1-A)/s², with s² the sample variance of the ticks' shares; T where all ticks have the same share.
    pub n_eff: f64,
}

/// The agreement of routes. Each tick is a slice of the routes' endings, the same number in each.
///
/// # Errors
/// No ticks, fewer than two routes, ticks of different numbers of routes, a confidence that is not above 0 and below 1.
pub fn route_agreement<T: Eq>(ticks: &[impl AsRef<[T]>], conf: f64) -> Result<Agreement, StatError> {
    let Some(first) = ticks.first() else {
        return Err(StatError::Empty { what: "ticks" });
    };
    let routes = first.as_ref().len();
    if routes < 2 {
        return Err(StatError::TooFew {
            what: "routes",
            got: routes as u64,
            need: 2,
        });
    }
    let mut shares = Vec::with_capacity(ticks.len());
    for tick in ticks {
        as_many(
            "routes at the first tick",
            routes,
            "at another",
            tick.as_ref().len(),
        )?;
        shares.push(share_of_pairs(tick.as_ref()));
    }
    let n = shares.len() as f64;
    let score = shares.iter().sum::<f64>() / n;
    let squares: f64 = shares.iter().map(|share| (share - score) * (share - score)).sum();
    let n_eff = if shares.iter().all(|share| *share == shares[0]) {
        n
    } else {
        n * score * (1.0 - score) * (n - 1.0) / squares
    };
    Ok(Agreement {
        ticks: ticks.len() as u64,
        score,
        bounds: wilson_of(score.clamp(0.0, 1.0), n_eff, conf)?,
        n_eff,
    })
}

fn share_of_pairs<T: Eq>(endings: &[T]) -> f64 {
    let mut equal = 0_u64;
    for (place, one) in endings.iter().enumerate() {
        equal += endings[place + 1..].iter().filter(|other| *other == one).count() as u64;
    }
    let routes = endings.len() as f64;
    equal as f64 / (routes * (routes - 1.0) / 2.0)
}
