//! What a template or an expression may name where it stands.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use crate::model::Free;

/// What is known of a value before anything runs.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Shape {
    /// Anything may stand below.
    Open,
    /// These fields and no others.
    Fields(BTreeMap<String, Shape>),
    /// It exists, but not yet; why.
    Later(&'static str),
}

/// The names that exist at a place. Each text of a probe has a place of its own, and they differ by a name or two: what
/// they have in common is shared.
#[derive(Clone, Debug, Default)]
pub(super) struct Available {
    common: Arc<BTreeMap<String, Shape>>,
    /// Goes before what is common.
    own: BTreeMap<String, Shape>,
}

/// A name that does not exist at a place.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Gap {
    /// Which part of the path is missing.
    pub(super) depth: usize,
    /// What exists there.
    pub(super) choices: Vec<String>,
    /// Why it is not there yet, where it will be.
    pub(super) later: Option<&'static str>,
}

impl Shape {
    /// The shape of a plain value.
    pub(super) fn of(value: &Value) -> Self {
        match value {
            Value::Object(entries) => Self::fields(entries.iter().map(|(k, v)| (k.clone(), Self::of(v)))),
            _ => Self::Open,
        }
    }

    /// The shape of a free value.
    pub(super) fn of_free(value: &Free) -> Self {
        match value {
            Free::Map(entries) => {
                Self::fields(entries.iter().map(|(k, v)| (k.value.clone(), Self::of_free(v))))
            }
            _ => Self::Open,
        }
    }

    /// These fields.
    pub(super) fn fields(fields: impl IntoIterator<Item = (String, Self)>) -> Self {
        Self::Fields(fields.into_iter().collect())
    }

    /// Fields of which nothing more is known.
    pub(super) fn open_fields<'n>(names: impl IntoIterator<Item = &'n str>) -> Self {
        Self::fields(names.into_iter().map(|name| (name.to_owned(), Self::Open)))
    }
}

impl Available {
    /// Adds a name.
    pub(super) fn set(&mut self, name: &str, shape: Shape) {
        self.own.insert(name.to_owned(), shape);
    }

    /// The same, cheap to clone from here on.
    pub(super) fn settled(mut self) -> Self {
        Arc::make_mut(&mut self.common).append(&mut self.own);
        self
    }

    /// The same with one more name.
    pub(super) fn with(&self, name: &str, shape: Shape) -> Self {
        let mut more = self.clone();
        more.set(name, shape);
        more
    }

    /// Whether a dotted name can be there.
    pub(super) fn find(&self, path: &[String]) -> Result<(), Gap> {
        let mut fields = None;
        for (depth, part) in path.iter().enumerate() {
            let found = match fields {
                None => self.own.get(part).or_else(|| self.common.get(part)),
                Some(below) => BTreeMap::get(below, part),
            };
            match found {
                None => {
                    return Err(Gap {
                        depth,
                        choices: fields.map_or_else(|| self.names(), |below| below.keys().cloned().collect()),
                        later: None,
                    });
                }
                Some(Shape::Later(why)) => {
                    return Err(Gap {
                        depth,
                        choices: Vec::new(),
                        later: Some(why),
                    });
                }
                Some(Shape::Open) => return Ok(()),
                Some(Shape::Fields(below)) => fields = Some(below),
            }
        }
        Ok(())
    }

    /// Sorted, each once.
    fn names(&self) -> Vec<String> {
        let names: BTreeSet<&String> = self.common.keys().chain(self.own.keys()).collect();
        names.into_iter().cloned().collect()
    }
}
