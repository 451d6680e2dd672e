//! Which records are read, and how many of them at once.

use std::fmt;
use std::str::FromStr;

use crate::model::{Class, Ending, Moment, RunId, RunRecord};

/// A page holds at most so many runs where the filter names no fewer.
pub const PAGE_RUNS: u32 = 1_000;

/// So many runs are looked through for a page where no index leads to those that are wanted: by a label, or by a route or an
/// input of no named probe. A page that ends by it may hold fewer runs than it could, or none, and the next goes on there.
pub const LOOKED_THROUGH: u32 = 5_000;

/// A page ends when its records reach so many bytes of JSON, but holds one at least.
pub(super) const PAGE_BYTES: usize = 8 << 20;

/// Which records to read. What is empty or `None` lets everything through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunFilter {
    /// Only these probes.
    pub probes: Vec<String>,
    /// Only these routes.
    pub routes: Vec<String>,
    /// Only these inputs.
    pub inputs: Vec<String>,
    /// Only these classes, as last amended.
    pub classes: Vec<Class>,
    /// Only runs whose record bears all of these labels.
    pub labels: Vec<(String, String)>,
    /// Only runs whose tick is not before this.
    pub since: Option<Moment>,
    /// Only runs whose tick is before this.
    pub until: Option<Moment>,
    /// Which come first.
    pub order: Order,
    /// Only what follows this in that order: [`Page::next`] of the page before.
    pub after: Option<Place>,
    /// At most so many.
    pub limit: Option<u32>,
}

/// Which runs come first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// The latest tick.
    #[default]
    Newest,
    /// The earliest tick.
    Oldest,
}

/// Where a run stands among all: by tick, then by id. It is written and read as `NANOSECONDS.RUN`, for a caller who pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The tick, exactly.
    pub tick: Moment,
    /// The run.
    pub run: RunId,
}

/// A part of what a filter lets through.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// The records, in the filter's order.
    pub runs: Vec<RunRecord>,
    /// Where the next page begins: its `after`. `None` where nothing follows. There may be one where the page holds fewer
    /// runs than it could: see [`LOOKED_THROUGH`].
    pub next: Option<Place>,
}

/// The same, as far as figures need the runs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Endings {
    /// How they ended, in the filter's order.
    pub endings: Vec<Ending>,
    /// Where the next page begins; `None` where nothing follows.
    pub next: Option<Place>,
}

impl RunFilter {
    /// Whether it lets this record of `tick` through, whatever its order, place and limit.
    #[must_use]
    pub fn admits(&self, tick: Moment, record: &RunRecord) -> bool {
        let among = |wanted: &[String], name: &String| wanted.is_empty() || wanted.contains(name);
        self.since.is_none_or(|since| tick >= since)
            && self.until.is_none_or(|until| tick < until)
            && among(&self.probes, &record.probe)
            && among(&self.routes, &record.route)
            && among(&self.inputs, &record.input)
            && (self.classes.is_empty() || self.classes.contains(&record.class))
            && self
                .labels
                .iter()
                .all(|(name, value)| record.labels.get(name) == Some(value))
    }

    /// Whether no index leads to all that it asks for, so that a page ends after [`LOOKED_THROUGH`] runs.
    #[must_use]
    pub fn looks_through(&self) -> bool {
        !self.labels.is_empty()
            || self.probes.is_empty() && !(self.routes.is_empty() && self.inputs.is_empty())
    }

    /// How many runs its next page may hold.
    pub(super) fn page_runs(&self) -> usize {
        self.limit.map_or(PAGE_RUNS, |limit| limit.min(PAGE_RUNS)) as usize
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.tick.0, self.run)
    }
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.split_once('.')
            .and_then(|(tick, run)| {
                Some(Self {
                    tick: Moment(tick.parse().ok()?),
                    run: RunId(run.parse().ok()?),
                })
            })
            .ok_or_else(|| {
                format!("`{text}` is no place in the list of runs: use the one that the page before gave")
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_reads_what_it_writes() {
        let place = Place {
            tick: Moment(-5),
            run: RunId(uuid::Uuid::from_u128(77)),
        };
        assert_eq!(place.to_string().parse(), Ok(place));
        for wrong in ["", "5", "x.00000000-0000-0000-0000-00000000004d", "5.77x"] {
            assert!(wrong.parse::<Place>().unwrap_err().contains(wrong));
        }
    }
}
