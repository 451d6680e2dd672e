//! The one thread that writes: it takes what has queued up into one transaction, commits, and answers each caller.
//! The slower the disk, the more has queued up by the next turn: the batch grows by itself.

use std::path::PathBuf;
use std::sync::Arc;

use rusqlite::Connection;

use super::apply::{Trouble, apply};
use super::lock::StoreLock;
use super::op::{Answer, Op};
use super::queue::{Job, Open, Queue};
use super::schema;
use super::trouble::{Kind, fault, kind};
use super::trust::Trust;
use super::{Ack, checkpoint::Checkpoints};
use crate::model::{Fault, Reason, RunId};
use crate::store::Claim;

/// What the thread owns.
#[derive(Debug)]
pub(super) struct Writer {
    file: PathBuf,
    max_bytes: Option<u64>,
    ack: Ack,
    /// `None` after a failure of the disk, until the file has been reopened and found whole.
    connection: Option<Connection>,
    /// Runs whose claim was refused at the commit. The disk may hold them all the same, and then a restart would take
    /// them for fired: they are withdrawn before anything else is written.
    doubtful: Vec<RunId>,
    /// Acknowledged and not committed; only ever above zero under the negative control.
    early: usize,
    /// So many may write together: the writes of the last commit, or half of those before where it had fewer.
    before: usize,
    checkpoints: Checkpoints,
    // Let go last, when nothing can be written any more.
    lock: StoreLock,
}

impl Writer {
    pub(super) fn new(
        file: PathBuf,
        max_bytes: Option<u64>,
        ack: Ack,
        connection: Connection,
        lock: StoreLock,
    ) -> Self {
        Self {
            checkpoints: Checkpoints::new(file.clone()),
            file,
            max_bytes,
            ack,
            connection: Some(connection),
            doubtful: Vec::new(),
            early: 0,
            before: 0,
            lock,
        }
    }

    /// Writes until the queue is closed and empty, then lets go of the file and the lock.
    pub(super) fn run(mut self, queue: &Arc<Queue>) {
        // Where this thread panics, callers must be refused, not kept waiting.
        let _closes = CloseOnDrop(queue);
        while let Some(batch) = queue.take() {
            let bytes = match self.ack {
                Ack::AfterCommit => self.write(batch, Some(queue)),
                Ack::BeforeCommit { hold } => self.write_early(batch, hold),
            };
            self.checkpoint(bytes);
        }
        self.finish();
    }

    fn checkpoint(&mut self, bytes: usize) {
        if let Some(connection) = self.connection.as_ref().filter(|c| c.is_autocommit())
            && let Err(e) = self.checkpoints.after_commit(connection, bytes)
        {
            self.undo(&Trouble::Sql(e));
        }
    }

    fn finish(mut self) {
        if let Some(connection) = self.connection.take() {
            if !connection.is_autocommit()
                && let Err(e) = connection.execute_batch("COMMIT")
            {
                tracing::error!(store = %self.file.display(), error = %e, "the last commit failed");
            }
            // A log that could not be copied back is read at the next start.
            let in_order = self.checkpoints.at_end(&connection).is_ok();
            let closed = connection.close();
            if closed.is_ok() && in_order {
                return self.lock.closed();
            }
            if let Err((_, e)) = closed {
                tracing::warn!(store = %self.file.display(), error = %e, "the store did not close cleanly; nothing committed is lost");
            }
        }
        drop(self.lock);
    }

    /// Bytes of what was written: `batch`, and those who joined it out of the queue.
    fn write(&mut self, mut batch: Vec<Job>, queue: Option<&Queue>) -> usize {
        let committed = self.commit(&mut batch, queue);
        let bytes = bytes(&batch);
        if queue.is_some() {
            self.before = batch.len().max(self.before / 2);
        }
        match committed {
            Ok(answers) => {
                for (job, answer) in batch.into_iter().zip(answers) {
                    job.answer(answer);
                }
            }
            // Only ever said of several, so this goes one deep.
            Err(Failure::OneOf) => {
                for job in batch {
                    self.write(vec![job], None);
                }
            }
            Err(Failure::Own(fault) | Failure::All(fault)) => {
                for job in batch {
                    job.answer(Err(fault.clone()));
                }
            }
        }
        bytes
    }

    /// Everything or nothing of the batch, which grows by those who join it.
    fn commit(
        &mut self,
        batch: &mut Vec<Job>,
        queue: Option<&Queue>,
    ) -> Result<Vec<Result<Answer, Fault>>, Failure> {
        self.connect().map_err(Failure::All)?;
        let Some(connection) = &self.connection else {
            return Err(Failure::All(self.closed()));
        };
        let mut open = Open::like(self.before);
        let join = |batch: &mut Vec<Job>| queue.is_some_and(|queue| queue.join(batch, &mut open));
        let (answers, doubtful, failed) = match transact(connection, &self.doubtful, batch, join) {
            Ok(answers) => {
                self.doubtful.clear();
                return Ok(answers);
            }
            Err(Step::Write(trouble)) => (Vec::new(), false, trouble),
            Err(Step::Commit(answers, error)) => (answers, true, Trouble::Sql(error)),
        };
        self.undo(&failed);
        if doubtful {
            self.doubt(batch, &answers);
        }
        Err(self.failure(failed, batch.len()))
    }

    fn failure(&self, trouble: Trouble, writes: usize) -> Failure {
        match trouble {
            Trouble::Refused(_) | Trouble::Undo(_) if writes > 1 => Failure::OneOf,
            Trouble::Refused(fault) | Trouble::Undo(fault) => Failure::Own(fault),
            Trouble::Sql(error) if kind(&error) == Kind::Write && writes > 1 => Failure::OneOf,
            Trouble::Sql(error) => Failure::All(fault(&self.file, "writing", &error)),
        }
    }

    /// Leaves the transaction; after a failure of the disk also the connection, since what it takes for written may
    /// not be on the disk, and a second fsync would not tell.
    fn undo(&mut self, trouble: &Trouble) {
        let lost = match trouble {
            Trouble::Sql(error) => matches!(kind(error), Kind::Disk | Kind::Damaged),
            Trouble::Refused(_) | Trouble::Undo(_) => false,
        };
        let rolled_back = self
            .connection
            .as_ref()
            .is_some_and(|c| c.is_autocommit() || c.execute_batch("ROLLBACK").is_ok());
        if lost || !rolled_back {
            tracing::warn!(store = %self.file.display(), "the store's connection is given up; it is reopened and verified at the next write");
            self.connection = None;
            self.lock.doubt();
        }
    }

    fn connect(&mut self) -> Result<(), Fault> {
        if self.connection.is_none() {
            self.connection = Some(schema::open_writer(&self.file, self.max_bytes, Trust::None)?);
            tracing::info!(store = %self.file.display(), "the store was reopened and found whole");
        }
        Ok(())
    }

    fn doubt(&mut self, batch: &[Job], answers: &[Result<Answer, Fault>]) {
        for (job, answer) in batch.iter().zip(answers) {
            if let (Op::Claim(rows), Ok(Answer::Claims(claims))) = (&job.op, answer) {
                let won = rows.iter().zip(claims).filter(|(_, claim)| **claim == Claim::Won);
                self.doubtful.extend(won.map(|(row, _)| row.intent.run));
            }
        }
    }

    /// The negative control: answers first, and commits when `hold` writes have been answered.
    fn write_early(&mut self, batch: Vec<Job>, hold: usize) -> usize {
        let bytes = bytes(&batch);
        for job in batch {
            let answer = match &self.connection {
                Some(connection) => early(connection, &job.op)
                    .map_err(|e| fault(&self.file, "writing", &e))
                    .and_then(|answer| answer),
                None => Err(self.closed()),
            };
            job.answer(answer);
            self.early += 1;
            if self.early >= hold
                && let Some(connection) = &self.connection
                && connection.execute_batch("COMMIT").is_ok()
            {
                self.early = 0;
            }
        }
        bytes
    }

    fn closed(&self) -> Fault {
        Fault::new(
            Reason::Store,
            format!("the store `{}` is not open", self.file.display()),
        )
    }
}

/// Why a batch did not go through.
enum Failure {
    /// One write of several is at fault: each has to go alone.
    OneOf,
    /// The only write is at fault.
    Own(Fault),
    /// The store is at fault, and no write of the batch went through.
    All(Fault),
}

/// Where a batch failed.
enum Step {
    /// Before the commit: nothing of it can be on the disk.
    Write(Trouble),
    /// At the commit: nobody knows.
    Commit(Vec<Result<Answer, Fault>>, rusqlite::Error),
}

impl From<rusqlite::Error> for Step {
    fn from(error: rusqlite::Error) -> Self {
        Self::Write(Trouble::Sql(error))
    }
}

fn transact(
    on: &Connection,
    doubtful: &[RunId],
    batch: &mut Vec<Job>,
    mut join: impl FnMut(&mut Vec<Job>) -> bool,
) -> Result<Vec<Result<Answer, Fault>>, Step> {
    on.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
    if !doubtful.is_empty() {
        apply(on, &Op::Withdraw(doubtful.to_vec())).map_err(Step::Write)?;
    }
    let mut answers = Vec::with_capacity(batch.len());
    while answers.len() < batch.len() || join(batch) {
        for job in &batch[answers.len()..] {
            match apply(on, &job.op) {
                Ok(answer) => answers.push(Ok(answer)),
                Err(Trouble::Refused(fault)) => answers.push(Err(fault)),
                Err(trouble) => return Err(Step::Write(trouble)),
            }
        }
    }
    match on.prepare_cached("COMMIT")?.execute([]) {
        Ok(_) => Ok(answers),
        Err(error) => Err(Step::Commit(answers, error)),
    }
}

fn early(on: &Connection, op: &Op) -> rusqlite::Result<Result<Answer, Fault>> {
    if on.is_autocommit() {
        on.execute_batch("BEGIN IMMEDIATE")?;
    }
    match apply(on, op) {
        Ok(answer) => Ok(Ok(answer)),
        Err(Trouble::Refused(fault) | Trouble::Undo(fault)) => Ok(Err(fault)),
        Err(Trouble::Sql(error)) => Err(error),
    }
}

fn bytes(batch: &[Job]) -> usize {
    batch.iter().map(|job| job.bytes).sum()
}

impl Job {
    fn answer(self, answer: Result<Answer, Fault>) {
        if let Some(reply) = self.reply {
            // One who has gone needs no answer: a claim of his comes back as a withdrawal of its own.
            let _gone = reply.send(answer);
        }
    }
}

struct CloseOnDrop<'a>(&'a Queue);

impl Drop for CloseOnDrop<'_> {
    fn drop(&mut self) {
        self.0.close();
        while let Some(abandoned) = self.0.take() {
            drop(abandoned);
        }
    }
}
