//! Every page of the daemon, with runs of every class: light and dark, on a phone and on a desk.

use landfall::model::AccessHash;
use serde_json::json;

use super::{Browser, Rig, Theme, looked_at};

const TOKEN: &str = "lf_browser-browser-browser-browser-browser-brow";

#[tokio::test(flavor = "multi_thread")]
async fn every_page_is_quiet_fits_and_can_be_used_by_everybody() {
    let rig = Rig::start("", None).await;
    let runs = rig.every_class().await;
    rig.post("/api/v1/marks", &json!({ "text": "release 4.2" })).await;
    rig.post("/api/v1/probes/blind/pause", &json!({ "reason": "for a while" }))
        .await;
    let mut pages: Vec<(String, String)> = [
        ("overview", "/"),
        ("overview-week", "/?since=7d&q=message"),
        ("runs", "/runs"),
        ("marks", "/marks"),
        ("alerts", "/alerts"),
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
        let found = looked_at(&mut page, name, &rig.url(path), &[&rig.base]).await;
        // That there is no such page is what this one says.
        let expected = |found: &String| name == "no-page" && found.contains("status of 404");
        wrong.extend(found.into_iter().filter(|found| !expected(found)));
    }
    assert!(
        wrong.is_empty(),
        "{} things are wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
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
    // The field has the focus by itself, once the page is drawn.
    const FOCUS: &str = "document.activeElement?.type === 'password'";
    page.until(FOCUS).await;
    page.write("wrong").await;
    let before = page.heard();
    page.press("Enter").await;
    page.loaded(before).await;
    page.until("!!document.querySelector('[role=alert]')").await;
    page.until(FOCUS).await;
    page.write(TOKEN).await;
    let before = page.heard();
    page.press("Enter").await;
    page.loaded(before).await;
    page.until("document.body.innerText.includes('message')").await;
    // That a token is wrong is said with its status.
    let mut trouble = page.trouble(&[&rig.base]);
    trouble.retain(|found| !found.contains("status of 401"));
    assert!(trouble.is_empty(), "{trouble:?}");
}
