//! The `github` format: an annotation for each declared comparison that is no pass, and a plain line.

use std::fmt::Write as _;

use super::super::github::{data, property};
use super::course::end;
use super::sentences::{compared_name, conclusion, sentence, word};
use crate::compare::Comparison;
use crate::stats::verdict::Word;

/// Annotations, notes as notices, and what it all says.
pub(super) fn render(comparison: &Comparison) -> String {
    let mut out = String::new();
    for compared in comparison.declared() {
        let command = match compared.word {
            Some(Word::Worse) | None => "error",
            Some(Word::NotEnough | Word::WorseWithinMargin) => "warning",
            Some(Word::Better | Word::NoDifference) => continue,
        };
        let title = format!("{}: {}", compared_name(comparison, compared), word(compared));
        let message = sentence(comparison, compared);
        let _infallible = writeln!(out, "::{command} title={}::{}", property(&title), data(&message));
    }
    for note in end(comparison)
        .into_iter()
        .chain(comparison.notes.iter().map(|note| crate::diag::escape(note)))
    {
        let _infallible = writeln!(out, "::notice title=comparison::{}", data(&note));
    }
    let _infallible = writeln!(out, "{}", conclusion(comparison));
    out
}
