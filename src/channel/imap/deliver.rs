//! Mails on their way from the server to the sink: read, decoded, known again, handed over, deleted where asked.

use std::sync::atomic::Ordering;

use serde_json::Value;

use super::drive::Driver;
use super::fetch::{self, Meta};
use super::link::Link;
use super::memory::{Again, Place};
use crate::channel::shared::mail::{self, Mail};
use crate::model::{
    Fault, Identity, Interval, Moment, Reason, Repeat, Sighting, Token, TokenKey, scan_value,
};

/// What is known of the look that reads a folder.
#[derive(Clone, Copy)]
pub(super) struct Reading {
    pub(super) folder: usize,
    pub(super) validity: u32,
    /// When the look was sent.
    pub(super) sent: Moment,
    /// When the last look was sent that did not see what is new.
    pub(super) before: Moment,
    /// The connection was lost in between, or landfall itself was held up.
    pub(super) gap: bool,
    /// The folder was made anew: only mails that bear a token and are not older than this count.
    pub(super) again: Option<i64>,
}

impl Driver {
    /// Reads the mails of one batch and hands them over, in order.
    pub(super) async fn deliver(
        &mut self,
        link: &mut Link,
        batch: &[Meta],
        reading: Reading,
        seen: Moment,
    ) -> Result<(), Fault> {
        let partial = batch
            .first()
            .is_some_and(|meta| meta.size > self.inbox.settings.max_size);
        self.inbox.counters.fetches.fetch_add(1, Ordering::Relaxed);
        let mails = fetch::bodies(link, batch, partial).await?;
        let gone = batch.len() - mails.len();
        if gone > 0 && reading.again.is_none() {
            let folder = &self.folders[reading.folder].name;
            let what =
                format!("{gone} mails in {folder} were expunged by someone else before they could be read");
            self.inbox.context.sink.dropped(&what, &[]);
        }
        let mut own = Vec::new();
        let came = self.inbox.now();
        for (meta, raw) in mails {
            if let Some(identity) = self.send(link, meta, &raw, partial, reading, seen).await? {
                own.push((meta.uid, identity));
            }
        }
        self.hand_over.took(came, self.inbox.now());
        if !own.is_empty() {
            let uids: Vec<u32> = own.iter().map(|(uid, _)| *uid).collect();
            fetch::delete(link, &uids).await?;
            self.inbox
                .counters
                .deleted
                .fetch_add(uids.len() as u64, Ordering::Relaxed);
            own.iter().for_each(|(_, identity)| self.memory.deleted(identity));
        }
        Ok(())
    }

    /// Hands one mail to the sink. The result is its identity where it is to be deleted.
    async fn send(
        &mut self,
        link: &mut Link,
        meta: Meta,
        raw: &[u8],
        partial: bool,
        reading: Reading,
        seen: Moment,
    ) -> Result<Option<String>, Fault> {
        let mut mail = mail::decode(raw);
        let folder = &self.folders[reading.folder].name;
        mail.seen
            .insert(String::from("folder"), Value::String(folder.clone()));
        let tokens = tokens(&self.inbox.context.token_key, &mail);
        if reading.again.is_some() && tokens.is_empty() {
            return Ok(None);
        }
        // A mail without a Message-ID is known by its content, trace headers included: it too may be moved.
        let identity = mail
            .message_id
            .clone()
            .unwrap_or_else(|| format!("blake3:{}", blake3::hash(raw).to_hex()));
        let place = Place {
            folder: reading.folder,
            validity: reading.validity,
            uid: meta.uid,
            date: meta.date.unwrap_or(0),
            deleted: false,
        };
        let again = match self.memory.judge(&identity, place) {
            Again::IfPresent(uid)
                if fetch::metas(link, &uid.to_string())
                    .await?
                    .iter()
                    .any(|m| m.uid == uid) =>
            {
                Again::Arrived
            }
            Again::IfPresent(_) => Again::Moved,
            known => known,
        };
        if again == Again::Moved {
            self.inbox.counters.moved.fetch_add(1, Ordering::Relaxed);
            return Ok(None);
        }
        self.report_limits(&mail, meta, partial, &tokens);
        let sighting = sighting(mail, &identity, again, meta, reading, seen);
        match self.inbox.context.sink.send(sighting).await {
            Ok(_) => {}
            // The sink has counted it; a folder full of foreign mail must not hide what comes after it.
            Err(fault) if fault.reason == Reason::Limit => {
                self.inbox.counters.foreign.fetch_add(1, Ordering::Relaxed);
            }
            Err(fault) => return Err(fault),
        }
        self.inbox.counters.mails.fetch_add(1, Ordering::Relaxed);
        self.memory.remember(&identity, place);
        let delete = self.inbox.settings.delete && !tokens.is_empty();
        Ok(delete.then_some(identity))
    }

    fn report_limits(&self, mail: &Mail, meta: Meta, partial: bool, tokens: &[Token]) {
        let sink = &self.inbox.context.sink;
        if partial {
            let most = self.inbox.settings.max_size;
            let what = format!(
                "a mail of {} bytes is over `max_size` {most}: only its beginning was read",
                meta.size
            );
            sink.dropped(&what, tokens);
        }
        if let Some(what) = &mail.refused {
            sink.dropped(&format!("of a mail: {what}"), tokens);
        }
    }
}

fn sighting(
    mail: Mail,
    identity: &str,
    again: Again,
    meta: Meta,
    reading: Reading,
    seen: Moment,
) -> Sighting {
    let at = Interval {
        lo: reading.before.min(seen),
        hi: seen,
    };
    let mut sighting = Sighting::new(at, Identity::Event(identity.to_owned()), mail.seen);
    sighting.looked_at = Some(reading.sent);
    sighting.widened = reading.gap;
    sighting.narrowed = meta.date.and_then(|date| narrow(at, date));
    sighting.repeat = if again == Again::Arrived {
        Repeat::AfterAck
    } else {
        Repeat::First
    };
    sighting.keys = mail.keys;
    sighting.automatic = mail.automatic;
    sighting.summary = mail.summary;
    sighting
}

/// The part of the interval that lies in the second which the server noted.
fn narrow(at: Interval, second: i64) -> Option<Interval> {
    let lo = Moment(second.checked_mul(1_000_000_000)?);
    let hi = Moment(lo.0.checked_add(1_000_000_000)?);
    let narrowed = Interval {
        lo: at.lo.max(lo),
        hi: at.hi.min(hi),
    };
    (narrowed.lo <= narrowed.hi && narrowed != at).then_some(narrowed)
}

fn tokens(key: &TokenKey, mail: &Mail) -> Vec<Token> {
    mail.seen
        .values()
        .flat_map(|value| scan_value(key, value))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_second_narrows_and_never_moves_the_interval() {
        let at = Interval {
            lo: Moment(1_500_000_000),
            hi: Moment(4_000_000_000),
        };
        assert_eq!(
            narrow(at, 2),
            Some(Interval {
                lo: Moment(2_000_000_000),
                hi: Moment(3_000_000_000)
            })
        );
        assert_eq!(narrow(at, 9), None);
        assert_eq!(narrow(at, i64::MAX), None);
    }
}
