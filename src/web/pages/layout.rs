//! What every page has around its content.

use maud::{DOCTYPE, Markup, html};

use super::theme::THEMES;
use crate::report::html::{Links, Look, View};
use crate::web::auth::Caller;
use crate::web::site::Shared;

/// The way to the other pages: title and address.
const PAGES: [(&str, &str); 4] = [
    ("Probes", "/"),
    ("Runs", "/runs"),
    ("Alerts", "/alerts"),
    ("Marks", "/marks"),
];

/// A page for somebody who is known.
pub(super) fn page(title: &str, caller: &Caller, content: &Markup) -> Markup {
    frame(title, None, content, Some(caller))
}

/// The same that changes without being loaded again: as runs come in that `/api/v1/runs/follow` tells with this query
/// (`?probe=orders`, or nothing), each element with an id and `data-live` is replaced by that of the page as it is then.
/// Where no script runs nothing changes under a reader's hands or eyes (WCAG 2.2, 2.2.1): a link loads it again.
pub(super) fn live(title: &str, caller: &Caller, query: &str, content: &Markup) -> Markup {
    let follow = format!("/api/v1/runs/follow{query}");
    frame(title, Some(&follow), content, Some(caller))
}

/// A page for anybody.
pub(super) fn bare(title: &str, content: &Markup) -> Markup {
    frame(title, None, content, None)
}

/// `follow`: where the runs are followed that change it.
fn frame(title: &str, follow: Option<&str>, content: &Markup, caller: Option<&Caller>) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" data-theme=[caller.and_then(|caller| caller.theme)] {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · landfall" }
                link rel="icon" href="data:,";
                link rel="stylesheet" href="/style.css";
                script src="/script.js" defer {}
            }
            body {
                a.skip href="#main" { "Skip to the content" }
                header { (head(title, caller)) }
                main #main tabindex="-1" data-follow=[follow] { (content) }
                footer.faint { "landfall " (env!("CARGO_PKG_VERSION")) " · times in UTC" }
            }
        }
    }
}

fn head(title: &str, caller: Option<&Caller>) -> Markup {
    html! {
        a.brand href="/" { "landfall" }
        @if let Some(caller) = caller {
            nav aria-label="Pages" { @for (name, to) in PAGES {
                a href=(to) aria-current=[(name == title).then_some("page")] { (name) }
            } }
            p.live #live role="status" { noscript { a href="" { "Load again" } } }
            (themes(caller))
        }
        @if let Some(caller) = caller.filter(|c| c.session) {
            form.inline method="post" action="/sign-out" {
                (proof(caller))
                span.faint { (caller.name) " " }
                button.quiet { "Sign out" }
            }
        }
    }
}

fn themes(caller: &Caller) -> Markup {
    let now = caller.theme.unwrap_or("system");
    html! {
        form.theme method="get" action="/theme" aria-label="Colours" {
            @for (word, sign, said) in THEMES {
                button name="to" value=(word) title=(said) aria-label=(said) aria-pressed=(word == now) { (sign) }
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

/// What every view is given.
pub(super) fn view(site: &Shared) -> View {
    View {
        look: look(site),
        links: Links::Site,
        now: site.clock.now().to_rfc3339(),
    }
}
