//! One probe: its routes side by side, over a time that the address says.

mod asked;

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};

use super::layout::{live, look, proof};
use crate::model::Access;
use crate::report::html::probe::{self as view, OpenAlert, ProbeData, RouteStanding, Standing};
use crate::report::html::words::{instant, tone};
use crate::report::html::{Links, Look, View, badge, segment};
use crate::web::api::Problem;
use crate::web::auth::Caller;
use crate::web::daemon::{AlertsView, ProbeAnswer, ProbeView};
use crate::web::site::Shared;
use asked::{Asked, RANGES};

/// Newer figures are waited for so long; then the ones that there are have to do.
const PATIENCE: Duration = Duration::from_millis(150);

/// The page.
pub(super) async fn show(
    State(site): State<Shared>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    let query = query.unwrap_or_default();
    let probes = site.daemon.probes().await;
    let Some(probe) = probes.iter().find(|probe| probe.name == name) else {
        return unknown(&look(&site), &name, &probes);
    };
    let now = site.clock.now();
    let asked = match Asked::read(&query, now) {
        Ok(asked) => asked,
        Err(problem) => return problem.page(),
    };
    let (answer, alerts) = tokio::join!(
        site.daemon.probe(asked.ask(&name), PATIENCE),
        site.daemon.alerts()
    );
    let answer = match answer {
        Ok(answer) => answer,
        Err(refused) => return Problem::from(refused).page(),
    };
    let shown = View {
        look: look(&site),
        links: Links::Site,
        now: now.to_rfc3339(),
    };
    let title = shown.look.text(&name);
    let content = content(
        &shown,
        &caller,
        probe,
        &asked,
        &answer,
        alerts.ok().as_ref(),
        &query,
    );
    let follow = format!("?probe={}", segment(&name));
    live(&title, &caller, &follow, &content).into_response()
}

fn unknown(look: &Look, name: &str, probes: &[ProbeView]) -> Response {
    let near = probes
        .iter()
        .map(|probe| (strsim::jaro(&probe.name, name), &probe.name))
        .filter(|(likeness, _)| *likeness > 0.7)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    let hint = near.map_or_else(String::new, |(_, near)| format!("; did you mean `{near}`?"));
    super::plain(
        StatusCode::NOT_FOUND,
        &look.text(&format!(
            "there is no probe `{name}` in the definitions in force{hint}"
        )),
    )
}

fn content(
    view: &View,
    caller: &Caller,
    probe: &ProbeView,
    asked: &Asked,
    answer: &ProbeAnswer,
    alerts: Option<&AlertsView>,
    query: &str,
) -> Markup {
    let standing = standing(probe, alerts);
    html! {
        @if let Some(said) = super::act::said(query) { p.notice.good role="status" { (said) } }
        (head(view, caller, probe))
        (range(view, probe, asked))
        div #probe data-live {
            @if !answer.stale.is_empty() { p.notice.blind data-key="stale" { (view.look.text(&answer.stale)) } }
            @match &answer.data {
                Some(data) => { (made(data)) (view::probe(view, &standing, data)) }
                None => p.notice data-key="making" data-again="" role="status" { "The figures of this time are being made: they come by themselves, or load the page again." },
            }
        }
    }
}

/// What window the figures are of, and how old they are.
fn made(data: &Arc<ProbeData>) -> Markup {
    html! {
        p.faint data-key="made" {
            "From " (instant(&data.course.since.to_rfc3339())) " to " (instant(&data.course.until.to_rfc3339()))
            " UTC; figures of " (instant(&data.made.to_rfc3339())) "."
        }
    }
}

fn standing(probe: &ProbeView, alerts: Option<&AlertsView>) -> Standing {
    let own = alerts
        .iter()
        .flat_map(|all| &all.open)
        .filter(|alert| alert.probe == probe.name);
    Standing {
        name: probe.name.clone(),
        state: Some(probe.state),
        routes: probe
            .routes
            .iter()
            .map(|route| RouteStanding {
                name: route.name.clone(),
                state: route.state,
                why: match &route.paused {
                    Some(pause) => format!("paused since {} {}", instant(&pause.since), pause.note),
                    None => route.why.clone(),
                },
                in_flight: route.in_flight,
            })
            .collect(),
        alerts: own
            .map(|alert| OpenAlert {
                title: alert.title.clone(),
                severity: alert.severity.clone(),
                since: alert.since.clone(),
                routes: alert.routes.clone(),
                muted: alert.muted,
            })
            .collect(),
    }
}

fn head(view: &View, caller: &Caller, probe: &ProbeView) -> Markup {
    let text = |text: &str| view.look.text(text);
    html! {
        p { a href="/" { "All probes" } }
        div.head {
            h1 { (text(&probe.name)) } (badge(tone(probe.state), probe.state.word()))
            @if !probe.why.is_empty() { span { (text(&probe.why)) } }
            @if caller.access >= Access::Operate { (actions(probe, caller)) }
        }
        @if !probe.description.is_empty() { p { (text(&probe.description)) } }
        p.faint {
            @match &probe.schedule {
                Some(schedule) => {
                    (text(&schedule.text))
                    @if let Some(next) = &schedule.next { ", next " (instant(next)) }
                }
                None => "fired by hand",
            }
            @if probe.in_flight > 0 { " · " (probe.in_flight) " in flight" }
            @for (key, value) in &probe.labels { " · " (text(key)) "=" (text(value)) }
        }
        @if let Some(pause) = &probe.paused {
            p.faint { "Paused since " (instant(&pause.since)) " " (text(&pause.note)) }
        }
    }
}

fn actions(probe: &ProbeView, caller: &Caller) -> Markup {
    let path = |what: &str| format!("/probes/{}/{what}", segment(&probe.name));
    html! {
        div.actions {
            form.inline method="post" action=(path("fire")) { (proof(caller)) button { "Fire now" } }
            @if probe.paused.is_some() {
                form.inline method="post" action=(path("resume")) { (proof(caller)) button.quiet { "Resume" } }
            } @else {
                form.inline method="post" action=(path("pause")) { (proof(caller)) button.quiet { "Pause" } }
            }
        }
    }
}

/// Which time is shown and of which routes and inputs; all of it is in the address.
fn range(view: &View, probe: &ProbeView, asked: &Asked) -> Markup {
    let here = view.links.probe(&probe.name);
    let routes: Vec<&str> = probe.routes.iter().map(|route| route.name.as_str()).collect();
    let inputs: Vec<&str> = probe.inputs.iter().map(String::as_str).collect();
    html! {
        nav.range aria-label="Time and routes" {
            @for (word, said) in RANGES {
                a href={ (here) (asked.with_since(word)) } aria-current=[asked.is_since(word).then_some("true")] { (said) }
            }
            form method="get" action=(here) {
                @match &asked.between {
                    Some((from, to)) => {
                        label { "From" input name="from" value=(from) size="20"; }
                        label { "To" input name="to" value=(to) size="20"; }
                    }
                    None => input type="hidden" name="since" value=(asked.since);,
                }
                @if routes.len() > 1 { (choice(view, "Route", "route", &routes, &asked.routes)) }
                @if inputs.len() > 1 { (choice(view, "Input", "input", &inputs, &asked.inputs)) }
                @if routes.len() > 1 || inputs.len() > 1 || asked.between.is_some() { button.quiet { "Show" } }
            }
            @if asked.between.is_none() { (other_times(here, asked)) }
        }
    }
}

/// Any other time than those of one click.
fn other_times(here: String, asked: &Asked) -> Markup {
    html! {
        details.times {
            summary { "Other times" }
            form method="get" action=(here) {
                label { "From" input name="from" value=(asked.begin.to_rfc3339()) size="20" required; }
                label { "To (empty: now)" input name="to" size="20"; }
                @for route in &asked.routes { input type="hidden" name="route" value=(route); }
                @for input in &asked.inputs { input type="hidden" name="input" value=(input); }
                button.quiet { "Show" }
            }
        }
    }
}

fn choice(view: &View, head: &str, name: &str, there: &[&str], chosen: &[String]) -> Markup {
    let several = chosen.len() > 1;
    html! {
        label { (head)
            select name=(name) multiple[several] {
                option value="" selected[chosen.is_empty()] { "all" }
                @for one in there {
                    option value=(one) selected[chosen.iter().any(|c| c == one)] { (view.look.text(one)) }
                }
            }
        }
    }
}
