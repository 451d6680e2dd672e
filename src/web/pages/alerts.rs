//! Alerts that are open, what is muted, and how those who are told fare.

use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use serde::Deserialize;

use super::act::{Bears, Proved, done, said};
use super::layout::{live, look, proof};
use crate::model::Access;
use crate::report::html::words::instant;
use crate::report::html::{Links, Look, badge};
use crate::web::api::Problem;
use crate::web::auth::Caller;
use crate::web::daemon::{AlertView, AlertsView, DestinationView, MuteView, NewMute, ProbeView, Refused};
use crate::web::site::Shared;

/// For how long the form offers to mute, in hours; nothing is until somebody ends it.
const HOURS: [(u64, &str); 5] = [
    (1, "1 hour"),
    (4, "4 hours"),
    (24, "1 day"),
    (168, "7 days"),
    (0, "until ended"),
];

/// What the form of a mute sends.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Mute {
    proof: String,
    #[serde(default)]
    probe: String,
    #[serde(default)]
    route: String,
    #[serde(default)]
    hours: u64,
    #[serde(default)]
    reason: String,
}

/// What the button that ends a mute sends.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Unmute {
    proof: String,
    mute: String,
}

impl Bears for Mute {
    fn proof(&self) -> &str {
        &self.proof
    }
}

impl Bears for Unmute {
    fn proof(&self) -> &str {
        &self.proof
    }
}

/// The page.
pub(super) async fn show(
    State(site): State<Shared>,
    Extension(caller): Extension<Caller>,
    RawQuery(query): RawQuery,
) -> Response {
    let (known, probes) = tokio::join!(site.daemon.alerts(), site.daemon.probes());
    let known = match known {
        Ok(known) => known,
        Err(refused) => return Problem::from(refused).page(),
    };
    let look = look(&site);
    let content = html! {
        h1 { "Alerts" }
        @if let Some(said) = query.as_deref().and_then(said) { p.notice.good role="status" { (said) } }
        (content(&look, &known, &probes, &caller))
    };
    live("Alerts", &caller, "", &content).into_response()
}

/// Mutes.
pub(super) async fn mute(State(site): State<Shared>, Proved { caller, form }: Proved<Mute>) -> Response {
    let named = |name: String| Some(name).filter(|name| !name.is_empty());
    let hours = Some(form.hours).filter(|hours| *hours > 0);
    let until = hours.map(|hours| {
        let time = std::time::Duration::from_secs(hours.saturating_mul(3_600));
        site.clock.now().after(time)
    });
    if form.reason.chars().count() > 500 {
        let long = Refused::Invalid {
            pointer: String::from("/reason"),
            detail: String::from("the reason of a mute has at most 500 characters"),
        };
        return Problem::from(long).page();
    }
    let mute = NewMute {
        probe: named(form.probe),
        route: named(form.route),
        until,
        reason: form.reason,
        by: caller.name.to_string(),
        ..NewMute::default()
    };
    done("/alerts", "muted", site.daemon.mute(mute).await)
}

/// Ends a mute.
pub(super) async fn unmute(State(site): State<Shared>, Proved { form, .. }: Proved<Unmute>) -> Response {
    done("/alerts", "unmuted", site.daemon.unmute(form.mute).await)
}

fn content(look: &Look, known: &AlertsView, probes: &[ProbeView], caller: &Caller) -> Markup {
    let acts = caller.access >= Access::Operate;
    html! {
        section #open data-live {
            h2 { "Open" }
            @if known.open.is_empty() { p { "None is open." } }
            @for alert in &known.open { (open(look, alert)) }
        }
        section #muted data-live {
            h2 { "Muted" }
            @if known.mutes.is_empty() { p { "Nothing is muted." } } @else { (mutes(look, &known.mutes, acts.then_some(caller))) }
        }
        @if acts { (form(look, probes, caller)) }
        section #told data-live {
            h2 { "Who is told" }
            @if known.destinations.is_empty() {
                p { "Nobody: name a destination under " code { "alerts:" } " in landfall.yaml." }
            } @else { (destinations(look, &known.destinations)) }
        }
    }
}

fn open(look: &Look, alert: &AlertView) -> Markup {
    let tone = if alert.severity == "page" { "bad" } else { "warn" };
    html! {
        article {
            div.head {
                (badge(tone, &alert.severity))
                h3 { a href=(Links::Site.probe(&alert.probe)) { (look.text(&alert.probe)) } }
                @if alert.muted { (badge("off", "muted")) }
            }
            p { (look.text(&alert.title)) }
            p.faint {
                "since " (instant(&alert.since)) ", found " (instant(&alert.opened))
                @if !alert.routes.is_empty() { " · " (look.text(&alert.routes.join(", "))) }
            }
        }
    }
}

fn mutes(look: &Look, mutes: &[MuteView], caller: Option<&Caller>) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Mutes" { table {
            thead { tr { th scope="col" { "What" } th scope="col" { "Until" } th scope="col" { "By" } th scope="col" { "Why" } @if caller.is_some() { th scope="col" { span.hidden { "End it" } } } } }
            tbody { @for mute in mutes { tr {
                td { (look.text(&what(mute))) }
                td { @if let Some(until) = &mute.until { (instant(until)) } @else { "somebody ends it" } }
                td { (look.text(&mute.by)) div.faint { "since " (instant(&mute.since)) } }
                td { (look.text(&mute.reason)) }
                @if let Some(caller) = caller { td {
                    form.inline method="post" action="/alerts/unmute" {
                        (proof(caller))
                        input type="hidden" name="mute" value=(mute.id);
                        button.quiet { "End" }
                    }
                } }
            } } }
        } }
    }
}

/// `order-paid / stripe`, `everything`.
fn what(mute: &MuteView) -> String {
    let mut said: Vec<String> = [&mute.probe, &mute.route]
        .into_iter()
        .flatten()
        .cloned()
        .collect();
    said.extend(mute.labels.iter().map(|(key, value)| format!("{key}={value}")));
    if said.is_empty() {
        return String::from("everything");
    }
    said.join(" / ")
}

fn form(look: &Look, probes: &[ProbeView], caller: &Caller) -> Markup {
    html! {
        form method="post" action="/alerts/mute" {
            (proof(caller))
            fieldset {
                legend { "Mute" }
                label { "Probe" select name="probe" {
                    option value="" { "every one" }
                    @for probe in probes { option value=(probe.name) { (look.text(&probe.name)) } }
                } }
                label { "Route (every one where empty)" input name="route" maxlength="200" autocomplete="off"; }
                label { "For" select name="hours" { @for (hours, said) in HOURS { option value=(hours) { (said) } } } }
                label { "Why" input name="reason" maxlength="500" autocomplete="off"; }
                button { "Mute" }
            }
        }
    }
}

fn destinations(look: &Look, all: &[DestinationView]) -> Markup {
    let when = |at: &Option<String>| at.as_deref().map_or_else(|| String::from("–"), instant);
    html! {
        div.scroll tabindex="0" role="region" aria-label="Destinations" { table {
            thead { tr { th scope="col" { "Destination" } th scope="col" { "State" } th.number scope="col" { "Waiting" } th.number scope="col" { "Sent" } th.number scope="col" { "Given up" } th scope="col" { "Last taken" } th scope="col" { "Last failure" } } }
            tbody { @for one in all { tr {
                th scope="row" { (look.text(&one.name)) div.faint { (look.text(&one.kind)) } }
                td { @match &one.down_since {
                    Some(since) => { (badge("bad", "down")) div.faint { "since " (instant(since)) @if let Some(why) = &one.error { ": " (look.text(why)) } } },
                    None => (badge("good", "takes alerts")),
                } }
                td.number { (one.waiting) }
                td.number { (one.sent) @if one.summed_up > 0 { div.faint { (one.summed_up) " summed up" } } }
                td.number { (one.given_up) }
                td { (when(&one.last_success)) }
                td { (when(&one.last_failure)) }
            } } }
        } }
    }
}
