//! The report over history, in every format.

mod github;
mod junit;
mod markdown;
mod route;
mod text;

use std::collections::BTreeMap;

use serde::Serialize;

use super::html::Detail;
use super::series::{History, SeriesFigures};
use super::{Format, Style, json};

impl Format {
    /// The whole of a report over history in this format.
    #[must_use]
    pub fn render_history(self, history: &History, style: Style) -> String {
        match self {
            Self::Text => text::render(history, style),
            Self::Json => whole(history),
            Self::Ndjson => lines(history),
            Self::Junit => junit::render(history),
            Self::Github => github::render(history),
            Self::Markdown => markdown::render(history),
            Self::Html => in_html(history, &BTreeMap::new()),
        }
    }
}

/// The same as one file for a browser, with the views of the probes of which more than figures is known.
#[must_use]
pub fn in_html(history: &History, details: &BTreeMap<String, Detail>) -> String {
    super::html::document::history(history, details)
}

/// A series with the name of its probe, a line each.
#[derive(Serialize)]
struct Line<'a> {
    probe: &'a str,
    #[serde(flatten)]
    series: &'a SeriesFigures,
}

fn whole(history: &History) -> String {
    // Maps with string keys and numbers that are finite always serialise.
    json::inert(serde_json::to_string_pretty(history).unwrap_or_default()) + "\n"
}

fn lines(history: &History) -> String {
    let all = history.probes.iter().flat_map(|probe| {
        let line = |series| Line {
            probe: &probe.probe,
            series,
        };
        probe.series.iter().map(line)
    });
    all.map(|line| json::inert(serde_json::to_string(&line).unwrap_or_default()) + "\n")
        .collect()
}
