//! One request for one run's resource.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method, Request, Response};
use serde_json::{Map, Value, json};

use super::client::blinds;
use super::{HttpAuth, HttpConfig};
use crate::channel::shared::poll::{Answered, Ask, Failure, Found, Pace, Reply, Source};
use crate::clock::Clock;
use crate::model::{Fault, Reason, Scope, Token};

/// How long a request may outlast its own time-out before it is given up from outside.
const PATIENCE: Duration = Duration::from_secs(1);
/// Bytes that are kept of all headers of an answer.
const HEADER_BYTES: usize = 32 << 10;

pub(super) struct HttpSource {
    config: HttpConfig,
    client: Client,
    clock: Arc<dyn Clock>,
    under_way: AtomicU64,
}

/// Counts a request as long as it is under way.
struct UnderWay<'a>(&'a AtomicU64);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A body as far as it was read.
struct Body {
    bytes: Vec<u8>,
    cut: bool,
}

impl HttpSource {
    pub(super) fn new(config: HttpConfig, client: Client, clock: Arc<dyn Clock>) -> Self {
        Self {
            config,
            client,
            clock,
            under_way: AtomicU64::new(0),
        }
    }

    fn request(&self, scope: &dyn Scope) -> Result<Request, Fault> {
        let input = |what: &str| Fault::new(Reason::Input, what.to_owned());
        let url = scope.url(&self.config.url)?;
        let method = Method::from_bytes(self.config.method.as_bytes())
            .map_err(|_| input("`method` is no HTTP method"))?;
        let mut headers = HeaderMap::new();
        for (name, value) in &self.config.headers {
            let wrong = || {
                Fault::new(
                    Reason::Input,
                    format!("the header `{name}` cannot be sent with its value"),
                )
            };
            let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong())?;
            headers.append(
                key,
                HeaderValue::from_str(&scope.text(value)?).map_err(|_| wrong())?,
            );
        }
        let mut request = self.client.request(method, url).headers(headers);
        request = match &self.config.auth {
            None => request,
            Some(HttpAuth::Bearer(token)) => request.bearer_auth(scope.secret(token)?),
            Some(HttpAuth::Basic { user, password }) => {
                request.basic_auth(scope.text(user)?, Some(scope.secret(password)?))
            }
        };
        request
            .build()
            .map_err(|_| input("`url` is no http or https address"))
    }

    async fn ask_one(&self, ask: &Ask) -> Result<Answered, Failure> {
        let request = match self.request(&*ask.scope) {
            Ok(request) => request,
            Err(fault) => {
                let now = self.clock.now();
                let unready = vec![(ask.run, fault)];
                let reply = Reply {
                    unready,
                    ..Reply::default()
                };
                return Ok(Answered {
                    sent: now,
                    came: now,
                    reply,
                });
            }
        };
        let url = request.url().to_string();
        self.under_way.fetch_add(1, Ordering::Relaxed);
        let _under_way = UnderWay(&self.under_way);
        // Stamped before the connection is made: the resource is looked at later than this, never earlier.
        let sent = self.clock.now();
        let mut reply = Reply::default();
        match self.exchange(request).await {
            Ok((response, body)) => self.judge(ask, url, &response, &body, &mut reply)?,
            Err(error) => {
                if let Some(fault) = blinds(&error) {
                    return Err(Failure::Down(fault));
                }
                // Refused, broken off or no answer in time: nothing is there yet, and that was a look.
            }
        }
        Ok(Answered {
            sent,
            came: self.clock.now(),
            reply,
        })
    }

    async fn exchange(&self, request: Request) -> Result<(Response, Body), reqwest::Error> {
        let mut response = self.client.execute(request).await?;
        let limit = self.config.body_limit.value;
        let mut body = Body {
            bytes: Vec::new(),
            cut: false,
        };
        while let Some(chunk) = response.chunk().await? {
            let room = limit - body.bytes.len();
            body.bytes.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
            if chunk.len() > room {
                body.cut = true;
                break;
            }
        }
        Ok((response, body))
    }

    fn judge(
        &self,
        ask: &Ask,
        url: String,
        response: &Response,
        body: &Body,
        reply: &mut Reply,
    ) -> Result<(), Failure> {
        let seen = self.seen(response, body);
        let value = Value::Object(seen);
        let holds = |expr| ask.scope.holds(expr, &value).map_err(Failure::Spoilt);
        let found = match &self.config.found {
            Some(expr) => holds(expr)?,
            None => response.status().is_success(),
        };
        if let Some(terminal) = &self.config.terminal
            && holds(terminal)?
        {
            reply.finished.push(ask.run);
        }
        let Value::Object(seen) = value else {
            return Ok(());
        };
        if found {
            let status = response.status().as_u16();
            let mut hash = blake3::Hasher::new();
            hash.update(&status.to_le_bytes()).update(&body.bytes);
            let mut digest = [0; 16];
            digest.copy_from_slice(&hash.finalize().as_bytes()[..16]);
            let head: String = String::from_utf8_lossy(&body.bytes).chars().take(80).collect();
            let head = head.replace(char::is_control, " ");
            reply.found.push(Found {
                key: ask.token.as_str().to_owned(),
                id: Some(url),
                digest,
                seen,
                summary: format!("{} {status} {head}", self.config.method.value)
                    .trim_end()
                    .to_owned(),
            });
        }
        Ok(())
    }

    fn seen(&self, response: &Response, body: &Body) -> Map<String, Value> {
        let mut cut: Vec<Value> = Vec::new();
        if body.cut {
            let note = format!(
                "the body, at the limit `body_limit` ({})",
                self.config.body_limit.value
            );
            cut.push(Value::String(note));
        }
        let mut headers: Map<String, Value> = Map::new();
        let mut bytes = 0;
        for (name, value) in response.headers() {
            let text = String::from_utf8_lossy(value.as_bytes());
            bytes += name.as_str().len() + text.len();
            if bytes > HEADER_BYTES {
                cut.push(Value::String(format!(
                    "headers, at the limit bytes of headers ({HEADER_BYTES})"
                )));
                break;
            }
            match headers.get_mut(name.as_str()) {
                Some(Value::String(before)) => {
                    before.push_str(", ");
                    before.push_str(&text);
                }
                _ => {
                    headers.insert(name.as_str().to_owned(), Value::String(text.into_owned()));
                }
            }
        }
        let json: Value = match body.cut {
            true => Value::Null,
            false => serde_json::from_slice(&body.bytes).unwrap_or(Value::Null),
        };
        let mut seen = crate::channel::seen();
        seen.insert(String::from("status"), json!(response.status().as_u16()));
        seen.insert(String::from("headers"), Value::Object(headers));
        seen.insert(
            String::from("text"),
            Value::String(String::from_utf8_lossy(&body.bytes).into_owned()),
        );
        seen.insert(String::from("json"), json);
        seen.insert(String::from("cut"), Value::Array(cut));
        seen
    }
}

impl Source for HttpSource {
    fn pace(&self) -> Pace {
        Pace {
            every: self.config.poll.value.0,
            batch: 1,
            lanes: self.config.concurrent.value.max(1),
            timeout: self.config.timeout.value.0 + PATIENCE,
            one_peer: false,
        }
    }

    fn offers(&self, _: &Token, scope: &dyn Scope) -> Result<Value, Fault> {
        // One whose address needs a captured value has none before the answer.
        Ok(scope
            .url(&self.config.url)
            .map_or_else(|_| json!({}), |url| json!({ "url": url })))
    }

    fn read_only(&self) -> &'static str {
        "the resource is only read: what changes it is the system that is tested"
    }

    fn ask<'a>(&'a self, asks: &'a [Ask]) -> BoxFuture<'a, Result<Answered, Failure>> {
        Box::pin(async move {
            match asks {
                [ask] => self.ask_one(ask).await,
                _ => Err(Failure::Down(Fault::new(
                    Reason::Internal,
                    "one resource is asked for at a time",
                ))),
            }
        })
    }

    fn connections(&self) -> u64 {
        self.under_way.load(Ordering::Relaxed)
    }
}
