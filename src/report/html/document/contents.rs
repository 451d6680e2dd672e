//! What stands in the file of `run` and `demo`.

use std::collections::BTreeMap;
use std::sync::Arc;

use maud::{Markup, html};

use super::agreement::agreement;
use super::detail::Detail;
use super::probe::{DRAWN, not_drawn, views};
use super::runs::Chosen;
use crate::model::{Class, Ending, LayerRecord, LayerState, RunRecord, SkipRecord};
use crate::report::figures::{Figures, list, sentence, skips};
use crate::report::html::draw::{Funnel, bar};
use crate::report::html::words::{class_tone, instant};
use crate::report::html::{View, badge, receipts, segment};
use crate::report::results::silent_failure;
use crate::report::series::{Gathering, ProbeFigures};
use crate::report::words::{clip, insecure, run_name};
use crate::report::{GateReport, Results};
use crate::stats::gate::GateWord;

/// Rows of the summary, lines of skips, rows of a gate, probes that have a part of their own; the rest is counted.
const ROWS: usize = 200;
const PROBES: usize = 50;

/// A probe, a route and an input.
type Series<'a> = (&'a str, &'a str, &'a str);

/// The content, the places in it, and the rules that its boxes need.
pub(super) fn of(view: &View, results: &Results) -> (Markup, Vec<(String, String)>, String) {
    let told = Told::of(view, &results.runs, &results.skipped);
    let mut places = vec![placed("Summary", "#summary")];
    places.extend(told.probe.clone());
    if results.truth.is_some() {
        places.push(placed("Truth", "#truth"));
    }
    places.extend(told.places());
    let content = html! {
        h1 { (sentence(results)) }
        p.faint { "Began " (view.look.text(&instant(&results.started))) }
        section #summary {
            h2 { "Summary" }
            (warned(view, results))
            (summary(view, &Figures::of(results), &funnels(results)))
            (skipped(results))
            @if let Some(gate) = &results.gate { (gated(view, gate)) }
        }
        (told.probes)
        @if let Some(truth) = &results.truth {
            section #truth { h2 { "Verdicts against the truth" } (agreement(view, truth)) }
        }
        (told.runs)
    };
    (content, places, told.rules)
}

/// What a file tells of runs, whoever fired them.
pub(super) struct Told {
    /// The views of each probe's page.
    pub(super) probes: Markup,
    /// The runs as a table, and in full.
    pub(super) runs: Markup,
    /// The rules that the boxes above the table need.
    pub(super) rules: String,
    /// Where the first probe is.
    pub(super) probe: Option<(String, String)>,
    any: bool,
}

impl Told {
    /// Of runs in the order of their ticks.
    pub(super) fn of(view: &View, runs: &[Arc<RunRecord>], skipped: &[SkipRecord]) -> Self {
        let probes = by_probe(runs, skipped);
        let chosen = Chosen::of(runs);
        let (table, rules) = chosen.table(view);
        let first = probes.first().map(|(found, _)| found.probe.as_str());
        Self {
            probe: first.map(|name| placed("Probes", &view.links.probe(name))),
            probes: html! {
                @for (place, (figures, runs)) in probes.iter().take(PROBES).enumerate() { (probe(view, (place, figures), runs, skipped)) }
                @if probes.len() > PROBES { p.notice.warn { "… and " (probes.len() - PROBES) " more probes: `--format json` has all." } }
            },
            any: !runs.is_empty(),
            runs: html! {
                @if !runs.is_empty() {
                    section #all-runs { h2 { "Runs" } (table) }
                    section #in-full { h2 { "Runs in full" } (chosen.full(view)) }
                }
            },
            rules,
        }
    }

    /// Where the runs are.
    pub(super) fn places(&self) -> Vec<(String, String)> {
        match self.any {
            true => vec![placed("Runs", "#all-runs"), placed("Runs in full", "#in-full")],
            false => Vec::new(),
        }
    }
}

/// A place in the file: the word, and where it leads.
pub(super) fn placed(word: &str, to: &str) -> (String, String) {
    (word.to_owned(), to.to_owned())
}

/// The runs of each probe with their figures, the worst probe first.
fn by_probe<'a>(
    all: &'a [Arc<RunRecord>],
    skipped: &[SkipRecord],
) -> Vec<(ProbeFigures, Vec<&'a RunRecord>)> {
    let mut gathering = Gathering::default();
    let mut runs: BTreeMap<&str, Vec<&RunRecord>> = BTreeMap::new();
    for run in all {
        // What is beyond the limit of a gathering is more than a command fires.
        let _taken = gathering.add(Ending::of(run));
        runs.entry(&run.probe).or_default().push(run);
    }
    for skip in skipped {
        gathering.skip(skip);
    }
    let figures = gathering.figures(&BTreeMap::new(), None).into_iter();
    figures
        .map(|figures| {
            let runs = runs.remove(figures.probe.as_str()).unwrap_or_default();
            (figures, runs)
        })
        .collect()
}

fn warned(view: &View, results: &Results) -> Markup {
    let mut names: Vec<String> = results
        .runs
        .iter()
        .filter(|run| insecure(run))
        .map(|run| run_name(run))
        .collect();
    names.sort_unstable();
    names.dedup();
    html! {
        @if !names.is_empty() {
            p.notice.warn { "Certificates were not checked (" code { "insecure: true" } "): "
                (view.look.text(&names.iter().take(10).cloned().collect::<Vec<_>>().join(", ")))
                @if names.len() > 10 { " and " (names.len() - 10) " more" } }
        }
    }
}

/// A row for each probe, route and input.
fn summary(view: &View, figures: &[Figures], funnels: &BTreeMap<Series<'_>, Funnel>) -> Markup {
    html! {
        @if !figures.is_empty() {
            div.scroll tabindex="0" role="region" aria-label="How the runs of each route ended" { table.summary-table {
                thead { tr {
                    th scope="col" { "Probe" } th scope="col" { "Route" } th.number scope="col" { "Runs" } th scope="col" { "Ended" } th.wide scope="col" { "as a bar" }
                    th.funnel scope="col" { "Accepted → executed → outcome" } th.number scope="col" { "Silent failures" } th.number scope="col" { "p50" } th.number scope="col" { "max" }
                } }
                tbody { @for one in figures.iter().take(ROWS) { (row(view, one, funnels)) } }
            } }
            @if figures.len() > ROWS { p.faint { "… and " (figures.len() - ROWS) " more rows: `--format json` has all." } }
            p.faint { "Silent failures: accepted, then lost or mismatched. p50, max: time until delivered." }
        }
    }
}

fn row(view: &View, one: &Figures, funnels: &BTreeMap<Series<'_>, Funnel>) -> Markup {
    let funnel = funnels.get(&(one.probe.as_str(), one.route.as_str(), one.input.as_str()));
    let (p50, max) = one.latency_texts();
    let parts: Vec<(&str, u64)> = one
        .classes
        .iter()
        .map(|(class, runs)| (class_tone(*class), *runs))
        .collect();
    let several = one.input != crate::report::words::DEFAULT_INPUT;
    html! {
        tr {
            td { a href=(view.links.probe(&one.probe)) { (clip(&one.probe, 80)) } }
            th scope="row" { (clip(&one.route, 80)) @if several { " / " (clip(&one.input, 80)) } }
            td.number { (one.runs) }
            td { (list(&one.classes)) }
            td { (bar::stack(&parts)) }
            td.funnel { @if let Some(funnel) = funnel { (funnel.draw()) span.counts { (counts(funnel)) } } }
            td.number { @if one.silent > 0 { b.bad { (one.silent_text()) } } @else { (one.silent_text()) } }
            td.number { (p50) } td.number { (max) }
        }
    }
}

/// `20 → 18 → 17`.
fn counts(funnel: &Funnel) -> String {
    let executed = funnel
        .executed
        .map_or_else(String::new, |runs| format!(" → {runs}"));
    format!(
        "{}{executed} → {} of {}",
        funnel.accepted, funnel.outcome, funnel.of
    )
}

/// How many runs of each series came through each layer; those that could not be seen are in none.
fn funnels(results: &Results) -> BTreeMap<Series<'_>, Funnel> {
    let mut all: BTreeMap<Series<'_>, Funnel> = BTreeMap::new();
    for run in results.runs.iter().filter(|run| run.class != Class::Unobserved) {
        let one = all.entry((&run.probe, &run.route, &run.input)).or_default();
        let yes = |layer: LayerRecord| u64::from(layer.state == LayerState::Yes);
        one.of += 1;
        one.accepted += yes(run.layers.accepted);
        one.outcome += yes(run.layers.outcome);
        one.silent += u64::from(silent_failure(run));
        if run.layers.executed.state != LayerState::Undeclared {
            one.executed = Some(one.executed.unwrap_or(0) + yes(run.layers.executed));
        }
    }
    all
}

fn skipped(results: &Results) -> Markup {
    let all = skips(results);
    html! {
        @if !all.is_empty() {
            h3 { "Ticks that did not fire" }
            ul { @for skip in all.iter().take(ROWS) {
                li { (skip.name) ": " (skip.count) " " @if skip.count == 1 { "tick" } @else { "ticks" } ", " (skip.reason)
                    @if !skip.detail.is_empty() { ": " (skip.detail) } }
            } }
            @if all.len() > ROWS { p.faint { "… and " (all.len() - ROWS) " more: `--format json` has all." } }
        }
    }
}

fn gated(view: &View, gate: &GateReport) -> Markup {
    let tone = |word: GateWord| match word {
        GateWord::Good => "good",
        GateWord::Bad => "bad",
        GateWord::NotEnough => "warn",
    };
    html! {
        h3 { "Gate" }
        p { (gate.terms()) }
        ul { @for row in gate.series.iter().take(ROWS) {
            li { (badge(tone(row.word), row.word.as_str())) " " (view.look.text(&row.name())) ": " (view.look.text(&row.sentence)) }
        } }
        @if gate.series.len() > ROWS { p.faint { "… and " (gate.series.len() - ROWS) " more: `--format json` has all." } }
    }
}

/// The views of a probe's page over these runs.
fn probe(
    view: &View,
    (place, found): (usize, &ProbeFigures),
    runs: &[&RunRecord],
    skipped: &[SkipRecord],
) -> Markup {
    let claimed = found.series.iter().any(|series| series.receipts.is_some());
    html! {
        section.probe id={ "probe-" (segment(&found.probe)) } {
            h2 { (clip(&found.probe, 80)) }
            @if place < DRAWN {
                (views(view, place, found, &Detail::of(&found.probe, runs, skipped), &[]))
            } @else {
                (not_drawn("landfall run PROBE"))
                @if claimed { h3 { "What was claimed, beside what happened" } (receipts::receipts(view, found)) }
            }
        }
    }
}
