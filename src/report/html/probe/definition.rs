//! The definition, line by line.

use maud::{Markup, html};

use super::data::DefinitionText;
use crate::report::html::View;

/// So many lines are shown; of a longer file it is said how many it has.
const LINES: usize = 600;

/// The file with the numbers of its lines; those that state what is waited for are set apart. Secrets are struck out.
pub(super) fn definition(view: &View, of: &DefinitionText) -> Markup {
    let all = of.text.lines().count();
    html! {
        details #definition-text {
            summary { code { (view.look.text(&of.file)) } ", " (all) " lines" }
            pre.source { @for (number, line) in (1_u32..).zip(of.text.lines()).take(LINES) {
                @let said = of.places.get(&number);
                span.line.waited[said.is_some()] id={ "line-" (number) } {
                    span.n aria-hidden="true" { (format!("{number:>4}")) } " " (view.look.text(line))
                    @if let Some(said) = said { span.faint { "  ← " (view.look.text(said)) } }
                    "\n"
                }
            } }
            @if all > LINES { p.faint { "… and " (all - LINES) " more lines." } }
        }
    }
}
