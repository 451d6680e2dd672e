//! Diagnostics: what is wrong with what the user wrote, where, and what to write instead.

mod code;
mod draw;
mod sources;

pub use code::Code;
pub use draw::escape;
pub use sources::{Place, Source, Sources};

use std::collections::HashSet;

use crate::model::Span;

/// Whether nothing fires, or the user is only told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The workspace does not load.
    Error,
    /// It loads, and something will not go as written.
    Warning,
}

/// One problem, at one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Which rule was broken.
    pub code: Code,
    /// How bad.
    pub severity: Severity,
    /// What is wrong: a lower-case fragment with the value in backticks.
    pub message: String,
    /// Where.
    pub span: Span,
    /// What stands under the caret: what was expected.
    pub label: String,
    /// What to do: a 'did you mean', the line quoted as it should be.
    pub help: Option<String>,
    /// Other places that matter.
    pub also: Vec<(Span, String)>,
}

/// Everything found so far; nothing stops at the first.
#[derive(Clone, Debug, Default)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// Adds an error; the returned problem can be extended.
    pub fn error(
        &mut self,
        code: Code,
        span: Span,
        message: impl Into<String>,
        label: impl Into<String>,
    ) -> &mut Problem {
        self.push(Problem {
            code,
            severity: Severity::Error,
            message: message.into(),
            span,
            label: label.into(),
            help: None,
            also: Vec::new(),
        })
    }

    /// Adds a warning; the returned problem can be extended.
    pub fn warning(
        &mut self,
        code: Code,
        span: Span,
        message: impl Into<String>,
        label: impl Into<String>,
    ) -> &mut Problem {
        let problem = self.error(code, span, message, label);
        problem.severity = Severity::Warning;
        problem
    }

    /// Adds a problem.
    pub fn push(&mut self, problem: Problem) -> &mut Problem {
        let at = self.0.len();
        self.0.push(problem);
        &mut self.0[at]
    }

    /// Sorts by file and place (files by their names) and drops what was found twice.
    pub fn settle(&mut self, sources: &Sources) {
        self.0.sort_by(|a, b| {
            let key = |p: &Problem| (sources.order(p.span), p.severity, p.code);
            key(a).cmp(&key(b)).then_with(|| a.message.cmp(&b.message))
        });
        self.0.dedup();
        // A word that is an error already needs no warning besides.
        let errors = self.0.iter().filter(|p| p.severity == Severity::Error);
        let wrong: HashSet<Span> = errors.map(|p| p.span).collect();
        self.0
            .retain(|p| p.code != Code::AmbiguousWord || !wrong.contains(&p.span));
        // One line that YAML reads differently can be found at several of its parts.
        let trap = |p: &Problem| p.code == Code::Trap && p.help.is_some();
        self.0.dedup_by(|a, b| trap(a) && trap(b) && a.help == b.help);
    }

    /// How many errors and how many warnings.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        let errors = self.0.iter().filter(|p| p.severity == Severity::Error).count();
        (errors, self.0.len() - errors)
    }

    /// All of them, in the order found.
    #[must_use]
    pub fn all(&self) -> &[Problem] {
        &self.0
    }

    /// Whether nothing may fire.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|p| p.severity == Severity::Error)
    }
}

impl Problem {
    /// Adds what to do.
    pub fn help(&mut self, help: impl Into<String>) -> &mut Self {
        self.help = Some(help.into());
        self
    }

    /// Adds another place that matters.
    pub fn also(&mut self, span: Span, label: impl Into<String>) -> &mut Self {
        self.also.push((span, label.into()));
        self
    }
}
