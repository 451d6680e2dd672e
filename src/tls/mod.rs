//! TLS towards peers: whom landfall trusts and who it is, set up in one place for every trigger, channel and
//! destination, with one set of settings and one set of sentences.
//!
//! A kind puts [`Tls`] (or [`Secured`], where the protocol can also begin plainly) under its key `tls`, calls
//! [`Tls::check`] in its `check` and [`client()`] in its `open`, and hands a failed handshake to [`explain()`].

mod client;
mod config;
mod explain;
mod files;
mod secured;
mod verify;

pub use client::{client, install, pinned, system};
pub use config::{MinVersion, Tls};
pub use explain::{explain, told, told_of, within};
pub use files::{certificates, private_key};
pub use secured::Secured;
