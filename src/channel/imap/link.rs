//! One IMAP connection: commands under a time-out, answers under a size limit.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use async_imap::Session;
use async_imap::error::Error;
use async_imap::imap_proto::{MailboxDatum, RequestId, Response, Status};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::timeout;

use super::names::utf7;
use crate::model::{Fault, Reason};

/// An answer without mail bodies may take this many bytes.
pub(super) const ANSWER_LIMIT: u64 = 16 * 1024 * 1024;
/// The slowest line on which a body is still waited for, in bytes a second.
const SLOWEST: u64 = 32 * 1024;

/// A byte stream, encrypted or not.
pub(super) trait Io: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Io for T {}

/// A byte stream that refuses to read more than is still allowed, so that no server can fill the memory.
pub(super) struct Wire {
    pub(super) io: Box<dyn Io>,
    pub(super) allowed: Arc<AtomicU64>,
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wire")
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.io).poll_read(cx, buf);
        let read = (buf.filled().len() - before) as u64;
        let allowed = self.allowed.load(Ordering::Relaxed);
        self.allowed
            .store(allowed.saturating_sub(read), Ordering::Relaxed);
        if read > allowed {
            return Poll::Ready(Err(io::Error::other("the answer is larger than landfall reads")));
        }
        polled
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

/// What a server can do, as far as it matters here.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Abilities {
    /// IDLE (RFC 2177).
    pub(super) idle: bool,
    /// UID EXPUNGE (RFC 4315).
    pub(super) uidplus: bool,
}

/// A connection that is logged in.
pub(super) struct Link {
    session: Session<Wire>,
    allowed: Arc<AtomicU64>,
    timeout: Duration,
    place: String,
    sent: Arc<AtomicU64>,
    /// What the server can do.
    pub(super) can: Abilities,
    /// The folder that is open, by its place in the settings.
    pub(super) selected: Option<usize>,
    /// The server has said that the open folder has something new.
    pub(super) news: bool,
}

impl Link {
    /// A connection that is logged in; `place` is how messages call it, `sent` counts commands.
    pub(super) fn new(
        session: Session<Wire>,
        allowed: Arc<AtomicU64>,
        can: Abilities,
        timeout: Duration,
        place: String,
        sent: Arc<AtomicU64>,
    ) -> Self {
        Self {
            session,
            allowed,
            timeout,
            place,
            sent,
            can,
            selected: None,
            news: false,
        }
    }

    /// Runs a command and gives each response before its end to `take`. `expected` bytes of bodies may come with it.
    ///
    /// # Errors
    /// No answer in time, a refusal, or a connection that broke off. After any of these the connection is of no use.
    pub(super) async fn command(
        &mut self,
        text: &str,
        expected: u64,
        mut take: impl FnMut(&Response<'_>),
    ) -> Result<(), Fault> {
        self.allowed.store(ANSWER_LIMIT + 2 * expected, Ordering::Relaxed);
        let patience = self.timeout + Duration::from_secs(expected / SLOWEST);
        let verb = verb(text);
        let work = async {
            let tag = self.start(text).await?;
            loop {
                if let Some(end) = self.next(Some(&tag), &mut take).await? {
                    return end;
                }
            }
        };
        let outcome = timeout(patience, work).await;
        outcome.unwrap_or_else(|_| Err(self.silent(verb, patience)))
    }

    /// Sleeps in IDLE until the server says something of interest or `until` resolves.
    ///
    /// # Errors
    /// As [`Link::command`]. A server that refuses IDLE is no error: it is not asked again.
    pub(super) async fn idle(&mut self, until: impl Future<Output = ()>) -> Result<(), Fault> {
        self.allowed.store(ANSWER_LIMIT, Ordering::Relaxed);
        let patience = self.timeout;
        let begun = timeout(patience, self.begin_idle()).await;
        let Some(tag) = begun.unwrap_or_else(|_| Err(self.silent("IDLE", patience)))? else {
            self.can.idle = false;
            return Ok(());
        };
        tokio::pin!(until);
        let mut ignore = |_: &Response<'_>| {};
        while !self.news {
            tokio::select! {
                () = &mut until => break,
                ended = self.next(Some(&tag), &mut ignore) => if let Some(end) = ended? {
                    // The server ended the IDLE by itself.
                    return end;
                },
            }
        }
        let work = async {
            self.session
                .run_command_untagged("DONE")
                .await
                .map_err(|e| self.broken("DONE", &e))?;
            loop {
                if let Some(end) = self.next(Some(&tag), &mut |_| {}).await? {
                    return end;
                }
            }
        };
        let outcome = timeout(patience, work).await;
        outcome.unwrap_or_else(|_| Err(self.silent("DONE", patience)))
    }

    /// Adds a mail to a folder.
    ///
    /// # Errors
    /// As [`Link::command`].
    pub(super) async fn append(&mut self, folder: &str, mail: &[u8]) -> Result<(), Fault> {
        self.allowed.store(ANSWER_LIMIT, Ordering::Relaxed);
        self.sent.fetch_add(1, Ordering::Relaxed);
        let patience = self.timeout;
        let work = self.session.append(utf7(folder), None, None, mail);
        match timeout(patience, work).await {
            Ok(Ok(())) => {
                self.news = true;
                Ok(())
            }
            Ok(Err(error)) => Err(self.broken("APPEND", &error)),
            Err(_) => Err(self.silent("APPEND", patience)),
        }
    }

    /// Says goodbye; whatever the server makes of it, the connection ends.
    pub(super) async fn close(mut self) {
        self.timeout = self.timeout.min(Duration::from_secs(1));
        // The connection is dropped either way.
        self.command("LOGOUT", 0, |_| {}).await.ok();
    }

    async fn start(&mut self, text: &str) -> Result<RequestId, Fault> {
        self.sent.fetch_add(1, Ordering::Relaxed);
        let sent = self.session.run_command(text).await;
        sent.map_err(|e| self.broken(verb(text), &e))
    }

    async fn begin_idle(&mut self) -> Result<Option<RequestId>, Fault> {
        let tag = self.start("IDLE").await?;
        let mut ready = false;
        while !ready {
            let mut take = |response: &Response<'_>| ready |= matches!(response, Response::Continue(_));
            match self.next(Some(&tag), &mut take).await? {
                Some(Err(fault)) if matches!(fault.reason, Reason::Status) => return Ok(None),
                Some(end) => return end.map(|()| None),
                None => {}
            }
        }
        Ok(Some(tag))
    }

    /// Reads one response. `Some` is the end of the command with the given tag.
    async fn next(
        &mut self,
        tag: Option<&RequestId>,
        take: &mut impl FnMut(&Response<'_>),
    ) -> Result<Option<Result<(), Fault>>, Fault> {
        let response = match self.session.read_response().await {
            Ok(Some(response)) => response,
            Ok(None) => return Err(self.fault(Reason::Reset, "the server closed the connection")),
            Err(error) => return Err(self.broken("reading", &Error::Io(error))),
        };
        let parsed = response.parsed();
        match parsed {
            Response::MailboxData(MailboxDatum::Exists(_)) => self.news = true,
            Response::Data {
                status: Status::Bye,
                outcome,
            } if tag.is_some() => {
                let said = outcome.information.as_deref().unwrap_or_default();
                return Err(self.fault(
                    reason_of(said, Reason::Reset),
                    &format!("the server said BYE: {said}"),
                ));
            }
            Response::Done {
                tag: done,
                status,
                outcome,
            } if Some(done) == tag => {
                let said = outcome.information.as_deref().unwrap_or_default();
                return Ok(Some(match status {
                    Status::Ok => Ok(()),
                    _ => Err(self.fault(
                        reason_of(said, Reason::Status),
                        &format!("the server refused: {said}"),
                    )),
                }));
            }
            _ => {}
        }
        take(parsed);
        Ok(None)
    }

    fn silent(&self, verb: &str, patience: Duration) -> Fault {
        self.fault(
            Reason::Timeout,
            &format!(
                "no answer to {verb} within {:.1} s; the connection counts as broken",
                patience.as_secs_f64()
            ),
        )
    }

    fn broken(&self, verb: &str, error: &Error) -> Fault {
        let reason = match error {
            Error::Io(e) if e.kind() == io::ErrorKind::Other => Reason::Protocol,
            Error::Io(_) | Error::ConnectionLost => Reason::Reset,
            Error::No(_) => Reason::Status,
            _ => Reason::Protocol,
        };
        self.fault(reason, &format!("{verb}: {error}"))
    }

    fn fault(&self, reason: Reason, what: &str) -> Fault {
        Fault::new(reason, format!("{}: {}", self.place, printable(what)))
    }
}

/// Which reason a server's words give, by its response codes (RFC 5530).
pub(super) fn reason_of(said: &str, otherwise: Reason) -> Reason {
    let said = said.to_ascii_uppercase();
    let busy = [
        "[UNAVAILABLE]",
        "[LIMIT]",
        "[INUSE]",
        "[SERVERBUG]",
        "TOO MANY",
        "RATE LIMIT",
    ];
    if busy.iter().any(|code| said.contains(code)) {
        Reason::Throttled
    } else {
        otherwise
    }
}

/// A server's words for a message: one line, at most 300 characters.
pub(super) fn printable(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(300)
        .collect()
}

/// The command's name, without its arguments.
fn verb(text: &str) -> &str {
    let words = if text.starts_with("UID ") { 2 } else { 1 };
    let end = text
        .match_indices(' ')
        .nth(words - 1)
        .map_or(text.len(), |(at, _)| at);
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_server_is_told_from_a_refusal() {
        assert_eq!(
            reason_of("[UNAVAILABLE] try later", Reason::Auth),
            Reason::Throttled
        );
        assert_eq!(reason_of("[LIMIT] too much", Reason::Auth), Reason::Throttled);
        assert_eq!(reason_of("[AUTHENTICATIONFAILED] no", Reason::Auth), Reason::Auth);
    }

    #[test]
    fn messages_name_commands_without_arguments() {
        assert_eq!(verb("UID FETCH 1:* (UID)"), "UID FETCH");
        assert_eq!(verb("EXAMINE \"x\""), "EXAMINE");
        assert_eq!(verb("NOOP"), "NOOP");
    }
}
