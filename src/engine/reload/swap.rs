//! From definitions that were loaded to definitions that are in force.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use super::{Install, Step};
use crate::channel::ObservationSink as _;
use crate::definition::{ChannelDef, Probe, Workspace};
use crate::engine::Engine;
use crate::engine::drive::Message;
use crate::engine::slots::{Generation, Opened};
use crate::engine::supervise::{Place, used};
use crate::model::{ChannelId, Fault, Reason};

/// A tick by the definitions before may still be on its way for so long.
const SETTLE: Duration = Duration::from_secs(2);
/// A channel that is to make room has so long to let go.
const LET_GO: Duration = Duration::from_secs(15);

/// What became of channels, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChannelChanges {
    /// Those that were opened.
    pub opened: Vec<String>,
    /// Those that were opened in the place of one with other settings.
    pub replaced: Vec<String>,
    /// Those that are closed once every run on them has ended.
    pub closing: Vec<String>,
    /// Those that could not be opened, with the reason: what needs them is skipped, and they are tried again.
    pub failed: Vec<(String, Fault)>,
}

/// Where a channel of the new definitions stands.
enum Stand {
    /// Where it is.
    Kept(ChannelId),
    /// In the place of one that senders reach at the same address.
    Instead(ChannelId, Arc<Opened>),
    /// At a number of its own.
    Beside,
}

impl Engine {
    /// Puts other definitions into force: those of the probes that are to fire. What was fired before goes on by its
    /// own. To be followed by [`Engine::settle`] once every tick by the earlier definitions has been handed in.
    /// Reloads are one after the other.
    ///
    /// # Errors
    /// Too many channels are in use at once, or the engine has stopped; then nothing is another.
    pub async fn put_in_force(&self, mut next: Workspace) -> Result<(Arc<Workspace>, ChannelChanges), Fault> {
        let _one = self.shared.reloading.lock().await;
        let before = self.shared.workspace();
        let (redactor, fits) = next.redactor.and_earlier(&before.redactor);
        if !fits {
            tracing::warn!(
                "so many secrets were replaced that those of earlier definitions are no longer struck out"
            );
        }
        next.redactor = Arc::new(redactor);
        let stands = self.stands(&before, &next);
        let numbers = self.numbers(&stands, next.channels.len()).await?;
        next.number_channels(&numbers);
        next.keep_probes(&before);
        let next = Arc::new(next);

        let mut changes = ChannelChanges::default();
        let mut put = Vec::new();
        for (place, stand) in stands {
            let (Some(def), Some(id)) = (next.channels.get(place), numbers.get(place)) else {
                continue;
            };
            let instead_of = match stand {
                Stand::Kept(_) => continue,
                Stand::Instead(_, old) => Some(old),
                Stand::Beside => None,
            };
            let opened = self
                .open_instead(&next, *id, def, instead_of.as_deref(), &mut changes)
                .await;
            put.push((*id, opened));
        }
        let retire = self.retired(&numbers, &put, &mut changes);
        let fired_today = self.fired_today(&before, &next).await;
        let (done, installed) = oneshot::channel();
        let fresh: Vec<Arc<Opened>> = put.iter().map(|(_, opened)| opened.clone()).collect();
        let install = Install {
            workspace: next.clone(),
            put,
            retire,
            fired_today,
            done,
        };
        self.shared
            .tell(Message::Reload(Box::new(Step::Install(install))));
        let generation = installed.await.map_err(|_| stopped())?;
        self.shared
            .installed
            .store(generation, std::sync::atomic::Ordering::Release);
        for opened in &fresh {
            self.shared.opener.drive(opened);
            if opened.waiting.is_none() {
                opened.sink.up(false);
            }
        }
        Ok((next, changes))
    }

    /// Every tick by the definitions before those in force has been handed in: their channels are closed as soon as
    /// every run on them has ended.
    pub fn settle(&self) {
        let generation: Generation = self.shared.installed.load(std::sync::atomic::Ordering::Acquire);
        let shared = self.shared.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = shared.stop.cancelled() => {}
                () = shared.clock.sleep(SETTLE) => shared.tell(Message::Reload(Box::new(Step::Settled(generation)))),
            }
        });
    }

    /// Where each channel that the new definitions use stands, by its place in them.
    fn stands(&self, before: &Workspace, next: &Workspace) -> Vec<(usize, Stand)> {
        let slots = self.shared.slots();
        let known: HashMap<&str, (ChannelId, &Arc<Opened>)> = slots
            .in_force()
            .map(|(id, opened)| (opened.name.as_str(), (id, opened)))
            .collect();
        let stand = |def: &ChannelDef| match known.get(def.name.value.as_str()) {
            Some((id, old)) if old.digest == def.digest && before.root == next.root => Stand::Kept(*id),
            Some((id, old)) if old.kind == def.config.kind() && old.channel.is_addressed() => {
                Stand::Instead(*id, Arc::clone(old))
            }
            _ => Stand::Beside,
        };
        let places = used(next).into_iter().map(|id| usize::from(id.0));
        places
            .filter_map(|place| Some((place, stand(next.channels.get(place)?))))
            .collect()
    }

    /// The number of each place. Those of channels that nothing uses mean nothing.
    async fn numbers(&self, stands: &[(usize, Stand)], places: usize) -> Result<Vec<ChannelId>, Fault> {
        let count = stands
            .iter()
            .filter(|(_, stand)| matches!(stand, Stand::Beside))
            .count();
        let (numbers, reserved) = oneshot::channel();
        self.shared
            .tell(Message::Reload(Box::new(Step::Reserve { count, numbers })));
        let reserved = reserved.await.map_err(|_| stopped())?;
        if reserved.len() < count {
            let message = format!(
                "{count} channels are to be opened, and {} numbers are free: runs of the last day are still known by \
                 {} (limit of channels)",
                reserved.len(),
                u16::MAX
            );
            return Err(Fault::new(Reason::Limit, message));
        }
        let mut reserved = reserved.into_iter();
        let mut all = vec![ChannelId(u16::MAX); places];
        for (place, stand) in stands {
            let number = match stand {
                Stand::Kept(id) | Stand::Instead(id, _) => Some(*id),
                Stand::Beside => reserved.next(),
            };
            if let (Some(entry), Some(number)) = (all.get_mut(*place), number) {
                *entry = number;
            }
        }
        Ok(all)
    }

    /// Opens one channel. Where the address that it needs is held by the one that it replaces, that one lets go first;
    /// what comes in between is for its sender to try again.
    async fn open_instead(
        &self,
        workspace: &Workspace,
        id: ChannelId,
        def: &ChannelDef,
        instead_of: Option<&Opened>,
        changes: &mut ChannelChanges,
    ) -> Arc<Opened> {
        let opener = &self.shared.opener;
        let place = Place {
            workspace,
            id,
            def,
            instead_of,
        };
        let mut built = opener.build(&place).await;
        if let (Err(fault), Some(old)) = (&built, instead_of)
            && fault.reason == Reason::Unreachable
        {
            let name = &old.name;
            tracing::info!(
                channel = name,
                "the channel lets go of its address for the one with other settings"
            );
            let why = format!("channel `{name}` is opened anew with other settings");
            old.sink.down(self.clock.now(), Fault::new(Reason::Stopped, why));
            opener.close(old);
            drop(tokio::time::timeout(LET_GO, old.ended.cancelled()).await);
            built = opener.build(&place).await;
        }
        let name = def.name.value.clone();
        built.map_or_else(
            |fault| {
                let why = workspace.redactor.text(&fault.message).into_owned();
                tracing::error!(
                    channel = name,
                    fault = why,
                    "what needs this channel is skipped; it is tried again"
                );
                changes.failed.push((name.clone(), Fault::new(fault.reason, why)));
                opener.build_later(&place, fault)
            },
            |opened| {
                let slots = self.shared.slots();
                let was = slots.in_force().any(|(_, old)| old.name == name);
                let list = if was {
                    &mut changes.replaced
                } else {
                    &mut changes.opened
                };
                list.push(name.clone());
                opened
            },
        )
    }

    /// Channels that the new definitions do not use.
    fn retired(
        &self,
        numbers: &[ChannelId],
        put: &[(ChannelId, Arc<Opened>)],
        changes: &mut ChannelChanges,
    ) -> Vec<ChannelId> {
        let slots = self.shared.slots();
        let gone = slots.in_force().filter(|(id, _)| !numbers.contains(id));
        let mut retire = Vec::new();
        for (id, opened) in gone {
            retire.push(id);
            let replaced = put.iter().any(|(_, fresh)| fresh.name == opened.name);
            if !replaced {
                changes.closing.push(opened.name.clone());
            }
        }
        retire
    }

    /// What probes that had no limit a day, and have one now, have fired today.
    async fn fired_today(&self, before: &Workspace, next: &Workspace) -> Vec<(Arc<str>, u64)> {
        let limited = |probe: &&Arc<Probe>| probe.limits.per_day.is_some();
        let known: BTreeSet<&str> = before.probes.iter().filter(limited).map(|p| &*p.name).collect();
        let since = self.clock.now().day_start();
        let mut fired = Vec::new();
        for probe in next.probes.iter().filter(limited) {
            if known.contains(&*probe.name) {
                continue;
            }
            match self
                .shared
                .store
                .claimed_since(probe.name.to_string(), since)
                .await
            {
                Ok(count) => fired.push((probe.name.clone(), count)),
                Err(fault) => {
                    tracing::error!(probe = %probe.name, %fault, "earlier runs of today are not counted");
                }
            }
        }
        fired
    }
}

fn stopped() -> Fault {
    Fault::new(Reason::Stopped, "landfall is stopping")
}
