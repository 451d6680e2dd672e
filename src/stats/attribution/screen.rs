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
    /// Scores the columns; where an hour matters, once more with all else shuffled within hours.
    pub(super) fn scores(&self, columns: &[&Column]) -> Result<Vec<Score>, StatError> {
        let free = self.within(columns, &[])?;
        let matters = |(column, score): &(&&Column, &Score)| {
            column.role == Role::Hour && score.p <= self.options.significance
        };
        let hours: Vec<&Column> = columns
            .iter()
            .zip(&free)
            .filter(matters)
            .map(|(column, _)| *column)
            .collect();
        if hours.is_empty() {
            return Ok(free);
        }
        self.within(columns, &hours)
    }

    /// Westfall and Young's min-p (1993): each shuffle gives the smallest tail of all attributes; an attribute's p is how
    /// often that was at most its own.
    fn within(&self, columns: &[&Column], hours: &[&Column]) -> Result<Vec<Score>, StatError> {
        let entropies = Entropies::new(self.bad.len());
        let mut schemes: Vec<(Scheme, Shuffler)> = Vec::new();
        let mut scheme_of = Vec::with_capacity(columns.len());
        for column in columns {
            let scheme = Scheme::of(column, self.ticks.is_some(), !hours.is_empty());
            let known = schemes.iter().position(|(other, _)| *other == scheme);
            scheme_of.push(known.unwrap_or_else(|| {
                let blocks = self.blocks(&scheme, hours);
                schemes.push((scheme, Shuffler::new(self.bad, &blocks)));
                schemes.len() - 1
            }));
        }
        let scorers: Vec<Scorer> = columns
            .iter()
            .map(|column| Scorer::new(column, &self.strata_of(column), self.bad, &entropies))
            .collect();
        let mut found: Vec<(f64, f64, u64)> = scorers
            .iter()
            .map(|scorer| {
                let g = scorer.observed(self.bad, &entropies);
                (g, scorer.ln_p(g), 0)
            })
            .collect();
        let mut random = ChaCha8Rng::seed_from_u64(self.options.seed);
        random.set_stream(self.stream);
        let mut drawn = 0;
        while drawn < self.options.shuffles && !self.decided(&found, drawn) {
            let lanes = (self.options.shuffles - drawn).min(LANES as u64) as usize;
            drawn += lanes as u64;
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
                p: monte_carlo_p(hits, drawn)?,
            })
        });
        scores.collect()
    }

    /// Whether so many shuffles say of each attribute on which side of the significance its p is: its hits are four
    /// standard deviations from what they would be right on it.
    fn decided(&self, found: &[(f64, f64, u64)], drawn: u64) -> bool {
        if drawn < self.options.least_shuffles {
            return false;
        }
        let (s, n) = (self.options.significance, drawn as f64);
        let margin = 4.0 * (s * (1.0 - s) * n).sqrt();
        found
            .iter()
            .all(|(_, _, hits)| (*hits as f64 - s * n).abs() >= margin)
    }

    /// The strata, and apart from them the runs that a column does not compare.
    fn strata_of(&self, column: &Column) -> Vec<u32> {
        match &column.compared {
            Some(compared) => apart(self.strata, compared),
            None => self.strata.to_vec(),
        }
    }

    /// Which runs may exchange labels: those of one stratum that are compared, and of one tick or one hour besides.
    fn blocks(&self, scheme: &Scheme, hours: &[&Column]) -> Vec<u32> {
        let strata = match scheme.compared {
            Some(compared) => apart(self.strata, compared),
            None => self.strata.to_vec(),
        };
        match (scheme.within, self.ticks) {
            (Within::Free, _) | (Within::Ticks, None) => strata,
            (Within::Ticks, Some(ticks)) => refined(&strata, ticks),
            (Within::Hours, _) => hours
                .iter()
                .fold(strata, |strata, hour| refined(&strata, &hour.codes)),
        }
    }
}

/// Among which runs the labels are shuffled.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Scheme<'a> {
    within: Within,
    compared: Option<&'a [bool]>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Within {
    Free,
    Ticks,
    Hours,
}

impl<'a> Scheme<'a> {
    fn of(column: &'a Column, ticks: bool, hours_matter: bool) -> Self {
        Self {
            within: match column.role {
                Role::Route if ticks => Within::Ticks,
                Role::Hour | Role::Epoch => Within::Free,
                _ if hours_matter => Within::Hours,
                _ => Within::Free,
            },
            compared: column.compared.as_deref(),
        }
    }
}

/// The strata, each without the runs that are not compared.
fn apart(strata: &[u32], compared: &[bool]) -> Vec<u32> {
    let sides: Vec<u32> = compared.iter().map(|c| u32::from(*c)).collect();
    refined(strata, &sides)
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
