//! What is shown while runs are under way: on a terminal a live table, elsewhere nothing, with `-v` every step.

use crate::engine::Update;
use crate::model::Moment;

/// How much is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Nothing.
    Silent,
    /// A table that is redrawn, on a terminal.
    Live,
    /// A line for every step of every run.
    Steps,
}

/// Shows what the engine tells, on stderr.
#[derive(Debug)]
pub struct Progress {
    mode: Mode,
}

impl Progress {
    /// A display in the given mode.
    #[must_use]
    pub const fn new(mode: Mode) -> Self {
        Self { mode }
    }

    /// Takes in one update; `now` is the engine's time.
    pub fn update(&mut self, _update: &Update, _now: Moment) {}

    /// Redraws what changes with time alone (the bars to the deadlines). Called about ten times a second in
    /// [`Mode::Live`].
    pub fn refresh(&mut self, _now: Moment) {}

    /// Clears what was drawn.
    pub fn finish(&mut self) {
        self.mode = Mode::Silent;
    }
}
