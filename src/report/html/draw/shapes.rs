//! What is drawn in a frame.

use std::fmt::Write as _;

use maud::html;

use super::frame::{Frame, Layer, anchor};
use super::number::{across, tenth};
use crate::model::Class;

/// A stretch across, and what holds in it: from `lo` to `hi`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Span {
    /// Where it begins.
    pub from: f64,
    /// Where it ends.
    pub to: f64,
    /// Its lower value.
    pub lo: f64,
    /// Its upper value.
    pub hi: f64,
}

/// A bar of parts that stand on each other, the first at the bottom.
#[derive(Clone, Debug, PartialEq)]
pub struct Bar<'a> {
    /// Where it begins.
    pub from: f64,
    /// Where it ends.
    pub to: f64,
    /// The class of each part, and how much it is.
    pub parts: Vec<(&'a str, f64)>,
}

/// A stretch across, and what is read off there by those who point at it.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// Where it begins.
    pub from: f64,
    /// Where it ends.
    pub to: f64,
    /// What is read off, in one line.
    pub said: String,
}

/// The class of a route's lines and bands, by its place among the routes: colours and dashes repeat after the sixth.
#[must_use]
pub fn route_class(place: usize) -> String {
    format!("route-{}", place % 6)
}

/// The class of the bar of a class of runs.
#[must_use]
pub const fn class_fill(class: Class) -> &'static str {
    match class {
        Class::Delivered => "of-delivered",
        Class::Late => "of-late",
        Class::Duplicate => "of-duplicate",
        Class::Mismatched => "of-mismatched",
        Class::Unwanted => "of-unwanted",
        Class::Failed => "of-failed",
        Class::Lost => "of-lost",
        Class::Rejected => "of-rejected",
        Class::Phantom => "of-phantom",
        Class::Unobserved => "of-unobserved",
    }
}

impl Frame {
    /// A line of steps: from each point on, its height holds until the next.
    #[must_use]
    pub fn steps(&self, class: &str, points: &[(f64, f64)]) -> Layer {
        let mut path = String::new();
        for (x, y) in points.iter().filter(|(x, y)| !x.is_nan() && !y.is_nan()) {
            let (x, y) = (self.unit(*x), tenth(self.down(*y)));
            let _infallible = match path.is_empty() {
                true => write!(path, "M{x} {y}"),
                false => write!(path, "H{x}V{y}"),
            };
        }
        self.path("line", class, &path)
    }

    /// A line at the height `lo` of each stretch, joined where the next begins as one ends; `hi` says nothing. Between
    /// others there is a gap.
    #[must_use]
    pub fn plateaus(&self, class: &str, spans: &[Span]) -> Layer {
        let mut path = String::new();
        for run in touching(spans) {
            for (nth, span) in run.iter().enumerate() {
                let (from, to, y) = (
                    self.unit(span.from),
                    self.unit(span.to),
                    tenth(self.down(span.lo)),
                );
                let _infallible = match nth {
                    0 => write!(path, "M{from} {y}H{to}"),
                    _ => write!(path, "V{y}H{to}"),
                };
            }
        }
        self.path("line", class, &path)
    }

    /// A line through points; at `None` it breaks off. A point between two gaps is a dot.
    #[must_use]
    pub fn line(&self, class: &str, points: &[Option<(f64, f64)>]) -> Layer {
        let seen = |point: &Option<(f64, f64)>| point.filter(|(x, y)| !x.is_nan() && !y.is_nan());
        let points: Vec<Option<(f64, f64)>> = points.iter().map(seen).collect();
        let mut path = String::new();
        for stretch in points.split(Option::is_none) {
            for (nth, (x, y)) in stretch.iter().flatten().enumerate() {
                let command = if nth == 0 { 'M' } else { 'L' };
                let _infallible = write!(path, "{command}{} {}", self.unit(*x), tenth(self.down(*y)));
            }
            if stretch.len() == 1 {
                path.push_str("h0");
            }
        }
        self.path("line", class, &path)
    }

    /// An area from `lo` to `hi` of each stretch, joined where the next begins as one ends. Between others there is a gap.
    #[must_use]
    pub fn band(&self, class: &str, spans: &[Span]) -> Layer {
        let mut path = String::new();
        for run in touching(spans) {
            for (nth, span) in run.iter().enumerate() {
                let (from, to, hi) = (
                    self.unit(span.from),
                    self.unit(span.to),
                    tenth(self.down(span.hi)),
                );
                let _infallible = match nth {
                    0 => write!(path, "M{from} {hi}H{to}"),
                    _ => write!(path, "V{hi}H{to}"),
                };
            }
            for span in run.iter().rev() {
                let _infallible = write!(path, "V{}H{}", tenth(self.down(span.lo)), self.unit(span.from));
            }
            path.push('Z');
        }
        self.path("band", class, &path)
    }

    /// Bars of parts that stand on each other, with a little air between neighbours.
    #[must_use]
    pub fn bars(&self, bars: &[Bar<'_>]) -> Layer {
        let mut rects = Vec::new();
        for bar in bars {
            let (from, to) = (self.across(bar.from), self.across(bar.to));
            let air = ((to - from) * 0.12).min(0.002);
            let mut sum = 0.0;
            for (class, amount) in bar.parts.iter().filter(|(_, amount)| *amount > 0.0) {
                let bottom = self.down(sum);
                sum += amount;
                let top = self.down(sum);
                rects.push((
                    *class,
                    from + air,
                    (to - from - 2.0 * air).max(0.0),
                    top,
                    bottom - top,
                ));
            }
        }
        Layer::Fixed(html! {
            g.bars { @for (class, x, wide, y, high) in rects {
                rect class=(class) x=(across(x)) width=(across(wide)) y=(tenth(y)) height=(tenth(high)) {}
            } }
        })
    }

    /// A rectangle between two values across and two places in pixels from the top, and what is read off when pointed at.
    #[must_use]
    pub fn rect(&self, class: &str, (from, to): (f64, f64), (top, bottom): (f64, f64), said: &str) -> Layer {
        let (x, end) = (self.across(from), self.across(to));
        let (y, low) = (within(top, self.height()), within(bottom, self.height()));
        Layer::Fixed(html! {
            rect class=(class) x=(across(x)) width=(across((end - x).max(0.0))) y=(tenth(y)) height=(tenth((low - y).max(0.0))) {
                @if !said.is_empty() { title { (said) } }
            }
        })
    }

    /// A point, which stays round.
    #[must_use]
    pub fn dot(&self, class: &str, x: f64, y: f64, said: &str) -> Layer {
        Layer::Fixed(html! {
            circle class={ "dot " (class) } cx=(across(self.across(x))) cy=(tenth(self.down(y))) r="3" {
                @if !said.is_empty() { title { (said) } }
            }
        })
    }

    /// A line from top to bottom with a short label at its head. What lies outside of the axis is not drawn.
    #[must_use]
    pub fn mark(&self, class: &str, x: f64, label: &str) -> Layer {
        if !self.x().scale().holds(x) {
            return Layer::Fixed(html! {});
        }
        let place = self.across(x);
        Layer::Fixed(html! {
            g class={ "mark-line " (class) } {
                line x1=(across(place)) x2=(across(place)) y1="0" y2=(tenth(self.height())) {}
                @if !label.is_empty() {
                    text x=(across(place)) y="10" dx=(beside(place)) text-anchor=(if place > 0.9 { "end" } else { "start" }) { (label) }
                }
            }
        })
    }

    /// A stretch from top to bottom, behind what was measured, and what it is.
    #[must_use]
    pub fn region(&self, class: &str, from: f64, to: f64, said: &str) -> Layer {
        let scale = self.x().scale();
        if to < scale.from() || from > scale.to() || from.is_nan() || to.is_nan() {
            return Layer::Fixed(html! {});
        }
        self.rect(&format!("region {class}"), (from, to), (0.0, self.height()), said)
    }

    /// A line from left to right at a height, with a short label at its end.
    #[must_use]
    pub fn level(&self, class: &str, y: f64, label: &str) -> Layer {
        let at = tenth(self.down(y));
        Layer::Fixed(html! {
            g class={ "level " (class) } {
                line x1="0%" x2="100%" y1=(at) y2=(at) {}
                @if !label.is_empty() { text x="100%" y=(at) dy="-4" text-anchor="end" { (label) } }
            }
        })
    }

    /// Words at a place: a value across, and pixels from the top.
    #[must_use]
    pub fn say(&self, class: &str, x: f64, top: f64, words: &str) -> Layer {
        let place = self.across(x);
        let top = within(top, self.height());
        Layer::Fixed(html! {
            text class={ "said " (class) } x=(across(place)) y=(tenth(top)) text-anchor=(anchor(place)) { (words) }
        })
    }

    /// Stretches that are read off when pointed at; scripts show the same beside the drawing.
    #[must_use]
    pub fn hits(&self, hits: &[Hit]) -> Layer {
        Layer::Fixed(html! {
            g.hits { @for hit in hits {
                @let (from, to) = (self.across(hit.from), self.across(hit.to));
                rect x=(across(from)) width=(across((to - from).max(0.0))) y="0" height=(tenth(self.height())) {
                    title { (hit.said) }
                }
            } }
        })
    }

    fn unit(&self, x: f64) -> String {
        tenth(self.across(x) * 1000.0)
    }

    fn path(&self, kind: &str, class: &str, path: &str) -> Layer {
        Layer::Stretched(html! {
            @if !path.is_empty() { path class={ (kind) " " (class) } d=(path) {} }
        })
    }
}

/// Stretches that follow each other without a gap; those that are no numbers are gaps.
fn touching(spans: &[Span]) -> impl Iterator<Item = &[Span]> {
    let whole = |span: &Span| ![span.from, span.to, span.lo, span.hi].iter().any(|v| v.is_nan());
    let near = |a: f64, b: f64| (a - b).abs() <= 1e-9 * a.abs().max(b.abs());
    spans
        .split(move |span| !whole(span))
        .flat_map(move |run| run.chunk_by(move |a, b| near(a.to, b.from)))
}

/// A place in pixels inside the plot.
fn within(top: f64, height: f64) -> f64 {
    if top.is_nan() { 0.0 } else { top.clamp(0.0, height) }
}

fn beside(place: f64) -> &'static str {
    if place > 0.9 { "-4" } else { "4" }
}
