//! How far a folder has been read.

use serde::{Deserialize, Serialize};

use crate::model::Moment;

/// What is saved of a folder once everything below `next` is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Cursor {
    /// The folder's UIDVALIDITY: another one voids `next`.
    pub(super) validity: u32,
    /// The first UID not yet read.
    pub(super) next: u32,
    /// The latest INTERNALDATE read, in seconds since the epoch, by the server's clock.
    pub(super) newest: i64,
    /// When the look was sent that read up to here.
    pub(super) looked: Moment,
}

/// A folder as the driver knows it.
#[derive(Debug)]
pub(super) struct Folder {
    /// Its name in the settings.
    pub(super) name: String,
    /// The name under which its cursor is kept.
    pub(super) key: String,
    /// How far it has been read; `None` before the first look.
    pub(super) cursor: Option<Cursor>,
    /// When the last look was sent that covered all of it.
    pub(super) looked: Moment,
    /// When it was last opened.
    pub(super) opened: Moment,
    /// Something new could not be handed over yet.
    pub(super) unread: bool,
    /// The connection was lost since then.
    pub(super) gap: bool,
}

impl Folder {
    /// A folder that has not been looked at.
    pub(super) fn new(name: &str, key: String) -> Self {
        Self {
            name: name.to_owned(),
            key,
            cursor: None,
            looked: Moment(0),
            opened: Moment(0),
            unread: false,
            gap: false,
        }
    }

    /// Takes up where an earlier process stopped.
    pub(super) fn resume(&mut self, saved: &str) {
        if let Ok(cursor) = serde_json::from_str::<Cursor>(saved) {
            self.looked = cursor.looked;
            self.gap = true;
            self.cursor = Some(cursor);
        }
    }
}

/// An INTERNALDATE (RFC 3501 section 9, `date-time`) in seconds since the epoch.
pub(super) fn internal_date(text: &str) -> Option<i64> {
    let at = jiff::fmt::strtime::parse("%d-%b-%Y %H:%M:%S %z", text.trim()).ok()?;
    Some(at.to_timestamp().ok()?.as_second())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_internal_dates() {
        assert_eq!(internal_date("17-Jul-1996 02:44:25 -0700"), Some(837_596_665));
        assert_eq!(internal_date(" 1-Jan-2026 00:00:00 +0000"), Some(1_767_225_600));
        assert_eq!(internal_date("yesterday"), None);
    }
}
