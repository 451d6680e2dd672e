//! A report that is one file, opened from the disk.

use serde_json::{Value, json};

use super::rig::sandboxed;
use super::{Browser, Theme, looked_at};
use crate::support::process::{ended, landfall};

/// Runs `landfall` in a folder, while the sandbox goes on answering.
async fn run(dir: &std::path::Path, arguments: &[&str]) -> (i32, String, String) {
    let mut command = landfall(dir, &[]);
    command.args(arguments);
    tokio::task::spawn_blocking(move || ended(command)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_opens_from_the_disk_and_asks_for_nothing() {
    let (dir, stop, _gateway) = sandboxed("").await;
    let path = |name: &str| dir.path().join(name).display().to_string();
    let out = |name: &str| format!("html={}", path(name));
    let (code, _, said) = run(
        dir.path(),
        &["run", "named", "message", "--out", &out("run.html")],
    )
    .await;
    assert_eq!(code, 1, "{said}");
    let (code, _, said) = run(
        dir.path(),
        &[
            "compare",
            "message",
            "--cap",
            "12",
            "--every",
            "400ms",
            "--out",
            &out("compare.html"),
        ],
    )
    .await;
    // On a busy machine landfall may have seen too little for a word.
    assert!([0, 1, 3, 4].contains(&code), "{code}: {said}");
    let (code, _, said) = run(dir.path(), &["report", "--out", &out("report.html")]).await;
    assert_eq!(code, 0, "{said}");
    // The same from hours instead of runs, and of a comparison of what is on record.
    for arguments in [
        &["report", "--from-rollups"][..],
        &["compare", "message", "--from-store"],
    ] {
        let out = out("more.html");
        let all: Vec<&str> = arguments.iter().copied().chain(["--out", &out]).collect();
        let (code, _, said) = run(dir.path(), &all).await;
        assert!([0, 1, 3, 4].contains(&code), "{code}: {said}");
        let file = std::fs::read_to_string(path("more.html")).unwrap();
        for part in ["Routes side by side", "How runs ended", "Paths"] {
            assert!(file.contains(part), "{arguments:?}: {part}: {said}");
        }
    }
    let (code, _, said) = run(dir.path(), &["demo", "--runs", "24", "--out", &out("demo.html")]).await;
    assert!([0, 1].contains(&code), "{code}: {said}");
    stop.cancel();
    let browser = Browser::start().await;
    let mut page = browser.page().await;
    let mut wrong = Vec::new();
    for name in ["run", "compare", "report", "demo"] {
        let url = format!("file://{}", path(&format!("{name}.html")));
        wrong.extend(looked_at(&mut page, &format!("file-{name}"), &url, &[&url]).await);
        // The views of a probe's page are in each, and are drawn.
        let text = page.text().await;
        for part in ["Routes side by side", "How runs ended", "Paths"] {
            assert!(text.contains(part), "{name}: {part}: {text}");
        }
        let drawn = page
            .eval("[...document.querySelectorAll('svg.chart')].filter(e => e.getBoundingClientRect().height > 20).length")
            .await;
        assert!(drawn.as_u64().is_some_and(|drawn| drawn >= 3), "{name}: {drawn}");
        // Each bad run that is shown in full stands beside its twin, where it has one.
        if name != "run" && name != "compare" {
            assert_ne!(
                page.eval("document.querySelectorAll('section.twin .differs').length")
                    .await,
                0,
                "{name}"
            );
        }
        let printed = page
            .call("Page.printToPDF", json!({ "printBackground": false }))
            .await;
        super::page::keep(&format!("file-{name}.pdf"), printed["data"].as_str().unwrap());
    }
    assert!(
        wrong.is_empty(),
        "{} things are wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );

    // Boxes and links work without a script.
    page.call("Emulation.setScriptExecutionDisabled", json!({ "value": true }))
        .await;
    page.look(1280, Theme::Light).await;
    page.open(&format!("file://{}", path("run.html"))).await;
    let rows = "[...document.querySelectorAll('#runs tbody tr')].filter(e => e.checkVisibility()).length";
    assert_eq!(page.eval(rows).await, 12);
    let lost = "document.querySelector('#show-c0').focus()";
    page.eval(lost).await;
    page.press("Space").await;
    let left = page.eval(rows).await.as_u64().unwrap();
    assert!(left < 12, "{left}");
    page.press("Space").await;
    assert_eq!(page.eval(rows).await, 12);
    page.eval("document.querySelector('#runs a[href^=\"#run-\"]').focus()")
        .await;
    page.press("Enter").await;
    page.until("!!document.querySelector(':target') && document.querySelector(':target').checkVisibility()")
        .await;
    // What holds the place is open, and shows the whole run.
    let open: Value = page
        .eval("document.querySelector(':target').closest('details').innerText")
        .await;
    assert!(
        open.as_str()
            .is_some_and(|text| text.contains("What was expected")),
        "{open}"
    );
}
