//! What share of runs had not arrived after which time, by route.

use maud::Markup;

use super::{Axis, Frame, Hit, Scale, Span, Unit, duration, route_class};
use crate::report::course::Waits;
use crate::report::words::{count, percent};

/// A curve is read off at so many places along the axis.
const READ: u32 = 60;

/// The curve of one route.
#[derive(Clone, Copy, Debug)]
pub struct Curve<'a> {
    /// How it is called; shown as it is.
    pub name: &'a str,
    /// Its place among the routes, which chooses its line.
    pub place: usize,
    /// The curve.
    pub waits: &'a Waits,
}

/// The curves over one logarithmic axis of time, each with its band, and `limits`, by which an outcome should arrive and after
/// which it counts as lost, in seconds. The height at which a curve ends is the loss. `None` without a curve.
#[must_use]
pub fn waits(id: &str, curves: &[Curve<'_>], limits: Option<(f64, f64)>) -> Option<Markup> {
    let arrivals = || {
        curves
            .iter()
            .flat_map(|curve| &curve.waits.points)
            .map(|p| p.seconds)
    };
    let ends = curves.iter().map(|curve| curve.waits.longest);
    let last = ends.chain(limits.map(|(_, end)| end)).fold(0.0, f64::max);
    if curves.is_empty() || last <= 0.0 {
        return None;
    }
    let first = arrivals().filter(|at| *at > 0.0).fold(f64::INFINITY, f64::min);
    let first = if first.is_finite() { first } else { last / 1000.0 };
    // From the round value before the first arrival.
    let from = 10_f64.powf(first.log10().floor()).min(last / 10.0);
    let x = Axis::new(
        "since the request left",
        Scale::log(from, last * 1.05),
        Unit::Seconds,
    );
    let y = Axis::new("not yet arrived", Scale::linear(0.0, 1.0), Unit::Share);
    let said: Vec<String> = curves.iter().map(said).collect();
    let said = format!("{}.", said.join(". "));
    let frame = Frame::new(
        id,
        "Share of runs not yet arrived, by route",
        &said,
        200.0,
        x,
        Some(y),
    );
    let mut layers = Vec::new();
    for curve in curves {
        layers.push(frame.band(&class(curve.place), &band(curve.waits, from)));
    }
    for curve in curves {
        layers.push(frame.steps(&class(curve.place), &line(curve.waits, from)));
    }
    if let Some((within, end)) = limits {
        // Its words stand lower, since the other limit is often near.
        layers.push(frame.mark("limit", within, ""));
        layers.push(frame.say("", within, 26.0, &format!("within {}", duration(within))));
        if end > within {
            layers.push(frame.mark("end", end, &format!("lost after {}", duration(end))));
        }
    }
    layers.push(frame.hits(&hits(&frame, curves)));
    Some(frame.draw(&layers))
}

/// That of the route's lines, and one by which a script hides them.
fn class(place: usize) -> String {
    format!("{} at-{place}", route_class(place))
}

/// What every curve is at places along the axis, each on a line of its own, in their order.
fn hits(frame: &Frame, curves: &[Curve<'_>]) -> Vec<Hit> {
    let (from, to) = (frame.x().scale().from(), frame.x().scale().to());
    let at = |n: u32| from * (to / from).powf(f64::from(n) / f64::from(READ));
    let one = |n: u32| {
        let seconds = at(n);
        let share = |curve: &Curve<'_>| {
            let passed = curve
                .waits
                .points
                .partition_point(|point| point.seconds <= seconds);
            let left = passed
                .checked_sub(1)
                .map_or(1.0, |last| curve.waits.points[last].share);
            format!("{} {}", curve.name, percent(Some(left)))
        };
        let shares: Vec<String> = curves.iter().map(share).collect();
        Hit {
            from: seconds,
            to: at(n + 1),
            said: format!(
                "not yet arrived after {}\n{}",
                duration(seconds),
                shares.join("\n")
            ),
        }
    };
    (0..READ).map(one).collect()
}

/// `stripe: 412 runs, half arrived after 1.2 s, 95 % after 3 s; 2.1 % never arrived`.
fn said(curve: &Curve<'_>) -> String {
    let waits = curve.waits;
    let by = |left: f64| match waits.points.iter().find(|point| point.share <= left + 1e-12) {
        Some(point) => format!("after {}", duration(point.seconds)),
        None => String::from("not reached"),
    };
    #[expect(clippy::cast_precision_loss, reason = "counts of runs are far below 2^52")]
    let lost = waits.never as f64 / waits.runs.max(1) as f64;
    format!(
        "{}: {}, half arrived {}, 95 % {}; {} never arrived",
        curve.name,
        count(waits.runs, "run"),
        by(0.5),
        by(0.05),
        percent(Some(lost))
    )
}

/// From the beginning of the axis to the end of the watch.
fn line(waits: &Waits, from: f64) -> Vec<(f64, f64)> {
    let points = waits.points.iter().map(|point| (point.seconds, point.share));
    let last = waits.points.last().map_or(1.0, |point| point.share);
    std::iter::once((from, 1.0))
        .chain(points)
        .chain(std::iter::once((waits.longest, last)))
        .collect()
}

fn band(waits: &Waits, from: f64) -> Vec<Span> {
    let ends = waits.points.iter().skip(1).map(|point| point.seconds);
    let ends = ends.chain(std::iter::once(waits.longest));
    waits
        .points
        .iter()
        .zip(ends)
        .filter_map(|(point, end)| {
            Some(Span {
                from: point.seconds.max(from),
                to: end.max(from),
                lo: point.lower?,
                hi: point.upper?,
            })
        })
        .collect()
}
