//! What can go wrong between landfall and the world, told apart by whose fault it is.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A stable word for why something could not be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The peer answered with a status that refuses.
    Status,
    /// No connection: refused, no route, reset before anything was sent.
    Unreachable,
    /// The name did not resolve.
    Dns,
    /// The handshake or the certificate failed.
    Tls,
    /// The peer said: too many.
    Throttled,
    /// No whole answer within the time allowed.
    Timeout,
    /// The connection broke off.
    Reset,
    /// The peer refused the credentials.
    Auth,
    /// The peer broke the rules of its protocol.
    Protocol,
    /// A value could not be rendered or does not fit.
    Input,
    /// A limit of landfall's own was hit; the message names it.
    Limit,
    /// The store did not take it.
    Store,
    /// Landfall is stopping.
    Stopped,
    /// The program could not be run.
    Spawn,
    /// A bug of landfall's.
    Internal,
}

impl Reason {
    /// The word of the contract.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Unreachable => "unreachable",
            Self::Dns => "dns",
            Self::Tls => "tls",
            Self::Throttled => "throttled",
            Self::Timeout => "timeout",
            Self::Reset => "reset",
            Self::Auth => "auth",
            Self::Protocol => "protocol",
            Self::Input => "input",
            Self::Limit => "limit",
            Self::Store => "store",
            Self::Stopped => "stopped",
            Self::Spawn => "spawn",
            Self::Internal => "internal",
        }
    }
}

/// Something that could not be done. The message is a lower-case fragment that says what, where and, where it helps,
/// what to do next; it never holds a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Fault {
    /// For machines.
    pub reason: Reason,
    /// For people.
    pub message: String,
}

impl Fault {
    /// A fault with its message.
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
