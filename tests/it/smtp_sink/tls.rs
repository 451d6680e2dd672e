//! STARTTLS: what came before the handshake does not count, and passwords wait for it.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::{DigitallySignedStruct, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use serde_json::json;
use tokio_rustls::TlsConnector;

use super::client::{Peer, address, mail};

#[derive(Debug)]
struct Anybody;

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }
    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }
    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let provider = rustls::crypto::ring::default_provider();
        provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Trusts anybody: for tests of the other side.
pub(crate) fn trusting_connector() -> TlsConnector {
    let config =
        rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Anybody))
            .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

#[tokio::test]
async fn mail_over_tls_says_so_and_tls_can_be_required() {
    let peer = Peer::start(json!({ "tls": "self_signed", "require_tls": true })).await;
    let mut client = peer.client().await;
    assert!(client.say("EHLO x").await.ends_with("STARTTLS"));
    assert!(client.say("MAIL FROM:<a@b>").await.starts_with("530 5.7.0"));
    let mut client = client.secure().await;
    assert!(
        client.say("MAIL FROM:<a@b>").await.starts_with("503"),
        "who greeted before counts no more"
    );
    assert!(!client.say("EHLO x").await.contains("STARTTLS"));
    assert!(client.say("STARTTLS").await.starts_with("503"));
    assert!(client.mail(&address(), &mail("tls")).await.starts_with("250"));
    assert_eq!(peer.sightings()[0].seen["envelope"]["tls"], "TLSv1_3");
}

/// reliability.md S13 (CVE-2011-0411): a command that travelled along with STARTTLS is not answered inside TLS.
#[tokio::test]
async fn what_was_pipelined_behind_starttls_is_dropped() {
    let peer = Peer::start(json!({ "tls": "self_signed" })).await;
    let mut client = peer.client().await;
    assert!(client.say("EHLO x").await.starts_with("250"));
    client
        .raw(b"STARTTLS\r\nNOOP injected\r\nMAIL FROM:<evil@example.org>\r\n")
        .await;
    assert!(client.reply().await.starts_with("220"));
    let mut client = client.shake_hands().await;
    assert!(
        client
            .say("EHLO y")
            .await
            .starts_with("250-landfall.test greets you"),
        "something was answered before"
    );
    assert!(client.say("RCPT TO:<a@b>").await.starts_with("503"));
}

#[tokio::test]
async fn passwords_wait_for_tls() {
    let settings = json!({ "tls": "self_signed", "auth": { "user": "u", "password": "p" } });
    let peer = Peer::start(settings).await;
    let mut client = peer.client().await;
    assert!(!client.say("EHLO x").await.contains("AUTH"));
    let login = format!("AUTH PLAIN {}", STANDARD.encode("\0u\0p"));
    assert!(client.say(&login).await.starts_with("538"));
    let mut client = client.secure().await;
    assert!(client.say("EHLO x").await.contains("AUTH PLAIN LOGIN"));
    assert!(client.say(&login).await.starts_with("235"));
    assert!(client.mail(&address(), &mail("auth")).await.starts_with("250"));
}

#[tokio::test]
async fn a_broken_handshake_harms_nobody() {
    let peer = Peer::start(json!({ "tls": "self_signed" })).await;
    let mut client = peer.client().await;
    assert!(client.say("STARTTLS").await.starts_with("220"));
    client.raw(b"this is no handshake at all, it is text\r\n").await;
    peer.refused("TLS handshake failed").await;
    assert!(
        peer.client()
            .await
            .mail(&address(), &mail("x"))
            .await
            .starts_with("250")
    );
}

#[tokio::test]
async fn certificates_are_read_from_files_and_their_faults_named() {
    let made = rcgen::generate_simple_self_signed(vec![String::from("mx.example")]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (cert, key) = (
        file("cert.pem", &made.cert.pem()),
        file("key.pem", &made.signing_key.serialize_pem()),
    );
    let other = rcgen::generate_simple_self_signed(vec![String::from("x")]).unwrap();
    let (wrong, empty) = (
        file("other.pem", &other.signing_key.serialize_pem()),
        file("empty.pem", ""),
    );
    let settings = |cert: &str, key: &str| json!({ "tls": { "files": { "cert": cert, "key": key } } });
    let peer = Peer::start(settings(&cert, &key)).await;
    let mut client = peer.client().await.secure().await;
    assert!(client.mail(&address(), &mail("f")).await.starts_with("250"));
    for (cert, key, expected) in [
        ("missing.pem", key.as_str(), "cannot be read"),
        (&empty, &key, "no certificate"),
        (&cert, &empty, "no private key in PEM"),
        (&cert, &wrong, "cannot be used together"),
    ] {
        let Err(fault) = Peer::try_start(settings(cert, key)).await else {
            panic!("took {cert} and {key}")
        };
        assert!(fault.message.contains(expected), "{fault}");
    }
}
