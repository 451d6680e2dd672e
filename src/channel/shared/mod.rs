//! What several kinds share.

pub(super) mod bounded;
pub(super) mod hand_over;
pub(super) mod mail;
pub(super) mod poll;
pub(super) mod signature;
pub(super) mod sql;
pub(super) mod units;
pub(super) mod watch;
