//! The daemon's own small state, in memory.

use std::collections::BTreeMap;

use serde_json::Value;

use super::state::State;
use crate::model::{Fault, Mark, MarkId, Moment, SkipSpan};
use crate::store::{Keep, StoreSize};

/// In the order in which a file lists them: the reason by its word.
type SpanKey = (Moment, String, String, String, &'static str);

#[derive(Debug, Default)]
pub(super) struct Small {
    kept: BTreeMap<(String, String), Value>,
    marks: BTreeMap<(Moment, MarkId), Mark>,
    spans: BTreeMap<SpanKey, SkipSpan>,
    pub(super) alive: Option<Moment>,
}

impl Small {
    pub(super) fn keep(&mut self, entries: Vec<Keep>) -> Result<(), Fault> {
        for entry in &entries {
            entry.encode()?;
        }
        for Keep { space, key, value } in entries {
            match value {
                Some(value) => drop(self.kept.insert((space, key), value)),
                None => drop(self.kept.remove(&(space, key))),
            }
        }
        Ok(())
    }

    pub(super) fn kept(&self, space: &str) -> Vec<(String, Value)> {
        self.kept
            .range((space.to_owned(), String::new())..)
            .take_while(|((of, _), _)| of == space)
            .map(|((_, key), value)| (key.clone(), value.clone()))
            .collect()
    }

    pub(super) fn mark(&mut self, mark: Mark) {
        self.marks.retain(|(_, id), _| *id != mark.id);
        self.marks.insert((mark.at, mark.id), mark);
    }

    pub(super) fn marks(&self, since: Option<Moment>, until: Option<Moment>) -> Vec<Mark> {
        let touching = self.marks.values().filter(|mark| mark.touches(since, until));
        touching.cloned().collect()
    }

    pub(super) fn skip_span(&mut self, spans: Vec<SkipSpan>) {
        for span in spans {
            let key = (
                span.first,
                span.probe.clone(),
                span.input.clone(),
                span.route.clone(),
                span.reason.word(),
            );
            self.spans.insert(key, span);
        }
    }

    pub(super) fn skip_spans(&self, since: Option<Moment>) -> Vec<SkipSpan> {
        let wanted = self
            .spans
            .values()
            .filter(|span| since.is_none_or(|since| span.last >= since));
        wanted.cloned().collect()
    }

    /// Marks and spans that ended before this leave.
    pub(super) fn keep_from(&mut self, from: Moment) {
        self.marks.retain(|(at, _), _| *at >= from);
        self.spans.retain(|_, span| span.last >= from);
    }

    /// How many of these there are.
    pub(super) fn rows(&self) -> usize {
        self.marks.len() + self.spans.len()
    }

    /// Holds marks and spans to `kept` of each, the oldest leaving first; says how many left.
    pub(super) fn bound(&mut self, kept: usize) -> u64 {
        let mut left = 0;
        while self.marks.len() > kept {
            self.marks.pop_first();
            left += 1;
        }
        while self.spans.len() > kept {
            self.spans.pop_first();
            left += 1;
        }
        left
    }
}

impl State {
    pub(super) fn newest(&self) -> Option<Moment> {
        let last = [
            self.claims.keys().next_back().map(|fence| fence.0),
            self.records.keys().next_back().map(|(tick, _)| *tick),
            self.skips.keys().next_back().map(|skip| skip.0),
            self.small.spans.values().map(|span| span.last).max(),
            self.small.alive,
        ];
        last.into_iter().flatten().max()
    }

    pub(super) fn size(&self) -> StoreSize {
        StoreSize {
            bytes: 0,
            log_bytes: 0,
            free_bytes: 0,
            runs: self.records.len() as u64,
            open_runs: self.open.len() as u64,
            observations: self.observations.len() as u64,
            skips: self.skips.len() as u64,
            skip_spans: self.small.spans.len() as u64,
            marks: self.small.marks.len() as u64,
            oldest: self.records.keys().next().map(|(tick, _)| *tick),
        }
    }
}
