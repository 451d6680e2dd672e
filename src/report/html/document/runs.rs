//! The runs: a table of them, and each in full. Both are bounded, and say what they leave out.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use maud::{Markup, html};

use super::among::Among;
use super::choice::Choice;
use crate::model::{LayerState, Layers, RunId, RunRecord};
use crate::report::html::run::{self, Content};
use crate::report::html::words::{class_tone, instant, latency};
use crate::report::html::{View, badge};
use crate::report::results::silent_failure;
use crate::report::words::{bad, flag, run_name};

/// Rows of the table.
const ROWS: usize = 2_000;
/// Runs that are shown in full: those that did not end well, and in all.
const FULL_BAD: usize = 200;
const FULL: usize = 500;
/// Of each probe, route and input so many that ended well are shown in full, the newest.
const FULL_GOOD: usize = 3;

/// Which runs stand in the file.
pub(super) struct Chosen<'a> {
    /// Rows of the table, the newest first.
    rows: Vec<&'a RunRecord>,
    full: Vec<&'a RunRecord>,
    linked: HashSet<RunId>,
    among: Among<'a>,
    all: usize,
    all_bad: usize,
}

impl<'a> Chosen<'a> {
    /// All that did not end well come first, each with its twin, then the newest.
    pub(super) fn of(runs: &'a [Arc<RunRecord>]) -> Self {
        let among = Among::new(runs.iter().map(AsRef::as_ref));
        // Records stand in the order of their ticks.
        let newest = || runs.iter().rev().map(AsRef::as_ref);
        let (worse, well): (Vec<&RunRecord>, Vec<&RunRecord>) = newest().partition(|run| bad(run));
        let kept: HashSet<RunId> = worse.iter().chain(&well).take(ROWS).map(|run| run.id).collect();
        let mut good: BTreeMap<(&str, &str, &str), usize> = BTreeMap::new();
        let few = well.iter().copied().filter(|run| {
            let shown = good.entry((&run.probe, &run.route, &run.input)).or_default();
            *shown += 1;
            *shown <= FULL_GOOD
        });
        let shown = &worse[..worse.len().min(FULL_BAD)];
        let twins = shown.iter().filter_map(|run| Some(among.twin(run)?.0));
        let mut linked = HashSet::new();
        let all = shown.iter().copied().chain(twins).chain(few);
        let full: Vec<&RunRecord> = all.filter(|run| linked.insert(run.id)).take(FULL).collect();
        // The first that did not fit was noted too.
        linked.retain(|id| full.iter().any(|run| run.id == *id));
        Self {
            rows: newest().filter(|run| kept.contains(&run.id)).collect(),
            linked,
            full,
            among,
            all: runs.len(),
            all_bad: worse.len(),
        }
    }

    /// The boxes above the table, the table, and the rules by which boxes take rows away.
    pub(super) fn table(&self, view: &View) -> (Markup, String) {
        let classes = Choice::new(
            'c',
            "Class",
            self.rows.iter().map(|run| run.class.word().to_owned()),
        );
        let legs = Choice::new('r', "Route", self.rows.iter().map(|run| run_name(run)));
        let toned = |word: &str| {
            let tone = self
                .rows
                .iter()
                .find(|run| run.class.word() == word)
                .map_or("off", |run| class_tone(run.class));
            badge(tone, word)
        };
        let rules = classes.rules("#runs") + &legs.rules("#runs");
        let markup = html! {
            (classes.boxes(toned)) (legs.boxes(|name| html! { (name) }))
            div.scroll tabindex="0" role="region" aria-label="Runs, the newest first" { table #runs {
                thead { tr {
                    th scope="col" { "Due" } th scope="col" { "Route" } th scope="col" { "Class" } th scope="col" { "Accepted" }
                    th scope="col" { "Executed" } th scope="col" { "Outcome" } th.number scope="col" { "after" } th scope="col" { "Why" }
                } }
                tbody { @for run in &self.rows { (self.row(view, run, &classes, &legs)) } }
            } }
            @if self.rows.len() < self.all { p.notice.warn { (self.left_out()) } }
        };
        (markup, rules)
    }

    fn left_out(&self) -> String {
        let bad = if self.all_bad <= ROWS {
            format!(
                "all {} that did not end well, and the newest others",
                self.all_bad
            )
        } else {
            format!("the newest of {} that did not end well", self.all_bad)
        };
        format!(
            "The table holds {} of {} runs: {bad}. `--format json` has all.",
            self.rows.len(),
            self.all
        )
    }

    fn row(&self, view: &View, run: &RunRecord, classes: &Choice, legs: &Choice) -> Markup {
        let own = [classes.class(run.class.word()), legs.class(&run_name(run))];
        let own = own.into_iter().flatten().collect::<Vec<_>>().join(" ");
        let Layers {
            accepted,
            executed,
            outcome,
        } = run.layers;
        let due = instant(&run.tick);
        html! {
            tr class=(own) {
                th.when scope="row" {
                    @if self.linked.contains(&run.id) { a href=(view.links.run(run.id)) { (view.look.text(&due)) } }
                    @else { (view.look.text(&due)) }
                }
                td { (run_name(run)) }
                td { (badge(class_tone(run.class), run.class.word())) }
                td { (layer(accepted.state)) } td { (layer(executed.state)) } td { (layer(outcome.state)) }
                td.number { (latency(outcome.seconds)) }
                td { (view.look.text(&run.reason))
                    @if silent_failure(run) { div.bad { "silent failure" } }
                    @if !run.flags.is_empty() { div.faint { @for (n, of) in run.flags.iter().enumerate() { @if n > 0 { ", " } (flag(*of)) } } } }
            }
        }
    }

    /// Each run in full, closed until it is asked for.
    pub(super) fn full(&self, view: &View) -> Markup {
        let left_out = self.all - self.full.len();
        html! {
            @if left_out > 0 { p.faint {
                (self.full.len()) " of " (self.all) " runs: of those that did not end well the newest " (FULL_BAD)
                ", each with its twin, of the others the newest " (FULL_GOOD) " of each route, in all at most " (FULL) "; " (left_out) " are left out: " code { "--format json" } " has all."
            } }
            @for run in &self.full { (self.one(view, run)) }
        }
    }

    fn one(&self, view: &View, run: &RunRecord) -> Markup {
        let twins = bad(run).then(|| self.among.twins(run)).flatten();
        whole(
            view,
            &Content {
                run,
                replaced: &[],
                neighbours: Some(&self.among.neighbours(run)),
                twins: twins.as_ref(),
                trace: None,
                held: Some(&self.linked),
            },
        )
    }
}

/// A run in full, closed until it is asked for.
pub(super) fn whole(view: &View, content: &Content<'_>) -> Markup {
    let run = content.run;
    html! {
        details.run {
            summary { (badge(class_tone(run.class), run.class.word())) " " (run_name(run)) " " span.faint { (view.look.text(&instant(&run.tick))) } }
            // A browser opens what holds the place that a link leads to.
            div.whole { (run::run(view, content)) }
        }
    }
}

fn layer(state: LayerState) -> Markup {
    match state {
        LayerState::Yes => html! { span.good { "yes" } },
        LayerState::No => html! { span.bad { "no" } },
        LayerState::Unknown => html! { span.blind { "unknown" } },
        LayerState::Undeclared => html! { span.faint { "–" } },
    }
}
