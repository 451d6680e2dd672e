//! Where a connection comes from, and whom a proxy says it speaks for.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use ipnet::IpNet;

/// What counts as one source: an IPv4 address, or an IPv6 /64, since whoever has one address there has them all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Source(IpAddr);

impl Source {
    pub(super) fn of(ip: IpAddr) -> Self {
        match ip.to_canonical() {
            IpAddr::V6(v6) => Self(IpAddr::V6(Ipv6Addr::from_bits(
                v6.to_bits() & !u128::from(u64::MAX),
            ))),
            v4 @ IpAddr::V4(_) => Self(v4),
        }
    }
}

/// How many connections are open, in all and from each source.
#[derive(Debug, Default)]
pub(super) struct Open(Arc<Mutex<(usize, HashMap<Source, usize>)>>);

/// One open connection; gives its place back when dropped.
#[derive(Debug)]
pub(super) struct Place {
    open: Arc<Mutex<(usize, HashMap<Source, usize>)>>,
    source: Source,
}

/// Which of the two limits was hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Full {
    All,
    Source,
}

impl Open {
    pub(super) fn enter(&self, source: Source, all: usize, each: usize) -> Result<Place, Full> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if open.0 >= all {
            return Err(Full::All);
        }
        let count = open.1.get(&source).copied().unwrap_or(0);
        if count >= each {
            return Err(Full::Source);
        }
        open.0 += 1;
        open.1.insert(source, count + 1);
        Ok(Place {
            open: Arc::clone(&self.0),
            source,
        })
    }

    pub(super) fn count(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.0 = open.0.saturating_sub(1);
        if let Some(count) = open.1.get_mut(&self.source) {
            *count -= 1;
            if *count == 0 {
                open.1.remove(&self.source);
            }
        }
    }
}

/// Who sent a request: the peer, or, where the peer is a listed proxy, the last address in `X-Forwarded-For` that is
/// not a listed proxy itself. What stands before it was written by that sender and proves nothing.
pub(super) fn client(peer: IpAddr, proxies: &[IpNet], forwarded: &str) -> IpAddr {
    let listed = |ip: IpAddr| proxies.iter().any(|net| net.contains(&ip.to_canonical()));
    let mut client = peer.to_canonical();
    for hop in forwarded.rsplit(',') {
        if !listed(client) {
            break;
        }
        let Some(ip) = address(hop.trim()) else { break };
        client = ip.to_canonical();
    }
    client
}

/// Some proxies write the port too, and some put IPv6 into brackets.
fn address(hop: &str) -> Option<IpAddr> {
    let bare = hop.trim_start_matches('[').trim_end_matches(']');
    let with_port = || hop.parse::<SocketAddr>().ok().map(|address| address.ip());
    bare.parse().ok().or_else(with_port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_listed_proxy_is_believed() {
        let proxies: Vec<IpNet> = vec!["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        for (peer, forwarded, expected) in [
            ("192.0.2.1", "", "192.0.2.1"),
            ("192.0.2.1", "198.51.100.7", "192.0.2.1"),
            ("10.0.0.1", "", "10.0.0.1"),
            ("10.0.0.1", "198.51.100.7", "198.51.100.7"),
            ("::ffff:10.0.0.1", "198.51.100.7", "198.51.100.7"),
            ("10.0.0.1", "127.0.0.1, 198.51.100.7", "198.51.100.7"),
            ("10.0.0.1", "1.1.1.1, 198.51.100.7, 10.9.9.9", "198.51.100.7"),
            ("10.0.0.1", "198.51.100.7, nonsense", "10.0.0.1"),
            ("fd00::1", "[2001:db8::1]", "2001:db8::1"),
            ("fd00::1", "[2001:db8::1]:443", "2001:db8::1"),
            ("10.0.0.1", "198.51.100.7:52611", "198.51.100.7"),
        ] {
            assert_eq!(
                client(ip(peer), &proxies, forwarded),
                ip(expected),
                "{peer} {forwarded}"
            );
        }
    }

    #[test]
    fn places_are_given_back() {
        let open = Open::default();
        let one = Source::of("2001:db8::1".parse().unwrap());
        assert_eq!(one, Source::of("2001:db8::ffff".parse().unwrap()));
        let place = open.enter(one, 2, 1).unwrap();
        assert_eq!(open.enter(one, 2, 1).unwrap_err(), Full::Source);
        let other = open
            .enter(Source::of("192.0.2.1".parse().unwrap()), 2, 1)
            .unwrap();
        assert_eq!(open.enter(one, 2, 1).unwrap_err(), Full::All);
        drop((place, other));
        assert_eq!(open.count(), 0);
        assert!(open.0.lock().unwrap().1.is_empty());
    }
}
