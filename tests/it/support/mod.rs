//! What the tests share: servers that they start themselves, and fakes.

pub(crate) mod certificates;
pub(crate) mod channel;
pub(crate) mod dovecot;
pub(crate) mod https;
pub(crate) mod peer;
pub(crate) mod polled;
pub(crate) mod postfix;
pub(crate) mod postgres;
pub(crate) mod process;
#[cfg(target_arch = "x86_64")]
pub(crate) mod wall;
pub(crate) mod whole;
