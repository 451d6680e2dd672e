//! What happens while a page is open appears on it, also after the way to the daemon was cut or the daemon was gone.

use serde_json::json;

use super::rig::{port, sandboxed_at};
use super::{Browser, Rig, Theme};

/// The addresses of the runs that a page links to.
const LINKS: &str =
    "new Set([...document.querySelectorAll('a[href*=\"/runs/\"]')].map(a => a.getAttribute('href'))).size";
const SAID: &str = "document.querySelector('#live').innerText";

#[tokio::test(flavor = "multi_thread")]
async fn a_run_appears_without_a_reload_and_after_a_cut_it_catches_up() {
    let rig = Rig::start("", None).await;
    let browser = Browser::start().await;
    let mut page = browser.page().await;
    page.look(1280, Theme::Light).await;
    page.open(&rig.url("/")).await;
    page.eval("window.here = true").await;
    assert_eq!(page.eval(LINKS).await, 0);
    rig.fire("message", 3).await;
    rig.ended(3).await;
    page.until(&format!("{LINKS} >= 3")).await;
    let offline = |offline: bool| json!({ "offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1 });
    page.call("Network.emulateNetworkConditions", offline(true)).await;
    rig.fire("message", 3).await;
    rig.ended(6).await;
    page.call("Network.emulateNetworkConditions", offline(false))
        .await;
    page.until(&format!("{LINKS} >= 6")).await;
    assert_eq!(page.eval("window.here").await, true, "it was not loaded again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_is_gone_is_said_to_be_and_what_was_missed_is_shown_when_it_is_back() {
    let mut rig = Rig::on(sandboxed_at("", port()).await, None).await;
    let browser = Browser::start().await;
    let mut pages = Vec::new();
    for path in ["/", "/runs", "/probes/message"] {
        let mut page = browser.page().await;
        page.look(1280, Theme::Light).await;
        page.open(&rig.url(path)).await;
        page.until("!!document.querySelector('[data-follow]')").await;
        page.until(&format!("{SAID} === '● live' || {SAID} === 'live'"))
            .await;
        page.eval("window.here = true").await;
        pages.push((path, page));
    }
    rig.kill();
    for (_, page) in &pages {
        page.until(&format!("{SAID}.includes('reconnecting since')"))
            .await;
        assert_eq!(
            page.eval("document.querySelector('#live').className").await,
            "live warn"
        );
    }
    rig.again().await;
    // What ends before the pages are back is on them when they are.
    rig.fire("message", 3).await;
    rig.ended(3).await;
    for (path, page) in &pages {
        page.until(&format!("!{SAID}.includes('reconnecting')")).await;
        let shown = match *path {
            "/probes/message" => String::from("!!document.querySelector('#charts-waits')"),
            _ => format!("{LINKS} >= 3"),
        };
        page.until(&shown).await;
        page.until(&format!("{SAID}.includes('live')")).await;
        assert_eq!(
            page.eval("window.here").await,
            true,
            "{path} was not loaded again"
        );
    }
}
