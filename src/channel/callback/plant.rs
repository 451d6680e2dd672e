//! The self-test: a request to the channel's own public address, the whole way round.

use std::collections::HashMap;
use std::error::Error as _;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::channel::Request;
use crate::model::{Fault, Reason, Token};
use crate::tls;

/// How long the way round may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Tokens that were planted, and what became of their request here: `None` while it has not come.
#[derive(Default)]
pub(super) struct Plants(Mutex<HashMap<Token, Option<&'static str>>>);

/// The word for a planted request that was put on record.
pub(super) const TAKEN: &str = "taken";

impl Plants {
    fn expect(&self, token: Token) {
        let mut plants = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        plants.insert(token, None);
    }

    /// A request that bears the token has come.
    pub(super) fn came(&self, token: Option<Token>, word: &'static str) {
        let mut plants = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = token.and_then(|token| plants.get_mut(&token)) {
            *place = Some(word);
        }
    }

    fn done(&self, token: &Token) -> Option<&'static str> {
        let mut plants = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        plants.remove(token).flatten()
    }
}

/// Sends the request, as its sender would, and says where it got stuck.
pub(super) async fn plant(plants: &Plants, token: Token, request: Request, url: &str) -> Result<(), Fault> {
    plants.expect(token);
    let sent = send(request, url).await;
    match (plants.done(&token), sent) {
        (Some(TAKEN), _) => Ok(()),
        (Some(word), _) => Err(Fault::new(
            Reason::Status,
            format!(
                "the request planted at {url} came here and was refused ({word}){}",
                advice(word)
            ),
        )),
        (None, Ok(status)) => Err(Fault::new(
            Reason::Unreachable,
            format!(
                "{url} answered {status}, but the request did not come here: something else answers at `public_url`; \
                 let its proxy forward `/c/` to the address that landfall listens on"
            ),
        )),
        (None, Err(fault)) => Err(fault),
    }
}

fn advice(word: &str) -> &'static str {
    match word {
        "source" => ": `sources` does not list this machine, so the self-test cannot tell more",
        "bad_signature" => ": what is signed was changed on the way, perhaps by a proxy",
        "credentials" | "missing_signature" => ": a header was lost on the way, perhaps at a proxy",
        _ => "",
    }
}

async fn send(request: Request, url: &str) -> Result<u16, Fault> {
    let unusable = |error: &dyn std::fmt::Display| {
        Fault::new(
            Reason::Input,
            format!("`public_url` makes no request possible: {error}"),
        )
    };
    let target = reqwest::Url::parse(url).map_err(|e| unusable(&e))?;
    let method = reqwest::Method::from_bytes(request.method.as_bytes()).map_err(|e| unusable(&e))?;
    let mut client = reqwest::Client::builder()
        .tls_backend_preconfigured(tls::system()?)
        .timeout(TIMEOUT)
        .redirect(reqwest::redirect::Policy::none());
    let here = target.host_str().is_some_and(|host| {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
    });
    if here {
        client = client.no_proxy();
    }
    let mut outgoing = client
        .build()
        .map_err(|e| unusable(&e))?
        .request(method, target)
        .body(request.body);
    for (name, value) in request.headers {
        outgoing = outgoing.header(name, value);
    }
    match outgoing.send().await {
        Ok(response) => Ok(response.status().as_u16()),
        Err(error) => {
            let mut why = String::new();
            let mut cause = error.source();
            while let Some(inner) = cause {
                why = tls::explain(inner);
                cause = inner.source();
            }
            let reason = if error.is_timeout() {
                Reason::Timeout
            } else {
                Reason::Unreachable
            };
            Err(Fault::new(
                reason,
                format!(
                    "{url} cannot be reached from here ({why}); check `public_url`, its name and its proxy"
                ),
            ))
        }
    }
}
