//! Who is believed.

use std::time::Duration;

use landfall::clock::{Clock, SystemClock};
use landfall::web::{Limits, Settings};
use serde_json::json;

use super::{Answer, Client, Peer, token};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// Headers of a request signed by the specification, made with its own code: nothing of the channel's is used.
fn signed(id: &str, age: i64, body: &[u8]) -> Vec<(&'static str, String)> {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use hmac::{Hmac, KeyInit, Mac};
    let key = STANDARD.decode(&SECRET[6..]).unwrap();
    let stamp = SystemClock::start().now().0 / 1_000_000_000 - age;
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&key).unwrap();
    mac.update(format!("{id}.{stamp}.").as_bytes());
    mac.update(body);
    let signature = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
    vec![
        ("webhook-id", id.to_owned()),
        ("webhook-timestamp", stamp.to_string()),
        ("webhook-signature", signature),
    ]
}

fn borrowed<'a>(headers: &'a [(&'static str, String)]) -> Vec<(&'a str, &'a str)> {
    headers
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect()
}

#[tokio::test]
async fn a_bad_signature_is_refused_counted_and_never_an_observation() {
    let peer = Peer::start(json!({ "signature": { "standard_webhooks": SECRET } })).await;
    let path = peer.path(&token(1));
    let headers = signed("m1", 0, b"{}");
    assert_eq!(peer.post(&path, &borrowed(&headers), b"{ }").await.status, 401);
    assert_eq!(peer.post(&path, &[], b"{}").await.status, 401);
    assert!(peer.sink.seen().is_empty());
    assert_eq!(
        *peer.sink.refused.lock().unwrap(),
        ["bad_signature", "missing_signature"]
    );
    assert_eq!(peer.post(&path, &borrowed(&headers), b"{}").await.status, 200);
    let sighting = peer.sink.seen().pop().unwrap();
    assert_eq!(
        (&sighting.seen["stale"], &sighting.seen["id"]),
        (&json!(false), &json!("m1"))
    );
}

#[tokio::test]
async fn an_old_but_right_signature_is_taken_and_marked() {
    let peer = Peer::start(json!({ "signature": { "standard_webhooks": SECRET }, "tolerance": "1m" })).await;
    for (n, age, stale) in [(1, 3 * 86_400, true), (2, -3600, true), (3, 30, false)] {
        let headers = signed(&format!("m{n}"), age, b"{}");
        assert_eq!(
            peer.post(&peer.path(&token(n)), &borrowed(&headers), b"{}")
                .await
                .status,
            200
        );
        let sighting = peer.sink.seen().pop().unwrap();
        assert_eq!(sighting.seen["stale"], json!(stale), "{age}");
        let seconds = sighting.seen["age_seconds"].as_f64().unwrap();
        assert!((seconds - age as f64).abs() < 10.0, "{seconds} for {age}");
    }
}

#[tokio::test]
async fn unknown_malformed_and_made_up_tokens_get_the_same_answer_and_touch_nothing() {
    let peer = Peer::start(json!({})).await;
    let good = token(1).to_string();
    let mut flipped = good.clone();
    let last = if flipped.pop() == Some('2') { '3' } else { '2' };
    flipped.push(last);
    let base = peer.base();
    let mut answers: Vec<(String, Answer)> = Vec::new();
    for path in [
        format!("{base}/{flipped}"),
        format!("{base}/short"),
        format!("{base}/{good}x"),
        format!("{base}//{good}"),
        format!("{base}/%00"),
        format!("{base}x/{good}"),
        format!("/c/guess/{good}"),
        format!("/c/{good}"),
        String::from("/c"),
        String::from("/"),
        String::from("/.env"),
    ] {
        let mut answer = peer.post(&path, &[], b"{}").await;
        answer.headers.retain(|(name, _)| name != "date");
        answers.push((path, answer));
    }
    for (path, answer) in &answers {
        assert_eq!(answer, &answers[0].1, "{path}");
    }
    assert_eq!(answers[0].1.status, 404);
    assert!(peer.sink.seen().is_empty());
    assert_eq!(peer.count("unmatched"), answers.len() as u64);
    assert_eq!(
        peer.post(
            &peer
                .path(&token(1))
                .to_uppercase()
                .replace(&base.to_uppercase(), &base),
            &[],
            b"{}"
        )
        .await
        .status,
        200,
        "a token has no case"
    );
}

#[tokio::test]
async fn a_flood_of_made_up_tokens_is_cut_off_while_real_ones_pass() {
    let peer = Peer::start(json!({})).await;
    let mut statuses = std::collections::BTreeMap::new();
    let mut client = Client::connect(peer.address).await;
    for n in 0..3000 {
        let answer = client
            .request("POST", &format!("{}/{n:022}", peer.base()), &[], b"{}")
            .await;
        *statuses.entry(answer.status).or_insert(0) += 1;
        if answer.header("connection") == Some("close") {
            client.closed().await;
            client = Client::connect(peer.address).await;
        }
    }
    assert!(statuses[&404] >= 40 && statuses[&429] > 1000, "{statuses:?}");
    assert_eq!(statuses.len(), 2, "{statuses:?}");
    assert!(peer.sink.seen().is_empty() && peer.sink.dropped.lock().unwrap().is_empty());
    let answer = peer.post(&peer.path(&token(1)), &[], b"{}").await;
    assert_eq!(answer.status, 200, "the same source, with a real token");
}

#[tokio::test]
async fn sources_methods_and_credentials_are_checked_by_the_head_alone() {
    let yes: &[(&str, &str)] = &[("authorization", "bearer s3cret")];
    for (config, method, headers, status, word) in [
        (
            json!({ "sources": ["192.0.2.0/24"] }),
            "POST",
            &[] as &[(&str, &str)],
            403,
            "source",
        ),
        (
            json!({ "sources": ["192.0.2.0/24", "127.0.0.0/8"] }),
            "POST",
            &[],
            200,
            "",
        ),
        (json!({ "methods": ["post", "PUT"] }), "GET", &[], 405, "method"),
        (json!({ "methods": ["post", "PUT"] }), "POST", &[], 200, ""),
        (json!({ "bearer": ["other", "s3cret"] }), "POST", yes, 200, ""),
        (json!({ "bearer": "s3cret2" }), "POST", yes, 401, "credentials"),
        (json!({ "bearer": "s3cret" }), "POST", &[], 401, "credentials"),
        (
            json!({ "bearer": "s3cret" }),
            "POST",
            &[("authorization", "s3cret")],
            401,
            "credentials",
        ),
        (
            json!({ "basic": { "user": "Aladdin", "password": "open sesame" } }),
            "POST",
            &[("authorization", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==")],
            200,
            "",
        ),
        (
            json!({ "basic": { "user": "Aladdin", "password": "x" } }),
            "POST",
            yes,
            401,
            "credentials",
        ),
    ] {
        let peer = Peer::start(config.clone()).await;
        let mut client = Client::connect(peer.address).await;
        let answer = client.request(method, &peer.path(&token(1)), headers, b"").await;
        assert_eq!(answer.status, status, "{config} {method}");
        assert_eq!(peer.sink.refused.lock().unwrap().join(","), word, "{config}");
        assert_eq!(peer.sink.seen().len(), usize::from(status == 200), "{config}");
        match status {
            405 => assert_eq!(answer.header("allow"), Some("POST, PUT")),
            401 => assert!(answer.header("www-authenticate").is_some()),
            _ => {}
        }
    }
}

#[tokio::test]
async fn an_empty_secret_does_not_open() {
    use crate::support::channel::{NoListener, RecordingSink};
    let config = json!({ "bearer": "{{ vars.unset }}" });
    struct Empty;
    impl landfall::model::Scope for Empty {
        fn text(&self, _: &landfall::model::Template) -> Result<String, landfall::model::Fault> {
            Ok(String::new())
        }
        fn json(&self, _: &landfall::model::Free) -> Result<serde_json::Value, landfall::model::Fault> {
            Ok(serde_json::Value::Null)
        }
        fn holds(
            &self,
            _: &landfall::model::Expr,
            _: &serde_json::Value,
        ) -> Result<bool, landfall::model::Fault> {
            Ok(false)
        }
    }
    for config in [
        config,
        json!({ "signature": { "standard_webhooks": "{{ vars.unset }}" } }),
    ] {
        let mut context = super::plain_context(
            std::sync::Arc::new(RecordingSink::default()),
            std::sync::Arc::new(NoListener),
        );
        context.scope = std::sync::Arc::new(Empty);
        let fault = super::open(config, context).await.err().unwrap();
        assert!(fault.message.contains("empty"), "{fault}");
    }
}

#[tokio::test]
async fn forwarded_addresses_are_believed_of_listed_proxies_only() {
    let config = json!({ "sources": ["198.51.100.0/24"] });
    let forwarded: &[(&str, &str)] = &[("x-forwarded-for", "127.0.0.1, 198.51.100.7")];
    for (proxies, status) in [(vec![], 403), (vec!["127.0.0.0/8".parse().unwrap()], 200)] {
        let settings = Settings {
            proxies,
            ..Settings::default()
        };
        let peer = Peer::with(config.clone(), settings, None).await;
        assert_eq!(
            peer.post(&peer.path(&token(1)), forwarded, b"").await.status,
            status
        );
    }
    let settings = Settings {
        proxies: vec!["127.0.0.0/8".parse().unwrap()],
        limits: Limits {
            connections_per_source: 1,
            idle: Duration::from_secs(60),
            ..Limits::default()
        },
        ..Settings::default()
    };
    let peer = Peer::with(json!({}), settings, None).await;
    let mut held = Vec::new();
    for _ in 0..5 {
        let mut client = Client::connect(peer.address).await;
        assert_eq!(
            client
                .request("POST", &peer.path(&token(1)), &[], b"")
                .await
                .status,
            200
        );
        held.push(client);
    }
    assert_eq!(peer.count("connections_per_source"), 0, "a proxy speaks for many");
}
