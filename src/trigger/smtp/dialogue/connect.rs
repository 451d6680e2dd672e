//! Looking up, connecting, shaking hands.

use std::net::SocketAddr;

use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::{Dialogue, Stop};
use crate::model::{Fault, Reason};
use crate::tls::explain;
use crate::trigger::smtp::config::Mode;
use crate::trigger::smtp::wire::{Io, Wire};

impl Dialogue {
    pub(super) async fn connect(&mut self) -> Result<(), Stop> {
        self.step = String::from("name resolution");
        let found = tokio::net::lookup_host((self.job.host.as_str(), self.job.port)).await;
        let dns = |e: String| Fault::new(Reason::Dns, e);
        let all: Vec<SocketAddr> = found.map_err(|e| dns(e.to_string()))?.collect();
        self.resolved = Some(self.clock.now());
        self.step = String::from("connecting");
        let mut last = dns(String::from("the name has no address"));
        for address in all {
            match TcpStream::connect(address).await {
                Ok(tcp) => return self.connected_to(tcp, address).await,
                Err(e) => last = Fault::new(Reason::Unreachable, format!("{address}: {e}")),
            }
        }
        Err(last.into())
    }

    async fn connected_to(&mut self, tcp: TcpStream, address: SocketAddr) -> Result<(), Stop> {
        let unreachable = |e: std::io::Error| Fault::new(Reason::Unreachable, e.to_string());
        // Without this the kernel holds the final dot back for 40 ms.
        tcp.set_nodelay(true).map_err(unreachable)?;
        self.local = Some(tcp.local_addr().map_err(unreachable)?);
        self.attributes
            .insert(String::from("address"), address.to_string());
        self.attributes.insert(String::from("tls"), String::from("none"));
        let mut io: Box<dyn Io> = Box::new(tcp);
        self.connected = Some(self.clock.now());
        if self.job.tls == Mode::Implicit {
            io = self.shake_hands(io).await?;
            self.secured_at = Some(self.clock.now());
        }
        self.wire = Some(Wire::new(io));
        Ok(())
    }

    pub(super) async fn shake_hands(&mut self, io: Box<dyn Io>) -> Result<Box<dyn Io>, Fault> {
        self.step = String::from("the TLS handshake");
        let tls = |e: String| Fault::new(Reason::Tls, e);
        let client = self
            .job
            .client
            .clone()
            .ok_or_else(|| tls(String::from("TLS was not prepared")))?;
        let name = ServerName::try_from(self.job.host.clone()).map_err(|e| tls(e.to_string()))?;
        let stream = TlsConnector::from(client)
            .connect(name, io)
            .await
            .map_err(|e| tls(explain(&e)))?;
        let (_, session) = stream.get_ref();
        let version = session
            .protocol_version()
            .and_then(|v| v.as_str())
            .unwrap_or("TLS");
        let suite = session
            .negotiated_cipher_suite()
            .and_then(|s| s.suite().as_str())
            .unwrap_or("");
        self.attributes
            .insert(String::from("tls"), format!("{version} {suite}"));
        self.secured = true;
        Ok(Box::new(stream))
    }
}
