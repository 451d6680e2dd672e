//! Every metric there is: its name, its words, its points. The texts that leave are made of this list alone.

use super::series::{LAYERS, Series, SeriesBy, Times};
use super::{Gauges, Process};
use crate::model::{Class, SkipReason};

mod telling;

pub(in crate::report) struct Family<'a> {
    /// Without the suffixes that a format adds.
    pub(in crate::report) name: &'static str,
    pub(in crate::report) help: &'static str,
    pub(in crate::report) unit: Measure,
    pub(in crate::report) points: Vec<(Labels<'a>, Value<'a>)>,
}

pub(in crate::report) type Labels<'a> = Vec<(&'static str, &'a str)>;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::report) enum Measure {
    None,
    Seconds,
    Bytes,
}

#[derive(Clone, Copy)]
pub(in crate::report) enum Value<'a> {
    /// Goes on only.
    Count(u64),
    /// Goes on only.
    Spent(f64),
    /// Goes up and down.
    Level(f64),
    Times(&'a Times),
    /// Its labels are the fact.
    Info,
}

/// Every family, in the order in which it is told.
pub(in crate::report) fn families<'a>(
    location: &'a str,
    series: &'a SeriesBy,
    now: &'a Gauges,
) -> Vec<Family<'a>> {
    let mut all = of_runs(location, series, now);
    all.extend(of_sight(now));
    all.extend(telling::families(now));
    all.extend(of_landfall(now));
    all
}

fn of_runs<'a>(location: &'a str, series: &'a SeriesBy, now: &'a Gauges) -> Vec<Family<'a>> {
    let each = |points: &dyn Fn(&'a Series) -> Points<'a>| -> Points<'a> {
        let of_one = |((probe, route), counted): (&'a (String, String), &'a Series)| {
            let leg = [
                ("probe", probe.as_str()),
                ("route", route.as_str()),
                ("location", location),
            ];
            points(counted)
                .into_iter()
                .map(move |(more, value)| (leg.into_iter().chain(more).collect(), value))
        };
        series
            .iter()
            .map(|(key, counted)| (key, counted.as_ref()))
            .flat_map(of_one)
            .collect()
    };
    let flying = series.keys().map(|key @ (probe, route)| {
        let labels = vec![
            ("probe", probe.as_str()),
            ("route", route.as_str()),
            ("location", location),
        ];
        (labels, level(now.in_flight.get(key).copied().unwrap_or(0)))
    });
    vec![
        Family {
            name: "landfall_runs",
            help: "Runs that have ended, by their first verdict",
            unit: Measure::None,
            points: each(&|s| words("class", Class::ALL.map(Class::word), &s.classes)),
        },
        Family {
            name: "landfall_amended",
            help: "Verdicts that changed after the run had closed",
            unit: Measure::None,
            points: each(&|s| {
                let changes = s.amended.iter();
                let point = |((from, to), n): (&(Class, Class), &u64)| {
                    (vec![("from", from.word()), ("to", to.word())], Value::Count(*n))
                };
                changes.map(point).collect()
            }),
        },
        Family {
            name: "landfall_silent_failures",
            help: "Runs that were accepted and then lost or mismatched: nothing said so",
            unit: Measure::None,
            points: each(&|s| vec![(Vec::new(), Value::Count(s.silent_failures))]),
        },
        Family {
            name: "landfall_skipped",
            help: "Ticks of a route that did not fire",
            unit: Measure::None,
            points: each(&|s| words("reason", SkipReason::ALL.map(SkipReason::word), &s.skipped)),
        },
        Family {
            name: "landfall_layer",
            help: "From the first byte sent until a layer said yes; runs that never did are not in it",
            unit: Measure::Seconds,
            points: each(&|s| {
                let layers = LAYERS.into_iter().zip(&s.layers);
                let point = |(layer, times)| (vec![("layer", layer)], Value::Times(times));
                layers.map(point).collect()
            }),
        },
        Family {
            name: "landfall_lag",
            help: "From the scheduled instant to the first byte sent",
            unit: Measure::Seconds,
            points: each(&|s| vec![(Vec::new(), Value::Times(&s.lag))]),
        },
        Family {
            name: "landfall_in_flight",
            help: "Runs that are waited for",
            unit: Measure::None,
            points: flying.collect(),
        },
    ]
}

type Points<'a> = Vec<(Labels<'a>, Value<'a>)>;

fn words<'a, const N: usize>(label: &'static str, words: [&'static str; N], counts: &[u64; N]) -> Points<'a> {
    let point = |(word, n): (&'static str, &u64)| (vec![(label, word)], Value::Count(*n));
    words.into_iter().zip(counts).map(point).collect()
}

fn of_sight(now: &Gauges) -> Vec<Family<'_>> {
    let states = now.states.iter().flat_map(|(probe, known)| {
        let point = move |(state, is): &(&'static str, bool)| {
            (
                vec![("probe", probe.as_str()), ("state", *state)],
                level(u64::from(*is)),
            )
        };
        known.iter().map(point)
    });
    let up = now.channels.iter();
    let seen = now.observations.iter().map(|((channel, result), n)| {
        let labels = vec![("channel", channel.as_str()), ("result", result.as_str())];
        (labels, Value::Count(*n))
    });
    let refused = now.refused.iter();
    vec![
        Family {
            name: "landfall_probe_state",
            help: "1 for the state that a probe is in, 0 for the others",
            unit: Measure::None,
            points: states.collect(),
        },
        Family {
            name: "landfall_channel_up",
            help: "Whether a channel can see",
            unit: Measure::None,
            points: up
                .map(|(channel, sees)| (vec![("channel", channel.as_str())], level(u64::from(*sees))))
                .collect(),
        },
        Family {
            name: "landfall_observations",
            help: "What channels saw, and what became of it",
            unit: Measure::None,
            points: seen.collect(),
        },
        Family {
            name: "landfall_refused",
            help: "What listeners refused, by the limit",
            unit: Measure::None,
            points: refused
                .map(|(limit, n)| (vec![("limit", limit.as_str())], Value::Count(*n)))
                .collect(),
        },
    ]
}

fn of_landfall(now: &Gauges) -> Vec<Family<'_>> {
    let Process {
        resident_bytes,
        open_fds,
        cpu_seconds,
        start_seconds,
    } = now.process;
    let one = |name, help, unit, value| Family {
        name,
        help,
        unit,
        points: vec![(Vec::new(), value)],
    };
    let version = Family {
        name: "landfall_build",
        help: "The version that runs",
        unit: Measure::None,
        points: vec![(vec![("version", env!("CARGO_PKG_VERSION"))], Value::Info)],
    };
    let taken = u64::from(now.reload_taken);
    vec![
        version,
        one(
            "landfall_store",
            "Bytes of the store on disk",
            Measure::Bytes,
            level(now.store_bytes),
        ),
        one(
            "landfall_reload_taken",
            "Whether the last reload of definitions was taken",
            Measure::None,
            level(taken),
        ),
        one(
            "landfall_reload_timestamp",
            "When definitions were last taken",
            Measure::Seconds,
            Value::Level(now.reloaded_at),
        ),
        Family {
            name: "landfall_reloads",
            help: "Reloads of definitions, by whether they were taken",
            unit: Measure::None,
            points: vec![
                (vec![("result", "taken")], Value::Count(now.reloads.0)),
                (vec![("result", "refused")], Value::Count(now.reloads.1)),
            ],
        },
        one(
            "landfall_restart_needed",
            "Keys of landfall.yaml that are another and hold from the next start on",
            Measure::None,
            level(now.restart_needed),
        ),
        one(
            "process_resident_memory",
            "Resident memory",
            Measure::Bytes,
            level(resident_bytes),
        ),
        one(
            "process_open_fds",
            "Open file descriptors",
            Measure::None,
            level(open_fds),
        ),
        one(
            "process_cpu",
            "User and system time",
            Measure::Seconds,
            Value::Spent(cpu_seconds),
        ),
        one(
            "process_start_time",
            "When the process started",
            Measure::Seconds,
            Value::Level(start_seconds),
        ),
    ]
}

/// Counts below 2^53 are exact as floats.
fn level<'a>(n: u64) -> Value<'a> {
    #[expect(clippy::cast_precision_loss, reason = "a level is told as a float")]
    Value::Level(n as f64)
}
