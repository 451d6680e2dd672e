//! The `imap` channel against a real Dovecot, and against servers that misbehave.

mod faults;
mod folders;
mod protected;
pub(crate) mod rig;
mod sees;
mod silence;
