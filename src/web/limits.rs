//! Everything that bounds what a stranger can make the listener hold or do.

use std::time::Duration;

/// The limits of one listener. Each refusal by one of them is counted under a [`super::Word`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections open at once; 512. One more is answered 503 and closed.
    pub connections: usize,
    /// Connections open at once from one source (an IPv4 address, an IPv6 /64), but for listed proxies; 256.
    pub connections_per_source: usize,
    /// Header lines of a request; 100. More are answered 431.
    pub headers: usize,
    /// Bytes of a request's head; 32 KiB. More are answered 431.
    pub head_bytes: usize,
    /// From accepting a connection, or from the first byte of a later request, until its head is whole; 5 s.
    pub head: Duration,
    /// From the head until the body is whole; 10 s. Then 408.
    pub body: Duration,
    /// How long a handler may take; 120 s. Then 503.
    pub handler: Duration,
    /// How long an answer may take to leave; 10 s. Then the connection is cut.
    pub write: Duration,
    /// How long a connection may stay silent between requests; 30 s.
    pub idle: Duration,
    /// Bytes of bodies held at once over all connections; 64 MiB. Over it 503.
    pub body_bytes: usize,
    /// Requests per second that match nothing (an unknown path, a made-up token), over all sources; 200. Over it 429
    /// and the connection is closed. Requests that match are never counted here.
    pub unmatched: u32,
    /// The same from one source; 20.
    pub unmatched_per_source: u32,
    /// Sources whose budget is remembered at once; 4096. Those beyond share one budget.
    pub sources: usize,
    /// How long a request that was refused half read is still read, and thrown away, so that its sender gets to read
    /// the answer; 1 s.
    pub linger: Duration,
    /// How many bytes are so thrown away at most; 1 MiB.
    pub linger_bytes: usize,
    /// How long requests in flight may take to finish once the listener stops; 10 s.
    pub stop: Duration,
    /// The longest pause between two tries to accept while the process has no file descriptors left; 1 s.
    pub accept_pause: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 512,
            connections_per_source: 256,
            headers: 100,
            head_bytes: 32 * 1024,
            head: Duration::from_secs(5),
            body: Duration::from_secs(10),
            handler: Duration::from_secs(120),
            write: Duration::from_secs(10),
            idle: Duration::from_secs(30),
            body_bytes: 64 * 1024 * 1024,
            unmatched: 200,
            unmatched_per_source: 20,
            sources: 4096,
            linger: Duration::from_secs(1),
            linger_bytes: 1024 * 1024,
            stop: Duration::from_secs(10),
            accept_pause: Duration::from_secs(1),
        }
    }
}
