//! How long outcomes took, over time: the median in a band from the fastest to the slowest twentieth.

use maud::Markup;

use super::timeline::{ends, when};
use super::{Axis, Hit, Layer, Scale, Span, Timeline, Unit, duration, route_class};
use crate::report::course::{RouteCourse, Waited};
use crate::report::words::count;

/// The greatest value is so many times the least where the axis counts by the logarithm.
const WIDE: f64 = 20.0;

/// One axis for these routes, so that they can be laid against each other.
#[must_use]
pub fn latency_axis<'a>(routes: impl IntoIterator<Item = &'a RouteCourse>) -> Axis {
    let (mut least, mut most) = (f64::INFINITY, 0.0_f64);
    for waited in routes
        .into_iter()
        .flat_map(|route| &route.buckets)
        .filter_map(|b| b.outcome)
    {
        for value in [waited.p05, waited.p50, waited.p95].into_iter().flatten() {
            least = least.min(value.max(1e-6));
            most = most.max(value);
        }
    }
    let scale = match most {
        most if most <= 0.0 => Scale::linear(0.0, 1.0),
        most if most > WIDE * least => Scale::log(least * 0.8, most * 1.3),
        most => Scale::linear(0.0, most * 1.15),
    };
    Axis::new("until the outcome", scale, Unit::Seconds)
}

/// The latency of one route over time. Where a twentieth or more never arrived the band ends at the top, and a strip above
/// tells so.
#[must_use]
pub fn latency(
    id: &str,
    (name, place): (&str, usize),
    route: &RouteCourse,
    time: Timeline<'_>,
    y: &Axis,
) -> Markup {
    let known: Vec<(f64, f64, Waited, String)> = route
        .buckets
        .iter()
        .filter_map(|bucket| {
            let (from, to) = ends(bucket);
            Some((from, to, bucket.outcome?, when(bucket)))
        })
        .collect();
    let said = said(name, &known);
    let frame = time.frame(
        id,
        &format!("Latency of {name} over time"),
        &said,
        88.0,
        y.clone(),
    );
    let (bottom, top) = (y.scale().from(), y.scale().to());
    let span = |from: f64, to: f64, lo: Option<f64>, hi: Option<f64>| Span {
        from,
        to,
        lo: lo.unwrap_or(f64::NAN),
        hi: hi.unwrap_or(top),
    };
    let band: Vec<Span> = known
        .iter()
        .map(|(from, to, w, _)| span(*from, *to, w.p05, w.p95))
        .collect();
    let middle: Vec<Span> = known
        .iter()
        .map(|(from, to, w, _)| span(*from, *to, w.p50, Some(bottom)))
        .collect();
    let mut layers = vec![
        frame.band(&route_class(place), &band),
        frame.plateaus(&route_class(place), &middle),
    ];
    layers.extend(unreached(&frame, &known));
    let hits: Vec<Hit> = known
        .iter()
        .map(|(from, to, waited, when)| Hit {
            from: *from,
            to: *to,
            said: format!("{when}: {}", figures(waited)),
        })
        .collect();
    frame.draw(&time.around(&frame, layers, &hits))
}

/// A strip at the top wherever the 95th percentile, or even the median, was not reached.
fn unreached(frame: &super::Frame, known: &[(f64, f64, Waited, String)]) -> Vec<Layer> {
    let mut layers = Vec::new();
    for (from, to, waited, _) in known {
        let class = match (waited.p50, waited.p95) {
            (None, _) => "unreached most",
            (_, None) => "unreached",
            _ => continue,
        };
        layers.push(frame.rect(class, (*from, *to), (0.0, 5.0), ""));
    }
    if !layers.is_empty() {
        layers.push(frame.say("bad", frame.x().scale().to(), 26.0, "not reached"));
    }
    layers
}

/// `24 runs, p50 1.2 s, p95 not reached: 3 never arrived`.
fn figures(waited: &Waited) -> String {
    let value = |value: Option<f64>| value.map_or_else(|| String::from("not reached"), duration);
    let lost = match waited.never {
        0 => String::new(),
        never => format!("; {never} never arrived"),
    };
    format!(
        "{}, p5 {}, p50 {}, p95 {}{lost}",
        count(waited.arrived + waited.never, "run"),
        value(waited.p05),
        value(waited.p50),
        value(waited.p95)
    )
}

fn said(name: &str, known: &[(f64, f64, Waited, String)]) -> String {
    let medians: Vec<f64> = known.iter().filter_map(|(_, _, waited, _)| waited.p50).collect();
    let least = medians.iter().copied().fold(f64::INFINITY, f64::min);
    let most = medians.iter().copied().fold(0.0, f64::max);
    let unreached = known
        .iter()
        .filter(|(_, _, waited, _)| waited.p95.is_none())
        .count();
    let middle = match medians.is_empty() {
        true => String::from("no median was reached"),
        false => format!(
            "the median lies between {} and {}",
            duration(least),
            duration(most)
        ),
    };
    format!(
        "{name}: in {} with runs {middle}; in {unreached} of them the 95th percentile was not reached.",
        count(known.len() as u64, "stretch").replace("stretchs", "stretches")
    )
}
