//! A run that has not ended: what is waited for, since when, and for how long yet.

use maud::{Markup, html};

use super::name;
use super::timeline::layer;
use crate::model::{Accepted, Moment};
use crate::report::around::OpenRun;
use crate::report::html::draw::{Lane, Mark, Row, duration, waterfall};
use crate::report::html::words::instant;
use crate::report::html::{View, badge};
use crate::report::words::count;

/// All of it.
#[must_use]
pub fn open(view: &View, run: &OpenRun) -> Markup {
    let text = |text: &str| view.look.text(text);
    let elapsed = elapsed(run);
    html! { div.run {
        // A script looks again while this stands here: what comes of a run before its end is told by nobody.
        section.verdict.off data-key="flight" data-again="" aria-labelledby={ "run-" (run.id) } {
            h1 id={ "run-" (run.id) } { (badge("off", "in flight")) " " (name(view, (&run.probe, &run.route, &run.input))) }
            p.why { (awaited(run, elapsed)) }
            (answer(view, run))
        }
        dl.facts data-key="facts" {
            dt { "Due" } dd { time datetime=(text(&run.tick)) { (instant(&text(&run.tick))) } }
            dt { "First byte" } dd { @match &run.sent { Some(sent) => time datetime=(text(sent)) { (instant(&text(sent))) }, None => "has not left, or nobody knows" } }
            @if let Some(deadline) = &run.deadline { dt { "Given up at" } dd { time datetime=(text(deadline)) { (instant(&text(deadline))) } } }
            dt { "Run" } dd { code.copy { (run.id) } }
            dt { "Trace" } dd { code.copy { (run.id.trace_id()) } }
            dt { "Token" } dd { code.copy { (text(&run.token)) } }
        }
        section data-key="waits" aria-label="What is waited for" {
            h2 { "What is waited for" }
            @if run.waits.is_empty() { p.faint { "What it waits for is not on record." } }
            (waterfall(&format!("w-{}", run.id), &[lane(view, run, elapsed)]))
        }
        section data-key="so-far" aria-label="What was seen so far" {
            h2 { "What was seen so far" }
            @if run.seen.is_empty() { p.faint { "Nothing yet." } }
            @else { ol.timeline { @for seen in &run.seen { li {
                span.when { @match seen.seconds { Some(at) => { "+" (duration(at)) }, None => "" } }
                span.who { (text(&seen.channel)) }
                span.what { (text(&seen.summary)) }
            } } } }
            @if run.more { p.faint { "… and more than these " (run.seen.len()) } }
        }
    } }
}

/// Seconds since its first byte.
fn elapsed(run: &OpenRun) -> Option<f64> {
    let sent = Moment::from_rfc3339(run.sent.as_deref()?)?;
    Some(Moment::from_rfc3339(&run.now)?.seconds_since(sent).max(0.0))
}

fn awaited(run: &OpenRun, elapsed: Option<f64>) -> String {
    let waits = count(run.waits.len() as u64, "expectation");
    let Some(elapsed) = elapsed else {
        return String::from("Its request is about to leave, or nobody knows whether it left.");
    };
    let left = run
        .deadline
        .as_deref()
        .and_then(Moment::from_rfc3339)
        .zip(Moment::from_rfc3339(&run.now));
    let left = left.map(|(deadline, now)| deadline.seconds_since(now));
    match left {
        Some(left) if left > 0.0 => format!(
            "It left {} ago and waits for {waits}: what has not come in {} is given up.",
            duration(elapsed),
            duration(left)
        ),
        Some(_) => format!(
            "It left {} ago; its limits have passed and it is being judged.",
            duration(elapsed)
        ),
        None => format!("It left {} ago and waits for {waits}.", duration(elapsed)),
    }
}

fn answer(view: &View, run: &OpenRun) -> Markup {
    let Some(answer) = &run.answer else {
        return html! { p.faint { "No answer yet." } };
    };
    let (tone, word) = match answer.accepted {
        Accepted::Yes => ("good", "accepted"),
        Accepted::No => ("bad", "not accepted"),
        Accepted::Unknown => ("blind", "no whole answer"),
    };
    html! {
        p { (badge(tone, word)) " after " (duration(answer.seconds))
            @if let Some(status) = answer.status { ", status " (status) }
            @if !answer.reason.is_empty() { ": " (view.look.text(&answer.reason)) } }
    }
}

fn lane(view: &View, run: &OpenRun, elapsed: Option<f64>) -> Lane {
    let row = |wait: &crate::report::around::OpenWait| {
        let end = wait.within + wait.grace;
        let mut marks = vec![
            Mark::Zone {
                span: (0.0, wait.within),
                class: "within",
                said: format!("in time: within {}", duration(wait.within)),
            },
            Mark::Zone {
                span: (wait.within, end),
                class: "grace",
                said: format!("late: grace of {} more", duration(wait.grace)),
            },
        ];
        if let Some(elapsed) = elapsed {
            marks.push(Mark::Bar {
                span: (0.0, elapsed.min(end)),
                tone: "off",
                said: format!("{} have passed", duration(elapsed)),
            });
        }
        marks.push(Mark::Limit {
            at: wait.within,
            class: "within",
            said: format!("within {}", duration(wait.within)),
        });
        marks.push(Mark::Limit {
            at: end,
            class: "grace",
            said: format!("end of grace: {}", duration(end)),
        });
        let on = run.seen.iter().filter(|seen| seen.channel == wait.channel);
        marks.extend(on.filter_map(|seen| {
            Some(Mark::Point {
                at: seen.seconds?,
                tone: "off",
                sign: "·",
                said: format!("seen after {}", duration(seen.seconds?)),
            })
        }));
        Row {
            label: html! { code { (view.look.text(&wait.name)) } " " span.faint { (layer(wait.layer)) " in " (view.look.text(&wait.channel)) } },
            marks,
            value: html! { (left(elapsed, wait.within, end)) },
        }
    };
    Lane {
        title: String::from("Limits"),
        since: String::from("since the first byte of the request"),
        rows: run.waits.iter().map(row).collect(),
    }
}

fn left(elapsed: Option<f64>, within: f64, end: f64) -> String {
    match elapsed {
        None => format!("within {}", duration(within)),
        Some(now) if now < within => format!("{} left", duration(within - now)),
        Some(now) if now < end => format!("{} of grace left", duration(end - now)),
        Some(_) => String::from("limit passed"),
    }
}
