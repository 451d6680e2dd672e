//! What several kinds share.

pub(super) mod mail;
