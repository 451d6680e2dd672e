//! The shape of a template, told by its delimiters alone, and what its tags may hold.
//!
//! The template engine bounds steps, not memory: a value that is doubled a few dozen times is a machine's memory in
//! a few hundred steps. Every construct that can multiply without being written out is therefore refused here or
//! bounded in the filters: assignments, macros, blocks, loops over computed lists, repeated repetition.

use std::ops::Range;

use super::known::{TextError, nearest};
use super::template_filters::{FILTERS, TESTS};

/// Bytes of one template, its plain text included.
pub(super) const SOURCE_LIMIT: usize = 256 << 10;
/// Bytes inside the tags of one template.
const TAG_LIMIT: usize = 8 << 10;
/// How deep loops may nest.
const LOOP_DEPTH: usize = 3;
/// How often `*` may stand in one template, since each may repeat a string.
const REPEAT_LIMIT: usize = 2;
/// How deep brackets inside a tag may nest, and how deep `if` and `for` may.
const DEPTH_LIMIT: usize = 32;

const STATEMENTS: [&str; 8] = ["if", "elif", "else", "endif", "for", "endfor", "raw", "endraw"];
const REFUSED: [&str; 13] = [
    "set",
    "macro",
    "block",
    "include",
    "import",
    "from",
    "extends",
    "call",
    "filter",
    "with",
    "do",
    "autoescape",
    "endset",
];

/// What kind of text it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// Nothing to render.
    Plain,
    /// One expression and nothing else: it keeps its type. The range is what stands between the braces.
    Lone(Range<usize>),
    /// Text with tags in it.
    Mixed,
}

/// Whether a text has a tag at all; all that a plain string costs.
pub(super) fn is_plain(source: &str) -> bool {
    !source
        .as_bytes()
        .windows(2)
        .any(|w| w[0] == b'{' && matches!(w[1], b'{' | b'%' | b'#'))
}

/// Finds the tags and holds them to the limits.
pub(super) fn scan(source: &str) -> Result<Shape, TextError> {
    if is_plain(source) {
        return Ok(Shape::Plain);
    }
    if source.len() > SOURCE_LIMIT {
        return Err(TextError::new(
            0..0,
            format!(
                "a template of {} bytes is over the limit of {SOURCE_LIMIT}",
                source.len()
            ),
        ));
    }
    Scan {
        source,
        tag_bytes: 0,
        repeats: 0,
        loops: 0,
        blocks: 0,
    }
    .run()
}

struct Scan<'a> {
    source: &'a str,
    tag_bytes: usize,
    repeats: usize,
    loops: usize,
    blocks: usize,
}

impl Scan<'_> {
    fn run(mut self) -> Result<Shape, TextError> {
        let bytes = self.source.as_bytes();
        let mut at = 0;
        let mut lone = None;
        while let Some(open) = next_open(bytes, at) {
            let kind = bytes[open + 1];
            let end = if kind == b'#' {
                find(bytes, open + 2, b"#}").ok_or_else(|| unclosed(open, "a comment", "#}"))?
            } else {
                self.close(open, kind)?
            };
            let inner = trim_marks(self.source, open + 2..end - 2);
            at = end;
            match kind {
                b'{' if open == 0 && end == bytes.len() => lone = Some(inner),
                b'%' if self.statement(inner)? => {
                    at = skip_raw(bytes, end).ok_or_else(|| unclosed(open, "a raw block", "{% endraw %}"))?
                }
                _ => {}
            }
        }
        Ok(lone.map_or(Shape::Mixed, Shape::Lone))
    }

    /// Where the tag that opens at `open` ends: past its closing mark, strings and brackets respected.
    fn close(&mut self, open: usize, kind: u8) -> Result<usize, TextError> {
        let bytes = self.source.as_bytes();
        let mut depth = 0_usize;
        let mut quote = None;
        let mut at = open + 2;
        while let Some(&byte) = bytes.get(at) {
            if let Some(mark) = quote {
                match byte {
                    b'\\' => at += 1,
                    _ if byte == mark => quote = None,
                    _ => {}
                }
                at += 1;
                continue;
            }
            match byte {
                b'"' | b'\'' => quote = Some(byte),
                b'}' if depth == 0 && kind == b'{' && bytes.get(at + 1) == Some(&b'}') => {
                    return self.closed(open, at + 2);
                }
                b'%' if depth == 0 && kind == b'%' && bytes.get(at + 1) == Some(&b'}') => {
                    return self.closed(open, at + 2);
                }
                b'(' | b'[' | b'{' => {
                    depth += 1;
                    if byte == b'(' {
                        no_method(self.source, at)?;
                        super::template_range::check(self.source, at)?;
                    }
                    if depth > DEPTH_LIMIT {
                        return Err(TextError::new(
                            at..at + 1,
                            format!("brackets nest deeper than the limit of {DEPTH_LIMIT}"),
                        ));
                    }
                }
                b')' | b']' | b'}' => depth = depth.saturating_sub(1),
                b'|' => known(self.source, at + 1, "filter", &FILTERS)?,
                b'i' if is_test(self.source, at) => {
                    known(self.source, after_is(self.source, at), "test", &TESTS)?
                }
                b'*' if bytes.get(at + 1) != Some(&b'*') => {
                    self.repeats += 1;
                    if self.repeats > REPEAT_LIMIT {
                        return Err(TextError::new(
                            at..at + 1,
                            format!("`*` stands more than {REPEAT_LIMIT} times in one template, its limit"),
                        ));
                    }
                }
                _ => {}
            }
            at += 1;
        }
        let (what, mark) = if kind == b'{' {
            ("an expression", "}}")
        } else {
            ("a statement", "%}")
        };
        Err(unclosed(open, what, mark))
    }

    fn closed(&mut self, open: usize, end: usize) -> Result<usize, TextError> {
        self.tag_bytes += end - open;
        if self.tag_bytes > TAG_LIMIT {
            return Err(TextError::new(
                open..end,
                format!("the tags of one template hold more than {TAG_LIMIT} bytes, their limit"),
            ));
        }
        Ok(end)
    }

    /// Checks one statement; true where it opens a raw block.
    fn statement(&mut self, inner: Range<usize>) -> Result<bool, TextError> {
        let text = &self.source[inner.clone()];
        let word_end = text
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .unwrap_or(text.len());
        let (word, rest) = text.split_at(word_end);
        let range = inner.start..inner.start + word_end.max(1).min(text.len().max(1));
        if REFUSED.contains(&word) {
            return Err(TextError::new(
                range,
                format!("`{word}` is not available in templates: only if, elif, else, for and raw are"),
            ));
        }
        if !STATEMENTS.contains(&word) {
            let meant = nearest(word, STATEMENTS).map_or_else(
                || String::from("expected if, elif, else, endif, for, endfor, raw or endraw"),
                |meant| format!("did you mean `{meant}`?"),
            );
            return Err(TextError::new(
                range,
                format!("unknown statement `{word}`; {meant}"),
            ));
        }
        match word {
            "for" => {
                self.loops += 1;
                self.blocks += 1;
                check_loop(rest, inner.start + word_end)?;
            }
            "if" => self.blocks += 1,
            "endfor" => {
                self.loops = self.loops.saturating_sub(1);
                self.blocks = self.blocks.saturating_sub(1);
            }
            "endif" => self.blocks = self.blocks.saturating_sub(1),
            _ => {}
        }
        if self.loops > LOOP_DEPTH {
            return Err(TextError::new(
                range,
                format!("loops nest deeper than the limit of {LOOP_DEPTH}"),
            ));
        }
        if self.blocks > DEPTH_LIMIT {
            return Err(TextError::new(
                range,
                format!("`if` and `for` nest deeper than the limit of {DEPTH_LIMIT}"),
            ));
        }
        Ok(word == "raw")
    }
}

/// A loop runs over a value as it is, or over `range(…)`: a list made in its header could double with every level.
fn check_loop(rest: &str, at: usize) -> Result<(), TextError> {
    let refuse = |what: &str| {
        Err(TextError::new(
            at..at + rest.len(),
            format!(
                "a loop may not {what}: write `for NAME in VALUE`, where the value is a name, its fields, or range(…)"
            ),
        ))
    };
    let Some((_, list)) = rest.split_once(" in ") else {
        return refuse("be without `in`");
    };
    if list.contains(" recursive") {
        return refuse("be recursive");
    }
    if list.contains(['~', '*', '+', '{']) {
        return refuse("compute its list");
    }
    let starts_list = |(i, _): (usize, &str)| {
        list[..i]
            .trim_end()
            .chars()
            .next_back()
            .is_none_or(|c| !(c.is_alphanumeric() || matches!(c, '_' | ']' | ')')))
    };
    if list.match_indices('[').any(starts_list) {
        return refuse("write out its list");
    }
    let growing = |filter: &str| {
        !matches!(
            filter.trim_start().split(|c: char| !c.is_alphanumeric()).next(),
            Some("items" | "reverse" | "sort" | "split" | "first" | "last")
        )
    };
    if list.split('|').skip(1).any(growing) {
        return refuse("filter its list by anything but items, reverse, sort, split, first or last");
    }
    Ok(())
}

/// The name that begins at `at` or after white space.
fn word_at(source: &str, at: usize) -> Range<usize> {
    let rest = &source[at..];
    let start = at + (rest.len() - rest.trim_start().len());
    let end = source[start..]
        .find(|c: char| !c.is_alphanumeric() && c != '_')
        .map_or(source.len(), |n| start + n);
    start..end
}

/// The engine tells an unknown filter or test only when it comes to it.
fn known(source: &str, at: usize, what: &str, names: &[&'static str]) -> Result<(), TextError> {
    let range = word_at(source, at);
    let word = &source[range.clone()];
    if word.is_empty() || names.contains(&word) {
        return Ok(());
    }
    let hint = nearest(word, names.iter().copied()).map_or_else(
        || format!("known: {}", names.join(", ")),
        |meant| format!("did you mean `{meant}`?"),
    );
    Err(TextError::new(range, format!("unknown {what} `{word}`; {hint}")))
}

/// Whether the word `is` stands at `at`.
fn is_test(source: &str, at: usize) -> bool {
    &source[word_at(source, at)] == "is"
        && source[..at].ends_with(|c: char| c.is_whitespace() || c == ')' || c == ']')
}

/// Past `is`, or `is not`.
fn after_is(source: &str, at: usize) -> usize {
    let next = word_at(source, at + 2);
    if &source[next.clone()] == "not" {
        next.end
    } else {
        at + 2
    }
}

/// Values have no methods.
fn no_method(source: &str, bracket: usize) -> Result<(), TextError> {
    let before = &source[..bracket];
    let name = before.len()
        - before
            .chars()
            .rev()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .map(char::len_utf8)
            .sum::<usize>();
    if name < bracket
        && before[..name].ends_with('.')
        && !before[name..].starts_with(|c: char| c.is_ascii_digit())
    {
        return Err(TextError::new(
            name..bracket,
            format!(
                "`{}` is called as a method, and values have none: use a filter, as in `value|lower`",
                &before[name..]
            ),
        ));
    }
    Ok(())
}

fn unclosed(open: usize, what: &str, mark: &str) -> TextError {
    TextError::new(
        open..open + 2,
        format!("{what} opens here and is never closed by `{mark}`"),
    )
}

fn next_open(bytes: &[u8], from: usize) -> Option<usize> {
    (from..bytes.len().saturating_sub(1))
        .find(|&i| bytes[i] == b'{' && matches!(bytes[i + 1], b'{' | b'%' | b'#'))
}

/// One past the end of `mark`, searched from `from`.
fn find(bytes: &[u8], from: usize, mark: &[u8]) -> Option<usize> {
    (from..=bytes.len().checked_sub(mark.len())?)
        .find(|&i| bytes[i..].starts_with(mark))
        .map(|i| i + mark.len())
}

/// Past the `{% endraw %}` that ends a raw block.
fn skip_raw(bytes: &[u8], mut from: usize) -> Option<usize> {
    loop {
        let inside = find(bytes, from, b"{%")?;
        let end = find(bytes, inside, b"%}")?;
        let text = std::str::from_utf8(&bytes[inside..end - 2]).unwrap_or("");
        if text.trim_matches(|c: char| c == '-' || c == '+' || c.is_whitespace()) == "endraw" {
            return Some(end);
        }
        from = inside;
    }
}

/// The range without white space and the marks `-` and `+` that trim around a tag.
fn trim_marks(source: &str, range: Range<usize>) -> Range<usize> {
    if range.start >= range.end {
        return range.start..range.start;
    }
    let mut inner = &source[range.clone()];
    let mut start = range.start;
    if inner.starts_with(['-', '+']) {
        inner = &inner[1..];
        start += 1;
    }
    inner = inner.strip_suffix(['-', '+']).unwrap_or(inner);
    start += inner.len() - inner.trim_start().len();
    start..start + inner.trim().len()
}
