//! A mail becomes a sighting; whether it is the first, a redelivery or a duplicate.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::json;

use super::policy::lock;
use super::recent::Recent;
use super::session::Letter;
use crate::channel::ObservationSink;
use crate::channel::shared::mail::{self, Mail};
use crate::model::{Fault, Identity, Interval, Moment, Repeat, Sighting};

/// Mails whose answers are remembered, to tell a redelivery from a duplicate.
const REMEMBERED_MAILS: usize = 50_000;
/// From this size on a mail is decoded where it holds up nobody.
const DECODE_INLINE: usize = 32 << 10;

/// Puts mails on record.
pub(super) struct Recorder {
    sink: Arc<dyn ObservationSink>,
    /// By Message-ID and recipients: whether the 250 was provably received.
    answered: Mutex<Recent<String, bool>>,
    recorded: AtomicU64,
}

impl Recorder {
    pub(super) fn new(sink: Arc<dyn ObservationSink>) -> Self {
        Self {
            sink,
            answered: Mutex::new(Recent::new(REMEMBERED_MAILS)),
            recorded: AtomicU64::new(0),
        }
    }

    /// How many mails were put on record.
    pub(super) fn recorded(&self) -> u64 {
        self.recorded.load(Ordering::Relaxed)
    }

    /// Puts a mail on record; returns once it is durable, with the name by which its acknowledgement is proved.
    ///
    /// # Errors
    /// What the sink says.
    pub(super) async fn record(
        &self,
        letter: Letter,
        peer: SocketAddr,
        at: Moment,
    ) -> Result<Option<String>, Fault> {
        let (mail, letter) = decode(letter).await;
        if let Some(what) = &mail.refused {
            // A limit cut the mail: what it bore beyond may be missing from the runs that it names.
            match letter.tokens.as_slice() {
                [] => self.sink.refused(what),
                tokens => self.sink.dropped(what, tokens),
            }
        }
        let name = mail.message_id.as_ref().map(|id| repeat_name(id, &letter.to));
        let sighting = self.sighting(mail, &letter, peer, at, name.as_deref());
        self.sink.send(sighting).await?;
        self.recorded.fetch_add(1, Ordering::Relaxed);
        if let Some(name) = &name {
            lock(&self.answered).entry(name.clone(), || false);
        }
        Ok(name)
    }

    /// The sender has gone on after the 250: it was received.
    pub(super) fn proven(&self, name: &str) {
        if let Some(proven) = lock(&self.answered).get_mut(&name.to_owned()) {
            *proven = true;
        }
    }

    fn sighting(
        &self,
        mail: Mail,
        letter: &Letter,
        peer: SocketAddr,
        at: Moment,
        name: Option<&str>,
    ) -> Sighting {
        let repeat = match name.and_then(|n| lock(&self.answered).get_mut(&n.to_owned()).copied()) {
            None => Repeat::First,
            Some(false) => Repeat::Redelivery,
            Some(true) => Repeat::AfterAck,
        };
        let mut seen = mail.seen;
        let envelope = json!({
            "from": letter.from, "to": letter.to, "helo": letter.helo, "tls": letter.tls,
            "peer": peer.ip().to_string(),
        });
        seen.insert(String::from("envelope"), envelope);
        let identity = mail.message_id.map_or(Identity::Anonymous, Identity::Event);
        let mut sighting = Sighting::new(Interval::point(at), identity, seen);
        sighting.repeat = repeat;
        sighting.keys = letter.tokens.iter().map(|t| t.as_str().to_owned()).collect();
        for key in mail.keys {
            if !sighting.keys.contains(&key) {
                sighting.keys.push(key);
            }
        }
        sighting.automatic = mail.automatic;
        sighting.summary = mail.summary;
        sighting
    }
}

/// The same Message-ID to other recipients is a sender that splits a mail, not one that repeats it.
fn repeat_name(message_id: &str, to: &[String]) -> String {
    let mut to: Vec<String> = to.iter().map(|a| a.to_ascii_lowercase()).collect();
    to.sort_unstable();
    format!("{message_id} {}", to.join(" "))
}

/// Decodes a mail. The decoder guards itself against panics; should it break all the same, the mail is still one
/// observation.
async fn decode(mut letter: Letter) -> (Mail, Letter) {
    let raw = std::mem::take(&mut letter.raw);
    if raw.len() <= DECODE_INLINE {
        return (mail::decode(&raw), letter);
    }
    let work = tokio::task::spawn_blocking(move || mail::decode(&raw));
    let decoded = work.await.unwrap_or_else(|_| Mail {
        summary: String::from("a mail that cannot be decoded"),
        refused: Some(String::from("a mail that cannot be decoded")),
        ..Mail::default()
    });
    (decoded, letter)
}
