//! A waterfall: one row a phase, its bar on an axis of time that all rows of a lane share.
//!
//! It is a table, with the bar in the middle column and the same in words to the right, so whoever does not see the bars
//! reads the times. A lane has an axis of its own: a request takes milliseconds and a wait minutes. Where one lane alone
//! holds both, its axis is logarithmic and says so.

use maud::{Markup, html};

use super::frame::anchor;
use super::number::across;
use super::{Axis, Scale, Unit};

/// Ticks of an axis; on a narrow screen every second label is shown.
const TICKS: usize = 7;
/// Where the end is more than so many times the least that is to be told apart, the axis is logarithmic.
const FAR: f64 = 40.0;
/// The most decades of a logarithmic axis.
const DECADES: f64 = 6.0;
/// The part of a logarithmic axis that goes evenly from nothing to its first round value.
const BEGINNING: f64 = 0.06;
/// Height of a row's drawing in CSS pixels.
const HEIGHT: &str = "24";

/// Rows over one axis.
#[derive(Clone, Debug)]
pub struct Lane {
    /// What it shows.
    pub title: String,
    /// What the axis counts from, in a few words.
    pub since: String,
    /// Its rows, from top to bottom.
    pub rows: Vec<Row>,
}

/// One phase.
#[derive(Clone, Debug)]
pub struct Row {
    /// What it is.
    pub label: Markup,
    /// What is drawn, the first at the bottom.
    pub marks: Vec<Mark>,
    /// How long or when, in words.
    pub value: Markup,
}

/// Something drawn in a row. Times are seconds since the first byte left; what is no number is not drawn.
#[derive(Clone, Debug, PartialEq)]
pub enum Mark {
    /// A stretch in which something may happen: behind the bars.
    Zone {
        /// Its beginning and end.
        span: (f64, f64),
        /// `within` or `grace`.
        class: &'static str,
        /// What it is, in words.
        said: String,
    },
    /// A stretch that something took.
    Bar {
        /// Its beginning and end.
        span: (f64, f64),
        /// Its tone.
        tone: &'static str,
        /// What it is, in words.
        said: String,
    },
    /// A stretch in which something happened, nobody knows when exactly: hatched.
    Between {
        /// Its beginning and end.
        span: (f64, f64),
        /// Its tone.
        tone: &'static str,
        /// What it is, in words.
        said: String,
    },
    /// A limit.
    Limit {
        /// When.
        at: f64,
        /// `within` or `grace`.
        class: &'static str,
        /// What it is, in words.
        said: String,
    },
    /// An instant, with a sign.
    Point {
        /// When.
        at: f64,
        /// Its tone.
        tone: &'static str,
        /// A sign of one character.
        sign: &'static str,
        /// What it is, in words.
        said: String,
    },
}

/// The one axis of a lane.
struct Along {
    from: f64,
    scale: Scale,
    axis: Axis,
    logarithmic: bool,
}

/// The lanes below each other. `id` is the drawing's own on the page.
#[must_use]
pub fn waterfall(id: &str, lanes: &[Lane]) -> Markup {
    html! {
        @for (nth, lane) in lanes.iter().enumerate().filter(|(_, lane)| !lane.rows.is_empty()) {
            (lane.draw(&format!("{id}-{nth}")))
        }
    }
}

impl Lane {
    fn draw(&self, id: &str) -> Markup {
        let along = Along::over(self.rows.iter().flat_map(|row| &row.marks));
        let scale = if along.logarithmic {
            format!(
                "logarithmic scale, even up to {}",
                super::duration(along.scale.from())
            )
        } else {
            String::from("linear scale")
        };
        html! {
            table.waterfall role="table" {
                caption { (self.title) " " span.faint { "time " (self.since) ", " (scale) } }
                thead role="rowgroup" { tr role="row" {
                    th scope="col" role="columnheader" { span.hidden { "Phase" } }
                    th.track scope="col" role="columnheader" { span.hidden { "Time" } (along.labels()) }
                    th.number scope="col" role="columnheader" { span.hidden { "How long" } }
                } }
                tbody role="rowgroup" { @for (nth, row) in self.rows.iter().enumerate() { tr role="row" {
                    th scope="row" role="rowheader" { (row.label) }
                    td.track role="cell" { (along.bars(&format!("{id}-{nth}"), &row.marks)) }
                    td.number role="cell" { (row.value) }
                } } }
            }
        }
    }
}

impl Mark {
    /// Its beginning and end.
    fn span(&self) -> (f64, f64) {
        match self {
            Self::Zone { span, .. } | Self::Bar { span, .. } | Self::Between { span, .. } => *span,
            Self::Limit { at, .. } | Self::Point { at, .. } => (*at, *at),
        }
    }

    /// When what it shows happened: what an axis must tell from nothing. A zone is as wide as it was allowed to be.
    fn happened(&self) -> Option<f64> {
        match self {
            Self::Zone { .. } | Self::Limit { .. } => None,
            Self::Bar { span, .. } | Self::Between { span, .. } => Some(span.1),
            Self::Point { at, .. } => Some(*at),
        }
    }

    /// Whether it can be drawn.
    fn fine(&self) -> bool {
        let (from, to) = self.span();
        from.is_finite() && to.is_finite() && from <= to
    }
}

impl Along {
    /// As long as the marks need it, linear or logarithmic as they can be told apart.
    fn over<'a>(marks: impl Iterator<Item = &'a Mark> + Clone) -> Self {
        let ends = || marks.clone().filter(|mark| mark.fine());
        let from = ends().map(|mark| mark.span().0).fold(0.0, f64::min);
        let to = ends().map(|mark| mark.span().1).fold(0.0, f64::max);
        let to = if to > from { to } else { from + 0.001 };
        let happened = ends().filter_map(Mark::happened);
        let least = happened.filter(|at| *at > 0.0).fold(to, f64::min);
        // What began before the first byte has no logarithm.
        let logarithmic = from >= 0.0 && to / least > FAR;
        let scale = if logarithmic {
            let decade = 10_f64.powf(least.log10().floor());
            Scale::log(decade.max(to / 10_f64.powf(DECADES)), to)
        } else {
            Scale::linear(from, to)
        };
        Self {
            from,
            axis: Axis::new("", scale, Unit::Seconds),
            scale,
            logarithmic,
        }
    }

    /// The place of a time, 0 to 1.
    fn place(&self, at: f64) -> f64 {
        if !self.logarithmic {
            return self.scale.place(at);
        }
        let first = self.scale.from();
        if at <= first {
            return BEGINNING * (at.max(self.from) / first).max(0.0);
        }
        BEGINNING + (1.0 - BEGINNING) * self.scale.place(at)
    }

    /// Places of round values with their labels.
    fn ticks(&self) -> Vec<(f64, String)> {
        let mut ticks = Vec::new();
        if self.logarithmic {
            ticks.push((0.0, String::from("0")));
        }
        let round = self.axis.ticks(TICKS);
        ticks.extend(round.into_iter().map(|tick| (self.place(tick.value), tick.label)));
        ticks
    }

    fn labels(&self) -> Markup {
        html! {
            svg.ticks width="100%" height="18" aria-hidden="true" {
                @for (nth, (place, label)) in self.ticks().iter().enumerate() {
                    @let more = if nth % 2 == 1 { " more" } else { "" };
                    text class={ "tick" (more) } x=(across(*place)) y="13" text-anchor=(anchor(*place)) { (label) }
                }
            }
        }
    }

    /// The marks of one row over the lines of the axis. Words beside it say the same.
    fn bars(&self, id: &str, marks: &[Mark]) -> Markup {
        html! {
            svg.bars width="100%" height=(HEIGHT) aria-hidden="true" {
                @for (place, _) in self.ticks() {
                    line.grid x1=(across(place)) x2=(across(place)) y1="0" y2=(HEIGHT) {}
                }
                @for (nth, mark) in marks.iter().enumerate().filter(|(_, mark)| mark.fine()) {
                    (self.mark(&format!("{id}-{nth}"), mark))
                }
            }
        }
    }

    fn mark(&self, id: &str, mark: &Mark) -> Markup {
        let (from, to) = mark.span();
        let (from, to) = (self.place(from), self.place(to));
        let (x, width) = (across(from), across(to - from));
        match mark {
            Mark::Zone { class, said, .. } => html! {
                rect class={ "zone " (class) } x=(x) width=(width) y="3" height="18" { title { (said) } }
            },
            Mark::Bar { tone, said, .. } => html! {
                rect class={ "took " (tone) } x=(x) width=(width) y="7" height="10" { title { (said) } }
                // So that what took next to nothing is seen.
                line class={ "least " (tone) } x1=(x) x2=(x) y1="7" y2="17" {}
            },
            Mark::Between { tone, said, .. } => html! {
                defs { pattern id=(id) class=(tone) width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)" {
                    line.hatch x1="0" y1="0" x2="0" y2="6" {}
                } }
                rect class={ "between " (tone) } x=(x) width=(width) y="7" height="10" fill={ "url(#" (id) ")" } { title { (said) } }
            },
            Mark::Limit { class, said, .. } => html! {
                line class={ "limit " (class) } x1=(x) x2=(x) y1="1" y2="23" { title { (said) } }
            },
            Mark::Point { tone, sign, said, .. } => html! {
                svg.point x=(x) y="12" overflow="visible" width="1" height="1" {
                    circle class=(tone) r="7" { title { (said) } }
                    text text-anchor="middle" dy="0.34em" { (sign) }
                }
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(from: f64, to: f64) -> Mark {
        Mark::Bar {
            span: (from, to),
            tone: "good",
            said: String::from("a bar"),
        }
    }

    fn zone(to: f64) -> Mark {
        Mark::Zone {
            span: (0.0, to),
            class: "within",
            said: String::from("allowed"),
        }
    }

    fn along(marks: &[Mark]) -> Along {
        Along::over(marks.iter())
    }

    #[test]
    fn what_can_be_told_apart_is_drawn_on_a_linear_axis() {
        let axis = along(&[bar(-0.01, 0.04), bar(0.04, 0.05)]);
        assert!(!axis.logarithmic);
        assert!((axis.place(-0.01) - 0.0).abs() < 1e-9);
        assert!((axis.place(0.05) - 1.0).abs() < 1e-9);
        assert!((axis.place(0.02) - 0.5).abs() < 1e-9);
    }

    #[test]
    fn an_instant_answer_under_minutes_of_waiting_makes_the_axis_logarithmic_from_zero() {
        let axis = along(&[zone(330.0), bar(0.0, 0.12)]);
        assert!(axis.logarithmic);
        assert!(axis.place(0.0).abs() < 1e-9);
        let places = [0.0, 0.05, 0.1, 0.12, 1.0, 30.0, 330.0].map(|at| axis.place(at));
        assert!(places.is_sorted(), "{places:?}");
        assert!((places[6] - 1.0).abs() < 1e-9);
        assert!(places[3] > 0.05, "what took 0.12 s is seen: {places:?}");
        let ticks = axis.ticks();
        assert_eq!(ticks[0], (0.0, String::from("0")));
        assert!(ticks.iter().any(|(_, label)| label == "1 s"), "{ticks:?}");
        assert!(ticks.windows(2).all(|pair| pair[0].0 < pair[1].0), "{ticks:?}");
    }

    #[test]
    fn no_number_breaks_a_drawing() {
        for wrong in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let lane = Lane {
                title: String::from("x"),
                since: String::from("since then"),
                rows: vec![Row {
                    label: html! { "row" },
                    marks: vec![bar(0.0, wrong), bar(wrong, 1.0), bar(0.0, 0.5), bar(0.4, 0.1)],
                    value: html! { "0.5 s" },
                }],
            };
            let drawn = waterfall("w", &[lane]).into_string();
            assert_eq!(drawn.matches("class=\"took good\"").count(), 1, "{drawn}");
            assert!(!drawn.contains("NaN") && !drawn.contains("inf"), "{drawn}");
        }
        let nothing = along(&[]);
        assert!(nothing.place(5.0).is_finite() && !nothing.ticks().is_empty());
        let ages = along(&[zone(3e9), bar(0.0, 1e-9)]);
        assert!(ages.ticks().len() < 20 && ages.place(1.0) > 0.0);
    }

    #[test]
    fn times_before_the_first_byte_stay_in_the_drawing() {
        let axis = along(&[bar(-120.0, -1.0), bar(0.0, 0.001), zone(60.0)]);
        assert!(!axis.logarithmic);
        assert!((axis.place(-120.0) - 0.0).abs() < 1e-9 && axis.place(-1.0) > 0.0);
    }

    #[test]
    fn each_hatched_end_has_a_pattern_of_its_own() {
        let between = Mark::Between {
            span: (0.1, 0.3),
            tone: "good",
            said: String::from("between two looks"),
        };
        let row = |marks| Row {
            label: html! { "row" },
            marks,
            value: html! { "0.3 s" },
        };
        let lane = Lane {
            title: String::from("x"),
            since: String::from("since then"),
            rows: vec![row(vec![between.clone()]), row(vec![between.clone(), between])],
        };
        let drawn = waterfall("w", &[lane]).into_string();
        for id in ["w-0-0-0", "w-0-1-0", "w-0-1-1"] {
            assert_eq!(drawn.matches(&format!("id=\"{id}\"")).count(), 1);
            assert!(drawn.contains(&format!("fill=\"url(#{id})\"")));
        }
    }
}
