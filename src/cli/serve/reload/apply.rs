//! Definitions that are right come into force: in engine and schedule first, then with everybody who tells of them.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Answer, Reloader, not_applied};
use crate::cli::alerts::{destinations, watched};
use crate::cli::serve::force::InForce;
use crate::cli::start;
use crate::definition::{Difference, Probe, Workspace};
use crate::engine::ChannelChanges;
use crate::web::daemon::{ChannelReload, Refused, Reloaded};

impl Reloader {
    pub(super) async fn apply(&self, mut next: Workspace) -> Answer {
        let before = self.force.now();
        let restart = before.workspace.fixed_keys_that_differ(&next);
        next.keep_fixed_keys(&before.workspace);
        let difference = Difference::between(&before.probes, &next.probes);
        let disabled: Vec<Arc<Probe>> = next.probes.iter().filter(|p| !p.enabled).cloned().collect();
        // What is not fired opens no channel.
        next.probes.retain(|probe| probe.enabled);
        // What cannot be opened is found before anything is another.
        let wrong = |fault: crate::model::Fault| {
            let message = next.redactor.text(&fault.message).into_owned();
            Refused::Definitions(vec![not_applied(&message)])
        };
        let told = (
            watched(&next).map_err(wrong)?,
            destinations(&next, &self.clock).map_err(wrong)?,
        );

        let (workspace, channels) = self.engine.put_in_force(next).await?;
        start::strike(workspace.redactor.clone());
        self.ticker.set_probes(&workspace.probes).await?;
        self.engine.settle();

        let mut probes = workspace.probes.clone();
        probes.extend(disabled);
        probes.sort_by(|a, b| a.name.cmp(&b.name));
        self.force.put(InForce {
            workspace: workspace.clone(),
            probes,
            loaded: self.clock.now(),
            restart: restart.clone(),
        });
        self.alerts.take(told.0, told.1, workspace.redactor.clone()).await;
        self.declare(&workspace, &difference);
        for key in &restart {
            tracing::warn!(
                key,
                "`{key}` of landfall.yaml is another and holds only from the next start on: restart landfall to take it"
            );
        }
        Ok(reloaded(difference, channels, &restart))
    }

    /// Series of what is served; those that are gone are kept until their runs have ended.
    fn declare(&self, workspace: &Workspace, difference: &Difference) {
        let legs = workspace.probes.iter().flat_map(|probe| &probe.legs);
        let mut served: BTreeSet<(String, String)> = legs
            .map(|def| (def.leg.probe.to_string(), def.leg.route.to_string()))
            .collect();
        let flying = self.board.in_flight().into_iter();
        served.extend(flying.filter(|(_, runs)| *runs > 0).map(|(key, _)| key));
        self.board.retain(&served);
        self.metrics.declare(served);
        let is_new = |probe: &&Arc<Probe>| difference.added.contains(&probe.name);
        let added: Vec<Arc<Probe>> = workspace.probes.iter().filter(is_new).cloned().collect();
        if added.is_empty() {
            return;
        }
        let (board, store) = (self.board.clone(), self.store.clone());
        tokio::spawn(async move {
            if let Err(fault) = board.seed(store.as_ref(), &added).await {
                tracing::error!(%fault, "the board does not know earlier runs of probes that are new");
            }
        });
    }
}

fn reloaded(difference: Difference, channels: ChannelChanges, restart: &[&'static str]) -> Reloaded {
    let names = |list: Vec<Arc<str>>| list.iter().map(|name| name.to_string()).collect();
    let became = |change: &'static str| {
        move |name: String| ChannelReload {
            name,
            change: change.to_owned(),
            why: None,
        }
    };
    let mut all: Vec<ChannelReload> = channels.opened.into_iter().map(became("opened")).collect();
    all.extend(channels.replaced.into_iter().map(became("replaced")));
    all.extend(channels.closing.into_iter().map(became("closing")));
    all.extend(channels.failed.into_iter().map(|(name, fault)| ChannelReload {
        why: Some(fault.message),
        ..became("failed")(name)
    }));
    Reloaded {
        unchanged: u32::try_from(difference.unchanged.len()).unwrap_or(u32::MAX),
        added: names(difference.added),
        changed: names(difference.changed),
        removed: names(difference.removed),
        channels: all,
        restart: restart.iter().map(|key| (*key).to_owned()).collect(),
    }
}
