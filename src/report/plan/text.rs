//! A plan for people, in 80 columns.

use std::fmt::Write as _;

use super::super::Style;
use super::super::paint::Tone;
use super::super::table::{Cell, Table, wrap};
use super::super::words::clip;
use super::reckon::span;
use super::{Plan, ProbePlan};
use crate::stats::gate::percent;

/// A table and what it says above it, in rows of plain cells; the first column is text, the others numbers.
pub(super) struct Told {
    pub(super) title: String,
    pub(super) heads: Vec<&'static str>,
    pub(super) rows: Vec<Vec<String>>,
    pub(super) notes: Vec<String>,
}

/// Probes first, then a table a question.
pub(super) fn render(plan: &Plan, style: Style) -> String {
    let width = usize::from(if style.width == 0 { 80 } else { style.width });
    let mut out = String::new();
    for probe in &plan.probes {
        self::probe(probe, width, style, &mut out);
    }
    for told in tables(plan) {
        table(&told, width, style, &mut out);
    }
    if out.is_empty() {
        out.push_str("nothing was asked: name a probe, or see `landfall plan --help`\n");
    }
    out
}

fn probe(probe: &ProbePlan, width: usize, style: Style, out: &mut String) {
    let mut lines = wrap(&head(probe), width).into_iter();
    if let Some(first) = lines.next() {
        let _infallible = writeln!(out, "{}", Tone::Head.paint(&first, style.colour));
    }
    lines.for_each(|line| {
        let _infallible = writeln!(out, "{line}");
    });
    let mut said: Vec<(&str, &str)> = Vec::new();
    said.extend(probe.objectives.iter().map(|o| ("to prove", o.sentence.as_str())));
    said.extend(
        probe
            .alerts
            .iter()
            .map(|a| (a.severity.as_str(), a.sentence.as_str())),
    );
    said.extend(probe.left_out.iter().map(|why| ("left out", why.as_str())));
    for (what, sentence) in said {
        for (n, line) in wrap(sentence, width.saturating_sub(12)).iter().enumerate() {
            let what = if n == 0 { what } else { "" };
            let _infallible = writeln!(out, "  {what:<9} {line}");
        }
    }
    out.push('\n');
}

/// `order-paid: every 1m, 43200 ticks in 30 days, 2 series`.
pub(super) fn head(probe: &ProbePlan) -> String {
    let name = probe
        .probe
        .as_deref()
        .map_or_else(|| String::from("as given"), |n| clip(n, 80));
    let schedule = match (&probe.schedule, probe.ticks_in_30_days) {
        (Some(schedule), Some(ticks)) => format!("{}, {ticks} ticks in 30 days", clip(schedule, 120)),
        _ => String::from("no schedule"),
    };
    let series = match probe.series {
        1 => String::from("1 series"),
        n => format!("{n} series, each for itself"),
    };
    format!("{name}: {schedule}, {series}")
}

/// Each question that was asked, as a table.
pub(super) fn tables(plan: &Plan) -> Vec<Told> {
    let every = plan.every.map_or_else(String::new, |every| {
        format!(", a tick every {}", span_or_less(every))
    });
    let timed = plan.every.is_some();
    let all = [
        claims(plan, &every, timed),
        gates(plan, timed),
        worse(plan, timed),
        no_difference(plan, timed),
    ];
    all.into_iter().filter(|told| !told.rows.is_empty()).collect()
}

fn claims(plan: &Plan, every: &str, timed: bool) -> Told {
    let row = |c: &super::ClaimPlan| {
        let mut cells = vec![percent(c.share), c.one_look[0].to_string()];
        cells.extend(time(timed, c.seconds));
        cells.extend([
            c.one_look[1].to_string(),
            c.one_look[2].to_string(),
            c.any_look.to_string(),
        ]);
        cells
    };
    Told {
        title: format!(
            "Runs of one series that show at least so many delivered, {} sure{every}",
            percent(plan.confidence)
        ),
        heads: heads(
            timed,
            &["share", "none failed"],
            &["1 failed", "2 failed", "at any look"],
        ),
        rows: plan.claims.iter().map(row).collect(),
        notes: vec![String::from(
            "The first three counts hold for one look; the last, none failed, however often one looks.",
        )],
    }
}

fn gates(plan: &Plan, timed: bool) -> Told {
    let row = |g: &super::GatePlan| {
        let mut cells = vec![percent(g.good), percent(g.bad), g.runs_to_pass[0].to_string()];
        cells.extend(time(timed, g.seconds));
        cells.extend([
            g.runs_to_pass[1].to_string(),
            g.runs_to_pass[2].to_string(),
            g.failures_to_fail.to_string(),
        ]);
        cells
    };
    let wrong = plan.gates.first().map_or_else(String::new, |g| {
        format!(
            "A good one is called bad in at most {}, a bad one good in at most {}.",
            percent(g.alpha),
            percent(g.beta)
        )
    });
    Told {
        title: String::from("Runs of one series until `run --until-decided` calls it good"),
        heads: heads(
            timed,
            &["good", "bad", "none failed"],
            &["1 failed", "2 failed", "fails after"],
        ),
        rows: plan.gates.iter().map(row).collect(),
        notes: vec![wrong],
    }
}

fn worse(plan: &Plan, timed: bool) -> Told {
    let row = |w: &super::WorsePlan| {
        let mut cells = vec![percent(w.baseline), percent(w.route), w.one_look[0].to_string()];
        cells.extend(time(timed, w.seconds));
        cells.push(w.one_look[1].to_string());
        cells.extend(w.any_look.iter().map(|n| ticks(*n, w.drawn.cap)));
        cells
    };
    Told {
        title: String::from("Ticks until `compare` says `worse`"),
        heads: heads(
            timed,
            &["baseline", "route", "1 look 80 %"],
            &["90 %", "any look 50 %", "80 %", "90 %"],
        ),
        rows: plan.worse.iter().map(row).collect(),
        notes: drawn(plan.worse.first().map(|w| w.drawn)),
    }
}

fn no_difference(plan: &Plan, timed: bool) -> Told {
    let row = |d: &super::NoDifferencePlan| {
        let mut cells = vec![percent(d.margin), d.alike[0].to_string(), d.alike[1].to_string()];
        cells.push(percent(d.both));
        cells.push(d.one_look.to_string());
        cells.extend(time(timed, d.seconds));
        cells.extend(d.any_look.iter().map(|n| ticks(*n, d.drawn.cap)));
        cells
    };
    Told {
        title: String::from("Ticks until `compare` says `no difference shown`"),
        heads: heads(
            timed,
            &["margin", "alike once", "any look", "both good", "1 look 80 %"],
            &["any 50 %", "80 %"],
        ),
        rows: plan.no_difference.iter().map(row).collect(),
        notes: drawn(plan.no_difference.first().map(|d| d.drawn)),
    }
}

fn drawn(drawn: Option<super::Drawn>) -> Vec<String> {
    let said = drawn.map(|d| {
        format!(
            "So many comparisons have a word by then; those of any look are drawn ({} from seed {}).",
            d.repeats, d.seed
        )
    });
    said.into_iter().collect()
}

fn heads(timed: bool, before: &[&'static str], after: &[&'static str]) -> Vec<&'static str> {
    let mut all = before.to_vec();
    if timed {
        all.push("takes");
    }
    all.extend(after);
    all
}

fn time(timed: bool, seconds: Option<f64>) -> Option<String> {
    timed.then(|| seconds.map_or_else(|| String::from("-"), span_or_less))
}

fn span_or_less(seconds: f64) -> String {
    if seconds < 1.0 {
        format!("{} ms", (seconds * 1_000.0).round())
    } else {
        span(seconds)
    }
}

fn ticks(n: Option<u64>, cap: u64) -> String {
    n.map_or_else(|| format!("> {cap}"), |n| n.to_string())
}

fn table(told: &Told, width: usize, style: Style, out: &mut String) {
    for line in wrap(&told.title, width) {
        let _infallible = writeln!(out, "{}", Tone::Head.paint(&line, style.colour));
    }
    let mut table = Table::default();
    for head in &told.heads {
        table.number(head);
    }
    for row in &told.rows {
        table.row(row.iter().map(|cell| Cell::plain(cell.as_str())).collect());
    }
    for line in table.lines(style.colour) {
        let _infallible = writeln!(out, "{line}");
    }
    for line in told.notes.iter().flat_map(|note| wrap(note, width)) {
        let _infallible = writeln!(out, "{}", Tone::Faint.paint(&line, style.colour));
    }
    out.push('\n');
}
