//! What happens while a page is open appears on it.

use serde_json::json;

use super::{Browser, Rig, Theme};

/// The addresses of the runs that a page links to.
const LINKS: &str =
    "new Set([...document.querySelectorAll('a[href*=\"/runs/\"]')].map(a => a.getAttribute('href'))).size";

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
