//! One look at all folders: what is new is read, decoded, handed over, and only then passed by the cursor.

use std::time::Duration;

use super::deliver::Reading;
use super::drive::Driver;
use super::fetch::{self, Extent, Meta};
use super::folder::Cursor;
use super::link::Link;
use crate::model::{Fault, Moment, Reason};

/// How many UIDs are asked for at once where a folder's end is known.
const WINDOW: u32 = 1000;
/// How many bytes of mail are held at once.
const BATCH_BYTES: u64 = 8 * 1024 * 1024;
/// How many mails are fetched at once.
const BATCH_MAILS: usize = 500;

/// An open folder is opened anew after so long.
const REOPEN: Duration = Duration::from_secs(30);

impl Driver {
    /// Looks at all folders. The result is when the first command was sent: everything that was there by then has
    /// gone to the sink. `thorough` opens the folder anew instead of relying on the server to announce what is new; so
    /// does the first look in a while, since a folder that was replaced under its name is announced to nobody.
    pub(super) async fn look(&mut self, link: &mut Link, thorough: bool) -> Result<Moment, Fault> {
        let first = self.inbox.now();
        let open = link.selected;
        let order: Vec<usize> = open
            .into_iter()
            .chain((0..self.folders.len()).filter(|at| Some(*at) != open))
            .collect();
        for at in order {
            let sent = self.inbox.now();
            let stale = sent.since(self.folders[at].opened) >= REOPEN;
            if link.selected == Some(at) && !thorough && !stale {
                link.command("NOOP", 0, |_| {}).await?;
                if link.news || self.folders[at].unread {
                    link.news = false;
                    self.folders[at].unread = true;
                    self.read(link, at, sent, None).await?;
                }
            } else if link.selected.is_none() || link.selected == Some(at) {
                self.open(link, at, sent).await?;
            } else {
                let extent = fetch::status(link, &self.folders[at].name).await?;
                if self.has_changed(at, extent) {
                    self.open(link, at, sent).await?;
                }
            }
            self.folders[at].looked = sent;
            self.folders[at].gap = false;
            self.folders[at].unread = false;
        }
        Ok(first)
    }

    /// Opens the first folder, which is the one that IDLE listens to, and reads what came meanwhile.
    pub(super) async fn open_first(&mut self, link: &mut Link) -> Result<(), Fault> {
        if link.selected != Some(0) {
            let sent = self.inbox.now();
            self.open(link, 0, sent).await?;
            self.folders[0].looked = sent;
            self.folders[0].unread = false;
        }
        Ok(())
    }

    fn has_changed(&self, at: usize, extent: Extent) -> bool {
        self.folders[at].cursor.is_none_or(|cursor| {
            cursor.validity != extent.validity || extent.next.is_none_or(|next| next > cursor.next)
        })
    }

    async fn open(&mut self, link: &mut Link, at: usize, sent: Moment) -> Result<(), Fault> {
        let name = self.folders[at].name.clone();
        let extent = fetch::open(link, &name, at, self.inbox.settings.delete).await?;
        self.folders[at].opened = sent;
        self.folders[at].unread = true;
        match self.folders[at].cursor {
            None => {
                // Mails from before the first look were not sent by a run of ours.
                let cursor = Cursor {
                    validity: extent.validity,
                    next: extent.next.unwrap_or(1),
                    newest: sent.0 / 1_000_000_000 - 60,
                    looked: sent,
                };
                self.save(at, cursor).await
            }
            Some(cursor) if cursor.validity == extent.validity => {
                self.read(link, at, sent, extent.next).await
            }
            Some(cursor) => self.read_again(link, at, sent, cursor, extent).await,
        }
    }

    /// Reads on from the cursor: up to `end` where it is known.
    async fn read(
        &mut self,
        link: &mut Link,
        at: usize,
        sent: Moment,
        end: Option<u32>,
    ) -> Result<(), Fault> {
        let Some(mut cursor) = self.folders[at].cursor else {
            return Ok(());
        };
        let reading = self.reading(at, cursor.validity, sent, None);
        while let Some(range) = window(cursor.next, end) {
            let mut metas = fetch::metas(link, &range).await?;
            let seen = self.inbox.now();
            // `n:*` always names the last mail, however low its UID is (RFC 3501 section 6.4.8).
            metas.retain(|meta| meta.uid >= cursor.next);
            for batch in batches(&metas, self.inbox.settings.max_size) {
                self.deliver(link, batch, reading, seen).await?;
                cursor.pass(batch, sent);
                self.save(at, cursor).await?;
            }
            let Some(end) = end else { break };
            cursor.next = cursor.next.max(cursor.next.saturating_add(WINDOW).min(end));
            cursor.looked = sent;
            self.save(at, cursor).await?;
        }
        Ok(())
    }

    /// The folder was made anew: every stored UID is void. Reads all of it, taking only what bears a token, is not
    /// older than what had been read before, and was not seen in this process. The cursor is saved at the end alone,
    /// so that a crash in between begins again.
    async fn read_again(
        &mut self,
        link: &mut Link,
        at: usize,
        sent: Moment,
        old: Cursor,
        extent: Extent,
    ) -> Result<(), Fault> {
        tracing::warn!(
            channel = %self.inbox.context.name, folder = %self.folders[at].name,
            old = old.validity, new = extent.validity, "UIDVALIDITY changed: the folder is read again"
        );
        let reading = self.reading(at, extent.validity, sent, Some(old.newest));
        let mut cursor = Cursor {
            validity: extent.validity,
            next: 1,
            newest: old.newest,
            looked: sent,
        };
        let end = extent.next.unwrap_or(1);
        while let Some(range) = window(cursor.next, Some(end)) {
            let mut metas = fetch::metas(link, &range).await?;
            let seen = self.inbox.now();
            metas.retain(|meta| meta.date.is_none_or(|date| date >= old.newest));
            for batch in batches(&metas, self.inbox.settings.max_size) {
                self.deliver(link, batch, reading, seen).await?;
                cursor.pass(batch, sent);
            }
            cursor.next = cursor.next.max(cursor.next.saturating_add(WINDOW).min(end));
        }
        cursor.next = cursor.next.max(end);
        self.save(at, cursor).await
    }

    fn reading(&self, at: usize, validity: u32, sent: Moment, again: Option<i64>) -> Reading {
        let folder = &self.folders[at];
        Reading {
            folder: at,
            validity,
            sent,
            before: folder.looked,
            gap: folder.gap || self.hand_over.delayed(folder.looked),
            again,
        }
    }

    async fn save(&mut self, at: usize, cursor: Cursor) -> Result<(), Fault> {
        let folder = &mut self.folders[at];
        if folder
            .cursor
            .is_some_and(|c| c.validity == cursor.validity && c.next == cursor.next)
        {
            return Ok(());
        }
        let text = serde_json::to_string(&cursor)
            .map_err(|e| Fault::new(Reason::Internal, format!("a cursor that is no JSON: {e}")))?;
        self.inbox.context.cursors.save(&folder.key, text).await?;
        folder.cursor = Some(cursor);
        Ok(())
    }
}

impl Cursor {
    fn pass(&mut self, batch: &[Meta], sent: Moment) {
        for meta in batch {
            self.next = self.next.max(meta.uid.saturating_add(1));
            self.newest = self.newest.max(meta.date.unwrap_or(0));
        }
        self.looked = sent;
    }
}

/// The UIDs to ask for next; none when the end is reached.
fn window(next: u32, end: Option<u32>) -> Option<String> {
    match end {
        None => Some(format!("{next}:*")),
        Some(end) if next >= end => None,
        Some(end) => Some(format!("{next}:{}", next.saturating_add(WINDOW - 1).min(end - 1))),
    }
}

/// Cuts a list into what is fetched at once; a mail over the limit is fetched alone, in part.
fn batches(metas: &[Meta], max_size: u32) -> Vec<&[Meta]> {
    let mut batches = Vec::new();
    let (mut start, mut bytes) = (0, 0_u64);
    for (n, meta) in metas.iter().enumerate() {
        let large = meta.size > max_size;
        let full = bytes + u64::from(meta.size) > BATCH_BYTES || n - start >= BATCH_MAILS;
        let after_large = start < n && metas[n - 1].size > max_size;
        if start < n && (large || full || after_large) {
            batches.push(&metas[start..n]);
            (start, bytes) = (n, 0);
        }
        bytes += u64::from(meta.size);
    }
    if start < metas.len() {
        batches.push(&metas[start..]);
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn meta(uid: u32, size: u32) -> Meta {
        Meta {
            uid,
            size,
            date: None,
        }
    }

    #[test]
    fn batches_are_bounded_and_large_mails_stand_alone() {
        let metas = [meta(1, 10), meta(2, 2000), meta(3, 10), meta(4, 10)];
        let sizes: Vec<usize> = batches(&metas, 1000).iter().map(|b| b.len()).collect();
        assert_eq!(sizes, [1, 1, 2]);
        let many: Vec<Meta> = (1..=1200).map(|uid| meta(uid, 10)).collect();
        assert_eq!(batches(&many, 1000).len(), 3);
        let heavy: Vec<Meta> = (1..=4).map(|uid| meta(uid, 3 * 1024 * 1024)).collect();
        assert_eq!(batches(&heavy, u32::MAX).len(), 2);
        assert!(batches(&[], 1000).is_empty());
    }

    #[test]
    fn windows_stop_at_the_end() {
        assert_eq!(window(5, None).as_deref(), Some("5:*"));
        assert_eq!(window(5, Some(5)), None);
        assert_eq!(window(5, Some(7)).as_deref(), Some("5:6"));
        assert_eq!(window(1, Some(5000)).as_deref(), Some("1:1000"));
    }
}
