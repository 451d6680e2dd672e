//! Firing by each kind of trigger.

mod exec;
