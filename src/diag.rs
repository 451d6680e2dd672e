//! Diagnostics: what is wrong with what the user wrote, where, and what to write instead.

use crate::model::Span;

/// A stable name for each kind of problem. Tests and the reference iterate [`Code::ALL`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    /// The settings of a channel, trigger or listener contradict each other or cannot be honoured.
    Setting,
}

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
#[derive(Debug, Default)]
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

    /// Adds a problem.
    pub fn push(&mut self, problem: Problem) -> &mut Problem {
        let at = self.0.len();
        self.0.push(problem);
        &mut self.0[at]
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
}

/// The files that spans point into.
#[derive(Debug, Default)]
pub struct Sources {
    files: Vec<Source>,
}

/// One file.
#[derive(Debug)]
pub struct Source {
    /// As people name it: relative to the workspace.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// A place as people name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file, relative to the workspace.
    pub file: String,
    /// From 1.
    pub line: u32,
    /// From 1, in characters.
    pub column: u32,
    /// The whole line.
    pub text: String,
}

impl Sources {
    /// Adds a file; the result is its index for [`Span::file`].
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> u16 {
        self.files.push(Source {
            name: name.into(),
            text: text.into(),
        });
        u16::try_from(self.files.len() - 1).unwrap_or(u16::MAX)
    }

    /// The file of a span.
    #[must_use]
    pub fn get(&self, file: u16) -> Option<&Source> {
        self.files.get(usize::from(file))
    }

    /// Where a span begins.
    #[must_use]
    pub fn place(&self, span: Span) -> Option<Place> {
        let source = self.get(span.file)?;
        let start = (span.start as usize).min(source.text.len());
        let before = source.text.get(..start)?;
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = source.text[line_start..].lines().next().unwrap_or("");
        Some(Place {
            file: source.name.clone(),
            line: u32::try_from(before.matches('\n').count() + 1).unwrap_or(u32::MAX),
            column: u32::try_from(before[line_start..].chars().count() + 1).unwrap_or(u32::MAX),
            text: line.to_owned(),
        })
    }
}
