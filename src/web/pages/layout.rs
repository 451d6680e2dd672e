//! What every page has around its content.

use maud::{DOCTYPE, Markup, html};

use crate::report::html::Look;
use crate::web::auth::Caller;
use crate::web::site::Shared;

/// A page for somebody who is known.
pub(super) fn page(title: &str, caller: &Caller, refresh: Option<u32>, content: &Markup) -> Markup {
    frame(title, refresh, content, Some(caller))
}

/// A page for anybody.
pub(super) fn bare(title: &str, content: &Markup) -> Markup {
    frame(title, None, content, None)
}

fn frame(title: &str, refresh: Option<u32>, content: &Markup, caller: Option<&Caller>) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                @if let Some(seconds) = refresh { meta http-equiv="refresh" content=(seconds); }
                title { (title) " · landfall" }
                link rel="icon" href="data:,";
                link rel="stylesheet" href="/style.css";
            }
            body {
                header {
                    a.brand href="/" { "landfall" }
                    @if caller.is_some() { nav { a href="/" { "Probes" } a href="/alerts" { "Alerts" } } }
                    @if let Some(caller) = caller.filter(|c| c.session) {
                        form.inline method="post" action="/sign-out" {
                            (proof(caller))
                            span.faint { (caller.name) " " }
                            button.quiet { "Sign out" }
                        }
                    }
                }
                main { (content) }
                footer.faint { "landfall " (env!("CARGO_PKG_VERSION")) " · times in UTC" }
            }
        }
    }
}

/// The field by which a form proves that this page made it.
pub(super) fn proof(caller: &Caller) -> Markup {
    html! { input type="hidden" name="proof" value=(caller.form); }
}

/// How text from outside may be shown on this site.
pub(super) fn look(site: &Shared) -> Look {
    Look::new(site.daemon.redactor())
}
