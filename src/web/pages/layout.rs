//! What every page has around its content.

use std::sync::Arc;

use maud::{DOCTYPE, Markup, html};

use crate::redact::Redactor;
use crate::report::visible;
use crate::web::auth::Caller;
use crate::web::site::Shared;

/// The longest text from outside that is shown, in characters.
const LONGEST: usize = 2000;

/// How text may be shown: without secrets, without characters that play tricks, cut where it is long.
pub(super) struct Look(Arc<Redactor>);

impl Look {
    pub(super) fn of(site: &Shared) -> Self {
        Self(site.daemon.redactor())
    }

    /// Text from outside, safe to put into a template, which escapes it.
    pub(super) fn text(&self, text: &str) -> String {
        let clean = self.0.text(text);
        match clean.char_indices().nth(LONGEST) {
            None => visible(&clean).into_owned(),
            Some((end, _)) => format!("{}… ({} bytes)", visible(&clean[..end]), clean.len()),
        }
    }
}

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

/// A word with its colour and its sign.
pub(super) fn badge(tone: &str, word: &str) -> Markup {
    html! { span class={ "badge " (tone) } { span.sign aria-hidden="true" { (super::words::sign(tone)) } " " (word) } }
}
