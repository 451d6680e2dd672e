//! Whether an event has come before, and whether its sender provably had our answer.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::channel::shared::bounded::Bounded;
use crate::model::Repeat;

/// How many events are remembered. One that was forgotten and comes again is told by its identity alone.
const EVENTS: usize = 65_536;
/// Of how many connections the last acknowledgement is remembered.
const CONNECTIONS: usize = 8192;

/// What became of the latest delivery of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Delivery {
    /// Not answered yet.
    Pending,
    /// Could not be put on record, so it counts as never seen.
    Lost,
    /// Answered, but with no 2xx.
    Refused,
    /// Answered with a 2xx that may have been lost on the way.
    Acknowledged,
    /// Answered with a 2xx, and the sender went on to use the same connection: it had the answer.
    Proven,
}

/// Remembers events by the id that makes them the same.
pub(super) struct Repeats(Mutex<Memory>);

struct Memory {
    events: Bounded<String, Delivery>,
    /// The event that was last acknowledged on each connection.
    acknowledged: Bounded<u64, Option<String>>,
}

impl Repeats {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Memory {
            events: Bounded::new(EVENTS),
            acknowledged: Bounded::new(CONNECTIONS),
        }))
    }

    /// A request came on a connection: its sender had the answer before.
    pub(super) fn proves(&self, connection: u64) {
        let mut memory = self.lock();
        let event = memory.acknowledged.get_mut(&connection).and_then(Option::take);
        if let Some(delivery) = event.and_then(|event| memory.events.get_mut(&event))
            && *delivery == Delivery::Acknowledged
        {
            *delivery = Delivery::Proven;
        }
    }

    /// An event has come.
    pub(super) fn begin(&self, event: &String) -> Repeat {
        let mut memory = self.lock();
        let delivery = memory.events.entry(event, || Delivery::Lost);
        match *delivery {
            Delivery::Lost => {
                *delivery = Delivery::Pending;
                Repeat::First
            }
            Delivery::Proven => Repeat::AfterAck,
            Delivery::Pending | Delivery::Refused | Delivery::Acknowledged => Repeat::Redelivery,
        }
    }

    /// It could not be put on record.
    pub(super) fn lost(&self, event: &String, repeat: Repeat) {
        // A failed repeat takes nothing away from the delivery that is on record.
        if repeat == Repeat::First {
            self.set(event, Delivery::Lost);
        }
    }

    /// It is about to be answered.
    pub(super) fn answer(&self, event: &String, connection: u64, acknowledged: bool) {
        if !acknowledged {
            self.set(event, Delivery::Refused);
            return;
        }
        self.set(event, Delivery::Acknowledged);
        *self.lock().acknowledged.entry(&connection, || None) = Some(event.clone());
    }

    pub(super) fn forgotten(&self) -> u64 {
        self.lock().events.forgotten()
    }

    fn set(&self, event: &String, to: Delivery) {
        if let Some(delivery) = self.lock().events.get_mut(event)
            && *delivery != Delivery::Proven
        {
            *delivery = to;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Memory> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event() -> String {
        String::from("msg_1")
    }

    #[test]
    fn after_an_answer_that_nothing_proves_it_is_a_redelivery() {
        for acknowledged in [false, true] {
            let repeats = Repeats::new();
            assert_eq!(repeats.begin(&event()), Repeat::First);
            assert_eq!(repeats.begin(&event()), Repeat::Redelivery, "not answered yet");
            repeats.answer(&event(), 1, acknowledged);
            repeats.proves(2);
            assert_eq!(
                repeats.begin(&event()),
                Repeat::Redelivery,
                "acknowledged: {acknowledged}"
            );
        }
    }

    #[test]
    fn after_a_proved_acknowledgement_it_is_a_duplicate_for_ever() {
        let repeats = Repeats::new();
        repeats.begin(&event());
        repeats.answer(&event(), 1, true);
        repeats.proves(1);
        assert_eq!(repeats.begin(&event()), Repeat::AfterAck);
        repeats.answer(&event(), 3, false);
        assert_eq!(repeats.begin(&event()), Repeat::AfterAck);
    }

    #[test]
    fn a_refusal_proves_nothing_even_on_the_same_connection() {
        let repeats = Repeats::new();
        repeats.begin(&event());
        repeats.answer(&event(), 1, false);
        repeats.proves(1);
        assert_eq!(repeats.begin(&event()), Repeat::Redelivery);
    }

    #[test]
    fn what_could_not_be_recorded_was_never_seen() {
        let repeats = Repeats::new();
        let first = repeats.begin(&event());
        repeats.lost(&event(), first);
        assert_eq!(repeats.begin(&event()), Repeat::First);
        repeats.answer(&event(), 1, true);
        let again = repeats.begin(&event());
        repeats.lost(&event(), again);
        assert_eq!(repeats.begin(&event()), Repeat::Redelivery);
    }

    #[test]
    fn memory_is_bounded_and_says_so() {
        let repeats = Repeats::new();
        for n in 0..=EVENTS as u64 {
            let event = n.to_string();
            repeats.begin(&event);
            repeats.answer(&event, n, true);
        }
        assert_eq!(repeats.forgotten(), 1);
        assert_eq!(repeats.begin(&String::from("0")), Repeat::First);
        assert_eq!(repeats.begin(&EVENTS.to_string()), Repeat::Redelivery);
    }
}
