//! What came from outside stays text: scripts, lines of a megabyte, marks that turn text around, control characters.

use serde_json::json;

use super::{Browser, Theme, checks};
use crate::web::Rig;

const HOSTILE: &str = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'><svg onload=alert(3)></svg></style></script>\
<iframe srcdoc='<script>alert(4)</script>'></iframe><a href='javascript:alert(5)'>x</a>\u{202e}txt.exe\u{2066}\u{200b}\u{1b}]0;x\u{7}\u{0}";

/// What hostile text would bring about, where it is more than text.
const INJECTED: &str = "[...document.querySelectorAll('script:not([src]), img, iframe, object, embed, [onerror], [onload], a[href^=\"javascript:\"]')]
    .filter(e => e.textContent.includes('alert') || /alert|x$/.test(e.getAttribute('src') ?? e.getAttribute('href') ?? e.getAttribute('onerror') ?? e.getAttribute('onload') ?? ''))
    .map(e => e.outerHTML.slice(0, 100))";

#[tokio::test(flavor = "multi_thread")]
async fn hostile_content_stays_text_on_every_page() {
    let long = format!("{HOSTILE}{}", "x".repeat(900_000));
    let browser = Browser::start().await;
    for (name, note) in [("hostile", HOSTILE), ("long", long.as_str())] {
        let rig = Rig::with(&json!({}), note).await;
        let (good, gone) = (rig.fired("good").await, rig.fired("gone").await);
        let short: String = HOSTILE.chars().take(400).collect();
        let label: String = HOSTILE.chars().take(60).collect();
        let mark = json!({ "text": short, "labels": { "x": label } });
        assert_eq!(rig.post("/api/v1/marks", &mark).await.status(), 201);
        let pause = json!({ "reason": short });
        assert_eq!(
            rig.post("/api/v1/probes/orders/pause", &pause).await.status(),
            200
        );
        let mut page = browser.page().await;
        page.look(390, Theme::Light).await;
        let mut wrong = Vec::new();
        let run = |of: &serde_json::Value| format!("/runs/{}", of["id"].as_str().unwrap());
        let other = ["/", "/runs", "/alerts", "/marks", "/probes/orders"].map(str::to_owned);
        for path in other.into_iter().chain([run(&good), run(&gone)]) {
            page.open(&format!("{}{path}", rig.base)).await;
            if path.starts_with("/probes/") {
                // Its figures take a moment to be made.
                page.until("!!document.querySelector('#figures')").await;
            }
            page.eval("document.querySelectorAll('details').forEach(of => of.open = true)")
                .await;
            page.screenshot(&format!(
                "{name}{}",
                path.replace('/', "-").chars().take(14).collect::<String>()
            ))
            .await;
            let injected = page.eval(INJECTED).await;
            if injected != json!([]) {
                wrong.push(format!("{path}: {injected}"));
            }
            let size = page.eval("document.documentElement.outerHTML.length").await;
            if size.as_u64().unwrap() > 2_000_000 {
                wrong.push(format!("{path} has {size} characters"));
            }
            let acting = page.eval("/[\\u202a-\\u202e\\u2066-\\u2069\\u200b\\u001b\\u0007]/.test(document.documentElement.outerHTML)").await;
            if acting == true {
                wrong.push(format!("{path} holds characters that act"));
            }
            let mut found = checks::overflow(&page).await;
            found.extend(page.trouble(&[&rig.base]));
            wrong.extend(found.into_iter().map(|found| format!("{path}: {found}")));
        }
        page.open(&format!("{}{}", rig.base, run(&good))).await;
        let shown = page
            .eval("document.documentElement.textContent.includes('<script>alert(1)')")
            .await;
        assert_eq!(shown, true, "it is shown as what it is");
        assert!(wrong.is_empty(), "{name}:\n{}", wrong.join("\n"));
    }
}
