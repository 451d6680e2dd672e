//! `defaults.timeout`: put into requests whose kind has a `timeout` and that say none.

use std::sync::LazyLock;

use super::node::{Data, Info, Key, Node, Step, Text, Tree};
use crate::model::{Lapse, Spanned};
use crate::trigger;

/// The kinds of triggers that have a `timeout`.
static TIMED: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let has_timeout = |facts: &&trigger::Facts| {
        let schema = (facts.schema)(&mut schemars::SchemaGenerator::default());
        schema.pointer("/properties/timeout").is_some()
    };
    trigger::FACTS
        .iter()
        .filter(has_timeout)
        .map(|facts| facts.name)
        .collect()
});

/// Adds the default to every request and cleanup of a probe.
pub(super) fn add(tree: &mut Tree, default: &Spanned<Lapse>) {
    let Tree { root, infos, .. } = tree;
    let Data::Map(entries) = &mut root.data else {
        return;
    };
    for (key, node) in entries {
        match (key.text.as_str(), &mut node.data) {
            ("request" | "cleanup", _) => requests(node, infos, default),
            ("routes", Data::Map(routes)) => {
                for (_, route) in routes {
                    let Data::Map(parts) = &mut route.data else {
                        continue;
                    };
                    let own = parts
                        .iter_mut()
                        .filter(|(k, _)| k.text == "request" || k.text == "cleanup");
                    own.for_each(|(_, node)| requests(node, infos, default));
                }
            }
            _ => {}
        }
    }
}

fn requests(node: &mut Node, infos: &mut Vec<Info>, default: &Spanned<Lapse>) {
    match &mut node.data {
        Data::List(items) => items.iter_mut().for_each(|item| requests(item, infos, default)),
        Data::Map(kinds) => {
            for (kind, settings) in kinds {
                let Data::Map(entries) = &mut settings.data else {
                    continue;
                };
                if !TIMED.contains(&kind.text.as_str()) || entries.iter().any(|(k, _)| k.text == "timeout") {
                    continue;
                }
                let key = Key {
                    text: String::from("timeout"),
                    span: default.span,
                };
                let id = u32::try_from(infos.len()).unwrap_or(u32::MAX);
                infos.push(Info {
                    parent: settings.id,
                    step: Step::Key(key.text.clone()),
                    key: Some(key.span),
                });
                let text = Text {
                    written: default.value.to_string(),
                    resolved: None,
                };
                entries.push((
                    key,
                    Node {
                        id,
                        span: default.span,
                        data: Data::Text(text),
                    },
                ));
            }
        }
        _ => {}
    }
}
