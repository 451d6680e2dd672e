//! From which site a request comes, and to which name it was sent.

use std::net::IpAddr;

use hyper::HeaderMap;
use hyper::header::{HOST, ORIGIN};

/// The authority of an http or https URL.
pub(super) fn authority_of(url: &str) -> Option<&str> {
    let rest = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"))?;
    rest.split(['/', '?', '#']).next().filter(|a| !a.is_empty())
}

/// Whether an authority names this machine: `localhost` or a loopback address, with or without a port.
pub(super) fn is_local_name(authority: &str) -> bool {
    let host = host_of(authority);
    host.eq_ignore_ascii_case("localhost")
        || host
            .parse::<IpAddr>()
            .is_ok_and(|ip| ip.to_canonical().is_loopback())
}

/// The host of an authority, without port and brackets.
fn host_of(authority: &str) -> &str {
    if let Some(v6) = authority.strip_prefix('[') {
        return v6.split(']').next().unwrap_or_default();
    }
    authority.rsplit_once(':').map_or(authority, |(host, _)| host)
}

/// The one `Host` of a request.
pub(super) fn host(headers: &HeaderMap) -> Option<&str> {
    let mut all = headers.get_all(HOST).iter();
    let only = all.next()?.to_str().ok()?;
    all.next().is_none().then_some(only)
}

/// Whether a request that writes was made by a page of this very site, or by no page at all. A browser tells with
/// `Sec-Fetch-Site` and `Origin`; other programs send neither.
pub(in crate::web) fn same_site(headers: &HeaderMap, public_url: Option<&str>) -> bool {
    if let Some(site) = headers.get("sec-fetch-site")
        && !["same-origin", "none"].iter().any(|fine| site == fine)
    {
        return false;
    }
    let Some(origin) = headers.get(ORIGIN) else {
        return true;
    };
    let Some(from) = origin.to_str().ok().and_then(authority_of) else {
        return false;
    };
    host(headers).is_some_and(|host| host.eq_ignore_ascii_case(from))
        || public_url
            .and_then(authority_of)
            .is_some_and(|own| own.eq_ignore_ascii_case(from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_this_machine() {
        for (authority, local) in [
            ("localhost", true),
            ("LOCALHOST:4747", true),
            ("127.0.0.1:4747", true),
            ("127.8.9.1", true),
            ("[::1]:4747", true),
            ("[::1]", true),
            ("[::ffff:127.0.0.1]:1", true),
            ("", false),
            ("localhost.evil.example", false),
            ("127.0.0.1.nip.io:4747", false),
            ("evil.example:4747", false),
            ("0.0.0.0:4747", false),
            ("[::]", false),
            ("2130706433", false),
        ] {
            assert_eq!(is_local_name(authority), local, "{authority}");
        }
    }

    #[test]
    fn another_site_is_told_by_its_own_words() {
        let own = Some("https://probes.example.com/x");
        for (origin, fetch, fine) in [
            (None, None, true),
            (None, Some("none"), true),
            (Some("http://127.0.0.1:4747"), Some("same-origin"), true),
            (Some("https://probes.example.com"), None, true),
            (Some("http://127.0.0.1:4748"), None, false),
            (Some("https://evil.example"), None, false),
            (Some("null"), None, false),
            (Some(""), None, false),
            (None, Some("cross-site"), false),
            (None, Some("same-site"), false),
            (Some("http://127.0.0.1:4747"), Some("cross-site"), false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, "127.0.0.1:4747".parse().unwrap());
            if let Some(origin) = origin {
                headers.insert(ORIGIN, origin.parse().unwrap());
            }
            if let Some(fetch) = fetch {
                headers.insert("sec-fetch-site", fetch.parse().unwrap());
            }
            assert_eq!(same_site(&headers, own), fine, "{origin:?} {fetch:?}");
        }
    }

    #[test]
    fn two_hosts_are_none() {
        let mut headers = HeaderMap::new();
        assert_eq!(host(&headers), None);
        headers.append(HOST, "localhost".parse().unwrap());
        assert_eq!(host(&headers), Some("localhost"));
        headers.append(HOST, "evil.example".parse().unwrap());
        assert_eq!(host(&headers), None);
    }
}
