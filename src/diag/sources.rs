//! The files that spans point into.

use std::collections::HashMap;
use std::sync::Arc;

use crate::model::Span;
use crate::redact::Redactor;

/// The files that spans point into.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    files: Vec<Arc<Source>>,
    redactor: Arc<Redactor>,
    /// Files of an earlier load: those that are as they were are kept once.
    earlier: HashMap<String, Arc<Source>>,
}

/// One file.
#[derive(Clone, Debug)]
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
        let (name, text) = (name.into(), text.into());
        let same = self.earlier.get(&name).filter(|known| known.text == text);
        let file = same.cloned().unwrap_or_else(|| Arc::new(Source { name, text }));
        self.files.push(file);
        u16::try_from(self.files.len() - 1).unwrap_or(u16::MAX)
    }

    /// None yet; files that are as they were in an earlier load will be shared with it.
    #[must_use]
    pub fn after(earlier: &Self) -> Self {
        let known = earlier
            .files
            .iter()
            .map(|file| (file.name.clone(), Arc::clone(file)));
        Self {
            earlier: known.collect(),
            ..Self::default()
        }
    }

    /// From now on, what is drawn of the files leaves these secrets out.
    pub fn hide(&mut self, redactor: Arc<Redactor>) {
        self.redactor = redactor;
        self.earlier = HashMap::new();
    }

    /// Strikes secrets out of what is drawn.
    pub(super) fn redactor(&self) -> &Redactor {
        &self.redactor
    }

    /// The file of a span.
    #[must_use]
    pub fn get(&self, file: u16) -> Option<&Source> {
        self.files.get(usize::from(file)).map(AsRef::as_ref)
    }

    /// The file of a name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&Source> {
        self.files
            .iter()
            .map(AsRef::as_ref)
            .find(|source: &&Source| source.name == name)
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

    /// A key that sorts spans as people read: by the file's name, then by place.
    pub(super) fn order(&self, span: Span) -> (&str, u32, u32) {
        (
            self.get(span.file).map_or("", |s| s.name.as_str()),
            span.start,
            span.end,
        )
    }
}
