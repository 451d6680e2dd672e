//! The trigger and the sink, end to end; and the sink against a mail library of others.

use std::path::Path;

use landfall::model::{Identity, Repeat};
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use rcgen::{CertificateParams, KeyPair};
use serde_json::{Value, json};

use super::peer::{answer, fire, open_in, scope, with};
use crate::smtp_sink::client::{Peer, address, token};

/// A sink with a certificate of the test's making, for `localhost`; the certificate is also what `ca` names.
async fn certified(more: Value) -> (Peer, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let params = CertificateParams::new(vec![String::from("localhost")]).unwrap();
    let key = KeyPair::generate().unwrap();
    let made = params.self_signed(&key).unwrap();
    let (cert_path, key_path) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    std::fs::write(&cert_path, made.pem()).unwrap();
    std::fs::write(&key_path, key.serialize_pem()).unwrap();
    let mut settings = json!({ "tls": { "files": { "cert": cert_path, "key": key_path } } });
    for (name, value) in more.as_object().unwrap() {
        settings[name.as_str()] = value.clone();
    }
    (Peer::start(settings).await, folder)
}

fn to_localhost(peer: &Peer, more: Value) -> Value {
    let mut settings = with(peer.at, more);
    settings["server"] = json!(format!("localhost:{}", peer.at.port()));
    settings
}

#[tokio::test]
async fn what_the_trigger_sends_is_what_the_sink_sees() {
    let peer = Peer::start(json!({})).await;
    let rich = json!({
        "subject": "Grüße {{ token }}", "text": "{{ input.text }}", "html": "<p>Grüße</p>",
        "attachments": [
            { "name": "token.txt", "text": "{{ token }}" },
            { "name": "blob.bin", "content_type": "application/x-blob", "base64": "AAECAw==" },
        ],
    });
    let answer = answer(with(peer.at, rich)).await;
    assert_eq!(answer.outcome.unwrap().status, 250);
    let all = peer.sightings();
    assert_eq!(all.len(), 1);
    let sighting = &all[0];
    assert_eq!(sighting.seen["subject"], format!("Grüße {}", token()));
    assert_eq!(
        sighting.seen["text"]
            .as_str()
            .unwrap()
            .replace("\r\n", "\n")
            .trim_end(),
        "Grüße\n.\n..dots"
    );
    assert!(sighting.seen["html"].as_str().unwrap().contains("<p>Grüße</p>"));
    let names: Vec<&str> = sighting.seen["attachments"]
        .as_array()
        .unwrap()
        .iter()
        .map(|a| a["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["token.txt", "blob.bin"]);
    assert_eq!(sighting.seen["envelope"]["to"], json!([address()]));
    assert_eq!(
        sighting.identity,
        Identity::Event(format!("{}@example.org", token()))
    );
    assert!(!sighting.automatic, "a canary is no automatic answer");
    assert!(sighting.at.hi >= answer.sent_at && sighting.at.hi <= answer.answered_at);
}

/// The trigger says goodbye, which proves that it got the 250: the same mail again is a duplicate.
#[tokio::test]
async fn the_triggers_goodbye_proves_the_acknowledgement() {
    let peer = Peer::start(json!({})).await;
    for _ in 0..2 {
        assert_eq!(
            answer(with(peer.at, json!({}))).await.outcome.unwrap().status,
            250
        );
    }
    let repeats: Vec<Repeat> = peer.sightings().iter().map(|s| s.repeat).collect();
    assert_eq!(repeats, [Repeat::First, Repeat::AfterAck]);
}

#[tokio::test]
async fn mail_goes_over_starttls_with_a_login() {
    let auth = json!({ "user": "canary", "password": "s3cret" });
    let (peer, folder) = certified(json!({ "require_tls": true, "auth": auth })).await;
    let settings = to_localhost(
        &peer,
        json!({ "tls": { "mode": "starttls", "ca": "cert.pem" }, "auth": auth }),
    );
    let prepared = open_in(folder.path(), settings)
        .unwrap()
        .prepare(&scope())
        .unwrap();
    let (answer, _) = fire(prepared).await;
    assert_eq!(answer.outcome.unwrap().status, 250);
    assert!(
        answer.attributes["tls"].starts_with("TLSv1_3 TLS13_"),
        "{:?}",
        answer.attributes
    );
    assert_eq!(peer.sightings()[0].seen["envelope"]["tls"], "TLSv1_3");
}

#[tokio::test]
async fn a_refusal_of_the_sink_is_told_step_by_step() {
    let script = json!({ "answers": [{ "at": "recipient", "reply": "451 4.7.1 greylisted", "times": 1 }] });
    let peer = Peer::start(script).await;
    let first = answer(with(peer.at, json!({}))).await;
    assert_eq!(first.attributes["reply"], "451 4.7.1 greylisted");
    let first = first.outcome.unwrap();
    assert_eq!(
        (first.status, first.headers["x-smtp-enhanced"].as_str()),
        (451, "4.7.1")
    );
    assert_eq!(first.headers["x-smtp-step"], format!("RCPT TO <{}>", address()));
    assert_eq!(
        answer(with(peer.at, json!({}))).await.outcome.unwrap().status,
        250
    );

    *peer.seen.broken.lock().unwrap() = true;
    let full = answer(with(peer.at, json!({}))).await.outcome.unwrap();
    assert_eq!(
        (full.status, full.headers["x-smtp-step"].as_str()),
        (452, "the final dot")
    );
    let trigger = open_in(Path::new("."), with(peer.at, json!({}))).unwrap();
    assert!(!trigger.accepts(&full));
}

#[tokio::test]
async fn the_sink_understands_a_mail_library() {
    for secured in [false, true] {
        let peer = Peer::start(json!({ "tls": "self_signed" })).await;
        let tls = TlsParameters::builder(String::from("landfall.test"))
            .dangerous_accept_invalid_certs(true)
            .dangerous_accept_invalid_hostnames(true)
            .build()
            .unwrap();
        let transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous("127.0.0.1")
            .port(peer.at.port())
            .tls(if secured { Tls::Required(tls) } else { Tls::None })
            .build();
        let mail = Message::builder()
            .from("a@example.org".parse().unwrap())
            .to(address().parse().unwrap())
            .subject("by others")
            .body(String::from("hello"))
            .unwrap();
        let reply = transport.send(mail).await.unwrap();
        assert_eq!(reply.first_line(), Some("2.0.0 recorded"));
        let seen = &peer.sightings()[0].seen;
        assert_eq!(seen["subject"], "by others");
        assert_eq!(seen["envelope"]["tls"].is_string(), secured);
    }
}
