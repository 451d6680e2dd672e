//! `proxies` of `landfall.yaml`: whose word on the sender's address is taken.

use axum::Json;
use axum::extract::State;
use axum::routing::post;
use serde_json::{Value, json};

use crate::support::process::{ended, landfall};
use crate::support::whole::{http_client, write};

/// A system that calls back as a proxy in front of landfall would hand it on.
async fn system() -> String {
    async fn order(State(client): State<reqwest::Client>, Json(order): Json<Value>) -> Json<Value> {
        let hook = order["hook"].as_str().unwrap().to_owned();
        tokio::spawn(async move {
            let call = client
                .post(hook)
                .header("x-forwarded-for", "198.51.100.7")
                .body("{}");
            call.send().await.unwrap();
        });
        Json(json!({}))
    }
    let app = axum::Router::new()
        .route("/orders", post(order))
        .with_state(http_client());
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", socket.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(socket, app).await });
    base
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_is_named_speaks_for_the_sender_and_no_other_does() {
    let base = system().await;
    for (proxies, class) in [
        (json!(["127.0.0.1", "10.0.0.0/8"]), "delivered"),
        (json!(["10.0.0.0/8"]), "lost"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let workspace = json!({
            "store": "memory", "listen": "127.0.0.1:0", "proxies": proxies, "vars": { "base": base },
            "channels": { "hooks": { "callback": { "sources": ["198.51.100.0/24"] } } },
        });
        let probe = json!({
            "name": "orders",
            "request": { "http": {
                "url": "{{ vars.base }}/orders", "json": { "hook": "{{ channels.hooks.url }}" },
            } },
            "outcome": [{ "in": "hooks", "within": "2s", "grace": "0s" }],
            "settle": "0s",
        });
        write(dir.path(), &workspace, &probe);
        let mut command = landfall(dir.path(), &[]);
        command.args(["run", "--format", "json"]);
        let (_, out, err) = tokio::task::spawn_blocking(|| ended(command)).await.unwrap();
        let results: Value = serde_json::from_str(&out).expect(&err);
        assert_eq!(results["runs"][0]["class"], class, "{out}");
    }
}
