//! The `smtp` trigger: a mail, handed to an SMTP server.
//!
//! The mail is built by a library; the dialogue is landfall's own, since a verdict needs to know which step was
//! answered how, and whether the final dot had left.

mod config;
#[cfg(feature = "mail")]
mod dialogue;
#[cfg(feature = "mail")]
mod fire;
#[cfg(feature = "mail")]
mod message;
#[cfg(feature = "mail")]
mod render;
#[cfg(feature = "mail")]
mod wire;

use super::{CheckFacts, Kind, OpenContext, Trigger};
use crate::diag::Problems;
use crate::model::Fault;
use config::SmtpConfig;

/// The kind.
pub struct Smtp;

impl Kind for Smtp {
    const EXAMPLE: &'static str = "\
server: \"{{ vars.mail_host }}:587\"
tls: starttls
auth: { user: canary, password: \"${env:SMTP_PASSWORD}\" }
from: Canary <canary@example.com>
to: \"{{ channels.inbox.address }}\"
subject: \"Canary {{ token }}\"
headers: { x-route: \"{{ route.name }}\" }
text: \"A canary: {{ token }}\"
html: \"<p>A canary: {{ token }}</p>\"
attachments:
  - { name: token.txt, text: \"{{ token }}\" }
timeout: 30s
";
    // Boxed, since it is much larger than the settings of other kinds.
    type Config = Box<SmtpConfig>;

    fn check(config: &Box<SmtpConfig>, _: &CheckFacts, out: &mut Problems) {
        config.check(out);
    }

    #[cfg(feature = "mail")]
    fn open(config: Box<SmtpConfig>, context: &OpenContext) -> Result<Box<dyn Trigger>, Fault> {
        Ok(Box::new(fire::SmtpTrigger::open(*config, context)?))
    }

    #[cfg(not(feature = "mail"))]
    fn open(_: Box<SmtpConfig>, _: &OpenContext) -> Result<Box<dyn Trigger>, Fault> {
        let message = "the `smtp` trigger was left out of this build: build landfall with the feature `mail`";
        Err(Fault::new(crate::model::Reason::Input, message))
    }
}
