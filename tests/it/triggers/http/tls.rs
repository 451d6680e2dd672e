//! Whom the trigger trusts, and how it says why not.

use landfall::model::Reason;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;

use super::{failure, fire_in, open};
use crate::support::certificates::{Authority, put};
use crate::support::https::Server;

/// Not trusted: why, in the message; nothing was sent.
async fn refused(server: &Server, tls: Value) -> String {
    refused_by(server, tls, "auto").await
}

async fn refused_by(server: &Server, tls: Value, version: &str) -> String {
    let value = json!({ "url": server.url("/"), "tls": tls, "version": version });
    let answer = fire_in(server.root(), value).await;
    let failed = answer.outcome.unwrap_err();
    assert_eq!(
        (failed.fault.reason, failed.in_doubt),
        (Reason::Tls, false),
        "{}",
        failed.fault
    );
    let place = format!("TLS with {}: ", server.at);
    failed.fault.message.strip_prefix(&place).unwrap().to_owned()
}

#[tokio::test]
async fn what_is_wrong_with_a_certificate_is_said() {
    let authority = Authority::new("landfall tests");
    let all = rustls::ALL_VERSIONS;
    let ca = json!({ "ca": "ca.pem" });

    let expired = Server::with(&authority, &authority.sign(&["127.0.0.1"], 2001), all, None).await;
    let why = refused(&expired, ca.clone()).await;
    assert!(why.starts_with("the certificate has expired"), "{why}");

    let other = Server::with(&authority, &authority.sign(&["other.example"], 2999), all, None).await;
    let why = refused(&other, ca.clone()).await;
    assert!(why.starts_with("the certificate is for another host"), "{why}");

    let good = Server::with(&authority, &authority.sign(&["127.0.0.1"], 2999), all, None).await;
    let why = refused(&good, json!({})).await;
    assert!(
        why.starts_with("the certificate is self-signed or of an unknown issuer"),
        "{why}"
    );
    fire_in(good.root(), json!({ "url": good.url("/"), "tls": ca }))
        .await
        .outcome
        .unwrap();

    // Trusting anybody is the author's word, and is shown with the request and with the run.
    for server in [&expired, &other, &good] {
        let value = json!({ "url": server.url("/"), "tls": { "insecure": true } });
        let shown = super::prepare(&*open(server.root(), value.clone()).unwrap())
            .unwrap()
            .shown;
        assert_eq!(shown["insecure"], true);
        let answer = fire_in(server.root(), value).await;
        assert_eq!(answer.attributes["tls"], "insecure");
        answer.outcome.unwrap();
    }
}

#[tokio::test]
async fn the_lowest_version_is_kept_to() {
    let authority = Authority::new("landfall tests");
    let signed = authority.sign(&["127.0.0.1"], 2999);
    let old = Server::with(&authority, &signed, &[&rustls::version::TLS12], None).await;
    let why = refused(&old, json!({ "ca": "ca.pem", "min_version": "1.3" })).await;
    assert!(why.contains("ProtocolVersion"), "{why}");
    let value = json!({ "url": old.url("/"), "tls": { "ca": "ca.pem" } });
    fire_in(old.root(), value).await.outcome.unwrap();
}

#[tokio::test]
async fn a_peer_without_tls_is_told_apart() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream
            .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            .await
            .unwrap();
        // Held until the client has gone, so that what was said arrives.
        drop(tokio::io::copy(&mut stream, &mut tokio::io::sink()).await);
    });
    let failed = failure(json!({ "url": format!("https://{at}/") })).await;
    assert_eq!(
        (failed.fault.reason, failed.in_doubt),
        (Reason::Tls, false),
        "{}",
        failed.fault
    );
    let wanted = format!("TLS with {at}: the peer does not speak TLS on this port");
    assert!(failed.fault.message.starts_with(&wanted), "{}", failed.fault);
}

#[tokio::test]
async fn a_client_certificate_is_shown_to_who_asks() {
    let authority = Authority::new("landfall tests");
    let clients = Authority::new("clients");
    let signed = authority.sign(&["127.0.0.1"], 2999);
    let (mine, others) = (clients.sign(&[], 2999), authority.sign(&[], 2999));
    for versions in [&[&rustls::version::TLS13][..], &[&rustls::version::TLS12][..]] {
        let server = Server::with(&authority, &signed, versions, Some(&clients)).await;
        for (name, signed) in [("mine", &mine), ("others", &others)] {
            put(server.root(), &format!("{name}.crt"), &signed.certificate);
            put(server.root(), &format!("{name}.key"), &signed.key);
        }
        let tls = json!({ "ca": "ca.pem", "cert": "mine.crt", "key": "mine.key" });
        let value = json!({ "url": server.url("/"), "tls": tls });
        fire_in(server.root(), value).await.outcome.unwrap();
        for tls in [
            json!({ "ca": "ca.pem" }),
            json!({ "ca": "ca.pem", "cert": "others.crt", "key": "others.key" }),
        ] {
            for version in ["1.1", "2"] {
                let why = refused_by(&server, tls.clone(), version).await;
                assert!(why.contains("received fatal alert"), "{why}");
            }
        }
    }
}

#[tokio::test]
async fn files_that_cannot_be_used_are_named_with_their_key() {
    let root = tempfile::tempdir().unwrap();
    let authority = Authority::new("landfall tests");
    let (a, b) = (authority.sign(&[], 2999), authority.sign(&[], 2999));
    for (name, text) in [
        ("a.crt", a.certificate.as_str()),
        ("a.key", &a.key),
        ("b.key", &b.key),
        ("empty", ""),
        (
            "broken",
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        ),
    ] {
        put(root.path(), name, text);
    }
    for (tls, wanted) in [
        (
            json!({ "ca": "none.pem" }),
            "`none.pem` (tls.ca) cannot be read: No such file",
        ),
        (
            json!({ "ca": "empty" }),
            "`empty` (tls.ca) holds no certificate in PEM",
        ),
        (
            json!({ "ca": "a.key" }),
            "`a.key` (tls.ca) holds no certificate in PEM",
        ),
        (json!({ "ca": "broken" }), "`broken` (tls.ca) cannot be used: "),
        (
            json!({ "cert": "a.crt", "key": "none.key" }),
            "`none.key` (tls.key) cannot be read",
        ),
        (
            json!({ "cert": "empty", "key": "a.key" }),
            "`empty` (tls.cert) holds no certificate",
        ),
        (
            json!({ "cert": "a.crt", "key": "a.crt" }),
            "`a.crt` (tls.key) holds no private key in PEM",
        ),
        (
            json!({ "cert": "a.crt", "key": "b.key" }),
            "`a.crt` (tls.cert) and `b.key` (tls.key) cannot be used: ",
        ),
    ] {
        let opened = open(root.path(), json!({ "url": "https://127.0.0.1:1/", "tls": tls }));
        let fault = opened.err().unwrap();
        assert!(fault.message.starts_with(wanted), "{wanted}: {fault}");
        assert!(!fault.message.contains("BEGIN"), "{fault}");
    }
}
