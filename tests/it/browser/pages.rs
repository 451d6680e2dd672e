//! Every page of the daemon, with runs of every class: light and dark, on a phone and on a desk.

use landfall::model::AccessHash;
use serde_json::json;

use super::{Browser, Page, Rig, Theme, looked_at};
use crate::alerts::Peer;

const TOKEN: &str = "lf_browser-browser-browser-browser-browser-brow";
const READER: &str = "lf_reader-reader-reader-reader-reader-reader-read";

/// What shows that the figures of a probe's page have been made.
const MADE: &str = "!!document.querySelector('#figures')";

/// Alerts at the first bad run, told to somebody.
async fn alerting() -> String {
    let peer = Peer::start().await;
    format!(
        "alerts: {{ chat: {{ webhook: {{ url: \"{}\" }} }} }}\ndefaults: {{ alerts: {{ in_a_row: 1, wait: 0s }} }}\n",
        peer.url
    )
}

/// Opens a page until it shows what takes a moment to be made.
async fn made(page: &mut Page, url: &str) {
    page.look(1280, Theme::Light).await;
    page.open(url).await;
    page.until(MADE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_is_quiet_fits_and_can_be_used_by_everybody() {
    let rig = Rig::start(&alerting().await, None).await;
    let runs = rig.every_class().await;
    rig.fire("open", 1).await;
    rig.post("/api/v1/marks", &json!({ "text": "release 4.2" })).await;
    rig.post(
        "/api/v1/marks",
        &json!({ "text": "the provider is down", "kind": "incident" }),
    )
    .await;
    rig.post("/api/v1/probes/blind/pause", &json!({ "reason": "for a while" }))
        .await;
    rig.post(
        "/api/v1/mutes",
        &json!({ "probe": "message", "reason": "it is known" }),
    )
    .await;
    let mut pages: Vec<(String, String)> = [
        ("overview", "/"),
        ("overview-week", "/?since=7d&q=message"),
        ("overview-none", "/?q=nothing-fits"),
        ("runs", "/runs"),
        ("runs-lost", "/runs?class=lost&since=1h"),
        ("marks", "/marks"),
        ("alerts", "/alerts"),
        ("probe-message", "/probes/message"),
        ("probe-named", "/probes/named?since=1h"),
        ("probe-blind", "/probes/blind"),
        ("probe-two", "/probes/message?since=6h&route=alpha&route=beta"),
        (
            "probe-then",
            "/probes/message?from=2026-01-01T00%3A00%3A00Z&to=2036-01-01T00%3A00%3A00Z&route=gamma",
        ),
        ("no-probe", "/probes/massage"),
        ("no-page", "/nothing"),
    ]
    .map(|(name, path)| (name.to_owned(), path.to_owned()))
    .into();
    pages.extend(
        runs.iter()
            .map(|(class, id)| (format!("run-{}", class.word()), format!("/runs/{id}"))),
    );
    let browser = Browser::start().await;
    let mut page = browser.page().await;
    let mut wrong = Vec::new();
    for (name, path) in &pages {
        if name.starts_with("probe-") {
            made(&mut page, &rig.url(path)).await;
        }
        let found = looked_at(&mut page, name, &rig.url(path), &[&rig.base]).await;
        // That there is no such page is what this one says.
        let expected = |found: &String| name.starts_with("no-") && found.contains("status of 404");
        wrong.extend(found.into_iter().filter(|found| !expected(found)));
    }
    assert!(
        wrong.is_empty(),
        "{} things are wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    // What was looked at is what was meant.
    for (path, parts) in [
        ("/alerts", &["chat", "page", "named", "it is known"][..]),
        ("/marks", &["release 4.2", "goes on"]),
        ("/probes/blind", &["unobserved", "Paused since"]),
        ("/probes/massage", &["404", "did you mean `message`?"]),
        ("/nothing", &["404", "there is no such page"]),
        ("/", &["In flight", "open", "of 30 min"]),
    ] {
        page.open(&rig.url(path)).await;
        let text = page.text().await;
        for part in parts {
            assert!(text.contains(part), "{path}: {part}: {text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_but_the_sign_in_is_shown_without_a_token_and_the_keyboard_is_enough() {
    let hash = AccessHash::of(TOKEN);
    let more = format!("api: {{ tokens: {{ me: {{ hash: \"{hash}\", scope: operate }} }} }}\n");
    let rig = Rig::start(&more, Some(TOKEN)).await;
    let browser = Browser::start().await;
    let mut page = browser.page().await;
    let wrong = looked_at(&mut page, "sign-in", &rig.url("/"), &[&rig.base]).await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let text = page.text().await;
    assert!(text.contains("Sign in") && !text.contains("named"), "{text}");
    page.look(1280, Theme::Light).await;
    page.open(&rig.url("/")).await;
    enter(&page, "wrong").await;
    page.until("!!document.querySelector('[role=alert]')").await;
    enter(&page, TOKEN).await;
    page.until("document.body.innerText.includes('message')").await;
    // That a token is wrong is said with its status.
    let mut trouble = page.trouble(&[&rig.base]);
    trouble.retain(|found| !found.contains("status of 401"));
    assert!(trouble.is_empty(), "{trouble:?}");
}

/// Writes a token into the field, which has the focus by itself once the page is drawn, and sends it.
async fn enter(page: &Page, token: &str) {
    page.until("document.activeElement?.type === 'password'").await;
    page.write(token).await;
    let before = page.heard();
    page.press("Enter").await;
    page.loaded(before).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_only_read_sees_everything_and_is_offered_nothing_to_do() {
    let more = format!(
        "api: {{ tokens: {{ me: {{ hash: \"{}\", scope: operate }}, wall: {{ hash: \"{}\", scope: read }} }} }}\n",
        AccessHash::of(TOKEN),
        AccessHash::of(READER)
    );
    let rig = Rig::start(&more, Some(TOKEN)).await;
    rig.fire("message", 3).await;
    rig.ended(3).await;
    rig.post("/api/v1/marks", &json!({ "text": "release 4.2" })).await;
    rig.post("/api/v1/mutes", &json!({ "probe": "named", "reason": "known" }))
        .await;
    let browser = Browser::start().await;
    let mut page = browser.page().await;
    page.look(1280, Theme::Light).await;
    page.open(&rig.url("/")).await;
    enter(&page, READER).await;
    page.until("document.body.innerText.includes('message')").await;
    let mut wrong = Vec::new();
    for (name, path, part) in [
        ("reader-overview", "/", "message"),
        ("reader-runs", "/runs", "alpha"),
        ("reader-marks", "/marks", "release 4.2"),
        ("reader-alerts", "/alerts", "known"),
        ("reader-probe", "/probes/message", "Routes side by side"),
    ] {
        if path.starts_with("/probes/") {
            made(&mut page, &rig.url(path)).await;
        }
        wrong.extend(looked_at(&mut page, name, &rig.url(path), &[&rig.base]).await);
        let text = page.text().await;
        if !text.contains(part) {
            wrong.push(format!("{path} does not say {part}: {text}"));
        }
        let acts = page
            .eval("[...document.querySelectorAll('form[method=post]')].map(e => e.getAttribute('action')).filter(to => to !== '/sign-out')")
            .await;
        if acts != json!([]) {
            wrong.push(format!("{path} offers {acts}"));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} things are wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    // A mark of somebody else appears without a reload, with the next run at the latest.
    page.open(&rig.url("/marks")).await;
    page.eval("window.here = true").await;
    rig.post("/api/v1/marks", &json!({ "text": "release 4.3" })).await;
    rig.fire("message", 3).await;
    page.until("document.body.innerText.includes('release 4.3')")
        .await;
    assert_eq!(page.eval("window.here").await, true);
}
