//! How runs ended, over time.

use maud::Markup;

use super::timeline::{ends, when};
use super::{Axis, Bar, Hit, Scale, Timeline, Unit, class_fill};
use crate::model::Class;
use crate::report::course::{Bucket, RouteCourse};

/// From the bottom of a bar to its top: what is well lies below what is not.
const ORDER: [Class; 10] = [
    Class::Delivered,
    Class::Late,
    Class::Duplicate,
    Class::Unobserved,
    Class::Rejected,
    Class::Phantom,
    Class::Unwanted,
    Class::Failed,
    Class::Mismatched,
    Class::Lost,
];

/// One axis for these routes, so that they can be laid against each other.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "counts of runs are far below 2^52")]
pub fn classes_axis<'a>(routes: impl IntoIterator<Item = &'a RouteCourse>) -> Axis {
    let buckets = routes.into_iter().flat_map(|route| &route.buckets);
    let most = buckets.map(|bucket| bucket.runs).max().unwrap_or(0);
    Axis::new("runs", Scale::linear(0.0, most.max(1) as f64), Unit::Count)
}

/// The runs of one route over time, by class.
#[must_use]
pub fn classes(id: &str, name: &str, route: &RouteCourse, time: Timeline<'_>, y: &Axis) -> Markup {
    let bar = |bucket: &Bucket| {
        let (from, to) = ends(bucket);
        #[expect(clippy::cast_precision_loss, reason = "counts of runs are far below 2^52")]
        let part = |class: Class| Some((class_fill(class), *bucket.classes.get(&class)? as f64));
        Bar {
            from,
            to,
            parts: ORDER.into_iter().filter_map(part).collect(),
        }
    };
    let bars: Vec<Bar<'_>> = route.buckets.iter().map(bar).collect();
    let hit = |bucket: &Bucket| {
        let (from, to) = ends(bucket);
        let said = format!(
            "{}: {}",
            when(bucket),
            counted(|class| bucket.classes.get(&class).copied())
        );
        Hit { from, to, said }
    };
    let hits: Vec<Hit> = route.buckets.iter().map(hit).collect();
    let all = |class| Some(route.buckets.iter().filter_map(|b| b.classes.get(&class)).sum());
    let said = format!("{name}: {}.", counted(all));
    let frame = time.frame(
        id,
        &format!("How runs of {name} ended over time"),
        &said,
        64.0,
        y.clone(),
    );
    frame.draw(&time.around(&frame, vec![frame.bars(&bars)], &hits))
}

/// `24 runs, 20 delivered, 4 lost`.
fn counted(of: impl Fn(Class) -> Option<u64>) -> String {
    let parts: Vec<(Class, u64)> = Class::ALL
        .into_iter()
        .filter_map(|class| Some((class, of(class)?)))
        .filter(|(_, runs)| *runs > 0)
        .collect();
    let runs: u64 = parts.iter().map(|(_, runs)| runs).sum();
    let mut said = crate::report::words::count(runs, "run");
    for (class, runs) in parts {
        said.push_str(&format!(", {runs} {}", class.word()));
    }
    said
}
