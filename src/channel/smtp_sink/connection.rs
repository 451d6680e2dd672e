//! One connection: bytes between the socket and the session, times, the handshake.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::policy::Policy;
use super::recorder::Recorder;
use super::reply::Reply;
use super::session::{Action, Note, Session};
use super::tls::Identity;
use crate::channel::ObservationSink;
use crate::clock::Clock;
use crate::model::{Fault, Moment, Reason};

/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long a mail may take to become durable; its sender is still waiting then (RFC 5321 section 4.5.3.2.6).
const RECORD: Duration = Duration::from_secs(60);
/// How long a mail under way may still be silent once landfall is stopping.
const STOPPING: Duration = Duration::from_secs(2);
/// How long and how much is read after the last reply, so that the reply is not lost to a reset.
const LINGER: Duration = Duration::from_secs(1);
const LINGER_BYTES: usize = 4 << 20;

/// What all connections share.
pub(super) struct Shared {
    pub(super) policy: Arc<Policy>,
    pub(super) recorder: Recorder,
    pub(super) sink: Arc<dyn ObservationSink>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) identity: Option<Identity>,
    pub(super) idle: Duration,
    pub(super) session: Duration,
    pub(super) greeting_delay: Duration,
}

trait Io: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// Serves one sender until it leaves.
pub(super) async fn serve(shared: Arc<Shared>, tcp: TcpStream, peer: SocketAddr, stop: CancellationToken) {
    // A failure here costs milliseconds of latency, nothing else.
    let _nagle_stays = tcp.set_nodelay(true).is_err();
    let session = Session::new(Arc::clone(&shared.policy), peer.ip());
    let now = shared.clock.now();
    let deadline = now.after(shared.session);
    let mut connection = Connection {
        shared,
        peer,
        session,
        io: Box::new(tcp),
        out: Vec::new(),
        arrived: now,
        deadline,
        unproven: None,
        stop,
    };
    let ended = connection.run().await;
    connection.tell_notes();
    if ended == Ended::ByUs {
        connection.linger().await;
    }
}

/// Refuses a connection that is over a limit.
pub(super) async fn turn_away(mut tcp: TcpStream, limit: &str) {
    let text = format!("4.7.0 too many connections ({limit}); come back later");
    let write = tcp.write_all(&Reply::new(421, text).to_bytes()).await;
    if write.is_ok() {
        let _gone = timeout(LINGER, tcp.shutdown()).await;
    }
}

struct Connection {
    shared: Arc<Shared>,
    peer: SocketAddr,
    session: Session,
    io: Box<dyn Io>,
    out: Vec<u8>,
    /// When the bytes that are being looked at were read.
    arrived: Moment,
    deadline: Moment,
    /// The mail whose 250 was sent and nothing has come since.
    unproven: Option<String>,
    stop: CancellationToken,
}

#[derive(Debug, PartialEq, Eq)]
enum Ended {
    /// The sender left, or the connection broke.
    ByPeer,
    /// The last word was ours.
    ByUs,
}

enum Read {
    Bytes,
    /// Landfall has begun to stop, and a mail is under way: it gets a little time yet.
    Hurry,
    Stopping,
    Idle,
    Overlong,
    Gone,
}

impl Connection {
    async fn run(&mut self) -> Ended {
        if !self.shared.greeting_delay.is_zero() && self.talks_early().await {
            self.shared.sink.refused("talk before the greeting");
            let reply = Reply::new(554, "5.5.0 you spoke before the greeting");
            return self.hang_up(reply).await;
        }
        self.say(&self.session.greeting());
        loop {
            match self.work().await {
                Some(ended) => return ended,
                None if !self.flush().await => return Ended::ByPeer,
                None => {}
            }
            let reply = match self.read().await {
                Read::Bytes | Read::Hurry => continue,
                Read::Gone => return Ended::ByPeer,
                Read::Stopping => Reply::new(421, "4.3.2 landfall is stopping; come back later"),
                Read::Idle => self.too_slow("idle_timeout", "4.4.2 nothing came for too long"),
                Read::Overlong => self.too_slow("session_timeout", "4.4.2 the session lasts too long"),
            };
            return self.hang_up(reply).await;
        }
    }

    /// Does all that the bytes read so far ask for.
    async fn work(&mut self) -> Option<Ended> {
        while let Some(action) = self.session.next(self.arrived) {
            self.tell_notes();
            match action {
                Action::Reply(reply) => self.say(&reply),
                Action::Close(reply) => return Some(self.hang_up(reply).await),
                Action::StartTls(reply) => {
                    self.say(&reply);
                    if !self.flush().await || !self.shake_hands().await {
                        return Some(Ended::ByPeer);
                    }
                }
                Action::Deliver(letter) => {
                    let record = self.shared.recorder.record(*letter, self.peer, self.arrived);
                    let recorded = timeout(RECORD, record)
                        .await
                        .unwrap_or_else(|_| Err(Fault::new(Reason::Store, "the store takes too long")));
                    let (result, name) = match recorded {
                        Ok(name) => (Ok(()), name),
                        Err(fault) => (Err(fault), None),
                    };
                    let reply = self.session.recorded(&result, self.arrived);
                    self.say(&reply);
                    // What was sent along with the mail was sent before the 250 and proves nothing.
                    self.unproven = name.filter(|_| reply.code == 250 && !self.session.has_unread());
                    if !self.flush().await {
                        return Some(Ended::ByPeer);
                    }
                }
            }
        }
        self.tell_notes();
        None
    }

    async fn read(&mut self) -> Read {
        let left = self.deadline.since(self.shared.clock.now());
        let stopping = self.stop.is_cancelled();
        let patience = if stopping { STOPPING } else { self.shared.idle };
        let mut chunk = [0; 16 << 10];
        let between_mails = self.session.is_between_mails();
        let read = tokio::select! {
            biased;
            read = timeout(patience.min(left), self.io.read(&mut chunk)) => read,
            () = self.stop.cancelled(), if between_mails => return Read::Stopping,
            () = self.stop.cancelled(), if !stopping => return Read::Hurry,
        };
        match read {
            Err(_) if self.stop.is_cancelled() => Read::Stopping,
            Err(_) if left <= patience => Read::Overlong,
            Err(_) => Read::Idle,
            Ok(Err(_) | Ok(0)) => Read::Gone,
            Ok(Ok(count)) => {
                self.arrived = self.shared.clock.now();
                if let Some(name) = self.unproven.take() {
                    self.shared.recorder.proven(&name);
                }
                self.session.push(&chunk[..count]);
                Read::Bytes
            }
        }
    }

    async fn talks_early(&mut self) -> bool {
        let mut byte = [0];
        let read = timeout(self.shared.greeting_delay, self.io.read(&mut byte)).await;
        matches!(read, Ok(Ok(1..)))
    }

    async fn shake_hands(&mut self) -> bool {
        let Some(identity) = self.shared.identity.clone() else {
            return false;
        };
        let plain = std::mem::replace(
            &mut self.io,
            Box::new(tokio::io::join(tokio::io::empty(), tokio::io::sink())),
        );
        match timeout(HANDSHAKE, identity.acceptor.accept(plain)).await {
            Ok(Ok(stream)) => {
                let (_, tls) = stream.get_ref();
                let version = tls.protocol_version().and_then(|v| v.as_str().map(str::to_owned));
                self.session
                    .secured(version.unwrap_or_else(|| String::from("TLS")));
                self.io = Box::new(stream);
                true
            }
            _ => {
                self.shared.sink.refused("TLS handshake failed");
                false
            }
        }
    }

    /// A mail under way when a limit of ours ends the session may be one that a run waits for.
    fn too_slow(&self, limit: &str, text: &str) -> Reply {
        let tokens = self.session.tokens_under_way();
        if tokens.is_empty() {
            self.shared.sink.refused(limit);
        } else {
            self.shared.sink.dropped(limit, &tokens);
        }
        Reply::new(421, text)
    }

    fn tell_notes(&mut self) {
        for note in self.session.take_notes() {
            match note {
                Note::Refused(what) => self.shared.sink.refused(&what),
                Note::Dropped(what, tokens) if tokens.is_empty() => self.shared.sink.refused(&what),
                Note::Dropped(what, tokens) => self.shared.sink.dropped(&what, &tokens),
            }
        }
    }

    fn say(&mut self, reply: &Reply) {
        self.out.extend_from_slice(&reply.to_bytes());
    }

    async fn flush(&mut self) -> bool {
        let out = std::mem::take(&mut self.out);
        if out.is_empty() {
            return true;
        }
        let write = async {
            self.io.write_all(&out).await?;
            self.io.flush().await
        };
        matches!(timeout(self.shared.idle, write).await, Ok(Ok(())))
    }

    async fn hang_up(&mut self, reply: Reply) -> Ended {
        self.tell_notes();
        self.say(&reply);
        if self.flush().await {
            Ended::ByUs
        } else {
            Ended::ByPeer
        }
    }

    async fn linger(&mut self) {
        let drain = async {
            if self.io.shutdown().await.is_err() {
                return;
            }
            let mut chunk = [0; 16 << 10];
            let mut left = LINGER_BYTES;
            while let Ok(count @ 1..) = self.io.read(&mut chunk).await {
                left = left.saturating_sub(count);
                if left == 0 {
                    return;
                }
            }
        };
        let _in_time = timeout(LINGER, drain).await.is_ok();
    }
}
