//! The bounded queue between many callers and the one writer.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use super::op::{Answer, Op};
use crate::model::{Fault, Reason};

/// At most so many writes are taken into one commit: it keeps the time of a commit and its memory bounded.
const BATCH_OPS: usize = 4096;
/// At most so many bytes are taken into one commit, but always one write.
const BATCH_BYTES: usize = 16 << 20;

/// A write and the one who waits for it.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) op: Op,
    pub(super) bytes: usize,
    /// `None` where nobody waits.
    pub(super) reply: Option<oneshot::Sender<Result<Answer, Fault>>>,
}

/// Why a write was not queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// So much waits already.
    Full { ops: usize, bytes: usize },
    /// It alone is larger than the queue.
    TooLarge { bytes: usize },
    /// The store is shut down.
    Closed,
}

#[derive(Debug)]
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
    max_ops: usize,
    max_bytes: usize,
}

#[derive(Debug, Default)]
struct State {
    jobs: VecDeque<Job>,
    bytes: usize,
    closed: bool,
}

impl Queue {
    /// What a caller is told whose write was refused.
    pub(super) fn fault(&self, file: &Path, refusal: Refusal) -> Fault {
        let file = file.display();
        let (max_ops, max_bytes) = self.limits();
        match refusal {
            Refusal::Full { ops, bytes } => Fault::new(
                Reason::Store,
                format!(
                    "the queue of the store `{file}` is full ({ops} of {max_ops} writes, {bytes} of {max_bytes} bytes): the disk does not keep up; probe less often, or put the store on a faster disk"
                ),
            ),
            Refusal::TooLarge { bytes } => Fault::new(
                Reason::Store,
                format!(
                    "a write of {bytes} bytes is larger than the queue of the store `{file}` ({max_bytes} bytes): lower the size limits of the channel or trigger that it comes from"
                ),
            ),
            Refusal::Closed => Fault::new(
                Reason::Stopped,
                format!("the store `{file}` is shut down, or was opened to be read only"),
            ),
        }
    }

    pub(super) fn new(max_ops: usize, max_bytes: usize) -> Self {
        Self {
            state: Mutex::default(),
            changed: Condvar::new(),
            max_ops,
            max_bytes,
        }
    }

    pub(super) fn limits(&self) -> (usize, usize) {
        (self.max_ops, self.max_bytes)
    }

    /// Queues a write, or says at once why not.
    pub(super) fn push(&self, op: Op) -> Result<oneshot::Receiver<Result<Answer, Fault>>, Refusal> {
        let bytes = op.bytes();
        let (reply, receiver) = oneshot::channel();
        let mut state = self.lock();
        if state.closed {
            return Err(Refusal::Closed);
        }
        if bytes > self.max_bytes {
            return Err(Refusal::TooLarge { bytes });
        }
        if state.jobs.len() >= self.max_ops || state.bytes + bytes > self.max_bytes {
            return Err(Refusal::Full {
                ops: state.jobs.len(),
                bytes: state.bytes,
            });
        }
        state.bytes += bytes;
        state.jobs.push_back(Job {
            op,
            bytes,
            reply: Some(reply),
        });
        drop(state);
        self.changed.notify_one();
        Ok(receiver)
    }

    /// Queues a write that nobody waits for and that no bound may refuse: at most one for each write that was taken.
    pub(super) fn push_always(&self, op: Op) {
        let bytes = op.bytes();
        let mut state = self.lock();
        if state.closed {
            return;
        }
        state.bytes += bytes;
        state.jobs.push_back(Job {
            op,
            bytes,
            reply: None,
        });
        drop(state);
        self.changed.notify_one();
    }

    /// Waits for writes and takes what is there; `None` once the queue is closed and empty.
    pub(super) fn take(&self) -> Option<Vec<Job>> {
        let mut state = self.lock();
        while state.jobs.is_empty() {
            if state.closed {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let mut taken = 0;
        let count = state
            .jobs
            .iter()
            .take(BATCH_OPS)
            .take_while(|job| {
                let fits = taken == 0 || taken + job.bytes <= BATCH_BYTES;
                taken += job.bytes;
                fits
            })
            .count();
        let batch: Vec<Job> = state.jobs.drain(..count).collect();
        state.bytes -= batch.iter().map(|job| job.bytes).sum::<usize>();
        Some(batch)
    }

    /// Refuses what comes from now on; what is queued is still taken.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cursor(bytes: usize) -> Op {
        Op::Cursor {
            name: String::new(),
            cursor: "c".repeat(bytes),
        }
    }

    #[test]
    fn a_full_queue_refuses_by_count_and_by_bytes() {
        let by_count = Queue::new(2, 1 << 20);
        let _first = by_count.push(cursor(1)).unwrap();
        let _second = by_count.push(cursor(1)).unwrap();
        assert!(matches!(
            by_count.push(cursor(1)),
            Err(Refusal::Full { ops: 2, .. })
        ));

        let by_bytes = Queue::new(100, 1000);
        let _first = by_bytes.push(cursor(600)).unwrap();
        assert!(matches!(
            by_bytes.push(cursor(600)),
            Err(Refusal::Full { ops: 1, .. })
        ));
        assert!(matches!(
            by_bytes.push(cursor(2000)),
            Err(Refusal::TooLarge { .. })
        ));
        assert_eq!(by_bytes.take().unwrap().len(), 1);
        let _third = by_bytes.push(cursor(600)).unwrap();
    }

    #[test]
    fn what_is_queued_is_taken_after_the_close_and_nothing_else_is() {
        let queue = Queue::new(10, 1 << 20);
        let _waiting = queue.push(cursor(1)).unwrap();
        queue.close();
        assert!(matches!(queue.push(cursor(1)), Err(Refusal::Closed)));
        assert_eq!(queue.take().unwrap().len(), 1);
        assert!(queue.take().is_none());
    }

    #[test]
    fn one_commit_takes_a_bounded_part() {
        let queue = Queue::new(2 * BATCH_OPS, 1 << 30);
        let waiting: Vec<_> = (0..BATCH_OPS + 1)
            .map(|_| queue.push(cursor(1)).unwrap())
            .collect();
        assert_eq!(queue.take().unwrap().len(), BATCH_OPS);
        assert_eq!(queue.take().unwrap().len(), 1);
        drop(waiting);
        let _large: Vec<_> = (0..3)
            .map(|_| queue.push(cursor(BATCH_BYTES / 2 + 1)).unwrap())
            .collect();
        assert_eq!(queue.take().unwrap().len(), 1);
    }
}
