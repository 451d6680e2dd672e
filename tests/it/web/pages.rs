//! The pages: what stands on them, and what hostile content does there (nothing).

use reqwest::Method;

use super::Rig;

const HOSTILE: &str =
    "<script>alert(1)</script><img src=x onerror=alert(2)>\"'><svg onload=alert(3)>\u{202e}\u{1b}]0;x\u{7}";

#[tokio::test(flavor = "multi_thread")]
async fn the_first_page_shows_probes_routes_and_runs() {
    let rig = Rig::start().await;
    let (good, gone) = (rig.fired("good").await, rig.fired("gone").await);
    let page = rig.get("/").await;
    let policy = page.headers()["content-security-policy"]
        .to_str()
        .unwrap()
        .to_owned();
    for part in [
        "default-src 'none'",
        "frame-ancestors 'none'",
        "form-action 'self'",
    ] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(page.headers()["x-content-type-options"], "nosniff");
    assert_eq!(page.headers()["cache-control"], "no-store");
    let html = page.text().await.unwrap();
    for part in [
        "orders",
        "good",
        "gone",
        "degraded",
        "Not as it should be",
        "Last runs",
        "Fire now",
        "An order is confirmed.",
    ] {
        assert!(html.contains(part), "{part}: {html}");
    }
    for run in [&good, &gone] {
        assert!(html.contains(&format!("/runs/{}", run["id"].as_str().unwrap())));
    }
    assert_eq!(
        html.matches("<script").count(),
        html.matches("<script src=\"/script.js\" defer></script>").count(),
        "{html}"
    );
    assert!(!html.contains("http://") && !html.contains("https://"), "{html}");
    let run = rig
        .get(&format!("/runs/{}", gone["id"].as_str().unwrap()))
        .await
        .text()
        .await
        .unwrap();
    for part in ["Timeline", "lost", "verdict", "accepted", "silent"] {
        assert!(run.to_lowercase().contains(&part.to_lowercase()), "{part}: {run}");
    }
    let css = rig.get("/style.css").await;
    assert_eq!(css.headers()["content-type"], "text/css; charset=utf-8");
    for path in [
        "/nothing",
        "/runs/x",
        "/runs/00000000-0000-0000-0000-000000000000",
    ] {
        assert_eq!(rig.get(path).await.status(), 404, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn content_from_outside_acts_on_no_page() {
    let rig = Rig::with(&serde_json::json!({}), HOSTILE).await;
    let run = rig.fired("good").await;
    let mark = serde_json::json!({ "text": HOSTILE, "labels": { HOSTILE: HOSTILE } });
    assert_eq!(rig.post("/api/v1/marks", &mark).await.status(), 201);
    let pause = serde_json::json!({ "reason": HOSTILE });
    assert_eq!(
        rig.post("/api/v1/probes/orders/pause", &pause).await.status(),
        200
    );
    for path in [
        String::from("/"),
        format!("/runs/{}", run["id"].as_str().unwrap()),
        format!("/?done={HOSTILE}"),
        format!("/?state={HOSTILE}&q={HOSTILE}"),
        format!("/runs?probe={HOSTILE}"),
        format!("/runs?class={HOSTILE}"),
        String::from("/marks"),
    ] {
        let html = rig.get(&path).await.text().await.unwrap();
        for bad in ["<script>", "<img", "<svg onload", "\u{202e}", "\u{1b}"] {
            assert!(!html.contains(bad), "{bad:?} on {path}: {html}");
        }
    }
    let html = rig.get("/").await.text().await.unwrap();
    assert!(
        html.contains("&lt;script&gt;"),
        "it is shown as what it is: {html}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn forms_work_without_any_script_and_only_from_our_own_page() {
    let rig = Rig::start().await;
    let html = rig.get("/").await.text().await.unwrap();
    let proof = html
        .split("name=\"proof\" value=\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap()
        .to_owned();
    let post = async |proof: &str, origin: &str| {
        let form = rig
            .request(Method::POST, "/probes/orders/fire")
            .form(&[("proof", proof)])
            .header("origin", origin);
        form.send().await.unwrap()
    };
    assert_eq!(post("", &rig.base).await.status(), 403);
    assert_eq!(post(&proof, "https://evil.example").await.status(), 403);
    let fired = post(&proof, &rig.base).await;
    assert_eq!(
        (fired.status().as_u16(), &fired.headers()["location"]),
        (303, &"/?done=fired".parse().unwrap())
    );
    // Back to where it was pressed, with what was chosen there.
    let there = format!("{}/probes/orders?since=30d&route=good&done=paused", rig.base);
    let form = rig
        .request(Method::POST, "/probes/orders/fire")
        .form(&[("proof", &proof)]);
    let fired = form
        .header("origin", &rig.base)
        .header("referer", there)
        .send()
        .await
        .unwrap();
    let back = fired.headers()["location"].to_str().unwrap();
    assert_eq!(back, "/probes/orders?since=30d&route=good&done=fired");
    let page = rig.get(back).await;
    assert!(page.status() == 200 && page.text().await.unwrap().contains("Fired:"));
    assert!(
        rig.get("/?done=fired")
            .await
            .text()
            .await
            .unwrap()
            .contains("Fired:")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_on_no_page_and_in_no_answer() {
    let secret = "hunter2-planted-secret";
    let dir = super::folder(&serde_json::json!({}), "${file:secret.txt}").await;
    std::fs::write(dir.path().join("secret.txt"), secret).unwrap();
    let rig = Rig::again(std::sync::Arc::new(dir)).await;
    let run = rig.fired("good").await;
    let mark = serde_json::json!({ "text": format!("it was {secret}") });
    rig.post("/api/v1/marks", &mark).await;
    let id = run["id"].as_str().unwrap();
    for path in [
        "/",
        &format!("/runs/{id}"),
        &format!("/api/v1/runs/{id}"),
        "/api/v1/marks",
        "/api/v1/runs",
        "/api/v1/probes",
    ] {
        let said = rig.get(path).await.text().await.unwrap();
        assert!(!said.contains(secret), "{path}: {said}");
    }
}
