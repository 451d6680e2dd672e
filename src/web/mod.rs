//! The listeners: an accept loop of our own on which callbacks, and later pages, API and metrics, are served.
//!
//! [`listener`] takes connections and shares them out to what is mounted; [`connection`] serves one of them, within
//! the [`Limits`]; what a limit refuses is counted by a stable word ([`Counters`]).

mod body;
mod budget;
mod connection;
mod counters;
mod limits;
pub mod listener;
mod route;
mod source;
mod stream;

pub use counters::{Counters, Word};
pub use limits::Limits;
pub use listener::{HttpListener, Settings, bind};
