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

    /// Text from outside whose line breaks and tabs stay, at most so many characters of it.
    #[must_use]
    pub fn lines(&self, text: &str, most: usize) -> Lines {
        let clean = self.0.text(text);
        let end = clean.char_indices().nth(most).map(|(end, _)| end);
        let mut out = String::new();
        for (nth, line) in clean[..end.unwrap_or(clean.len())].split('\n').enumerate() {
            if nth > 0 {
                out.push('\n');
            }
            let line = line.strip_suffix('\r').unwrap_or(line);
            for (nth, part) in line.split('\t').enumerate() {
                if nth > 0 {
                    out.push('\t');
                }
                out.push_str(&visible(part));
            }
        }
        Lines {
            text: out,
            cut: end.is_some(),
        }
    }
}

/// Text of several lines, safe to put into a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lines {
    /// What is shown of it.
    pub text: String,
    /// Whether it is not all.
    pub cut: bool,
}

/// A word with its colour and its sign.
#[must_use]
pub fn badge(tone: &str, word: &str) -> Markup {
    html! { span class={ "badge " (tone) } { span.sign aria-hidden="true" { (super::words::sign(tone)) } " " (word) } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_stay_lines_and_nothing_else_acts() {
        let look = Look::new(Arc::default());
        let shown = look.lines("a\tb\r\nc\u{202e}d\u{1b}[2J", 100);
        assert_eq!(shown.text, "a\tb\nc\\u{202e}d\\u{1b}[2J");
        assert!(!shown.cut);
        let shown = look.lines(&"ü".repeat(1 << 20), 10);
        assert_eq!((shown.text.chars().count(), shown.cut), (10, true));
    }
}
