//! One turn of upkeep: hours that have ended are rolled up, then what has been kept long enough leaves. Every step is one
//! small write and may be the last: the next turn goes on where this one stopped.

use super::SqliteStore;
use super::op::{Answer, Op};
use super::prune::{self, Left, Prune, Sort};
use super::rollup::{self, RollupOp};
use crate::model::{Fault, Moment, Rollup, RunId};
use crate::store::{Retention, Upkeep};

impl SqliteStore {
    pub(super) async fn keep_up(&self, now: Moment, retention: Retention) -> Result<Upkeep, Fault> {
        let mut done = Upkeep::default();
        self.roll_up(Rollup::hour_of(now), &mut done).await?;
        let runs = Rollup::hour_of(now.before(retention.runs));
        let failures = Rollup::hour_of(now.before(retention.failures)).min(runs);
        self.prune_runs(runs, failures, &mut done).await?;
        self.prune_strays(runs, &mut done).await?;
        let rollups = now.before(retention.rollups);
        for (sort, before) in [
            (Sort::Skips, runs),
            (Sort::SkipSpans, rollups),
            (Sort::Marks, rollups),
            (Sort::Rollups, rollups),
        ] {
            loop {
                let left = self.prune(Prune::Old(sort, before)).await?;
                done.others += left.rows;
                if left.rows == 0 {
                    break;
                }
            }
        }
        Ok(done)
    }

    /// Rolls up what is due before `until`, the first instant of the hour that has not ended.
    async fn roll_up(&self, until: Moment, done: &mut Upkeep) -> Result<(), Fault> {
        self.roll(RollupOp::Rolling(until)).await?;
        loop {
            let next = self.readers.read(|on| {
                let at = rollup::progress(on)?;
                rollup::unlisted(on, at)
            });
            let Some((hour, probes)) = next.await? else { break };
            self.roll(RollupOp::Listed { hour, probes }).await?;
        }
        // Each once a turn: an hour whose runs still change is made again in the next.
        let mut last = None;
        loop {
            let due = self.readers.read(move |on| {
                let from = rollup::progress(on)?.pruned;
                rollup::due(on, from, last.as_ref())
            });
            let due = due.await?;
            last = due.last().cloned();
            if last.is_none() {
                return Ok(());
            }
            for due in due {
                let (due, rollups) = self.readers.read(move |on| rollup::make(on, due)).await?;
                self.roll(RollupOp::made(due, rollups)?).await?;
                done.rolled_up += 1;
            }
        }
    }

    async fn prune_runs(&self, runs: Moment, failures: Moment, done: &mut Upkeep) -> Result<(), Fault> {
        let mut from = self.readers.read(rollup::progress).await?.removed;
        // First: from now on no hour is made again of which a part of the runs is gone.
        self.prune(Prune::Pruned(runs)).await?;
        loop {
            let batch = self
                .readers
                .read(move |on| prune::delivered(on, from, runs))
                .await?;
            let Some((last, _)) = batch.last() else { break };
            from = Some(*last);
            let batch = batch.into_iter().map(|(_, run)| run).collect();
            self.remove(batch, done).await?;
        }
        self.prune(Prune::Removed(runs)).await?;
        loop {
            let batch = self.readers.read(move |on| prune::any(on, failures)).await?;
            if batch.is_empty() {
                return Ok(());
            }
            self.remove(batch, done).await?;
        }
    }

    async fn remove(&self, batch: Vec<RunId>, done: &mut Upkeep) -> Result<(), Fault> {
        let left = self.prune(Prune::Runs(batch)).await?;
        done.runs += left.rows;
        done.observations += left.observations;
        Ok(())
    }

    async fn prune_strays(&self, before: Moment, done: &mut Upkeep) -> Result<(), Fault> {
        loop {
            let batch = self.readers.read(move |on| prune::strays(on, before)).await?;
            if batch.is_empty() {
                return Ok(());
            }
            done.observations += self.prune(Prune::Strays(batch)).await?.observations;
        }
    }

    async fn roll(&self, op: RollupOp) -> Result<(), Fault> {
        self.write(Op::Rollup(op)).await.map(drop)
    }

    async fn prune(&self, op: Prune) -> Result<Left, Fault> {
        match self.write(Op::Prune(op)).await? {
            Answer::Left(left) => Ok(left),
            other => Err(self.unexpected(&other)),
        }
    }
}
