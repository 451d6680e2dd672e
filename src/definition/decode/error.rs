//! What goes wrong while a tree becomes a type.

use std::fmt;

use serde::de::{self, Expected, Unexpected};

/// A failure, and the node at which it came about.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) what: What,
    /// The node's id; unset until the reader that knows it passes by.
    pub(super) at: Option<u32>,
    /// Whether the key is meant, not the value.
    pub(super) key: bool,
}

/// What is wrong.
#[derive(Debug)]
pub(super) enum What {
    /// A key that does not exist here.
    Unknown {
        name: String,
        known: &'static [&'static str],
    },
    /// A word or kind that does not exist here.
    Word {
        name: String,
        known: &'static [&'static str],
    },
    /// A key that must stand here.
    Missing(&'static str),
    /// The node is of another type.
    Type { expected: String },
    /// Anything else that a type says of a value.
    Value(String),
}

impl Failure {
    pub(super) fn new(what: What) -> Self {
        Self {
            what,
            at: None,
            key: false,
        }
    }

    pub(super) fn expected(expected: impl Into<String>, at: u32) -> Self {
        Self {
            what: What::Type {
                expected: expected.into(),
            },
            at: Some(at),
            key: false,
        }
    }

    /// Places the failure, unless something further in has.
    pub(super) fn at(mut self, id: u32, key: bool) -> Self {
        if self.at.is_none() {
            self.at = Some(id);
            self.key = key;
        }
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.what)
    }
}

impl std::error::Error for Failure {}

impl de::Error for Failure {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(What::Value(message.to_string()))
    }

    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(What::Type {
            expected: expected.to_string(),
        })
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(What::Type {
            expected: expected.to_string(),
        })
    }

    fn invalid_length(_: usize, expected: &dyn Expected) -> Self {
        Self::new(What::Type {
            expected: expected.to_string(),
        })
    }

    fn unknown_variant(name: &str, known: &'static [&'static str]) -> Self {
        Self::new(What::Word {
            name: name.to_owned(),
            known,
        })
    }

    fn unknown_field(name: &str, known: &'static [&'static str]) -> Self {
        Self::new(What::Unknown {
            name: name.to_owned(),
            known,
        })
    }

    fn missing_field(name: &'static str) -> Self {
        Self::new(What::Missing(name))
    }

    fn duplicate_field(name: &'static str) -> Self {
        Self::new(What::Value(format!("`{name}` stands twice")))
    }
}
