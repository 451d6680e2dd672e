//! The client that all runs of a leg share.

use std::error::Error;
use std::path::Path;

use reqwest::{Certificate, Client, ClientBuilder, Identity, Proxy, redirect, retry, tls};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::config::{HttpConfig, MinVersion, Tls, Version};
use super::connect::{OneAddress, Timed};
use super::{OpenContext, input};
use crate::model::{Fault, Reason, Spanned};

/// Builds it. One attempt a request: no retry of the library's, no redirect, no second address.
///
/// # Errors
/// A certificate or key that cannot be read, is none or does not belong to the other; a proxy that is no URL.
pub(super) fn build(config: &HttpConfig, context: &OpenContext) -> Result<Client, Fault> {
    // The one provider of the process; a second call finds it in place.
    drop(rustls::crypto::ring::default_provider().install_default());
    let clock = context.clock.clone();
    let mut builder = Client::builder()
        .user_agent(concat!("landfall/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .referer(false)
        .no_proxy()
        .dns_resolver(OneAddress(clock.clone()))
        .connector_layer(Timed(clock))
        .tcp_nodelay(true);
    if !config.keep_alive {
        builder = builder.pool_max_idle_per_host(0);
    }
    builder = match config.version {
        Version::Auto => builder,
        Version::Http1 => builder.http1_only(),
        Version::Http2 => builder.http2_prior_knowledge(),
    };
    builder = secured(builder, &config.tls, &context.root)?;
    if let Some(proxy) = &config.proxy {
        builder = builder.proxy(proxied(proxy.0.source.as_str())?);
    }
    builder.build().map_err(|error| unbuilt(config, &error))
}

fn secured(builder: ClientBuilder, tls: &Tls, root: &Path) -> Result<ClientBuilder, Fault> {
    let mut builder = builder
        .tls_version_min(match tls.min_version {
            MinVersion::V12 => tls::Version::TLS_1_2,
            MinVersion::V13 => tls::Version::TLS_1_3,
        })
        .tls_danger_accept_invalid_certs(tls.insecure);
    if let Some(file) = &tls.ca {
        let pem = read(root, "tls.ca", file)?;
        certificates("tls.ca", file, &pem)?;
        let certificates = Certificate::from_pem_bundle(&pem);
        builder = builder.tls_certs_merge(certificates.map_err(|e| no_pem("tls.ca", file, &e))?);
    }
    if let (Some(cert), Some(key)) = (&tls.cert, &tls.key) {
        let mut pem = read(root, "tls.cert", cert)?;
        certificates("tls.cert", cert, &pem)?;
        let secret = read(root, "tls.key", key)?;
        PrivateKeyDer::from_pem_slice(&secret).map_err(|_| {
            input(format!(
                "`{}` (tls.key) holds no private key in PEM without a password",
                key.value
            ))
        })?;
        pem.push(b'\n');
        pem.extend(secret);
        builder = builder.identity(Identity::from_pem(&pem).map_err(|e| no_pem("tls.cert", cert, &e))?);
    }
    Ok(builder)
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

fn read(root: &Path, key: &str, file: &Spanned<String>) -> Result<Vec<u8>, Fault> {
    std::fs::read(root.join(&file.value))
        .map_err(|error| input(format!("`{}` ({key}) cannot be read: {error}", file.value)))
}

fn certificates(key: &str, file: &Spanned<String>, pem: &[u8]) -> Result<(), Fault> {
    let mut count = 0;
    for certificate in CertificateDer::pem_slice_iter(pem) {
        certificate.map_err(|e| no_pem(key, file, &e))?;
        count += 1;
    }
    if count == 0 {
        return Err(input(format!(
            "`{}` ({key}) holds no certificate in PEM",
            file.value
        )));
    }
    Ok(())
}

fn no_pem(key: &str, file: &Spanned<String>, error: &(dyn Error + 'static)) -> Fault {
    input(format!(
        "`{}` ({key}) holds no usable PEM: {}",
        file.value,
        innermost(error)
    ))
}

fn unbuilt(config: &HttpConfig, error: &reqwest::Error) -> Fault {
    let why = innermost(error);
    let message = match (&config.tls.ca, &config.tls.cert, &config.tls.key) {
        (_, Some(cert), Some(key)) => {
            format!(
                "`{}` (tls.cert) and `{}` (tls.key) cannot be used: {why}",
                cert.value, key.value
            )
        }
        (Some(ca), ..) => format!("`{}` (tls.ca) cannot be used: {why}", ca.value),
        _ => format!("the HTTP client cannot be built: {why}"),
    };
    Fault::new(Reason::Tls, message)
}

fn innermost<'e>(error: &'e (dyn Error + 'static)) -> &'e (dyn Error + 'static) {
    let mut last = error;
    while let Some(cause) = last.source() {
        last = cause;
    }
    last
}
