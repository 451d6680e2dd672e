//! The `imap` channel: an inbox, watched over one connection for any number of runs.
//!
//! How it watches. IDLE is used to sleep, never to measure: servers hold its notices back (Dovecot by half a second).
//! While a young run waits, a NOOP goes out every `burst`; the pause grows with the time waited, to 1/400 of it and
//! 30 s at most, so that what is late is still dated to a quarter of a percent. Pauses of a second and more are slept
//! in IDLE, so that an arrival ends them. With no run waiting not a single command is sent, and the connection is
//! closed once its IDLE would have to be renewed. With several folders each look costs one more STATUS a folder.
//!
//! What is known about times. An observation's interval begins when the last look that did not see the mail was
//! sent, and ends when the answer came that did see it. The server's INTERNALDATE (whole seconds, its own clock)
//! narrows the interval as evidence only.
//!
//! What is never missed. A cursor (UIDVALIDITY, next UID) per folder is saved after what it covers is durable. After
//! a broken connection the first thing is a look from the cursor. A changed UIDVALIDITY means that every stored UID is
//! void (RFC 3501 section 2.3.1.1): the folder is read again from its beginning, matched by token alone.

mod config;
#[cfg(feature = "mail")]
mod connect;
#[cfg(feature = "mail")]
mod deliver;
#[cfg(feature = "mail")]
mod drive;
#[cfg(feature = "mail")]
mod fetch;
#[cfg(feature = "mail")]
mod folder;
#[cfg(feature = "mail")]
mod link;
#[cfg(feature = "mail")]
mod look;
#[cfg(feature = "mail")]
mod memory;
#[cfg(feature = "mail")]
mod names;
#[cfg(feature = "mail")]
mod pace;
#[cfg(feature = "mail")]
mod watch;

use std::sync::Arc;

use futures::future::BoxFuture;

use super::shared::mail;
use super::{Channel, Kind, OpenContext};
use crate::diag::Problems;
use crate::model::Fault;

use config::ImapConfig;

/// The kind.
pub struct Imap;

const FOLDER: (&str, &str) = (
    "folder",
    "The folder in which the mail was first seen, as `folders` names it: `INBOX`, `Junk`.",
);

const fn seen_fields() -> [(&'static str, &'static str); mail::SEEN.len() + 1] {
    let mut fields = [FOLDER; mail::SEEN.len() + 1];
    let mut at = 0;
    while at < mail::SEEN.len() {
        fields[at + 1] = mail::SEEN[at];
        at += 1;
    }
    fields
}

impl Kind for Imap {
    const EXAMPLE: &'static str = r#"host: imap.example.com
user: canary@example.com
password: "${env:IMAP_PASSWORD}"
address: "canary+{{ token }}@example.com"
folders: [INBOX, Junk]
"#;
    const OFFERS: &'static [(&'static str, &'static str)] = &[(
        "address",
        "The address that mail for this run goes to: the `address` setting, rendered.",
    )];
    const SEEN: &'static [(&'static str, &'static str)] = &seen_fields();
    // Boxed, since it is much larger than the settings of other kinds.
    type Config = Box<ImapConfig>;

    fn check(config: &Box<ImapConfig>, out: &mut Problems) {
        config::check(config, out);
    }

    #[cfg(feature = "mail")]
    fn open(
        config: Box<ImapConfig>,
        context: OpenContext,
    ) -> BoxFuture<'static, Result<Arc<dyn Channel>, Fault>> {
        Box::pin(async move { Ok(Arc::new(watch::Inbox::new(*config, context)?) as Arc<dyn Channel>) })
    }

    #[cfg(not(feature = "mail"))]
    fn open(_: Box<ImapConfig>, context: OpenContext) -> BoxFuture<'static, Result<Arc<dyn Channel>, Fault>> {
        Box::pin(async move {
            Err(Fault::new(
                crate::model::Reason::Input,
                format!(
                    "the channel `{}` is of kind imap, which this build leaves out: build with `--features mail`",
                    context.name
                ),
            ))
        })
    }
}
