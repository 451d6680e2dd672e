//! How far runs agree with each other along the layers, over time.

use maud::Markup;

use super::timeline::{ends, when};
use super::{Axis, Hit, Scale, Span, Timeline, Unit};
use crate::report::course::{Bucket, RouteCourse};
use crate::report::words::percent;

/// The layers, and the class of each one's line.
pub const LAYERS: [(&str, &str); 3] = [
    ("accepted", "layer-accepted"),
    ("executed", "layer-executed"),
    ("outcome", "layer-outcome"),
];

/// One axis for these routes: from the least agreement, at most nine tenths, to all.
#[must_use]
pub fn agreement_axis<'a>(routes: impl IntoIterator<Item = &'a RouteCourse>) -> Axis {
    let buckets = routes.into_iter().flat_map(|route| &route.buckets);
    let least = buckets
        .flat_map(|bucket| bucket.agree.into_iter().flatten())
        .fold(0.9, f64::min);
    let from = (least * 10.0 - 0.5).floor().max(0.0) / 10.0;
    Axis::new("two runs agree", Scale::linear(from, 1.0), Unit::Share)
}

/// The chance that two runs of one stretch agree in what is said up to each layer; where the lines part is where runs
/// part. `None` where nothing is known of it.
#[must_use]
pub fn agreement(id: &str, name: &str, route: &RouteCourse, time: Timeline<'_>, y: &Axis) -> Option<Markup> {
    let known: Vec<usize> = (0..3).filter(|layer| route.agrees_at(*layer)).collect();
    if known.is_empty() {
        return None;
    }
    let said = format!("{name}: {}.", said(route, &known));
    let frame = time.frame(
        id,
        &format!("How far runs of {name} agree over time"),
        &said,
        64.0,
        y.clone(),
    );
    let mut layers = Vec::new();
    for layer in &known {
        let span = |bucket: &Bucket| {
            let (from, to) = ends(bucket);
            let value = bucket.agree[*layer].unwrap_or(f64::NAN);
            Span {
                from,
                to,
                lo: value,
                hi: value,
            }
        };
        let spans: Vec<Span> = route.buckets.iter().map(span).collect();
        layers.push(frame.plateaus(LAYERS[*layer].1, &spans));
    }
    let hit = |bucket: &Bucket| {
        let (from, to) = ends(bucket);
        let parts = known.iter().filter_map(|layer| {
            let score = bucket.agree[*layer]?;
            Some(format!("{} {}", LAYERS[*layer].0, percent(Some(score))))
        });
        let parts: Vec<String> = parts.collect();
        let said = match parts.is_empty() {
            true => String::from("too few observed runs to agree"),
            false => parts.join(", "),
        };
        Hit {
            from,
            to,
            said: format!("{}: {said}", when(bucket)),
        }
    };
    let hits: Vec<Hit> = route.buckets.iter().map(hit).collect();
    Some(frame.draw(&time.around(&frame, layers, &hits)))
}

/// `accepted 100.0 % at the least, outcome 62.5 % at the least`.
fn said(route: &RouteCourse, known: &[usize]) -> String {
    let least = |layer: &usize| {
        let scores = route.buckets.iter().filter_map(|bucket| bucket.agree[*layer]);
        let least = scores.fold(1.0, f64::min);
        format!("{} {} at the least", LAYERS[*layer].0, percent(Some(least)))
    };
    known.iter().map(least).collect::<Vec<String>>().join(", ")
}
