//! A channel that is driven, runs to arm on it, and a scope that needs no engine.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use landfall::channel::{Channel, ChannelConfig, Watch};
use landfall::clock::Clock;
use landfall::model::{
    Expr, Fault, Free, Moment, Reason, RunId, Scope, Sighting, Template, Token, TokenFormat,
};
use serde_json::{Map, Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::channel::{NoListener, RecordingSink, context, test_key};

/// Knows names and their values, and expressions of the form `seen.a.b == literal`.
#[derive(Clone, Default)]
pub(crate) struct TestScope(pub(crate) HashMap<String, Value>);

impl TestScope {
    pub(crate) fn of(names: &[(&str, Value)]) -> Arc<Self> {
        Arc::new(Self(
            names.iter().map(|(n, v)| ((*n).to_owned(), v.clone())).collect(),
        ))
    }

    fn value(&self, name: &str) -> Result<&Value, Fault> {
        let name = name.trim();
        let undefined = || Fault::new(Reason::Input, format!("`{name}` is undefined"));
        self.0.get(name).ok_or_else(undefined)
    }
}

impl Scope for TestScope {
    fn run(&self) -> Option<RunId> {
        let id = self.0.get("run")?.as_str()?;
        Some(RunId(id.parse().unwrap()))
    }

    fn text(&self, template: &Template) -> Result<String, Fault> {
        let mut out = String::new();
        let mut rest = template.source.as_str();
        while let Some((before, after)) = rest.split_once("{{") {
            let (name, after) = after.split_once("}}").unwrap();
            out.push_str(before);
            match self.value(name)? {
                Value::String(text) => out.push_str(text),
                other => out.push_str(&other.to_string()),
            }
            rest = after;
        }
        Ok(out + rest)
    }

    fn json(&self, value: &Free) -> Result<Value, Fault> {
        Ok(match value {
            Free::Text(t) if t.source.starts_with("{{") => {
                self.value(t.source.trim_matches(['{', '}', ' ']))?.clone()
            }
            Free::Text(t) => Value::String(self.text(t)?),
            Free::Map(entries) => {
                let entries = entries
                    .iter()
                    .map(|(name, v)| Ok((name.value.clone(), self.json(v)?)));
                Value::Object(entries.collect::<Result<Map<_, _>, Fault>>()?)
            }
            Free::List(items) => Value::Array(items.iter().map(|v| self.json(v)).collect::<Result<_, _>>()?),
            Free::Number(n) => Value::Number(n.clone()),
            Free::Bool(b) => Value::Bool(*b),
            Free::Null => Value::Null,
        })
    }

    fn holds(&self, expr: &Expr, seen: &Value) -> Result<bool, Fault> {
        let (path, literal) = expr.source.split_once(" == ").unwrap();
        let pointer = path.strip_prefix("seen").unwrap().replace('.', "/");
        let literal: Value = serde_json::from_str(literal).unwrap();
        Ok(seen.pointer(&pointer) == Some(&literal))
    }

    fn url(&self, template: &Template) -> Result<String, Fault> {
        self.text(template)
    }
}

/// A run's token; another number is another run.
pub(crate) fn token(n: u32) -> Token {
    let mut random = [0; 32];
    random[..4].copy_from_slice(&n.to_le_bytes());
    test_key().issue(TokenFormat::Text, random)
}

/// A watch with a token and the names of a scope.
pub(crate) fn watch(n: u32, names: &[(&str, Value)]) -> Watch {
    let token = token(n);
    let mut names = names.to_vec();
    names.push(("token", json!(token.as_str())));
    Watch {
        run: run(n),
        token,
        scope: TestScope::of(&names),
    }
}

/// The run of that number.
pub(crate) fn run(n: u32) -> RunId {
    RunId(uuid::Uuid::from_u128(u128::from(n)))
}

/// A channel with its sink, driven until it is dropped.
pub(crate) struct Rig {
    pub(crate) channel: Arc<dyn Channel>,
    pub(crate) sink: Arc<RecordingSink>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) stop: CancellationToken,
    pub(crate) task: JoinHandle<()>,
    pub(crate) next: AtomicU32,
}

impl Rig {
    /// Opens the channel that the JSON describes, and drives it.
    pub(crate) async fn open(config: Value, root: &Path) -> Self {
        let config: ChannelConfig = serde_json::from_value(config).unwrap();
        let sink = Arc::new(RecordingSink::default());
        let mut context = context(root, Arc::clone(&sink), Arc::new(NoListener));
        context.scope = TestScope::of(&[]);
        let clock = Arc::clone(&context.clock);
        let channel = config.open(context).await.unwrap();
        let stop = CancellationToken::new();
        let task = tokio::spawn(Arc::clone(&channel).drive(stop.clone()));
        Self {
            channel,
            sink,
            clock,
            stop,
            task,
            next: AtomicU32::new(1),
        }
    }

    /// Arms one more run.
    pub(crate) async fn arm(&self) -> Token {
        let n = self.next.fetch_add(1, Ordering::Relaxed);
        self.channel.arm(watch(n, &[])).await.unwrap();
        token(n)
    }

    /// Looks now.
    pub(crate) async fn look(&self) -> Result<Moment, Fault> {
        self.channel.look(self.clock.now()).await
    }

    /// What has been seen of a token.
    pub(crate) fn of(&self, token: &Token) -> Vec<Sighting> {
        let seen = self.sink.seen().into_iter();
        seen.filter(|s| s.keys.iter().any(|k| k == token.as_str()))
            .collect()
    }

    /// How many questions were sent.
    pub(crate) fn looks(&self) -> u64 {
        self.channel.counters()["looks"]
    }

    /// Stops the channel, which lets go of its connections.
    pub(crate) async fn end(self) {
        self.stop.cancel();
        self.task.await.unwrap();
        assert_eq!(self.channel.counters()["connections"], 0);
    }
}
