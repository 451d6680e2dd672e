//! All attributes at once, and one p for the whole screen.

use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;

use super::column::{Column, Role};
use super::shuffle::{Entropies, LANES, Scorer, Shuffler};
use super::table::monte_carlo_p;
use super::{Options, StatError};

/// How one attribute came out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Score {
    /// G, summed over the strata.
    pub(super) g: f64,
    /// Its degrees of freedom.
    pub(super) df: u64,
    /// The logarithm of its own chi-square tail: what attributes are ranked by.
    pub(super) ln_p: f64,
    /// The adjusted p: how often the best of all attributes did as well by chance.
    pub(super) p: f64,
}

/// What attributes are screened against.
pub(super) struct Screen<'a> {
    /// Bad runs.
    pub(super) bad: &'a [bool],
    /// The tick of each run, if known.
    pub(super) ticks: Option<&'a [u32]>,
    /// The stratum of each run.
    pub(super) strata: &'a [u32],
    pub(super) options: Options,
    /// Which of the screens of one explanation this is: each draws its own shuffles.
    pub(super) stream: u64,
}

impl Screen<'_> {
    /// Scores the columns; where the hour matters, once more with all else shuffled within hours.
    pub(super) fn scores(&self, columns: &[&Column]) -> Result<Vec<Score>, StatError> {
        let free = self.within(columns, None)?;
        let hour = columns.iter().position(|column| column.role == Role::Hour);
        match hour {
            Some(at) if free[at].p <= self.options.significance => self.within(columns, Some(columns[at])),
            _ => Ok(free),
        }
    }

    /// Westfall and Young's min-p (1993): each shuffle gives the smallest tail of all attributes; an attribute's p is how
    /// often that was at most its own.
    fn within(&self, columns: &[&Column], hour: Option<&Column>) -> Result<Vec<Score>, StatError> {
        let entropies = Entropies::new(self.bad.len());
        let scorers: Vec<Scorer> = columns
            .iter()
            .map(|column| Scorer::new(column, self.strata, self.bad, &entropies))
            .collect();
        let mut schemes: Vec<(Scheme, Shuffler)> = Vec::new();
        let mut scheme_of = Vec::with_capacity(columns.len());
        for column in columns {
            let scheme = Scheme::of(column.role, self.ticks.is_some(), hour.is_some());
            let known = schemes.iter().position(|(other, _)| *other == scheme);
            scheme_of.push(known.unwrap_or_else(|| {
                let blocks = self.blocks(scheme, hour);
                schemes.push((scheme, Shuffler::new(self.bad, &blocks)));
                schemes.len() - 1
            }));
        }
        let mut found: Vec<(f64, f64, u64)> = scorers
            .iter()
            .map(|scorer| {
                let g = scorer.observed(self.bad, &entropies);
                (g, scorer.ln_p(g), 0)
            })
            .collect();
        let mut random = ChaCha8Rng::seed_from_u64(self.options.seed);
        random.set_stream(self.stream);
        let mut left = self.options.shuffles;
        while left > 0 {
            let lanes = left.min(LANES as u64) as usize;
            left -= lanes as u64;
            for (_, shuffler) in &mut schemes {
                shuffler.draw(lanes, &mut random);
            }
            let mut least = vec![0.0; lanes];
            for (scorer, scheme) in scorers.iter().zip(&scheme_of) {
                scorer.score(&schemes[*scheme].1, &entropies, &mut least);
            }
            for (_, ln_p, hits) in &mut found {
                // The same table may differ in the last digits.
                let own = *ln_p + 1e-9 * ln_p.abs().max(1.0);
                *hits += least.iter().filter(|least| **least <= own).count() as u64;
            }
        }
        let scores = found.into_iter().zip(&scorers).map(|((g, ln_p, hits), scorer)| {
            Ok(Score {
                g,
                df: scorer.df,
                ln_p,
                p: monte_carlo_p(hits, self.options.shuffles)?,
            })
        });
        scores.collect()
    }

    /// Which runs may exchange labels: those of one stratum, and of one tick or one hour besides.
    fn blocks(&self, scheme: Scheme, hour: Option<&Column>) -> Vec<u32> {
        let finer = match scheme {
            Scheme::Free => None,
            Scheme::WithinTicks => self.ticks,
            Scheme::WithinHours => hour.map(|hour| hour.codes.as_slice()),
        };
        match finer {
            Some(finer) => refined(self.strata, finer),
            None => self.strata.to_vec(),
        }
    }
}

/// Among which runs the labels are shuffled.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Free,
    WithinTicks,
    WithinHours,
}

impl Scheme {
    fn of(role: Role, ticks: bool, hour_matters: bool) -> Self {
        match role {
            Role::Route if ticks => Self::WithinTicks,
            Role::Hour => Self::Free,
            _ if hour_matters => Self::WithinHours,
            _ => Self::Free,
        }
    }
}

/// The strata split by one more partition.
pub(super) fn refined(strata: &[u32], finer: &[u32]) -> Vec<u32> {
    let mut places = std::collections::HashMap::new();
    let pairs = strata.iter().zip(finer);
    pairs
        .map(|pair| {
            let next = places.len() as u32;
            *places.entry(pair).or_insert(next)
        })
        .collect()
}
