//! For people: the worst first, a block a route, plain sentences.

use std::fmt::Write as _;

use super::route;
use crate::report::Style;
use crate::report::paint::Tone;
use crate::report::series::{History, ProbeFigures, Source, sections, sentence};
use crate::report::table::wrap;
use crate::report::words::{clip, count, piece, visible};

/// Columns of a name before what is said under it.
const LABEL: usize = 13;
/// Marks that are listed; the rest is counted.
const MARKS: usize = 10;
/// Pairs of routes and changes that are told; the rest is counted.
const TOLD: usize = 30;

/// Lines under a heading.
pub(super) struct Page {
    pub(super) out: String,
    pub(super) style: Style,
}

pub(super) fn render(history: &History, style: Style) -> String {
    let mut page = Page {
        out: String::new(),
        style,
    };
    page.line(&head(history));
    for note in &history.notes {
        page.field("note", note, Tone::Warn);
    }
    for mark in history.marks.iter().take(MARKS) {
        let until = mark
            .until
            .map(|until| format!(" until {until}"))
            .unwrap_or_default();
        let said = format!("{}{until} {}: {}", mark.at, mark.kind.word(), piece(&mark.text));
        page.field("mark", &said, Tone::Plain);
    }
    if history.marks.len() > MARKS {
        let more = (history.marks.len() - MARKS) as u64;
        page.field("", &format!("… and {}", count(more, "more mark")), Tone::Plain);
    }
    for probe in &history.probes {
        page.out.push('\n');
        one(&mut page, history, probe);
    }
    page.out.push('\n');
    page.line(&sentence(history));
    page.out
}

fn head(history: &History) -> String {
    let since = history.window.since.as_deref().unwrap_or("the beginning");
    let source = match history.source {
        Source::Runs => "",
        Source::Rollups => ", from hourly roll-ups",
    };
    let against = match &history.against {
        None => String::new(),
        Some(window) => {
            let since = window.since.as_deref().unwrap_or("the beginning");
            format!(", against {since} to {}", window.until)
        }
    };
    format!("{since} to {}{source}{against}", history.window.until)
}

fn one(page: &mut Page, history: &History, probe: &ProbeFigures) {
    let name = sections(probe);
    for note in &probe.notes {
        page.field(&clip(&probe.probe, 80), note, Tone::Warn);
    }
    for (at, series) in probe.series.iter().enumerate() {
        if at > 0 {
            page.out.push('\n');
        }
        let skips = probe
            .skips
            .iter()
            .find(|skips| (&skips.route, &skips.input) == (&series.route, &series.input));
        let title = format!("{}/{}", clip(&probe.probe, 80), name(series));
        route::block(page, &title, series, skips, history.source);
        let same = |route: &str, input: &str, location: &str| {
            (route, input, location) == (&series.route, &series.input, &series.location)
        };
        let current = probe.definitions.last().map(|d| &d.revision);
        if series.revision.as_ref() != current && series.revision.is_some() {
            continue;
        }
        for objective in probe
            .objectives
            .iter()
            .filter(|o| same(&o.route, &o.input, &o.location))
        {
            route::objective(page, objective);
        }
        for change in probe
            .changes
            .iter()
            .filter(|c| same(&c.route, &c.input, &c.location))
        {
            route::change(page, change);
        }
    }
    for skips in &probe.skips {
        let fired = probe
            .series
            .iter()
            .any(|series| (&series.route, &series.input) == (&skips.route, &skips.input));
        if !fired {
            let title = format!("{}/{}", clip(&probe.probe, 80), clip(&skips.route, 60));
            page.title(&title, "no run ended", Tone::Blind);
            page.field("skipped", &route::skipped(skips), Tone::Plain);
        }
    }
    if let Some(separates) = &probe.separates {
        page.out.push('\n');
        page.heading(&format!(
            "{}: what separates bad runs from good",
            clip(&probe.probe, 80)
        ));
        page.field("", &separates.words(), Tone::Plain);
    }
    for routes in &probe.routes {
        page.out.push('\n');
        let mut title = format!("{}: routes beside each other", clip(&probe.probe, 80));
        if probe.routes.len() > 1 {
            let of = [&routes.input, &routes.location, &routes.revision];
            let of: Vec<String> = of.iter().filter(|s| !s.is_empty()).map(|s| clip(s, 40)).collect();
            title.push_str(&format!(" ({})", of.join(", ")));
        }
        page.heading(&title);
        let said = crate::report::series::said_of_routes(routes);
        for sentence in said.iter().take(TOLD) {
            page.field("", sentence, Tone::Plain);
        }
        if said.len() > TOLD {
            let more = (said.len() - TOLD) as u64;
            page.field(
                "",
                &format!("… and {}: `--format json` has all", count(more, "more pair")),
                Tone::Plain,
            );
        }
    }
}

impl Page {
    /// Columns that a line may take.
    pub(super) fn width(&self) -> usize {
        match self.style.width {
            0 => 80,
            width => usize::from(width),
        }
    }

    /// Text across the page.
    pub(super) fn line(&mut self, text: &str) {
        for line in wrap(text, self.width()) {
            let _infallible = writeln!(self.out, "{line}");
        }
    }

    /// A name alone.
    pub(super) fn heading(&mut self, text: &str) {
        for line in wrap(text, self.width()) {
            let _infallible = writeln!(self.out, "{}", Tone::Head.paint(&line, self.style.colour));
        }
    }

    /// A name with what it comes to.
    pub(super) fn title(&mut self, name: &str, word: &str, tone: Tone) {
        self.heading(name);
        self.field("", word, tone);
    }

    /// What is said under a label, broken to the page.
    pub(super) fn field(&mut self, label: &str, text: &str, tone: Tone) {
        let indent = 2 + LABEL;
        let mut label = visible(label).into_owned();
        if label.chars().count() >= LABEL {
            self.heading(&label);
            label.clear();
        }
        for line in wrap(text, self.width().saturating_sub(indent).max(20)) {
            let line = tone.paint(&line, self.style.colour);
            let _infallible = writeln!(self.out, "  {label:<LABEL$}{line}");
            label.clear();
        }
    }
}
