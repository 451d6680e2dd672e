//! The `smtp` trigger.
