//! Results as one file for a browser: it holds all it shows, asks nothing of any host, opens from a disk, and prints.
//!
//! The views are those of the daemon's pages. Style and script stand in the file itself, each allowed by its digest alone
//! (Content Security Policy Level 3, section 2.3.1, *hash-source*), so nothing that a record brings along can act or load.

mod agreement;
mod among;
mod choice;
mod contents;
mod detail;
mod figures;
mod probe;
mod runs;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use base64::Engine as _;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest as _, Sha256};

use super::{Links, Look, STYLE, View};
use crate::model::RunRecord;
use crate::redact::Redactor;
use crate::report::Results;
use crate::report::compare::{Explained, sentences};
use crate::report::figures::sentence;
use crate::report::series::{self, History};

pub use detail::{Case, Detail, Looked};
pub use probe::DRAWN;

/// What becomes of the pages' style in a file, and on paper.
const FILE_STYLE: &str = include_str!("style/document.css");

/// One file.
struct Document {
    title: String,
    /// When its data are of.
    now: String,
    version: String,
    /// Places in it: the word, and where it leads.
    places: Vec<(String, String)>,
    /// Rules that only this file needs.
    style: String,
    content: Markup,
}

/// What `run` and `demo` came to.
pub(in crate::report) fn results(results: &Results) -> String {
    let now = results
        .runs
        .iter()
        .map(|run| run.tick.as_str())
        .max()
        .unwrap_or(&results.started);
    let view = view(now);
    let (content, places, style) = contents::of(&view, results);
    Document {
        title: format!("landfall: {}", sentence(results)),
        now: view.now.clone(),
        version: results.version.clone(),
        places,
        style,
        content,
    }
    .render(&view)
}

/// What a comparison came to, with the runs that were compared, as far as they are at hand; `more` are not.
pub(in crate::report) fn comparison(told: &Explained, runs: &[Arc<RunRecord>], more: u64) -> String {
    let of = &told.comparison;
    let view = view(of.until.as_deref().unwrap_or_default());
    let seen = contents::Told::of(&view, runs, &[]);
    let mut places = Vec::new();
    if !runs.is_empty() {
        places.push(contents::placed("Verdict", "#verdict"));
        places.extend(seen.probe.clone());
        places.extend(seen.places());
    }
    Document {
        title: format!("landfall compare: {}", sentences::conclusion(of)),
        now: view.now.clone(),
        version: of.version.clone(),
        places,
        content: html! {
            h1 { "Comparison" }
            section #verdict {
                h2 { "Verdict" }
                (super::comparison::explained(&view, told))
            }
            @if more > 0 { p.notice.warn { "What follows is of the first " (runs.len()) " runs: " (more) " more were compared." } }
            (seen.probes)
            (seen.runs)
        },
        style: seen.rules,
    }
    .render(&view)
}

/// The figures of stored history, and what is known of probes besides.
pub(in crate::report) fn history(history: &History, details: &BTreeMap<String, Detail>) -> String {
    let view = view(&history.made);
    Document {
        title: format!("landfall report: {}", series::sentence(history)),
        now: view.now.clone(),
        version: history.version.clone(),
        places: figures::places(history),
        style: String::new(),
        content: figures::of(&view, history, details),
    }
    .render(&view)
}

/// Records have lost their secrets before they became records.
fn view(now: &str) -> View {
    View {
        look: Look::new(Arc::new(Redactor::default())),
        links: Links::File,
        now: now.to_owned(),
    }
}

impl Document {
    fn render(&self, view: &View) -> String {
        let style = format!("{STYLE}{FILE_STYLE}{}", self.style);
        let script = script();
        let title = view.look.text(&self.title);
        let markup = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta http-equiv="Content-Security-Policy" content=(policy(&style, &script));
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    meta name="referrer" content="no-referrer";
                    meta name="generator" content={ "landfall " (self.version) };
                    title { (title) }
                    link rel="icon" href="data:,";
                    style { (PreEscaped(&style)) }
                }
                body.file {
                    a.skip href="#main" { "To the content" }
                    header {
                        span.brand { "landfall" }
                        @if !self.places.is_empty() {
                            nav aria-label="In this file" { @for (word, to) in &self.places { a href=(to) { (view.look.text(word)) } } }
                        }
                    }
                    main id="main" { (self.content) }
                    footer.faint {
                        "landfall " (view.look.text(&self.version))
                        @if !self.now.is_empty() { " · as of " (view.look.text(&super::words::instant(&self.now))) }
                        " · times in UTC · this file asks nothing of any host"
                    }
                    @if !script.is_empty() { script { (PreEscaped(&script)) } }
                }
            }
        };
        markup.into_string()
    }
}

/// What runs in the file: reading off and zoom. What follows a daemon stays away.
fn script() -> String {
    super::FILE_SCRIPT.to_owned()
}

/// Nothing but this style and this script, and images that stand in the file.
fn policy(style: &str, script: &str) -> String {
    let mut policy = format!("default-src 'none'; img-src data:; style-src '{}'", digest(style));
    if !script.is_empty() {
        let _infallible = write!(policy, "; script-src '{}'", digest(script));
    }
    policy + "; base-uri 'none'; form-action 'none'"
}

fn digest(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    format!(
        "sha256-{}",
        base64::engine::general_purpose::STANDARD.encode(digest)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_that_of_the_specification() {
        // CSP Level 3, section 8.3: the example's `alert('Hello, world.');`.
        assert_eq!(
            digest("alert('Hello, world.');"),
            "sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng="
        );
    }

    #[test]
    fn neither_style_nor_script_ends_its_element() {
        for text in [STYLE, FILE_STYLE, super::super::FILE_SCRIPT] {
            let low = text.to_lowercase();
            assert!(
                !low.contains("</style")
                    && !low.contains("</script")
                    && !low.contains("<!--")
                    && !text.contains('\r')
            );
        }
    }
}
