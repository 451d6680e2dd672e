#![doc = include_str!("architecture.md")]

pub mod alert;
pub mod channel;

pub mod cli;
pub mod clock;
pub mod compare;
pub mod definition;
pub mod diag;
pub mod engine;
pub mod lifecycle;
pub mod model;
pub mod redact;
pub mod report;
pub mod sandbox;
pub mod stats;
pub mod store;
pub mod tls;
pub mod trigger;
pub mod web;
