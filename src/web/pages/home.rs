//! All probes with their routes, and the last runs.

use std::collections::BTreeMap;

use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};

use super::layout::{look, page, proof};
use crate::model::{Access, ProbeState};
use crate::report::html::words::{Group, class_tone, instant, latency, sign, tone};
use crate::report::html::{Look, badge, segment};
use crate::store::RunFilter;
use crate::web::auth::Caller;
use crate::web::daemon::{ChannelView, LastRun, ProbeView, RouteView, RunSummary, Status};
use crate::web::site::Shared;

/// Runs that are listed below the probes.
const RUNS: u32 = 25;
/// The page is loaded again after so many seconds.
const REFRESH: u32 = 30;

/// The page.
pub(super) async fn home(
    State(site): State<Shared>,
    Extension(caller): Extension<Caller>,
    RawQuery(query): RawQuery,
) -> Response {
    let filter = RunFilter {
        limit: Some(RUNS),
        ..RunFilter::default()
    };
    let (status, probes, runs) = tokio::join!(
        site.daemon.status(),
        site.daemon.probes(),
        site.daemon.runs(filter)
    );
    let look = look(&site);
    let channels = site.daemon.channels();
    let runs = match runs {
        Ok(page) => runs_table(&look, &page.runs.iter().map(RunSummary::of).collect::<Vec<_>>()),
        Err(refused) => html! { p.notice.bad { (look.text(&refused.to_string())) } },
    };
    let content = html! {
        h1.hidden { "Probes" }
        @if let Some(said) = query.as_deref().and_then(super::act::said) { p.notice.good role="status" { (said) } }
        (summary(&look, &status, &probes))
        @for group in Group::ALL {
            @let members: Vec<&ProbeView> = probes.iter().filter(|p| Group::of(p.state) == group).collect();
            @let down: Vec<&ChannelView> = channels.iter().filter(|c| !c.up && group == Group::Unseen).collect();
            @if !members.is_empty() || !down.is_empty() {
                section {
                    h2 { (group.title()) }
                    @for channel in down { (channel_down(&look, channel)) }
                    @for probe in members { (probe_card(&look, probe, &caller)) }
                }
            }
        }
        @if probes.is_empty() {
            p { "No probe is defined yet: write one under " code { "probes/" } ", or let " code { "landfall init" } " do it." }
        }
        section { h2 { "Last runs" } (runs) }
    };
    page("Probes", &caller, Some(REFRESH), &content).into_response()
}

fn summary(look: &Look, status: &Status, probes: &[ProbeView]) -> Markup {
    let mut counts: BTreeMap<ProbeState, u32> = BTreeMap::new();
    for probe in probes {
        *counts.entry(probe.state).or_default() += 1;
    }
    html! {
        p.summary {
            @for (state, count) in counts { span { b { (count) } " " (badge(tone(state), state.word())) } }
            span.faint { (status.in_flight) " in flight · " (look.text(&status.location)) " · since " (instant(&status.started)) }
        }
        @for unready in &status.unready {
            p.notice.bad { b { (look.text(&unready.part)) } ": " (look.text(&unready.why)) }
        }
        @if let Some(since) = &status.refused_at {
            div.notice.warn {
                p { "The definitions on disk have errors since " (instant(since)) "; those loaded " (instant(&status.loaded)) " stay in force." }
                ul { @for d in &status.refused {
                    li {
                        @if !d.file.is_empty() { code { (look.text(&d.file)) ":" (d.line) ":" (d.column) } " " }
                        (look.text(&d.message))
                        @if let Some(help) = &d.help { " (" (look.text(help)) ")" }
                    }
                } }
            }
        }
        @if !status.restart.is_empty() {
            p.notice.warn {
                "Restart landfall to take what is another in landfall.yaml: "
                @for (n, key) in status.restart.iter().enumerate() { @if n > 0 { ", " } code { (key) } }
                ". Until then the values before hold."
            }
        }
    }
}

fn channel_down(look: &Look, channel: &ChannelView) -> Markup {
    html! {
        p.notice.blind {
            "Channel " b { (look.text(&channel.name)) } " (" (look.text(&channel.kind)) ") cannot see"
            @if let Some(since) = &channel.down_since { " since " (instant(since)) }
            @if let Some(why) = &channel.why { ": " (look.text(why)) }
        }
    }
}

fn probe_card(look: &Look, probe: &ProbeView, caller: &Caller) -> Markup {
    html! {
        article id=(look.text(&probe.name)) {
            div.head {
                h3 { a.plain href={ "#" (segment(&probe.name)) } { (look.text(&probe.name)) } }
                (badge(tone(probe.state), probe.state.word()))
                @if !probe.why.is_empty() { span { (look.text(&probe.why)) } }
                @if caller.access >= Access::Operate { (actions(probe, caller)) }
            }
            @if !probe.description.is_empty() { p { (look.text(&probe.description)) } }
            p.faint {
                @match &probe.schedule {
                    Some(schedule) => {
                        (look.text(&schedule.text))
                        @if let Some(next) = &schedule.next { ", next " (instant(next)) }
                    }
                    None => "fired by hand",
                }
                @if probe.in_flight > 0 { " · " (probe.in_flight) " in flight" }
                @for (key, value) in &probe.labels { " · " (look.text(key)) "=" (look.text(value)) }
            }
            @if let Some(pause) = &probe.paused {
                p.faint { "Paused since " (instant(&pause.since)) " " (look.text(&pause.note)) }
            }
            div.scroll { table.routes {
                thead { tr { th { "Route" } th { "State" } th { "Last runs" } th.number { "Latest" } th { "At" } } }
                tbody { @for route in &probe.routes { (route_row(look, route)) } }
            } }
        }
    }
}

fn route_row(look: &Look, route: &RouteView) -> Markup {
    let latest = route.last.first();
    html! {
        tr {
            th scope="row" { (look.text(&route.name)) }
            td { (badge(tone(route.state), route.state.word()))
                @if !route.why.is_empty() { div.faint { (look.text(&route.why)) } } }
            td { span.strip { @for run in route.last.iter().rev() { (mark(run)) } }
                @if let Some(skip) = &route.skipped {
                    div.faint { "skipped " (instant(&skip.tick)) ": " (look.text(&skip.detail)) }
                } }
            td.number { @if let Some(run) = latest { (latency(run.seconds)) } @else { "–" } }
            td { @if let Some(run) = latest { a href={ "/runs/" (run.id) } { (instant(&run.tick)) } } @else { "–" } }
        }
    }
}

/// One run as a small square.
fn mark(run: &LastRun) -> Markup {
    let tone = class_tone(run.class);
    let title = format!("{} at {}", run.class.word(), instant(&run.tick));
    html! { a class={ "mark " (tone) } href={ "/runs/" (run.id) } title=(title) aria-label=(title) { (sign(tone)) } }
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

fn runs_table(look: &Look, runs: &[RunSummary]) -> Markup {
    html! {
        @if runs.is_empty() { p { "None has ended yet." } } @else {
            div.scroll { table {
                thead { tr { th { "At" } th { "Probe" } th { "Route" } th { "Class" } th.number { "Outcome" } th { "Why" } } }
                tbody { @for run in runs { tr {
                    td { a href={ "/runs/" (run.id) } { (instant(&run.tick)) } }
                    td { a href={ "#" (segment(&run.probe)) } { (look.text(&run.probe)) } }
                    td { (look.text(&run.route)) @if run.input != "default" { " / " (look.text(&run.input)) } }
                    td { (badge(class_tone(run.class), run.class.word()))
                        @if run.silent_failure { div.faint { "silent failure" } } }
                    td.number { (latency(run.layers.outcome.seconds)) }
                    td { (look.text(&run.reason)) }
                } } }
            } }
        }
    }
}
