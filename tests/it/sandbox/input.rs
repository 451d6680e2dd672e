//! What is not a message is refused with its field, and counted.

use serde_json::json;

use super::Bench;

#[tokio::test]
async fn what_is_wrong_is_said_with_its_field() {
    let bench = Bench::start().await;
    let post = async |query: &str, body: String| {
        let url = bench.url(&format!("/v1/messages{query}"));
        let response = bench.client.post(url).body(body).send().await.unwrap();
        let status = response.status().as_u16();
        let body: serde_json::Value = response.json().await.unwrap();
        (
            status,
            body["error"]["field"].clone(),
            body["error"]["message"].as_str().unwrap().to_owned(),
        )
    };
    let good = json!({ "ref": "r", "text": "x" }).to_string();
    let deep = "[".repeat(10_000);
    for (query, body, status, field, words) in [
        ("", String::from("\u{0}"), 400, json!(null), "not JSON"),
        ("", deep, 400, json!(null), "not JSON"),
        (
            "",
            json!({ "text": "x" }).to_string(),
            400,
            json!("ref"),
            "missing",
        ),
        (
            "",
            json!({ "ref": "r", "text": 1 }).to_string(),
            400,
            json!("text"),
            "not a number",
        ),
        (
            "",
            json!({ "ref": "r", "text": "x", "To": "a@b" }).to_string(),
            400,
            json!(null),
            "`To`",
        ),
        (
            "",
            json!({ "ref": "r", "text": "x", "to": "a" }).to_string(),
            422,
            json!("to"),
            "mail address",
        ),
        ("", "x".repeat(70_000), 413, json!(null), "65536 bytes"),
        ("?rout=alpha", good.clone(), 400, json!(null), "`rout`"),
        ("?route=a&route=b", good.clone(), 400, json!("route"), "twice"),
        ("?route=a%20b", good.clone(), 422, json!("route"), "letters"),
    ] {
        let (got, got_field, message) = post(query, body).await;
        assert_eq!((got, got_field), (status, field), "{query}: {message}");
        assert!(message.contains(words), "{message}");
    }
    assert_eq!(bench.sandbox.counts().malformed, 10);
    assert!(bench.sandbox.truth().is_empty(), "none of them is a message");
}

#[tokio::test]
async fn other_paths_and_methods_are_told_apart() {
    let bench = Bench::start().await;
    for (path, status) in [
        ("/", 404),
        ("/v1/messages/", 404),
        ("/v1/messages/none", 404),
        ("/v1/messages/a/b", 404),
    ] {
        assert_eq!(bench.get(path).await.0, status, "{path}");
    }
    let put = bench.client.put(bench.url("/v1/messages")).send().await.unwrap();
    assert_eq!(
        (put.status().as_u16(), &put.headers()["allow"]),
        (405, &"POST".parse().unwrap())
    );
    let (status, health) = bench.get("/healthz").await;
    assert_eq!((status, &health["status"]), (200, &json!("ok")));
    assert_eq!(health["malformed"], 5);
}

#[tokio::test]
async fn more_routes_than_the_limit_are_refused() {
    let bench = Bench::with(|options| landfall::sandbox::Options {
        database: None,
        smtp: None,
        ..options
    })
    .await;
    let message = json!({ "ref": "r", "text": "x" });
    for n in 0..1_000 {
        let url = bench.url(&format!("/v1/messages?route=r{n}"));
        assert_eq!(
            bench
                .client
                .post(url)
                .json(&message)
                .send()
                .await
                .unwrap()
                .status(),
            202
        );
    }
    let one_more = bench.url("/v1/messages?route=one-more");
    let refused = bench.client.post(one_more).json(&message).send().await.unwrap();
    assert_eq!(refused.status(), 422);
    let known = bench.url("/v1/messages?route=r7");
    assert_eq!(
        bench
            .client
            .post(known)
            .json(&message)
            .send()
            .await
            .unwrap()
            .status(),
        202
    );
}
