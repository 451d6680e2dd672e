//! `run --until-decided`: which series still want a run, and what the runs add up to.
//!
//! Routes are stopped apart: a series that is decided is not fired again, while the others go on at the same ticks. A
//! tick is never split by a limit: where the runs that it wants do not fit beside those in flight, it waits as a whole.

use std::collections::{BTreeMap, HashMap};

use super::Exit;
use crate::definition::Probe;
use crate::model::{Class, Leg, Moment, Percent, RunId, RunRecord, SkipReason, SkipRecord};
use crate::report::{GateReport, GateRow};
use crate::stats::gate::{Fate, Gate, GateWord, Sequence, SequenceEnd};

/// How to decide.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Fire until each route and input is decided: good, bad, or not enough runs
    #[arg(long, conflicts_with_all = ["count", "for_"])]
    pub(crate) until_decided: bool,
    /// A route that delivers so often is good
    #[arg(long, value_name = "SHARE", value_parser = level, default_value = "99%", requires = "until_decided")]
    pub(crate) good: Percent,
    /// A route that delivers no more often than this is bad
    #[arg(long, value_name = "SHARE", value_parser = level, default_value = "80%", requires = "until_decided")]
    pub(crate) bad: Percent,
    /// Call a good route bad no more often than this
    #[arg(long, value_name = "SHARE", value_parser = level, default_value = "5%", requires = "until_decided")]
    pub(crate) alpha: Percent,
    /// Call a bad route good no more often than this
    #[arg(long, value_name = "SHARE", value_parser = level, default_value = "5%", requires = "until_decided")]
    pub(crate) beta: Percent,
    /// Give up where so many runs of a route have not decided it
    #[arg(long, value_name = "N", default_value_t = Gate::CAP, requires = "until_decided", allow_negative_numbers = true, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    pub(crate) cap: u64,
}

/// Probe, route, input.
type Key = (String, String, String);

/// A gate over every series that is fired.
#[derive(Debug)]
pub(crate) struct Gates {
    gate: Gate,
    cap: u64,
    series: BTreeMap<Key, Series>,
    /// The series and the number of each run that has ended, for those that are amended.
    ended: HashMap<RunId, (Key, usize)>,
    /// What ended everything from outside.
    stopped: Option<&'static str>,
    /// A leg that was skipped by a fault of landfall's own.
    own_fault: bool,
}

#[derive(Debug)]
struct Series {
    sequence: Sequence,
    /// Runs that are open, by their tick.
    open: BTreeMap<String, Vec<usize>>,
}

impl Gates {
    /// The gate that was asked for, over these legs.
    ///
    /// # Errors
    /// Levels in the wrong order or so near each other that no number of runs tells them apart, a cap at which nothing
    /// could be called good.
    pub(crate) fn of<'a>(args: &Args, legs: impl Iterator<Item = &'a Leg>) -> Result<Self, String> {
        let written = |share: Percent| crate::stats::gate::percent(share.0).replace(' ', "");
        let (good, bad) = (written(args.good), written(args.bad));
        if args.bad >= args.good {
            return Err(format!("`--bad {bad}` must be below `--good {good}`"));
        }
        let gate = Gate::new(args.good.0, args.bad.0, args.alpha.0, args.beta.0)
            .map_err(|error| format!("no gate can be made of these levels: {error}"))?;
        let needed = gate.runs_to_pass(0).map_err(|error| {
            format!("`--bad {bad}` is too near `--good {good}` for any number of runs: {error}")
        })?;
        if needed > args.cap {
            return Err(format!(
                "with `--cap {}` no route could be called good: between `--good {good}` and `--bad {bad}` that takes \
                 {needed} runs, all of them delivered; raise `--cap` or lower `--bad`",
                args.cap
            ));
        }
        let series = |leg: &Leg| {
            let sequence = Sequence::new(gate, args.cap);
            let open = BTreeMap::new();
            (key(&leg.probe, &leg.route, &leg.input), Series { sequence, open })
        };
        Ok(Self {
            gate,
            cap: args.cap,
            series: legs.map(series).collect(),
            ended: HashMap::new(),
            stopped: None,
            own_fault: false,
        })
    }

    /// The series of a probe that want a run now; none where they would not fit into what may be in flight.
    pub(super) fn wanted(&self, probe: &Probe) -> Vec<Key> {
        let own = || self.series.iter().filter(|(key, _)| key.0 == *probe.name);
        let wanted: Vec<Key> = own()
            .filter(|(_, series)| series.sequence.wants_a_run())
            .map(|(key, _)| key.clone())
            .collect();
        let open: usize = own().map(|(_, series)| series.sequence.open()).sum();
        let most = probe.limits.in_flight.unwrap_or(u64::MAX);
        // Alone it is fired, and skipped by the limit for all to see, where it can never fit.
        if open > 0 && (open + wanted.len()) as u64 > most {
            return Vec::new();
        }
        wanted
    }

    /// Whether a leg is among these series.
    pub(super) fn among(wanted: &[Key], leg: &Leg) -> bool {
        wanted
            .iter()
            .any(|key| key.0 == *leg.probe && key.1 == *leg.route && key.2 == *leg.input)
    }

    /// Notes that a run of each was handed in.
    pub(super) fn fired(&mut self, keys: &[Key], due: Moment) {
        for key in keys {
            if let Some(series) = self.series.get_mut(key) {
                let number = series.sequence.fired();
                series.open.entry(due.to_rfc3339()).or_default().push(number);
            }
        }
    }

    /// Takes in how a run ended, or how it is amended; true where its series is bad.
    pub(super) fn closed(&mut self, record: &RunRecord) -> bool {
        let fate = match record.class {
            Class::Delivered => Fate::Success,
            Class::Unobserved if self.stopped.is_some() => Fate::Cut,
            Class::Unobserved => Fate::Unobserved,
            _ => Fate::Failure,
        };
        let known = self.ended.get(&record.id).cloned();
        let known = known.or_else(|| {
            let key = key(&record.probe, &record.route, &record.input);
            let number = self.series.get_mut(&key)?.taken(&record.tick)?;
            self.ended.insert(record.id, (key.clone(), number));
            Some((key, number))
        });
        let Some((key, number)) = known else {
            return false;
        };
        self.series.get_mut(&key).is_some_and(|series| {
            series.sequence.ended(number, fate);
            series.sequence.standing().word == GateWord::Bad
        })
    }

    /// Takes in that a leg of a tick was not fired.
    pub(super) fn skipped(&mut self, skip: &SkipRecord) {
        let fate = if self.stopped.is_some() {
            Fate::Cut
        } else {
            self.own_fault |= skip.reason != SkipReason::Limit;
            Fate::Skipped
        };
        let series = self.series.get_mut(&key(&skip.probe, &skip.route, &skip.input));
        if let Some(series) = series
            && let Some(number) = series.taken(&skip.tick)
        {
            series.sequence.ended(number, fate);
        }
    }

    /// Notes that everything was ended from outside: what is open now was not watched to its end.
    pub(super) fn stop(&mut self, why: &'static str) {
        self.stopped.get_or_insert(why);
    }

    /// Whether no series wants another run, now or later.
    pub(super) fn over(&self) -> bool {
        let ended = |series: &Series| series.sequence.standing().end.is_some();
        self.stopped.is_some() || self.series.values().all(ended)
    }

    /// Where each series stands.
    pub(crate) fn report(&self) -> GateReport {
        let mut report = GateReport::new(&self.gate, self.cap);
        report.series = self
            .series
            .iter()
            .map(|(key, series)| self.row(key, series))
            .collect();
        report
    }

    fn row(&self, key: &Key, series: &Series) -> GateRow {
        let now = series.sequence.standing();
        GateRow::of(&self.gate, self.cap, [&key.0, &key.1, &key.2], &now, self.stopped)
    }

    /// The exit code: bad is 1, good alone is 0; without a word it is 4 where landfall itself is why, else 3.
    pub(super) fn exit(&self) -> Exit {
        let standings: Vec<_> = self.series.values().map(|s| s.sequence.standing()).collect();
        let own = |now: &crate::stats::gate::Standing| {
            now.end == Some(SequenceEnd::Missed) && (now.unobserved > 0 || self.own_fault)
        };
        if standings.iter().any(|now| now.word == GateWord::Bad) {
            Exit::Failed
        } else if standings.iter().any(own) {
            Exit::Blind
        } else if standings.iter().any(|now| now.word == GateWord::NotEnough) {
            Exit::Undecided
        } else {
            Exit::Fine
        }
    }
}

impl Series {
    /// The number of a run that was open at a tick, no longer.
    fn taken(&mut self, tick: &str) -> Option<usize> {
        let open = self.open.get_mut(tick)?;
        let number = open.pop();
        if open.is_empty() {
            self.open.remove(tick);
        }
        number
    }
}

fn key(probe: &str, route: &str, input: &str) -> Key {
    (probe.to_owned(), route.to_owned(), input.to_owned())
}

/// A share strictly between nothing and all.
pub(crate) fn level(text: &str) -> Result<Percent, String> {
    let share = Percent::parse(text)?;
    if share.0 > 0.0 && share.0 < 1.0 {
        return Ok(share);
    }
    Err(format!("`{text}` must be above 0% and below 100%"))
}
