//! The client that all runs of a leg share.

use std::path::Path;

use reqwest::redirect::{Attempt, Policy};
use reqwest::{Certificate, Client, Identity, tls};

use super::config::{HttpConfig, MinVersion, Version};
use super::timing::{OneAddress, Timed};
use super::{OpenContext, input};
use crate::model::{Fault, Reason, Spanned};

/// Builds it.
///
/// # Errors
/// A certificate or key that cannot be read or is none, a proxy that is no URL.
pub(super) fn build(config: &HttpConfig, context: &OpenContext) -> Result<Client, Fault> {
    let clock = context.clock.clone();
    let mut builder = Client::builder()
        .user_agent(concat!("landfall/", env!("CARGO_PKG_VERSION")))
        .timeout(config.timeout.0)
        .redirect(policy(config.redirects.as_ref().map_or(0, |r| r.value)))
        .dns_resolver(OneAddress(clock.clone()))
        .connector_layer(Timed(clock))
        .tls_version_min(match config.tls.min_version {
            MinVersion::V12 => tls::Version::TLS_1_2,
            MinVersion::V13 => tls::Version::TLS_1_3,
        })
        .tls_danger_accept_invalid_certs(config.tls.insecure)
        .tcp_nodelay(true)
        .no_proxy();
    if !config.keep_alive {
        builder = builder.pool_max_idle_per_host(0);
    }
    builder = match config.version {
        Version::Auto => builder,
        Version::Http1 => builder.http1_only(),
        Version::Http2 => builder.http2_prior_knowledge(),
    };
    if let Some(file) = &config.tls.ca {
        let certificates = Certificate::from_pem_bundle(&read(&context.root, file)?);
        builder = builder.tls_certs_merge(certificates.map_err(|e| no_pem("tls.ca", file, &e))?);
    }
    if let (Some(cert), Some(key)) = (&config.tls.cert, &config.tls.key) {
        let mut pem = read(&context.root, cert)?;
        pem.push(b'\n');
        pem.extend(read(&context.root, key)?);
        builder = builder.identity(Identity::from_pem(&pem).map_err(|e| no_pem("tls.cert", cert, &e))?);
    }
    if let Some(proxy) = &config.proxy {
        let proxy = reqwest::Proxy::all(proxy.0.source.as_str());
        builder = builder.proxy(proxy.map_err(|_| input("`proxy` is no URL such as http://host:3128"))?);
    }
    builder
        .build()
        .map_err(|error| Fault::new(Reason::Tls, format!("the HTTP client cannot be built: {error}")))
}

fn read(root: &Path, file: &Spanned<String>) -> Result<Vec<u8>, Fault> {
    let path = root.join(&file.value);
    std::fs::read(&path).map_err(|error| input(format!("`{}` cannot be read: {error}", file.value)))
}

fn no_pem(key: &str, file: &Spanned<String>, error: &reqwest::Error) -> Fault {
    let why = std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string);
    input(format!("`{}` ({key}) holds no usable PEM: {why}", file.value))
}

/// Redirects stay on the host and port they came from: what an answer says must not choose whom landfall talks to.
fn policy(limit: u8) -> Policy {
    if limit == 0 {
        return Policy::none();
    }
    Policy::custom(move |attempt: Attempt<'_>| {
        let place = |url: &reqwest::Url| (url.host_str().map(str::to_owned), url.port_or_known_default());
        let same = attempt
            .previous()
            .last()
            .is_some_and(|last| place(last) == place(attempt.url()));
        if same && attempt.previous().len() <= usize::from(limit) {
            attempt.follow()
        } else {
            attempt.stop()
        }
    })
}
