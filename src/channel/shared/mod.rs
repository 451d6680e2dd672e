//! What several kinds share.

pub(super) mod bounded;
pub(super) mod signature;
pub(super) mod units;
