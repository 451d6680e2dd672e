//! Claims whose maker nobody waits for any more.

use super::op::Op;
use super::queue::Queue;
use crate::model::RunId;

/// Takes claims back where the one who made them has gone before he was answered.
pub(super) struct Withdrawal<'a> {
    pub(super) queue: &'a Queue,
    pub(super) runs: Vec<RunId>,
}

impl Drop for Withdrawal<'_> {
    fn drop(&mut self) {
        if !self.runs.is_empty() {
            self.queue
                .push_always(Op::Withdraw(std::mem::take(&mut self.runs)));
        }
    }
}
