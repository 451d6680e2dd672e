//! The keyboard: what keys do on a page, and that no mouse is needed to search and to choose.

use super::{Browser, Page, Rig, Theme};

const HERE: &str = "document.activeElement";

async fn opened(browser: &Browser, rig: &Rig, path: &str) -> Page {
    let mut page = browser.page().await;
    page.look(1280, Theme::Light).await;
    page.open(&rig.url(path)).await;
    page.eval("window.here = true").await;
    page
}

#[tokio::test(flavor = "multi_thread")]
async fn probes_are_searched_and_chosen_by_keys_alone() {
    let rig = Rig::start("", None).await;
    let browser = Browser::start().await;
    let page = opened(&browser, &rig, "/").await;
    // The first stop leads past what stands on every page; it is seen as soon as it has the focus.
    page.press("Tab").await;
    page.until(&format!(
        "{HERE}.className === 'skip' && {HERE}.getBoundingClientRect().left >= 0"
    ))
    .await;
    page.press("Enter").await;
    page.until("location.hash === '#main'").await;
    page.press("Tab").await;
    page.until(&format!("document.querySelector('#main').contains({HERE})"))
        .await;
    // No element is out of the order in which the page is written.
    let jumps = page
        .eval("document.querySelectorAll('[tabindex]:not([tabindex=\"0\"]):not([tabindex=\"-1\"])').length")
        .await;
    assert_eq!(jumps, 0);

    page.press("/").await;
    page.until(&format!("{HERE}.id === 'search'")).await;
    page.write("named").await;
    let shown = "[...document.querySelectorAll('#probes tbody[id]')].map(e => e.id).join()";
    page.until(&format!("{shown} === 'named' && location.search === '?q=named'"))
        .await;
    // In a field the key is a letter.
    page.press("/").await;
    page.until("document.querySelector('#search').value === 'named/'")
        .await;
    page.until(&format!(
        "{shown} === '' && document.body.innerText.includes('None of the')"
    ))
    .await;
    page.until("!!document.querySelector('#narrowed a')").await;
    let before = page.heard();
    page.focus("#narrowed a").await;
    page.press("Enter").await;
    page.loaded(before).await;
    page.until(&format!("{shown} !== '' && {shown} !== 'named'"))
        .await;

    page.eval("window.here = true").await;
    page.focus("form.filters select[name=state]").await;
    page.press("ArrowDown").await;
    page.until("new URL(location.href).searchParams.has('state')")
        .await;
    let state = "document.querySelector('form.filters select[name=state]').value";
    page.until(&format!(
        "new URL(location.href).searchParams.get('state') === {state}"
    ))
    .await;
    assert_eq!(page.eval("window.here").await, true, "nothing was loaded again");

    let before = page.heard();
    page.focus(".theme button[value=dark]").await;
    page.press("Enter").await;
    page.loaded(before).await;
    page.until("document.documentElement.dataset.theme === 'dark'")
        .await;
    assert_eq!(page.trouble(&[&rig.base]), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_are_chosen_and_walked_through_by_keys_alone() {
    let rig = Rig::start("", None).await;
    rig.fire("named", 9).await;
    rig.ended(9).await;
    for runs in [12, 15] {
        rig.fire("message", 3).await;
        rig.ended(runs).await;
    }
    let browser = Browser::start().await;
    let page = opened(&browser, &rig, "/runs").await;
    page.press("/").await;
    page.until(&format!("{HERE}.id === 'search'")).await;
    page.write("kind=demo").await;
    let probes =
        "[...new Set([...document.querySelectorAll('#runs td:nth-child(2)')].map(e => e.innerText))].join()";
    page.until(&format!(
        "{probes} === 'message' && location.search.includes('label=kind')"
    ))
    .await;
    assert_eq!(page.eval("window.here").await, true, "nothing was loaded again");
    assert_eq!(page.trouble(&[&rig.base]), [""; 0]);

    // Along the runs of a route, from one to the next and back.
    let page = opened(&browser, &rig, "/").await;
    page.until("document.querySelectorAll('#probes tbody').length > 1")
        .await;
    let strip = "[...document.querySelectorAll('svg[data-strip]')].find(e => e.querySelector('a'))";
    page.until(&format!("!!{strip}")).await;
    page.eval(&format!("{strip}.querySelector('a[tabindex=\"0\"]').focus()"))
        .await;
    for key in ["Home", "ArrowRight", "End", "ArrowLeft"] {
        page.press(key).await;
        let only = format!(
            "{HERE}.closest('svg[data-strip]') === {strip} && {HERE}.getAttribute('tabindex') === '0' && {strip}.querySelectorAll('a[tabindex=\"0\"]').length === 1"
        );
        page.until(&only).await;
    }

    let first = page
        .eval("document.querySelector('#last-runs a[href^=\"/runs/\"]').getAttribute('href')")
        .await;
    let first = first.as_str().unwrap();
    let mut page = opened(&browser, &rig, first).await;
    for (key, rel) in [
        ("k", "prev"),
        ("j", "next"),
        ("ArrowLeft", "prev"),
        ("ArrowRight", "next"),
    ] {
        page.until(&format!("!!document.querySelector('nav.ways a[rel={rel}]')"))
            .await;
        let to = page
            .eval(&format!(
                "document.querySelector('nav.ways a[rel={rel}]').getAttribute('href')"
            ))
            .await;
        let before = page.heard();
        page.press(key).await;
        page.loaded(before).await;
        page.until(&format!("location.pathname === {to}")).await;
    }
    // Where text can be scrolled the arrows scroll it.
    page.open(&rig.url(first)).await;
    page.until("!!document.querySelector('nav.ways a[rel=prev]')")
        .await;
    page.eval("document.querySelectorAll('details').forEach(of => of.open = true); window.went = 0; navigation.addEventListener('navigate', () => window.went++)")
        .await;
    page.focus("main summary").await;
    page.press("ArrowLeft").await;
    assert_eq!(page.eval("window.went").await, 0);
    assert_eq!(page.trouble(&[&rig.base]), [""; 0]);
}
