//! The certificate that STARTTLS shows.

use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use super::config::SinkTls;
use crate::model::{Fault, Reason};
use crate::tls::{certificates, private_key};

/// What a handshake needs.
#[derive(Clone)]
pub(super) struct Identity {
    pub(super) acceptor: TlsAcceptor,
    /// The sink's own certificate, by which it knows itself again.
    pub(super) certificate: CertificateDer<'static>,
}

/// Makes or reads the certificate.
///
/// # Errors
/// A file that cannot be read or holds no certificate or key; a key that does not fit.
pub(super) fn identity(tls: &SinkTls, domain: &str, root: &Path) -> Result<Identity, Fault> {
    let (chain, key) = match tls {
        SinkTls::SelfSigned => self_signed(domain)?,
        SinkTls::Files { cert, key } => (
            certificates(root, "tls.files.cert", cert)?,
            private_key(root, "tls.files.key", key)?,
        ),
    };
    let Some(certificate) = chain.first().cloned() else {
        return Err(Fault::new(
            Reason::Tls,
            "the certificate file holds no certificate: expected PEM",
        ));
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(|e| {
            Fault::new(
                Reason::Tls,
                format!("certificate and key cannot be used together: {e}"),
            )
        })?;
    Ok(Identity {
        acceptor: TlsAcceptor::from(Arc::new(config)),
        certificate,
    })
}

type Pair = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn self_signed(domain: &str) -> Result<Pair, Fault> {
    let names = vec![domain.to_owned(), String::from("localhost")];
    let made = rcgen::generate_simple_self_signed(names).map_err(|e| {
        Fault::new(
            Reason::Tls,
            format!("cannot make a certificate for `{domain}`: {e}"),
        )
    })?;
    let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    Ok((vec![made.cert.der().clone()], key))
}
