//! How problems are shown: to people under the line that has them, to machines as JSON.

use std::fmt::Write as _;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use serde_json::{Value, json};

use super::{Problem, Problems, Severity, Source, Sources};
use crate::model::Span;

/// The widest line that is drawn whole; of a longer one the part around the place is drawn.
const WIDTH: usize = 140;

impl Problems {
    /// For a terminal or a log: every problem under its line, then a count. Control characters that came from a file
    /// are escaped. Ends with a line feed; empty where there is no problem.
    #[must_use]
    pub fn render(&self, sources: &Sources, colour: bool) -> String {
        let mut settled = self.clone();
        settled.settle(sources);
        let renderer = if colour {
            Renderer::styled()
        } else {
            Renderer::plain()
        };
        let mut out = String::new();
        for problem in settled.all() {
            let pieces = Pieces::new(problem, sources);
            out.push_str(&renderer.render(&[pieces.group(problem)]));
            out.push_str("\n\n");
        }
        let (errors, warnings) = settled.counts();
        if errors + warnings > 0 {
            out.push_str(&count_line(errors, warnings));
            out.push('\n');
        }
        sources.redactor().text(&out).into_owned()
    }

    /// A list of objects: `code`, `severity`, `message`, `label`, `help`, `file`, `line`, `column`, `text`, `also[]`.
    #[must_use]
    pub fn to_json(&self, sources: &Sources) -> Value {
        let mut settled = self.clone();
        settled.settle(sources);
        let mut all: Value = settled.all().iter().map(|p| problem_json(p, sources)).collect();
        sources.redactor().value(&mut all);
        all
    }
}

/// Text that cannot move a cursor, change a title or forge a line: control and bidirectional characters are escaped.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if unsafe_to_show(c) {
            let _infallible = write!(out, "{}", c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

/// C0 and C1 controls, line separators, bidirectional controls, zero-width and tag characters and the byte order mark.
fn unsafe_to_show(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{AD}' | '\u{61C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}')
        || matches!(c, '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
}

fn count_line(errors: usize, warnings: usize) -> String {
    let plural = |n: usize, word: &str| match n {
        1 => format!("1 {word}"),
        _ => format!("{n} {word}s"),
    };
    match (errors, warnings) {
        (_, 0) => plural(errors, "error"),
        (0, _) => plural(warnings, "warning"),
        _ => format!("{}, {}", plural(errors, "error"), plural(warnings, "warning")),
    }
}

fn problem_json(problem: &Problem, sources: &Sources) -> Value {
    let place = |span: Span| {
        sources.place(span).map_or(
            Value::Null,
            |p| json!({ "file": p.file, "line": p.line, "column": p.column, "text": p.text }),
        )
    };
    let mut out = json!({
        "code": problem.code.word(),
        "severity": match problem.severity { Severity::Error => "error", Severity::Warning => "warning" },
        "message": problem.message,
        "label": problem.label,
        "help": problem.help,
    });
    if let (Some(out), Value::Object(at)) = (out.as_object_mut(), place(problem.span)) {
        out.extend(at);
        let also: Vec<Value> = problem
            .also
            .iter()
            .map(|(span, label)| {
                let mut at = place(*span);
                at["label"] = json!(label);
                at
            })
            .collect();
        out.insert(String::from("also"), also.into());
    }
    out
}

/// The texts of one problem, made safe to show.
struct Pieces {
    id: &'static str,
    title: String,
    label: String,
    help: Option<String>,
    lines: Vec<Excerpt>,
}

/// The lines that one annotation needs.
struct Excerpt {
    file: String,
    line: usize,
    text: String,
    at: Range<usize>,
    label: String,
    primary: bool,
}

impl Pieces {
    fn new(problem: &Problem, sources: &Sources) -> Self {
        let mut lines: Vec<Excerpt> = excerpt(problem.span, &problem.label, true, sources)
            .into_iter()
            .collect();
        for (span, label) in &problem.also {
            lines.extend(excerpt(*span, label, false, sources));
        }
        Self {
            id: problem.code.word(),
            title: escape(&problem.message),
            label: escape(&problem.label),
            help: problem
                .help
                .as_ref()
                .map(|h| h.lines().map(escape).collect::<Vec<_>>().join("\n")),
            lines,
        }
    }

    fn group(&self, problem: &Problem) -> Group<'_> {
        let level = match problem.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let mut group = Group::with_title(level.primary_title(self.title.as_str()).id(self.id));
        for line in &self.lines {
            let kind = if line.primary {
                AnnotationKind::Primary
            } else {
                AnnotationKind::Context
            };
            let mut mark = kind.span(line.at.clone());
            if !line.label.is_empty() {
                mark = mark.label(line.label.as_str());
            }
            group = group.element(
                Snippet::source(line.text.as_str())
                    .path(line.file.as_str())
                    .line_start(line.line)
                    .annotation(mark),
            );
        }
        if self.lines.is_empty() && !self.label.is_empty() {
            group = group.element(Level::NOTE.message(self.label.as_str()));
        }
        if let Some(help) = &self.help {
            group = group.element(Level::HELP.message(help.as_str()));
        }
        group
    }
}

/// The line of a span with the part to mark; a span over several lines is marked on its first.
fn excerpt(span: Span, label: &str, primary: bool, sources: &Sources) -> Option<Excerpt> {
    let source: &Source = sources.get(span.file)?;
    let place = sources.place(span)?;
    let from = usize::try_from(place.column).ok()?.saturating_sub(1);
    let length = source
        .text
        .get(span.start as usize..span.end as usize)
        .and_then(|marked| marked.lines().next())
        .map_or(1, |marked| marked.trim_end().chars().count().max(1));
    let (text, at) = window(&place.text, from, length);
    Some(Excerpt {
        file: escape(&place.file),
        line: place.line as usize,
        text,
        at,
        label: escape(label),
        primary,
    })
}

/// Cuts a long line around the marked characters, escapes it, and gives the marked bytes of the result.
fn window(line: &str, from: usize, length: usize) -> (String, Range<usize>) {
    let skip = if from + length > WIDTH {
        from.saturating_sub(WIDTH / 2)
    } else {
        0
    };
    let mut out = String::new();
    if skip > 0 {
        out.push('…');
    }
    let mut start = None;
    let mut end = out.len();
    for (at, c) in line.chars().enumerate().skip(skip).take(WIDTH) {
        if at == from {
            start = Some(out.len());
        }
        if unsafe_to_show(c) && c != '\t' {
            let _infallible = write!(out, "{}", c.escape_unicode());
        } else {
            out.push(c);
        }
        if at < from + length {
            end = out.len();
        }
    }
    let start = start.unwrap_or(out.len());
    if line.chars().count() > skip + WIDTH {
        out.push('…');
    }
    (out, start..end.max(start))
}
