//! The integration tests: one binary, real parts.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test may stop at what it did not expect"
)]

mod support;

mod alerts;
mod browser;
mod callback;
mod check_online;
mod cli;
mod compare;
mod conformance;
mod definitions;
mod end_to_end;
mod http_channel;
mod imap;
mod killed;
mod mail_seeds;
mod readme;
mod report;
mod repository;
mod resumed;
mod sandbox;
mod serve;
mod shipped;
mod signals;
mod smtp_sink;
mod sql;
mod statistics;
mod store;
mod tls;
mod tokens;
mod triggers;
mod web;
