//! A channel on its peer: opened with a recording sink and a real listener, and driven.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use landfall::channel::{Channel, ChannelConfig, Handler, Listener, Trouble, Watch};
use landfall::clock::Clock;
use landfall::definition::RunScope;
use landfall::diag::Problems;
use landfall::model::{Fault, Interval, RunId, Sighting, Token, scan_value};
use landfall::web::{HttpListener, Settings};
use serde_json::{Map, Value, json};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::super::channel::{RecordingSink, context, eventually, test_key};
use super::super::polled::{run, token};

/// A channel under test.
pub(crate) struct Stage {
    pub(crate) channel: Arc<dyn Channel>,
    pub(crate) sink: Arc<RecordingSink>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) stop: CancellationToken,
    /// Set to say that the shared listener cannot take connections.
    pub(crate) trouble: watch::Sender<Option<Trouble>>,
    pub(crate) task: JoinHandle<()>,
    _root: tempfile::TempDir,
}

/// A real listener, in trouble when the test says so.
struct Troubled {
    http: Arc<HttpListener>,
    trouble: watch::Receiver<Option<Trouble>>,
}

impl Listener for Troubled {
    fn mount(&self, prefix: &str, handler: Arc<dyn Handler>) {
        self.http.mount(prefix, handler);
    }
    fn public_url(&self) -> String {
        self.http.public_url()
    }
    fn ip(&self) -> std::net::IpAddr {
        self.http.ip()
    }
    fn trouble(&self) -> Option<watch::Receiver<Option<Trouble>>> {
        Some(self.trouble.clone())
    }
}

/// Other tests' tokens differ, so that what one check leaves at a peer means nothing to the next.
static NEXT: AtomicU32 = AtomicU32::new(1_000);

impl Stage {
    /// Opens the channel of the kind with these settings and some more, and drives it.
    pub(crate) async fn open(kind: &str, mut settings: Value, more: Value) -> Self {
        let more = more.as_object().unwrap().clone();
        settings.as_object_mut().unwrap().extend(more);
        let config: ChannelConfig = serde_json::from_value(json!({ (kind): settings })).unwrap();
        let mut problems = Problems::default();
        config.check(&mut problems);
        assert_eq!(problems.all(), []);
        let root = tempfile::tempdir().unwrap();
        let sink = Arc::new(RecordingSink::default());
        let (trouble, troubles) = watch::channel(None);
        let socket = landfall::web::bind(([127, 0, 0, 1], 0).into()).await.unwrap();
        let clock: Arc<dyn Clock> = Arc::new(landfall::clock::SystemClock::start());
        let http = HttpListener::new(socket.local_addr().unwrap(), Settings::default(), clock.clone());
        let stop = CancellationToken::new();
        tokio::spawn(http.clone().run(socket, stop.clone()));
        let listener = Arc::new(Troubled {
            http,
            trouble: troubles,
        });
        let mut context = context(root.path(), sink.clone(), listener);
        context.clock = clock.clone();
        let channel = config.open(context).await.unwrap();
        let task = tokio::spawn(channel.clone().drive(stop.clone()));
        Self {
            channel,
            sink,
            clock,
            stop,
            trouble,
            task,
            _root: root,
        }
    }

    /// A run that has not been armed.
    pub(crate) fn fresh(&self) -> (RunId, Token) {
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        (run(n), token(n))
    }

    /// Arms a run.
    pub(crate) async fn try_arm(&self, run: RunId, token: Token) -> Result<(), Fault> {
        let scope = RunScope::of_vars(&Map::new()).with("token", token.as_str().into());
        let scope = Arc::new(scope);
        self.channel.arm(Watch { run, token, scope }).await
    }

    /// Arms one more run.
    pub(crate) async fn arm(&self) -> Token {
        let (run, token) = self.fresh();
        self.try_arm(run, token).await.unwrap();
        token
    }

    /// What the channel offers a run.
    pub(crate) fn offers(&self, token: &Token) -> Value {
        let scope = RunScope::of_vars(&Map::new()).with("token", token.as_str().into());
        self.channel.offers(token, &scope).unwrap()
    }

    /// What has been seen of a token, in the order told. Every interval is checked on the way.
    pub(crate) fn of(&self, token: &Token, polled: bool) -> Vec<Sighting> {
        let now = self.clock.now();
        let seen = self.sink.seen();
        for sighting in &seen {
            let Interval { lo, hi } = sighting.at;
            assert!(lo <= hi && hi <= now, "{lo:?} to {hi:?}, at {now:?}");
            assert_eq!(
                sighting.looked_at.is_some(),
                polled,
                "looked_at of {}",
                sighting.summary
            );
            assert!(sighting.looked_at.is_none_or(|at| at <= hi));
        }
        seen.into_iter().filter(|s| bears(s, token)).collect()
    }

    /// The sightings of a token, once there are so many. Looks meanwhile: what waits for a pause is hurried.
    pub(crate) async fn sees(&self, token: &Token, count: usize, polled: bool) -> Vec<Sighting> {
        // Where the peer is gone the look fails, and the next attempt is the channel's own.
        drop(self.channel.look(self.clock.now()).await);
        eventually(&format!("{count} sightings of {token}"), || {
            let seen = self.of(token, polled);
            (seen.len() >= count).then_some(seen)
        })
        .await
    }

    /// Stops it; it returns, and has let go of its connections.
    pub(crate) async fn end(self) {
        self.stop.cancel();
        let ended = tokio::time::timeout(Duration::from_secs(5), self.task).await;
        ended.expect("`drive` returns when told to stop").unwrap();
        let counters = self.channel.counters();
        // Where `connections` counts all that there were, the open ones are counted by themselves.
        let open = counters
            .get("connections_open")
            .or_else(|| counters.get("connections"));
        assert_eq!(open.copied().unwrap_or(0), 0, "connections after the stop");
    }
}

/// Whether the engine would find the token: the channel points to it, or it stands in the content.
pub(crate) fn bears(sighting: &Sighting, token: &Token) -> bool {
    let key = test_key();
    let pointed: Vec<Token> = sighting.keys.iter().filter_map(|k| key.verify(k)).collect();
    if pointed.is_empty() {
        sighting
            .seen
            .values()
            .any(|value| scan_value(&key, value).contains(token))
    } else {
        pointed.contains(token)
    }
}
