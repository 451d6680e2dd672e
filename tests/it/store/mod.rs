//! The store: one suite over every kind of it, and what may go wrong under an SQLite file.

mod child;
mod crash;
mod disk;
mod files;
mod make;
mod same;
mod sqlite;
mod suite;
