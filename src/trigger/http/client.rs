//! The client that all runs of a leg share.

use std::error::Error;

use reqwest::{Client, Proxy, redirect, retry};

use super::config::{HttpConfig, Version};
use super::connect::{OneAddress, Timed};
use super::sessions;
use super::{OpenContext, input};
use crate::model::{Fault, Reason};
use crate::tls;

/// Builds it. One attempt a request: no retry of the library's, no redirect, no second address.
///
/// # Errors
/// A certificate or key that cannot be read, is none or does not belong to the other; a proxy that is no URL.
pub(super) fn build(config: &HttpConfig, context: &OpenContext) -> Result<Client, Fault> {
    let mut secured = tls::client(&config.tls, &context.root)?;
    secured.resumption = sessions::noting();
    secured.alpn_protocols = offered(config.version);
    let clock = context.clock.clone();
    let mut builder = Client::builder()
        .user_agent(concat!("landfall/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .referer(false)
        .no_proxy()
        .dns_resolver(OneAddress(clock.clone()))
        .connector_layer(Timed(clock))
        .tls_backend_preconfigured(secured)
        .tcp_nodelay(true);
    if !config.keep_alive {
        builder = builder.pool_max_idle_per_host(0);
    }
    builder = match config.version {
        Version::Auto => builder,
        Version::Http1 => builder.http1_only(),
        Version::Http2 => builder.http2_prior_knowledge(),
    };
    if let Some(proxy) = &config.proxy {
        builder = builder.proxy(proxied(proxy.0.source.as_str())?);
    }
    builder.build().map_err(|error| {
        let message = format!("the HTTP client cannot be built: {}", innermost(&error));
        Fault::new(Reason::Internal, message)
    })
}

/// The protocols that a TLS handshake offers (RFC 7301), the preferred one first.
fn offered(version: Version) -> Vec<Vec<u8>> {
    let names: &[&str] = match version {
        Version::Auto => &["h2", "http/1.1"],
        Version::Http1 => &["http/1.1"],
        Version::Http2 => &["h2"],
    };
    names.iter().map(|name| name.as_bytes().to_vec()).collect()
}

fn proxied(url: &str) -> Result<Proxy, Fault> {
    // Said without the value, which may hold a password.
    let wrong = || input("`proxy` is no URL such as http://host:3128 or socks5h://host:1080");
    let known = ["http", "https", "socks4", "socks4a", "socks5", "socks5h"];
    let parsed: reqwest::Url = url.parse().map_err(|_| wrong())?;
    if !known.contains(&parsed.scheme()) || parsed.host_str().is_none_or(str::is_empty) {
        return Err(wrong());
    }
    Proxy::all(url).map_err(|_| wrong())
}

fn innermost<'e>(error: &'e (dyn Error + 'static)) -> &'e (dyn Error + 'static) {
    let mut last = error;
    while let Some(cause) = last.source() {
        last = cause;
    }
    last
}
