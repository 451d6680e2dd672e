//! What is wrong now.

use maud::{Markup, html};

use super::data::OpenAlert;
use crate::report::html::View;
use crate::report::html::words::instant;

/// The alerts that are open.
pub(super) fn alerts(view: &View, alerts: &[OpenAlert]) -> Markup {
    let text = |text: &str| view.look.text(text);
    html! {
        div #alerts data-key="alerts" { @for alert in alerts {
            p.notice.bad {
                b { (text(&alert.title)) } " since " (instant(&text(&alert.since)))
                @if !alert.routes.is_empty() {
                    " on " @for (n, route) in alert.routes.iter().enumerate() { @if n > 0 { ", " } (text(route)) }
                }
                " (" (text(&alert.severity)) @if alert.muted { ", muted" } ")"
                @if let Some(href) = view.links.alerts() { " " a href=(href) { "Alerts" } }
            }
        } }
    }
}
