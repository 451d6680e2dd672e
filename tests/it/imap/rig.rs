//! A channel on a server, with a sink that records.

use std::sync::Arc;
use std::time::Duration;

use landfall::channel::{Channel, ChannelConfig, OpenContext, Watch};
use landfall::model::{
    Expr, Fault, Free, Reason, RunId, Scope, Secret, Sighting, Template, Token, TokenFormat,
};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::support::channel::{NoListener, RecordingSink, context, eventually, test_key};
use crate::support::dovecot::PASSWORD;

/// A scope that knows the token alone.
pub(crate) struct TokenScope(pub(crate) String);

impl Scope for TokenScope {
    fn text(&self, template: &Template) -> Result<String, Fault> {
        Ok(template.source.replace("{{ token }}", &self.0))
    }
    fn json(&self, _: &Free) -> Result<Value, Fault> {
        Ok(Value::Null)
    }
    fn holds(&self, _: &Expr, _: &Value) -> Result<bool, Fault> {
        Err(Fault::new(Reason::Input, "no expressions here"))
    }
    fn secret(&self, secret: &Secret) -> Result<String, Fault> {
        Ok(secret.0.source.clone())
    }
}

/// A channel that is driven until dropped.
pub(crate) struct Rig {
    pub(crate) channel: Arc<dyn Channel>,
    pub(crate) sink: Arc<RecordingSink>,
    pub(crate) context: OpenContext,
    stop: CancellationToken,
    driver: Option<tokio::task::JoinHandle<()>>,
    _folder: tempfile::TempDir,
    issued: std::sync::atomic::AtomicU8,
}

impl Rig {
    /// A channel on the port; `extra` settings are added.
    pub(crate) async fn on(port: u16, extra: Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let sink = Arc::new(RecordingSink::default());
        let mut context = context(folder.path(), Arc::clone(&sink), Arc::new(NoListener));
        context.scope = Arc::new(TokenScope(String::new()));
        let channel = open(port, extra, context.clone()).await;
        let mut rig = Self {
            channel,
            sink,
            context,
            stop: CancellationToken::new(),
            driver: None,
            _folder: folder,
            issued: 0.into(),
        };
        rig.drive();
        rig
    }

    fn drive(&mut self) {
        self.stop = CancellationToken::new();
        self.driver = Some(tokio::spawn(Arc::clone(&self.channel).drive(self.stop.clone())));
    }

    pub(crate) async fn stop(&mut self) {
        self.stop.cancel();
        self.driver.take().unwrap().await.unwrap();
    }

    /// A token of ours.
    pub(crate) fn token(&self) -> Token {
        let n = self.issued.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        test_key().issue(TokenFormat::Text, [n; 32])
    }

    pub(crate) async fn try_arm(&self, token: Token) -> Result<RunId, Fault> {
        let run = RunId(uuid::Uuid::from_u128(fold(token)));
        let scope = Arc::new(TokenScope(token.to_string()));
        self.channel.arm(Watch { run, token, scope }).await.map(|()| run)
    }

    /// Arms a run; returns it with its token.
    pub(crate) async fn arm(&self) -> (RunId, Token) {
        let token = self.token();
        (self.try_arm(token).await.unwrap(), token)
    }

    pub(crate) fn count(&self, name: &str) -> u64 {
        self.channel.counters()[name]
    }

    /// The one sighting that bears the text.
    pub(crate) async fn sees(&self, text: &str) -> Sighting {
        eventually(&format!("a mail with {text}"), || {
            let seen = self.sink.seen();
            seen.into_iter().find(|s| bears(s, text))
        })
        .await
    }

    pub(crate) fn times_seen(&self, text: &str) -> usize {
        self.sink.seen().iter().filter(|s| bears(s, text)).count()
    }

    /// Looks now; then everything that had arrived has been reported.
    pub(crate) async fn look(&self) {
        let now = self.context.clock.now();
        assert!(self.channel.look(now).await.unwrap() >= now);
    }

    pub(crate) async fn pause(&self, millis: u64) {
        self.context.clock.sleep(Duration::from_millis(millis)).await;
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

pub(crate) fn bears(sighting: &Sighting, text: &str) -> bool {
    sighting.keys.iter().any(|k| k == text) || Value::Object(sighting.seen.clone()).to_string().contains(text)
}

/// A mail with a token in its subject.
pub(crate) fn mail(id: &str, token: Token) -> String {
    format!(
        "Message-ID: <{id}@test>\nFrom: a@example.com\nTo: canary@example.com\nSubject: order {token}\n\nThanks.\n"
    )
}

async fn open(port: u16, extra: Value, context: OpenContext) -> Arc<dyn Channel> {
    try_open(port, extra, context).await.unwrap()
}

pub(crate) async fn try_open(
    port: u16,
    extra: Value,
    context: OpenContext,
) -> Result<Arc<dyn Channel>, Fault> {
    let mut settings = json!({
        "host": "127.0.0.1", "port": port, "tls": "none", "user": "canary", "password": PASSWORD,
        "address": "canary+{{ token }}@example.com",
    });
    settings
        .as_object_mut()
        .unwrap()
        .extend(extra.as_object().unwrap().clone());
    let config: ChannelConfig = serde_json::from_value(json!({ "imap": settings })).unwrap();
    config.open(context).await
}

fn fold(token: Token) -> u128 {
    token
        .as_str()
        .bytes()
        .fold(7, |n: u128, b| n.wrapping_mul(31).wrapping_add(b.into()))
}

impl Rig {
    /// Opens the channel anew on the same cursors.
    pub(crate) async fn drive_again(&mut self, port: u16) {
        self.channel = open(port, json!({}), self.context.clone()).await;
        self.drive();
    }
}
