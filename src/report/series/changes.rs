//! One window against another.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::rows::Rows;
use super::{SeriesKey, Share};
use crate::stats::CONFIDENCE;
use crate::stats::logrank::log_rank;
use crate::stats::shares::newcombe;
use crate::stats::shift::unpaired;
use crate::stats::survival::Watched;
use crate::stats::verdict::{MARGIN, Word, withheld};

/// Runs of either window up to which latencies are laid against each other one by one.
const MOST: usize = 1_000_000;

/// A series in the window against the same in another. They were not paired: time is confounded with the change.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ChangeFigures {
    /// The route's name.
    pub route: String,
    /// The input's name.
    pub input: String,
    /// Where landfall ran.
    pub location: String,
    /// The earlier or other window.
    pub before: Side,
    /// The window of the report.
    pub now: Side,
    /// What is said of the share on time: `better`, `worse`, `worse, within margin`, `no difference shown`, `not enough
    /// runs`; null where it is withheld, for too much was not observed in a window.
    pub word: Option<String>,
    /// On time; null where a window has no observed run.
    pub on_time: Option<DifferenceFigures>,
    /// Silent failures; null where a window has no run that was accepted and observed.
    pub silent_failures: Option<DifferenceFigures>,
    /// By how much later outcomes arrive, over runs that arrived (Hodges and Lehmann). A route that loses its slow runs
    /// looks faster: read it with the share on time. Null where none arrived in a window, and from roll-ups.
    pub latency: Option<ShiftFigures>,
    /// The chance of such different times of arrival if both windows were alike, a run that never arrived included
    /// (log-rank); null where a window has no run, and from roll-ups.
    pub arrival_p: Option<f64>,
}

/// One of two windows.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Side {
    /// Its definition; the last, where it has several.
    pub revision: Option<String>,
    /// Its runs by that definition.
    pub runs: u64,
    /// Its runs by others, left out.
    pub left_out: u64,
    /// On time.
    pub on_time: Share,
    /// Silent failures.
    pub silent_failures: Share,
}

/// The difference of two shares that were not paired.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct DifferenceFigures {
    /// Now less before, -1 to 1.
    pub difference: f64,
    /// The lower limit of its 95 % interval (Newcombe).
    pub lower: f64,
    /// The upper limit.
    pub upper: f64,
}

/// A shift in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ShiftFigures {
    /// Positive: later than before.
    pub seconds: f64,
    /// The lower limit of its 95 % interval; null where so few runs give none.
    pub lower: Option<f64>,
    /// The upper limit; null where so few runs give none.
    pub upper: Option<f64>,
}

/// Series as far as a comparison goes.
#[derive(Clone, Debug)]
pub(super) struct Compared {
    pub(super) side: Side,
    pub(super) unobserved: u64,
    /// When outcomes arrived, and how many did not, with how long they were watched.
    pub(super) outcome: Option<(Vec<f64>, u64, f64)>,
}

/// A route, an input and a location.
pub(super) type Place = (String, String, String);

/// The runs of a probe by place, of the last definition of each.
pub(super) fn of_rows(series: &BTreeMap<SeriesKey, Rows>, probe: &str) -> BTreeMap<Place, Compared> {
    let mut places: BTreeMap<Place, Vec<(&SeriesKey, &Rows)>> = BTreeMap::new();
    for (key, rows) in series.iter().filter(|(key, _)| key.probe == probe) {
        let place = (key.route.clone(), key.input.clone(), key.location.clone());
        places.entry(place).or_default().push((key, rows));
    }
    let last = |(place, all): (Place, Vec<(&SeriesKey, &Rows)>)| {
        let runs: u64 = all.iter().map(|(_, rows)| rows.runs()).sum();
        let (key, rows) = all
            .into_iter()
            .max_by_key(|(_, rows)| rows.ticks.map(|ticks| ticks.1))?;
        let on_time = rows.good.iter().filter(|good| **good).count() as u64;
        let outcome = &rows.layers[2];
        let compared = Compared {
            side: Side {
                revision: Some(key.revision.clone()),
                runs: rows.runs(),
                left_out: runs - rows.runs(),
                on_time: Share::of(on_time, rows.good.len() as u64),
                silent_failures: Share::of(rows.silent, rows.judged),
            },
            unobserved: rows.unobserved(),
            outcome: rows.watched.map(|(_, most)| {
                let arrived = outcome.reached.iter().map(|seconds| seconds.1);
                (arrived.collect(), outcome.never, most)
            }),
        };
        Some((place, compared))
    };
    places.into_iter().filter_map(last).collect()
}

/// Each place that both windows have.
pub(super) fn changes(
    now: &BTreeMap<Place, Compared>,
    before: &BTreeMap<Place, Compared>,
) -> Vec<ChangeFigures> {
    let both = now
        .iter()
        .filter_map(|(place, now)| Some((place, now, before.get(place)?)));
    both.map(|(place, now, before)| change(place, now, before))
        .collect()
}

fn change(place: &Place, now: &Compared, before: &Compared) -> ChangeFigures {
    let difference = |share: fn(&Side) -> Share| {
        let (now, before) = (share(&now.side), share(&before.side));
        let found = newcombe(now.count, now.of, before.count, before.of, CONFIDENCE).ok()?;
        Some(DifferenceFigures {
            difference: found.estimate,
            lower: found.bounds.lower,
            upper: found.bounds.upper,
        })
    };
    let on_time = difference(|side| side.on_time);
    let blind = |side: &Compared| withheld(side.unobserved, side.side.runs, 0, 0).is_some();
    let word = match (blind(now) || blind(before), on_time) {
        (true, _) => None,
        (false, None) => Some(Word::NotEnough),
        (false, Some(found)) => Some(word(found)),
    };
    let times = now.outcome.as_ref().zip(before.outcome.as_ref());
    let times = times.filter(|(now, before)| now.0.len() <= MOST && before.0.len() <= MOST);
    ChangeFigures {
        route: place.0.clone(),
        input: place.1.clone(),
        location: place.2.clone(),
        before: before.side.clone(),
        now: now.side.clone(),
        word: word.map(|word| word.as_str().to_owned()),
        on_time,
        silent_failures: difference(|side| side.silent_failures),
        latency: times.and_then(|(now, before)| {
            let found = unpaired(&now.0, &before.0, CONFIDENCE).ok()?;
            Some(ShiftFigures {
                seconds: found.estimate,
                lower: found.lower,
                upper: found.upper,
            })
        }),
        arrival_p: times.and_then(|(now, before)| {
            let found = log_rank(&watched(now), &watched(before)).ok()?;
            Some(found.p)
        }),
    }
}

/// The words of every comparison, by the interval alone.
fn word(found: DifferenceFigures) -> Word {
    if found.lower > 0.0 {
        Word::Better
    } else if found.upper < 0.0 && found.lower > -MARGIN {
        Word::WorseWithinMargin
    } else if found.upper < 0.0 {
        Word::Worse
    } else if found.lower > -MARGIN && found.upper < MARGIN {
        Word::NoDifference
    } else {
        Word::NotEnough
    }
}

fn watched((arrived, never, most): &(Vec<f64>, u64, f64)) -> Vec<Watched> {
    let arrivals = arrived.iter().map(|seconds| Watched {
        seconds: *seconds,
        arrived: true,
    });
    let lost = Watched {
        seconds: *most,
        arrived: false,
    };
    let never = usize::try_from(*never).unwrap_or(usize::MAX);
    arrivals.chain(std::iter::repeat_n(lost, never)).collect()
}
