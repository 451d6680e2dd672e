//! The bounded queue between many callers and the one writer.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use super::op::{Answer, Op};
use crate::model::{Fault, Reason};

/// At most so many writes are taken into one commit: it keeps the time of a commit and its memory bounded.
const BATCH_OPS: usize = 4096;
/// At most so many bytes are taken into one commit, but always one write.
const BATCH_BYTES: usize = 16 << 20;
/// A commit that others may still join waits for them at most so often, each time for a part of them,
const WAITS: usize = 16;
const PARTS: usize = 8;
/// and no longer than this: all of it is about what one commit takes on a slow disk. A wait in which nobody came is the last.
const WAIT: Duration = Duration::from_micros(250);

/// A write and the one who waits for it.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) op: Op,
    pub(super) bytes: usize,
    /// `None` where nobody waits.
    pub(super) reply: Option<oneshot::Sender<Result<Answer, Fault>>>,
}

/// How long a commit that has begun is open to those who write a little later.
#[derive(Clone, Copy, Debug)]
pub(super) struct Open {
    /// Until it holds so many writes.
    until: usize,
    /// How often it still waits for some.
    waits: usize,
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
    /// The writer sleeps until so many writes are there; zero where it does not sleep, and then nobody need call the kernel to
    /// wake it.
    awaited: usize,
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
        let state = self.lock();
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
        self.add(
            state,
            Job {
                op,
                bytes,
                reply: Some(reply),
            },
        );
        Ok(receiver)
    }

    /// Queues a write that nobody waits for and that no bound may refuse: at most one for each write that was taken.
    pub(super) fn push_always(&self, op: Op) {
        let bytes = op.bytes();
        let state = self.lock();
        if !state.closed {
            self.add(
                state,
                Job {
                    op,
                    bytes,
                    reply: None,
                },
            );
        }
    }

    /// Waits for writes and takes what is there; `None` once the queue is closed and empty.
    pub(super) fn take(&self) -> Option<Vec<Job>> {
        let mut state = self.lock();
        while state.jobs.is_empty() {
            if state.closed {
                return None;
            }
            state.awaited = 1;
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.awaited = 0;
        let mut batch = Vec::new();
        state.fill(&mut batch, BATCH_OPS);
        Some(batch)
    }

    /// Takes what has come since into the commit that has begun with `batch`, or comes within a moment. `false` where there
    /// is nothing more for it.
    pub(super) fn join(&self, batch: &mut Vec<Job>, open: &mut Open) -> bool {
        let taken = batch.len();
        if taken >= open.until || open.waits == 0 {
            return false;
        }
        open.waits -= 1;
        let enough = open.until.div_ceil(PARTS).min(open.until - taken);
        let mut state = self.lock();
        if state.jobs.len() < enough && !state.closed {
            state.awaited = enough;
            let waited = self.changed.wait_timeout(state, WAIT);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            state.awaited = 0;
        }
        state.fill(batch, open.until);
        batch.len() > taken
    }

    /// Refuses what comes from now on; what is queued is still taken.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    fn add(&self, mut state: MutexGuard<'_, State>, job: Job) {
        state.bytes += job.bytes;
        state.jobs.push_back(job);
        let wakes = state.awaited > 0 && state.jobs.len() >= state.awaited;
        if wakes {
            state.awaited = 0;
        }
        drop(state);
        if wakes {
            self.changed.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    /// As many as wrote in the commit before: those who were answered together mostly write again together, a little one
    /// after the other, and a commit for the first of them costs as much as one for all. After a commit of one write nobody
    /// is waited for.
    pub(super) fn like(before: usize) -> Self {
        Self {
            until: before.min(BATCH_OPS),
            waits: WAITS,
        }
    }
}

impl State {
    /// Moves writes into `batch`, until it holds `most` or [`BATCH_BYTES`], but always one where it is empty.
    fn fill(&mut self, batch: &mut Vec<Job>, most: usize) {
        let mut bytes: usize = batch.iter().map(|job| job.bytes).sum();
        batch.reserve(self.jobs.len().min(most.saturating_sub(batch.len())));
        while batch.len() < most
            && let Some(next) = self.jobs.front()
            && (batch.is_empty() || bytes + next.bytes <= BATCH_BYTES)
            && let Some(job) = self.jobs.pop_front()
        {
            bytes += job.bytes;
            self.bytes -= job.bytes;
            batch.push(job);
        }
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
    fn as_many_join_a_commit_as_wrote_in_the_one_before() {
        let queue = Queue::new(100, 1 << 20);
        let waiting: Vec<_> = (0..5).map(|_| queue.push(cursor(1)).unwrap()).collect();
        let mut batch = queue.take().unwrap();
        assert!(
            !queue.join(&mut batch, &mut Open::like(5)),
            "it is as large already"
        );
        let more: Vec<_> = (0..5).map(|_| queue.push(cursor(1)).unwrap()).collect();
        assert!(!queue.join(&mut batch, &mut Open::like(0)));
        let mut open = Open::like(8);
        while queue.join(&mut batch, &mut open) {}
        assert_eq!(batch.len(), 8);
        assert_eq!(queue.take().unwrap().len(), 2);
        drop((waiting, more));
    }

    #[test]
    fn one_who_writes_a_moment_later_joins_and_one_who_does_not_is_not_waited_for_long() {
        let queue = Queue::new(100, 1 << 20);
        let _first = queue.push(cursor(1)).unwrap();
        let mut batch = queue.take().unwrap();
        let mut open = Open::like(2);
        std::thread::scope(|scope| {
            let second = scope.spawn(|| queue.push(cursor(1)).unwrap());
            // How soon the thread gets its turn is not ours to say.
            while !queue.join(&mut batch, &mut open) {
                open = Open::like(2);
            }
            drop(second.join());
        });
        assert_eq!(batch.len(), 2);
        let mut open = Open::like(100);
        let mut waits = 0;
        while open.waits > 0 {
            assert!(!queue.join(&mut batch, &mut open));
            waits += 1;
        }
        assert_eq!(waits, WAITS);
        assert!(!queue.join(&mut batch, &mut open));
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
