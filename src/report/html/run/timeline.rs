//! The waterfall of a run: the request in milliseconds, then what was waited for.

use maud::{Markup, html};

use super::story::watched;
use crate::model::{
    Class, ExpectationRecord, ExpectationState, Layer, LayerState, Moment, ObservationRecord, RunRecord,
    Seconds,
};
use crate::report::html::View;
use crate::report::html::draw::{Lane, Mark, Row, duration};
use crate::report::html::words::sign;
use crate::report::words::count;

/// Things seen that are drawn in one row; the rest is counted.
const DRAWN: usize = 40;
/// Rows of channels on which something was seen that met nothing.
const CHANNELS: usize = 20;
/// What is shorter is drawn as an instant, in seconds.
const INSTANT: f64 = 0.000_5;

/// Both lanes.
pub(super) fn lanes(view: &View, run: &RunRecord) -> [Lane; 2] {
    [
        Lane {
            title: String::from("The request"),
            since: String::from("since its first byte"),
            rows: request(run),
        },
        Lane {
            title: String::from("What was waited for"),
            since: String::from("since the first byte of the request"),
            rows: waits(view, run),
        },
    ]
}

/// The tone of an expectation.
pub(super) const fn tone(e: &ExpectationRecord) -> &'static str {
    match e.state {
        ExpectationState::Met if matches!(e.layer, Layer::FailedWhen) => "bad",
        ExpectationState::Met => "good",
        ExpectationState::Late | ExpectationState::Duplicate => "warn",
        ExpectationState::Blind => "blind",
        ExpectationState::Mismatched | ExpectationState::Unwanted | ExpectationState::Lost => "bad",
    }
}

/// When something was seen: an instant, or between two looks.
pub(super) fn interval(Seconds(lo, hi): Seconds) -> String {
    match hi - lo {
        wide if wide >= INSTANT => format!("{} – {}", duration(lo), duration(hi)),
        _ => duration(hi),
    }
}

fn phase(label: &str, (from, to): (f64, f64), tone: &'static str, about: &str) -> Option<Row> {
    let took = Some(to - from).filter(|took| took.is_finite() && *took >= 0.0)?;
    let said = format!("{label}: {about}, {}", duration(took));
    Some(Row {
        label: html! { (label) " " span.faint { (about) } },
        marks: vec![Mark::Bar {
            span: (from, to),
            tone,
            said,
        }],
        value: html! { (duration(took)) },
    })
}

fn request(run: &RunRecord) -> Vec<Row> {
    let known = |seconds: Option<f64>| seconds.filter(|s| s.is_finite());
    let positive = |seconds| known(seconds).filter(|s| *s >= 0.0);
    let timings = &run.timings;
    let (dns, connect, tls) = (
        positive(timings.dns),
        positive(timings.connect),
        positive(timings.tls),
    );
    let shaken = tls.unwrap_or(0.0);
    let dialled = dns.unwrap_or(0.0) + connect.unwrap_or(0.0) + shaken;
    let mut rows = Vec::new();
    match known(run.lag) {
        Some(lag) if lag >= 0.0 => {
            // The whole of it, since that is what is meant by lag everywhere; what it holds stands below it.
            rows.extend(phase(
                "lag",
                (-lag, 0.0),
                "off",
                "from its tick to the first byte",
            ));
        }
        Some(early) => rows.push(Row {
            label: html! { "lag" },
            marks: Vec::new(),
            value: html! { (duration(-early)) " before its tick" },
        }),
        None => {}
    }
    if let Some(dns) = dns {
        rows.extend(phase(
            "DNS",
            (-dialled, dns - dialled),
            "route",
            "looking up the name",
        ));
    }
    if let Some(connect) = connect {
        let about = if tls.is_none() && secure(run) {
            "with the TLS handshake"
        } else {
            "to the server"
        };
        rows.extend(phase("connect", (-connect - shaken, -shaken), "route", about));
    }
    if let Some(tls) = tls {
        rows.extend(phase("TLS", (-tls, 0.0), "route", "the handshake"));
    }
    let accepted = match run.layers.accepted.state {
        LayerState::Yes | LayerState::Undeclared => "good",
        LayerState::No => "bad",
        LayerState::Unknown => "blind",
    };
    let first = positive(timings.first_byte);
    let end = positive(timings.total).or_else(|| positive(run.layers.accepted.seconds.map(|s| s.1)));
    if let Some(first) = first {
        rows.extend(phase(
            "first byte",
            (0.0, first),
            "route",
            "until the answer begins",
        ));
    }
    if let Some(end) = end {
        let from = first.filter(|first| *first <= end).unwrap_or(0.0);
        let about = match (timings.total, first) {
            (Some(_), Some(_)) => "until it is whole",
            (Some(_), None) => "until it has come",
            (None, _) => "until it was given up",
        };
        rows.extend(phase("answer", (from, end), accepted, about));
    }
    rows
}

/// Whether the request went over TLS, as far as the record tells.
fn secure(run: &RunRecord) -> bool {
    let text = |name: &str| {
        let request = run.request.as_ref()?;
        request.get(name)?.as_str()
    };
    text("url").is_some_and(|url| url.starts_with("https:"))
        || text("tls").is_some_and(|tls| tls == "implicit")
}

fn waits(view: &View, run: &RunRecord) -> Vec<Row> {
    let mut rows: Vec<Row> = run.expectations.iter().map(|e| wait(view, run, e)).collect();
    rows.extend(others(view, run));
    rows.extend(amended(run));
    rows
}

fn wait(view: &View, run: &RunRecord, e: &ExpectationRecord) -> Row {
    let tone = tone(e);
    let mut marks = allowed(e);
    let end = watched(e);
    let name = view.look.text(&e.name);
    // Ended before its limits: by the system's own word, early, or without anybody knowing when it began.
    let undecided = e.state == ExpectationState::Blind || run.class == Class::Failed || run.sent.is_none();
    let arrived = e.seconds.filter(|s| s.0.is_finite() && s.1.is_finite());
    match (arrived, end) {
        (Some(at), _) => marks.extend(arrival(at, tone, &name)),
        (None, Some(end)) if !undecided => {
            let said = format!("{name}: nothing that meets it until {}", duration(end));
            marks.push(Mark::Bar {
                span: (0.0, end),
                tone,
                said: said.clone(),
            });
            marks.push(point(end, tone, said));
        }
        _ => {}
    }
    let met = || run.observations.iter().filter(|o| o.met.contains(&e.name));
    let decisive = arrived.map(|at| at.1);
    let more = met().filter(|o| decisive.is_none_or(|at| (o.seconds.1 - at).abs() > INSTANT));
    marks.extend(more.take(DRAWN).map(|o| {
        let said = format!("{name}: seen once more after {}", interval(o.seconds));
        point(
            o.seconds.1,
            if matches!(e.state, ExpectationState::Met) {
                "off"
            } else {
                tone
            },
            said,
        )
    }));
    let unseen = met().count().saturating_sub(DRAWN + 1);
    Row {
        label: html! {
            code { (name) } " " span.faint { (layer(e.layer)) " in " (view.look.text(&e.channel)) }
            @if unseen > 0 { " " span.faint { "(" (unseen) " more arrivals are not drawn)" } }
        },
        marks,
        value: html! { span class={ "state " (tone) } { (sign(tone)) " " (value(run, e, undecided)) } },
    }
}

/// What the right column says: when, or what did not come.
fn value(run: &RunRecord, e: &ExpectationRecord, undecided: bool) -> String {
    let state = match (e.layer, e.state, e.seconds) {
        (Layer::Executed | Layer::Outcome, ExpectationState::Met, Some(at)) => return interval(at),
        (Layer::FailedWhen | Layer::Receipt, ExpectationState::Met, Some(at)) => {
            format!("said after {}", interval(at))
        }
        (_, ExpectationState::Met, None) => String::from("rightly nothing came"),
        (_, state, Some(at)) if at.1.is_finite() => format!("{} after {}", state.word(), interval(at)),
        (_, ExpectationState::Lost, None) if undecided => String::from("not waited for to its end"),
        (_, ExpectationState::Lost, None) => String::from("not reached"),
        (_, ExpectationState::Mismatched, None) => String::from("nothing as expected"),
        (_, state, _) => state.word().to_owned(),
    };
    match watched(e).filter(|_| e.seconds.is_none() && !undecided && run.sent.is_some()) {
        Some(end) => format!("{state} in {}", duration(end)),
        None => state,
    }
}

pub(super) const fn layer(layer: Layer) -> &'static str {
    match layer {
        Layer::Executed => "step",
        Layer::Outcome => "outcome",
        Layer::FailedWhen => "failed_when",
        Layer::Receipt => "receipt",
    }
}

/// The stretches within which it counts, and their limits.
fn allowed(e: &ExpectationRecord) -> Vec<Mark> {
    let mut marks = Vec::new();
    let (within, grace) = (e.within, e.grace);
    if !within.is_finite() || within <= 0.0 {
        return marks;
    }
    let limit = |at: f64, class, said: String| [Mark::Limit { at, class, said }];
    marks.push(Mark::Zone {
        span: (0.0, within),
        class: "within",
        said: format!("in time: within {}", duration(within)),
    });
    if grace.is_finite() && grace > 0.0 {
        marks.push(Mark::Zone {
            span: (within, within + grace),
            class: "grace",
            said: format!("late: grace of {} more", duration(grace)),
        });
        let said = format!("end of grace: {}", duration(within + grace));
        marks.extend(limit(within + grace, "grace", said));
    }
    marks.extend(limit(within, "within", format!("within {}", duration(within))));
    marks
}

/// A wait that ended with an arrival: certain until the last look that did not see it, hatched until the one that did.
fn arrival(Seconds(lo, hi): Seconds, tone: &'static str, name: &str) -> Vec<Mark> {
    let lo = lo.min(hi).max(0.0_f64.min(hi));
    let said = format!("{name}: {}", interval(Seconds(lo, hi)));
    let mut marks = vec![Mark::Bar {
        span: (0.0_f64.min(lo), lo),
        tone,
        said: said.clone(),
    }];
    if hi - lo >= INSTANT {
        marks.push(Mark::Between {
            span: (lo, hi),
            tone,
            said: format!(
                "{name}: between the look after {} and that after {}",
                duration(lo),
                duration(hi)
            ),
        });
    }
    marks.push(point(hi, tone, said));
    marks
}

fn point(at: f64, tone: &'static str, said: String) -> Mark {
    Mark::Point {
        at,
        tone,
        sign: match tone {
            "off" => "·",
            tone => sign(tone),
        },
        said,
    }
}

/// What was seen and met nothing, a row a channel.
fn others(view: &View, run: &RunRecord) -> Vec<Row> {
    let mut channels: Vec<(&str, Vec<&ObservationRecord>)> = Vec::new();
    for seen in run.observations.iter().filter(|o| o.met.is_empty()) {
        match channels.iter().position(|(name, _)| *name == seen.channel) {
            Some(at) => channels[at].1.push(seen),
            None if channels.len() < CHANNELS => channels.push((&seen.channel, vec![seen])),
            None => {}
        }
    }
    let row = |(channel, all): (&str, Vec<&ObservationRecord>)| {
        let channel = view.look.text(channel);
        let marks = all.iter().take(DRAWN).flat_map(|o| {
            let said = format!("{channel}: seen after {}, meets nothing", interval(o.seconds));
            let between = Mark::Between {
                span: (o.seconds.0, o.seconds.1),
                tone: "off",
                said: said.clone(),
            };
            let wide = (o.seconds.1 - o.seconds.0 >= INSTANT).then_some(between);
            wide.into_iter().chain([point(o.seconds.1, "off", said)])
        });
        Row {
            label: html! { code { (channel) } " " span.faint { "seen, meets nothing" } },
            marks: marks.collect(),
            value: match all.as_slice() {
                [one] => html! { (interval(one.seconds)) },
                all => html! { (count(all.len() as u64, "arrival")) },
            },
        }
    };
    channels.into_iter().map(row).collect()
}

/// Changes of the verdict after the close.
fn amended(run: &RunRecord) -> Option<Row> {
    let last = run.amendments.last()?;
    let sent = run.sent.as_deref().and_then(Moment::from_rfc3339)?;
    let marks = run.amendments.iter().take(DRAWN).filter_map(|change| {
        let at = Moment::from_rfc3339(&change.at)?.seconds_since(sent);
        let said = format!(
            "after the close: {} became {}",
            change.from.word(),
            change.to.word()
        );
        Some(point(at, "warn", said))
    });
    Some(Row {
        label: html! { "verdict " span.faint { "changed after the close" } },
        marks: marks.collect(),
        value: html! { (last.from.word()) " → " (last.to.word()) },
    })
}

/// The waterfall of a run under its heading, with what happened as a list in the order of time.
pub(super) fn section(view: &View, run: &RunRecord) -> Markup {
    let lanes = lanes(view, run);
    let id = format!("w-{}", run.id);
    html! {
        section.time data-key="time" aria-labelledby={ "time-" (run.id) } {
            h2 id={ "time-" (run.id) } { "Where the time went" }
            @if run.sent.is_none() { p.notice.blind { "Nobody knows whether the request left, so nothing of it has a time." } }
            @else if lanes[0].rows.is_empty() { p.faint { "The record holds no times of the request." } }
            (crate::report::html::draw::waterfall(&id, &lanes))
            p.key.faint aria-hidden="true" {
                span.swatch.within { } " in time " span.swatch.grace { } " grace (late) "
                span.swatch.hatched { } " between two looks"
            }
            details id={ "order-" (run.id) } { summary { "What happened, in order" }
                ol.timeline { @for event in crate::report::timeline_events(run) {
                    li class=(event.tone) {
                        span.when { (event.when) }
                        span.who { (view.look.text(&event.who)) }
                        span.what { (view.look.text(&event.what)) }
                    }
                } }
            }
        }
    }
}
