//! Rows of real databases.

mod postgres;
mod sqlite;
