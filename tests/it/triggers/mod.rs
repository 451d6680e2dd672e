//! The triggers, each against a peer of its own.

mod exec;
pub(crate) mod http;
pub(crate) mod smtp;
