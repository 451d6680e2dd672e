//! The client that asks, and what its errors mean.

use std::error::Error as _;
use std::io;

use reqwest::{Client, Error, redirect};

use super::HttpConfig;
use crate::channel::OpenContext;
use crate::model::{Fault, Reason};
use crate::tls;

/// One client for all runs.
pub(super) fn build(config: &HttpConfig, context: &OpenContext) -> Result<Client, Fault> {
    let mut secured = tls::client(&config.tls, &context.root)?;
    secured.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Client::builder()
        .tls_backend_preconfigured(secured)
        .user_agent(concat!("landfall/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .referer(false)
        .no_proxy()
        .retry(reqwest::retry::never())
        .timeout(config.timeout.value.0)
        .pool_max_idle_per_host(config.concurrent.value)
        .build()
        .map_err(|e| Fault::new(Reason::Internal, format!("no HTTP client: {}", whole(&e))))
}

/// What is wrong on landfall's side of the connection; `None` is the target's own *not yet*.
pub(super) fn blinds(error: &Error) -> Option<Fault> {
    let cause = error.source().and_then(own_reason);
    let reason = error.is_dns().then_some(Reason::Dns).or(cause)?;
    let host = error.url().and_then(|u| u.host_str()).unwrap_or("the host");
    Some(Fault::new(
        reason,
        format!("`{host}` could not be asked: {}", whole(error)),
    ))
}

/// Why it is landfall's own, by the innermost cause that says so.
fn own_reason(error: &(dyn std::error::Error + 'static)) -> Option<Reason> {
    if error.is::<rustls::Error>() {
        return Some(Reason::Tls);
    }
    let io = error.downcast_ref::<io::Error>();
    // An IO error that wraps another passes over it when asked for its source.
    let wrapped = io
        .and_then(io::Error::get_ref)
        .and_then(|inner| own_reason(inner));
    wrapped
        .or_else(|| error.source().and_then(own_reason))
        .or_else(|| {
            let io = io?;
            match (io.raw_os_error(), io.kind()) {
                // Too many open files, of the process or of the system.
                (Some(23 | 24), _) => Some(Reason::Limit),
                (
                    _,
                    io::ErrorKind::NetworkUnreachable
                    | io::ErrorKind::NetworkDown
                    | io::ErrorKind::AddrNotAvailable
                    | io::ErrorKind::PermissionDenied,
                ) => Some(Reason::Unreachable),
                _ => None,
            }
        })
}

/// An error with its causes, without the address (which can hold a secret).
fn whole(error: &Error) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let text = tls::explain(inner);
        if parts.last() != Some(&text) {
            parts.push(text);
        }
        cause = inner.source();
    }
    parts.join(": ")
}
