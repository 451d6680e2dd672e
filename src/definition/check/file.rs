//! What no file may hold, whatever its keys mean.

use crate::definition::node::{Data, Node, Tree, short};
use crate::definition::traps;
use crate::diag::{Code, Problems};
use crate::model::Span;

/// Tags, keys that stand twice, keys that are not text, words that look like booleans.
pub(crate) fn file(tree: &Tree, text: &str, problems: &mut Problems) {
    for (tag, span) in &tree.tags {
        let place = tag_span(text, *span);
        let shown = text
            .get(place.start as usize..place.end as usize)
            .filter(|t| t.starts_with('!'));
        let problem = problems.error(
            Code::Tag,
            place,
            format!("YAML takes `{}` for a tag", short(shown.unwrap_or(tag))),
            "a leading `!` makes a tag, and what follows it is lost",
        );
        if let Some(help) = traps::tagged(text, *span) {
            problem.help(help);
        }
    }
    for (key, first) in &tree.doubles {
        problems
            .error(
                Code::DuplicateKey,
                key.span,
                format!("the key `{}` stands twice", short(&key.text)),
                "the second time",
            )
            .also(*first, "the first time");
    }
    for span in &tree.odd_keys {
        let written = text
            .get(span.start as usize..span.end as usize)
            .unwrap_or_default();
        let problem = problems.error(Code::KeyNotText, *span, "a key that is not text", "expected text");
        if !written.is_empty() && !written.starts_with(['{', '[', '?']) {
            problem.help(format!("write it with quotes: \"{written}\""));
        }
    }
    tree.root.walk(&mut |node| ambiguous(node, text, problems));
}

/// YAML 1.1 reads `no` as false and YAML 1.2 as text; what the author meant is not to be guessed.
fn ambiguous(node: &Node, text: &str, problems: &mut Problems) {
    let Data::Text(value) = &node.data else { return };
    let means = match value.written.to_ascii_lowercase().as_str() {
        "yes" | "on" => "true",
        "no" | "off" => "false",
        _ => return,
    };
    let written = text.get(node.span.start as usize..node.span.end as usize);
    if written != Some(value.written.as_str()) {
        return;
    }
    problems
        .warning(
            Code::AmbiguousWord,
            node.span,
            format!("`{}` is text here, not a boolean", value.written),
            "YAML 1.2 has only `true` and `false`",
        )
        .help(format!("write `{means}`, or \"{}\" with quotes", value.written));
}

/// Where the tag stands: before the value it is bound to.
fn tag_span(text: &str, value: Span) -> Span {
    let before = text
        .get(..(value.start as usize).min(text.len()))
        .unwrap_or_default();
    let from_here = text.get(value.start as usize..).unwrap_or_default();
    if from_here.starts_with('!') {
        return value;
    }
    let Some(at) = before.rfind('!') else { return value };
    let at = before[..at].trim_end_matches('!').len();
    let rest = &text[at..];
    let length = rest.find([' ', '\n', '\r']).unwrap_or(rest.len());
    Span {
        file: value.file,
        start: u32::try_from(at).unwrap_or(value.start),
        end: u32::try_from(at + length).unwrap_or(value.end),
    }
}
