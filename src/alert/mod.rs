//! Telling people: when to (pure rules over records), what (one JSON form), and where to (destinations).
//!
//! - [`policy`]: what is asked for, and the rules that follow from it.
//! - [`rules`]: (state, what happened, time) → state and what to tell. No IO.
//! - [`notice`]: what an alert says; `evidence` and `words` are its parts.
//! - [`outbox`]: what is still to be sent, and what becomes of it while a destination is down. No IO.
//! - [`destination`]: one file a kind. They send; `deliver` tries again.
//! - [`service`]: the task that owns the state, keeps it with what it decided, and catches up with the store.
//! - [`mute`]: telling nobody for a while.

mod deliver;
pub mod destination;
mod evidence;
pub mod mute;
pub mod notice;
pub mod outbox;
pub mod policy;
pub mod replay;
pub mod rules;
pub mod service;
mod words;

pub use deliver::Status;
pub use evidence::{Evidence, NotMet, UnmetLine};
pub use notice::{About, Notice};
pub use policy::{Cadence, Policy, Rules, Severity};
pub use service::{Alerts, Opened, Setup, Watched};
