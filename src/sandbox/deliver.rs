//! Carries a plan through: waits, sends, tries again as real senders do, and notes what really happened.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::Uri;
use serde_json::json;
use tokio::sync::Semaphore;

use super::gateway::{Gateway, Message};
use super::ledger::{Attempt, Outcome, Repeat, instant, stray_name};
use super::mail::{Letter, Mail, Mailer, Session};
use super::message::{Channel, Event};
use super::plan::{Plan, Planned};
use super::rows::{Row, Rows};
use super::webhook::{Connection, Post, Webhooks};

/// How often a sender tries in all before it gives up.
const TRIES: u32 = 5;
/// The pause after the first try that failed; it doubles.
const BACKOFF: Duration = Duration::from_millis(200);
/// Deliveries under way at once; more wait their turn, and the truth says so.
const AT_ONCE: usize = 512;
/// How long a delivery that is under way may go on once the sandbox is told to stop.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// The ways out.
pub(super) struct Outbound {
    pub(super) webhooks: Webhooks,
    pub(super) mailer: Option<Mailer>,
    pub(super) rows: Option<Arc<Rows>>,
    turns: Semaphore,
}

impl Outbound {
    pub(super) fn new(webhooks: Webhooks, mailer: Option<Mailer>, rows: Option<Arc<Rows>>) -> Self {
        Self {
            webhooks,
            mailer,
            rows,
            turns: Semaphore::new(AT_ONCE),
        }
    }
}

/// How many chains a plan has: an outcome and its repeats are one, for they may share a connection.
pub(super) fn chains(plan: &Plan) -> usize {
    plan.outcomes.iter().filter(|o| o.repeat.is_none()).count()
}

/// Sets out on all chains of a message.
pub(super) fn launch(gateway: &Arc<Gateway>, message: &Arc<Message>) {
    for (first, planned) in message.plan.outcomes.iter().enumerate() {
        if planned.repeat.is_some() {
            continue;
        }
        let id = &message.entry.outcomes[first].message;
        let repeats = message.entry.outcomes.iter().enumerate();
        let repeats =
            repeats.filter(|(_, o)| o.repeat.is_some() && o.channel == planned.channel && o.message == *id);
        let chain = Chain {
            gateway: Arc::clone(gateway),
            message: Arc::clone(message),
            first,
            repeats: repeats.map(|(at, _)| at).collect(),
        };
        gateway.tasks.spawn(chain.run());
    }
}

struct Chain {
    gateway: Arc<Gateway>,
    message: Arc<Message>,
    first: usize,
    repeats: Vec<usize>,
}

/// What is sent, ready.
enum Parcel {
    Event { to: Uri, id: String, body: Bytes },
    Mail(Mail),
    Row(Row),
}

/// What it is sent over.
enum Line {
    Webhook(Connection),
    Mail(Session),
    Row,
}

impl Chain {
    async fn run(self) {
        let stop = self.gateway.stop.clone();
        let due = self.message.entry.outcomes[self.first].at;
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.gateway.clock.sleep_until(self.lead(due)) => {}
        }
        if stop.is_cancelled() {
            self.give_up("stopped before it was sent");
        } else {
            let last_words = async {
                stop.cancelled().await;
                self.gateway.clock.sleep(LAST_WORDS).await;
            };
            tokio::select! {
                () = self.send_all() => {}
                () = last_words => self.give_up("stopped while it was sent"),
            }
        }
        self.gateway.finished(&self.message);
    }

    /// Injected failures come before the instant that is planned for the success.
    fn lead(&self, due: crate::model::Moment) -> crate::model::Moment {
        let planned = &self.message.plan.outcomes[self.first];
        due.before(planned.backoff * planned.failing)
    }

    async fn send_all(&self) {
        let planned = &self.message.plan.outcomes[self.first];
        for _ in 0..planned.failing {
            let now = self.gateway.clock.now();
            self.note(self.first, failed(now, "injected: could not connect"));
            self.gateway.clock.sleep(planned.backoff).await;
        }
        let Some(parcel) = self.parcel(planned) else {
            return;
        };
        let mut line = self.send_first(&parcel).await;
        for &repeat in &self.repeats {
            line = self.send_again(repeat, &parcel, line).await;
        }
        if let Some(line) = line.filter(|_| !self.redelivers()) {
            self.keep(&parcel, line);
        }
    }

    /// Tries until it is taken, as senders do; the result is what it went over.
    async fn send_first(&self, parcel: &Parcel) -> Option<Line> {
        let mut pause = BACKOFF;
        for left in (0..TRIES).rev() {
            let fresh = left + 1 < TRIES;
            if let Some(line) = self.send(self.first, parcel, fresh).await {
                return Some(line);
            }
            if left > 0 {
                self.gateway.clock.sleep(pause).await;
                pause *= 2;
            }
        }
        None
    }

    async fn send_again(&self, repeat: usize, parcel: &Parcel, line: Option<Line>) -> Option<Line> {
        let outcome = &self.message.entry.outcomes[repeat];
        let now = self.gateway.clock.now();
        let Some(line) = line else {
            self.note(repeat, failed(now, "not repeated: the first was not taken"));
            return None;
        };
        if outcome.repeat == Some(Repeat::Redelivery) {
            // As after a time-out: whatever came back on that connection was never read.
            drop(line);
            self.gateway.clock.sleep_until(outcome.at).await;
            return self.send(repeat, parcel, true).await;
        }
        self.gateway.clock.sleep_until(outcome.at).await;
        self.send_over(repeat, parcel, line).await
    }

    async fn send(&self, at: usize, parcel: &Parcel, fresh: bool) -> Option<Line> {
        // Never closed, so it always grants.
        let _turn = self.gateway.outbound.turns.acquire().await.ok()?;
        match self.connect(parcel, fresh).await {
            Ok(line) => self.send_over(at, parcel, line).await,
            Err(error) => {
                self.note(at, failed(self.gateway.clock.now(), &error));
                None
            }
        }
    }

    async fn connect(&self, parcel: &Parcel, fresh: bool) -> Result<Line, String> {
        let outbound = &self.gateway.outbound;
        match (parcel, &outbound.mailer) {
            (Parcel::Event { to, .. }, _) => outbound.webhooks.connect(to, fresh).await.map(Line::Webhook),
            (Parcel::Mail(_), Some(mailer)) => mailer.connect(fresh).await.map(Line::Mail),
            (Parcel::Mail(_), None) => Err(String::from("there is no mail server")),
            (Parcel::Row(_), _) => Ok(Line::Row),
        }
    }

    async fn send_over(&self, at: usize, parcel: &Parcel, line: Line) -> Option<Line> {
        let outbound = &self.gateway.outbound;
        let (attempt, line) = match (parcel, line, &outbound.mailer) {
            (Parcel::Event { to, id, body }, Line::Webhook(mut connection), _) => {
                let post = Post { to, id, body };
                let attempt = outbound.webhooks.post(&mut connection, &post).await;
                (attempt, Line::Webhook(connection))
            }
            (Parcel::Mail(mail), Line::Mail(mut session), Some(mailer)) => {
                let attempt = mailer.send(&mut session, mail).await;
                (attempt, Line::Mail(session))
            }
            (Parcel::Row(row), line, _) => (self.put(row).await, line),
            (_, line, _) => (failed(self.gateway.clock.now(), "no way out"), line),
        };
        let taken = attempt.error.is_none();
        self.note(at, attempt);
        taken.then_some(line)
    }

    async fn put(&self, row: &Row) -> Attempt {
        let now = self.gateway.clock.now();
        let Some(rows) = &self.gateway.outbound.rows else {
            return failed(now, "there is no database");
        };
        if !self.gateway.keeps_rows(&self.message.entry.id) {
            return failed(now, "the message was deleted");
        }
        let put = rows.put(row.clone()).await;
        put.unwrap_or_else(|error| failed(now, &error))
    }

    fn keep(&self, parcel: &Parcel, line: Line) {
        let outbound = &self.gateway.outbound;
        match (parcel, line, &outbound.mailer) {
            (Parcel::Event { to, .. }, Line::Webhook(connection), _) => {
                outbound.webhooks.keep(to, connection)
            }
            (_, Line::Mail(session), Some(mailer)) => mailer.keep(session),
            _ => {}
        }
    }

    /// Nothing more may go over the line of a redelivery: it would prove that its acknowledgement was read.
    fn redelivers(&self) -> bool {
        let redelivery = |&at: &usize| self.message.entry.outcomes[at].repeat == Some(Repeat::Redelivery);
        self.repeats.iter().any(redelivery)
    }

    fn note(&self, at: usize, attempt: Attempt) {
        let entry = &self.message.entry;
        self.gateway
            .book
            .sent(&entry.id, at, &entry.outcomes[at], attempt);
    }

    fn give_up(&self, why: &str) {
        let now = self.gateway.clock.now();
        for &at in [self.first].iter().chain(&self.repeats) {
            self.note(at, failed(now, why));
        }
    }

    fn parcel(&self, planned: &Planned) -> Option<Parcel> {
        let outcome = &self.message.entry.outcomes[self.first];
        let text = if planned.altered {
            altered(&self.message.new.text, &self.message.new.reference)
        } else {
            self.message.new.text.clone()
        };
        match planned.channel {
            Channel::Webhook => self.event(planned, outcome, &text),
            Channel::Mail => self.mail(planned, outcome, &text),
            Channel::Row => Some(Parcel::Row(Row {
                id: outcome.message.clone(),
                reference: self.message.entry.reference.clone(),
                route: self.message.entry.route.clone(),
                provider: planned.provider.clone(),
                status: planned.event,
                text,
            })),
        }
    }

    fn event(&self, planned: &Planned, outcome: &Outcome, text: &str) -> Option<Parcel> {
        let to = self.message.new.webhook.as_ref()?;
        let reference = &self.message.entry.reference;
        let id = &self.message.entry.id;
        let (to, reference, id, text) = if planned.stray {
            let name = stray_name(id);
            (without(to, reference), name.clone(), name, "")
        } else {
            (to.clone(), reference.clone(), id.clone(), text)
        };
        let mut body = json!({
            "event": format!("message.{}", planned.event.word()),
            "id": id,
            "ref": reference,
            "text": text,
            "route": self.message.entry.route,
            "provider": planned.provider,
            "at": instant::text(self.gateway.clock.now()),
        });
        if planned.event == Event::Receipt {
            body["status"] = json!("delivered");
        }
        Some(Parcel::Event {
            to,
            id: outcome.message.clone(),
            body: Bytes::from(body.to_string()),
        })
    }

    fn mail(&self, planned: &Planned, outcome: &Outcome, text: &str) -> Option<Parcel> {
        let letter = Letter {
            to: self.message.new.to.as_deref()?,
            reference: &self.message.entry.reference,
            route: &self.message.entry.route,
            provider: &planned.provider,
            message_id: &outcome.message,
            text,
            date: self.gateway.clock.now(),
        };
        Some(Parcel::Mail(letter.seal()))
    }
}

fn failed(at: crate::model::Moment, why: &str) -> Attempt {
    Attempt {
        at,
        done: at,
        error: Some(why.to_owned()),
    }
}

/// Another text, in which the given one no longer stands; the reference does, where it did.
fn altered(text: &str, reference: &str) -> String {
    let kept = match text.chars().next() {
        _ if text.starts_with(reference) => reference.len(),
        Some(first) if first.len_utf8() < text.len() => first.len_utf8(),
        _ => return String::from("~"),
    };
    let (start, end) = text.split_at(kept);
    format!("{start}~{end}")
}

/// The address without the reference in its path: where an event goes that is about no message.
fn without(to: &Uri, reference: &str) -> Uri {
    let path = to.path_and_query().map_or("/", |path| path.as_str());
    let path = path.replace(&format!("/{reference}"), "").replace(reference, "");
    let path = if path.starts_with('/') {
        path
    } else {
        format!("/{path}")
    };
    let mut parts = to.clone().into_parts();
    parts.path_and_query = path.parse().ok().or(parts.path_and_query);
    Uri::from_parts(parts).unwrap_or_else(|_| to.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_altered_text_no_longer_holds_the_one_given_but_its_reference() {
        for text in ["Hello", "r1 says hello", "to r1", "ä", "1"] {
            let other = altered(text, "r1");
            assert!(!other.contains(text), "{other}");
            assert_eq!(other.contains("r1"), text.contains("r1"), "{other}");
        }
    }

    #[test]
    fn a_stray_goes_to_the_address_without_the_reference() {
        let cut = |uri: &str| without(&uri.parse().unwrap(), "r1").to_string();
        assert_eq!(cut("http://h:1/c/secret/r1"), "http://h:1/c/secret");
        assert_eq!(cut("http://h:1/c?ref=r1"), "http://h:1/c?ref=");
        assert_eq!(cut("http://h:1/r1"), "http://h:1/");
        assert_eq!(cut("http://h:1/c"), "http://h:1/c");
    }
}
