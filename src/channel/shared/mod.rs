//! What several kinds share.

pub(super) mod mail;
pub(super) mod poll;
pub(super) mod sql;
