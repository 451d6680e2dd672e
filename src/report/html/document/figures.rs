//! What stands in the file of `report`: figures of history.

use std::collections::{BTreeMap, HashSet};

use maud::{Markup, html};

use super::detail::{Case, Detail, MOST_BAD};
use super::probe::{not_drawn, views};
use super::runs::whole;
use crate::model::RunId;
use crate::report::figures::{list, reason};
use crate::report::html::draw::bar;
use crate::report::html::run::Content;
use crate::report::html::words::{class_tone, instant};
use crate::report::html::{View, badge, receipts, segment};
use crate::report::series::{
    History, LayerFigures, ObjectiveFigures, ObjectiveWord, ProbeFigures, QuantileFigure, SeriesFigures,
    clumps, interval, objective_word, objectives, said_of_change, said_of_consistency, said_of_layers,
    said_of_routes, sections, sentence, withheld,
};
use crate::report::words::{clip, count, flag, seconds};

/// Probes, rows of a table and marks; the rest is counted.
const PROBES: usize = 200;
const ROWS: usize = 500;

/// The places in it.
pub(super) fn places(history: &History) -> Vec<(String, String)> {
    let first = history.probes.first();
    let probes = first.map(|probe| {
        (
            String::from("Probes"),
            format!("#probe-{}", segment(&probe.probe)),
        )
    });
    let marks = (!history.marks.is_empty()).then(|| (String::from("Marks"), String::from("#marks")));
    probes.into_iter().chain(marks).collect()
}

/// The content.
pub(super) fn of(view: &View, history: &History, details: &BTreeMap<String, Detail>) -> Markup {
    let cases = details.values().flat_map(|detail| &detail.bad);
    let held: HashSet<RunId> = cases.map(|case| case.run.id).collect();
    let since = history
        .window
        .since
        .as_deref()
        .map_or_else(|| String::from("the beginning"), instant);
    html! {
        h1 { (sentence(history)) }
        p.faint { (view.look.text(&since)) " to " (view.look.text(&instant(&history.window.until)))
            @if let Some(against) = &history.against {
                ", against " (against.since.as_deref().map_or_else(|| String::from("the beginning"), instant)) " to " (instant(&against.until))
            }
        }
        @for note in &history.notes { p.notice.warn { (view.look.text(note)) } }
        @for (place, found) in history.probes.iter().take(PROBES).enumerate() {
            section.probe id={ "probe-" (segment(&found.probe)) } {
                h2 { (clip(&found.probe, 80)) }
                @for note in &found.notes { p.notice.warn { (view.look.text(note)) } }
                @match details.get(&found.probe) {
                    Some(detail) => { (in_full(view, (place, history), found, detail)) (bad(view, &detail.bad, &held)) }
                    None => { (probe(view, found)) @if !details.is_empty() { (not_drawn("landfall report --probe")) } }
                }
            }
        }
        @if history.probes.len() > PROBES {
            p.notice.warn { "… and " (history.probes.len() - PROBES) " more probes: `--format json` has all." }
        }
        @if !history.marks.is_empty() { section #marks { h2 { "Marks" } (marks(view, history)) } }
    }
}

fn marks(view: &View, history: &History) -> Markup {
    html! {
        ul { @for mark in history.marks.iter().take(ROWS) {
            li { (instant(&mark.at.to_rfc3339())) ": " (view.look.text(&mark.text)) }
        } }
        @if history.marks.len() > ROWS { p.faint { "… and " (history.marks.len() - ROWS) " more: `--format json` has all." } }
    }
}

/// With the views of its page.
fn in_full(view: &View, (place, history): (usize, &History), of: &ProbeFigures, detail: &Detail) -> Markup {
    html! {
        @if of.series.is_empty() { p { "No run ended." } (skipped(of)) }
        (views(view, place, of, detail, &history.marks))
        (flags(view, of))
        (changes(view, of))
    }
}

/// The last runs that did not end well, each in full beside its twin.
fn bad(view: &View, cases: &[Case], held: &HashSet<RunId>) -> Markup {
    html! {
        @if !cases.is_empty() {
            h3 { "Last runs that did not end well" }
            @for case in cases { (whole(view, &content(case, held))) }
            @if cases.len() == MOST_BAD { p.faint { "At most " (MOST_BAD) " are shown here: " code { "landfall runs" } " lists all." } }
        }
    }
}

const fn content<'a>(of: &'a Case, held: &'a HashSet<RunId>) -> Content<'a> {
    Content {
        run: &of.run,
        replaced: &[],
        neighbours: None,
        twins: of.twins.as_ref(),
        trace: None,
        held: Some(held),
    }
}

/// Its figures alone.
fn probe(view: &View, of: &ProbeFigures) -> Markup {
    let name = sections(of);
    html! {
        @if of.series.is_empty() { p { "No run ended." } } @else { (table(view, of)) }
        @for series in of.series.iter().take(ROWS) { (said(view, &name(series), series)) }
        (judged(view, &of.objectives))
        (skipped(of))
        @if let Some(separates) = &of.separates { h3 { "What separates bad runs from good" } p { (view.look.text(&separates.words())) } }
        (changes(view, of))
        @if !of.routes.is_empty() { h3 { "Routes beside each other" } ul {
            @for said in of.routes.iter().flat_map(said_of_routes).take(ROWS) { li { (view.look.text(&said)) } }
        } }
        @if of.series.iter().any(|series| series.receipts.is_some()) {
            h3 { "What was claimed, beside what happened" } (receipts::receipts(view, of))
        }
    }
}

fn skipped(of: &ProbeFigures) -> Markup {
    html! {
        @for skips in of.skips.iter().take(ROWS) { p { (clip(&skips.route, 80)) ": "
            (count(skips.ticks, "tick")) " skipped ("
            @for (n, (why, ticks)) in skips.reasons.iter().enumerate() { @if n > 0 { ", " } (ticks) " " (reason(*why)) } ")" } }
    }
}

fn changes(view: &View, of: &ProbeFigures) -> Markup {
    html! {
        @if !of.changes.is_empty() { h3 { "Against the other window" } ul {
            @for change in of.changes.iter().take(ROWS) { li { b { (clip(&change.route, 80)) } ": " (view.look.text(&said_of_change(change).join("; "))) } }
        } }
    }
}

fn table(view: &View, of: &ProbeFigures) -> Markup {
    let name = sections(of);
    html! {
        div.scroll tabindex="0" role="region" aria-label={ "Figures of " (clip(&of.probe, 80)) " by route" } { table.summary-table {
            thead { tr {
                th scope="col" { "Route" } th.number scope="col" { "Runs" } th.number scope="col" { "On time" } th.wide scope="col" { "as a bar" }
                th.number scope="col" { "Silent failures" } th.number scope="col" { "Consistency" } th.number scope="col" { "p50" } th.number scope="col" { "p95" } th.number scope="col" { "p99" }
                th scope="col" { "Ended" } th.wide scope="col" { "as a bar" }
            } }
            tbody { @for series in of.series.iter().take(ROWS) { (row(view, &name(series), series)) } }
        } }
        @if of.series.len() > ROWS { p.faint { "… and " (of.series.len() - ROWS) " more rows: `--format json` has all." } }
    }
}

fn row(view: &View, name: &str, series: &SeriesFigures) -> Markup {
    let outcome = series.layers.outcome.as_ref();
    let cell = |of: fn(&LayerFigures) -> QuantileFigure| {
        outcome.map_or_else(|| html! { "–" }, |layer| quantile(of(layer)))
    };
    let occurs = series
        .classes
        .iter()
        .filter(|(_, runs)| **runs > 0)
        .map(|(class, runs)| (*class, *runs))
        .collect();
    let parts: Vec<(&str, u64)> = series
        .classes
        .iter()
        .map(|(class, runs)| (class_tone(*class), *runs))
        .collect();
    let limits = series.on_time.lower.zip(series.on_time.upper);
    let silent = series.silent_failures;
    html! {
        tr {
            th scope="row" { (view.look.text(name)) }
            td.number { (series.runs) }
            td.number { (interval(series.on_time)) }
            td { (bar::share(series.on_time.share, limits, "good")) }
            td.number { @if silent.count > 0 { b.bad { (interval(silent)) } } @else { (interval(silent)) } }
            td.number { (series.consistency.as_ref().map_or_else(|| String::from("–"), |found| format!("{:.3}", found.score))) }
            td.number { (cell(|layer| layer.p50)) } td.number { (cell(|layer| layer.p95)) } td.number { (cell(|layer| layer.p99)) }
            td { (list(&occurs)) }
            td { (bar::stack(&parts)) }
        }
    }
}

/// The value, and its limits below it.
fn quantile(of: QuantileFigure) -> Markup {
    let limits = match (of.lower, of.upper) {
        (Some(lower), Some(upper)) => format!("{} – {}", seconds(lower), seconds(upper)),
        // Nothing bounds it from above.
        (Some(lower), None) => format!("from {}", seconds(lower)),
        (None, _) => String::new(),
    };
    html! {
        @match of.latest { Some(value) => (seconds(value)), None => b.bad { "not reached" } }
        @if !limits.is_empty() { div.faint { (limits) } }
    }
}

/// What no column says.
fn said(view: &View, name: &str, series: &SeriesFigures) -> Markup {
    let mut said: Vec<String> = withheld(series).into_iter().chain(clumps(series)).collect();
    if let Some(found) = &series.consistency {
        said.extend(said_of_consistency(found).into_iter().skip(1));
        said.extend(said_of_layers(found));
    }
    said.extend(flagged(series));
    if let Some(lag) = series.lag {
        said.push(format!(
            "lag p50 {}, p99 {}, at most {}",
            seconds(lag.p50),
            seconds(lag.p99),
            seconds(lag.most)
        ));
    }
    html! { @if !said.is_empty() { p { b { (view.look.text(name)) } ": " (view.look.text(&said.join("; "))) } } }
}

fn flagged(series: &SeriesFigures) -> Option<String> {
    let one = |(of, runs): (&crate::model::Flag, &u64)| format!("{runs} {}", flag(*of));
    let all: Vec<String> = series.flags.iter().map(one).collect();
    (!all.is_empty()).then(|| format!("flags: {}", all.join(", ")))
}

/// The flags of each route, which the views of a probe's page do not tell.
fn flags(view: &View, of: &ProbeFigures) -> Markup {
    let name = sections(of);
    let flagged = of.series.iter().filter_map(|s| Some((name(s), flagged(s)?)));
    html! { @for (name, flags) in flagged.take(ROWS) { p.faint { b { (view.look.text(&name)) } ": " (flags) } } }
}

fn judged(view: &View, all: &[ObjectiveFigures]) -> Markup {
    let tone = |word: ObjectiveWord| match word {
        ObjectiveWord::Met => "good",
        ObjectiveWord::NotMet => "bad",
        ObjectiveWord::NotEnough => "warn",
    };
    html! {
        @if !all.is_empty() {
            h3 { "Objective" }
            ul { @for found in all.iter().take(ROWS) {
                li { (badge(tone(found.word), objective_word(found.word))) " " (clip(&found.route, 80)) ": " (view.look.text(&objectives(found).join("; "))) }
            } }
        }
    }
}
