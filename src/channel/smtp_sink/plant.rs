//! The self-test: the sink mails itself.
//!
//! This is the one place of the sink that opens a connection (reliability.md S10, and a test of the repository holds
//! it to that): to the address that the sink itself has bound, taken from its own listener, and to nothing else. The
//! address is no setting, comes from no mail, and over TLS only the sink's own certificate will do.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::policy::Policy;
use crate::model::{Fault, Reason, Token};
use crate::tls::{explain, pinned};

/// How long the whole self-test may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Tries where a scripted answer puts the sender off.
const TRIES: usize = 10;
/// The longest reply that the sink gives itself.
const REPLY: usize = 4096;

/// The address that the sink has bound, as it reaches itself. Made from the listener alone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Own(SocketAddr);

impl Own {
    /// # Errors
    /// The listener has no address.
    pub(super) fn of(listener: &TcpListener) -> Result<Self, Fault> {
        let mut at = listener
            .local_addr()
            .map_err(|e| Fault::new(Reason::Unreachable, format!("smtp_sink has no address: {e}")))?;
        match at.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => at.set_ip(Ipv4Addr::LOCALHOST.into()),
            IpAddr::V6(ip) if ip.is_unspecified() => at.set_ip(Ipv6Addr::LOCALHOST.into()),
            _ => {}
        }
        Ok(Self(at))
    }

    /// The address, to be shown.
    pub(super) const fn address(self) -> SocketAddr {
        self.0
    }
}

/// Mails the sink a mail that bears the token.
///
/// # Errors
/// What it refused.
pub(super) async fn plant(
    own: Own,
    policy: &Policy,
    certificate: Option<&CertificateDer<'static>>,
    token: &Token,
) -> Result<(), Fault> {
    let whole = async {
        let mut last = Ok(());
        for _ in 0..TRIES {
            last = one(own, policy, certificate, token).await;
            let put_off = |f: &Fault| f.reason == Reason::Throttled;
            if !last.as_ref().is_err_and(put_off) {
                break;
            }
        }
        last
    };
    timeout(PATIENCE, whole).await.unwrap_or_else(|_| {
        Err(Fault::new(
            Reason::Timeout,
            format!("no whole self-test within {PATIENCE:?}"),
        ))
    })
}

trait Io: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

async fn one(
    own: Own,
    policy: &Policy,
    certificate: Option<&CertificateDer<'static>>,
    token: &Token,
) -> Result<(), Fault> {
    let tcp = TcpStream::connect(own.0).await.map_err(|e| broken(own, &e))?;
    tcp.set_nodelay(true).map_err(|e| broken(own, &e))?;
    let mut io: Box<dyn Io> = Box::new(tcp);
    expect(own, &mut io, "", "the greeting").await?;
    expect(own, &mut io, "EHLO localhost\r\n", "EHLO").await?;
    if let Some(certificate) = certificate {
        expect(own, &mut io, "STARTTLS\r\n", "STARTTLS").await?;
        io = secure(own, io, certificate).await?;
        expect(own, &mut io, "EHLO localhost\r\n", "EHLO").await?;
    }
    if let Some(auth) = &policy.auth {
        let plain = STANDARD.encode(format!("\0{}\0{}", auth.user, auth.password));
        expect(own, &mut io, &format!("AUTH PLAIN {plain}\r\n"), "AUTH").await?;
    }
    let (domain, address) = (&policy.domain, format!("canary+{token}@{}", policy.domain));
    expect(
        own,
        &mut io,
        &format!("MAIL FROM:<landfall@{domain}>\r\n"),
        "MAIL",
    )
    .await?;
    expect(own, &mut io, &format!("RCPT TO:<{address}>\r\n"), "RCPT").await?;
    expect(own, &mut io, "DATA\r\n", "DATA").await?;
    let mail = format!(
        "From: landfall@{domain}\r\nTo: {address}\r\nSubject: self-test {token}\r\n\
         Message-ID: <{token}.self-test@{domain}>\r\n\r\nlandfall check --online mailed this to itself.\r\n.\r\n"
    );
    expect(own, &mut io, &mail, "the mail").await?;
    // The mail is on record; how the goodbye goes changes nothing.
    let _goodbye = expect(own, &mut io, "QUIT\r\n", "QUIT").await.is_ok();
    Ok(())
}

async fn secure(
    own: Own,
    io: Box<dyn Io>,
    certificate: &CertificateDer<'static>,
) -> Result<Box<dyn Io>, Fault> {
    let tls = |e: &dyn std::fmt::Display| {
        Fault::new(
            Reason::Tls,
            format!("smtp_sink on {} failed its own handshake: {e}", own.0),
        )
    };
    let connector = tokio_rustls::TlsConnector::from(Arc::new(pinned(certificate.clone())?));
    let stream = connector
        .connect(ServerName::IpAddress(own.0.ip().into()), io)
        .await
        .map_err(|e| tls(&explain(&e)))?;
    Ok(Box::new(stream))
}

/// Says something and reads the reply, which must not refuse.
async fn expect(own: Own, io: &mut Box<dyn Io>, say: &str, what: &str) -> Result<(), Fault> {
    io.write_all(say.as_bytes()).await.map_err(|e| broken(own, &e))?;
    io.flush().await.map_err(|e| broken(own, &e))?;
    let mut reply = Vec::new();
    while !is_whole(&reply) {
        let mut chunk = [0; 512];
        let count = io.read(&mut chunk).await.map_err(|e| broken(own, &e))?;
        reply.extend_from_slice(&chunk[..count]);
        if count == 0 || reply.len() > REPLY {
            let message = format!("smtp_sink on {} gave no whole answer to {what}", own.0);
            return Err(Fault::new(Reason::Reset, message));
        }
    }
    let text = String::from_utf8_lossy(&reply);
    let reason = match reply.first() {
        Some(b'2' | b'3') => return Ok(()),
        Some(b'4') => Reason::Throttled,
        _ => Reason::Status,
    };
    let message = format!(
        "smtp_sink on {} refused {what} of its own self-test: {}",
        own.0,
        text.trim()
    );
    Err(Fault::new(reason, message))
}

fn is_whole(reply: &[u8]) -> bool {
    let last = reply
        .strip_suffix(b"\r\n")
        .and_then(|r| r.rsplit(|b| *b == b'\n').next());
    last.is_some_and(|line| line.get(3) == Some(&b' '))
}

fn broken(own: Own, error: &std::io::Error) -> Fault {
    Fault::new(
        Reason::Unreachable,
        format!("smtp_sink cannot reach itself on {}: {error}", own.0),
    )
}
