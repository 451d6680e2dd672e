//! The ways from a run to those around it.

use maud::{Markup, html};

use crate::model::RunRecord;
use crate::report::around::{Neighbour, Neighbours};
use crate::report::html::words::{class_tone, instant, sign};
use crate::report::html::{View, badge};
use crate::report::words::DEFAULT_INPUT;

/// The run before and the run after; scripts follow `rel` with keys.
pub(super) fn ways(view: &View, run: &RunRecord, around: Option<&Neighbours>) -> Markup {
    let Some(around) = around else {
        return html! {};
    };
    html! {
        nav.ways aria-label="Runs around this one" {
            (way(view, around.previous.as_ref(), "prev", "← previous"))
            span.faint { "of " (view.look.text(&run.route)) }
            (way(view, around.next.as_ref(), "next", "next →"))
        }
    }
}

fn way(view: &View, to: Option<&Neighbour>, rel: &str, word: &str) -> Markup {
    html! {
        @match to {
            Some(to) => a rel=(rel) href=(view.links.run(to.id)) {
                (word) " " span class=(class_tone(to.class)) { span aria-hidden="true" { (sign(class_tone(to.class))) } span.hidden { (to.class.word()) } }
                " " span.faint { (instant(&view.look.text(&to.tick))) }
            },
            None => span.faint { (word) ": none on record" },
        }
    }
}

/// The others of its probe at the same tick.
pub(super) fn tick(view: &View, around: Option<&Neighbours>) -> Markup {
    let Some(around) = around.filter(|around| !around.same_tick.is_empty()) else {
        return html! {};
    };
    html! {
        section.tick aria-label="Others at the same tick" {
            h2 { "At the same tick" }
            ul.others { @for other in &around.same_tick { li {
                a href=(view.links.run(other.id)) { (badge(class_tone(other.class), other.class.word())) " " (leg(view, other)) }
            } } }
            @if around.more { p.faint { "… and more than these " (around.same_tick.len()) } }
        }
    }
}

/// Its route, and its input where the probe names several.
pub(super) fn leg(view: &View, of: &Neighbour) -> Markup {
    html! { (view.look.text(&of.route)) @if of.input != DEFAULT_INPUT { " / " (view.look.text(&of.input)) } }
}
