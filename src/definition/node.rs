//! YAML with places: a tree of nodes, each with its bytes in the file.

use crate::model::Span;

/// A value at its place.
#[derive(Clone, Debug)]
pub(super) struct Node {
    /// Its place in [`Tree::infos`].
    pub(super) id: u32,
    /// Its bytes.
    pub(super) span: Span,
    /// What it is.
    pub(super) data: Data,
}

/// What a node is.
#[derive(Clone, Debug)]
pub(super) enum Data {
    Null,
    Bool(bool),
    Int(i64),
    UInt(u64),
    Float(f64),
    Text(Text),
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

/// A string.
#[derive(Clone, Debug)]
pub(super) struct Text {
    /// As written; references to secrets not resolved.
    pub(super) written: String,
    /// With secrets, where it refers to some.
    pub(super) resolved: Option<Resolved>,
}

/// A string whose references were replaced.
#[derive(Clone, Debug)]
pub(super) struct Resolved {
    /// For fields that hold plain text.
    pub(super) plain: String,
    /// For templates: what came from a secret is not read as a template.
    pub(super) template: String,
}

/// A key of a mapping.
#[derive(Clone, Debug)]
pub(super) struct Key {
    pub(super) text: String,
    pub(super) span: Span,
}

/// Where a node hangs.
#[derive(Clone, Debug, Default)]
pub(super) struct Info {
    /// The parent's id; the root is its own parent.
    pub(super) parent: u32,
    /// The key it stands under, or the place in its list.
    pub(super) step: Step,
    /// The key's place.
    pub(super) key: Option<Span>,
}

/// One step of a path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Step {
    #[default]
    Root,
    Key(String),
    Item(usize),
}

/// A file, read.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    pub(super) root: Node,
    /// By node id.
    pub(super) infos: Vec<Info>,
    /// Tags with the place of the value that bears them.
    pub(super) tags: Vec<(String, Span)>,
    /// Keys that stand twice: the second, the first.
    pub(super) doubles: Vec<(Key, Span)>,
    /// Keys that are not text, as written.
    pub(super) odd_keys: Vec<Span>,
}

impl Tree {
    /// The keys and places that lead to a node, from the root.
    pub(super) fn path(&self, id: u32) -> Vec<&Step> {
        let mut steps = Vec::new();
        let mut at = id;
        while let Some(info) = self.infos.get(at as usize) {
            if info.step == Step::Root {
                break;
            }
            steps.push(&info.step);
            at = info.parent;
        }
        steps.reverse();
        steps
    }

    /// What people call the node: the nearest key above it.
    pub(super) fn called(&self, id: u32) -> Option<&str> {
        let mut at = id;
        while let Some(info) = self.infos.get(at as usize) {
            match &info.step {
                Step::Root => return None,
                Step::Key(key) => return Some(key),
                Step::Item(_) => at = info.parent,
            }
        }
        None
    }
}

impl Node {
    /// The value under a key.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        self.entries()
            .iter()
            .find(|(k, _)| k.text == key)
            .map(|(_, node)| node)
    }

    /// The entries of a mapping; none for anything else.
    pub(super) fn entries(&self) -> &[(Key, Self)] {
        match &self.data {
            Data::Map(entries) => entries,
            _ => &[],
        }
    }

    /// Calls for itself and everything below.
    pub(super) fn walk<'t>(&'t self, visit: &mut impl FnMut(&'t Self)) {
        visit(self);
        match &self.data {
            Data::List(items) => items.iter().for_each(|n| n.walk(visit)),
            Data::Map(entries) => entries.iter().for_each(|(_, n)| n.walk(visit)),
            _ => {}
        }
    }

    /// What it is, for people: `the number `5``.
    pub(super) fn describe(&self) -> String {
        match &self.data {
            Data::Null => String::from("empty"),
            Data::Bool(v) => format!("the boolean `{v}`"),
            Data::Int(v) => format!("the number `{v}`"),
            Data::UInt(v) => format!("the number `{v}`"),
            Data::Float(v) => format!("the number `{v}`"),
            Data::Text(t) => format!("the text `{}`", short(&t.written)),
            Data::List(_) => String::from("a list"),
            Data::Map(_) => String::from("a mapping"),
        }
    }
}

/// Cuts a value for a message.
pub(super) fn short(text: &str) -> String {
    const LONGEST: usize = 60;
    let mut out: String = text.chars().take(LONGEST).collect();
    if out.len() < text.len() {
        out.push('…');
    }
    out
}
