//! The watcher's loop: connect when someone waits, look, sleep, reconnect.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::connect::connect;
use super::folder::Folder;
use super::link::Link;
use super::memory::Memory;
use super::pace::{Backoff, IDLE_FROM, pause};
use super::watch::Inbox;
use crate::channel::shared::hand_over::HandOver;
use crate::model::{Fault, Moment, Reason};

/// After the store refused, the next attempt to hand a mail over comes so much later.
const STORE_PAUSE: Duration = Duration::from_secs(1);

/// Owns the connection and what is known of the folders.
pub(super) struct Driver {
    pub(super) inbox: Arc<Inbox>,
    pub(super) folders: Vec<Folder>,
    pub(super) memory: Memory,
    pub(super) hand_over: HandOver,
    backoff: Backoff,
    resumed: bool,
    down: bool,
}

/// Why a connection's life ended.
enum End {
    /// Nothing was waited for any more.
    Idle,
    /// Landfall stops.
    Stop,
    /// It broke.
    Broken(Fault),
}

impl Driver {
    /// A watcher that has not connected yet.
    pub(super) fn new(inbox: Arc<Inbox>) -> Self {
        let settings = &inbox.settings;
        let folders = settings.folders.iter().map(|name| {
            let key = format!(
                "imap:{}:{}@{}:{name}",
                inbox.context.name, settings.user, settings.host
            );
            Folder::new(name, key)
        });
        Self {
            folders: folders.collect(),
            memory: Memory::default(),
            hand_over: HandOver::default(),
            backoff: Backoff::default(),
            resumed: false,
            down: false,
            inbox,
        }
    }

    /// Works until `stop` resolves.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        let mut retry = Moment(0);
        loop {
            if !self.await_need(&stop, retry).await {
                return;
            }
            let ended = tokio::select! {
                biased;
                () = stop.cancelled() => return,
                connected = self.begin() => connected,
            };
            let end = match ended {
                Ok(link) => {
                    self.backoff.reset();
                    self.inbox.counters.open.store(1, Ordering::Relaxed);
                    let end = self.live(link, &stop).await;
                    self.inbox.counters.open.store(0, Ordering::Relaxed);
                    // The first attempt to come back is made at once.
                    retry = self.inbox.now();
                    end
                }
                Err(fault) => {
                    let slow = matches!(fault.reason, Reason::Auth | Reason::Throttled);
                    let random = self.inbox.context.random.bytes();
                    retry = self.backoff.next(self.inbox.now(), slow, random);
                    self.inbox.failed(&fault, retry);
                    End::Broken(fault)
                }
            };
            match end {
                End::Stop => return,
                End::Idle => {}
                End::Broken(fault) => self.lost(fault),
            }
        }
    }

    /// Waits until a connection is needed and may be tried; false on stop.
    async fn await_need(&self, stop: &CancellationToken, retry: Moment) -> bool {
        while !self.inbox.needed() {
            tokio::select! {
                () = stop.cancelled() => return false,
                () = self.inbox.wake.notified() => {}
            }
        }
        tokio::select! {
            () = stop.cancelled() => false,
            () = self.inbox.context.clock.sleep_until(retry) => true,
        }
    }

    /// Connects and takes the first look, which closes the gap since the last one.
    async fn begin(&mut self) -> Result<Link, Fault> {
        if !self.resumed {
            for folder in &mut self.folders {
                if let Some(saved) = self.inbox.context.cursors.load(&folder.key).await? {
                    folder.resume(&saved);
                }
            }
            self.resumed = true;
        }
        self.inbox.counters.connections.fetch_add(1, Ordering::Relaxed);
        let mut link = connect(&self.inbox.settings, &self.inbox.counters.commands).await?;
        let sent = self.look(&mut link, true).await?;
        self.saw(sent);
        Ok(link)
    }

    /// Keeps looking until the connection has no more use.
    async fn live(&mut self, mut link: Link, stop: &CancellationToken) -> End {
        let mut quiet_since = self.inbox.now();
        let mut not_before = Moment(0);
        loop {
            if stop.is_cancelled() {
                link.close().await;
                return End::Stop;
            }
            while let Some(plant) = self.inbox.planted() {
                let folder = &self.folders[0].name;
                let outcome = link.append(folder, &plant.mail).await;
                let broken = outcome.clone().err();
                // Nobody may be waiting any more.
                plant.done.send(outcome).ok();
                if let Some(fault) = broken {
                    return End::Broken(fault);
                }
            }
            let now = self.inbox.now();
            if self.inbox.waiting() {
                quiet_since = now;
            } else if now.since(quiet_since) >= self.inbox.settings.idle_renew {
                link.close().await;
                return End::Idle;
            }
            let due = self.due(&link).map(|due| due.max(not_before));
            if due.is_some_and(|due| due <= now) {
                match self.look_once(&mut link).await {
                    Ok(()) => not_before = Moment(0),
                    Err(fault) if fault.reason == Reason::Store => not_before = now.after(STORE_PAUSE),
                    Err(fault) => return End::Broken(fault),
                }
                continue;
            }
            let renew = self.inbox.settings.idle_renew;
            let until = due.unwrap_or_else(|| now.after(renew)).min(now.after(renew));
            if let Err(fault) = self.sleep(&mut link, until, stop).await {
                return End::Broken(fault);
            }
        }
    }

    /// When the next look is to be sent; none while nobody waits.
    fn due(&self, link: &Link) -> Option<Moment> {
        if link.news {
            return Some(Moment(0));
        }
        let paced = self
            .inbox
            .waited()
            .zip(self.inbox.last_look())
            .map(|(waited, last)| last.after(pause(self.inbox.settings.burst, waited)));
        paced.into_iter().chain(self.inbox.wanted()).min()
    }

    async fn look_once(&mut self, link: &mut Link) -> Result<(), Fault> {
        let now = self.inbox.now();
        let thorough = self.inbox.wanted().is_some_and(|due| due <= now);
        match self.look(link, thorough).await {
            Ok(sent) => {
                self.saw(sent);
                Ok(())
            }
            Err(fault) => {
                if fault.reason == Reason::Store {
                    self.inbox.failed(&fault, now.after(STORE_PAUSE));
                }
                Err(fault)
            }
        }
    }

    /// Lets time pass until `until`, a wake-up, stop, or the server's word of something new.
    async fn sleep(&mut self, link: &mut Link, until: Moment, stop: &CancellationToken) -> Result<(), Fault> {
        let inbox = Arc::clone(&self.inbox);
        let woken = async {
            tokio::select! {
                () = stop.cancelled() => {}
                () = inbox.wake.notified() => {}
                () = inbox.context.clock.sleep_until(until) => {}
            }
        };
        let long = until.since(inbox.now()) >= IDLE_FROM;
        // Without IDLE an arrival cannot end the pause; the next look finds it.
        if long && link.can.idle {
            self.open_first(link).await?;
            if !link.news {
                return link.idle(woken).await;
            }
        } else {
            woken.await;
        }
        Ok(())
    }

    /// A look has covered everything up to `sent`.
    fn saw(&mut self, sent: Moment) {
        self.inbox.saw(sent);
        if std::mem::take(&mut self.down) {
            tracing::info!(channel = %self.inbox.context.name, "the inbox is seen again");
            self.inbox.context.sink.up(true);
        }
    }

    /// The connection is gone. Said once, and only where somebody waits: else there is nothing to miss.
    fn lost(&mut self, fault: Fault) {
        for folder in &mut self.folders {
            folder.gap = true;
        }
        if !self.down && self.inbox.waiting() {
            self.down = true;
            let now = self.inbox.now();
            let since = self.inbox.last_look().unwrap_or(now).min(now);
            tracing::warn!(channel = %self.inbox.context.name, %fault, "the inbox cannot be seen");
            self.inbox.context.sink.down(since, fault);
        }
    }
}
