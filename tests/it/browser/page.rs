//! One page of a browser, and what it did: what it said, what it asked for, what it shows.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Value, json};

use super::chrome::Wire;
use crate::web::breathe;

/// The highest screenshot, in CSS pixels.
const HIGHEST: f64 = 8_000.0;

/// How a page is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Theme {
    Light,
    Dark,
}

/// A page.
pub(super) struct Page {
    wire: Arc<Wire>,
    session: String,
    /// Events before this one are of pages that were here earlier.
    from: usize,
}

impl Page {
    pub(super) async fn new(wire: Arc<Wire>, session: String) -> Self {
        let page = Self {
            from: wire.heard(),
            wire,
            session,
        };
        for domain in ["Page", "Runtime", "Log", "Network"] {
            page.call(&format!("{domain}.enable"), json!({})).await;
        }
        page
    }

    pub(super) async fn call(&self, method: &str, params: Value) -> Value {
        self.wire.call(Some(&self.session), method, params).await
    }

    /// Goes to an address and waits until it is loaded; what was there before is forgotten.
    pub(super) async fn open(&mut self, url: &str) {
        self.from = self.wire.heard();
        // A page that was on its way to another gets in between.
        let mut gone = self.call("Page.navigate", json!({ "url": url })).await;
        while gone["errorText"] == "net::ERR_ABORTED" {
            breathe().await;
            self.from = self.wire.heard();
            gone = self.call("Page.navigate", json!({ "url": url })).await;
        }
        assert!(gone["errorText"].is_null(), "{url}: {}", gone["errorText"]);
        self.loaded(self.from).await;
    }

    /// Waits until a page is loaded that was asked for after so many events.
    pub(super) async fn loaded(&self, from: usize) {
        for _ in 0..6_000 {
            let events = self.wire.events(&self.session, from);
            if events
                .iter()
                .any(|event| event["method"] == "Page.loadEventFired")
            {
                return;
            }
            breathe().await;
        }
        panic!("the page does not load");
    }

    /// How many events there were, for [`loaded`](Self::loaded).
    pub(super) fn heard(&self) -> usize {
        self.wire.heard()
    }

    pub(super) async fn look(&self, width: u32, theme: Theme) {
        let mobile = width < 600;
        let size = json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": mobile });
        self.call("Emulation.setDeviceMetricsOverride", size).await;
        let value = if theme == Theme::Dark { "dark" } else { "light" };
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": value }] });
        self.call("Emulation.setEmulatedMedia", media).await;
    }

    /// What an expression is, once it is decided where it is a promise.
    pub(super) async fn eval(&self, expression: &str) -> Value {
        let params = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let found = self.call("Runtime.evaluate", params).await;
        assert!(
            found["exceptionDetails"].is_null(),
            "{expression}: {}",
            found["exceptionDetails"]
        );
        found["result"]["value"].clone()
    }

    /// Waits until an expression is true, also where another page takes the place of this one meanwhile.
    pub(super) async fn until(&self, expression: &str) {
        let params = json!({ "expression": expression, "returnByValue": true });
        let mut said = Value::Null;
        for _ in 0..6_000 {
            let found = self
                .wire
                .ask(Some(&self.session), "Runtime.evaluate", params.clone())
                .await;
            said = match found {
                Ok(found) if found["result"]["value"] == true => return,
                Ok(found) => found,
                Err(refused) => refused,
            };
            breathe().await;
        }
        let text = self.text().await;
        panic!("it never becomes true: {expression}\n{said}\n{text}");
    }

    pub(super) async fn text(&self) -> String {
        let text = self.eval("document.body.innerText").await;
        text.as_str().unwrap_or_default().to_owned()
    }

    /// Keeps the whole page as it looks under `target/screenshots`.
    pub(super) async fn screenshot(&self, name: &str) {
        let size = self.call("Page.getLayoutMetrics", json!({})).await;
        let size = &size["cssContentSize"];
        let (width, height) = (size["width"].as_f64().unwrap(), size["height"].as_f64().unwrap());
        let clip = json!({ "x": 0, "y": 0, "width": width, "height": height.min(HIGHEST), "scale": 1 });
        let params = json!({ "format": "png", "captureBeyondViewport": true, "clip": clip });
        let shot = self.call("Page.captureScreenshot", params).await;
        keep(&format!("{name}.png"), shot["data"].as_str().unwrap());
    }

    /// What the page asked of anybody but these origins, and what it said to the console of errors.
    pub(super) fn trouble(&self, own: &[&str]) -> Vec<String> {
        let mut trouble = Vec::new();
        for event in self.wire.events(&self.session, self.from) {
            let params = &event["params"];
            match event["method"].as_str().unwrap_or_default() {
                "Network.requestWillBeSent" => {
                    let url = params["request"]["url"].as_str().unwrap_or_default();
                    if !own.iter().any(|own| url.starts_with(own)) && !url.starts_with("data:") {
                        trouble.push(format!("it asks {url}"));
                    }
                }
                "Runtime.exceptionThrown" => {
                    trouble.push(format!("a script fails: {}", params["exceptionDetails"]));
                }
                "Runtime.consoleAPICalled"
                    if ["error", "assert"].iter().any(|kind| params["type"] == *kind) =>
                {
                    trouble.push(format!("the console: {}", params["args"]));
                }
                "Log.entryAdded" if params["entry"]["level"] == "error" => {
                    trouble.push(format!(
                        "the log: {} {}",
                        params["entry"]["text"], params["entry"]["url"]
                    ));
                }
                "Page.javascriptDialogOpening" => trouble.push(format!("a dialog: {}", params["message"])),
                _ => {}
            }
        }
        trouble
    }
}

/// Writes what came as base64 under `target/screenshots`.
pub(super) fn keep(name: &str, base64: &str) {
    use base64::Engine as _;
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/screenshots");
    std::fs::create_dir_all(&folder).unwrap();
    let bytes = base64::engine::general_purpose::STANDARD.decode(base64).unwrap();
    std::fs::write(folder.join(name), bytes).unwrap();
}
