//! How things may be called.

use std::collections::HashMap;

use crate::definition::known::ROOTS;
use crate::definition::raw::{RawExpectation, RawProbe, RawRoute, RawStep, RawWorkspace};
use crate::diag::{Code, Problems};
use crate::model::{Span, Spanned};

/// Words of CEL and of templates that cannot be names.
const WORDS: &[&str] = &[
    "true",
    "false",
    "null",
    "in",
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
    "and",
    "or",
    "not",
    "is",
];

const LONGEST: usize = 100;

/// The names in `landfall.yaml`.
pub(crate) fn workspace_names(raw: &RawWorkspace, problems: &mut Problems) {
    for (name, _) in &raw.channels.0 {
        root(name, "channel", problems);
    }
    for (name, _) in &raw.alerts.0 {
        dashed(name, "destination", problems);
    }
    for (name, _) in &raw.vars.0 {
        variable(&name.value, name.span, "variable", problems);
    }
    if let Some(location) = &raw.location {
        dashed(location, "location", problems);
    }
}

/// The names in a probe.
pub(crate) fn probe_names(raw: &RawProbe, problems: &mut Problems) {
    dashed(&raw.name, "probe", problems);
    for (name, route) in &raw.routes.0 {
        dashed(name, "route", problems);
        route_names(route, problems);
    }
    for (name, _) in raw.inputs.iter().flat_map(|inputs| &inputs.value.0) {
        variable(&name.value, name.span, "input", problems);
    }
    for (name, _) in &raw.capture.0 {
        root(name, "captured value", problems);
    }
    for (name, _) in &raw.attributes.0 {
        variable(&name.value, name.span, "attribute", problems);
    }
    steps(&raw.executed, problems);
    expectations("outcome", &raw.outcome, problems);
    expectations("failed_when", &raw.failed_when, problems);
    expectations("receipt", &raw.receipt, problems);
}

/// One name of the kind `[a-z_][a-z0-9_]*`.
pub(crate) fn variable(name: &str, span: Span, what: &str, problems: &mut Problems) {
    let spelled = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        && name.len() <= LONGEST;
    if !spelled {
        let problem = problems.error(
            Code::Name,
            span,
            format!("`{name}` cannot be the name of {}", article(what)),
            "expected lower-case letters, digits and `_`, not beginning with a digit",
        );
        let proposal = respelled(name, '_');
        if !proposal.is_empty() && proposal != name {
            problem.help(format!("write `{proposal}`"));
        }
    } else if WORDS.contains(&name) {
        problems.error(
            Code::ReservedName,
            span,
            format!("`{name}` cannot be the name of {}", article(what)),
            "a word of the expression language",
        );
    }
}

/// A name that stands by itself in expressions.
fn root(name: &Spanned<String>, what: &str, problems: &mut Problems) {
    if ROOTS.iter().any(|(root, _)| *root == name.value) {
        problems.error(
            Code::ReservedName,
            name.span,
            format!("`{}` cannot be the name of {}", name.value, article(what)),
            "every run has a value of this name",
        );
    } else {
        variable(&name.value, name.span, what, problems);
    }
}

/// A name that reports show and nobody computes with: dashes are welcome.
pub(super) fn dashed(name: &Spanned<String>, what: &str, problems: &mut Problems) {
    let inside = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
    let spelled =
        !name.is_empty() && !name.starts_with('-') && name.chars().all(inside) && name.len() <= LONGEST;
    if spelled {
        return;
    }
    let problem = problems.error(
        Code::Name,
        name.span,
        format!("`{}` cannot be the name of {}", name.value, article(what)),
        "expected lower-case letters, digits, `-` and `_`",
    );
    let proposal = respelled(&name.value, '-');
    if !proposal.is_empty() && proposal != name.value {
        problem.help(format!("write `{proposal}`"));
    }
}

fn article(what: &str) -> String {
    let an = what.starts_with(['a', 'e', 'i', 'o']);
    format!("{} {what}", if an { "an" } else { "a" })
}

fn respelled(name: &str, joint: char) -> String {
    let mut out = String::new();
    for c in name.to_lowercase().chars() {
        if c.is_ascii_alphanumeric() || c == '_' {
            out.push(c);
        } else if !out.is_empty() && !out.ends_with(joint) {
            out.push(joint);
        }
    }
    out.trim_end_matches(joint)
        .trim_start_matches(|c: char| c.is_ascii_digit())
        .to_owned()
}

fn route_names(route: &RawRoute, problems: &mut Problems) {
    for (name, _) in &route.vars.0 {
        if name.value == "name" {
            problems
                .error(
                    Code::ReservedName,
                    name.span,
                    "`name` is reserved in a route",
                    "`route.name` is the route's own name",
                )
                .help("call the variable something else");
        } else {
            variable(&name.value, name.span, "variable", problems);
        }
    }
    for (name, _) in route.capture.iter().flat_map(|capture| &capture.0) {
        root(name, "captured value", problems);
    }
    steps(route.executed.as_deref().unwrap_or_default(), problems);
    expectations("outcome", route.outcome.as_deref().unwrap_or_default(), problems);
    expectations(
        "failed_when",
        route.failed_when.as_deref().unwrap_or_default(),
        problems,
    );
}

fn steps(steps: &[RawStep], problems: &mut Problems) {
    let mut seen = HashMap::new();
    for step in steps {
        let name = step.name.as_ref().unwrap_or(&step.step);
        if step.step.trim().is_empty() {
            problems.error(
                Code::Empty,
                step.step.span,
                "a step without a name",
                "expected a name",
            );
        }
        if let Some(name) = &step.name {
            root(name, "step", problems);
        }
        once(name, "step", &mut seen, problems);
    }
}

fn expectations(layer: &str, all: &[RawExpectation], problems: &mut Problems) {
    let mut seen = HashMap::new();
    let mut on_channel: HashMap<&str, (usize, Span)> = HashMap::new();
    for expectation in all {
        let entry = on_channel
            .entry(&expectation.channel.value)
            .or_insert((0, expectation.channel.span));
        entry.0 += 1;
        if let Some(name) = &expectation.name {
            root(name, "expectation", problems);
            once(name, "expectation", &mut seen, problems);
        }
    }
    for expectation in all.iter().filter(|e| e.name.is_none()) {
        let Some((count, first)) = on_channel.get(expectation.channel.value.as_str()) else {
            continue;
        };
        if *count > 1 {
            let problem = problems.error(
                Code::NameNeeded,
                expectation.channel.span,
                format!(
                    "{count} expectations of `{layer}` wait on `{}`",
                    expectation.channel.value
                ),
                "this one has no `name:`",
            );
            problem.help("give each a name, so that reports can tell them apart");
            if *first != expectation.channel.span {
                problem.also(*first, "the first of them");
            }
        }
    }
}

fn once<'n>(
    name: &'n Spanned<String>,
    what: &str,
    seen: &mut HashMap<&'n str, Span>,
    problems: &mut Problems,
) {
    if let Some(first) = seen.insert(&name.value, name.span) {
        problems
            .error(
                Code::DuplicateName,
                name.span,
                format!("two {what}s are called `{}`", name.value),
                "the second",
            )
            .also(first, "the first");
    }
}
