//! The `callback` channel: an HTTP endpoint of landfall's own, at an address that nobody can guess.

mod answers;
mod config;
mod decode;
mod gate;
mod inbound;
mod plant;
mod repeats;

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::shared::signature::{Signed, Verifier};
use super::{Channel, Handler, Kind, OpenContext, Planted, Request, Watch};
use crate::diag::Problems;
use crate::model::{Fault, Moment, RunId, Scope, Token};
use answers::Script;
use config::CallbackConfig;
use gate::Gate;
use inbound::Inbound;
use plant::Plants;
use repeats::Repeats;

/// The kind.
pub struct Callback;

impl Kind for Callback {
    const LISTENS: bool = true;
    const EXAMPLE: &'static str = r#"signature:
  hmac: { header: x-hub-signature-256, prefix: "sha256=", secret: "${env:HOOK_SECRET}" }
answers: [503, 200]
methods: [POST]
body_limit: 64KiB
path: order-paid
"#;
    const OFFERS: &'static [(&'static str, &'static str)] = &[
        ("url", "The address to call, with the run's token in it."),
        (
            "base_url",
            "The same without the token, for senders that know one fixed address; the token is then found in what they send.",
        ),
    ];
    const SEEN: &'static [(&'static str, &'static str)] = &[
        ("method", "The method, in upper case."),
        (
            "path",
            "The path below the channel's address: `/TOKEN` and what follows.",
        ),
        ("query", "The query's fields; one that comes twice is a list."),
        (
            "form",
            "The fields of a form, urlencoded or multipart; a file is `filename`, `bytes` and `text`.",
        ),
        ("id", "The sender's own id of the event, else null."),
        (
            "lossy",
            "True where the body is not UTF-8 and `text` stands in for what is not.",
        ),
        (
            "stale",
            "True where the signed timestamp is older, or further ahead, than `tolerance`.",
        ),
        (
            "age_seconds",
            "How old the signed timestamp was on arrival; null where none is signed.",
        ),
    ];
    type Config = CallbackConfig;

    fn check(config: &CallbackConfig, out: &mut Problems) {
        config.check(out);
    }

    fn open(
        config: CallbackConfig,
        context: OpenContext,
    ) -> BoxFuture<'static, Result<Arc<dyn Channel>, Fault>> {
        Box::pin(async move {
            let opened: Arc<dyn Channel> = Opened::new(config, context)?;
            Ok(opened)
        })
    }
}

struct Opened {
    context: OpenContext,
    base: String,
    inner: Arc<Inbound>,
}

impl Opened {
    fn new(config: CallbackConfig, context: OpenContext) -> Result<Arc<Self>, Fault> {
        let prefix = format!(
            "/c/{}",
            context.token_key.derive(&format!("callback:{}", context.name))
        );
        let scope = context.scope.as_ref();
        let gate = Gate::new(&config, prefix.clone(), context.token_key.clone(), scope)?;
        let verifier = config
            .signature
            .as_ref()
            .map(|signature| Verifier::new(signature, config.tolerance.0, scope))
            .transpose()?;
        let public_url = context.listener.public_url();
        let inner = Arc::new(Inbound {
            context: context.clone(),
            gate,
            verifier,
            script: Script::new(config.answers.value),
            repeats: Repeats::new(),
            plants: Plants::default(),
            id: config.id,
            body_limit: config.body_limit.0,
            public_url: public_url.clone(),
        });
        let handler: Arc<dyn Handler> = Arc::<Inbound>::clone(&inner);
        context.listener.mount(&prefix, handler);
        Ok(Arc::new(Self {
            base: format!("{public_url}{prefix}"),
            context,
            inner,
        }))
    }

    fn url(&self, token: &Token) -> String {
        format!("{}/{token}{}", self.base, self.inner.gate.suffix)
    }

    fn trouble(&self) -> Option<Fault> {
        let trouble = self.context.listener.trouble()?;
        trouble.borrow().as_ref().map(|trouble| trouble.fault.clone())
    }

    /// The request that a sender would make for this token.
    fn sample(&self, token: &Token, url: &str) -> Request {
        let gate = &self.inner.gate;
        let body = json!({ "landfall": "self-test", "token": token }).to_string();
        let mut headers = vec![(String::from("content-type"), String::from("application/json"))];
        if let Some(authorization) = gate.authorization() {
            let value = String::from_utf8_lossy(authorization).into_owned();
            headers.push((String::from("authorization"), value));
        }
        let now = self.context.clock.now();
        if let Some(verifier) = &self.inner.verifier {
            let signed = Signed {
                headers: &[],
                method: gate.method(),
                url,
                body: body.as_bytes(),
            };
            headers.extend(verifier.sign(&signed, &format!("landfall-{token}"), now));
        }
        Request {
            received: now,
            method: gate.method().to_owned(),
            path: String::new(),
            query: String::new(),
            headers,
            body: Bytes::from(body),
            peer: ([127, 0, 0, 1], 0).into(),
            connection: 0,
        }
    }
}

impl Channel for Opened {
    fn offers(&self, token: &Token, _: &dyn Scope) -> Result<Value, Fault> {
        let base = format!("{}{}", self.base, self.inner.gate.suffix);
        Ok(json!({ "url": self.url(token), "base_url": base }))
    }

    fn arm(&self, _: Watch) -> BoxFuture<'_, Result<(), Fault>> {
        // The address is open from the start; only a listener that cannot take connections makes it blind.
        Box::pin(async { self.trouble().map_or(Ok(()), Err) })
    }

    fn extend(&self, _: RunId, _: &[String], _: Arc<dyn Scope>) {}

    fn look(&self, due: Moment) -> BoxFuture<'_, Result<Moment, Fault>> {
        Box::pin(async move { Ok(due) })
    }

    fn remembers(&self) -> bool {
        false
    }

    fn is_addressed(&self) -> bool {
        true
    }

    fn disarm(&self, _: RunId) {}

    fn drive(self: Arc<Self>, stop: CancellationToken) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let Some(mut trouble) = self.context.listener.trouble() else {
                return stop.cancelled().await;
            };
            let mut down = false;
            loop {
                let now = trouble.borrow_and_update().clone();
                let blind = now.is_some();
                match now {
                    Some(trouble) if !down => self.context.sink.down(trouble.since, trouble.fault),
                    // What was turned away meanwhile is gone.
                    None if down => self.context.sink.up(false),
                    _ => {}
                }
                down = blind;
                tokio::select! {
                    () = stop.cancelled() => return,
                    changed = trouble.changed() => if changed.is_err() {
                        return stop.cancelled().await;
                    },
                }
            }
        })
    }

    fn plant(&self, token: &Token) -> BoxFuture<'_, Result<Planted, Fault>> {
        let token = *token;
        Box::pin(async move {
            let url = self.url(&token);
            let sample = self.sample(&token, &url);
            plant::plant(&self.inner.plants, token, sample, &url).await?;
            Ok(Planted::Yes)
        })
    }

    fn counters(&self) -> BTreeMap<&'static str, u64> {
        BTreeMap::from([
            ("forgotten_events", self.inner.repeats.forgotten()),
            ("forgotten_answers", self.inner.script.forgotten()),
        ])
    }
}
