//! Drawings under a pointer: they are read off, routes are hidden, and a time is chosen.

use std::time::Duration;

use serde_json::{Value, json};

use super::hands::Spot;
use super::rig::sandboxed;
use super::{Browser, Page, Rig, Theme, checks, stock};

/// A day with 200 ticks of three routes.
const RUNS: u64 = 600;
const DAY: Duration = Duration::from_hours(24);
const PAGE: &str = "/probes/message?since=24h";
const DRAWN: &str = "document.querySelectorAll('#charts svg.chart').length >= 10";
const READ: &str = "document.querySelector('.readout').textContent";
const WAITS: &str = "#charts-waits";
const LATENCY: &str = "#charts-latency-0";

async fn rig() -> Rig {
    let sandboxed = sandboxed("").await;
    stock::fill(sandboxed.0.path(), RUNS, DAY).await;
    Rig::on(sandboxed, None).await
}

/// The page of the probe, once it is drawn.
async fn drawn(browser: &Browser, rig: &Rig, width: u32) -> Page {
    let mut page = browser.page().await;
    page.look(width, Theme::Light).await;
    page.open(&rig.url(PAGE)).await;
    page.until(DRAWN).await;
    page
}

/// What the drawings say of a place across, each by its own words.
async fn own_words(page: &Page, kind: &str, across: f64) -> Vec<String> {
    let found = page
        .eval(&format!(
            "[...document.querySelectorAll('svg.chart[id^=\"charts-{kind}\"]')].map(svg => [...svg.querySelectorAll('.hits rect')]
                .find(rect => parseFloat(rect.getAttribute('x')) + parseFloat(rect.getAttribute('width')) > {})?.querySelector('title').textContent ?? '')",
            across * 100.0
        ))
        .await;
    let all = found.as_array().unwrap().iter();
    all.map(|words| words.as_str().unwrap().to_owned()).collect()
}

/// A place in a drawing, so far across its axis.
async fn plot(page: &Page, drawing: &str, across: f64) -> Spot {
    let (x, foot) = page.spot(&format!("{drawing} line.base"), across, 0.0).await;
    (x, foot - 20.0)
}

async fn read(page: &Page) -> String {
    page.eval(READ).await.as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_every_route_is_at_the_pointer_is_read_off() {
    let (rig, browser) = (rig().await, Browser::start().await);
    let page = drawn(&browser, &rig, 1280).await;
    // Between the bounds of two stretches, so that rounding chooses none.
    let across = 0.51;
    let latencies = own_words(&page, "latency", across).await;
    let waited = own_words(&page, "waits", across).await;
    assert_eq!((latencies.len(), waited.len()), (3, 1));
    let at = plot(&page, LATENCY, across).await;
    let top = "document.querySelector('#charts-latency-0').getBoundingClientRect().top";
    let before = page.eval(top).await;
    page.point(at, false).await;
    page.until(&format!("{READ} !== ''")).await;
    let said = read(&page).await;
    for (words, route) in latencies.iter().zip(stock::ROUTES) {
        let (when, what) = words.split_once(": ").unwrap();
        assert!(said.starts_with(when), "{said}: {when}");
        assert!(
            said.lines().any(|line| line == format!("{route}: {what}")),
            "{said}: {route} {what}"
        );
    }
    assert_eq!(page.eval(top).await, before, "nothing moves");
    // A line stands in every drawing over time at the same place, and in no other.
    let lines = "[document.querySelectorAll('svg.chart .cross').length, document.querySelectorAll('svg.chart[data-scale=time]').length,
        document.querySelectorAll('#charts-waits .cross').length]";
    assert_eq!(page.eval(lines).await, json!([9, 9, 0]));
    let seen = "(() => { const box = document.querySelector('.readout').getBoundingClientRect(); return box.width > 50 && box.left >= 0 && box.right <= innerWidth && box.bottom <= innerHeight; })()";
    assert_eq!(page.eval(seen).await, true);

    let at = plot(&page, WAITS, across).await;
    page.point(at, false).await;
    page.until(&format!("{READ}.startsWith('not yet arrived after')"))
        .await;
    let said = read(&page).await;
    assert!(waited[0].lines().eq(said.lines()), "{said}: {waited:?}");
    for route in stock::ROUTES {
        assert!(said.contains(&format!("\n{route} ")), "{said}");
    }
    page.press("Escape").await;
    page.until(&format!("{READ} === '' && !document.querySelector('.cross')"))
        .await;
    page.point((at.0 + 3.0, at.1), false).await;
    page.until(&format!("{READ} !== ''")).await;
    page.point((3.0, 3.0), false).await;
    page.until(&format!("{READ} === '' && !document.querySelector('.cross')"))
        .await;
    assert_eq!(page.trouble(&[&rig.base]), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_is_hidden_by_mouse_and_by_keyboard_and_stays_so_when_runs_come_in() {
    let (rig, browser) = (rig().await, Browser::start().await);
    let page = drawn(&browser, &rig, 1280).await;
    let seen = async |place: usize| -> Value {
        page.eval(&format!(
            "[...document.querySelectorAll('#charts figure[data-route=\"{place}\"], #charts-waits path.at-{place}')].filter(e => e.checkVisibility()).length"
        ))
        .await
    };
    let pressed = |place: usize| {
        format!(
            "document.querySelector('.legend [data-route=\"{place}\"] button').getAttribute('aria-pressed')"
        )
    };
    // Three drawings over time, a curve and its band.
    assert_eq!((seen(0).await, seen(1).await), (json!(5), json!(5)));
    let button = ".legend [data-route=\"1\"] button";
    let at = page.spot(button, 0.5, 0.5).await;
    page.click(at).await;
    page.until(&format!("{} === 'false'", pressed(1))).await;
    assert_eq!((seen(0).await, seen(1).await), (json!(5), json!(0)));
    let found = checks::axe(&page).await;
    assert!(found.is_empty(), "{found:?}");
    for place in [LATENCY, WAITS] {
        let at = plot(&page, place, 0.51).await;
        page.point(at, false).await;
        page.until(&format!("{READ}.includes('alpha') && {READ}.includes('gamma')"))
            .await;
        assert!(!read(&page).await.contains("beta"));
    }
    // Runs come in, and everything is drawn anew.
    page.focus(button).await;
    page.eval("window.before = document.querySelector('#charts')")
        .await;
    rig.fire("message", 3).await;
    page.until("!window.before.isConnected").await;
    page.until(&format!(
        "{} === 'false' && document.activeElement === document.querySelector({button:?})",
        pressed(1)
    ))
    .await;
    assert_eq!((seen(0).await, seen(1).await), (json!(5), json!(0)));
    for (key, shown) in [("Enter", 5), ("Space", 0), ("Space", 5)] {
        page.press(key).await;
        page.until(&format!("{} === '{}'", pressed(1), shown > 0)).await;
        assert_eq!(seen(1).await, shown);
    }
    assert_eq!(page.trouble(&[&rig.base]), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_is_chosen_by_dragging_and_escape_leaves_it() {
    let (rig, browser) = (rig().await, Browser::start().await);
    let page = drawn(&browser, &rig, 1280).await;
    // Where the page goes is noted at once.
    page.eval(
        "window.went = []; navigation.addEventListener('navigate', e => window.went.push(e.destination.url))",
    )
    .await;
    let spot = async |across: f64| plot(&page, "#charts-classes-0", across).await;
    let chosen = "document.querySelectorAll('svg.chart .chosen').length";
    let (from, to) = (spot(0.25).await, spot(0.5).await);
    // A click, and a drag that is left.
    page.click(from).await;
    page.hold(from).await;
    page.point(to, true).await;
    page.until(&format!("{chosen} === 9 && {READ}.includes('let go')"))
        .await;
    page.press("Escape").await;
    page.until(&format!("{chosen} === 0")).await;
    page.let_go(to).await;
    assert_eq!(
        page.eval("[window.went, location.search]").await,
        json!([[], "?since=24h"])
    );
    assert_eq!(page.eval("getSelection().toString()").await, "");

    let axis = page
        .eval("['from', 'to'].map(of => Number(document.querySelector('#charts-classes-0').dataset[of]))")
        .await;
    let (begin, end) = (axis[0].as_f64().unwrap(), axis[1].as_f64().unwrap());
    page.hold(from).await;
    page.point(to, true).await;
    // Drawings that take the place of these do not end it.
    page.eval("window.before = document.querySelector('#charts')")
        .await;
    rig.fire("message", 3).await;
    page.until("!window.before.isConnected").await;
    page.until(&format!("{chosen} === 9")).await;
    let heard = page.heard();
    page.let_go(to).await;
    page.loaded(heard).await;
    page.until("!!document.querySelector('#charts-classes-2')").await;
    let asked = page
        .eval("['since', 'from', 'to'].map(of => new URL(location.href).searchParams.get(of)).map(at => at && Date.parse(at) / 1000)")
        .await;
    assert_eq!(asked[0], Value::Null, "{asked}");
    for (nth, share) in [(1, 0.25), (2, 0.5)] {
        let (is, wanted) = (asked[nth].as_f64().unwrap(), begin + (end - begin) * share);
        assert!(
            (is - wanted).abs() < (end - begin) * 0.01,
            "{is} and not {wanted}"
        );
    }
    // The axis is what was chosen, and the way back is a click away.
    let axis = page
        .eval("Math.abs(Number(document.querySelector('#charts-classes-0').dataset.from) - Date.parse(new URL(location.href).searchParams.get('from')) / 1000) < 1")
        .await;
    assert_eq!(axis, true);
    assert_eq!(page.trouble(&[&rig.base]), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finger_reads_off_and_scrolls_and_chooses_nothing() {
    let (rig, browser) = (rig().await, Browser::start().await);
    let page = drawn(&browser, &rig, 390).await;
    page.call("Emulation.setTouchEmulationEnabled", json!({ "enabled": true }))
        .await;
    let at = async |across: f64| plot(&page, LATENCY, across).await;
    let (left, right) = (at(0.3).await, at(0.6).await);
    page.touch(&[left, right]).await;
    page.until(&format!(
        "{READ}.includes('alpha') && !!document.querySelector('.cross')"
    ))
    .await;
    let inside = "(() => { const box = document.querySelector('.readout').getBoundingClientRect(); return box.left >= 0 && box.right <= innerWidth && box.top >= 0 && box.bottom <= innerHeight; })()";
    assert_eq!(page.eval(inside).await, true);
    assert_eq!(checks::overflow(&page).await, [""; 0]);
    page.lift().await;
    assert_eq!(
        page.eval("[location.search, document.querySelectorAll('.chosen').length]")
            .await,
        json!(["?since=24h", 0])
    );

    // From the middle of a drawing upwards: the page follows the finger.
    let (x, y) = at(0.5).await;
    page.eval("window.before = scrollY").await;
    let up: Vec<Spot> = (0..10).map(|n| (x, y - 20.0 * f64::from(n))).collect();
    page.touch(&up).await;
    page.until("scrollY > window.before + 100").await;
    page.until(&format!("{READ} === ''")).await;
    page.lift().await;
    assert_eq!(page.trouble(&[&rig.base]), [""; 0]);
}
