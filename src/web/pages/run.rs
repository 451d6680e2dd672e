//! One run's timeline.

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};

use super::layout::{look, page};
use crate::model::{ExpectationRecord, LayerState, Layers, RunId, RunRecord, Unmet};
use crate::report::html::words::{class_tone, instant};
use crate::report::html::{Look, badge, segment};
use crate::report::{flag as flag_word, timeline_events};
use crate::web::api::Problem;
use crate::web::auth::Caller;
use crate::web::daemon::{RunSummary, RunView};
use crate::web::site::Shared;

/// The page.
pub(super) async fn run(
    State(site): State<Shared>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Response {
    let found = match id.parse() {
        Ok(id) => site.daemon.run(RunId(id)).await,
        Err(_) => Ok(None),
    };
    match found {
        Ok(Some(view)) => {
            let look = look(&site);
            let title = format!("{} {}", view.record.class.word(), look.text(&view.record.probe));
            page(&title, &caller, None, &content(&look, &view)).into_response()
        }
        Ok(None) => super::no_page(),
        Err(refused) => Problem::from(refused).page(),
    }
}

fn content(look: &Look, view: &RunView) -> Markup {
    let run = &view.record;
    html! {
        p { a href="/" { "All probes" } }
        h1 {
            (badge(class_tone(run.class), run.class.word())) " "
            a href={ "/#" (segment(&run.probe)) } { (look.text(&run.probe)) } " / " (look.text(&run.route))
            @if run.input != "default" { " / " (look.text(&run.input)) }
        }
        @if !run.reason.is_empty() { p { (look.text(&run.reason)) } }
        (facts(look, run))
        h2 { "Timeline" }
        (timeline(look, run))
        @for expectation in run.expectations.iter().filter(|e| !e.unmet.is_empty()) { (unmet(look, expectation)) }
        (verdicts(look, view))
        (detail(look, "Request", run.request.as_ref()))
        (detail(look, "Answer", run.response.as_ref()))
    }
}

fn facts(look: &Look, run: &RunRecord) -> Markup {
    let Layers {
        accepted,
        executed,
        outcome,
    } = run.layers;
    html! {
        dl {
            dt { "Due" } dd { (instant(&run.tick)) @if let Some(lag) = run.lag { span.faint { " first byte " (format!("{:.0}", lag * 1000.0)) " ms later" } } }
            dt { "Layers" } dd { "accepted " (layer(accepted.state)) ", executed " (layer(executed.state)) ", outcome " (layer(outcome.state)) }
            @if RunSummary::of(run).silent_failure { dt { "Silent" } dd { "accepted, and nothing said that it failed" } }
            @if !run.flags.is_empty() { dt { "Flags" } dd { @for (n, flag) in run.flags.iter().enumerate() { @if n > 0 { ", " } (flag_word(*flag)) } } }
            dt { "Run" } dd { code { (run.id) } }
            dt { "Token" } dd { code { (look.text(&run.token)) } }
            dt { "Revision" } dd { code { (look.text(&run.revision)) } }
            @if !run.labels.is_empty() { dt { "Labels" } dd { @for (key, value) in &run.labels { (look.text(key)) "=" (look.text(value)) " " } } }
        }
    }
}

const fn layer(state: LayerState) -> &'static str {
    match state {
        LayerState::Yes => "yes",
        LayerState::No => "no",
        LayerState::Unknown => "unknown",
        LayerState::Undeclared => "undeclared",
    }
}

fn timeline(look: &Look, run: &RunRecord) -> Markup {
    html! {
        ol.timeline { @for event in timeline_events(run) {
            li class=(event.tone) {
                span.when { (event.when) }
                span.who { (look.text(&event.who)) }
                span.what { (look.text(&event.what)) }
            }
        } }
    }
}

fn unmet(look: &Look, expectation: &ExpectationRecord) -> Markup {
    html! {
        h3 { code { (look.text(&expectation.name)) } " was not met" }
        @for one in &expectation.unmet { (place(look, one)) }
    }
}

fn place(look: &Look, one: &Unmet) -> Markup {
    html! {
        div.unmet {
            @if !one.file.is_empty() { p.faint { (look.text(&one.file)) ":" (one.line) ":" (one.column) } }
            pre { (look.text(&one.expression)) }
            dl {
                @if !one.expected.is_empty() { dt { "expected" } dd.good { (look.text(&one.expected)) } }
                @if !one.actual.is_empty() { dt { "actual" } dd.bad { (look.text(&one.actual)) } }
            }
        }
    }
}

fn verdicts(look: &Look, view: &RunView) -> Markup {
    html! {
        @if !view.record.amendments.is_empty() {
            h2 { "Earlier verdicts" }
            ul { @for change in &view.record.amendments {
                li { (instant(&change.at)) ": " (badge(class_tone(change.from), change.from.word())) " → "
                    (badge(class_tone(change.to), change.to.word())) " " (look.text(&change.reason)) }
            } }
        }
    }
}

fn detail(look: &Look, title: &str, value: Option<&serde_json::Value>) -> Markup {
    html! {
        @if let Some(value) = value {
            details { summary { (title) } pre { (look.text(&serde_json::to_string_pretty(value).unwrap_or_default())) } }
        }
    }
}
