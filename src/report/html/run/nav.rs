//! The ways from a run to those around it.

use maud::{Markup, html};

use super::Content;
use crate::report::around::Neighbour;
use crate::report::html::words::{class_tone, instant, sign};
use crate::report::html::{Links, View, badge};
use crate::report::words::DEFAULT_INPUT;

/// The run before and the run after; scripts follow `rel` with keys.
pub(super) fn ways(view: &View, of: &Content<'_>) -> Markup {
    let Some(around) = of.neighbours else {
        return html! {};
    };
    html! {
        nav.ways data-key="ways" aria-label={ "Runs around that of " (instant(&view.look.text(&of.run.tick))) } {
            (way(view, of, around.previous.as_ref(), ("prev", "← previous")))
            span.faint { "of " (view.look.text(&of.run.route)) }
            (way(view, of, around.next.as_ref(), ("next", "next →")))
        }
    }
}

fn way(view: &View, of: &Content<'_>, to: Option<&Neighbour>, (rel, word): (&str, &str)) -> Markup {
    let nowhere = match view.links {
        Links::Site => "none on record",
        Links::File => "none in this file",
    };
    let Some(to) = to else {
        return html! { span.faint { (word) ": " (nowhere) } };
    };
    let tone = class_tone(to.class);
    let said = html! {
        (word) " " span class=(tone) { span aria-hidden="true" { (sign(tone)) } span.hidden { (to.class.word()) } }
        " " span.faint { (instant(&view.look.text(&to.tick))) }
    };
    html! {
        @match of.link(view, to.id) { Some(href) => a rel=(rel) href=(href) { (said) }, None => span { (said) } }
    }
}

/// The others of its probe at the same tick.
pub(super) fn tick(view: &View, of: &Content<'_>) -> Markup {
    let Some(around) = of.neighbours.filter(|around| !around.same_tick.is_empty()) else {
        return html! {};
    };
    html! {
        section.tick data-key="tick" aria-labelledby={ "tick-" (of.run.id) } {
            h2 id={ "tick-" (of.run.id) } { "At the same tick" }
            ul.others { @for other in &around.same_tick { li {
                @let said = html! { (badge(class_tone(other.class), other.class.word())) " " (leg(view, other)) };
                @match of.link(view, other.id) { Some(href) => a href=(href) { (said) }, None => (said) }
            } } }
            @if around.more { p.faint { "… and more than these " (around.same_tick.len()) } }
        }
    }
}

/// Its route, and its input where the probe names several.
pub(super) fn leg(view: &View, of: &Neighbour) -> Markup {
    html! { (view.look.text(&of.route)) @if of.input != DEFAULT_INPUT { " / " (view.look.text(&of.input)) } }
}
