//! Failures in words: what was found, what belongs there, what was perhaps meant.

use super::error::{Failure, What};
use super::listed;
use crate::definition::known::nearest;
use crate::definition::node::{Data, Info, Node, Tree, short};
use crate::definition::traps;
use crate::diag::{Code, Problems};
use crate::model::Span;

/// Puts a failure down as a problem.
pub(super) fn explain(failure: &Failure, node: &Node, tree: &Tree, text: &str, problems: &mut Problems) {
    let info = tree.infos.get(node.id as usize).cloned().unwrap_or_default();
    match &failure.what {
        What::Unknown { name, known } => unknown_key(name, known, node, &info, text, problems),
        What::Word { name, known } => {
            let span = if failure.key {
                info.key.unwrap_or(node.span)
            } else {
                node.span
            };
            let problem = problems.error(
                Code::UnknownWord,
                span,
                format!("`{}` does not exist here", short(name)),
                format!("expected one of {}", listed(known, "or")),
            );
            if let Some(near) = nearest(name, known.iter().copied()) {
                problem.help(format!("did you mean `{near}`?"));
            }
        }
        What::Missing(name) => {
            let place = info.key.unwrap_or_else(|| first_line(node.span, text));
            let under = tree
                .called(node.id)
                .map_or_else(String::new, |key| format!(" under `{key}`"));
            problems.error(
                Code::MissingKey,
                place,
                format!("`{name}` is missing{under}"),
                format!("needs a key `{name}`"),
            );
        }
        What::Type { expected } => wrong_type(expected, node, &info, tree, text, problems),
        What::Value(message) => {
            let span = first_line(node.span, text);
            let (code, message) = match node.data {
                Data::Null => (Code::Empty, format!("nothing stands here: {message}")),
                _ => (Code::BadValue, message.clone()),
            };
            let called = tree
                .called(node.id)
                .map_or_else(String::new, |key| format!("in `{key}`"));
            problems.error(code, span, message, called);
        }
    }
}

fn unknown_key(name: &str, known: &[&str], node: &Node, info: &Info, text: &str, problems: &mut Problems) {
    let span = info.key.unwrap_or(node.span);
    if let Some(quoted) = traps::split_in_flow(text, span) {
        problems
            .error(
                Code::Trap,
                span,
                format!("YAML ends the value before `{}`", short(name)),
                "inside `{ … }` a comma or bracket ends a value that is not quoted",
            )
            .help(quoted);
        return;
    }
    let problem = problems.error(
        Code::UnknownKey,
        span,
        format!("there is no key `{}` here", short(name)),
        match known {
            [] => String::from("takes no keys"),
            _ => format!("expected {}", listed(known, "or")),
        },
    );
    if let Some(near) = nearest(name, known.iter().copied()) {
        problem.help(format!("did you mean `{near}`?"));
    }
}

fn wrong_type(expected: &str, node: &Node, info: &Info, tree: &Tree, text: &str, problems: &mut Problems) {
    let expected = plain_words(expected);
    let span = first_line(node.span, text);
    let called = tree.called(node.id).unwrap_or("the file");
    if let Data::Null = node.data {
        let span = info.key.unwrap_or(span);
        problems.error(
            Code::Empty,
            span,
            format!("nothing stands after `{called}`"),
            format!("expected {expected}"),
        );
        return;
    }
    let textual = matches!(expected, "text" | "an expression");
    if textual && let Some(help) = traps::braces(text, node) {
        problems
            .error(
                Code::Trap,
                span,
                format!("YAML reads the value of `{called}` as {}", node.describe()),
                format!("expected {expected}; a leading brace or bracket opens a collection"),
            )
            .help(help);
        return;
    }
    let problem = problems.error(
        Code::WrongType,
        span,
        format!("`{called}` is {}", node.describe()),
        format!("expected {expected}"),
    );
    match &node.data {
        Data::Bool(_) | Data::Int(_) | Data::UInt(_) | Data::Float(_) if textual => {
            let written = text
                .get(span.start as usize..span.end as usize)
                .unwrap_or_default();
            problem.help(format!("write it with quotes: \"{written}\""));
        }
        Data::Text(t) if expected == "`true` or `false`" => match t.written.to_lowercase().as_str() {
            "yes" | "on" | "y" => {
                problem.help("write `true`");
            }
            "no" | "off" | "n" => {
                problem.help("write `false`");
            }
            _ => {}
        },
        Data::Text(t) if expected == "a list" => {
            problem.help(format!("write `[{}]`", short(&t.written)));
        }
        _ => {}
    }
}

/// Rust's names of types in the words of the format.
fn plain_words(expected: &str) -> &str {
    match expected {
        "u8" | "u16" | "u32" | "u64" | "usize" | "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "a string" | "str" => "text",
        "a boolean" => "`true` or `false`",
        "a sequence" => "a list",
        "a map" => "a mapping",
        other => other,
    }
}

fn first_line(span: Span, text: &str) -> Span {
    let Some(marked) = text.get(span.start as usize..span.end as usize) else {
        return span;
    };
    let length = marked.find('\n').unwrap_or(marked.len());
    Span {
        end: span.start + u32::try_from(length).unwrap_or(0),
        ..span
    }
}
