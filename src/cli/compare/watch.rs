//! How a running comparison is shown: a live table on a terminal, steps with `-v`, elsewhere a line now and then.

use std::collections::BTreeSet;
use std::time::Duration;

use super::super::fire::Collector;
use super::super::{args, output};
use crate::compare::{Compared, Experiment, Role};
use crate::engine::Update;
use crate::model::Moment;
use crate::report::compare::{Standing, line, lines};
use crate::report::progress::{Mode, Progress};

/// Between two plain lines.
const LINES: Duration = Duration::from_secs(10);
/// Between two readings of the verdicts: they cost more than a redraw.
const VERDICTS: Duration = Duration::from_millis(500);

/// What is shown.
pub(super) struct Watch {
    progress: Progress,
    mode: Mode,
    probe: String,
    baseline: String,
    cap: u64,
    compared: Vec<Compared>,
    /// When and at how many ticks the verdicts were read.
    read: Option<(Moment, u64)>,
    lined: Moment,
    last: String,
    down: BTreeSet<String>,
}

impl Watch {
    pub(super) fn new(output: &args::Output, names: (&str, &str), cap: u64, now: Moment) -> Self {
        let mode = Collector::mode(output);
        Self {
            progress: Progress::new(mode),
            mode,
            probe: names.0.to_owned(),
            baseline: names.1.to_owned(),
            cap,
            compared: Vec::new(),
            read: None,
            lined: now,
            last: String::new(),
            down: BTreeSet::new(),
        }
    }

    /// One update of the engine.
    pub(super) fn update(&mut self, update: &Update, now: Moment) {
        match update {
            Update::ChannelDown { channel, .. } => {
                self.down.insert(channel.clone());
            }
            Update::ChannelUp { channel, .. } => {
                self.down.remove(channel);
            }
            _ => {}
        }
        if self.mode == Mode::Steps {
            self.progress.update(update, now);
        }
    }

    /// Something to be said on a line of its own.
    pub(super) fn say(&mut self, text: &str) {
        self.progress.clear();
        output::line(text);
    }

    /// Shows how it stands, about ten times a second.
    pub(super) fn refresh(&mut self, experiment: &Experiment, fired: u64, now: Moment) {
        let due = match self.mode {
            Mode::Live => true,
            Mode::Silent => now.since(self.lined) >= LINES,
            Mode::Steps => false,
        };
        if !due {
            return;
        }
        self.read_verdicts(experiment, now);
        let down: Vec<String> = self.down.iter().cloned().collect();
        let standing = Standing {
            probe: &self.probe,
            baseline: &self.baseline,
            fired,
            cap: self.cap,
            counted: experiment.counted(),
            dropped: experiment.dropped(),
            in_flight: experiment.in_flight(),
            down: &down,
            compared: &self.compared,
        };
        if self.mode == Mode::Live {
            self.progress
                .draw(|width, height, colour| lines(&standing, width, height, colour));
            return;
        }
        self.lined = now;
        let said = line(&standing);
        if said != self.last {
            output::line(&said);
            self.last = said;
        }
    }

    fn read_verdicts(&mut self, experiment: &Experiment, now: Moment) {
        let counted = experiment.counted() + experiment.dropped();
        let fresh = self
            .read
            .is_some_and(|(at, of)| of == counted || now.since(at) < VERDICTS);
        if !fresh && let Ok(mut standings) = experiment.standings() {
            standings.retain(|compared| compared.role != Role::Advisory);
            self.compared = standings;
            self.read = Some((now, counted));
        }
    }

    /// Takes the table away for good.
    pub(super) fn finish(&mut self) {
        self.progress.finish();
    }
}
