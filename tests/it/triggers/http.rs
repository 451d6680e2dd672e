//! The `http` trigger.
