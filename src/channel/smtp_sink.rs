//! The `smtp_sink` channel: a mail server of landfall's own.
//!
//! It takes mail for its own addresses, puts each on record before it says 250, and never sends any: nothing in this
//! module opens a connection but `plant`, which reaches the sink itself and nobody else.

mod auth;
mod channel;
mod config;
mod connection;
mod lines;
mod plant;
mod policy;
mod recent;
mod recorder;
mod reply;
mod server;
mod session;
mod tls;

use std::sync::Arc;

use futures::future::BoxFuture;

use super::shared::mail;
use super::{Channel, Kind, OpenContext};
use crate::diag::Problems;
use crate::model::Fault;

use config::SmtpSinkConfig;

/// The kind.
pub struct SmtpSink;

impl Kind for SmtpSink {
    const EXAMPLE: &'static str = "\
listen: 127.0.0.1:0
domain: landfall.test
addresses: [ops@landfall.test]
tls: self_signed
size_limit: 1048576
answers:
  - { at: recipient, reply: 451 4.7.1 greylisted, times: 2 }
";
    const OFFERS: &'static [(&'static str, &'static str)] = &[
        ("address", "An address of the sink that bears the run's token."),
        (
            "host",
            "Where the sink listens: the setting `host`, else its address.",
        ),
        ("port", "The port that it listens on."),
        ("domain", "The domain that it takes mail for."),
    ];
    const SEEN: &'static [(&'static str, &'static str)] = &{
        let envelope =
            "How the mail came: `from` and `to` (a list) of the SMTP envelope, `helo`, `tls`, `peer`.";
        let mut all = [("envelope", envelope); mail::SEEN.len() + 1];
        let mut at = 0;
        while at < mail::SEEN.len() {
            all[at] = mail::SEEN[at];
            at += 1;
        }
        all
    };
    // Boxed, since it is much larger than the settings of other kinds.
    type Config = Box<SmtpSinkConfig>;

    fn check(config: &Box<SmtpSinkConfig>, out: &mut Problems) {
        config.check(out);
    }

    fn open(
        config: Box<SmtpSinkConfig>,
        context: OpenContext,
    ) -> BoxFuture<'static, Result<Arc<dyn Channel>, Fault>> {
        Box::pin(async move {
            let sink = channel::Sink::open(*config, context).await?;
            Ok(Arc::new(sink) as Arc<dyn Channel>)
        })
    }
}
