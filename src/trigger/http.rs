//! The `http` trigger: one request, one attempt, on a connection of its own unless told otherwise.

mod body;
mod check;
mod client;
mod config;
mod connect;
mod failure;
mod fire;
mod note;
mod redirect;
mod request;
mod sessions;

use std::sync::Arc;
use std::time::Duration;

use super::{CheckFacts, Kind, OpenContext, Prepared, Trigger};
use crate::diag::Problems;
use crate::model::{Fault, Reason, Response, Scope};

use config::HttpConfig;

/// The kind.
pub struct Http;

impl Kind for Http {
    const EXAMPLE: &'static str = "\
method: POST
url: \"{{ vars.base }}/orders?via={{ route.via }}\"
headers: { x-canary: \"yes\" }
json:
  ref: \"{{ token }}\"
  amount: \"{{ input.amount }}\"
timeout: 5s
";
    type Config = HttpConfig;

    fn check(config: &HttpConfig, _: &CheckFacts, out: &mut Problems) {
        check::check(config, out);
    }

    fn open(config: HttpConfig, context: &OpenContext) -> Result<Box<dyn Trigger>, Fault> {
        let client = client::build(&config, context)?;
        Ok(Box::new(Opened {
            config: Arc::new(config),
            client,
            context: context.clone(),
        }))
    }
}

/// What all runs of a leg share.
struct Opened {
    config: Arc<HttpConfig>,
    client: reqwest::Client,
    context: OpenContext,
}

impl Trigger for Opened {
    fn prepare(&self, scope: &dyn Scope) -> Result<Prepared, Fault> {
        let (request, shown) = request::build(&self.config, scope, &self.context.root)?;
        let firing = fire::Firing {
            client: self.client.clone(),
            request,
            clock: self.context.clock.clone(),
            config: self.config.clone(),
        };
        Ok(Prepared {
            shown,
            fire: Box::new(move |shot| Box::pin(firing.fire(shot))),
        })
    }

    fn accepts(&self, response: &Response) -> bool {
        (200..300).contains(&response.status)
    }

    fn timeout(&self) -> Duration {
        self.config.timeout.0
    }
}

fn input(message: impl Into<String>) -> Fault {
    Fault::new(Reason::Input, message)
}
