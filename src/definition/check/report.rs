//! What is said of templates and expressions.

use std::collections::BTreeSet;
use std::ops::Range;

use super::texts::{Compiled, blank, compile_code};
use crate::definition::available::Gap;
use crate::definition::build::LegPlan;
use crate::definition::decode::{Note, NoteKind};
use crate::definition::known::{NamePath, TextError, nearest};
use crate::definition::node::{Step, short};
use crate::definition::{secrets, traps};
use crate::diag::{Code, Problems};
use crate::model::Span;

/// A name that is not there on some legs.
#[derive(Debug)]
pub(crate) struct Absent {
    gap: Gap,
    probes: BTreeSet<String>,
    routes: BTreeSet<String>,
    inputs: BTreeSet<String>,
}

impl Absent {
    pub(super) fn new(gap: Gap) -> Self {
        Self {
            gap,
            probes: BTreeSet::new(),
            routes: BTreeSet::new(),
            inputs: BTreeSet::new(),
        }
    }

    /// It is not there on this leg.
    pub(super) fn lacks(&mut self, plan: &LegPlan<'_>) {
        self.probes.insert(plan.probe.to_owned());
        self.routes.insert(plan.route_name.to_owned());
        self.inputs.insert(plan.input_name.to_owned());
    }
}

/// Refuses a text that is not to be compiled at all; says whether it did.
pub(super) fn refused(note: &Note, path: &[Step], text: &str, problems: &mut Problems) -> bool {
    match note.kind {
        NoteKind::Plain => {
            not_rendered(note, path, problems);
            true
        }
        NoteKind::Expr if blank(&note.source) => {
            problems.error(
                Code::Empty,
                note.span,
                "an empty expression",
                "would hold of everything: write what must hold, or leave the key out",
            );
            true
        }
        NoteKind::Expr
            if text
                .get(note.span.start as usize..note.span.end as usize)
                .is_some_and(secrets::refers) =>
        {
            problems
                .error(
                    Code::MisplacedSecret,
                    note.span,
                    "an expression refers to a secret",
                    "a secret is not pasted into an expression",
                )
                .help("put it under `vars:` in `landfall.yaml` and write `vars.NAME` here");
            true
        }
        _ if in_sql(path) && note.source.contains("{{") | note.source.contains("{%") => {
            sql(note, problems);
            true
        }
        _ => false,
    }
}

/// Puts down that a text does not compile, as a trap of YAML's where one explains it.
pub(super) fn does_not_compile(note: &Note, error: &TextError, text: &str, problems: &mut Problems) {
    if note.kind == NoteKind::Expr
        && let Some(help) = traps::cut(text, note.span).or_else(|| traps::flow(text, note.span, &note.source))
    {
        problems
            .error(
                Code::Trap,
                note.span,
                format!("YAML ends the expression after `{}`", short(&note.source)),
                "what follows is not part of it",
            )
            .help(help);
        return;
    }
    let span = inside(text, note.span, &note.source, &error.range);
    let what = if note.kind == NoteKind::Expr {
        "expression"
    } else {
        "template"
    };
    let problem = problems.error(
        compile_code(note.kind),
        span,
        format!("the {what} does not compile: {}", error.message),
        format!("in this {what}"),
    );
    if note.kind == NoteKind::Expr && note.source.contains("{{") {
        problem.help("expressions stand without `{{ }}`; those are for templates");
    }
}

/// Puts down that a name is not there.
pub(super) fn absent(
    compiled: &Compiled,
    name: &NamePath,
    absent: &Absent,
    plans: &[LegPlan<'_>],
    text: &str,
    problems: &mut Problems,
) {
    let whole = name.join(".");
    let missing = name.get(absent.gap.depth).map_or("", String::as_str);
    let span = named(text, compiled, name);
    if let Some(why) = absent.gap.later {
        problems.error(
            Code::NotYetKnown,
            span,
            format!("`{missing}` is not known here"),
            why,
        );
        return;
    }
    let root = name.first().map_or("", String::as_str);
    let all: BTreeSet<&str> = plans.iter().map(|p| p.route_name).collect();
    if root == "route" && !plans.is_empty() && absent.routes.len() < all.len() {
        let lacking: Vec<&str> = absent.routes.iter().map(String::as_str).collect();
        let which = super::super::decode::listed(&lacking, "and");
        problems
            .error(
                Code::RouteLacks,
                span,
                format!("`{whole}` is not on every route"),
                format!(
                    "{} {which} {} no variable `{missing}`",
                    plural(lacking.len(), "route"),
                    has(lacking.len())
                ),
            )
            .help(format!("add `{missing}` to `vars` of {which}"));
        return;
    }
    let inputs: BTreeSet<&str> = plans.iter().map(|p| p.input_name).collect();
    let (code, message, label) = match (absent.gap.depth, root) {
        (0, _) => (
            Code::UndefinedName,
            format!("there is no `{missing}` here"),
            String::from("not defined"),
        ),
        (1, "channels") => (
            Code::UndefinedChannel,
            format!("there is no channel `{missing}`"),
            String::from("`landfall.yaml` does not define it"),
        ),
        (_, "channels") => (
            Code::UnknownField,
            format!("the channel `{}` offers no `{missing}`", name[1]),
            offered(&absent.gap.choices),
        ),
        (1, "input") if absent.inputs.len() < inputs.len() => (
            Code::UndefinedName,
            format!("`{whole}` is not in every input"),
            format!(
                "not in {}",
                super::super::decode::listed(
                    &absent.inputs.iter().map(String::as_str).collect::<Vec<_>>(),
                    "and"
                )
            ),
        ),
        (_, "vars" | "route" | "input") => (
            Code::UndefinedName,
            format!("there is no `{whole}`"),
            format!(
                "`{}` has {}",
                name[..absent.gap.depth].join("."),
                offered_names(&absent.gap.choices)
            ),
        ),
        _ => (
            Code::UnknownField,
            format!(
                "`{}` has no field `{missing}` here",
                name[..absent.gap.depth].join(".")
            ),
            offered(&absent.gap.choices),
        ),
    };
    let problem = problems.error(code, span, message, label);
    if let Some(near) = nearest(missing, absent.gap.choices.iter().map(String::as_str)) {
        problem.help(format!("did you mean `{near}`?"));
    } else if absent.gap.depth == 0 {
        problem.help(format!("there are {}", offered_names(&absent.gap.choices)));
    }
    if plans.is_empty() && !absent.probes.is_empty() {
        let probes: Vec<&str> = absent.probes.iter().map(String::as_str).collect();
        let which = super::super::decode::listed(&probes, "and");
        problem.label = format!(
            "{}; {} {which} {} this channel",
            problem.label,
            plural(probes.len(), "probe"),
            if probes.len() == 1 { "uses" } else { "use" }
        );
    }
}

/// The part of a text's place that a range of its source stands for, as far as the file shows it unchanged.
pub(super) fn inside(text: &str, span: Span, source: &str, range: &Range<usize>) -> Span {
    let Some(shown) = text.get(span.start as usize..span.end as usize) else {
        return span;
    };
    let Some(offset) = shown.find(source).filter(|_| !source.is_empty()) else {
        return span;
    };
    let length = range.end.saturating_sub(range.start).max(1);
    let at = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let start = span.start + at(offset + range.start.min(source.len()));
    Span {
        file: span.file,
        start,
        end: (start + at(length)).min(span.end).max(start),
    }
}

/// Where a name stands inside a text.
fn named(text: &str, compiled: &Compiled, name: &NamePath) -> Span {
    let whole = name.join(".");
    let source = compiled.source.as_str();
    let part = |c: char| c.is_alphanumeric() || c == '_';
    // Not a part of a longer word, and in a template not outside its braces.
    let stands = |at: &usize| {
        let (before, after) = (&source[..*at], &source[at + whole.len()..]);
        !before.ends_with(|c: char| part(c) || c == '.')
            && !after.starts_with(part)
            && (compiled.expr || before.rfind("{{").max(before.rfind("{%")) > before.rfind("}}"))
    };
    let at = source.match_indices(&whole).map(|(at, _)| at).find(stands);
    let at = at.map(|at| at..at + whole.len());
    at.map_or(compiled.span, |range| {
        inside(text, compiled.span, &compiled.source, &range)
    })
}

fn not_rendered(note: &Note, path: &[Step], problems: &mut Problems) {
    match path {
        // Prose may show braces.
        [Step::Key(key)] if key == "description" => {}
        _ if in_sql(path) => sql(note, problems),
        _ => {
            let key = path.iter().rev().find_map(|step| match step {
                Step::Key(key) => Some(key.as_str()),
                _ => None,
            });
            problems
                .error(
                    Code::TemplateNotRendered,
                    note.span,
                    format!("`{}` takes no template", key.unwrap_or("this")),
                    "the braces would be taken as they are",
                )
                .help("write the value itself");
        }
    }
}

fn sql(note: &Note, problems: &mut Problems) {
    problems
        .error(
            Code::SqlTemplate,
            note.span,
            "a template in SQL text",
            "values reach SQL bound, never pasted",
        )
        .help("write `:token`, `:keys` or `:NAME` of a captured value where the value belongs");
}

/// Whether a path leads into the text of a statement.
fn in_sql(path: &[Step]) -> bool {
    let sql_kind =
        |step: &Step| matches!(step, Step::Key(key) if ["sqlite", "postgres"].contains(&key.as_str()));
    let statement =
        |step: &Step| matches!(step, Step::Key(key) if ["query", "sql", "statement"].contains(&key.as_str()));
    path.iter().any(sql_kind) && path.iter().any(statement)
}

fn offered(names: &[String]) -> String {
    format!("there are {}", offered_names(names))
}

fn offered_names(names: &[String]) -> String {
    if names.is_empty() {
        return String::from("none");
    }
    super::super::decode::listed(&names.iter().map(String::as_str).collect::<Vec<_>>(), "and")
}

fn plural(count: usize, word: &str) -> String {
    if count == 1 {
        word.to_owned()
    } else {
        format!("{word}s")
    }
}

const fn has(count: usize) -> &'static str {
    if count == 1 { "has" } else { "have" }
}
