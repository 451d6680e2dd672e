//! What separates bad runs from good, for the message that opens an alert: of the last runs alone, so that it costs little.

use std::time::Duration;

use super::Worker;
use crate::alert::policy::Topic;
use crate::alert::rules::{Decision, Event};
use crate::model::Mark;
use crate::report::causes::{Outcome, Question, explain};
use crate::store::{Order, PAGE_RUNS, RunFilter};

/// Runs of so long are looked at, but no more than a page of the store holds.
const LOOKED_AT: Duration = Duration::from_secs(86_400);
/// An alert does not wait longer for it.
const PATIENCE: Duration = Duration::from_secs(5);

impl Worker {
    /// The sentence, where something that is recorded separates them. It never keeps an alert from being told.
    pub(super) async fn cause(&self, name: &str, decision: &Decision, marks: &[Mark]) -> Option<String> {
        let asks = matches!(decision.event, Event::Opened | Event::Changed);
        if !asks || decision.topic != Topic::Outcome {
            return None;
        }
        let filter = RunFilter {
            probes: vec![name.to_owned()],
            since: Some(self.tools.clock.now().before(LOOKED_AT)),
            order: Order::Newest,
            limit: Some(PAGE_RUNS),
            ..RunFilter::default()
        };
        let marks = marks.to_vec();
        let work = async {
            let page = self.tools.store.page(filter).await.ok()?;
            let explained =
                tokio::task::spawn_blocking(move || explain(&page.runs, &marks, &Question::default()));
            explained.await.ok()
        };
        tokio::select! {
            found = work => found.filter(|found| found.outcome == Outcome::Causes).map(|found| found.sentence),
            () = self.tools.clock.sleep(PATIENCE) => None,
        }
    }
}
