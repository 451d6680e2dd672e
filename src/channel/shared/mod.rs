//! What several kinds share.

pub(super) mod poll;
pub(super) mod sql;
