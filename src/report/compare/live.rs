//! A comparison while it runs: on a terminal a table with the interval closing, elsewhere a line now and then.

use super::super::paint::Tone;
use super::super::table::{Cell, Table, fit, fit_end};
use super::super::words::{DEFAULT_INPUT, clip, count};
use super::sentences::{more, points, range, tone, word};
use crate::compare::{Compared, Role};
use crate::stats::verdict::Word;

/// How a comparison stands.
#[derive(Clone, Debug)]
pub struct Standing<'a> {
    /// The probe.
    pub probe: &'a str,
    /// The baseline.
    pub baseline: &'a str,
    /// Ticks fired.
    pub fired: u64,
    /// Most ticks.
    pub cap: u64,
    /// Ticks that count.
    pub counted: u64,
    /// Ticks that do not.
    pub dropped: u64,
    /// Ticks that have not ended.
    pub in_flight: u64,
    /// Channels that cannot see.
    pub down: &'a [String],
    /// The comparisons.
    pub compared: &'a [Compared],
}

/// Cells of the scale, from the widest layout to the narrowest, and how long a name may be.
const LAYOUTS: [(usize, usize); 5] = [(41, 24), (21, 16), (21, 10), (0, 16), (0, 8)];

/// The lines of the live table, at most `height` of them, none wider than `width`.
#[must_use]
pub fn lines(standing: &Standing<'_>, width: usize, height: usize, colour: bool) -> Vec<String> {
    let mut out = vec![
        Tone::Head.paint(&fit(&head(standing), width), colour),
        fit(&progress(standing), width),
    ];
    let shown: Vec<&Compared> = standing
        .compared
        .iter()
        .filter(|compared| compared.role != Role::Advisory)
        .collect();
    let room = height.saturating_sub(out.len() + 2 + standing.down.len()).max(1);
    let draw = |(cells, longest): &(usize, usize)| table(&shown, room, *cells, *longest);
    let fitting = LAYOUTS.iter().map(draw).find(|table| table.width() <= width);
    match fitting {
        Some(table) => out.extend(table.lines(colour)),
        None => out.extend(draw(&LAYOUTS[4]).lines(false).iter().map(|line| fit(line, width))),
    }
    if shown.len() > room {
        out.push(fit(&format!("… and {} more", shown.len() - room), width));
    }
    for channel in standing.down.iter().take(3) {
        let line = format!("channel `{}` cannot see", clip(channel, 80));
        out.push(Tone::Warn.paint(&fit(&line, width), colour));
    }
    out.truncate(height.max(1));
    out
}

/// One plain line, for where nothing can be redrawn.
#[must_use]
pub fn line(standing: &Standing<'_>) -> String {
    let each = standing
        .compared
        .iter()
        .filter(|compared| compared.role == Role::Declared);
    let each: Vec<String> = each
        .map(|compared| {
            let rest = match compared.word {
                Some(Word::NotEnough) => more(compared, true),
                _ => String::new(),
            };
            format!(
                "{} {}: {} ({}){rest}",
                name(compared),
                compared.metric.word(),
                word(compared),
                range(compared.limits)
            )
        })
        .collect();
    format!("{}: {}", progress(standing), each.join("; "))
}

fn head(standing: &Standing<'_>) -> String {
    let mut routes: Vec<String> = Vec::new();
    for compared in standing
        .compared
        .iter()
        .filter(|compared| compared.role == Role::Declared)
    {
        let route = clip(&compared.route, 80);
        if !routes.contains(&route) {
            routes.push(route);
        }
    }
    let (probe, baseline) = (clip(standing.probe, 80), clip(standing.baseline, 80));
    format!("{probe}: {} against {baseline}", routes.join(", "))
}

fn progress(standing: &Standing<'_>) -> String {
    let mut said = format!("{} of at most {}", count(standing.fired, "tick"), standing.cap);
    said.push_str(&format!(", {} counted", standing.counted));
    if standing.in_flight > 0 {
        said.push_str(&format!(", {} in flight", standing.in_flight));
    }
    if standing.dropped > 0 {
        said.push_str(&format!(", {} dropped", standing.dropped));
    }
    said
}

fn name(compared: &Compared) -> String {
    if compared.input == DEFAULT_INPUT {
        clip(&compared.route, 80)
    } else {
        format!("{}/{}", clip(&compared.route, 80), clip(&compared.input, 80))
    }
}

fn table(shown: &[&Compared], room: usize, cells: usize, longest: usize) -> Table {
    let mut table = Table::default();
    table.text("route");
    table.text("by");
    table.text("+/=/-");
    table.number("net");
    if cells > 0 {
        table.text(&scale_head(cells));
    } else {
        table.number("interval");
    }
    table.text("so far");
    for compared in shown.iter().take(room) {
        table.row(row(compared, cells, longest));
    }
    table
}

fn row(compared: &Compared, cells: usize, longest: usize) -> Vec<Cell> {
    let of = |n: Option<u64>| n.unwrap_or(0).to_string();
    let counts = [compared.better, compared.same, compared.worse].map(of).join("/");
    let so_far = match (compared.word, compared.more) {
        (Some(Word::NotEnough), Some(more)) if more < 100_000 => format!("~{more} more"),
        (Some(Word::NotEnough), _) => String::from("open"),
        _ => word(compared).to_owned(),
    };
    let interval = if cells > 0 {
        Cell::plain(scale(compared, cells))
    } else {
        Cell::plain(range(compared.limits))
    };
    vec![
        Cell::plain(fit_end(&name(compared), longest)),
        Cell::plain(compared.metric.word()),
        Cell::plain(counts),
        Cell::plain(points(compared.net)),
        interval,
        Cell::toned(so_far, tone(compared)),
    ]
}

/// Where -100, 0 and +100 points are.
fn scale_head(cells: usize) -> String {
    let half = cells / 2;
    let (left, right) = ("-100", "+100");
    let before = " ".repeat(half.saturating_sub(left.len()));
    let after = " ".repeat(half.saturating_sub(right.len()));
    format!("{left}{before}0{after}{right}")
}

/// The interval on a scale from -100 to +100 points: `╌╌━━━●━╋╌╌`, with no difference in the middle: `╋` where it is not
/// ruled out, `│` where it is.
fn scale(compared: &Compared, cells: usize) -> String {
    let last = cells.saturating_sub(1);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a share of a few cells"
    )]
    let at = |share: f64| (f64::midpoint(share.clamp(-1.0, 1.0), 1.0) * last as f64).round() as usize;
    let lower = at(compared.limits.lower.unwrap_or(-1.0));
    let upper = at(compared.limits.upper.unwrap_or(1.0));
    let net = compared.net.map(at);
    let middle = last / 2;
    let cell = |place: usize| match place {
        _ if net == Some(place) => '●',
        _ if place == middle && (lower..=upper).contains(&place) => '╋',
        _ if place == middle => '│',
        _ if (lower..=upper).contains(&place) => '━',
        _ => '╌',
    };
    (0..cells).map(cell).collect()
}

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthStr as _;

    use super::*;
    use crate::compare::{Limits, Metric};

    fn compared(route: &str, lower: f64, upper: f64) -> Compared {
        Compared {
            probe: String::from("message"),
            route: route.to_owned(),
            input: String::from("default"),
            metric: Metric::Success,
            role: Role::Declared,
            word: Some(Word::NotEnough),
            withheld: None,
            beyond_margin: false,
            margin: 0.05,
            better: Some(1),
            same: Some(1_000_000),
            worse: Some(12),
            net: Some(f64::midpoint(lower, upper)),
            limits: Limits {
                lower: Some(lower),
                upper: Some(upper),
            },
            mid_p: None,
            guarantee: String::from("valid at every look since now"),
            more: Some(40),
            reached_after: None,
            dead_zone: None,
            course: Vec::new(),
        }
    }

    fn standing(compared: &[Compared]) -> Standing<'_> {
        Standing {
            probe: "message",
            baseline: "direct",
            fired: 12,
            cap: 300,
            counted: 10,
            dropped: 1,
            in_flight: 1,
            down: &[],
            compared,
        }
    }

    #[test]
    fn the_interval_closes_around_the_net_share() {
        let wide = scale(&compared("b", -1.0, 0.5), 21);
        assert_eq!(wide, "━━━━━━━━●━╋━━━━━╌╌╌╌╌");
        let closed = scale(&compared("b", -0.4, -0.2), 21);
        assert_eq!(closed, "╌╌╌╌╌╌━●━╌│╌╌╌╌╌╌╌╌╌╌");
        assert_eq!(scale_head(21), "-100      0      +100");
    }

    #[test]
    fn it_fits_the_terminal_whatever_the_names() {
        let all: Vec<Compared> = (0..40)
            .map(|n| compared(&format!("route-{}-{n}", "x".repeat(40)), -0.5, 0.3))
            .collect();
        for (width, height) in [(79, 22), (40, 10), (200, 50), (20, 5)] {
            let lines = lines(&standing(&all), width, height, false);
            assert!(lines.len() <= height, "{height}: {lines:#?}");
            for line in &lines {
                assert!(line.width() <= width, "{width}: {line}");
            }
        }
        let few = lines(&standing(&all[..1]), 79, 22, false);
        assert!(few.iter().any(|line| line.contains('●')), "{few:#?}");
    }

    #[test]
    fn a_plain_line_says_how_it_stands() {
        let all = [compared("b", -0.5, 0.3)];
        assert_eq!(
            line(&standing(&all)),
            "12 ticks of at most 300, 10 counted, 1 in flight, 1 dropped: b success: not enough runs (-50.0 to +30.0); \
             about 40 ticks more at this rate"
        );
    }
}
