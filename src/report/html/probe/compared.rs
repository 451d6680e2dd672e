//! The routes held against the first one, tick by tick.

use maud::{Markup, html};

use crate::compare::{Comparison, Role};
use crate::report::compare::course::{starts, ticks};
use crate::report::compare::sentences::{terms, title};
use crate::report::html::words::instant;
use crate::report::html::{View, comparison};

/// The word on the worst route with how its interval closed, and every comparison in a table.
pub(super) fn compared(view: &View, of: &Comparison) -> Markup {
    let text = |text: &str| view.look.text(text);
    let span = of.since.as_ref().zip(of.until.as_ref());
    let Some((since, until)) = span else {
        return html! { p.faint { "No tick of these runs has ended on every route: there is nothing to compare." } };
    };
    let declared = || {
        of.comparisons
            .iter()
            .filter(|compared| compared.role == Role::Declared)
    };
    html! {
        p { (text(&title(of))) ". Ticks from " (instant(&text(since))) " to " (instant(&text(until))) " UTC; later ones may not have ended on every route." }
        @if let Some(worst) = declared().next() {
            h3 { @if declared().count() > 1 { "The worst of them, and how its interval closed" } @else { "How its interval closed" } }
            (comparison::one(view, of, 0, worst))
        }
        (comparison::table(view, of))
        @for line in [ticks(of), starts(of)].into_iter().flatten() { p.faint { (text(&line)) } }
        @for note in &of.notes { p.notice.warn { "Note: " (text(note)) } }
        p.faint {
            (text(&terms(of)))
            ". The interval holds however often one looks, as long as its first tick stays the same. A time that moves on with the clock moves that tick too: choose a beginning, or run "
            code { "landfall compare " @if let Some(probe) = &of.probe { (text(probe)) } }
            ", before acting on it."
        }
    }
}
