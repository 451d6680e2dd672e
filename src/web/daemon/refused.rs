//! Why the daemon did not do what it was asked for.

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::{Fault, Reason};

/// Why something was not done. The API answers it as a problem (RFC 9457), a page as a sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// There is no such thing.
    #[error("there is no {what} `{name}`{}", near.as_ref().map_or_else(String::new, |n| format!("; did you mean `{n}`?")))]
    Unknown {
        /// What kind of thing: `probe`, `route`.
        what: &'static str,
        /// As it was asked for.
        name: String,
        /// The one that is called nearly so.
        near: Option<String>,
    },
    /// A value does not fit.
    #[error("{detail}")]
    Invalid {
        /// Which: a JSON pointer into the body, or the name of a parameter.
        pointer: String,
        /// What it is and what was expected.
        detail: String,
    },
    /// It does not fit what is so now: paused already, not paused.
    #[error("{0}")]
    Conflict(String),
    /// A limit of landfall's own, which the text names.
    #[error("{0}")]
    Limit(String),
    /// The new definitions are wrong; the last good set stays.
    #[error("the definitions have errors; the last good set stays in force")]
    Definitions(Vec<Diagnostic>),
    /// The store does not answer, or landfall is stopping.
    #[error("{0}")]
    Unavailable(Fault),
}

impl From<Fault> for Refused {
    fn from(fault: Fault) -> Self {
        match fault.reason {
            Reason::Limit => Self::Limit(fault.message),
            Reason::Input => Self::Invalid {
                pointer: String::new(),
                detail: fault.message,
            },
            _ => Self::Unavailable(fault),
        }
    }
}

/// One thing that is wrong with a definition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Diagnostic {
    /// The stable code of the rule.
    pub code: String,
    /// `error` or `warning`.
    pub severity: String,
    /// What is wrong.
    pub message: String,
    /// The file, relative to the workspace.
    pub file: String,
    /// Its line, from 1.
    pub line: u32,
    /// Its column, from 1.
    pub column: u32,
    /// What to do.
    pub help: Option<String>,
}
