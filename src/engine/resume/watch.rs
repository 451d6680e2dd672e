//! Has the channels watch for resumed runs again, for as long as that takes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::stream::{StreamExt, iter};

use crate::channel::{Earlier, Watch};
use crate::engine::drive::{Message, Shared};
use crate::lifecycle::Event;
use crate::model::{ChannelId, Fault, Reason, RunId};

/// Runs that are armed on one channel at once.
const ARMS_AT_ONCE: usize = 1024;
/// Runs of which the loop is told at once.
const TOLD_AT_ONCE: usize = 16_384;
/// A channel that has not confirmed by then has not.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Between attempts: at first, and at most.
const PAUSE: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(10));

/// One run that waits on one channel.
#[derive(Clone)]
pub(super) struct Again {
    pub(super) watch: Watch,
    pub(super) earlier: Earlier,
    pub(super) keys: Vec<String>,
    /// Further runs for which it speaks, where the channel keeps nothing of any.
    pub(super) alike: Vec<RunId>,
}

/// What is to be watched for, by channel.
pub(super) type Watches = BTreeMap<ChannelId, Vec<Again>>;

/// Arms every run on its channels; each channel on its own, so that one that is down delays no other.
pub(super) fn start(shared: &Arc<Shared>, watches: Watches) {
    for (channel, list) in watches {
        let (shared, stop) = (shared.clone(), shared.stop.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = arm(&shared, channel, list) => {}
            }
        });
    }
}

async fn arm(shared: &Shared, channel: ChannelId, mut left: Vec<Again>) {
    let Some(opened) = shared.channel(channel) else {
        return;
    };
    let mut pause = PAUSE.0;
    loop {
        let mut failed = Vec::new();
        let mut why: Option<Fault> = None;
        let opened = &opened;
        let attempts = left.into_iter().map(|again| async move {
            let arming = opened.channel.rearm(again.watch.clone(), again.earlier.clone());
            let armed = tokio::time::timeout(TIMEOUT, arming).await;
            let late = || Fault::new(Reason::Timeout, format!("not armed within {TIMEOUT:?}"));
            (again, armed.unwrap_or_else(|_| Err(late())))
        });
        let mut attempts = iter(attempts).buffer_unordered(ARMS_AT_ONCE).chunks(TOLD_AT_ONCE);
        while let Some(ended) = attempts.next().await {
            let mut runs = Vec::with_capacity(ended.len());
            for (again, armed) in ended {
                match armed {
                    Ok(()) => {
                        let run = again.watch.run;
                        // Also without a key: a watch may wait for a captured value, or for the word that there is none.
                        opened.channel.extend(run, &again.keys, again.watch.scope);
                        runs.push(run);
                        runs.extend(again.alike);
                    }
                    Err(fault) => {
                        why.get_or_insert(fault);
                        failed.push(again);
                    }
                }
            }
            let at = shared.clock.now();
            shared.tell(Message::Event(Event::Rearmed { channel, runs, at }));
        }
        let Some(fault) = why else { return };
        let fault = shared.redactor().text(&fault.message).into_owned();
        tracing::warn!(channel = %opened.name, runs = failed.len(), fault, "runs of an earlier process are not watched for yet");
        left = failed;
        shared.clock.sleep(pause).await;
        pause = (pause * 2).min(PAUSE.1);
    }
}
