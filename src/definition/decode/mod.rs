//! A tree to a type, with everything that is wrong said at once.
//!
//! Serde stops at the first failure. So a failure is put down as a problem, the node that has it is left out, and the
//! tree is decoded again, until it decodes or its root is at fault. Only what follows from a node that was left out
//! stays unsaid.

mod access;
mod error;
mod explain;
mod reader;

use std::cell::RefCell;
use std::collections::HashSet;

use serde::de::DeserializeOwned;

use super::node::{Data, Node, Tree};
use crate::diag::{Code, Problems};
use crate::model::Span;
use error::{Failure, What};
use reader::{Pass, Reader};

/// How many problems of one file are listed.
const MAX_PROBLEMS: usize = 100;

/// A text that templates or expressions may hide in.
#[derive(Clone, Debug)]
pub(super) struct Note {
    pub(super) kind: NoteKind,
    /// The node.
    pub(super) node: u32,
    pub(super) span: Span,
    /// With secrets in place.
    pub(super) source: String,
}

/// How a text is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoteKind {
    /// Rendered.
    Template,
    /// Evaluated.
    Expr,
    /// Rendered, never shown.
    Secret,
    /// Neither, though it looks like a template.
    Plain,
}

/// What decoding gave.
#[derive(Debug)]
pub(super) struct Decoded<T> {
    /// The value; parts that were wrong are left out.
    pub(super) value: Option<T>,
    /// Every text that the value holds.
    pub(super) notes: Vec<Note>,
    /// Whether nothing had to be left out.
    pub(super) whole: bool,
}

/// Decodes, and puts down everything that is wrong.
pub(super) fn decode<T: DeserializeOwned>(tree: &Tree, text: &str, problems: &mut Problems) -> Decoded<T> {
    let mut gone = HashSet::new();
    let nodes = by_id(tree);
    for found in 0.. {
        let pass = Pass {
            gone: &gone,
            notes: RefCell::default(),
        };
        let failure = match T::deserialize(Reader::new(&tree.root, &pass)) {
            Ok(value) => {
                return Decoded {
                    value: Some(value),
                    notes: pass.notes.into_inner(),
                    whole: gone.is_empty(),
                };
            }
            Err(failure) => failure,
        };
        let id = failure.at.unwrap_or(0);
        let Some(node) = nodes.get(id as usize) else { break };
        if !follows(&failure, node, &gone) {
            explain::explain(&failure, node, tree, text, problems);
        }
        if found >= MAX_PROBLEMS {
            problems.error(
                Code::Limit,
                node.span,
                format!("more than {MAX_PROBLEMS} problems in this file"),
                "reading stops here: mend those above first",
            );
            break;
        }
        if id == 0 || !gone.insert(id) {
            break;
        }
    }
    Decoded {
        value: None,
        notes: Vec::new(),
        whole: false,
    }
}

/// `a`, `b` and `c`.
pub(super) fn listed(words: &[&str], and: &str) -> String {
    let quoted: Vec<String> = words.iter().map(|w| format!("`{w}`")).collect();
    match quoted.as_slice() {
        [] => String::from("nothing"),
        [one] => one.clone(),
        [first @ .., last] => format!("{} {and} {last}", first.join(", ")),
    }
}

fn by_id(tree: &Tree) -> Vec<&Node> {
    let mut nodes = vec![&tree.root; tree.infos.len()];
    tree.root.walk(&mut |node| {
        if let Some(place) = nodes.get_mut(node.id as usize) {
            *place = node;
        }
    });
    nodes
}

/// Whether a failure is only the consequence of a part that was left out.
fn follows(failure: &Failure, node: &Node, gone: &HashSet<u32>) -> bool {
    match (&failure.what, &node.data) {
        (What::Missing(name), Data::Map(entries)) => entries
            .iter()
            .any(|(key, n)| key.text == *name && gone.contains(&n.id)),
        (What::Unknown { .. } | What::Word { .. }, _) => false,
        (_, Data::Map(entries)) => entries.iter().any(|(_, n)| gone.contains(&n.id)),
        (_, Data::List(items)) => items.iter().any(|n| gone.contains(&n.id)),
        _ => false,
    }
}
