//! Tells whoever follows that something happened; what it was he reads where it is kept.

use std::sync::Arc;

use tokio::sync::broadcast;

use super::hub::Subscriber;
use crate::engine::Update;
use crate::model::RunId;
use crate::web::daemon::Event;

/// Events that wait for a slow reader; one that is slower loses some, is told so, and reads the store.
const EVENTS: usize = 1024;

/// Takes what the engine tells, for followers of pages and API.
pub(super) struct Bell(broadcast::Sender<Event>);

impl Bell {
    pub(super) fn new() -> Self {
        Self(broadcast::Sender::new(EVENTS))
    }

    /// Events from now on.
    pub(super) fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.0.subscribe()
    }

    /// Where nobody follows there is nobody to tell.
    pub(super) fn ring(&self, event: Event) {
        drop(self.0.send(event));
    }
}

impl Subscriber for Bell {
    fn take(&self, update: &Update) {
        if self.0.receiver_count() == 0 {
            return;
        }
        let run = |run: RunId, probe: &str| Event::Run {
            run,
            probe: Arc::from(probe),
        };
        self.ring(match update {
            Update::Closed { record, .. } | Update::Amended(record) => run(record.id, &record.probe),
            Update::Skipped(skip) => Event::Skip {
                probe: Arc::from(skip.probe.as_str()),
            },
            Update::SkippedSpan { span, .. } => Event::Skip {
                probe: Arc::from(span.probe.as_str()),
            },
            Update::Step(step) => Event::Step {
                run: step.run,
                probe: Arc::clone(&step.probe),
            },
            Update::ChannelDown { channel, .. } | Update::ChannelUp { channel, .. } => Event::Channel {
                name: channel.clone(),
            },
        });
    }
}
