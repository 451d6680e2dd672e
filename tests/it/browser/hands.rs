//! What a reader's hands do to a page: keys, a mouse, a finger.

use serde_json::json;

use super::page::Page;

/// A place on the screen, in CSS pixels from its upper left corner.
pub(super) type Spot = (f64, f64);

impl Page {
    /// Presses a key: `Tab`, `Shift+Tab`, `Enter`, `Space`, `Escape`, an arrow such as `ArrowLeft`, `Home`, `End`, or a
    /// letter.
    pub(super) async fn press(&self, key: &str) {
        let (shift, key) = key.strip_prefix("Shift+").map_or((0, key), |key| (8, key));
        let (named, number, text) = match key {
            "Tab" => (key, 9, ""),
            "Enter" => (key, 13, "\r"),
            "Escape" => (key, 27, ""),
            "Space" => (" ", 32, " "),
            "End" => (key, 35, ""),
            "Home" => (key, 36, ""),
            "ArrowLeft" => (key, 37, ""),
            "ArrowUp" => (key, 38, ""),
            "ArrowRight" => (key, 39, ""),
            "ArrowDown" => (key, 40, ""),
            _ => (key, 0, key),
        };
        for kind in ["keyDown", "keyUp"] {
            let mut params = json!({ "type": kind, "key": named, "code": key, "modifiers": shift, "windowsVirtualKeyCode": number });
            if kind == "keyDown" && !text.is_empty() {
                params["text"] = text.into();
            }
            self.call("Input.dispatchKeyEvent", params).await;
        }
    }

    /// Writes into what has the focus.
    pub(super) async fn write(&self, text: &str) {
        self.call("Input.insertText", json!({ "text": text })).await;
    }

    /// Gives the focus to an element, and waits until it has it.
    pub(super) async fn focus(&self, selector: &str) {
        self.eval(&format!("document.querySelector({selector:?}).focus()"))
            .await;
        self.until(&format!(
            "document.activeElement === document.querySelector({selector:?})"
        ))
        .await;
    }

    /// The place of an element that is so far across it and down it, 0 to 1, once it is on the screen.
    pub(super) async fn spot(&self, selector: &str, across: f64, down: f64) -> Spot {
        let found = self
            .eval(&format!(
                "(() => {{
                    const e = document.querySelector({selector:?});
                    e.scrollIntoView({{ block: 'center', behavior: 'instant' }});
                    const box = e.getBoundingClientRect();
                    return [box.left + box.width * {across}, box.top + box.height * {down}];
                }})()"
            ))
            .await;
        let at = |n: usize| found[n].as_f64().unwrap();
        (at(0), at(1))
    }

    /// Moves the mouse, with its left button held or not.
    pub(super) async fn point(&self, to: Spot, held: bool) {
        self.mouse("mouseMoved", to, held).await;
    }

    /// Presses the left button of the mouse and holds it.
    pub(super) async fn hold(&self, at: Spot) {
        self.point(at, false).await;
        self.mouse("mousePressed", at, true).await;
    }

    /// Lets it go.
    pub(super) async fn let_go(&self, at: Spot) {
        self.mouse("mouseReleased", at, false).await;
    }

    /// Presses and lets go.
    pub(super) async fn click(&self, at: Spot) {
        self.hold(at).await;
        self.let_go(at).await;
    }

    /// Lays a finger on the screen, moves it through these places, and leaves it there.
    pub(super) async fn touch(&self, along: &[Spot]) {
        let mut kind = "touchStart";
        for (x, y) in along {
            let params = json!({ "type": kind, "touchPoints": [{ "x": x, "y": y }] });
            self.call("Input.dispatchTouchEvent", params).await;
            kind = "touchMove";
        }
    }

    /// Takes the finger off.
    pub(super) async fn lift(&self) {
        let params = json!({ "type": "touchEnd", "touchPoints": [] });
        self.call("Input.dispatchTouchEvent", params).await;
    }

    async fn mouse(&self, kind: &str, (x, y): Spot, held: bool) {
        let pressed = kind != "mouseMoved" || held;
        let params = json!({
            "type": kind, "x": x, "y": y, "clickCount": u8::from(kind != "mouseMoved"),
            "button": if pressed { "left" } else { "none" }, "buttons": u8::from(held),
        });
        self.call("Input.dispatchMouseEvent", params).await;
    }
}
