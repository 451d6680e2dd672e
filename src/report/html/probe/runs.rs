//! The last runs that did not end well.

use maud::{Markup, html};

use super::charts::name;
use super::data::ProbeData;
use crate::report::html::words::{class_tone, instant, latency};
use crate::report::html::{View, badge};

/// A table of them, each with the way to its page.
pub(super) fn bad(view: &View, data: &ProbeData) -> Markup {
    html! {
        @if data.bad.is_empty() {
            p { "None of the last " (data.looked_at) " runs of this time." }
        } @else {
            div.scroll tabindex="0" role="group" aria-label="Last runs that did not end well" { table.bad-runs {
                caption.hidden { "Last runs that did not end well" }
                thead { tr { th scope="col" { "At" } th scope="col" { "Route" } th scope="col" { "Class" } th.number scope="col" { "Outcome" } th scope="col" { "Why" } } }
                tbody { @for run in &data.bad { tr {
                    td { a href=(view.links.run(run.id)) { (instant(&view.look.text(&run.tick))) } }
                    td { (view.look.text(&name(&run.route, &run.input))) }
                    td { (badge(class_tone(run.class), run.class.word())) @if run.silent { div.faint { "silent failure" } } }
                    td.number { (latency(run.seconds)) }
                    td { (view.look.text(&run.reason)) }
                } } }
            } }
        }
    }
}
