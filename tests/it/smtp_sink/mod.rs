//! The mail sink, against raw sockets, against a real client library, and against itself.

mod bounds;
pub(crate) mod client;
mod record;
mod rules;
mod script;
mod settings;
pub(crate) mod tls;
