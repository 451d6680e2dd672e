//! The overview, the list of runs, the marks: what an address asks for, and what has changed since.

use landfall::model::AccessHash;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Rig, breathe};

/// The page, whatever its status.
async fn page(rig: &Rig, path: &str) -> (u16, String) {
    let answer = rig.get(path).await;
    (answer.status().as_u16(), answer.text().await.unwrap())
}

/// The page as soon as it holds all of this.
async fn shows(rig: &Rig, path: &str, parts: &[&str]) -> String {
    let mut html = String::new();
    for _ in 0..2000 {
        html = page(rig, path).await.1;
        if parts.iter().all(|part| html.contains(part)) {
            return html;
        }
        breathe().await;
    }
    let missing: Vec<&&str> = parts.iter().filter(|part| !html.contains(**part)).collect();
    panic!("{path} never showed {missing:?}: {html}");
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_funnel_and_silent_failures_of_each_range() {
    let rig = Rig::start().await;
    assert!(
        shows(&rig, "/", &["no data", "nothing accepted yet"])
            .await
            .contains("data-follow")
    );
    rig.fired("good").await;
    rig.fired("gone").await;
    for since in ["", "?since=1h", "?since=6h", "?since=7d", "?since=30d"] {
        let parts = [
            "silent failure",
            "50.0 %",
            "not reached",
            "1 failed silently",
            "1 lost",
            "1 → ",
            "Figures of the last",
        ];
        let html = shows(&rig, &format!("/{since}"), &parts).await;
        assert!(
            html.contains("/runs?probe=orders&amp;route=gone&amp;since="),
            "{html}"
        );
        assert!(!html.contains("does not answer"), "{html}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_choose_and_what_is_unknown_is_refused_with_what_there_is() {
    let rig = Rig::start().await;
    let probes = |html: &str| html.matches("class=\"probe\"").count();
    for (query, shown) in [
        ("", 1),
        ("?q=ORD", 1),
        ("?q=gone", 1),
        ("?q=team%3Dpay", 1),
        ("?q=nothing", 0),
        ("?label=team%3Dpayments&q=&state=", 1),
        ("?state=no_data", 1),
        ("?state=ok&state=failing", 0),
        ("?page=9", 1),
    ] {
        let (status, html) = page(&rig, &format!("/{query}")).await;
        assert_eq!((status, probes(&html)), (200, shown), "{query}: {html}");
    }
    for (query, said) in [
        ("?since=2h", "one of 1h, 6h, 24h, 7d, 30d is expected"),
        ("?label=team%3Dops", "there are `team=payments`"),
        ("?label=team", "`key=value` is expected"),
        (
            "?state=bad",
            "one of ok, degraded, failing, blind, no_data, paused is expected",
        ),
        ("?location=moon", "location is `local`"),
        ("?page=0", "a whole number"),
        ("?sort=name", "there is no parameter `sort`"),
        ("?since=1h&since=6h", "given 2 times"),
        ("?q=%E2%80%AE", "characters that cannot be seen"),
    ] {
        let (status, html) = page(&rig, &format!("/{query}")).await;
        assert!(status == 400 && html.contains(said), "{query}: {status} {html}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_of_runs_has_its_filters_in_the_address_and_goes_on_by_cursor() {
    let rig = Rig::start().await;
    let (good, gone) = (rig.fired("good").await, rig.fired("gone").await);
    let id = |run: &Value| format!("/runs/{}", run["id"].as_str().unwrap());
    for (query, has) in [
        ("", [true, true]),
        ("?route=good", [true, false]),
        ("?class=lost", [false, true]),
        ("?probe=other", [false, false]),
        ("?probe=orders&probe=other", [true, true]),
        ("?probe=orders&probe=other&route=good&route=x", [true, false]),
        ("?label=team%3Dpayments&since=1h", [true, true]),
        ("?label=team%3Dops", [false, false]),
        (
            "?since=2001-01-01T00%3A00%3A00Z&until=2001-01-02T00%3A00%3A00Z",
            [false, false],
        ),
        ("?probe=&route=&class=&label=", [true, true]),
    ] {
        let (status, html) = page(&rig, &format!("/runs{query}")).await;
        assert_eq!(status, 200, "{query}");
        assert_eq!(
            [html.contains(&id(&good)), html.contains(&id(&gone))],
            has,
            "{query}: {html}"
        );
    }
    for (label, said) in [
        ("team%3Dpayments", "the probes that have this label now"),
        ("team%3Dops", "No run that has ended fits"),
    ] {
        let html = page(&rig, &format!("/runs?label={label}")).await.1;
        assert!(html.contains(said), "{html}");
    }
    let first = rig.json("/api/v1/runs?limit=1").await;
    let (status, html) = page(&rig, &format!("/runs?cursor={}", first["next"].as_str().unwrap())).await;
    assert!(
        status == 200 && html.contains("the newest") && !html.contains("data-follow"),
        "{html}"
    );
    for (query, said) in [
        ("?since=soon", "RFC 3339"),
        ("?class=gone", "delivered, late"),
        ("?cursor=5", "`cursor`"),
        ("?sort=x", "there is no parameter"),
    ] {
        let (status, html) = page(&rig, &format!("/runs{query}")).await;
        assert!(status == 400 && html.contains(said), "{query}: {status} {html}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mark_is_set_by_a_form_and_stands_on_the_strips() {
    let rig = Rig::start().await;
    rig.fired("good").await;
    let html = shows(&rig, "/marks", &["None is set.", "Note it"]).await;
    let proof = html.split("name=\"proof\" value=\"").nth(1).unwrap();
    let proof = proof.split('"').next().unwrap();
    let post = async |form: &[(&str, &str)]| {
        let mut all = vec![("proof", proof)];
        all.extend_from_slice(form);
        rig.request(Method::POST, "/marks")
            .form(&all)
            .send()
            .await
            .unwrap()
    };
    let set = post(&[
        ("text", "release 4"),
        ("kind", "deployment"),
        ("at", ""),
        ("labels", "team=payments"),
    ])
    .await;
    assert_eq!(
        (set.status().as_u16(), &set.headers()["location"]),
        (303, &"/marks?done=marked".parse().unwrap())
    );
    for (form, said) in [
        ([("text", "x"), ("kind", "party")], "deployment, incident, note"),
        ([("text", " "), ("kind", "note")], "needs a text"),
    ] {
        let refused = post(&form).await;
        assert_eq!(refused.status(), 400);
        assert!(refused.text().await.unwrap().contains(said));
    }
    let wrong = post(&[("text", "x"), ("kind", "note"), ("at", "tomorrow")]).await;
    assert!(wrong.status() == 400 && wrong.text().await.unwrap().contains("`tomorrow`"));
    let wrong = post(&[("text", "x"), ("kind", "note"), ("labels", "team")]).await;
    assert!(wrong.status() == 400 && wrong.text().await.unwrap().contains("`team`"));
    assert_eq!(
        rig.request(Method::POST, "/marks")
            .form(&[("text", "x"), ("kind", "note")])
            .send()
            .await
            .unwrap()
            .status(),
        422
    );
    shows(
        &rig,
        "/marks?done=marked",
        &["release 4", "team=payments", "Noted:"],
    )
    .await;
    shows(&rig, "/?since=1h", &["deployment: release 4"]).await;
}

/// The element with this id, as text.
fn region<'a>(html: &'a str, id: &str) -> &'a str {
    let from = html
        .find(&format!("id=\"{id}\""))
        .unwrap_or_else(|| panic!("#{id}: {html}"));
    &html[from..]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_follows_the_runs_says_where_and_what_of_it_changes() {
    let rig = Rig::start().await;
    let before = shows(&rig, "/", &["Figures of"]).await;
    for id in [
        "freshness",
        "headline",
        "probes",
        "flights",
        "unseen",
        "last-runs",
        "notices",
        "ranges",
        "narrowed",
    ] {
        let from = region(&before, id);
        let tag = &from[..from.find('>').unwrap()];
        assert!(tag.contains("data-live"), "#{id}: {tag}");
    }
    // Without a script nothing is loaded again by itself.
    assert!(
        before.contains("<noscript><a href=\"\"") && !before.contains("http-equiv"),
        "{before}"
    );
    assert!(before.contains("data-follow=\"/api/v1/runs/follow\""), "{before}");
    let mut live = rig.get("/api/v1/runs/follow").await;
    let run = rig.fired("good").await;
    let mut told = String::new();
    while !told.contains("event: run") {
        told.push_str(std::str::from_utf8(&live.chunk().await.unwrap().unwrap()).unwrap());
    }
    // What is fetched again at that shows the run.
    let id = format!("/runs/{}", run["id"].as_str().unwrap());
    let after = page(&rig, "/").await.1;
    assert!(region(&after, "last-runs").contains(&id), "{after}");
    assert!(region(&after, "probes").contains(&id), "{after}");
    let (_, runs) = page(&rig, "/runs?probe=orders&class=lost").await;
    assert!(
        runs.contains("data-follow=\"/api/v1/runs/follow?probe=orders&amp;class=lost\""),
        "{runs}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn colours_that_were_chosen_are_kept_and_lead_nowhere_else() {
    let rig = Rig::start().await;
    let choose = async |word: &str, from: &str| {
        let asked = rig.request(Method::GET, &format!("/theme?to={word}"));
        asked.header("referer", from).send().await.unwrap()
    };
    let chosen = choose("dark", &format!("{}/runs?route=good", rig.base)).await;
    assert_eq!(
        (chosen.status().as_u16(), &chosen.headers()["location"]),
        (303, &"/runs?route=good".parse().unwrap())
    );
    let cookie = chosen.headers()["set-cookie"].to_str().unwrap().to_owned();
    let pair = cookie.split(';').next().unwrap();
    let dark = rig
        .request(Method::GET, "/")
        .header("cookie", pair)
        .send()
        .await
        .unwrap();
    assert!(
        dark.text()
            .await
            .unwrap()
            .contains("<html lang=\"en\" data-theme=\"dark\">")
    );
    assert!(page(&rig, "/").await.1.contains("<html lang=\"en\">"));
    assert_eq!(
        choose("light", "https://evil.example//x").await.headers()["location"],
        "/"
    );
    assert_eq!(choose("pink", &rig.base).await.status(), 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_not_signed_in_sees_the_sign_in_and_nothing_else() {
    let token = "lf_read-read-read-read-read-read-read-read-read";
    let declared = json!({ "api": { "tokens": { "grafana": { "hash": AccessHash::of(token).to_string(), "scope": "read" } } } });
    let rig = Rig::with(&declared, "").await;
    for path in ["/", "/runs", "/marks", "/alerts", "/?since=7d", "/theme?to=dark"] {
        let answer = rig.get(path).await;
        assert_eq!(answer.status(), 303, "{path}");
        assert!(
            answer.headers()["location"]
                .to_str()
                .unwrap()
                .starts_with("/sign-in?next="),
            "{path}"
        );
        assert!(!answer.text().await.unwrap().contains("orders"), "{path}");
    }
    let script = rig.get("/script.js").await;
    assert_eq!(script.headers()["content-type"], "text/javascript; charset=utf-8");
    let policy = script.headers()["content-security-policy"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(
        policy.contains("script-src 'self'") && policy.contains("connect-src 'self'"),
        "{policy}"
    );
    assert!(!script.text().await.unwrap().contains("orders"));
    // The session of the pages follows the runs too, and who may only read is offered no act.
    let form = [("token", token), ("next", "/")];
    let entered = rig
        .request(Method::POST, "/sign-in")
        .form(&form)
        .send()
        .await
        .unwrap();
    let cookie = entered.headers()["set-cookie"]
        .to_str()
        .unwrap()
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    let asked = async |path: &str| {
        rig.request(Method::GET, path)
            .header("cookie", &cookie)
            .send()
            .await
            .unwrap()
    };
    let follow = asked("/api/v1/runs/follow").await;
    assert_eq!(
        (follow.status().as_u16(), &follow.headers()["content-type"]),
        (200, &"text/event-stream".parse().unwrap())
    );
    let home = asked("/").await.text().await.unwrap();
    assert!(home.contains("orders") && !home.contains("Fire now"), "{home}");
    assert!(!asked("/marks").await.text().await.unwrap().contains("Note it"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_in_flight_is_shown_with_its_age_until_it_ends() {
    let rig = Rig::start().await;
    let fire = json!({ "routes": ["gone"] });
    assert_eq!(rig.post("/api/v1/probes/orders/fire", &fire).await.status(), 202);
    shows(&rig, "/", &["Against its deadline", "Runs in flight"]).await;
    shows(&rig, "/", &["1 lost"]).await;
    let html = page(&rig, "/").await.1;
    assert!(!html.contains("Against its deadline"), "{html}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_arrival_changes_the_bar_of_a_closed_run() {
    let rig = Rig::start().await;
    let run = rig.fired("gone").await;
    shows(&rig, "/?since=1h", &[": 1 lost", "1 failed silently"]).await;
    let path = format!("/api/v1/runs/{}", run["id"].as_str().unwrap());
    let record = rig.json(&path).await["run"].take();
    let webhook = record["request"]["body"]["webhook"].as_str().unwrap();
    let body = json!({ "ref": record["token"] });
    let taken = rig.client.post(webhook).json(&body).send().await.unwrap();
    assert!(taken.status().is_success(), "{}", taken.status());
    let html = shows(
        &rig,
        "/?since=1h",
        &[": 1 late", "1 came after the close", "0 failed silently"],
    )
    .await;
    assert!(!html.contains(": 1 lost"), "{html}");
    shows(&rig, "/runs", &["amended"]).await;
    for since in ["24h", "30d"] {
        shows(&rig, &format!("/?since={since}"), &[": 1 late"]).await;
    }
}
