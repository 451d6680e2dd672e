//! `${env:NAME}` and `${file:PATH}`: the only ways by which a secret enters a definition.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::node::{Data, Key, Node, Resolved, Text};
use crate::diag::{Code, Problems};
use crate::model::Span;
use crate::redact;

/// The largest file that a reference may name.
const MAX_FILE: u64 = 64 * 1024;

/// What a definition may read from its surroundings.
pub trait Environment: Sync {
    /// The value of a variable; `None` where it is not set.
    fn variable(&self, name: &str) -> Option<String>;

    /// The text of a file.
    ///
    /// # Errors
    /// Why it cannot be read, as a fragment.
    fn file(&self, path: &Path) -> Result<String, String>;
}

/// The process's own environment and files.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProcessEnvironment;

impl Environment for ProcessEnvironment {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the environment for definitions"
    )]
    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn file(&self, path: &Path) -> Result<String, String> {
        let size = std::fs::metadata(path).map_err(|e| e.to_string())?;
        if !size.is_file() {
            return Err(String::from("it is no file"));
        }
        if size.len() > MAX_FILE {
            return Err(format!("it is larger than the limit of {MAX_FILE} bytes"));
        }
        let bytes = std::fs::read(path).map_err(|e| e.to_string())?;
        String::from_utf8(bytes).map_err(|_| String::from("it is not UTF-8 text"))
    }
}

/// Resolves references, and remembers every value that came of one.
pub(super) struct Resolver<'e> {
    environment: &'e dyn Environment,
    root: PathBuf,
    /// Each reference is read once, so that all places see one value.
    known: HashMap<String, Option<String>>,
    /// The values, for the redactor.
    pub(super) secrets: Vec<String>,
    /// The files that were asked for, readable or not.
    pub(super) files: Vec<PathBuf>,
}

impl<'e> Resolver<'e> {
    pub(super) fn new(environment: &'e dyn Environment, root: &Path) -> Self {
        Self {
            environment,
            root: root.to_owned(),
            known: HashMap::new(),
            secrets: Vec::new(),
            files: Vec::new(),
        }
    }

    /// Resolves every reference below a node.
    pub(super) fn resolve(&mut self, node: &mut Node, problems: &mut Problems) {
        match &mut node.data {
            Data::Text(text) => self.text(text, node.span, problems),
            Data::List(items) => items.iter_mut().for_each(|item| self.resolve(item, problems)),
            Data::Map(entries) => {
                for (key, value) in entries {
                    refuse_in_key(key, problems);
                    self.resolve(value, problems);
                }
            }
            _ => {}
        }
    }

    fn text(&mut self, text: &mut Text, span: Span, problems: &mut Problems) {
        if !text.written.contains("${") {
            return;
        }
        let mut resolved = Resolved {
            plain: String::new(),
            template: String::new(),
        };
        let mut found = false;
        let mut rest = text.written.as_str();
        while let Some(at) = rest.find("${") {
            let (before, from) = rest.split_at(at);
            let Some((reference, after)) = reference(from) else {
                resolved.push(&rest[..at + 2]);
                rest = &rest[at + 2..];
                continue;
            };
            found = true;
            rest = after;
            if let Some(literal) = before.strip_suffix('$') {
                resolved.push(literal);
                resolved.push(&format!("${{{reference}}}"));
                continue;
            }
            resolved.push(before);
            if let Some(value) = self.value(reference, span, problems) {
                resolved.template.push_str(&guarded(&value));
                resolved.plain.push_str(&value);
            }
        }
        if found {
            resolved.push(rest);
            text.resolved = Some(resolved);
        }
    }

    fn value(&mut self, reference: &str, span: Span, problems: &mut Problems) -> Option<String> {
        if let Some(known) = self.known.get(reference) {
            return known.clone();
        }
        let value = self.read(reference, span, problems);
        if let Some(value) = &value {
            if value.chars().count() < redact::SHORTEST {
                problems
                    .warning(
                        Code::ShortSecret,
                        span,
                        format!(
                            "the secret `${{{reference}}}` has fewer than {} characters",
                            redact::SHORTEST
                        ),
                        "it cannot be struck out of reports and logs",
                    )
                    .help("use a longer secret, or write the value in the file if it is none");
            }
            self.secrets.push(value.clone());
        }
        self.known.insert(reference.to_owned(), value.clone());
        value
    }

    fn read(&mut self, reference: &str, span: Span, problems: &mut Problems) -> Option<String> {
        if let Some(name) = reference.strip_prefix("env:") {
            let value = self.environment.variable(name);
            if value.as_ref().is_none_or(String::is_empty) {
                let state = if value.is_none() { "not set" } else { "empty" };
                problems
                    .error(
                        Code::UnsetVariable,
                        span,
                        format!("the environment variable `{name}` is {state}"),
                        "refers to it",
                    )
                    .help(format!("set it, as in `{name}=… landfall …`; write `$${{env:{name}}}` for these characters themselves"));
                return None;
            }
            return value;
        }
        let path = reference.strip_prefix("file:")?;
        self.files.push(self.root.join(path));
        match self.environment.file(&self.root.join(path)) {
            // An editor's final line feed is not part of the secret.
            Ok(text) if !text.trim().is_empty() => Some(text.trim_end_matches(['\n', '\r']).to_owned()),
            Ok(_) => {
                unreadable(path, "it is empty", span, problems);
                None
            }
            Err(why) => {
                unreadable(path, &why, span, problems);
                None
            }
        }
    }
}

impl Resolved {
    fn push(&mut self, text: &str) {
        self.plain.push_str(text);
        self.template.push_str(text);
    }
}

/// Whether a text refers to a secret.
pub(super) fn refers(text: &str) -> bool {
    text.match_indices("${")
        .any(|(at, _)| reference(&text[at..]).is_some() && !text[..at].ends_with('$'))
}

/// `${env:NAME}` at the start of a text: what stands between the braces, and the rest.
fn reference(text: &str) -> Option<(&str, &str)> {
    let inside = text.strip_prefix("${")?;
    let (reference, after) = inside.split_once('}')?;
    let name = reference
        .strip_prefix("env:")
        .or_else(|| reference.strip_prefix("file:"))?;
    (!name.is_empty() && !name.contains(['\n', '$', '{'])).then_some((reference, after))
}

/// A value that a template shows as it is, whatever braces it holds.
fn guarded(value: &str) -> String {
    if value.contains('{') {
        value.replace('{', "{{ '{' }}")
    } else {
        value.to_owned()
    }
}

fn refuse_in_key(key: &Key, problems: &mut Problems) {
    if refers(&key.text) {
        problems.error(
            Code::MisplacedSecret,
            key.span,
            format!("the key `{}` refers to a secret", key.text),
            "references are resolved in values only",
        );
    }
}

fn unreadable(path: &str, why: &str, span: Span, problems: &mut Problems) {
    problems
        .error(
            Code::UnreadableSecret,
            span,
            format!("the file `{path}` cannot be read: {why}"),
            "refers to it",
        )
        .help("paths start at the folder of `landfall.yaml`");
}
