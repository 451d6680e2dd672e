//! Text from outside, and what surrounds it.

use std::sync::Arc;

use maud::{Markup, html};

use crate::redact::Redactor;
use crate::report::visible;

/// The longest text from outside that is shown, in characters.
const LONGEST: usize = 2000;

/// How text may be shown: without secrets, without characters that play tricks, cut where it is long.
pub struct Look(Arc<Redactor>);

impl Look {
    /// With the secrets that are known.
    #[must_use]
    pub const fn new(redactor: Arc<Redactor>) -> Self {
        Self(redactor)
    }

    /// Text from outside, safe to put into a template, which escapes it.
    #[must_use]
    pub fn text(&self, text: &str) -> String {
        let clean = self.0.text(text);
        match clean.char_indices().nth(LONGEST) {
            None => visible(&clean).into_owned(),
            Some((end, _)) => format!("{}… ({} bytes)", visible(&clean[..end]), clean.len()),
        }
    }
}

/// A word with its colour and its sign.
#[must_use]
pub fn badge(tone: &str, word: &str) -> Markup {
    html! { span class={ "badge " (tone) } { span.sign aria-hidden="true" { (super::words::sign(tone)) } " " (word) } }
}
