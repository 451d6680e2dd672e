//! Which mails were seen: tells a mail that was moved from one that came twice.

use std::collections::{HashMap, VecDeque};

/// How many mails are remembered; the oldest are forgotten first.
const LIMIT: usize = 20_000;

/// Where a mail was first seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The folder's place in the settings.
    pub(super) folder: usize,
    /// The folder's UIDVALIDITY.
    pub(super) validity: u32,
    /// Its UID there.
    pub(super) uid: u32,
    /// Its INTERNALDATE, which a move or copy preserves.
    pub(super) date: i64,
    /// Landfall has deleted it.
    pub(super) deleted: bool,
}

/// What a mail with a known identity is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Again {
    /// Not seen before.
    New,
    /// The same mail, moved or copied by someone, or read again: not an arrival.
    Moved,
    /// The mail arrived a second time.
    Arrived,
    /// One or the other: a second arrival if the mail with this UID is still in the folder.
    IfPresent(u32),
}

/// The mails seen.
#[derive(Debug, Default)]
pub(super) struct Memory {
    places: HashMap<String, Place>,
    order: VecDeque<String>,
}

impl Memory {
    /// What a mail of this identity is, at this place.
    pub(super) fn judge(&self, identity: &str, at: Place) -> Again {
        match self.places.get(identity) {
            None => Again::New,
            Some(first) if *first == at => Again::Moved,
            // A folder that was made anew holds the same mails under new UIDs.
            Some(first) if first.folder != at.folder || first.validity != at.validity => Again::Moved,
            Some(first) if first.deleted || first.date != at.date => Again::Arrived,
            Some(first) => Again::IfPresent(first.uid),
        }
    }

    /// Remembers a mail, at its latest place.
    pub(super) fn remember(&mut self, identity: &str, at: Place) {
        if self.places.insert(identity.to_owned(), at).is_none() {
            self.order.push_back(identity.to_owned());
            if self.order.len() > LIMIT
                && let Some(oldest) = self.order.pop_front()
            {
                self.places.remove(&oldest);
            }
        }
    }

    /// Landfall has deleted the mail.
    pub(super) fn deleted(&mut self, identity: &str) {
        if let Some(place) = self.places.get_mut(identity) {
            place.deleted = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Place = Place {
        folder: 0,
        validity: 1,
        uid: 5,
        date: 100,
        deleted: false,
    };

    #[test]
    fn tells_a_move_from_a_second_arrival() {
        let mut memory = Memory::default();
        assert_eq!(memory.judge("a", AT), Again::New);
        memory.remember("a", AT);
        assert_eq!(memory.judge("a", Place { folder: 1, ..AT }), Again::Moved);
        assert_eq!(memory.judge("a", Place { validity: 2, ..AT }), Again::Moved);
        assert_eq!(
            memory.judge(
                "a",
                Place {
                    uid: 6,
                    date: 101,
                    ..AT
                }
            ),
            Again::Arrived
        );
        assert_eq!(memory.judge("a", Place { uid: 6, ..AT }), Again::IfPresent(5));
        assert_eq!(memory.judge("a", AT), Again::Moved);
        memory.deleted("a");
        assert_eq!(memory.judge("a", Place { uid: 6, ..AT }), Again::Arrived);
    }

    #[test]
    fn forgets_the_oldest_first() {
        let mut memory = Memory::default();
        for n in 0..=LIMIT {
            memory.remember(&n.to_string(), AT);
        }
        assert_eq!(memory.judge("0", AT), Again::New);
        assert_ne!(memory.judge("1", AT), Again::New);
    }
}
