//! The listeners: an accept loop of our own on which callbacks, API, pages and health are served.
//!
//! [`listener`] takes connections and shares them out to what is mounted; [`connection`] serves one of them, within
//! the [`Limits`]; what a limit refuses is counted by a stable word ([`Counters`]). A [`Site`] is the admin surface:
//! it reaches what runs through [`daemon::Daemon`] alone.

mod api;
mod auth;
mod body;
mod budget;
mod connection;
mod counters;
pub mod daemon;
mod health;
mod limits;
pub mod listener;
mod metrics;
mod pages;
mod route;
mod site;
mod source;
mod stream;
mod surface;
mod work;

pub use api::document;
pub use auth::{Credential, exposed};
pub use counters::{Counters, Word};
pub use limits::Limits;
pub use listener::{HttpListener, Settings, bind};
pub use site::{Site, SiteSettings};
