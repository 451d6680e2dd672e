//! The client's side of a handshake.

use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rustls::client::WantsClientCert;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, ConfigBuilder, RootCertStore, SupportedProtocolVersion, WantsVerifier, version};
use rustls_platform_verifier::Verifier;

use super::verify::Unvouched;
use super::{MinVersion, Tls, certificates, files, private_key};
use crate::model::{Fault, Reason};

/// Makes the process's provider of cryptography known to libraries that ask for one. A second call changes nothing.
pub fn install() {
    drop(ring::default_provider().install_default());
}

/// Sets a client up as the settings say: whom it trusts, who it is, what it speaks. No protocol is offered by ALPN
/// (RFC 7301); who wants one sets `alpn_protocols`. Files are relative to `root`, the workspace.
///
/// # Errors
/// A file that cannot be read, or does not hold what its key says; a certificate and a key that do not belong
/// together; a system without certificates.
pub fn client(tls: &Tls, root: &Path) -> Result<ClientConfig, Fault> {
    let builder = builder(tls.min_version)?;
    let trusting = if tls.insecure() {
        trusting(builder, Arc::new(unvouched(None)))
    } else if let Some(ca) = &tls.ca {
        let mut roots = RootCertStore::empty();
        for certificate in certificates(root, "tls.ca", ca)? {
            roots
                .add(certificate)
                .map_err(|error| files::wrong("tls.ca", ca, &format_args!("cannot be used: {error}")))?;
        }
        builder.with_root_certificates(roots)
    } else {
        trusting(builder, platform()?)
    };
    let (Some(cert), Some(key)) = (&tls.cert, &tls.key) else {
        return Ok(trusting.with_no_client_auth());
    };
    let chain = certificates(root, "tls.cert", cert)?;
    let secret = private_key(root, "tls.key", key)?;
    trusting.with_client_auth_cert(chain, secret).map_err(|error| {
        let message = format!(
            "`{}` (tls.cert) and `{}` (tls.key) cannot be used: {error}",
            cert.value, key.value
        );
        Fault::new(Reason::Input, message)
    })
}

/// A client that trusts whom the system trusts.
///
/// # Errors
/// A system without certificates.
pub fn system() -> Result<ClientConfig, Fault> {
    client(&Tls::default(), Path::new(""))
}

/// A client that trusts one certificate and no other, whatever its name and dates: to reach a server of landfall's own.
///
/// # Errors
/// The provider of cryptography does not speak TLS 1.2 or 1.3.
pub fn pinned(certificate: CertificateDer<'static>) -> Result<ClientConfig, Fault> {
    let verifier = Arc::new(unvouched(Some(certificate)));
    Ok(trusting(builder(MinVersion::V12)?, verifier).with_no_client_auth())
}

/// One for all that is set up.
fn provider() -> Arc<CryptoProvider> {
    static ONE: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    Arc::clone(ONE.get_or_init(|| Arc::new(ring::default_provider())))
}

fn builder(lowest: MinVersion) -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, Fault> {
    let versions: &[&SupportedProtocolVersion] = match lowest {
        MinVersion::V12 => &[&version::TLS13, &version::TLS12],
        MinVersion::V13 => &[&version::TLS13],
    };
    ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(versions)
        .map_err(|error| Fault::new(Reason::Internal, format!("TLS cannot be set up: {error}")))
}

fn trusting(
    builder: ConfigBuilder<ClientConfig, WantsVerifier>,
    verifier: Arc<dyn ServerCertVerifier>,
) -> ConfigBuilder<ClientConfig, WantsClientCert> {
    builder.dangerous().with_custom_certificate_verifier(verifier)
}

fn unvouched(only: Option<CertificateDer<'static>>) -> Unvouched {
    let algorithms = ring::default_provider().signature_verification_algorithms;
    Unvouched { only, algorithms }
}

/// What the system trusts, read once a process: reading it for each route of each probe would take seconds. Where it
/// cannot be read it is tried again.
fn platform() -> Result<Arc<Verifier>, Fault> {
    static READ: Mutex<Option<Arc<Verifier>>> = Mutex::new(None);
    let mut read = READ.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(verifier) = &*read {
        return Ok(Arc::clone(verifier));
    }
    let verifier = Verifier::new(provider()).map_err(|error| {
        let message = format!(
            "the system's certificates cannot be read: {error}; install them (on Debian: ca-certificates), or set `tls.ca`"
        );
        Fault::new(Reason::Tls, message)
    })?;
    Ok(Arc::clone(read.insert(Arc::new(verifier))))
}
