//! The integration tests: one binary, real parts.

mod support;

mod callback;
mod cli;
mod conformance;
mod definitions;
mod engine;
mod http_channel;
mod imap;
mod mail_seeds;
mod repository;
mod sandbox;
mod smtp_sink;
mod sql;
mod store;
mod tokens;
mod triggers;
