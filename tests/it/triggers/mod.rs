//! The triggers, each against a peer of its own.

mod exec;
mod http;
mod smtp;
