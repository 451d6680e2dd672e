//! Rule S15, as far as it can be told before a run: what chooses a host is the author's word.

use super::texts::Compiled;
use crate::definition::node::Step;
use crate::definition::template;
use crate::diag::{Code, Problems};

/// Keys whose whole value chooses where a request goes.
const HOST_KEYS: &[&str] = &["host", "port", "server", "relay", "proxy"];

/// Refuses a template that lets a run's values choose a scheme, host or port.
pub(super) fn check(text: &Compiled, problems: &mut Problems) {
    if text.expr || !text.source.contains("{{") {
        return;
    }
    let Some(Step::Key(key)) = text.path.iter().rev().find(|step| matches!(step, Step::Key(_))) else {
        return;
    };
    if text.path.iter().any(
        |s| matches!(s, Step::Key(k) if ["json", "form", "body", "input", "headers"].contains(&k.as_str())),
    ) {
        return;
    }
    let chooses = if HOST_KEYS.contains(&key.as_str()) {
        text.source.as_str()
    } else if key == "url" || key.ends_with("_url") {
        authority(&text.source)
    } else {
        return;
    };
    for name in template::names(&closed(chooses)).unwrap_or_default() {
        let root = name.first().map_or("", String::as_str);
        if root != "vars" && root != "route" {
            problems
                .error(
                    Code::UnsafeAddress,
                    text.span,
                    format!("`{}` would choose where the request goes", name.join(".")),
                    "scheme, host and port come from `vars` or the route only",
                )
                .help("put the host under `vars:` and use other values after the first `/`");
        }
    }
}

/// The start of a URL's template up to the end of its authority.
fn authority(source: &str) -> &str {
    let mut at = 0;
    let mut rest = source;
    loop {
        let literal = rest.find("{{").or_else(|| rest.find("{%")).unwrap_or(rest.len());
        if let Some(end) = path_start(&rest[..literal]) {
            return &source[..at + end];
        }
        if literal == rest.len() {
            return source;
        }
        let Some(close) = rest[literal..].find("}}").or_else(|| rest[literal..].find("%}")) else {
            return source;
        };
        at += literal + close + 2;
        rest = &source[at..];
    }
}

/// Where path, query or fragment begin in a literal part, if they do.
fn path_start(literal: &str) -> Option<usize> {
    let skip = literal.find("://").map_or(0, |at| at + 3);
    literal[skip..].find(['/', '?', '#', '\\']).map(|at| skip + at)
}

/// A part of a template that can be compiled by itself: block tags that it leaves open are ignored.
fn closed(part: &str) -> String {
    let mut out = String::new();
    let mut rest = part;
    while let Some(at) = rest.find("{%") {
        out.push_str(&rest[..at]);
        let Some(end) = rest[at..].find("%}") else {
            return out;
        };
        let tag = rest[at + 2..at + end].trim().trim_matches('-').trim();
        for word in ["if", "elif"] {
            if let Some(condition) = tag.strip_prefix(word) {
                out.push_str("{{ ");
                out.push_str(condition);
                out.push_str(" }}");
            }
        }
        rest = &rest[at + end + 2..];
    }
    out.push_str(rest);
    out
}
