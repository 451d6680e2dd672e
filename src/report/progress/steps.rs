//! A line for every step of every run.

use std::collections::{HashMap, HashSet};

use super::super::figures::reason;
use super::super::paint::Tone;
use super::super::words::{bad, clip, name, piece, reading, run_name, seconds, skip_name};
use super::super::{GateReport, GateRow};
use crate::engine::{Step, StepUpdate, Update};
use crate::model::{Accepted, Moment, RunId};

/// Runs that are told apart while they are open.
#[derive(Default)]
pub(super) struct Steps {
    open: HashMap<RunId, Known>,
    /// How many runs each leg had.
    legs: HashMap<String, u64>,
    /// Series of a gate whose end was told.
    gated: HashSet<String>,
}

#[derive(Clone, Debug)]
struct Known {
    name: String,
    label: String,
    sent: Option<Moment>,
}

impl Steps {
    /// The line of one update: `+0.012 s order-paid/stripe: accepted (status 202)`.
    pub(super) fn line(&mut self, update: &Update, now: Moment, colour: bool) -> Option<String> {
        match update {
            Update::Step(step) => {
                let what = Self::what(step)?;
                let known = self.known(step);
                Some(line(known.sent, step.at, &known.label, &what))
            }
            Update::Closed { record, not_stored } => {
                let known = self.open.remove(&record.id);
                let label = known
                    .as_ref()
                    .map_or_else(|| run_name(record), |k| k.label.clone());
                let class = Tone::of(record.class).paint(record.class.word(), colour);
                let mut what = if bad(record) {
                    let why = if record.reason.is_empty() {
                        String::new()
                    } else {
                        format!(" ({})", piece(&record.reason))
                    };
                    format!("{class}{why}: {}", reading(record))
                } else {
                    class
                };
                if let Some(why) = not_stored {
                    what.push_str(&format!("; not on record: {}", piece(why)));
                }
                Some(line(known.and_then(|k| k.sent), now, &label, &what))
            }
            Update::Amended(record) => {
                let was = record.amendments.last().map_or("?", |a| a.from.word());
                let what = format!("amended: {was} became {}", record.class.word());
                Some(line(None, now, &run_name(record), &what))
            }
            Update::Skipped(skip) => {
                self.forget(&skip_name(skip));
                let detail = if skip.detail.is_empty() {
                    String::new()
                } else {
                    format!(": {}", piece(&skip.detail))
                };
                let what = format!("skipped, {}{detail}", reason(skip.reason));
                Some(line(None, now, &skip_name(skip), &what))
            }
            Update::SkippedSpan { .. } => None,
            Update::ChannelDown { channel, fault } => {
                let label = format!("channel `{}`", clip(channel, 80));
                Some(line(None, now, &label, &format!("cannot see: {}", piece(fault))))
            }
            Update::ChannelUp { channel, closed } => {
                let label = format!("channel `{}`", clip(channel, 80));
                let gap = if *closed {
                    "sees again; nothing was missed"
                } else {
                    "sees again; what came meanwhile was not seen"
                };
                Some(line(None, now, &label, gap))
            }
        }
    }

    /// A line for each series of a gate that has ended since the last time.
    pub(super) fn gate(&mut self, report: GateReport, colour: bool) -> Vec<String> {
        let ended = report.series.into_iter().filter(|row| row.end.is_some());
        let fresh: Vec<_> = ended.filter(|row| self.gated.insert(row.name())).collect();
        let line = |row: &GateRow| format!("{:>10} {}", "", row.tone().paint(&row.so_far(), colour));
        fresh.iter().map(line).collect()
    }

    /// A skip bears no run's id: of the runs of its leg that have not left, it is the oldest.
    fn forget(&mut self, name: &str) {
        let waiting = self
            .open
            .iter()
            .filter(|(_, k)| k.sent.is_none() && k.name == name);
        if let Some(run) = waiting.map(|(run, _)| *run).min() {
            self.open.remove(&run);
        }
    }

    fn known(&mut self, step: &StepUpdate) -> Known {
        let sent = matches!(step.step, Step::Sent { .. }).then_some(step.at);
        if !self.open.contains_key(&step.run) {
            let name = name(&step.probe, &step.route, &step.input);
            let n = self.legs.entry(name.clone()).or_default();
            *n += 1;
            let label = if *n > 1 {
                format!("{name} #{n}")
            } else {
                name.clone()
            };
            let known = Known {
                name,
                label,
                sent: None,
            };
            self.open.insert(step.run, known);
        }
        let known = self.open.get_mut(&step.run);
        known.map_or_else(
            || Known {
                name: String::new(),
                label: String::new(),
                sent,
            },
            |known| {
                known.sent = known.sent.or(sent);
                known.clone()
            },
        )
    }

    fn what(step: &StepUpdate) -> Option<String> {
        let list = |names: &[String]| {
            let names: Vec<String> = names.iter().map(|n| format!("`{}`", clip(n, 80))).collect();
            names.join(", ")
        };
        Some(match &step.step {
            Step::Arming { channels } => format!("arming {}", list(channels)),
            Step::Claiming => String::from("armed; putting it on record"),
            Step::Firing => String::from("firing"),
            Step::Sent { lag, deadline } => format!(
                "fired, {} after it was due; waits {} at most",
                seconds(*lag),
                seconds(deadline.seconds_since(step.at))
            ),
            Step::Answered { accepted, detail } => {
                let word = match accepted {
                    Accepted::Yes => "accepted",
                    Accepted::No => "refused",
                    Accepted::Unknown => "no whole answer",
                };
                if detail.is_empty() {
                    word.to_owned()
                } else {
                    format!("{word} ({})", piece(detail))
                }
            }
            Step::Seen {
                channel,
                summary,
                seconds: at,
            } => format!(
                "seen in `{}` at {}: {}",
                clip(channel, 80),
                seconds(*at),
                piece(summary)
            ),
            Step::Met { names } if names.is_empty() => return None,
            Step::Met { names } => format!("met {}", list(names)),
        })
    }
}

/// Seconds since the run was fired, or a blank before that.
fn line(sent: Option<Moment>, at: Moment, label: &str, what: &str) -> String {
    let when = sent.map_or_else(String::new, |sent| {
        format!("+{:.3} s", at.seconds_since(sent).max(0.0))
    });
    format!("{when:>10} {label}: {what}")
}
