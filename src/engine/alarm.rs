//! What wakes the loop at the machine's next deadline.

use std::time::Duration;

use futures::future::BoxFuture;

use super::drive::{Loop, Message};
use crate::clock::Clock;
use crate::lifecycle::Event;
use crate::model::{ChannelId, Moment};

/// An alarm that rings so late was held up, and with it whatever watches for outcomes.
const HELD_UP: Duration = Duration::from_millis(50);
/// Then what has come in meanwhile is read, and who watches the process itself has so long to say so, before anything is
/// judged by the time.
const HAVE_A_SAY: Duration = Duration::from_millis(250);

/// Rings at the machine's next deadline, and is set anew only where that has moved.
#[derive(Default)]
pub(super) struct Alarm(Option<(Moment, BoxFuture<'static, ()>, bool)>);

impl Alarm {
    pub(super) async fn rings(&mut self, clock: &dyn Clock, deadline: Option<Moment>) {
        let Some(at) = deadline else {
            self.0 = None;
            return std::future::pending().await;
        };
        let kept = self.0.take().filter(|(set, ..)| *set == at);
        let (_, ringing, waited) = self
            .0
            .insert(kept.unwrap_or_else(|| (at, clock.sleep_until(at), false)));
        ringing.as_mut().await;
        if !*waited && clock.now().since(at) >= HELD_UP {
            (*ringing, *waited) = (clock.sleep(HAVE_A_SAY), true);
            ringing.as_mut().await;
        }
        self.0 = None;
    }
}

impl Loop {
    /// The next deadline of a run, or when the next falls asleep.
    pub(super) fn next_alarm(&self) -> Option<Moment> {
        let rest = self.live.next_rest();
        self.machine.next_deadline().into_iter().chain(rest).min()
    }

    /// Of a run whose contents were lost nothing that is missing proves anything.
    pub(super) fn tell_spoilt(&mut self) {
        let tokens = self.live.spoilt();
        if tokens.is_empty() {
            return;
        }
        let event = Event::Dropped {
            // It is about these runs, wherever they wait.
            channel: ChannelId(u16::MAX),
            what: "what landfall held of the run could not be read back".into(),
            tokens,
        };
        self.shared.tell(Message::Event(event));
    }
}
