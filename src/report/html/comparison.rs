//! What a comparison came to: the word on each route, how its interval closed, what stands behind it.

use maud::{Markup, html};

use super::draw::bar;
use super::draw::course::{Course, Point, course};
use super::words::class_tone;
use super::{View, badge, causes};
use crate::compare::{Compared, Comparison, Limits, Role, RouteFigures};
use crate::report::compare::Explained;
use crate::report::compare::course::{end, starts, ticks};
use crate::report::compare::sentences::{
    asked, compared_name, conclusion, confidence, effect, name, points, range, sentence, terms, title, tone,
    word,
};
use crate::report::paint::Tone;
use crate::report::words::{percent, seconds};

/// Rows of each table, and drawings; the rest is counted.
const ROWS: usize = 200;
const DRAWINGS: usize = 40;

/// The whole of it.
#[must_use]
pub fn explained(view: &View, told: &Explained) -> Markup {
    html! {
        (verdict(view, &told.comparison))
        @for of in &told.causes {
            section {
                h3 { (view.look.text(&asked(&told.comparison, of))) }
                (causes::causes(view, &of.found))
            }
        }
        (behind(view, &told.comparison))
    }
}

/// What it says: one line, a table with the intervals beside each other, and a sentence with its guarantee on each.
#[must_use]
pub fn verdict(view: &View, of: &Comparison) -> Markup {
    let shown = of
        .comparisons
        .iter()
        .filter(|compared| compared.role != Role::Advisory);
    let mut course_rows = shown.take(DRAWINGS).enumerate().peekable();
    html! {
        p.lead { (view.look.text(&conclusion(of))) }
        p { (view.look.text(&title(of))) }
        p.faint { (view.look.text(&terms(of))) }
        (table(view, of))
        @if course_rows.peek().is_some() {
            h3 { "How each word was reached" }
            div.courses { @for (n, compared) in course_rows { (one(view, of, n, compared)) } }
        }
        @for line in [ticks(of), end(of)].into_iter().flatten() { p { (view.look.text(&line)) } }
        @for note in &of.notes { p.notice.warn { "Note: " (view.look.text(note)) } }
    }
}

/// What stands behind it: the runs of the routes side by side, and how large the differences are.
#[must_use]
pub fn behind(view: &View, of: &Comparison) -> Markup {
    let effects = of
        .effects
        .iter()
        .map(|found| effect(of, found))
        .filter(|said| !said.is_empty());
    let effects: Vec<String> = effects.take(ROWS).collect();
    html! {
        h3 { "The runs of the routes" }
        (routes(view, of))
        @if !effects.is_empty() { ul { @for said in &effects { li { (view.look.text(said)) } } } }
        @if let Some(said) = starts(of) { p.faint { (view.look.text(&said)) } }
    }
}

/// The table; the limits are drawn on one scale from -100 to +100 points.
pub(super) fn table(view: &View, of: &Comparison) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Every comparison with its interval" { table.compared {
            thead { tr {
                th scope="col" { "Route" } th scope="col" { "By" }
                @if of.paired { th.number scope="col" { "Better" } th.number scope="col" { "Same" } th.number scope="col" { "Worse" } }
                th.number scope="col" { "Net" } th.number scope="col" { (confidence(of.terms.each)) " interval" }
                th.scale scope="col" { "−100 … 0 … +100" } th scope="col" { "Verdict" }
            } }
            tbody { @for compared in of.comparisons.iter().take(ROWS) { (row(view, of, compared)) } }
        } }
        @if of.comparisons.len() > ROWS { p.faint { "… and " (of.comparisons.len() - ROWS) " more" } }
        p.faint { "Net: points of a hundred " (if of.paired { "ticks" } else { "runs" }) "." }
    }
}

fn row(view: &View, of: &Comparison, compared: &Compared) -> Markup {
    let count = |n: Option<u64>| n.map_or_else(|| String::from("–"), |n| n.to_string());
    let role = match compared.role {
        Role::Declared => "",
        Role::Advisory => "advisory: the exit code does not rest on it",
        Role::Noise => "noise arm: the baseline against itself",
    };
    html! {
        tr class=[(compared.role == Role::Advisory).then_some("advisory")] {
            th scope="row" { (view.look.text(&compared_name(of, compared))) }
            td { (compared.metric.word()) }
            @if of.paired { @for n in [compared.better, compared.same, compared.worse] { td.number { (count(n)) } } }
            td.number { (points(compared.net)) }
            td.number { (range(compared.limits)) }
            td.scale { (scale(compared)) }
            td { (badge(class(compared), word(compared)))
                @if !role.is_empty() { div.faint { (role) } }
                @if let Some(after) = compared.reached_after { div.faint { "after " (after) " ticks" } } }
        }
    }
}

/// The limits and the net share on a line with no difference in the middle and the margin beside it.
fn scale(compared: &Compared) -> Markup {
    let at = |share: f64| format!("{:.1}", f64::midpoint(share.clamp(-1.0, 1.0), 1.0) * 100.0);
    let Limits { lower, upper } = compared.limits;
    let (lower, upper) = (lower.unwrap_or(-1.0), upper.unwrap_or(1.0));
    let width = format!("{:.1}", ((upper - lower) * 50.0).max(0.8));
    html! {
        svg.bar.interval viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true" {
            rect.ground width="100" height="8" {}
            rect class=(class(compared)) x=(at(lower)) y="2" width=(width) height="4" {}
            rect.middle x="49.8" width="0.5" height="8" {}
            rect.margin x=(at(-compared.margin)) width="0.5" height="8" {}
            @if let Some(net) = compared.net { rect.net x=(at(net - 0.008)) width="1.2" height="8" {} }
        }
    }
}

/// One comparison: its word, a sentence with its guarantee, and how its interval closed.
pub(super) fn one(view: &View, of: &Comparison, n: usize, compared: &Compared) -> Markup {
    let id = format!("course-{n}");
    let title = format!("{}, {}", compared_name(of, compared), compared.metric.word());
    let title = view.look.text(&title);
    let noted: Vec<Point> = compared
        .course
        .iter()
        .map(|point| Point {
            ticks: point.ticks,
            net: point.net,
            lower: point.limits.lower.unwrap_or(-1.0),
            upper: point.limits.upper.unwrap_or(1.0),
        })
        .collect();
    html! {
        article {
            div.head { h4 { (title) } (badge(class(compared), word(compared))) }
            p { (view.look.text(&sentence(of, compared))) }
            (course(&Course { id: &id, title: &title, points: &noted, margin: compared.margin, reached: compared.reached_after }))
        }
    }
}

/// The routes' runs side by side.
fn routes(view: &View, of: &Comparison) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="The runs of the routes" { table {
            thead { tr {
                th scope="col" { "Route" } th.number scope="col" { "Runs" } th.number scope="col" { "Delivered" }
                th scope="col" { "Ended" } th.wide scope="col" { "as a bar" } th.number scope="col" { "p50" }
            } }
            tbody { @for figures in of.routes.iter().take(ROWS) { (route(view, of, figures)) } }
        } }
        @if of.routes.len() > ROWS { p.faint { "… and " (of.routes.len() - ROWS) " more" } }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of runs are far below 2^52")]
fn route(view: &View, of: &Comparison, figures: &RouteFigures) -> Markup {
    let delivered = figures
        .classes
        .get(&crate::model::Class::Delivered)
        .copied()
        .unwrap_or(0);
    let share = (figures.runs > 0).then(|| delivered as f64 / figures.runs as f64);
    let parts: Vec<(&str, u64)> = figures
        .classes
        .iter()
        .map(|(class, runs)| (class_tone(*class), *runs))
        .collect();
    html! {
        tr {
            th scope="row" {
                (view.look.text(&name(of, &figures.probe, &figures.route, &figures.input)))
                @if let Some(file) = &figures.file { div.faint { (view.look.text(file)) } }
                @if figures.file.is_none() && figures.route == of.baseline { div.faint { "baseline" } }
            }
            td.number { (figures.runs) }
            td.number { (percent(share)) }
            td { @for (n, (class, runs)) in figures.classes.iter().enumerate() { @if n > 0 { ", " } (runs) " " (class.word()) } }
            td { (bar::stack(&parts)) }
            td.number { @if figures.runs == 0 { "–" } @else { (figures.p50.map_or_else(|| String::from("not reached"), seconds)) } }
        }
    }
}

fn class(compared: &Compared) -> &'static str {
    match tone(compared) {
        Tone::Good => "good",
        Tone::Warn => "warn",
        Tone::Bad => "bad",
        Tone::Blind => "blind",
        _ => "off",
    }
}
