//! What was expected, and the line of YAML that was not met.

use maud::{Markup, html};

use super::story::watched;
use super::timeline::{interval, layer, tone};
use crate::model::{ExpectationRecord, RunRecord, Unmet};
use crate::report::html::View;
use crate::report::html::draw::duration;
use crate::report::html::words::sign;
use crate::report::words::count;

/// Characters of a source line that are shown.
const LINE: usize = 400;

/// Every expectation: those that were not met first and with their lines, the others in a table.
pub(super) fn section(view: &View, run: &RunRecord) -> Markup {
    let (wrong, well): (Vec<_>, Vec<_>) = run
        .expectations
        .iter()
        .partition(|e| matches!(tone(e), "bad" | "blind" | "warn"));
    html! {
        section.expected data-key="expected" aria-labelledby={ "expected-" (run.id) } {
            h2 id={ "expected-" (run.id) } { "What was expected" }
            @if run.expectations.is_empty() { p.faint { "The record names no expectation." } }
            @for e in &wrong { (card(view, e)) }
            @if !well.is_empty() {
                div.scroll tabindex="0" role="region" aria-label="Expectations that were met" { table.met {
                    thead { tr { th scope="col" { "Expectation" } th scope="col" { "In" } th scope="col" { "State" } th.number scope="col" { "When" } th.number scope="col" { "Within" } } }
                    tbody { @for e in &well { tr {
                        th scope="row" { code { (view.look.text(&e.name)) } " " span.faint { (layer(e.layer)) } }
                        td { (view.look.text(&e.channel)) }
                        td { span class={ "state " (tone(e)) } { (sign(tone(e))) " " (state(e)) } }
                        td.number { @if let Some(at) = e.seconds { (interval(at)) } @else { "–" } }
                        td.number { (duration(e.within)) @if e.grace > 0.0 { span.faint { " + " (duration(e.grace)) } } }
                    } } }
                } }
            }
        }
    }
}

/// What it says, with how often.
fn state(e: &ExpectationRecord) -> String {
    if e.seconds.is_none() && e.count == 0 {
        return String::from("none came, rightly");
    }
    match e.count {
        0 | 1 => e.state.word().to_owned(),
        n => format!("{}, {n} times", e.state.word()),
    }
}

fn card(view: &View, e: &ExpectationRecord) -> Markup {
    let tone = tone(e);
    html! {
        article class={ "expectation " (tone) } {
            div.head {
                h3 { code { (view.look.text(&e.name)) } }
                span class={ "state " (tone) } { (sign(tone)) " " (e.state.word()) }
                span.faint {
                    (layer(e.layer)) " in " code { (view.look.text(&e.channel)) } ", within " (duration(e.within))
                    @if e.grace > 0.0 { " and " (duration(e.grace)) " of grace" }
                    @if let Some(at) = e.seconds { "; arrived after " (interval(at)) }
                    @else if let Some(end) = watched(e) { "; not reached in " (duration(end)) }
                    @if e.count > 0 { "; " (count(u64::from(e.count), "arrival")) " met it" }
                }
            }
            @if !e.reason.is_empty() { p { (super::content::sentence(view, &e.reason)) } }
            @for unmet in &e.unmet { (place(view, unmet)) }
        }
    }
}

/// As a compiler draws it: the place, the line with what did not hold underlined, then both values side by side.
fn place(view: &View, unmet: &Unmet) -> Markup {
    html! {
        div.unmet {
            @if !unmet.file.is_empty() { p.caption { code { (view.look.text(&unmet.file)) ":" (unmet.line) ":" (unmet.column) } } }
            pre tabindex="0" { code { (line(view, unmet)) } }
            div.sides {
                @if !unmet.expected.is_empty() { div { p.caption { "expected" } pre.good { code { (view.look.lines(&unmet.expected, LINE * 5).text) } } } }
                @if !unmet.actual.is_empty() { div { p.caption { "actual" } pre.bad { code { (view.look.lines(&unmet.actual, LINE * 5).text) } } } }
            }
        }
    }
}

/// The line as it stands in the file, its expression marked; the expression alone where the line is not on record.
fn line(view: &View, unmet: &Unmet) -> Markup {
    let source = unmet.source.trim_end();
    let expression = unmet.expression.as_str();
    let at = source.find(expression).filter(|_| !expression.is_empty());
    let shown = |text: &str| view.look.lines(text, LINE).text;
    html! {
        @if unmet.line > 0 && !source.is_empty() { span.lineno { (unmet.line) " │ " } }
        @match at {
            Some(at) => { (shown(&source[..at])) mark { (shown(expression)) } (shown(&source[at + expression.len()..])) },
            None if source.is_empty() => mark { (shown(expression)) },
            None => { (shown(source)) "\n" mark { (shown(expression)) } },
        }
    }
}
