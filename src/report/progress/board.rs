//! The live table: a row for each probe and route, and the channels that cannot see.

use std::collections::BTreeMap;

use super::super::paint::Tone;
use super::super::table::{Cell, Table, fit, fit_end};
use super::super::words::{clip, count, seconds};
use super::super::{GateReport, GateRow};
use crate::engine::{Step, Update};
use crate::model::{Class, Moment, RunId, RunRecord};

/// How long a name may be and how many cells a bar has, from the widest layout to the narrowest: the bar gives way
/// first, then the names.
const LAYOUTS: [(usize, u32); 6] = [
    (usize::MAX, 12),
    (usize::MAX, 6),
    (28, 6),
    (20, 6),
    (28, 0),
    (16, 0),
];

/// What is known of everything under way.
#[derive(Default)]
pub(super) struct Board {
    rows: BTreeMap<(String, String), Row>,
    down: BTreeMap<String, (Moment, String)>,
    notes: Vec<String>,
    gate: Option<GateReport>,
}

/// One probe and route.
#[derive(Clone, Debug, Default)]
struct Row {
    fired: u64,
    classes: BTreeMap<Class, u64>,
    skipped: u64,
    /// When each open run left, and until when it is waited for.
    waiting: BTreeMap<RunId, (Moment, Moment)>,
}

impl Board {
    /// Takes in one update.
    pub(super) fn take(&mut self, update: &Update, now: Moment) {
        match update {
            Update::Step(step) => {
                let row = self.row(&step.probe, &step.route);
                if let Step::Sent { deadline, .. } = step.step {
                    row.fired += 1;
                    row.waiting.insert(step.run, (step.at, deadline));
                }
            }
            Update::Closed { record, .. } => self.ended(record, None),
            Update::Amended(record) => self.ended(record, record.amendments.last().map(|a| a.from)),
            Update::Skipped(skip) => self.row(&skip.probe, &skip.route).skipped += 1,
            Update::SkippedSpan { .. } => {}
            Update::ChannelDown { channel, fault } => {
                let since = self.down.get(channel).map_or(now, |(since, _)| *since);
                self.down.insert(clip(channel, 80), (since, clip(fault, 200)));
            }
            Update::ChannelUp { channel, closed } => {
                let name = clip(channel, 80);
                if let Some((since, _)) = self.down.remove(&name) {
                    self.notes.push(up(&name, now.seconds_since(since), *closed));
                    // The last few are enough on a screen; the records have the consequences.
                    let over = self.notes.len().saturating_sub(3);
                    self.notes.drain(..over);
                }
            }
        }
    }

    /// Takes in where a gate stands.
    pub(super) fn gate(&mut self, report: GateReport) {
        self.gate = Some(report);
    }

    /// A line for each series of a gate, those that go on first; at most `most`.
    fn gated(&self, most: usize, width: usize, colour: bool) -> Vec<String> {
        let Some(gate) = &self.gate else {
            return Vec::new();
        };
        let mut rows: Vec<_> = gate.series.iter().collect();
        if rows.len() > most {
            rows.sort_by_key(|row| row.end.is_some());
        }
        let line = |row: &&GateRow| row.tone().paint(&fit(&row.so_far(), width), colour);
        if rows.len() <= most {
            return rows.iter().map(line).collect();
        }
        let shown = rows.iter().take(most.saturating_sub(1)).map(line);
        shown
            .chain([fit(&format!("gate: {}", gate.tally()), width)])
            .collect()
    }

    fn row(&mut self, probe: &str, route: &str) -> &mut Row {
        let key = (clip(probe, 80), clip(route, 80));
        self.rows.entry(key).or_default()
    }

    /// Counts a run; an amended one moves from the class that it had.
    fn ended(&mut self, record: &RunRecord, before: Option<Class>) {
        let row = self.row(&record.probe, &record.route);
        row.waiting.remove(&record.id);
        if let Some(n) = before.and_then(|class| row.classes.get_mut(&class)) {
            *n = n.saturating_sub(1);
        }
        *row.classes.entry(record.class).or_default() += 1;
    }

    /// The lines as they stand at `now`, at most `height` of them, none wider than `width`.
    pub(super) fn lines(&self, now: Moment, width: usize, height: usize, colour: bool) -> Vec<String> {
        if self.rows.is_empty() && self.down.is_empty() {
            return Vec::new();
        }
        let mut tail: Vec<String> = self.notes.clone();
        for (name, (since, fault)) in &self.down {
            let time = seconds(now.seconds_since(*since));
            tail.push(format!("channel `{name}` has been down for {time}: {fault}"));
        }
        let most = (height / 2).max(1);
        if tail.len() > most {
            let rest = tail.len() + 1 - most;
            tail.truncate(most.saturating_sub(1));
            tail.push(format!("… and {}", count(rest as u64, "more channel")));
        }
        let gated = self.gated((height / 3).max(1), width, colour);
        let room = height.saturating_sub(tail.len() + gated.len() + 1);
        let mut lines = self.table(now, width, room, colour);
        lines.extend(gated);
        let tone = |line: String| Tone::Warn.paint(&fit(&line, width), colour);
        lines.extend(tail.into_iter().map(tone));
        lines
    }

    fn table(&self, now: Moment, width: usize, room: usize, colour: bool) -> Vec<String> {
        let mut rows: Vec<_> = self.rows.iter().collect();
        let capped = rows.len() > room;
        if capped {
            // What wants attention first; among equals the order of names, so that rows keep their places.
            rows.sort_by_key(|(_, row)| (row.other() == 0, row.waiting.is_empty()));
        }
        let shown = if capped {
            room.saturating_sub(1)
        } else {
            rows.len()
        };
        let hidden = rows.get(shown..).unwrap_or_default();
        let rest = capped.then(|| (rest(hidden), format!("… and {} more", hidden.len())));
        let draw = |(names, bar): &(usize, u32)| {
            let mut table = heads(*bar);
            for (key, row) in rows.iter().take(shown) {
                table.row(row.cells(&fit_end(&format!("{}/{}", key.0, key.1), *names), now, *bar));
            }
            if let Some((sum, name)) = &rest {
                table.row(sum.cells(name, now, *bar));
            }
            table
        };
        let fitting = LAYOUTS.iter().map(draw).find(|t| t.width() <= width);
        match fitting {
            Some(table) => table.lines(colour),
            None => {
                let lines = draw(&(12, 0)).lines(false);
                lines.iter().map(|l| fit(l, width)).collect()
            }
        }
    }
}

fn up(name: &str, after: f64, closed: bool) -> String {
    let gap = if closed {
        "nothing was missed"
    } else {
        "what came meanwhile was not seen"
    };
    format!("channel `{name}` sees again after {}: {gap}", seconds(after))
}

fn heads(bar: u32) -> Table {
    let mut table = Table::default();
    table.text("probe/route");
    for head in ["fired", "waiting", "delivered", "late", "lost", "other"] {
        table.number(head);
    }
    if bar > 0 {
        table.text("deadline");
    }
    table
}

/// What stands for the rows that have no room.
fn rest(rows: &[(&(String, String), &Row)]) -> Row {
    let mut sum = Row::default();
    for (_, row) in rows {
        sum.fired += row.fired;
        sum.waiting.extend(&row.waiting);
        for (class, n) in &row.classes {
            *sum.classes.entry(*class).or_default() += n;
        }
    }
    sum
}

impl Row {
    fn of(&self, class: Class) -> u64 {
        self.classes.get(&class).copied().unwrap_or(0)
    }

    /// Neither delivered nor late.
    fn other(&self) -> u64 {
        let all: u64 = self.classes.values().sum();
        all - self.of(Class::Delivered) - self.of(Class::Late)
    }

    fn cells(&self, name: &str, now: Moment, bar: u32) -> Vec<Cell> {
        let toned = |n: u64, tone: Tone| Cell::toned(n.to_string(), if n == 0 { Tone::Faint } else { tone });
        let lost = self.of(Class::Lost);
        let mut cells = vec![
            Cell::plain(name),
            toned(self.fired, Tone::Plain),
            toned(self.waiting.len() as u64, Tone::Plain),
            toned(self.of(Class::Delivered), Tone::Good),
            toned(self.of(Class::Late), Tone::Warn),
            toned(lost, Tone::Bad),
            toned(self.other() - lost, Tone::Bad),
        ];
        if bar > 0 {
            cells.push(self.bar(now, bar));
        }
        cells
    }

    /// How far the run that left first is on its way to the last instant at which it is waited for.
    fn bar(&self, now: Moment, cells: u32) -> Cell {
        let Some((sent, deadline)) = self.waiting.values().min() else {
            let skipped = match self.skipped {
                0 => String::new(),
                n => format!("{n} skipped"),
            };
            return Cell::toned(skipped, Tone::Warn);
        };
        let whole = deadline.seconds_since(*sent);
        let passed = now.seconds_since(*sent).clamp(0.0, whole.max(0.0));
        let full = (0..cells)
            .filter(|i| f64::from(i + 1) * whole <= passed * f64::from(cells))
            .count();
        let empty = (cells as usize).saturating_sub(full);
        let left = deadline.seconds_since(now).max(0.0);
        let text = format!("{}{} {left:.0} s", "━".repeat(full), "╌".repeat(empty));
        Cell::plain(text)
    }
}
