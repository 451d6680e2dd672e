//! The sandbox over real sockets: each fault does what it says, and the ledger agrees with what was received.

#![expect(clippy::unwrap_used, reason = "a test says what it needs by failing")]

mod faults;
mod input;
mod ledger;
mod limits;
mod peers;
mod usual;

use std::path::PathBuf;
use std::sync::Arc;

use landfall::clock::SystemClock;
use landfall::sandbox::{self, Channel, FaultKind, Options, Running, Script, Truth};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::support::channel::eventually;
use peers::{Hooks, MailServer};

/// A sandbox with receivers of all its outcomes.
struct Bench {
    clock: Arc<SystemClock>,
    sandbox: Running,
    stop: CancellationToken,
    hooks: Hooks,
    mail: MailServer,
    client: reqwest::Client,
    dir: tempfile::TempDir,
}

impl Bench {
    async fn start() -> Self {
        Self::with(|options| options).await
    }

    async fn scripted(script: &str) -> Self {
        let faults = Script::parse("test", script).unwrap();
        Self::with(|options| Options { faults, ..options }).await
    }

    async fn with(change: impl FnOnce(Options) -> Options) -> Self {
        // Several tests of this process set it; the first wins, and all are alike.
        rustls::crypto::ring::default_provider().install_default().ok();
        let clock = Arc::new(SystemClock::start());
        let dir = tempfile::tempdir().unwrap();
        let hooks = Hooks::start(Arc::clone(&clock)).await;
        let mail = MailServer::start(Arc::clone(&clock)).await;
        let options = change(Options {
            database: Some(dir.path().join("sandbox.db")),
            smtp: Some(mail.address.to_string()),
            seed: 1,
            ..Options::default()
        });
        let stop = CancellationToken::new();
        let sandbox = sandbox::start(options, clock.clone(), stop.clone())
            .await
            .unwrap();
        Self {
            clock,
            sandbox,
            stop,
            hooks,
            mail,
            client: reqwest::Client::new(),
            dir,
        }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.sandbox.address())
    }

    fn database(&self) -> PathBuf {
        self.dir.path().join("sandbox.db")
    }

    fn message(&self, reference: &str, text: &str) -> Value {
        json!({
            "ref": reference,
            "to": format!("{reference}@landfall.test"),
            "text": text,
            "webhook": self.hooks.url(&format!("/c/secret/{reference}")),
        })
    }

    fn request(&self, route: &str, reference: &str, text: &str) -> reqwest::RequestBuilder {
        self.client
            .post(self.url(&format!("/v1/messages?route={route}")))
            .json(&self.message(reference, text))
    }

    async fn post(&self, route: &str, reference: &str, text: &str) -> reqwest::Response {
        self.request(route, reference, text).send().await.unwrap()
    }

    /// Posts a message that names its fault, and waits until all of it has happened.
    async fn done(&self, fault: FaultKind) -> Truth {
        let reference = fault.name();
        self.post("alpha", reference, &format!("Pay 100 fault:{fault}"))
            .await;
        self.settled(reference).await
    }

    async fn settled(&self, reference: &str) -> Truth {
        eventually("all to have happened", || {
            let truth = self
                .sandbox
                .truth()
                .into_iter()
                .find(|t| t.entry.reference == reference)?;
            (self.sandbox.counts().open == 0).then_some(truth)
        })
        .await
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        let response = self.client.get(self.url(path)).send().await.unwrap();
        (
            response.status().as_u16(),
            response.json().await.unwrap_or_default(),
        )
    }

    /// `id, status, steps, text` of the rows with this reference.
    fn rows(&self, reference: &str) -> Vec<[String; 4]> {
        let connection = rusqlite::Connection::open(self.database()).unwrap();
        let mut statement = connection
            .prepare("SELECT id, status, steps, text FROM messages WHERE ref = ? ORDER BY id")
            .unwrap();
        let rows = statement.query_map([reference], |row| {
            Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?])
        });
        rows.unwrap().map(Result::unwrap).collect()
    }

    /// Whether what the ledger says of a message is what the receivers saw, id by id and in time.
    fn assert_agrees(&self, truth: &Truth) {
        let entry = &truth.entry;
        for (at, outcome) in entry.outcomes.iter().enumerate() {
            let seen: Vec<_> = match outcome.channel {
                Channel::Webhook => {
                    let all = self.hooks.all().into_iter();
                    all.filter(|r| r.id() == outcome.message).map(|r| r.at).collect()
                }
                Channel::Mail => {
                    let all = self.mail.all().into_iter();
                    all.filter(|m| m.id() == outcome.message).map(|m| m.at).collect()
                }
                Channel::Row => continue,
            };
            let taken = truth.taken(at);
            let between =
                |taken: &sandbox::Attempt| seen.iter().any(|at| taken.at <= *at && *at <= taken.done);
            assert!(
                taken.is_some_and(between),
                "{}: {outcome:?} {taken:?} {seen:?}",
                entry.fault
            );
        }
        let count = |channel| {
            entry
                .outcomes
                .iter()
                .filter(|o| o.channel == channel && !o.stray)
                .count()
        };
        let (hooks, mail) = (self.hooks.of(&entry.reference), self.mail.of(&entry.reference));
        assert_eq!(hooks.len(), count(Channel::Webhook), "{}: {hooks:?}", entry.fault);
        assert_eq!(mail.len(), count(Channel::Mail), "{}: {mail:?}", entry.fault);
    }
}

/// As [`eventually`], for a look that has to wait itself.
async fn eventually_async<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    for _ in 0..1_000 {
        if let Some(found) = look().await {
            return found;
        }
        tokio::task::yield_now().await;
    }
    panic!("still waiting after 1000 looks for {what}");
}
