//! The certificate that STARTTLS shows.

use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use super::config::SinkTls;
use crate::model::{Fault, Reason, Spanned};

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
        SinkTls::Files { cert, key } => (read_chain(root, cert)?, read_key(root, key)?),
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

fn read(root: &Path, name: &Spanned<String>) -> Result<Vec<u8>, Fault> {
    let path = root.join(&name.value);
    std::fs::read(&path)
        .map_err(|e| Fault::new(Reason::Tls, format!("cannot read `{}`: {e}", path.display())))
}

fn read_chain(root: &Path, name: &Spanned<String>) -> Result<Vec<CertificateDer<'static>>, Fault> {
    CertificateDer::pem_slice_iter(&read(root, name)?)
        .collect::<Result<_, _>>()
        .map_err(|e| {
            Fault::new(
                Reason::Tls,
                format!("`{}` holds no PEM certificate: {e}", name.value),
            )
        })
}

fn read_key(root: &Path, name: &Spanned<String>) -> Result<PrivateKeyDer<'static>, Fault> {
    PrivateKeyDer::from_pem_slice(&read(root, name)?).map_err(|e| {
        Fault::new(
            Reason::Tls,
            format!("`{}` holds no PEM private key: {e}", name.value),
        )
    })
}
