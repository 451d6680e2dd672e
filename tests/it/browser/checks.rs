//! What every page has to stand: nothing wider than the screen, nothing that axe-core calls a barrier, every control within
//! reach of the keyboard.

use std::path::PathBuf;

use serde_json::Value;

use super::page::Page;

/// Presses of the tabulator at the most.
const TABS: usize = 600;

/// What axe-core finds against WCAG 2.2 AA and its own best practices; each with the elements it is about.
pub(super) async fn axe(page: &Page) -> Vec<String> {
    page.eval(&source()).await;
    let found = page
        .eval(
            "axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })
                .then(found => found.violations.map(of => ({
                    id: of.id, help: of.help, impact: of.impact, count: of.nodes.length,
                    nodes: of.nodes.slice(0, 3).map(node => node.target.join(' ') + ': ' + node.html.slice(0, 160)
                        + ' ' + (node.any[0]?.message ?? node.all[0]?.message ?? '')),
                })))",
        )
        .await;
    let said = |of: &Value| {
        let nodes: Vec<&str> = of["nodes"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(Value::as_str)
            .collect();
        format!(
            "axe {} ({}, {} times): {}\n    {}",
            of["id"],
            of["impact"],
            of["count"],
            of["help"],
            nodes.join("\n    ")
        )
    };
    found.as_array().unwrap().iter().map(said).collect()
}

/// axe-core as the package of Python brings it along.
fn source() -> String {
    let tool = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/tools/axe");
    let found = std::fs::read_dir(tool.join("lib"))
        .into_iter()
        .flatten()
        .flatten()
        .find_map(|python| {
            std::fs::read_to_string(
                python
                    .path()
                    .join("site-packages/axe_playwright_python/axe.min.js"),
            )
            .ok()
        });
    found.expect(
        "axe-core is missing; run: python3 -m venv target/tools/axe && target/tools/axe/bin/pip install --no-deps axe-playwright-python==VERSION, the version that scripts/test names",
    )
}

/// What reaches beyond the right edge of the screen.
pub(super) async fn overflow(page: &Page) -> Vec<String> {
    let found = page
        .eval(
            "(() => {
                const wide = document.documentElement.clientWidth;
                if (document.documentElement.scrollWidth <= wide) return [];
                const inside = e => { for (let a = e.parentElement; a; a = a.parentElement) {
                    const style = getComputedStyle(a);
                    if (a !== document.body && a !== document.documentElement && ['auto', 'scroll', 'hidden', 'clip'].includes(style.overflowX)) return true;
                } return false; };
                return [...document.querySelectorAll('body *')]
                    .filter(e => e.getBoundingClientRect().right > wide + 0.5 && !inside(e))
                    .map(e => e.tagName + '.' + (e.getAttribute('class') ?? '') + ' reaches to ' + Math.round(e.getBoundingClientRect().right) + ' of ' + wide + ': ' + (e.textContent ?? '').slice(0, 60).trim())
                    .slice(0, 5).concat(['the page is ' + document.documentElement.scrollWidth + ' wide on ' + wide]);
            })()",
        )
        .await;
    texts(&found)
}

/// Controls that the tabulator does not reach, and those that do not show that they have the focus.
pub(super) async fn keyboard(page: &Page) -> Vec<String> {
    let count = page
        .eval(
            "(() => {
                const seen = e => e.checkVisibility({ visibilityProperty: true }) && !e.disabled && e.type !== 'hidden' && e.tabIndex >= 0;
                const all = [...document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex]')].filter(seen);
                const named = new Set();
                const own = all.filter(e => {
                    // Of radio buttons of one name the tabulator reaches one.
                    if (e.type !== 'radio') return true;
                    if (named.has(e.name)) return false;
                    named.add(e.name); return true;
                });
                own.forEach((e, n) => { e.dataset.control = n; });
                // A date has a field for each of its parts.
                const parts = own.filter(e => ['date', 'time', 'datetime-local', 'month', 'week'].includes(e.type)).length;
                document.activeElement?.blur();
                return [own.length, parts * 8];
            })()",
        )
        .await;
    let [count, more] = [0, 1].map(|n| usize::try_from(count[n].as_u64().unwrap()).unwrap());
    if count > TABS {
        // A long table of links: its beginning tells.
        page.eval(&format!("document.querySelectorAll('[data-control]').forEach(e => {{ if (e.dataset.control >= {TABS}) e.removeAttribute('data-control'); }})")).await;
    }
    let mut unseen = Vec::new();
    for _ in 0..count.min(TABS) + more + 5 {
        page.press("Tab").await;
        let here = page
            .eval(
                "(() => {
                    const e = document.activeElement;
                    if (!e || e === document.body || e.dataset.reached !== undefined) return '';
                    e.dataset.reached = '';
                    const style = getComputedStyle(e);
                    const shows = (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== 'none';
                    return shows ? '' : e.outerHTML.slice(0, 120);
                })()",
            )
            .await;
        if let Some(here) = here.as_str().filter(|here| !here.is_empty()) {
            unseen.push(format!("it does not show that it has the focus: {here}"));
        }
    }
    let missed = page
        .eval("[...document.querySelectorAll('[data-control]:not([data-reached])')].map(e => 'the keyboard does not reach ' + e.outerHTML.slice(0, 120)).slice(0, 5)")
        .await;
    unseen.extend(texts(&missed));
    unseen
}

fn texts(found: &Value) -> Vec<String> {
    let all = found.as_array().into_iter().flatten();
    all.filter_map(Value::as_str).map(str::to_owned).collect()
}
