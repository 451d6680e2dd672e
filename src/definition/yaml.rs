//! YAML to a tree, within limits that name themselves.

use serde::Deserialize;
use serde::de::{self, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Location, Spanned as At, Tagged};

use super::node::{Data, Info, Key, Node, Step, Text, Tree};
use crate::model::Span;

/// Sizes that a file may have. Each message names the one that was hit.
pub(super) const MAX_BYTES: usize = 1 << 20;
const MAX_DEPTH: usize = 48;
const MAX_NODES: usize = 50_000;
const MAX_REPLAYED: usize = 50_000;
const MAX_ALIASES: usize = 1_000;

/// Why a file could not be read as YAML.
#[derive(Debug)]
pub(super) struct Unreadable {
    pub(super) message: String,
    pub(super) span: Span,
    /// The limit that was hit, where one was.
    pub(super) limit: bool,
}

/// What reading a file gave; `None` where it says nothing.
pub(super) type Reading = Result<Option<Tree>, Unreadable>;

/// Reads a file. `None`: it holds nothing but comments.
pub(super) fn read(text: &str, file: u16) -> Reading {
    if text
        .lines()
        .all(|line| line.trim().is_empty() || line.trim_start().starts_with('#'))
    {
        return Ok(None);
    }
    let raw: Raw =
        serde_saphyr::from_str_with_options(text, options()).map_err(|e| unreadable(&e, text, file))?;
    let mut builder = Builder {
        file,
        infos: Vec::new(),
        tags: Vec::new(),
        doubles: Vec::new(),
        odd_keys: Vec::new(),
    };
    let root = builder.node(raw, 0, Step::Root, None);
    Ok(Some(Tree {
        root,
        infos: builder.infos,
        tags: builder.tags,
        doubles: builder.doubles,
        odd_keys: builder.odd_keys,
    }))
}

fn options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: MAX_DEPTH,
            flow_nesting_limit: MAX_DEPTH + 1,
            max_nodes: MAX_NODES,
            max_events: 4 * MAX_NODES,
            max_aliases: MAX_ALIASES,
            max_anchors: MAX_ALIASES,
            max_documents: 2,
            max_merge_keys: MAX_ALIASES,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: MAX_REPLAYED,
            max_replay_stack_depth: MAX_DEPTH,
        },
        duplicate_keys: serde_saphyr::options::DuplicateKeyPolicy::PassThrough,
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        with_snippet: false,
        emit_comments: false,
    }
}

fn unreadable(error: &serde_saphyr::Error, text: &str, file: u16) -> Unreadable {
    let mut inner = error.without_snippet();
    while let serde_saphyr::Error::AliasError { error, .. } = inner {
        inner = error.without_snippet();
    }
    let span = inner
        .location()
        .map_or_else(Span::default, |at| error_span(at, text, file));
    let rendered = inner.render();
    let limit = limit_message(inner, &rendered);
    let message = limit
        .clone()
        .unwrap_or_else(|| match (inner, rendered.find(" at line ")) {
            (serde_saphyr::Error::MultipleDocuments { .. }, _) => {
                String::from("`---` begins a second document")
            }
            (_, Some(at)) => rendered[..at].to_owned(),
            (_, None) => rendered,
        });
    Unreadable {
        message,
        span: Span { file, ..span },
        limit: limit.is_some(),
    }
}

fn limit_message(error: &serde_saphyr::Error, rendered: &str) -> Option<String> {
    use serde_saphyr::Error;
    use serde_saphyr::budget::BudgetBreach;
    let text = match error {
        Error::Budget { breach, .. } => match breach {
            BudgetBreach::Depth { .. } => format!("nested deeper than the limit of {MAX_DEPTH} levels"),
            BudgetBreach::Aliases { .. } | BudgetBreach::Anchors { .. } | BudgetBreach::MergeKeys { .. } => {
                format!("more anchors, aliases or merge keys than the limit of {MAX_ALIASES}")
            }
            BudgetBreach::AliasAnchorRatio { .. } => {
                String::from("more than 10 aliases for each anchor, the limit for a file with 100 aliases")
            }
            _ => format!("more values than the limit of {MAX_NODES}"),
        },
        Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayCounterOverflow { .. } => {
            format!("aliases expand to more than the limit of {MAX_REPLAYED} values")
        }
        Error::AliasReplayStackDepthExceeded { .. } => {
            format!("aliases nest deeper than the limit of {MAX_DEPTH} levels")
        }
        // The parser's own guard on brackets is a message, not a kind.
        _ if rendered.contains("nesting") || rendered.contains("recursion") => {
            format!("nested deeper than the limit of {MAX_DEPTH} levels")
        }
        _ => return None,
    };
    Some(text)
}

/// Where an error is. The scanner tells only line and column (in characters, from 1).
fn error_span(at: Location, text: &str, file: u16) -> Span {
    if at.span().byte_offset().is_some() {
        return to_span(at, file);
    }
    let number = |n: u64| usize::try_from(n.saturating_sub(1)).unwrap_or(usize::MAX);
    let line_start: usize = text
        .split_inclusive('\n')
        .take(number(at.line()))
        .map(str::len)
        .sum();
    let line = text
        .get(line_start..)
        .unwrap_or_default()
        .lines()
        .next()
        .unwrap_or_default();
    let column: usize = line.chars().take(number(at.column())).map(char::len_utf8).sum();
    let start = u32::try_from(line_start + column).unwrap_or(u32::MAX);
    Span {
        file,
        start,
        end: start,
    }
}

fn to_span(at: Location, file: u16) -> Span {
    let number = |n: Option<u64>| n.and_then(|n| u32::try_from(n).ok()).unwrap_or(0);
    let start = number(at.span().byte_offset());
    Span {
        file,
        start,
        end: start.saturating_add(number(at.span().byte_len())),
    }
}

/// What the YAML reader hands over.
#[derive(Debug)]
struct Raw(At<Tagged<Shape>>);

#[derive(Debug)]
enum Shape {
    Null,
    Bool(bool),
    Int(i64),
    UInt(u64),
    Float(f64),
    Text(String),
    List(Vec<Raw>),
    Map(Vec<(Raw, Raw)>),
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        At::deserialize(deserializer).map(Self)
    }
}

impl<'de> Deserialize<'de> for Shape {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ShapeVisitor)
    }
}

struct ShapeVisitor;

impl<'de> Visitor<'de> for ShapeVisitor {
    type Value = Shape;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("any value")
    }
    fn visit_unit<E>(self) -> Result<Shape, E> {
        Ok(Shape::Null)
    }
    fn visit_bool<E>(self, v: bool) -> Result<Shape, E> {
        Ok(Shape::Bool(v))
    }
    fn visit_i64<E>(self, v: i64) -> Result<Shape, E> {
        Ok(Shape::Int(v))
    }
    fn visit_u64<E>(self, v: u64) -> Result<Shape, E> {
        Ok(i64::try_from(v).map_or(Shape::UInt(v), Shape::Int))
    }
    fn visit_f64<E>(self, v: f64) -> Result<Shape, E> {
        Ok(Shape::Float(v))
    }
    fn visit_str<E>(self, v: &str) -> Result<Shape, E> {
        Ok(Shape::Text(v.to_owned()))
    }
    fn visit_string<E>(self, v: String) -> Result<Shape, E> {
        Ok(Shape::Text(v))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Shape, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Shape::List(items))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Shape, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Shape::Map(entries))
    }
}

/// Numbers the nodes and notes what no file may hold.
struct Builder {
    file: u16,
    infos: Vec<Info>,
    tags: Vec<(String, Span)>,
    doubles: Vec<(Key, Span)>,
    odd_keys: Vec<Span>,
}

impl Builder {
    fn node(&mut self, raw: Raw, parent: u32, step: Step, key: Option<Span>) -> Node {
        let mut span = to_span(raw.0.defined, self.file);
        let Tagged(shape, tag) = raw.0.value;
        let id = u32::try_from(self.infos.len()).unwrap_or(u32::MAX);
        self.infos.push(Info { parent, step, key });
        if let Some(tag) = tag {
            self.tags.push((tag, span));
        }
        let data = match shape {
            Shape::Null => Data::Null,
            Shape::Bool(v) => Data::Bool(v),
            Shape::Int(v) => Data::Int(v),
            Shape::UInt(v) => Data::UInt(v),
            Shape::Float(v) => Data::Float(v),
            Shape::Text(written) => Data::Text(Text {
                written,
                resolved: None,
            }),
            Shape::List(items) => Data::List(
                items
                    .into_iter()
                    .enumerate()
                    .map(|(at, item)| self.node(item, id, Step::Item(at), key))
                    .collect(),
            ),
            Shape::Map(entries) => Data::Map(self.entries(entries, id)),
        };
        let last = match &data {
            Data::List(items) => items.last().map(|n| n.span.end),
            Data::Map(entries) => entries.last().map(|(k, n)| n.span.end.max(k.span.end)),
            _ => None,
        };
        span.end = span.end.max(last.unwrap_or(0));
        Node { id, span, data }
    }

    fn entries(&mut self, entries: Vec<(Raw, Raw)>, id: u32) -> Vec<(Key, Node)> {
        let mut out: Vec<(Key, Node)> = Vec::with_capacity(entries.len());
        // A second key of a name is looked up here, so that a mapping of 50,000 keys is read in linear time.
        let mut seen = std::collections::HashMap::with_capacity(entries.len());
        for (key, value) in entries {
            let span = to_span(key.0.defined, self.file);
            let Tagged(shape, tag) = key.0.value;
            if let Some(tag) = tag {
                self.tags.push((tag, span));
            }
            let Shape::Text(text) = shape else {
                self.odd_keys.push(span);
                continue;
            };
            if let Some(first) = seen.insert(text.clone(), span) {
                self.doubles.push((Key { text, span }, first));
                continue;
            }
            let node = self.node(value, id, Step::Key(text.clone()), Some(span));
            out.push((Key { text, span }, node));
        }
        out
    }
}
