//! Without JavaScript pages are plainer, and can be used.

use serde_json::json;

use super::{Browser, Page, Rig, Theme};
use crate::web::breathe;

/// A page on which no script runs.
async fn plain(browser: &Browser) -> Page {
    let page = browser.page().await;
    page.look(1280, Theme::Light).await;
    page.call("Emulation.setScriptExecutionDisabled", json!({ "value": true }))
        .await;
    page
}

/// Presses a button by the keyboard, and waits for the page that comes of it.
async fn sent(page: &Page, button: &str) {
    let before = page.heard();
    page.eval(&format!("document.querySelector({button:?}).focus()"))
        .await;
    page.press("Enter").await;
    page.loaded(before).await;
}

/// Writes into a field.
async fn filled(page: &Page, field: &str, text: &str) {
    page.eval(&format!("document.querySelector({field:?}).focus()"))
        .await;
    page.write(text).await;
    page.until(&format!("document.querySelector({field:?}).value === {text:?}"))
        .await;
}

/// Loads a page again until it shows something: no script does.
async fn shows(page: &mut Page, url: &str, part: &str) {
    for _ in 0..600 {
        page.open(url).await;
        if page.text().await.contains(part) {
            return;
        }
        breathe().await;
    }
    panic!("{url} never shows {part}: {}", page.text().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_javascript_everything_can_be_read_and_done() {
    let rig = Rig::start("", None).await;
    rig.fire("named", 9).await;
    let runs = rig.ended(9).await;
    let browser = Browser::start().await;
    let mut page = plain(&browser).await;
    // Its last runs take a moment.
    shows(&mut page, &rig.url("/"), "lost").await;
    let text = page.text().await;
    for part in ["named", "message", "Load again"] {
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
    sent(&page, "form[action$=\"/named/fire\"] button").await;
    page.until("document.body.innerText.includes('Fired')").await;
    rig.ended(18).await;
    let trouble = page.trouble(&[&rig.base]);
    assert!(trouble.is_empty(), "{trouble:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_javascript_a_probe_shows_all_that_its_drawings_say() {
    let rig = Rig::start("", None).await;
    rig.fire("message", 3).await;
    rig.ended(3).await;
    let browser = Browser::start().await;
    let mut page = plain(&browser).await;
    shows(&mut page, &rig.url("/probes/message"), "Over time").await;
    // Drawings with their words, the same as tables, and no control that does nothing.
    let drawn = "document.querySelectorAll('#charts svg.chart[role=img] > desc').length";
    assert_eq!(page.eval(drawn).await, 7);
    assert_eq!(
        page.eval("document.querySelectorAll('.legend button').length")
            .await,
        0
    );
    unfolded(&page, "#charts-table-1").await;
    let rows = "[...document.querySelectorAll('#charts-table-1 tbody tr')].filter(e => e.checkVisibility()).length > 0";
    page.until(rows).await;
    unfolded(&page, "#definition-text").await;
    page.until("document.querySelector('#definition-text').innerText.includes('request:')")
        .await;
    page.screenshot("plain-probe").await;
    // One route alone, and another time.
    page.eval("document.querySelector('.range select[name=route]').value = 'beta'")
        .await;
    sent(&page, ".range form button").await;
    page.until("location.search.includes('route=beta')").await;
    shows(
        &mut page,
        &rig.url("/probes/message?since=24h&route=beta"),
        "Over time",
    )
    .await;
    let hour = page
        .eval("[...document.querySelectorAll('.range a')].map(a => a.getAttribute('href')).find(to => to.includes('since=1h'))")
        .await;
    assert!(hour.as_str().unwrap().contains("route=beta"), "{hour}");
    // What can be done with it is done from here.
    sent(&page, "form[action$=\"/message/pause\"] button").await;
    let paused = "form[action$=\"/message/resume\"] button";
    page.until(&format!("!!document.querySelector({paused:?})")).await;
    sent(&page, paused).await;
    page.until("document.body.innerText.includes('Resumed.')").await;
    assert_eq!(page.trouble(&[&rig.base]), [""; 0]);
}

/// Opens what is folded, by the keyboard.
async fn unfolded(page: &Page, details: &str) {
    page.eval(&format!("document.querySelector('{details} > summary').focus()"))
        .await;
    page.press("Enter").await;
    page.until(&format!("document.querySelector({details:?}).open"))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_javascript_forms_choose_note_and_mute() {
    let rig = Rig::start("", None).await;
    rig.fire("named", 9).await;
    // Which classes there are depends on how busy the machine is.
    let ended = rig.ended(9).await;
    let class = ended.keys().next_back().unwrap().word();
    let browser = Browser::start().await;
    let mut page = plain(&browser).await;
    page.open(&rig.url("/")).await;
    filled(&page, "#search", "named").await;
    sent(&page, "form.filters button").await;
    page.until("location.search.includes('q=named')").await;
    assert_eq!(
        page.eval("document.querySelectorAll('#probes tbody[id]').length")
            .await,
        1
    );

    page.open(&rig.url("/runs")).await;
    page.eval(&format!(
        "document.querySelector('form.filters select[name=class]').value = '{class}'"
    ))
    .await;
    sent(&page, "form.filters button").await;
    page.until(&format!("location.search.includes('class={class}')"))
        .await;
    page.until(&format!(
        "[...new Set([...document.querySelectorAll('#runs tbody .badge')].map(e => e.innerText.trim().split(/\\s+/).pop()))].join() === '{class}'"
    ))
    .await;

    page.open(&rig.url("/marks")).await;
    filled(&page, "input[name=text]", "release 7").await;
    sent(&page, "form[action=\"/marks\"] button").await;
    page.until("document.body.innerText.includes('release 7') && document.body.innerText.includes('Noted')")
        .await;

    page.open(&rig.url("/alerts")).await;
    filled(&page, "input[name=reason]", "it is known").await;
    sent(&page, "form[action=\"/alerts/mute\"] button").await;
    page.until("document.body.innerText.includes('it is known')")
        .await;
    sent(&page, "form[action=\"/alerts/unmute\"] button").await;
    page.until("document.body.innerText.includes('The mute has ended')")
        .await;

    // Other colours hold without a script too.
    sent(&page, ".theme button[value=dark]").await;
    page.until("document.documentElement.dataset.theme === 'dark'")
        .await;
    assert_eq!(page.trouble(&[&rig.base]), [""; 0]);
}
