//! How an interval closed: what was known of a difference after so many ticks.

use maud::{Markup, html};

use super::{Axis, Frame, Hit, Scale, Span, Unit};

/// Height of the plot in CSS pixels.
const HEIGHT: f64 = 170.0;

/// What is drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Course<'a> {
    /// Its own on the page.
    pub id: &'a str,
    /// What it is of, in a few words.
    pub title: &'a str,
    /// How it stood, in the order of ticks.
    pub points: &'a [Point],
    /// The loss that does not matter, as a share.
    pub margin: f64,
    /// After how many ticks it had its word.
    pub reached: Option<u64>,
}

/// How it stood after so many ticks; shares are of -1 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Ticks counted by then.
    pub ticks: u64,
    /// The net share that was better; `None` where nothing was counted.
    pub net: Option<f64>,
    /// The lower limit, -1 where nothing bounded it.
    pub lower: f64,
    /// The upper limit, 1 where nothing bounded it.
    pub upper: f64,
}

/// The interval as a band that closes around the net share, with no difference and the margin as lines. Empty for fewer than
/// two points: nothing closed.
#[must_use]
pub fn course(of: &Course<'_>) -> Markup {
    let [first, .., last] = of.points else {
        return html! {};
    };
    html! {
        figure.course {
            (drawn(of, first, last))
            figcaption.faint {
                "Net points of a hundred ticks and the interval around them, by the number of ticks. The margin is the loss that does not matter."
            }
            details {
                summary { "The same in numbers" }
                div.scroll tabindex="0" role="region" aria-label={ (of.title) ", in numbers" } { table {
                    thead { tr { th.number scope="col" { "Ticks" } th.number scope="col" { "Net" } th.number scope="col" { "From" } th.number scope="col" { "To" } } }
                    tbody { @for point in of.points { tr {
                        td.number { (point.ticks) } td.number { (points(point.net)) } td.number { (points(Some(point.lower))) } td.number { (points(Some(point.upper))) }
                    } } }
                } }
            }
        }
    }
}

fn drawn(of: &Course<'_>, first: &Point, last: &Point) -> Markup {
    let x = Axis::new(
        "ticks counted",
        Scale::linear(ticks(first), ticks(last)),
        Unit::Count,
    );
    let y = Axis::new("net points", Scale::linear(-100.0, 100.0), Unit::Count);
    let frame = Frame::new(of.id, of.title, &said(of, first, last), HEIGHT, x, Some(y));
    let stretches = || {
        of.points
            .windows(2)
            .filter_map(|two| Some((two.first()?, two.get(1)?)))
    };
    // What is known after a tick holds until the next that was noted.
    let band: Vec<Span> = stretches()
        .map(|(point, next)| Span {
            from: ticks(point),
            to: ticks(next),
            lo: point.lower * 100.0,
            hi: point.upper * 100.0,
        })
        .collect();
    let net: Vec<Option<(f64, f64)>> = of
        .points
        .iter()
        .map(|point| point.net.map(|net| (ticks(point), net * 100.0)))
        .collect();
    let hits: Vec<Hit> = stretches()
        .map(|(point, next)| Hit {
            from: ticks(point),
            to: ticks(next),
            said: at(point),
        })
        .collect();
    let mut layers = vec![
        frame.band("interval", &band),
        frame.line("net", &net),
        frame.level("none", 0.0, ""),
        frame.level("margin", -of.margin * 100.0, "margin"),
    ];
    if let Some(reached) = of.reached {
        #[expect(clippy::cast_precision_loss, reason = "counts of ticks are far below 2^52")]
        layers.push(frame.mark("word", reached as f64, "its word"));
    }
    layers.push(frame.hits(&hits));
    frame.draw(&layers)
}

#[expect(clippy::cast_precision_loss, reason = "counts of ticks are far below 2^52")]
fn ticks(point: &Point) -> f64 {
    point.ticks as f64
}

fn at(point: &Point) -> String {
    format!(
        "{} ({} to {}) after {}",
        points(point.net),
        points(Some(point.lower)),
        points(Some(point.upper)),
        point.ticks
    )
}

fn said(of: &Course<'_>, first: &Point, last: &Point) -> String {
    let reached = of
        .reached
        .map_or_else(String::new, |ticks| format!("; it had its word after {ticks}"));
    format!(
        "Net points of a hundred ticks by the number of ticks: {}, {}{reached}. The margin is {}.",
        at(first),
        at(last),
        points(Some(-of.margin))
    )
}

/// A share as signed points of a hundred.
fn points(share: Option<f64>) -> String {
    share.map_or_else(
        || String::from("–"),
        |share| {
            let points = (share * 1000.0).round() / 10.0;
            format!("{:+.1}", if points == 0.0 { 0.0 } else { points })
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(ticks: u64, net: Option<f64>, lower: f64, upper: f64) -> Point {
        Point {
            ticks,
            net,
            lower,
            upper,
        }
    }

    fn drawn(points: &[Point], reached: Option<u64>) -> String {
        let of = Course {
            id: "course-0",
            title: "lossy against direct",
            points,
            margin: 0.05,
            reached,
        };
        course(&of).into_string()
    }

    #[test]
    fn the_band_closes_around_the_net_share() {
        let points = [
            point(1, None, -1.0, 1.0),
            point(21, Some(-0.4), -0.8, 0.2),
            point(41, Some(-0.5), -0.6, -0.3),
        ];
        let drawn = drawn(&points, Some(41));
        for said in [
            "-50.0 (-60.0 to -30.0) after 41",
            "it had its word after 41",
            "The margin is -5.0",
            "ticks counted",
            "its word",
        ] {
            assert!(drawn.contains(said), "{said}: {drawn}");
        }
        assert_eq!(drawn.matches("<tr>").count(), 4);
        // The line begins where something was counted.
        assert_eq!(drawn.matches("class=\"line net\"").count(), 1);
        assert!(drawn.contains("class=\"band interval\""));
    }

    #[test]
    fn what_has_no_course_is_not_drawn() {
        assert_eq!(drawn(&[], None), "");
        assert_eq!(drawn(&[point(1, None, -1.0, 1.0)], None), "");
    }
}
