//! The `http` trigger: one request, one attempt, on a connection of its own unless told otherwise.

mod client;
mod config;
mod fire;
mod request;
mod timing;

use std::sync::Arc;
use std::time::Duration;

use super::{CheckFacts, Kind, OpenContext, Prepared, Trigger};
use crate::clock::Clock;
use crate::diag::{Code, Problems};
use crate::model::{Fault, Reason, Response, Scope};

use config::HttpConfig;

/// The kind.
pub struct Http;

/// Most redirects that can be asked for.
const REDIRECTS_LIMIT: u8 = 5;

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
        let bodies = [
            ("json", config.json.is_some()),
            ("form", config.form.is_some()),
            ("body", config.body.is_some()),
            ("multipart", config.multipart.is_some()),
        ];
        let given: Vec<&str> = bodies
            .iter()
            .filter(|(_, given)| *given)
            .map(|(name, _)| *name)
            .collect();
        let span = config.url.span;
        if given.len() > 1 {
            let message = format!("a request has one body, and this one has {}", given.join(" and "));
            out.error(
                Code::Setting,
                span,
                message,
                "keep one of `json`, `form`, `body`, `multipart`",
            );
        }
        if let Some(method) = config
            .method
            .as_ref()
            .filter(|m| request::method(&m.value).is_err())
        {
            let message = format!("`{}` is no HTTP method", method.value);
            out.error(
                Code::Setting,
                method.span,
                message,
                "expected a word such as GET, POST or DELETE",
            );
        }
        if let Some(redirects) = config.redirects.as_ref().filter(|r| r.value > REDIRECTS_LIMIT) {
            let message = format!("`redirects: {}` is more than can be followed", redirects.value);
            out.error(Code::Setting, redirects.span, message, "expected 0 to 5");
        }
        if config.tls.cert.is_some() != config.tls.key.is_some() {
            out.error(
                Code::Setting,
                span,
                "a client certificate needs both `tls.cert` and `tls.key`",
                "one of them is missing",
            );
        }
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

impl Opened {
    fn clock(&self) -> Arc<dyn Clock> {
        self.context.clock.clone()
    }
}

impl Trigger for Opened {
    fn prepare(&self, scope: &dyn Scope) -> Result<Prepared, Fault> {
        let (request, shown) = request::build(&self.config, scope, &self.context.root)?;
        let firing = fire::Firing {
            client: self.client.clone(),
            request,
            clock: self.clock(),
            body_limit: self.config.body_limit(),
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
