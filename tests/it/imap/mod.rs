//! The `imap` channel against a real Dovecot, and against servers that misbehave.

mod faults;
mod folders;
mod rig;
mod sees;
mod silence;
