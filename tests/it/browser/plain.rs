//! Without JavaScript pages are plainer, and can be used.

use serde_json::json;

use super::{Browser, Rig, Theme};

#[tokio::test(flavor = "multi_thread")]
async fn without_javascript_everything_can_be_read_and_done() {
    let rig = Rig::start("", None).await;
    rig.fire("named", 9).await;
    let runs = rig.ended(9).await;
    let browser = Browser::start().await;
    let mut page = browser.page().await;
    page.look(1280, Theme::Light).await;
    page.call("Emulation.setScriptExecutionDisabled", json!({ "value": true }))
        .await;
    page.open(&rig.url("/")).await;
    let text = page.text().await;
    for part in ["named", "message", "lost"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    page.screenshot("plain-overview").await;
    for (class, id) in &runs {
        page.open(&rig.url(&format!("/runs/{id}"))).await;
        let text = page.text().await;
        assert!(text.contains(class.word()), "{class:?}: {text}");
    }
    page.screenshot("plain-run").await;
    // A tick is fired by a form.
    page.open(&rig.url("/")).await;
    let before = page.heard();
    page.eval("document.querySelector('form[action$=\"/named/fire\"] button').focus()")
        .await;
    page.press("Enter").await;
    page.loaded(before).await;
    page.until("document.body.innerText.includes('Fired')").await;
    rig.ended(18).await;
    let trouble = page.trouble(&[&rig.base]);
    assert!(trouble.is_empty(), "{trouble:?}");
}
