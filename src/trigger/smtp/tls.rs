//! Whom to trust.

use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use rustls_platform_verifier::BuilderVerifierExt;

use super::config::SmtpConfig;
use crate::model::{Fault, Reason};

/// The client's side of every handshake: the system's certificates, or those of `ca`, or any.
///
/// # Errors
/// A file that cannot be read or holds no certificate; a system without certificates.
pub(super) fn client(config: &SmtpConfig, root: &Path) -> Result<Arc<ClientConfig>, Fault> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|e| Fault::new(Reason::Tls, format!("cannot prepare TLS: {e}")))?;
    let built = if config.insecure {
        let anybody = Arc::new(Anybody(
            ring::default_provider().signature_verification_algorithms,
        ));
        builder
            .dangerous()
            .with_custom_certificate_verifier(anybody)
            .with_no_client_auth()
    } else if let Some(ca) = &config.ca {
        builder
            .with_root_certificates(roots(root, &ca.value)?)
            .with_no_client_auth()
    } else {
        builder
            .with_platform_verifier()
            .map_err(|e| {
                Fault::new(
                    Reason::Tls,
                    format!("cannot read the system's certificates: {e}; set `ca`"),
                )
            })?
            .with_no_client_auth()
    };
    Ok(Arc::new(built))
}

fn roots(root: &Path, name: &str) -> Result<RootCertStore, Fault> {
    let path = root.join(name);
    let wrong = |what: String| Fault::new(Reason::Tls, format!("`ca: {}`: {what}", path.display()));
    let text = std::fs::read(&path).map_err(|e| wrong(format!("cannot read it: {e}")))?;
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&text) {
        let certificate = certificate.map_err(|e| wrong(format!("not PEM: {e}")))?;
        store
            .add(certificate)
            .map_err(|e| wrong(format!("not a certificate: {e}")))?;
    }
    if store.is_empty() {
        return Err(wrong(String::from("it holds no certificate: expected PEM")));
    }
    Ok(store)
}

/// Takes any certificate: `insecure: true`. The signatures of the handshake are checked as always.
#[derive(Debug)]
struct Anybody(WebPkiSupportedAlgorithms);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _shown: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.0)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}
