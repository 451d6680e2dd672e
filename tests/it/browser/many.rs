//! Pages over many stored runs: a browser is handed a bounded number of elements, and what happens goes on appearing.

use std::time::Duration;

use super::rig::sandboxed;
use super::{Browser, Rig, Theme, stock};

/// A month of a probe that fires every six and a half minutes down three routes: more take a debug build too long to write.
const RUNS: u64 = 20_000;
const MONTH: Duration = Duration::from_hours(24 * 30);
/// More elements than this make a phone slow.
const ELEMENTS: u64 = 10_000;

#[tokio::test(flavor = "multi_thread")]
async fn pages_over_a_month_of_runs_stay_small_and_live() {
    let sandboxed = sandboxed("").await;
    stock::fill(sandboxed.0.path(), RUNS, MONTH).await;
    let rig = Rig::on(sandboxed, None).await;
    let browser = Browser::start().await;
    let mut pages = Vec::new();
    for (path, ready) in [
        (
            "/",
            "document.querySelector('#headline .figure.first b').innerText !== '–'",
        ),
        (
            "/?since=30d",
            "document.querySelector('#headline .figure.first b').innerText !== '–'",
        ),
        (
            "/runs",
            "document.querySelectorAll('#runs tbody tr').length === 50",
        ),
        (
            "/probes/message?since=30d",
            "!!document.querySelector('#charts-latency-2')",
        ),
    ] {
        let mut page = browser.page().await;
        page.look(1280, Theme::Light).await;
        page.open(&rig.url(path)).await;
        page.until(ready).await;
        let elements = page.eval("document.querySelectorAll('*').length").await;
        assert!(
            elements.as_u64().unwrap() < ELEMENTS,
            "{path}: {elements} elements"
        );
        page.eval("window.here = true; window.before = document.querySelector('#last-runs, #runs, #figures').innerText")
            .await;
        page.screenshot(&format!("many{}", path.replace(['/', '?', '='], "-")))
            .await;
        pages.push((path, page));
    }
    rig.fire("message", 3).await;
    for (path, page) in &pages {
        page.until("document.querySelector('#last-runs, #runs, #figures').innerText !== window.before")
            .await;
        assert_eq!(page.eval("window.here").await, true, "{path} was loaded again");
        let elements = page.eval("document.querySelectorAll('*').length").await;
        assert!(
            elements.as_u64().unwrap() < ELEMENTS,
            "{path}: {elements} elements"
        );
        assert_eq!(page.trouble(&[&rig.base]), [""; 0], "{path}");
    }
}
