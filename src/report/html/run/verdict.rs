//! The top of the page: the verdict, the reason in a sentence, the layers, the flags in words.

use maud::{Markup, html};

use super::story::{explained, first_wrong, layers, sentence, worst};
use super::{Content, name};
use crate::model::{Class, LayerState, Moment, RunRecord};
use crate::report::html::draw::duration;
use crate::report::html::words::{class_tone, instant, sign};
use crate::report::html::{View, badge};
use crate::report::{flag, silent_failure};

pub(super) fn top(view: &View, of: &Content<'_>) -> Markup {
    let run = of.run;
    let tone = class_tone(run.class);
    html! {
        section class={ "verdict " (tone) } data-key="verdict" aria-labelledby={ "run-" (run.id) } {
            h1 id={ "run-" (run.id) } {
                (badge(tone, run.class.word())) " " (name(view, (&run.probe, &run.route, &run.input)))
            }
            p.why { (super::content::sentence(view, &sentence(run))) }
            (strip(view, run))
            @if silent_failure(run) {
                p.notice.bad { strong { "Silent failure: " } "the API accepted it, and nothing said that it failed." }
            }
            @if run.response.is_some() && run.layers.accepted.state == LayerState::Unknown && run.class == Class::Lost {
                p.faint { "No answer said yes, so this counts as unanswered and not as a silent failure." }
            }
            (flags(run))
            (earlier(view, of))
        }
        (facts(view, of))
    }
}

/// accepted → executed → outcome; the first that did not say what it should is marked.
fn strip(view: &View, run: &RunRecord) -> Markup {
    let layers = layers(run);
    let wrong = first_wrong(&layers);
    html! {
        ol.layers aria-label="Layers" { @for (nth, layer) in layers.iter().enumerate() {
            li class={ "layer " (layer.tone) @if wrong == Some(nth) { " first" } } {
                span.title { (layer.title) }
                span.word { span.sign aria-hidden="true" { (sign(layer.tone)) } " " (view.look.text(&layer.word)) }
                span.faint { (layer.detail) }
                @if wrong == Some(nth) { span.here { "first to go wrong" } }
            }
        } }
    }
}

fn flags(run: &RunRecord) -> Markup {
    html! {
        @if !run.flags.is_empty() {
            ul.flags { @for of in &run.flags { li { strong { (flag(*of)) } ": " (explained(*of)) } } }
        }
    }
}

/// Verdicts that were amended, each with its time.
fn earlier(view: &View, of: &Content<'_>) -> Markup {
    let run = of.run;
    let Some(first) = run.amendments.first() else {
        return html! {};
    };
    let closed = closed(of.replaced.first(), run, first.from);
    html! {
        div.earlier {
            p { "The verdict changed after the run had closed:" }
            ol {
                li { (badge(class_tone(first.from), first.from.word())) " " (closed) }
                @for change in &run.amendments {
                    li {
                        (badge(class_tone(change.to), change.to.word())) " since "
                        time datetime=(view.look.text(&change.at)) { (instant(&view.look.text(&change.at))) }
                        @if !change.reason.is_empty() { ": " (view.look.text(&change.reason)) }
                    }
                }
            }
        }
    }
}

/// When the first verdict was found. A record does not say when it closed; what decided it does.
fn closed(record: Option<&RunRecord>, run: &RunRecord, class: Class) -> String {
    let record = record.unwrap_or(run);
    let sent = record.sent.as_deref().and_then(Moment::from_rfc3339);
    let waits = || record.expectations.iter();
    let end = match class {
        Class::Delivered | Class::Late | Class::Duplicate | Class::Phantom => {
            record.layers.outcome.seconds.map(|s| s.1)
        }
        _ => waits()
            .map(|e| e.within + e.grace)
            .filter(|end| end.is_finite())
            .max_by(f64::total_cmp),
    };
    let at = sent.zip(end.and_then(|end| std::time::Duration::try_from_secs_f64(end).ok()));
    match at {
        Some((sent, end)) => format!(
            "at first, by what was there at {}",
            instant(&sent.after(end).to_rfc3339())
        ),
        None => String::from("at first"),
    }
}

fn facts(view: &View, of: &Content<'_>) -> Markup {
    let run = of.run;
    let text = |text: &str| view.look.text(text);
    html! {
        dl.facts data-key="facts" {
            dt { "Due" } dd { time datetime=(text(&run.tick)) { (instant(&text(&run.tick))) }
                @if let Some(lag) = run.lag.filter(|lag| lag.is_finite()) { " " span.faint { "first byte " (lag_word(lag)) } } }
            @if let Some(waited) = worst(run).and_then(super::story::watched) { dt { "Watched" } dd { (duration(waited)) " for the outcome" } }
            @if !run.location.is_empty() { dt { "Location" } dd { (text(&run.location)) } }
            dt { "Run" } dd { code.copy { (run.id) } }
            dt { "Trace" } dd {
                @match of.trace {
                    Some(url) => { a href=(url) rel="noreferrer" { code { (run.id.trace_id()) } } " " span.faint { "in the trace viewer" } },
                    None => { code.copy { (run.id.trace_id()) } },
                }
            }
            dt { "Token" } dd { code.copy { (text(&run.token)) } }
            dt { "Revision" } dd { code { (text(&run.revision)) } }
            @if let Some(print) = &run.fingerprint { dt { "Fingerprint" } dd { code { (text(print)) } } }
            @if !run.attributes.is_empty() { dt { "Attributes" } dd { ul.pairs { @for (key, value) in &run.attributes {
                li { (text(key)) " " strong { (text(value)) } }
            } } } }
            @if !run.labels.is_empty() { dt { "Labels" } dd { ul.pairs { @for (key, value) in &run.labels {
                li { (text(key)) " " strong { (text(value)) } }
            } } } }
        }
    }
}

fn lag_word(lag: f64) -> String {
    if lag < 0.0 {
        format!("{} early", duration(-lag))
    } else {
        format!("{} later", duration(lag))
    }
}
