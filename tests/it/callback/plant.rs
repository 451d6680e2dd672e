//! The self-test of `check --online`.

use std::sync::Arc;

use landfall::channel::{Planted, Reply};
use landfall::clock::SystemClock;
use landfall::model::{Fault, Reason, TokenFormat};
use landfall::web::{HttpListener, Settings};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{Peer, With, token};
use crate::support::channel::test_key;

#[tokio::test]
async fn it_goes_the_whole_way_round() {
    let standard = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let stripe = json!({ "header": "stripe-signature", "field": "v1", "secret": "s",
        "timestamp": { "field": "t" }, "signed": "{timestamp}.{url}.{body}" });
    for config in [
        json!({}),
        json!({ "answers": [503, 200], "path": "paid" }),
        json!({ "signature": { "standard_webhooks": standard }, "bearer": "s3cret", "methods": ["PUT"] }),
        json!({ "signature": { "hmac": stripe }, "basic": { "user": "u", "password": "p" } }),
    ] {
        let peer = Peer::start(config.clone()).await;
        assert_eq!(peer.channel.plant(&token(1)).await, Ok(Planted::Yes), "{config}");
        let sighting = peer.sink.seen().pop().unwrap();
        assert_eq!(sighting.keys, [token(1).to_string()]);
        assert_eq!(sighting.seen["json"]["landfall"], json!("self-test"));
        assert_eq!(sighting.seen["stale"], json!(false));
    }
}

async fn fails(config: Value, public_url: String) -> Fault {
    let settings = Settings {
        public_url: Some(public_url),
        ..Settings::default()
    };
    let peer = Peer::with(config, settings, None).await;
    let fault = peer
        .channel
        .plant(&test_key().issue(TokenFormat::Uuid, [1; 32]))
        .await
        .unwrap_err();
    assert!(peer.sink.seen().is_empty());
    fault
}

#[tokio::test]
async fn it_says_where_it_got_stuck() {
    // Nothing listens: the port was free a moment ago.
    let socket = landfall::web::listener::bind(([127, 0, 0, 1], 0).into())
        .await
        .unwrap();
    let gone = socket.local_addr().unwrap();
    drop(socket);
    let fault = fails(json!({}), format!("http://{gone}/")).await;
    assert_eq!(fault.reason, Reason::Unreachable);
    assert!(fault.message.contains("cannot be reached from here"), "{fault}");

    // Something else answers there, and cheerfully.
    let socket = landfall::web::listener::bind(([127, 0, 0, 1], 0).into())
        .await
        .unwrap();
    let address = socket.local_addr().unwrap();
    let other = HttpListener::new(address, Settings::default(), Arc::new(SystemClock::start()));
    landfall::channel::Listener::mount(
        other.as_ref(),
        "/",
        Arc::new(With(|_| async { Reply::text(200, "hello") })),
    );
    let stop = CancellationToken::new();
    tokio::spawn(other.run(socket, stop.clone()));
    let fault = fails(json!({}), format!("http://{address}")).await;
    assert!(
        fault
            .message
            .contains("answered 200, but the request did not come here"),
        "{fault}"
    );
    stop.cancel();

    let peer = Peer::start(json!({ "sources": ["192.0.2.1"] })).await;
    let fault = peer.channel.plant(&token(1)).await.unwrap_err();
    assert!(
        fault.message.contains("refused (source)") && fault.message.contains("this machine"),
        "{fault}"
    );

    *peer.sink.broken.lock().unwrap() = true;
    let fault = fails(json!({}), String::from("not a url")).await;
    assert!(fault.message.contains("`public_url`"), "{fault}");
}
