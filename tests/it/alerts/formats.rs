//! What chat and paging services are sent, held to golden bodies.

use std::path::Path;

use serde_json::{Value, json};

use super::{Peer, hostile, opened};

/// Sends the hostile alert in a format and holds the body to its file.
async fn golden(format: &str) -> Value {
    let peer = Peer::start().await;
    let config = json!({ "webhook": { "url": peer.url, "format": format, "key": "R0UTING" } });
    let notice = hostile();
    opened(config, Path::new("")).send(&notice).await.unwrap();
    let (headers, body) = peer.got().remove(0);
    assert_eq!(headers["content-type"], "application/json");
    assert_eq!(headers["idempotency-key"], notice.id);
    let body: Value = serde_json::from_str(&body).expect("hostile text leaves the body JSON");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/cases/alerts/{format}.json"));
    let text = serde_json::to_string_pretty(&body).unwrap() + "\n";
    if std::env::var_os("UPDATE").is_some_and(|value| value == "1") {
        std::fs::write(&path, &text).unwrap();
    }
    assert_eq!(
        std::fs::read_to_string(&path).unwrap_or_default(),
        text,
        "{format}: UPDATE=1 writes it anew"
    );
    body
}

#[tokio::test]
async fn slack_pings_nobody_whatever_a_subject_says() {
    let body = golden("slack").await;
    let text = body["text"].as_str().unwrap();
    assert!(
        text.contains("&lt;!channel&gt;") && !text.contains("<!channel>"),
        "{text}"
    );
    for block in body["blocks"].as_array().unwrap() {
        assert_eq!(block["text"]["type"], "plain_text");
    }
}

#[tokio::test]
async fn teams_renders_no_markdown_of_a_subject() {
    let body = golden("teams").await;
    let blocks = &body["attachments"][0]["content"]["body"];
    assert!(
        blocks
            .as_array()
            .unwrap()
            .iter()
            .all(|b| b["type"] == "RichTextBlock")
    );
}

#[tokio::test]
async fn pagerduty_keeps_and_resolves_one_incident() {
    let body = golden("pagerduty").await;
    assert_eq!(body["routing_key"], "R0UTING");
    assert_eq!(
        (&body["event_action"], &body["dedup_key"]),
        (&json!("trigger"), &json!("landfall-a1b2c3d4e5f60718"))
    );
    let peer = Peer::start().await;
    let mut over = hostile();
    over.state = landfall::alert::notice::AlertState::Resolved;
    let config = json!({ "webhook": { "url": peer.url, "format": "pagerduty", "key": "k" } });
    opened(config, Path::new("")).send(&over).await.unwrap();
    let body: Value = serde_json::from_str(&peer.got()[0].1).unwrap();
    assert_eq!(
        (&body["event_action"], &body["dedup_key"]),
        (&json!("resolve"), &json!("landfall-a1b2c3d4e5f60718"))
    );
}

#[tokio::test]
async fn a_body_of_ones_own_keeps_types_and_is_signed() {
    let peer = Peer::start().await;
    let config = json!({ "webhook": {
        "url": peer.url, "method": "put", "headers": { "x-team": "{{ alert.labels.team }}" },
        "json": { "what": "{{ alert.title }}", "labels": "{{ alert.labels }}" },
        "sign": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    } });
    opened(config, Path::new("")).send(&hostile()).await.unwrap();
    let (headers, text) = peer.got().remove(0);
    let body: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (&body["what"], &body["labels"]),
        (&json!(hostile().title), &json!({ "team": "payments" }))
    );
    assert_eq!(headers["x-team"], "payments");
    assert_eq!(headers["webhook-id"], hostile().id);
    let signed = format!(
        "{}.{}.{text}",
        headers["webhook-id"], headers["webhook-timestamp"]
    );
    assert_eq!(
        headers["webhook-signature"],
        format!("v1,{}", mac(signed.as_bytes()))
    );
}

/// HMAC-SHA256 by its definition (RFC 2104), so that the product's own is not its judge.
fn mac(text: &[u8]) -> String {
    use base64::Engine as _;
    use sha2::{Digest, Sha256};
    let base64 = base64::engine::general_purpose::STANDARD;
    let mut key = base64.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
    key.resize(64, 0);
    let pad = |with: u8| key.iter().map(|b| b ^ with).collect::<Vec<u8>>();
    let inner = Sha256::new()
        .chain_update(pad(0x36))
        .chain_update(text)
        .finalize();
    base64.encode(
        Sha256::new()
            .chain_update(pad(0x5c))
            .chain_update(inner)
            .finalize(),
    )
}
