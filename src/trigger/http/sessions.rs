//! The TLS sessions that a client keeps, and by them when a handshake begins.
//!
//! The client's connector looks up, connects and shakes hands in one go. What tells the handshake apart is that its first act
//! is to ask the sessions which group of keys the server chose before (RFC 8446, section 4.2.8, `key_share`).

use std::sync::Arc;

use rustls::NamedGroup;
use rustls::client::{
    ClientSessionMemoryCache, ClientSessionStore, Resumption, Tls12ClientSessionValue,
    Tls13ClientSessionValue,
};
use rustls::pki_types::ServerName;

use super::note::NOTE;

/// Sessions that are kept, of two servers: a leg speaks to one or two, and room for more would be reserved for every leg.
const MOST: usize = 16;

/// Sessions in memory that note handshakes for the runs that make them.
pub(super) fn noting() -> Resumption {
    Resumption::store(Arc::new(Sessions(ClientSessionMemoryCache::new(MOST))))
}

#[derive(Debug)]
struct Sessions(ClientSessionMemoryCache);

impl ClientSessionStore for Sessions {
    fn set_kx_hint(&self, server: ServerName<'static>, group: NamedGroup) {
        self.0.set_kx_hint(server, group);
    }

    fn kx_hint(&self, server: &ServerName<'_>) -> Option<NamedGroup> {
        // A connection that is made beside for a later request belongs to no run.
        let _beside = NOTE.try_with(|note| note.shakes_hands());
        self.0.kx_hint(server)
    }

    fn set_tls12_session(&self, server: ServerName<'static>, value: Tls12ClientSessionValue) {
        self.0.set_tls12_session(server, value);
    }

    fn tls12_session(&self, server: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        self.0.tls12_session(server)
    }

    fn remove_tls12_session(&self, server: &ServerName<'static>) {
        self.0.remove_tls12_session(server);
    }

    fn insert_tls13_ticket(&self, server: ServerName<'static>, value: Tls13ClientSessionValue) {
        self.0.insert_tls13_ticket(server, value);
    }

    fn take_tls13_ticket(&self, server: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        self.0.take_tls13_ticket(server)
    }
}
