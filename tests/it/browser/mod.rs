//! What people look at, in a real browser: Debian's Chromium without a window.

mod chart;
mod checks;
mod chrome;
mod file;
mod hands;
mod hostile;
mod keys;
mod live;
mod many;
mod page;
mod pages;
mod plain;
mod rig;
mod run;
mod stock;

use chrome::Browser;
use page::{Page, Theme};
use rig::Rig;

/// Widths of a phone and of a desk.
const WIDTHS: [u32; 2] = [390, 1280];

/// Looks at a page in every way, keeps what it looks like, and says what is wrong with it. `own` is what it may ask for.
async fn looked_at(page: &mut Page, name: &str, url: &str, own: &[&str]) -> Vec<String> {
    let mut wrong = Vec::new();
    for width in WIDTHS {
        for theme in [Theme::Light, Theme::Dark] {
            page.look(width, theme).await;
            page.open(url).await;
            let shown = if theme == Theme::Dark { "dark" } else { "light" };
            page.screenshot(&format!("{name}-{width}-{shown}")).await;
            let mut found = checks::overflow(page).await;
            // Each width once and each theme once: it looks long at a large page.
            if (width > 600) == (theme == Theme::Dark) {
                found.extend(checks::axe(page).await);
            }
            if width > 600 && theme == Theme::Light {
                found.extend(checks::keyboard(page).await);
            }
            found.extend(page.trouble(own));
            wrong.extend(
                found
                    .into_iter()
                    .map(|found| format!("{name}, {width} px, {shown}: {found}")),
            );
        }
    }
    wrong
}
