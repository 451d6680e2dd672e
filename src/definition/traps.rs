//! Where YAML reads a line differently from how it looks, and the line as it should be.

use std::ops::Range;

use super::node::{Data, Node};
use crate::model::Span;

/// The line of a key that a comma or bracket inside a flow mapping has made, with its value quoted.
pub(super) fn split_in_flow(text: &str, key: Span) -> Option<String> {
    let line = line_at(text, key.start as usize)?;
    let before = line.text.get(..(key.start as usize).checked_sub(line.start)?)?;
    let name = text.get(key.start as usize..key.end as usize)?;
    if !before.contains('{') || !name.contains([')', ']', '"', '\'', '(']) {
        return None;
    }
    let colon = before.rfind(": ")?;
    let value = flow_value(line.text.get(colon + 2..)?);
    Some(written(&line.text.replacen(value, &quote(value), 1)))
}

/// A value that opens with a brace or bracket, quoted, where text was wanted.
pub(super) fn braces(text: &str, node: &Node) -> Option<String> {
    if !matches!(node.data, Data::List(_) | Data::Map(_)) {
        return None;
    }
    let start = node.span.start as usize;
    let line = line_at(text, start)?;
    let from = start.checked_sub(line.start)?;
    let value = line.text.get(from..)?.trim_end();
    if !value.starts_with(['{', '[']) {
        return None;
    }
    Some(written(&format!("{}{}", line.text.get(..from)?, quote(value))))
}

/// The line of a tag with its value quoted.
pub(super) fn tagged(text: &str, at: Span) -> Option<String> {
    // An empty tagged value has no bytes of its own: the tag stands on the line on which the value begins or ends.
    let line = line_at(text, (at.start as usize).min(text.len().checked_sub(1)?))
        .filter(|line| line.text.contains('!'))
        .or_else(|| {
            let before = text.get(..at.start as usize)?.rfind('!')?;
            line_at(text, before)
        })?;
    let from = line.text.find(" !").map(|at| at + 1)?;
    let inside = line.text.get(..from)?.contains(['{', '[']);
    let rest = line.text.get(from..)?;
    let value = if inside {
        flow_value(rest)
    } else {
        strip_comment(rest)
    };
    Some(written(&line.text.replacen(value, &quote(value), 1)))
}

/// What a syntax error's line would be with its value quoted, where an unquoted value explains the error.
pub(super) fn syntax(text: &str, at: usize) -> Option<(String, Range<usize>)> {
    let at = at.min(text.len());
    let line = line_at(text, at)?;
    let here = suspicious(&line);
    let before = || {
        let end = line.start.checked_sub(1)?;
        let previous = line_at(text, end)?;
        suspicious(&previous)
    };
    here.or_else(before)
}

/// The line of an expression that a ` #` has cut, quoted; `None` where no comment follows.
pub(super) fn cut(text: &str, span: Span) -> Option<String> {
    let end = span.end as usize;
    let line = line_at(text, span.start as usize)?;
    let rest = text.get(end..line.start + line.text.len())?;
    if !rest.trim_start().starts_with('#') {
        return None;
    }
    let from = (span.start as usize).checked_sub(line.start)?;
    let whole = line.text.get(from..)?.trim_end();
    Some(written(&format!("{}{}", line.text.get(..from)?, quote(whole))))
}

/// A YAML scalar in quotes: single ones unless the text holds some.
pub(super) fn quote(value: &str) -> String {
    if value.contains('\'') && !value.contains('"') {
        return format!("\"{}\"", value.replace('\\', "\\\\"));
    }
    format!("'{}'", value.replace('\'', "''"))
}

/// A line of a file.
struct Line<'t> {
    start: usize,
    text: &'t str,
}

fn line_at(text: &str, at: usize) -> Option<Line<'_>> {
    let before = text.get(..at)?;
    let start = before.rfind('\n').map_or(0, |n| n + 1);
    let rest = text.get(start..)?;
    let end = rest.find('\n').unwrap_or(rest.len());
    Some(Line {
        start,
        text: rest[..end].trim_end_matches('\r'),
    })
}

fn written(line: &str) -> String {
    format!("YAML needs quotes here; write it as\n{}", line.trim_start())
}

fn strip_comment(value: &str) -> &str {
    value.find(" #").map_or(value, |at| &value[..at]).trim_end()
}

/// Whether the value on a line begins or goes on in a way that YAML takes for its own.
fn suspicious(line: &Line<'_>) -> Option<(String, Range<usize>)> {
    let (from, flow) = value_start(line.text)?;
    let value = line.text.get(from..)?;
    let value = if flow {
        flow_value(value)
    } else {
        strip_comment(value)
    };
    let odd = value.starts_with(['!', '%', '@', '`', '&', '*'])
        || value.starts_with("{{")
        || goes_on_after_collection(value)
        || quoted_start(value)
        || value.contains(": ")
        || value.ends_with(':')
        || (flow && !value.starts_with(['[', '{']) && value.contains(['[', ']', '{', '}', ',']));
    if !odd || value.is_empty() || wholly_quoted(value) {
        return None;
    }
    let start = line.start + from;
    let text = format!(
        "{}{}{}",
        &line.text[..from],
        quote(value),
        &line.text[from + value.len()..]
    );
    Some((written(&text), start..start + value.len()))
}

/// A value in a flow mapping as it was meant: up to a comma or brace that is in no bracket and no quotes.
fn flow_value(rest: &str) -> &str {
    let mut depth = 0_i32;
    let mut quoted = None;
    for (at, c) in rest.char_indices() {
        match (quoted, c) {
            (Some(open), _) if c == open => quoted = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quoted = Some(c),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ',' | '}') if depth == 0 => return rest[..at].trim_end(),
            (None, ')' | ']' | '}') => depth -= 1,
            _ => {}
        }
    }
    rest.trim_end()
}

/// Whether something follows a list or mapping on its line.
fn goes_on_after_collection(value: &str) -> bool {
    let close = match value.chars().next() {
        Some('[') => ']',
        Some('{') => '}',
        _ => return false,
    };
    value
        .rfind(close)
        .is_some_and(|end| !value[end + 1..].trim().is_empty())
}

/// Where the value of a line begins: after `key: ` or `- `; in a flow mapping after its last `: ` before an oddity.
fn value_start(line: &str) -> Option<(usize, bool)> {
    let indent = line.len() - line.trim_start().len();
    let mut from = indent;
    while line.get(from..)?.starts_with("- ") {
        from += 2;
    }
    if let Some(open) = line[from..].find('{')
        && !line[from..].starts_with("{{")
        && line[from..from + open].trim_end().ends_with([':', '-']) | (open == 0)
        && !line[from + open..].starts_with("{{")
    {
        let inside = from + open;
        // The last key whose value is not closed by a comma before the oddity: the one that holds a bracket or brace.
        let mut at = inside;
        let mut best = None;
        while let Some(next) = line[at..].find(": ") {
            let value = at + next + 2;
            let stop = line[value..].find([',', '}']).map_or(line.len(), |n| value + n);
            if line[value..stop].contains(['[', '{', '"', '!', '\'']) {
                return Some((value, true));
            }
            best = Some(value);
            at = value;
        }
        return best.map(|value| (value, true));
    }
    match line[from..].find(": ") {
        Some(at) => Some((from + at + 2, false)),
        None if from > indent => Some((from, false)),
        None => None,
    }
}

/// Whether a value opens with a quoted part and goes on after it.
fn quoted_start(value: &str) -> bool {
    let Some(quote) = value.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
        return false;
    };
    value[1..]
        .find(quote)
        .is_some_and(|end| !value[end + 2..].trim().is_empty())
}

fn wholly_quoted(value: &str) -> bool {
    ['"', '\'']
        .iter()
        .any(|q| value.len() > 1 && value.starts_with(*q) && value.ends_with(*q))
        && !quoted_start(value)
}

/// The line of an expression that a comma or bracket inside a flow mapping has cut, quoted.
pub(super) fn flow(text: &str, span: Span, source: &str) -> Option<String> {
    let line = line_at(text, span.start as usize)?;
    let from = (span.start as usize).checked_sub(line.start)?;
    let plain = line.text.get(from..)?.starts_with(source);
    let open = |a: char, b: char| source.matches(a).count() != source.matches(b).count();
    if !plain
        || !line.text.get(..from)?.contains('{')
        || !(open('(', ')') || source.matches('"').count() % 2 == 1)
    {
        return None;
    }
    let value = flow_value(line.text.get(from..)?);
    let rest = line.text.get(from + value.len()..)?;
    Some(written(&format!(
        "{}{}{rest}",
        line.text.get(..from)?,
        quote(value)
    )))
}
