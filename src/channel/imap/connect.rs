//! From nothing to a connection that is logged in.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_imap::Client;
use async_imap::error::Error;
use async_imap::imap_proto::{Response, Status};
use rustls::pki_types::ServerName;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::config::Mode;
use super::link::{ANSWER_LIMIT, Abilities, Io, Link, Wire, printable, reason_of};
use super::watch::Settings;
use crate::model::{Fault, Reason};
use crate::tls::explain;

/// Connects and logs in.
///
/// # Errors
/// What stands in the way, with what to do about it.
pub(super) async fn connect(settings: &Settings, sent: &Arc<AtomicU64>) -> Result<Link, Fault> {
    let dial = Dial { settings };
    let tcp = dial.limited("connecting", dial.tcp()).await?;
    let allowed = Arc::new(AtomicU64::new(ANSWER_LIMIT));
    let wire = |io: Box<dyn Io>| Wire {
        io,
        allowed: Arc::clone(&allowed),
    };
    let client = match settings.tls {
        Mode::None => dial.greeted(Client::new(wire(Box::new(tcp)))).await?,
        Mode::Implicit => {
            let io = dial.limited("the TLS handshake", dial.tls(Box::new(tcp))).await?;
            dial.greeted(Client::new(wire(io))).await?
        }
        Mode::Starttls => {
            let client = dial.greeted(Client::new(wire(Box::new(tcp)))).await?;
            let plain = dial.limited("STARTTLS", dial.starttls(client)).await?;
            // Whatever the peer sent before the handshake is dropped with the client's buffer.
            let io = dial.limited("the TLS handshake", dial.tls(plain.io)).await?;
            Client::new(wire(io))
        }
    };
    sent.fetch_add(1, Ordering::Relaxed);
    let login = dial.limited("LOGIN", dial.login(client));
    let (session, can) = login.await?;
    Ok(Link::new(
        session,
        allowed,
        can,
        settings.timeout,
        settings.place(),
        Arc::clone(sent),
    ))
}

struct Dial<'a> {
    settings: &'a Settings,
}

impl Dial<'_> {
    async fn limited<T>(&self, step: &str, work: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
        let patience = self.settings.timeout;
        timeout(patience, work).await.unwrap_or_else(|_| {
            let seconds = patience.as_secs_f64();
            Err(self.fault(
                Reason::Timeout,
                format!("{step} was not done within {seconds:.1} s"),
            ))
        })
    }

    async fn tcp(&self) -> Result<TcpStream, Fault> {
        let Settings { host, port, .. } = self.settings;
        let addresses: Vec<_> = lookup_host((host.as_str(), *port))
            .await
            .map_err(|e| self.fault(Reason::Dns, format!("the name does not resolve: {e}")))?
            .collect();
        let tcp = TcpStream::connect(&*addresses)
            .await
            .map_err(|e| self.fault(Reason::Unreachable, format!("no connection: {e}")))?;
        let broken = |e: std::io::Error| self.fault(Reason::Unreachable, format!("no connection: {e}"));
        tcp.set_nodelay(true).map_err(broken)?;
        keep_alive(&tcp).map_err(|e| broken(e.into()))?;
        Ok(tcp)
    }

    async fn tls(&self, io: Box<dyn Io>) -> Result<Box<dyn Io>, Fault> {
        let Settings { host, client, .. } = self.settings;
        let config = client
            .clone()
            .ok_or_else(|| self.fault(Reason::Internal, String::from("TLS was not set up")))?;
        let name = ServerName::try_from(host.clone())
            .map_err(|e| self.fault(Reason::Input, format!("no name that a certificate can bear: {e}")))?;
        let stream = TlsConnector::from(config).connect(name, io).await.map_err(|e| {
            self.fault(
                Reason::Tls,
                format!(
                    "the TLS handshake failed: {} (a port that begins plainly is named by `tls: starttls`)",
                    explain(&e)
                ),
            )
        })?;
        Ok(Box::new(stream))
    }

    async fn greeted(&self, mut client: Client<Wire>) -> Result<Client<Wire>, Fault> {
        let patience = self.settings.timeout;
        let greeting = timeout(patience, client.read_response()).await.map_err(|_| {
            let seconds = patience.as_secs_f64();
            self.fault(
                Reason::Timeout,
                format!("no greeting within {seconds:.1} s (a port for TLS needs `tls: implicit`)"),
            )
        })?;
        let greeting = greeting
            .map_err(|e| {
                self.fault(
                    Reason::Protocol,
                    format!("no IMAP greeting: {e} (does `tls` fit the port?)"),
                )
            })?
            .ok_or_else(|| {
                self.fault(
                    Reason::Reset,
                    String::from("the server hung up before its greeting"),
                )
            })?;
        match greeting.parsed() {
            Response::Data {
                status: Status::Ok, ..
            } => Ok(client),
            Response::Data { outcome, .. } => {
                let said = outcome.information.as_deref().unwrap_or_default();
                Err(self.fault(
                    reason_of(said, Reason::Unreachable),
                    format!("the server turned us away: {}", printable(said)),
                ))
            }
            _ => Err(self.fault(Reason::Protocol, String::from("the greeting is not IMAP"))),
        }
    }

    async fn starttls(&self, mut client: Client<Wire>) -> Result<Wire, Fault> {
        client
            .run_command_and_check_ok("STARTTLS", None)
            .await
            .map_err(|e| {
                self.fault(
                    Reason::Tls,
                    format!("the server does not take STARTTLS: {}", printable(&e.to_string())),
                )
            })?;
        Ok(client.into_inner())
    }

    async fn login(&self, client: Client<Wire>) -> Result<(async_imap::Session<Wire>, Abilities), Fault> {
        let Settings { user, password, .. } = self.settings;
        let (mut session, known) = client
            .login_with_capabilities(user, password)
            .await
            .map_err(|(error, _)| self.refused(&error))?;
        let known = match known {
            Some(known) => known,
            None => session.capabilities().await.map_err(|e| self.refused(&e))?,
        };
        let can = Abilities {
            idle: known.has_str("IDLE"),
            uidplus: known.has_str("UIDPLUS"),
        };
        Ok((session, can))
    }

    fn refused(&self, error: &Error) -> Fault {
        let said = printable(&error.to_string());
        let user = &self.settings.user;
        match error {
            Error::No(_) | Error::Bad(_) => match reason_of(&said, Reason::Auth) {
                Reason::Throttled => self.fault(Reason::Throttled, format!("login put off: {said}")),
                _ => self.fault(
                    Reason::Auth,
                    format!("login of `{user}` refused: {said} (check `user` and `password`; does the server want TLS first, or an application password?)"),
                ),
            },
            Error::Validate(_) => self.fault(
                Reason::Input,
                format!("`user` or `password` holds a line break: {said}"),
            ),
            Error::Io(_) | Error::ConnectionLost => {
                self.fault(reason_of(&said, Reason::Reset), format!("the connection broke off at login: {said}"))
            }
            _ => self.fault(Reason::Protocol, format!("login: {said}")),
        }
    }

    fn fault(&self, reason: Reason, what: String) -> Fault {
        Fault::new(reason, format!("{}: {what}", self.settings.place()))
    }
}

/// Lets the kernel find out that the peer is gone, also while no command is under way.
fn keep_alive(tcp: &TcpStream) -> rustix::io::Result<()> {
    use rustix::net::sockopt;
    sockopt::set_socket_keepalive(tcp, true)?;
    sockopt::set_tcp_keepidle(tcp, Duration::from_secs(30))?;
    sockopt::set_tcp_keepintvl(tcp, Duration::from_secs(10))?;
    sockopt::set_tcp_keepcnt(tcp, 3)
}
