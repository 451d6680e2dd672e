//! The accept loop: every connection in a task of its own, bounded in number.

#[cfg(test)]
mod tests;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::connection::{Shared, serve, turn_away};
use super::policy::Admission;
use crate::model::{Fault, Reason};

/// Before the next try where the system has no more descriptors.
const BACK_OFF: Duration = Duration::from_millis(100);
/// Mails under way may end until then, once landfall stops.
const STOP_WITHIN: Duration = Duration::from_secs(10);
/// Refusals that are being said at once; beyond that a connection is closed without a word.
const TURNED_AWAY: usize = 64;

/// Binds the address.
///
/// # Errors
/// The address, why not, and what to do.
pub(super) async fn bind(at: SocketAddr) -> Result<TcpListener, Fault> {
    TcpListener::bind(at).await.map_err(|e| {
        let advice = match e.kind() {
            std::io::ErrorKind::AddrInUse => {
                "another program listens there: stop it, or set `listen` to another port"
            }
            std::io::ErrorKind::PermissionDenied => {
                "ports under 1024 need a privilege: set `listen` to a higher one"
            }
            std::io::ErrorKind::AddrNotAvailable => {
                "this machine has no such address: set `listen` to one that it has"
            }
            _ => "set `listen` to an address of this machine",
        };
        let message = format!("smtp_sink cannot listen on {at}: {e}; {advice}");
        Fault::new(Reason::Unreachable, message)
    })
}

/// Where connections come from.
pub(super) trait Accept: Send {
    /// The next one.
    fn accept(&mut self) -> impl Future<Output = std::io::Result<(TcpStream, SocketAddr)>> + Send;
}

impl Accept for TcpListener {
    async fn accept(&mut self) -> std::io::Result<(TcpStream, SocketAddr)> {
        Self::accept(self).await
    }
}

/// Counts a connection out however its task ends.
struct Admitted {
    admission: Arc<Admission>,
    source: IpAddr,
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.admission.leave(self.source);
    }
}

/// Accepts until `stop`, then lets what is under way end.
pub(super) async fn run(
    mut listener: impl Accept,
    shared: Arc<Shared>,
    admission: Arc<Admission>,
    stop: CancellationToken,
) {
    let mut sessions = JoinSet::new();
    let mut refusals = JoinSet::new();
    let mut blind = false;
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            Some(ended) = sessions.join_next() => {
                note_panic(&shared, &ended);
                continue;
            }
            Some(_) = refusals.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((tcp, peer)) => {
                if std::mem::take(&mut blind) {
                    shared.sink.up(false);
                }
                admit(
                    tcp,
                    peer,
                    &shared,
                    &admission,
                    &stop,
                    &mut sessions,
                    &mut refusals,
                );
            }
            Err(e) => {
                if !std::mem::replace(&mut blind, true) {
                    let message = format!("smtp_sink cannot accept connections: {e}");
                    shared
                        .sink
                        .down(shared.clock.now(), Fault::new(Reason::Unreachable, message));
                }
                shared.clock.sleep(BACK_OFF).await;
            }
        }
    }
    drop(listener);
    refusals.abort_all();
    let drained = tokio::time::timeout(STOP_WITHIN, async {
        while let Some(ended) = sessions.join_next().await {
            note_panic(&shared, &ended);
        }
    });
    if drained.await.is_err() {
        sessions.shutdown().await;
    }
}

fn admit(
    tcp: TcpStream,
    peer: SocketAddr,
    shared: &Arc<Shared>,
    admission: &Arc<Admission>,
    stop: &CancellationToken,
    sessions: &mut JoinSet<()>,
    refusals: &mut JoinSet<()>,
) {
    let source = peer.ip();
    match admission.enter(&shared.policy, source) {
        Ok(()) => {
            let admitted = Admitted {
                admission: Arc::clone(admission),
                source,
            };
            let (shared, stop) = (Arc::clone(shared), stop.clone());
            sessions.spawn(async move {
                let _admitted = admitted;
                serve(shared, tcp, peer, stop).await;
            });
        }
        Err(limit) => {
            // Nothing was said, so nobody knows whose mail it would have been.
            shared.sink.dropped(limit, &[]);
            if refusals.len() < TURNED_AWAY {
                refusals.spawn(turn_away(tcp, limit));
            }
        }
    }
}

fn note_panic(shared: &Shared, ended: &Result<(), tokio::task::JoinError>) {
    if ended.as_ref().is_err_and(tokio::task::JoinError::is_panic) {
        shared
            .sink
            .dropped("a session that broke (a bug of landfall's)", &[]);
    }
}
