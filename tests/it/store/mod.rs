//! The store: one suite over every kind of it, and what may go wrong under an SQLite file.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails where it stands"
)]

mod changes;
mod child;
mod crash;
mod daemon;
mod disk;
mod ended;
mod files;
mod log;
pub(crate) mod make;
mod pages;
mod same;
mod skipped;
mod sqlite;
mod suite;
mod trust;
mod upkeep;
