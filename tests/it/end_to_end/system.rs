//! A scripted system: answers 202 and then calls back, or does not.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::support::whole::http_client;

/// Starts it; returns its address as a URL.
pub(super) async fn start() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let client = http_client();
    let app = axum::Router::new()
        .route("/orders", axum::routing::post(order))
        .with_state(client);
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    base
}

/// What the request's own `authorization` says, in every form in which systems echo it.
fn echoes(headers: &HeaderMap) -> Value {
    let said = headers.get("authorization").map_or("", |v| v.to_str().unwrap());
    let secret = said.trim_start_matches("Bearer ");
    let encoded: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    json!({ "plain": secret, "base64": STANDARD.encode(secret), "basic": STANDARD.encode(format!("user:{secret}")), "url": encoded })
}

async fn order(
    State(client): State<reqwest::Client>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    let text = |name: &str| body[name].as_str().unwrap().to_owned();
    let (how, hook, base, reference) = (text("how"), text("hook"), text("base"), text("ref"));
    let id = format!("order-{}", reference.chars().rev().take(6).collect::<String>());
    let echo = echoes(&headers);
    let call = {
        let (echo, id) = (echo.clone(), id.clone());
        async move |to: &str, event: u32| {
            let body = json!({ "event": "paid", "order": id, "echo": echo });
            let plain = echo["plain"].as_str().unwrap();
            let request = client
                .post(to)
                .header("webhook-id", format!("{id}-{event}"))
                .header("x-echo", plain)
                .json(&body);
            request.send().await.unwrap().status().as_u16()
        }
    };
    match how.as_str() {
        "rejected" => return (StatusCode::UNPROCESSABLE_ENTITY, "no such thing").into_response(),
        "early" => assert_eq!(call(&hook, 1).await, 200),
        "lost" => {}
        "duplicate" => drop(tokio::spawn(async move {
            call(&hook, 1).await;
            call(&hook, 2).await;
        })),
        "captured" => drop(tokio::spawn(async move { call(&base, 1).await })),
        _ => drop(tokio::spawn(async move { call(&hook, 1).await })),
    }
    let answer = json!({ "id": id, "echo": echo });
    let mut response = (StatusCode::ACCEPTED, Json(answer)).into_response();
    for (name, form) in [
        ("x-echo", "plain"),
        ("x-echo-base64", "base64"),
        ("x-echo-url", "url"),
    ] {
        let value = HeaderValue::from_str(echo[form].as_str().unwrap()).unwrap();
        response.headers_mut().insert(name, value);
    }
    response
}
