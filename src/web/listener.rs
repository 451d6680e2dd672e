//! The accept loop, and what is mounted on it.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use ipnet::IpNet;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::body::Pool;
use super::budget::Budget;
use super::route::Routes;
use super::site::Site;
use super::source::{Full, Open, Source};
use super::{Counters, Limits, Word, connection};
use crate::channel::{Handler, Listener, Trouble};
use crate::clock::Clock;
use crate::model::{Fault, Reason};

/// Answered, if it can be without waiting, to a connection that is one too many.
const BUSY: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
/// The first pause after a failure to accept; it doubles up to [`Limits::accept_pause`].
const FIRST_PAUSE: Duration = Duration::from_millis(10);

/// How a listener is set up.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// `public_url` of the workspace; a final slash is cut. Left out: the address listened on.
    pub public_url: Option<String>,
    /// Proxies whose `X-Forwarded-For` is believed, and whose connections are not counted as one source.
    pub proxies: Vec<IpNet>,
    /// What bounds it.
    pub limits: Limits,
    /// What is not mounted yet will be: until [`HttpListener::started`] it is answered 503, so that senders come again.
    pub starting: bool,
}

/// An HTTP/1 listener that handlers are mounted on. The caller brings the socket ([`bind`]) and runs it.
pub struct HttpListener {
    shared: Arc<Shared>,
    public_url: String,
    local: SocketAddr,
}

/// What the loop and its connections share.
pub(super) struct Shared {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) limits: Limits,
    pub(super) proxies: Vec<IpNet>,
    pub(super) routes: Routes,
    /// What matches nothing may match soon.
    pub(super) starting: AtomicBool,
    /// The admin surface, where this listener serves it.
    pub(super) site: OnceLock<Site>,
    pub(super) budget: Budget,
    pub(super) pool: Arc<Pool>,
    pub(super) counters: Counters,
    /// Connections and handlers at work.
    pub(super) tasks: TaskTracker,
    /// No more requests are taken.
    pub(super) stopping: CancellationToken,
    /// Those in flight have had their time.
    pub(super) killed: CancellationToken,
    open: Open,
    numbers: AtomicU64,
    trouble: watch::Sender<Option<Trouble>>,
}

/// Binds the address.
///
/// # Errors
/// The address is in use, is not this machine's, or needs rights; the message names it and `--listen`.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, Fault> {
    TcpListener::bind(address).await.map_err(|error| {
        let why = match error.kind() {
            io::ErrorKind::AddrInUse => String::from("another program listens there already"),
            io::ErrorKind::AddrNotAvailable => String::from("this machine does not have that address"),
            io::ErrorKind::PermissionDenied => {
                String::from("not permitted; ports below 1024 need rights of their own")
            }
            _ => error.to_string(),
        };
        Fault::new(
            Reason::Unreachable,
            format!(
                "cannot listen on {address}: {why}; give another address with `--listen ADDRESS:PORT` or `listen:` \
                 in landfall.yaml (port 0 takes any free one)"
            ),
        )
    })
}

impl HttpListener {
    /// A listener for a socket bound to `local`, with nothing mounted.
    #[must_use]
    pub fn new(local: SocketAddr, settings: Settings, clock: Arc<dyn Clock>) -> Arc<Self> {
        let limits = settings.limits;
        let public_url = settings.public_url.unwrap_or_else(|| own_url(local));
        Arc::new(Self {
            public_url: public_url.trim_end_matches('/').to_owned(),
            local,
            shared: Arc::new(Shared {
                budget: Budget::new(
                    limits.unmatched,
                    limits.unmatched_per_source,
                    limits.sources,
                    clock.now(),
                ),
                pool: Pool::new(limits.body_bytes),
                limits,
                clock,
                proxies: settings.proxies,
                routes: Routes::default(),
                starting: AtomicBool::new(settings.starting),
                site: OnceLock::new(),
                counters: Counters::default(),
                tasks: TaskTracker::new(),
                stopping: CancellationToken::new(),
                killed: CancellationToken::new(),
                open: Open::default(),
                numbers: AtomicU64::new(1),
                trouble: watch::Sender::new(None),
            }),
        })
    }

    /// Takes connections until `stop`; then lets requests in flight finish within [`Limits::stop`].
    pub async fn run(self: Arc<Self>, listener: TcpListener, stop: CancellationToken) {
        self.shared.accept(&listener, &stop).await;
        // Closed before the wait, so that senders are refused at once instead of left in the backlog.
        drop(listener);
        self.shared.finish().await;
    }

    /// From now on every path that no handler is mounted on, but for those under `/c`, is the surface's. The first
    /// surface stays; says whether this is it.
    pub fn serve(&self, site: Site) -> bool {
        self.shared.site.set(site).is_ok()
    }

    /// All is mounted: what matches nothing now is unknown.
    pub fn started(&self) {
        self.shared.starting.store(false, Ordering::Release);
    }

    /// What was taken and refused so far, by word.
    #[must_use]
    pub fn counters(&self) -> BTreeMap<&'static str, u64> {
        self.shared.counters.snapshot()
    }

    /// Connections open now.
    #[must_use]
    pub fn open_connections(&self) -> usize {
        self.shared.open.count()
    }
}

impl Listener for HttpListener {
    fn mount(&self, prefix: &str, handler: Arc<dyn Handler>) {
        self.shared.routes.mount(prefix, handler);
    }

    fn unmount(&self, prefix: &str) {
        self.shared.routes.unmount(prefix);
    }

    fn public_url(&self) -> String {
        self.public_url.clone()
    }

    fn ip(&self) -> IpAddr {
        self.local.ip()
    }

    fn trouble(&self) -> Option<watch::Receiver<Option<Trouble>>> {
        Some(self.shared.trouble.subscribe())
    }
}

/// How the address listened on is reached from this machine: the unspecified address is no destination.
fn own_url(local: SocketAddr) -> String {
    let mut local = local;
    if local.ip().is_unspecified() {
        local.set_ip(match local.ip() {
            IpAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        });
    }
    format!("http://{local}")
}

impl Shared {
    pub(super) fn next_number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    async fn accept(self: &Arc<Self>, listener: &TcpListener, stop: &CancellationToken) {
        let mut pause = FIRST_PAUSE;
        loop {
            let taken = tokio::select! {
                biased;
                () = stop.cancelled() => return,
                taken = listener.accept() => taken,
            };
            match taken {
                Ok((tcp, peer)) => {
                    pause = FIRST_PAUSE;
                    self.trouble.send_if_modified(|trouble| trouble.take().is_some());
                    self.take(tcp, peer);
                }
                Err(error) => {
                    self.counters.add(Word::AcceptFailed);
                    if of_the_connection(&error) {
                        continue;
                    }
                    self.blind(listener, &error);
                    tokio::select! {
                        () = stop.cancelled() => return,
                        () = self.clock.sleep(pause) => {}
                    }
                    pause = pause.saturating_mul(2).min(self.limits.accept_pause);
                }
            }
        }
    }

    /// Connections wait in the backlog or are turned away by the system: nobody can be heard.
    fn blind(&self, listener: &TcpListener, error: &io::Error) {
        self.trouble.send_if_modified(|trouble| {
            let new = trouble.is_none();
            if new {
                let address = listener.local_addr().map_or_else(|_| String::new(), |a| format!(" on {a}"));
                *trouble = Some(Trouble {
                    since: self.clock.now(),
                    fault: Fault::new(
                        Reason::Limit,
                        format!(
                            "cannot take connections{address}: {error}; raise the limit of open files (`ulimit -n`)"
                        ),
                    ),
                });
            }
            new
        });
    }

    fn take(self: &Arc<Self>, tcp: TcpStream, peer: SocketAddr) {
        let each = if self
            .proxies
            .iter()
            .any(|net| net.contains(&peer.ip().to_canonical()))
        {
            usize::MAX
        } else {
            self.limits.connections_per_source
        };
        let place = match self
            .open
            .enter(Source::of(peer.ip()), self.limits.connections, each)
        {
            Ok(place) => place,
            Err(full) => return self.turn_away(&tcp, full),
        };
        self.counters.add(Word::Accepted);
        // Answers are small; waiting for more to send would only delay them. Where it fails they are merely slower.
        let _slower = tcp.set_nodelay(true);
        let shared = Arc::clone(self);
        self.tasks.spawn(async move {
            connection::serve(shared, tcp, peer).await;
            drop(place);
        });
    }

    fn turn_away(&self, tcp: &TcpStream, full: Full) {
        let word = match full {
            Full::All => Word::Connections,
            Full::Source => Word::ConnectionsPerSource,
        };
        self.counters.add(word);
        // A fresh socket has room for this; where it has not, the sender sees the connection closed.
        let _best_effort = tcp.try_write(BUSY);
        for handler in self.routes.all() {
            handler.dropped(word.word(), None);
        }
    }

    async fn finish(&self) {
        self.stopping.cancel();
        self.tasks.close();
        if tokio::time::timeout(self.limits.stop, self.tasks.wait())
            .await
            .is_err()
        {
            self.killed.cancel();
            // Handlers of connections that were cut still write their record; they have a limit of their own.
            let _late = tokio::time::timeout(self.limits.linger, self.tasks.wait()).await;
        }
    }
}

/// Errors that concern the one connection that was to be taken, and not the listener.
fn of_the_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
    )
}
