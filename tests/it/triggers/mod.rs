//! The triggers, each against a peer of its own.

mod smtp;
