//! Who may call where no token is declared: this machine, and no page of another site.

use reqwest::Method;
use serde_json::json;

use super::{Rig, folder, problem};
use crate::support::process::{ended, landfall};

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_not_this_machine_is_not_answered() {
    let rig = Rig::start().await;
    let port = rig.base.rsplit_once(':').unwrap().1.to_owned();
    let called = async |host: &str, path: &str| {
        rig.request(Method::GET, path)
            .header("host", host)
            .send()
            .await
            .unwrap()
    };
    for host in [
        format!("localhost:{port}"),
        format!("127.0.0.1:{port}"),
        format!("[::1]:{port}"),
    ] {
        assert_eq!(called(&host, "/api/v1/status").await.status(), 200, "{host}");
    }
    for host in [
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example:80",
        "0.0.0.0",
    ] {
        problem(called(host, "/api/v1/status").await, 403).await;
        assert_eq!(called(host, "/").await.status(), 403);
        assert_eq!(
            called(host, "/healthz").await.status(),
            200,
            "health tells nothing to hide"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_another_site_changes_nothing() {
    let rig = Rig::start().await;
    let fire = async |name: &str, value: &str| {
        let asked = rig
            .request(Method::POST, "/api/v1/probes/orders/fire")
            .header(name, value);
        asked.json(&json!({})).send().await.unwrap()
    };
    for (name, value) in [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        problem(fire(name, value).await, 403).await;
    }
    assert_eq!(fire("origin", &rig.base).await.status(), 202);
    assert_eq!(fire("sec-fetch-site", "same-origin").await.status(), 202);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_reach_needs_a_token_or_does_not_start() {
    for more in [
        json!({ "listen": "0.0.0.0:0" }),
        json!({ "public_url": "https://probes.example.com" }),
        json!({ "admin": "0.0.0.0:0" }),
    ] {
        let dir = folder(&more, "").await;
        let mut command = landfall(dir.path(), &[]);
        command.arg("serve");
        let (code, _, said) = ended(command);
        assert_eq!(code, 4, "{more}: {said}");
        assert!(
            said.contains("landfall token new") && said.contains("admin:"),
            "{said}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_can_have_an_address_of_their_own() {
    let more = json!({ "listen": "0.0.0.0:0", "public_url": "http://127.0.0.1:9", "admin": "127.0.0.1:0" });
    let rig = Rig::with(&more, "").await;
    assert_eq!(rig.get("/api/v1/status").await.status(), 200);
    assert_eq!(rig.get("/c/x").await.status(), 404);
}
