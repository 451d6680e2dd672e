//! The sequential gate of `run --until-decided`: where each series stands, as data and in words.

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::Serialize;

use super::Style;
use super::paint::Tone;
use super::table::wrap;
use super::words::{count, name};
use crate::stats::gate::{Gate, GateWord, SequenceEnd, Shown, Standing, percent};

/// What a gate says of each series; only from `run --until-decided`.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct GateReport {
    /// The share of runs delivered at which a series is good, 0 to 1.
    pub good: f64,
    /// The share at which it is bad.
    pub bad: f64,
    /// The chance at most to call a good series bad.
    pub alpha: f64,
    /// The chance at most to call a bad series good.
    pub beta: f64,
    /// Runs of a series that count at the most.
    pub cap: u64,
    /// Each series, in the order of probes, routes and inputs.
    pub series: Vec<GateRow>,
}

/// What a gate says of one probe, route and input.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct GateRow {
    /// The probe's name.
    pub probe: String,
    /// The route's name.
    pub route: String,
    /// The input's name.
    pub input: String,
    /// `good`, `bad` or `not enough runs`.
    pub word: GateWord,
    /// Why no more runs were fired; null where it was ended from outside, or goes on.
    pub end: Option<SequenceEnd>,
    /// Runs that count, in the order in which they were fired, up to the one at which it ended.
    pub counted: u64,
    /// Those of them that were delivered.
    pub delivered: u64,
    /// Runs up to there that were not observed; they do not count.
    pub unobserved: u64,
    /// Ticks up to there that were skipped; they do not count.
    pub skipped: u64,
    /// ln of P(runs | bad) / P(runs | good): bad from ln(1/alpha) on, good down from ln(beta).
    pub log_ratio: f64,
    /// The runs in all that would make it good if none failed any more; null where it has a word.
    pub needs: Option<u64>,
    /// What the runs prove and what they do not.
    pub sentence: String,
}

impl GateReport {
    /// A gate without a series yet.
    #[must_use]
    pub fn new(gate: &Gate, cap: u64) -> Self {
        Self {
            good: gate.good(),
            bad: gate.bad(),
            alpha: gate.alpha(),
            beta: gate.beta(),
            cap,
            series: Vec::new(),
        }
    }

    /// A line for each series, for those who read the runs and not the report.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.series.iter().map(GateRow::so_far).collect()
    }

    /// `2 good, 1 bad, 1 not enough runs`.
    pub(super) fn tally(&self) -> String {
        let words = [GateWord::Good, GateWord::Bad, GateWord::NotEnough];
        let of = |word: GateWord| self.series.iter().filter(|row| row.word == word).count();
        let said = words.iter().map(|word| (of(*word), word.as_str()));
        let said: Vec<String> = said
            .filter(|(n, _)| *n > 0)
            .map(|(n, word)| format!("{n} {word}"))
            .collect();
        said.join(", ")
    }

    /// What was asked for: `good 99 %, bad 80 %, wrong in at most 5 % either way, however often one looks; at most 45
    /// runs each`.
    pub(super) fn terms(&self) -> String {
        let wrong = if self.alpha == self.beta {
            format!("wrong in at most {} either way", percent(self.alpha))
        } else {
            format!(
                "a good one called bad in at most {}, a bad one good in at most {}",
                percent(self.alpha),
                percent(self.beta)
            )
        };
        format!(
            "good {}, bad {}; {wrong}, at whatever run it stops; at most {} each",
            percent(self.good),
            percent(self.bad),
            count(self.cap, "run")
        )
    }
}

impl GateRow {
    /// A series as it stands. `why` says what ended it from outside, if anything did.
    #[must_use]
    pub fn of(gate: &Gate, cap: u64, names: [&str; 3], now: &Standing, why: Option<&str>) -> Self {
        let needs = match now.word {
            GateWord::NotEnough => gate.still_to_pass(now.successes, now.failures),
            _ => None,
        };
        Self {
            probe: names[0].to_owned(),
            route: names[1].to_owned(),
            input: names[2].to_owned(),
            word: now.word,
            end: now.end,
            counted: now.counted(),
            delivered: now.successes,
            unobserved: now.unobserved,
            skipped: now.skipped,
            log_ratio: now.log_ratio,
            needs: needs.map(|more| now.counted() + more),
            sentence: sentence(gate, cap, now, why),
        }
    }

    /// The series' name.
    pub(super) fn name(&self) -> String {
        name(&self.probe, &self.route, &self.input)
    }

    /// `good: order-paid/stripe`, without its sentence.
    pub(super) fn title(&self) -> String {
        format!("{} {}", self.name(), self.word.as_str())
    }

    /// While it goes on: `order-paid/stripe: 7 of 7 delivered, 8 more to be good`; then its word and sentence.
    pub(super) fn so_far(&self) -> String {
        let name = self.name();
        if self.end.is_some() {
            return format!("{name}: {}: {}", self.word.as_str(), self.sentence);
        }
        let more = self.needs.map_or_else(String::new, |needs| {
            format!(", {} more to be good", needs - self.counted)
        });
        if self.counted == 0 {
            let needs = self
                .needs
                .map_or_else(String::new, |needs| format!(", {needs} to be good"));
            return format!("{name}: no run counts yet{needs}");
        }
        let missed = match self.unobserved + self.skipped {
            0 => String::new(),
            n => format!("; {n} did not count"),
        };
        format!(
            "{name}: {} of {} delivered{more}{missed}",
            self.delivered, self.counted
        )
    }

    /// The colour of its word.
    pub(super) fn tone(&self) -> Tone {
        match (self.word, self.end) {
            (GateWord::Good, _) => Tone::Good,
            (GateWord::Bad, _) => Tone::Bad,
            (GateWord::NotEnough, Some(SequenceEnd::Missed)) => Tone::Blind,
            (GateWord::NotEnough, _) => Tone::Warn,
        }
    }
}

/// What was asked for, and each series with its word and sentence, for a terminal.
pub(super) fn text(report: &GateReport, width: usize, style: Style) -> String {
    let mut out = String::new();
    let head = format!("gate: {}", report.terms());
    for line in wrap(&head, width) {
        let _infallible = writeln!(out, "{}", Tone::Faint.paint(&line, style.colour));
    }
    for row in &report.series {
        let word = row.tone().paint(row.word.as_str(), style.colour);
        let _infallible = writeln!(out, "{word}: {}", Tone::Head.paint(&row.name(), style.colour));
        for line in wrap(&row.sentence, width.saturating_sub(2)) {
            let _infallible = writeln!(out, "  {line}");
        }
    }
    out.push('\n');
    out
}

fn sentence(gate: &Gate, cap: u64, now: &Standing, why: Option<&str>) -> String {
    let ended = match now.end {
        Some(SequenceEnd::Decided) => missed(now),
        Some(SequenceEnd::Cap) => format!("{}; ended by the cap of {}", missed(now), count(cap, "run")),
        Some(SequenceEnd::Missed) => format!(
            "; {} were unobserved and {} skipped: ended, for that is more than a quarter of the cap of {}",
            now.unobserved,
            now.skipped,
            count(cap, "run")
        ),
        None => missed(now) + &why.map_or_else(String::new, |why| format!("; {why}")),
    };
    let said = match now.word {
        GateWord::Bad => format!(
            "{} of {} delivered: rules out {}, does not say how far below it is",
            now.successes,
            now.counted(),
            percent(gate.good())
        ),
        GateWord::Good | GateWord::NotEnough => {
            match Shown::at_any_look(gate, now.successes, now.counted()) {
                Ok(shown) => shown.sentence("delivered"),
                Err(_) => String::from("no run was observed to its end: they show nothing"),
            }
        }
    };
    format!("{said}{ended}")
}

fn missed(now: &Standing) -> String {
    let parts = [(now.unobserved, "unobserved"), (now.skipped, "skipped")];
    let parts: Vec<String> = parts
        .iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, what)| format!("{n} {what}"))
        .collect();
    if parts.is_empty() {
        String::new()
    } else {
        format!("; {} not counted", parts.join(" and "))
    }
}
