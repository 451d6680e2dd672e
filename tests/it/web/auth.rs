//! Tokens, sessions, and forms.

use landfall::model::AccessHash;
use reqwest::{Method, Response};
use serde_json::{Value, json};

use super::{Rig, problem};
use crate::support::process::{ended, landfall};

const READ: &str = "lf_read-read-read-read-read-read-read-read-read";
const OPERATE: &str = "lf_operate-operate-operate-operate-operate-oper";

fn declared() -> Value {
    let hash = |token: &str| AccessHash::of(token).to_string();
    json!({ "api": { "tokens": {
        "grafana": { "hash": hash(READ), "scope": "read" },
        "ci": { "hash": hash(OPERATE), "scope": "operate" },
    } } })
}

async fn called(rig: &Rig, method: Method, path: &str, token: &str) -> Response {
    let mut request = rig.request(method.clone(), path).bearer_auth(token);
    if method == Method::POST {
        request = request.json(&json!({}));
    }
    request.send().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_needs_a_token_that_reaches_so_far() {
    let rig = Rig::with(&declared(), "").await;
    for path in [
        "/api/v1/status",
        "/api/v1/openapi.json",
        "/api/v1/runs/follow",
        "/api/v1/nothing-x",
    ] {
        let answer = rig.get(path).await;
        if path.ends_with("-x") {
            assert_eq!(answer.status(), 404);
            continue;
        }
        assert_eq!(answer.headers()["www-authenticate"], "Bearer realm=\"landfall\"");
        problem(answer, 401).await;
    }
    for path in ["/healthz", "/readyz", "/style.css", "/script.js", "/sign-in"] {
        assert_eq!(rig.get(path).await.status(), 200, "{path}");
    }
    let fire = "/api/v1/probes/orders/fire";
    assert_eq!(
        called(&rig, Method::GET, "/api/v1/status", READ).await.status(),
        200
    );
    problem(called(&rig, Method::POST, fire, READ).await, 403).await;
    assert_eq!(called(&rig, Method::POST, fire, OPERATE).await.status(), 202);
    for wrong in ["lf_wrong", "", &READ[..46], &AccessHash::of(READ).to_string()] {
        problem(called(&rig, Method::GET, "/api/v1/status", wrong).await, 401).await;
    }
    let basic = rig
        .request(Method::GET, "/api/v1/status")
        .basic_auth("x", Some(READ));
    problem(basic.send().await.unwrap(), 401).await;
    // Where tokens are needed any name may be called: it is the token that is trusted.
    let named = rig
        .request(Method::GET, "/api/v1/status")
        .header("host", "probes.internal")
        .bearer_auth(READ);
    assert_eq!(named.send().await.unwrap().status(), 200);
    let paused = rig
        .request(Method::POST, "/api/v1/probes/orders/pause")
        .bearer_auth(OPERATE)
        .json(&json!({}));
    let paused: Value = paused.send().await.unwrap().json().await.unwrap();
    assert_eq!(paused["note"], "by ci", "who asked is on record");
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_is_slowed_down_and_the_right_token_is_not() {
    let rig = Rig::with(&declared(), "").await;
    let mut limited = 0;
    for n in 0..40 {
        let answer = called(&rig, Method::GET, "/api/v1/status", &format!("lf_{n}")).await;
        if answer.status() == 429 {
            assert_eq!(answer.headers()["retry-after"], "1");
            limited += 1;
        }
    }
    assert!(limited > 0);
    assert_eq!(
        called(&rig, Method::GET, "/api/v1/status", READ).await.status(),
        200
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_signs_in_sees_the_pages_until_he_signs_out() {
    let rig = Rig::with(&declared(), "").await;
    let turned = rig.get("/runs/1?x=2").await;
    assert_eq!(turned.status(), 303);
    assert_eq!(turned.headers()["location"], "/sign-in?next=%2Fruns%2F1%3Fx%3D2");
    let sign_in = async |token: &str, next: &str| {
        let form = [("token", token), ("next", next)];
        rig.request(Method::POST, "/sign-in")
            .form(&form)
            .send()
            .await
            .unwrap()
    };
    let wrong = sign_in("lf_wrong", "/").await;
    assert_eq!(wrong.status(), 401);
    assert!(wrong.headers().get("set-cookie").is_none());
    let entered = sign_in(OPERATE, "//evil.example").await;
    assert_eq!(
        (entered.status().as_u16(), &entered.headers()["location"]),
        (303, &"/".parse().unwrap())
    );
    let cookie = entered.headers()["set-cookie"].to_str().unwrap().to_owned();
    for part in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=43200"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(
        !cookie.contains("Secure"),
        "over plain http the cookie would never come back"
    );
    let cookie = cookie.split(';').next().unwrap().to_owned();
    let page = rig
        .request(Method::GET, "/")
        .header("cookie", &cookie)
        .send()
        .await
        .unwrap();
    assert_eq!(page.status(), 200);
    let page = page.text().await.unwrap();
    let proof = page.split("name=\"proof\" value=\"").nth(1).unwrap();
    let proof = proof.split('"').next().unwrap().to_owned();
    let post = async |path: &str, proof: &str| {
        let asked = rig
            .request(Method::POST, path)
            .header("cookie", &cookie)
            .form(&[("proof", proof)]);
        asked.send().await.unwrap()
    };
    assert_eq!(post("/probes/orders/pause", "wrong").await.status(), 403);
    assert_eq!(
        post("/probes/orders/pause", &proof).await.headers()["location"],
        "/?done=paused"
    );
    assert_eq!(post("/probes/orders/resume", &proof).await.status(), 303);
    assert_eq!(post("/probes/nothing/fire", &proof).await.status(), 404);
    assert_eq!(post("/sign-out", &proof).await.status(), 303);
    let after = rig
        .request(Method::GET, "/")
        .header("cookie", &cookie)
        .send()
        .await
        .unwrap();
    assert_eq!(after.status(), 303, "the session has ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn over_https_the_cookie_is_for_https_alone() {
    let mut more = declared();
    more["public_url"] = json!("https://probes.example.com");
    let rig = Rig::with(&more, "").await;
    let entered = rig
        .request(Method::POST, "/sign-in")
        .form(&[("token", READ)])
        .send()
        .await
        .unwrap();
    let cookie = entered.headers()["set-cookie"].to_str().unwrap();
    assert!(
        cookie.starts_with("__Host-landfall=") && cookie.contains("; Secure"),
        "{cookie}"
    );
    let id = cookie.split(';').next().unwrap();
    let page = rig
        .request(Method::GET, "/")
        .header("cookie", id)
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(
        !page.contains("Fire now"),
        "who may only read is offered nothing to press"
    );
}

#[test]
fn a_new_token_is_shown_once_with_its_hash() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = landfall(dir.path(), &[]);
    command.args(["token", "new", "--scope", "operate", "--name", "ci"]);
    let (code, out, said) = ended(command);
    assert_eq!((code, said.as_str()), (0, ""));
    let token = out.lines().next().unwrap();
    assert!(token.starts_with("lf_"), "{out}");
    assert!(
        out.contains(&AccessHash::of(token).to_string()) && out.contains("scope: operate"),
        "{out}"
    );
    assert_eq!(out.matches(token).count(), 1);
}
