//! Comparisons of windows and objectives in sentences.

use super::{precise, probability};
use crate::report::series::{BudgetFigures, ChangeFigures, Judged, ObjectiveFigures, ObjectiveWord};
use crate::report::words::{count, seconds};

/// A series against the other window: first the word with what it rests on, then the rest.
#[must_use]
pub fn said_of_change(found: &ChangeFigures) -> Vec<String> {
    let word = found
        .word
        .as_deref()
        .unwrap_or("no verdict: too much was not observed");
    let shares = format!(
        "on time {} -> {}",
        precise(found.before.on_time.share),
        precise(found.now.on_time.share)
    );
    let points = |d: crate::report::series::DifferenceFigures| {
        format!(
            "{:+.1} points ({:+.1} to {:+.1})",
            d.difference * 100.0,
            d.lower * 100.0,
            d.upper * 100.0
        )
    };
    let mut said = vec![match found.on_time {
        Some(difference) => format!("{word}: {shares}, {}", points(difference)),
        None => format!("{word}: {shares}"),
    }];
    if let Some(difference) = found.silent_failures {
        said.push(format!(
            "silent failures {} -> {}, {}",
            precise(found.before.silent_failures.share),
            precise(found.now.silent_failures.share),
            points(difference)
        ));
    }
    if let Some(shift) = found.latency {
        let limits = match (shift.lower, shift.upper) {
            (Some(lower), Some(upper)) => format!(" ({} to {})", signed(lower), signed(upper)),
            _ => String::from(" (not enough runs for an interval)"),
        };
        let times = match found.arrival_p {
            Some(p) => format!("; times of arrival, losses included: {}", probability(p)),
            None => String::new(),
        };
        said.push(format!("arrivals {}{limits}{times}", shifted(shift.seconds)));
    }
    said.push(changed(found));
    said
}

/// What a comparison of windows cannot know.
fn changed(found: &ChangeFigures) -> String {
    let (before, now) = (&found.before.revision, &found.now.revision);
    let left_out = found.before.left_out + found.now.left_out;
    let rest = match left_out {
        0 => String::new(),
        n => format!("; {} of other definitions left out", count(n, "run")),
    };
    if before.is_some() && now.is_some() && before != now {
        format!(
            "not paired, and the definition changed between the windows: neither can be told from the other{rest}"
        )
    } else {
        format!("not paired: time is confounded with the change{rest}")
    }
}

fn shifted(by: f64) -> String {
    if by < 0.0 {
        format!("{} sooner", seconds(-by))
    } else {
        format!("{} later", seconds(by))
    }
}

fn signed(value: f64) -> String {
    if value < 0.0 {
        format!("-{}", seconds(-value))
    } else {
        format!("+{}", seconds(value))
    }
}

/// A word on an objective.
#[must_use]
pub const fn objective_word(word: ObjectiveWord) -> &'static str {
    match word {
        ObjectiveWord::Met => "met",
        ObjectiveWord::NotEnough => "not enough runs",
        ObjectiveWord::NotMet => "not met",
    }
}

/// The parts of an objective, a sentence each.
pub(in crate::report) fn objectives(found: &ObjectiveFigures) -> Vec<String> {
    let shown = |judged: &Judged, name: &str, text: fn(f64) -> String, none: &str, least: &str| {
        let value = judged.value.map_or_else(|| none.to_owned(), text);
        let limits = match (judged.lower, judged.upper) {
            (Some(lower), Some(upper)) => format!(" ({} - {})", text(lower), text(upper)),
            (Some(lower), None) => format!(" ({} - not bounded by this data)", text(lower)),
            _ => String::new(),
        };
        let needed = match judged.runs_needed {
            Some(runs) if judged.word == ObjectiveWord::NotEnough => {
                format!("; to show it takes {runs} runs at the least, all on time")
            }
            _ => String::new(),
        };
        let word = objective_word(judged.word);
        format!(
            "{name} {value}{limits}, {least} {} asked for: {word}{needed}",
            text(judged.target)
        )
    };
    let share = |value: f64| precise(Some(value));
    let number = |value: f64| format!("{value:.3}");
    let mut said = Vec::new();
    said.extend(
        found
            .on_time
            .as_ref()
            .map(|j| shown(j, "on time", share, "-", "at least")),
    );
    said.extend(
        found
            .p95
            .as_ref()
            .map(|j| shown(j, "p95", seconds, "not reached", "at most")),
    );
    said.extend(
        found
            .consistency
            .as_ref()
            .map(|j| shown(j, "consistency", number, "-", "at least")),
    );
    said.extend(found.budget.as_ref().map(budget));
    said
}

/// How much of a budget is spent.
fn budget(found: &BudgetFigures) -> String {
    format!(
        "{:.0} % of the budget of {:.1} bad runs in {} is spent; the data allow {:.0} - {:.0} %",
        found.spent * 100.0,
        found.allowed,
        length(found.window),
        found.lower * 100.0,
        found.upper * 100.0
    )
}

/// A length of time in its largest whole unit.
fn length(span: f64) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "rounded, not negative, and the conversion saturates"
    )]
    let whole = span.round().max(0.0) as u64;
    let units = [(86_400, "d"), (3_600, "h"), (60, "m")];
    let unit = units
        .iter()
        .find(|(unit, _)| whole >= *unit && whole.is_multiple_of(*unit));
    match unit {
        Some((unit, name)) => format!("{}{name}", whole / unit),
        None => format!("{whole}s"),
    }
}
