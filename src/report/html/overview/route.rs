//! One route of a probe as a line of the table.

use form_urlencoded::Serializer;
use maud::{Markup, html};

use super::{LastRun, Overview, ProbeTile, RouteFigures, RouteTile, count, minute};
use crate::model::{Mark, Moment, Seconds};
use crate::report::html::draw::{Funnel, Strip, StripBar};
use crate::report::html::words::{class_tone, instant, latency, sign, tone};
use crate::report::html::{Links, View, badge};
use crate::report::series::{LayerFigures, QuantileFigure};
use crate::report::words::percent;

/// So many of the last runs are shown.
const LAST: usize = 12;
/// So many marks stand on a strip at the most, the latest.
const MARKS: usize = 20;

/// The line.
pub(super) fn row(view: &View, overview: &Overview<'_>, probe: &ProbeTile, route: &RouteTile) -> Markup {
    let figures = overview
        .figures
        .and_then(|figures| figures.route(&probe.name, &route.name));
    html! {
        tr.route {
            th scope="row" {
                (view.look.text(&route.name)) " " (badge(tone(route.state), &route.state.word().replace('_', " ")))
            }
            td.wide data-label="Runs over time" {
                (strip(view, overview, probe, route, figures))
                @if !route.why.is_empty() && !probe.why.ends_with(&route.why) { div.faint { (view.look.text(&route.why)) } }
            }
            td.wide data-label="Accepted → executed → outcome" { @match figures {
                Some(figures) if figures.runs > 0 => (funnel(figures)),
                _ => span.faint { "–" },
            } }
            (shares(view, figures))
            td data-label="Last runs" {
                span.strip { @for run in route.last.iter().take(LAST).rev() { (last(view, run)) } }
                @if let Some((tick, why)) = &route.skipped { div.faint { "skipped " (instant(tick)) ": " (view.look.text(why)) } }
            }
        }
    }
}

/// Silent, on time, consistency, p50, p95.
fn shares(view: &View, figures: Option<&RouteFigures>) -> Markup {
    let Some(figures) = figures.filter(|figures| figures.runs > 0) else {
        return html! { @for name in ["Silent", "On time", "Consistency", "p50", "p95"] { td.number data-label=(name) { span.faint { "–" } } } };
    };
    let silent = figures.silent.count;
    html! {
        td.number data-label="Silent" {
            b class=(if silent > 0 { "silent bad" } else { "silent" }) { (count(silent)) }
            @if silent > 0 { div.faint { (percent(figures.silent.share)) } }
        }
        td.number data-label="On time" {
            @if figures.on_time.of > 0 {
                (percent(figures.on_time.share))
                div.faint { (count(figures.on_time.count)) " of " (count(figures.on_time.of)) }
            } @else { span.faint { "–" } div.faint { "none observed" } }
        }
        td.number data-label="Consistency" { @match &figures.consistency {
            Some(alike) => {
                span title={ "usually: " (view.look.text(&alike.usual)) ", " (alike.endings) " endings" } { (percent(Some(alike.score))) }
                @if let Some((lower, upper)) = alike.bounds { div.faint { (short(lower)) "–" (short(upper)) " %" } }
            }
            None => span.faint { "–" },
        } }
        (quantile("p50", figures, |layer| &layer.p50))
        (quantile("p95", figures, |layer| &layer.p95))
    }
}

fn quantile(name: &str, figures: &RouteFigures, of: fn(&LayerFigures) -> &QuantileFigure) -> Markup {
    let outcome = figures.layers.outcome.as_ref();
    html! {
        td.number data-label=(name) { @match outcome.filter(|o| o.reached + o.never > 0).map(of) {
            Some(figure) => @match figure.latest {
                Some(seconds) => (latency(Some(Seconds(seconds, seconds)))),
                None => span.bad title="too many runs never arrived: there is no such time" { "not reached" },
            },
            None => span.faint { "–" },
        } }
    }
}

/// Without its unit, and without a needless digit.
fn short(share: f64) -> String {
    let text = format!("{:.1}", share * 100.0);
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

fn funnel(figures: &RouteFigures) -> Markup {
    let reached = |layer: Option<&LayerFigures>| layer.map(|layer| layer.reached);
    let layers = &figures.layers;
    let funnel = Funnel {
        of: figures.runs,
        accepted: reached(layers.accepted.as_ref()).unwrap_or(figures.silent.of),
        executed: reached(layers.executed.as_ref()),
        outcome: reached(layers.outcome.as_ref()).unwrap_or(0),
        silent: figures.silent.count,
    };
    html! {
        (funnel.draw())
        div.counts {
            (count(funnel.accepted)) " → "
            @match funnel.executed { Some(runs) => (count(runs)), None => span.faint title="the probe says nothing of execution" { "–" } }
            " → " (count(funnel.outcome))
            span.faint { " of " (count(funnel.of)) }
        }
    }
}

fn strip(
    view: &View,
    overview: &Overview<'_>,
    probe: &ProbeTile,
    route: &RouteTile,
    figures: Option<&RouteFigures>,
) -> Markup {
    let (Some(all), Some(figures)) = (overview.figures, figures.filter(|figures| figures.runs > 0)) else {
        return html! { span.faint { @if overview.figures.is_some() { "no run ended in this time" } @else { "–" } } };
    };
    let bar = |(place, cell): (usize, &super::Cell)| {
        let (from, to) = all.stretch.bounds(place);
        StripBar {
            classes: cell.classes().collect(),
            when: minute(from),
            link: (view.links == Links::Site).then(|| runs(&probe.name, &route.name, from, to)),
        }
    };
    let about: Vec<&Mark> = all
        .marks
        .iter()
        .rev()
        .filter(|mark| concerns(mark, probe))
        .collect();
    let marks = about.iter().take(MARKS).filter_map(|mark| {
        let at = all.stretch.share(mark.at)?;
        let said = format!(
            "{} {}: {}",
            minute(mark.at),
            mark.kind.word(),
            view.look.text(&mark.text)
        );
        Some((at, said))
    });
    let title = format!(
        "{} / {}",
        view.look.text(&probe.name),
        view.look.text(&route.name)
    );
    let strip = Strip {
        title: &title,
        bars: figures.cells.iter().enumerate().map(bar).collect(),
        marks: marks.collect(),
    };
    html! {
        (strip.draw())
        @if about.len() > MARKS { div.faint { "the latest " (MARKS) " of " (about.len()) " marks" } }
        @if figures.amended > 0 { div.faint { (figures.amended) " came after the close, and their bars were changed" } }
    }
}

/// Whether a mark is about this probe: it says nothing of a label in which they differ.
fn concerns(mark: &Mark, probe: &ProbeTile) -> bool {
    let differs = |(key, value): (&String, &String)| probe.labels.get(key).is_some_and(|own| own != value);
    !mark.labels.iter().any(differs)
}

/// The runs of one bar.
fn runs(probe: &str, route: &str, from: Moment, to: Moment) -> String {
    let query = Serializer::new(String::new())
        .append_pair("probe", probe)
        .append_pair("route", route)
        .append_pair("since", &from.to_rfc3339())
        .append_pair("until", &to.to_rfc3339())
        .finish();
    format!("/runs?{query}")
}

/// One run as a small square.
fn last(view: &View, run: &LastRun) -> Markup {
    let tone = class_tone(run.class);
    let took = run
        .seconds
        .map_or_else(String::new, |s| format!(", {}", latency(Some(s))));
    let title = format!("{} at {}{took}", run.class.word(), instant(&run.tick));
    html! { a class={ "mark " (tone) } href=(view.links.run(run.run)) title=(title) aria-label=(title) { (sign(tone)) } }
}
