//! Writes records in the order in which runs ended, many in one commit, and tells of each once it is durable.

use std::sync::Arc;

use futures::future::join_all;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::Update;
use crate::model::{Moment, RunRecord};
use crate::store::{Amendable, Store};

/// A record that is to be written.
pub(super) struct Job {
    pub(super) tick: Moment,
    pub(super) record: Arc<RunRecord>,
    pub(super) amended: bool,
    /// How it may be amended later; `None` where it never can be.
    pub(super) how: Option<Amendable>,
}

/// Most records written at once.
const BATCH: usize = 1024;

/// Works until `stop`, and then until everything that was handed in is written.
pub(super) async fn run(
    mut jobs: mpsc::UnboundedReceiver<Job>,
    store: Arc<dyn Store>,
    updates: mpsc::UnboundedSender<Update>,
    stop: CancellationToken,
) {
    let mut batch = Vec::new();
    loop {
        let received = tokio::select! {
            received = jobs.recv_many(&mut batch, BATCH) => received,
            () = stop.cancelled(), if !jobs.is_closed() => {
                jobs.close();
                continue;
            }
        };
        if received == 0 {
            return;
        }
        let writes = batch.iter_mut().map(|job| match job.how.take() {
            Some(how) => store.end(job.tick, job.record.clone(), how),
            None => store.close(job.tick, job.record.clone()),
        });
        let written = join_all(writes).await;
        for (job, written) in batch.drain(..).zip(written) {
            let not_stored = written.err().map(|fault| fault.message);
            if let Some(fault) = &not_stored {
                tracing::error!(run = %job.record.id, fault, "a record is not stored");
            }
            let update = if job.amended {
                Update::Amended(job.record)
            } else {
                Update::Closed {
                    record: job.record,
                    not_stored,
                }
            };
            // Nobody may be looking.
            drop(updates.send(update));
        }
    }
}
