//! The `smtp` trigger against a server that follows a script, and against the real sink.

mod delivery;
mod failures;
mod mail;
pub(crate) mod peer;
