//! What the listener calls: a request becomes a sighting, is put on record, and is then answered.

use futures::future::BoxFuture;
use serde_json::{Map, Value};

use super::answers::{Answer, Script};
use super::config::IdFrom;
use super::decode;
use super::gate::{Admitted, Gate};
use super::plant::{Plants, TAKEN};
use super::repeats::Repeats;
use crate::channel::shared::signature::{Age, Refusal, Signed, Verifier};
use crate::channel::{Handler, ObservationSink, OpenContext, Reply, Request};
use crate::model::{Fault, Identity, Interval, Reason, Sighting, Token, scan_text, scan_value};

/// Headers in which senders put an event's own id; the first that is there is taken.
const ID_HEADERS: [&str; 6] = [
    "webhook-id",
    "svix-id",
    "x-github-delivery",
    "x-shopify-webhook-id",
    "idempotency-key",
    "ce-id",
];
/// A longer id is kept as its digest.
const ID_LIMIT: usize = 200;

/// What the listener calls.
pub(super) struct Inbound {
    pub(super) context: OpenContext,
    pub(super) gate: Gate,
    pub(super) verifier: Option<Verifier>,
    pub(super) script: Script,
    pub(super) repeats: Repeats,
    pub(super) plants: Plants,
    pub(super) id: Option<IdFrom>,
    pub(super) body_limit: usize,
    pub(super) public_url: String,
}

impl Handler for Inbound {
    fn body_limit(&self) -> usize {
        self.body_limit
    }

    fn refuse(&self, head: &Request) -> Option<Reply> {
        self.repeats.proves(head.connection);
        self.admit(head).err()
    }

    fn handle(&self, request: Request) -> BoxFuture<'_, Reply> {
        Box::pin(async move {
            self.repeats.proves(request.connection);
            match self.take(request).await {
                Ok(reply) | Err(reply) => reply,
            }
        })
    }

    fn dropped(&self, what: &'static str, head: Option<&Request>) {
        let token = head.and_then(|head| self.gate.locate(&head.path)?.token);
        self.sink().dropped(what, token.as_slice());
    }
}

impl Inbound {
    fn sink(&self) -> &dyn ObservationSink {
        self.context.sink.as_ref()
    }

    fn admit(&self, head: &Request) -> Result<Admitted, Reply> {
        self.gate.admit(head).map_err(|refused| {
            let token = self.gate.locate(&head.path).and_then(|located| located.token);
            self.plants.came(token, refused.word);
            self.sink().refused(refused.word);
            refused.reply
        })
    }

    /// Puts a request on record, then answers it (invariant 6).
    async fn take(&self, request: Request) -> Result<Reply, Reply> {
        let admitted = self.admit(&request)?;
        let age = self.verify(&request).map_err(|refusal| {
            self.plants.came(admitted.token, refusal.word());
            self.sink().refused(refusal.word());
            Reply::text(401, "bad signature\n")
        })?;
        let connection = request.connection;
        let (mut sighting, event, token) = self.sighting(&request, &admitted, age);
        drop(request);
        if let Some(event) = &event {
            sighting.repeat = self.repeats.begin(event);
        }
        let repeat = sighting.repeat;
        if let Err(fault) = self.sink().send(sighting).await {
            if let Some(event) = &event {
                self.repeats.lost(event, repeat);
            }
            return Err(not_recorded(&fault));
        }
        self.plants.came(admitted.token, TAKEN);
        let answer = self.script.next(&token);
        if !answer.delay.is_zero() {
            self.context.clock.sleep(answer.delay).await;
        }
        if let Some(event) = &event {
            let acknowledged = answer.status.is_some_and(|status| (200..300).contains(&status));
            self.repeats.answer(event, connection, acknowledged);
        }
        Ok(reply(answer))
    }

    fn verify(&self, request: &Request) -> Result<Option<Age>, Refusal> {
        let Some(verifier) = &self.verifier else {
            return Ok(None);
        };
        let query = if request.query.is_empty() { "" } else { "?" };
        let url = format!("{}{}{query}{}", self.public_url, request.path, request.query);
        let signed = Signed {
            headers: &request.headers,
            method: &request.method,
            url: &url,
            body: &request.body,
        };
        verifier.verify(&signed, request.received)
    }

    /// The sighting, the id under which its repeats are known, and the token whose script answers it.
    fn sighting(
        &self,
        request: &Request,
        admitted: &Admitted,
        age: Option<Age>,
    ) -> (Sighting, Option<String>, String) {
        let mut seen = decode::decode(request, &admitted.path);
        seen.insert(String::from("stale"), age.is_some_and(|age| age.stale).into());
        seen.insert(String::from("age_seconds"), age.map(|age| age.seconds).into());
        let id = self.id_of(request, &seen);
        seen.insert(String::from("id"), id.clone().into());
        let needs_token = id.is_none() || self.script.has_steps();
        let token = match admitted.token {
            Some(token) => Some(token),
            None if needs_token => self.find_token(&seen),
            None => None,
        };
        let token = token.map(|token| token.to_string()).unwrap_or_default();
        let event = id
            .map(bounded)
            .or_else(|| (!token.is_empty()).then(|| digest(request)));
        let identity = event.clone().map_or(Identity::Anonymous, Identity::Event);
        let mut sighting = Sighting::new(Interval::point(request.received), identity, seen);
        sighting
            .keys
            .extend(admitted.token.map(|token| token.to_string()));
        sighting.summary = format!(
            "{} {}, {} bytes",
            request.method.escape_debug(),
            if admitted.path.is_empty() {
                "/"
            } else {
                &admitted.path
            }
            .escape_debug(),
            request.body.len()
        );
        (sighting, event, token)
    }

    fn id_of(&self, request: &Request, seen: &Map<String, Value>) -> Option<String> {
        let id = match &self.id {
            None => ID_HEADERS
                .iter()
                .find_map(|name| decode::header(request, name))
                .map(str::to_owned),
            Some(IdFrom::Header(name)) => {
                decode::header(request, &name.to_ascii_lowercase()).map(str::to_owned)
            }
            Some(IdFrom::Cel(expr)) => {
                let value = self.context.scope.pick(expr, &Value::Object(seen.clone()));
                match value {
                    Ok(Some(Value::String(text))) => Some(text),
                    Ok(Some(value)) if !value.is_null() => Some(value.to_string()),
                    Ok(_) => None,
                    Err(fault) => {
                        // The event is told by its content then, which the counter lets the author know.
                        tracing::debug!(channel = %self.context.name, %fault, "`id` has no value");
                        self.sink().refused("id_expression");
                        None
                    }
                }
            }
        };
        id.filter(|id| !id.is_empty())
    }

    fn find_token(&self, seen: &Map<String, Value>) -> Option<Token> {
        let key = &self.context.token_key;
        let text = seen.get("text").and_then(Value::as_str).unwrap_or_default();
        scan_text(key, text).into_iter().next().or_else(|| {
            let seen = Value::Object(seen.clone());
            scan_value(key, &seen).into_iter().next()
        })
    }
}

fn bounded(id: String) -> String {
    if id.len() <= ID_LIMIT {
        id
    } else {
        format!("blake3:{}", blake3::hash(id.as_bytes()))
    }
}

/// What makes a request without an id the same as another: all that its sender decides but for the headers.
fn digest(request: &Request) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in [
        request.method.as_bytes(),
        request.path.as_bytes(),
        request.query.as_bytes(),
        &request.body,
    ] {
        hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
    }
    format!("blake3:{}", hasher.finalize())
}

/// Not on record, so not acknowledged: the sender may try again.
fn not_recorded(fault: &Fault) -> Reply {
    if fault.reason == Reason::Limit {
        Reply::text(429, "too many requests that no run explains\n").header("retry-after", "60")
    } else {
        Reply::text(503, "not recorded\n").header("retry-after", "5")
    }
}

fn reply(answer: Answer) -> Reply {
    match answer.status {
        None => Reply::cut(),
        Some(status) => Reply {
            status,
            headers: answer.headers,
            body: answer.body,
        },
    }
}
