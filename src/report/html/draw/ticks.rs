//! Round values along an axis, and how they read.

use super::number::grouped;
use super::scale::{Kind, Scale};
use crate::model::Moment;

/// What the values of an axis are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A time that something takes, in seconds: `20 ms`, `5 s`, `2 min`.
    Seconds,
    /// A share from 0 to 1: `50 %`.
    Share,
    /// How many: `1,000`.
    Count,
    /// An instant, in seconds since 1970: `10:05`, `22 Nov`. UTC.
    Instant,
}

/// A round value, where it lies, and how it reads.
#[derive(Clone, Debug, PartialEq)]
pub struct Tick {
    /// The value.
    pub value: f64,
    /// Its place along the axis, 0 to 1.
    pub place: f64,
    /// Its label.
    pub label: String,
}

const MINUTE: f64 = 60.0;
const HOUR: f64 = 3600.0;
const DAY: f64 = 86_400.0;

/// Steps from one instant to the next that people count in, in seconds.
const INSTANTS: [f64; 26] = [
    0.001,
    0.01,
    0.1,
    1.0,
    5.0,
    10.0,
    30.0,
    MINUTE,
    2.0 * MINUTE,
    5.0 * MINUTE,
    10.0 * MINUTE,
    15.0 * MINUTE,
    30.0 * MINUTE,
    HOUR,
    2.0 * HOUR,
    3.0 * HOUR,
    6.0 * HOUR,
    12.0 * HOUR,
    DAY,
    2.0 * DAY,
    5.0 * DAY,
    10.0 * DAY,
    30.0 * DAY,
    100.0 * DAY,
    365.0 * DAY,
    3650.0 * DAY,
];

/// Durations of a minute and more that are round, in seconds.
const LONG: [f64; 17] = [
    MINUTE,
    2.0 * MINUTE,
    5.0 * MINUTE,
    10.0 * MINUTE,
    20.0 * MINUTE,
    30.0 * MINUTE,
    HOUR,
    2.0 * HOUR,
    6.0 * HOUR,
    12.0 * HOUR,
    DAY,
    2.0 * DAY,
    5.0 * DAY,
    10.0 * DAY,
    20.0 * DAY,
    50.0 * DAY,
    100.0 * DAY,
];

/// Round values on the scale, at most so many (two at the least), from its beginning to its end.
pub(super) fn ticks(scale: &Scale, unit: Unit, most: usize) -> Vec<Tick> {
    let most = most.max(2);
    let values = match (scale.kind(), unit) {
        (Kind::Log, Unit::Seconds) => logarithmic(scale, most, &durations(scale)),
        (Kind::Log, _) => logarithmic(scale, most, &decades(scale)),
        (Kind::Time, _) | (_, Unit::Instant) => evenly(scale, instants_step(scale, most)),
        (Kind::Linear, Unit::Seconds) => evenly(scale, seconds_step(scale, most)),
        (Kind::Linear, Unit::Count) => evenly(scale, decimal_step(scale, most).max(1.0)),
        (Kind::Linear, Unit::Share) => evenly(scale, decimal_step(scale, most)),
    };
    let step = match values.as_slice() {
        [first, second, ..] => second - first,
        _ => scale.to() - scale.from(),
    };
    let tick = |value: f64| Tick {
        value,
        place: scale.place(value),
        label: label(value, unit, step),
    };
    values.into_iter().map(tick).collect()
}

/// A duration of so many seconds as an axis says it: `0`, `250 µs`, `20 ms`, `1.5 s`, `2 min`, `3 h`, `2 d`.
#[must_use]
pub fn duration(seconds: f64) -> String {
    let size = seconds.abs();
    let (value, unit) = match size {
        _ if !size.is_finite() => return String::from("–"),
        _ if size < 0.5e-9 => return String::from("0"),
        s if s < 0.999_5e-3 => (seconds * 1e6, "µs"),
        s if s < 0.9995 => (seconds * 1e3, "ms"),
        s if s < 2.0 * MINUTE && (s < 0.9995 * MINUTE || s % MINUTE != 0.0) => (seconds, "s"),
        s if s < HOUR => (seconds / MINUTE, "min"),
        s if s < 2.0 * DAY && s != DAY => (seconds / HOUR, "h"),
        _ => (seconds / DAY, "d"),
    };
    format!("{} {unit}", three(value))
}

/// Three digits that matter, without needless zeros.
fn three(value: f64) -> String {
    let text = match value.abs() {
        v if v < 9.995 => format!("{value:.2}"),
        v if v < 99.95 => format!("{value:.1}"),
        _ => return format!("{value:.0}"),
    };
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn label(value: f64, unit: Unit, step: f64) -> String {
    match unit {
        Unit::Seconds => duration(value),
        Unit::Count => grouped(value),
        Unit::Share => {
            let digits = match step * 100.0 {
                step if step >= 0.999 => 0,
                step if step >= 0.0999 => 1,
                _ => 2,
            };
            format!("{:.digits$} %", value * 100.0)
        }
        Unit::Instant => clock(value, step),
    }
}

/// An instant by what its neighbours differ in: the second, the minute, or the day.
fn clock(value: f64, step: f64) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "the conversion saturates")]
    let text = Moment((value * 1e9).round() as i64).to_rfc3339();
    let part = |from, to| text.get(from..to).unwrap_or_default();
    let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let month = part(5, 7)
        .parse::<usize>()
        .ok()
        .and_then(|m| months.get(m.wrapping_sub(1)));
    let month = month.copied().unwrap_or_default();
    match step {
        step if step >= 60.0 * DAY => format!("{month} {}", part(0, 4)),
        step if step >= DAY => format!("{} {month}", part(8, 10).trim_start_matches('0')),
        _ if part(11, 19) == "00:00:00" => format!("{} {month}", part(8, 10).trim_start_matches('0')),
        step if step >= MINUTE => part(11, 16).to_owned(),
        step if step >= 1.0 => part(11, 19).to_owned(),
        _ => part(11, 23).to_owned(),
    }
}

/// The first of these steps with which there are few enough ticks.
fn fit(scale: &Scale, most: usize, steps: impl IntoIterator<Item = f64>) -> Option<f64> {
    let long = scale.to() - scale.from();
    #[expect(clippy::cast_precision_loss, reason = "a number of ticks")]
    let most = most as f64;
    steps.into_iter().find(|step| long / step <= most - 1.0 + 1e-9)
}

fn instants_step(scale: &Scale, most: usize) -> f64 {
    fit(scale, most, INSTANTS).unwrap_or_else(|| decimal_step(scale, most))
}

fn seconds_step(scale: &Scale, most: usize) -> f64 {
    let step = decimal_step(scale, most);
    if step < MINUTE / 2.0 {
        return step;
    }
    let long = [30.0].into_iter().chain(LONG);
    fit(scale, most, long).unwrap_or(step)
}

/// The least of 1, 2 or 5 times a power of ten with which there are few enough ticks.
fn decimal_step(scale: &Scale, most: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a number of ticks")]
    let least = (scale.to() - scale.from()) / (most as f64 - 1.0);
    let power = least.log10().floor().clamp(-300.0, 300.0);
    let steps = [1.0, 2.0, 5.0, 10.0, 20.0].map(|digit| digit * 10_f64.powf(power));
    fit(scale, most, steps).unwrap_or(steps[4])
}

/// Multiples of the step on the scale.
fn evenly(scale: &Scale, step: f64) -> Vec<f64> {
    // Time is counted in ticks, so that sums of a step that is no binary fraction do not drift.
    let (first, last) = (
        (scale.from() / step - 1e-9).ceil(),
        (scale.to() / step + 1e-9).floor(),
    );
    let mut all = Vec::new();
    let mut at = first;
    while at <= last && all.len() < 1000 {
        // Adding nothing makes a negative nothing plain.
        all.push(at * step + 0.0);
        if at + 1.0 <= at {
            // So far from zero that the next cannot be told from it.
            break;
        }
        at += 1.0;
    }
    all
}

/// Round values by how far apart they may stand: all of them, those of full decades, every second, every third of them.
fn logarithmic(scale: &Scale, most: usize, groups: &[Vec<f64>; 2]) -> Vec<f64> {
    let on = |values: &[f64]| -> Vec<f64> {
        let near = |v: &f64| *v >= scale.from() * (1.0 - 1e-9) && *v <= scale.to() * (1.0 + 1e-9);
        values.iter().copied().filter(near).collect()
    };
    for values in groups {
        let found = on(values);
        if found.len() <= most && found.len() >= 2 {
            return found;
        }
    }
    let coarse = on(&groups[1]);
    if coarse.len() >= 2 {
        let every = coarse.len().div_ceil(most);
        return coarse.into_iter().step_by(every).collect();
    }
    let fine = on(&groups[0]);
    if fine.is_empty() {
        // Less than a step: what it begins and ends with, round or not.
        return vec![scale.from(), scale.to()];
    }
    let every = fine.len().div_ceil(most);
    fine.into_iter().step_by(every).collect()
}

/// 1, 2 and 5 times each power of ten, and the powers alone.
fn decades(scale: &Scale) -> [Vec<f64>; 2] {
    let (mut fine, mut coarse) = (Vec::new(), Vec::new());
    let mut power = scale.from().log10().floor();
    while 10_f64.powf(power) <= scale.to() && power < 300.0 {
        let value = 10_f64.powf(power);
        coarse.push(value);
        fine.extend([value, 2.0 * value, 5.0 * value]);
        power += 1.0;
    }
    [fine, coarse]
}

/// The same below a minute; above it what people count in.
fn durations(scale: &Scale) -> [Vec<f64>; 2] {
    let [fine, coarse] = decades(scale).map(|values| {
        let short = values.into_iter().filter(|value| *value < MINUTE);
        short.collect::<Vec<f64>>()
    });
    let coarse_long = [
        MINUTE,
        10.0 * MINUTE,
        HOUR,
        10.0 * HOUR,
        DAY,
        10.0 * DAY,
        100.0 * DAY,
    ];
    [
        fine.into_iter().chain(LONG).collect(),
        coarse.into_iter().chain(coarse_long).collect(),
    ]
}
