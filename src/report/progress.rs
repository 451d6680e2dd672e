//! What is shown while runs are under way: on a terminal a live table, elsewhere nothing, with `-v` every step.

mod board;
mod screen;
mod steps;

use std::fmt;
use std::io::Write;

use super::GateReport;
use crate::engine::Update;
use crate::model::Moment;
use board::Board;
use screen::Screen;
use steps::Steps;

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

/// How large the terminal is: columns and rows. Asked before every redraw, so that a resize is survived.
pub type Size = Box<dyn Fn() -> (u16, u16) + Send>;

/// Shows what the engine tells, on stderr.
pub struct Progress {
    mode: Mode,
    out: Box<dyn Write + Send>,
    colour: bool,
    board: Board,
    screen: Screen,
    steps: Steps,
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Progress")
            .field("mode", &self.mode)
            .finish_non_exhaustive()
    }
}

impl Progress {
    /// A display in the given mode, on stderr.
    #[must_use]
    pub fn new(mode: Mode) -> Self {
        let colour = anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never;
        // Not through anstream: without colour it would take out the movements of the cursor too.
        Self::on(mode, Box::new(std::io::stderr()), Box::new(screen::size), colour)
    }

    /// A display that writes elsewhere.
    #[must_use]
    pub fn on(mode: Mode, out: Box<dyn Write + Send>, size: Size, colour: bool) -> Self {
        Self {
            mode,
            out,
            colour,
            board: Board::default(),
            screen: Screen::new(size),
            steps: Steps::default(),
        }
    }

    /// Takes in one update; `now` is the engine's time.
    pub fn update(&mut self, update: &Update, now: Moment) {
        match self.mode {
            Mode::Silent => {}
            Mode::Live => self.board.take(update, now),
            Mode::Steps => {
                if let Some(line) = self.steps.line(update, now, self.colour) {
                    self.write(&format!("{line}\n"));
                }
            }
        }
    }

    /// Takes in where a gate stands.
    pub fn gate(&mut self, report: GateReport) {
        match self.mode {
            Mode::Silent => {}
            Mode::Live => self.board.gate(report),
            Mode::Steps => {
                for line in self.steps.gate(report, self.colour) {
                    self.write(&format!("{line}\n"));
                }
            }
        }
    }

    /// Redraws what changes with time alone (the bars to the deadlines). Called about ten times a second in
    /// [`Mode::Live`].
    pub fn refresh(&mut self, now: Moment) {
        if self.mode == Mode::Live {
            let (columns, rows) = self.screen.size();
            let lines = self.board.lines(now, columns, rows, self.colour);
            let frame = self.screen.frame(&lines);
            self.write(&frame);
        }
    }

    /// Draws other lines in the place of the table, in [`Mode::Live`]. They are given columns, rows and whether colour is
    /// wanted.
    pub fn draw(&mut self, lines: impl FnOnce(usize, usize, bool) -> Vec<String>) {
        if self.mode == Mode::Live {
            let (columns, rows) = self.screen.size();
            let lines = lines(columns, rows, self.colour);
            let frame = self.screen.frame(&lines);
            self.write(&frame);
        }
    }

    /// Takes the table away until the next refresh, so that something long can be written to the terminal.
    pub fn clear(&mut self) {
        let frame = self.screen.clear();
        self.write(&frame);
    }

    /// Clears what was drawn. What is told after it is shown no more.
    pub fn finish(&mut self) {
        self.clear();
        self.mode = Mode::Silent;
    }

    /// Where stderr is closed nobody can be told.
    fn write(&mut self, text: &str) {
        if !text.is_empty() {
            drop(
                self.out
                    .write_all(text.as_bytes())
                    .and_then(|()| self.out.flush()),
            );
        }
    }
}

impl Drop for Progress {
    /// A run that breaks off leaves no table behind.
    fn drop(&mut self) {
        self.finish();
    }
}
