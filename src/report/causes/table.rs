//! Records taken in one by one: of each only what may count is kept, every value once.

use std::collections::{BTreeMap, HashMap};

use super::facts::{Facts, Sink};
use super::{Causes, Question, assemble};
use crate::model::{Class, LayerState, Mark, Moment, RunId, RunRecord};

/// Distinct values of one attribute that are told apart; one that has more is left out, and named.
pub const DISTINCT: usize = 65_536;
/// Attributes that are looked at; what is more is counted.
pub const COLUMNS: usize = 400;
/// Characters of a value that are kept; what is longer is told by its beginning and a digest.
pub const VALUE: usize = 200;

/// Takes records in, in any order, and says what separates the bad ones.
#[derive(Debug)]
pub struct Collector {
    pub(super) question: Question,
    pub(super) rows: Vec<Row>,
    pub(super) columns: Vec<Raw>,
    pub(super) numbers: BTreeMap<&'static str, Vec<Option<f64>>>,
    pub(super) left_out: BTreeMap<Class, u64>,
    /// Runs whose tick is no time.
    pub(super) timeless: u64,
    pub(super) probes: BTreeMap<String, u64>,
    pub(super) signs: BTreeMap<String, (u64, u64)>,
    /// Facts that belong to attributes beyond [`COLUMNS`].
    pub(super) unlisted: BTreeMap<String, u64>,
    index: HashMap<Kind, HashMap<String, HashMap<String, usize>>>,
}

/// A run that is compared.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) tick: Moment,
    pub(super) id: RunId,
    pub(super) class: Class,
    pub(super) bad: bool,
    pub(super) accepted: bool,
}

/// When something becomes known: what decides between which runs it is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Kind {
    /// Before the request left.
    Setting,
    /// Declared under `attributes`, or noted by the trigger.
    Attribute,
    /// A hop that the answer named.
    AnswerPath,
    /// A hop that something seen named.
    SeenPath,
    /// Part of the verdict on layer 1.
    Verdict,
    /// A header of the answer.
    Header,
    /// Of an observation that met an expectation.
    Seen,
}

/// One attribute of all runs so far. Code 0 is that nothing is recorded.
#[derive(Debug)]
pub(super) struct Raw {
    pub(super) kind: Kind,
    /// What it belongs to: the entry of `path:`, the expectation.
    pub(super) group: String,
    /// Its own name within that; empty for the chain of a path.
    pub(super) part: String,
    /// How it is called.
    pub(super) name: String,
    pub(super) codes: Vec<u32>,
    pub(super) labels: Vec<String>,
    /// It has more than [`DISTINCT`] values.
    pub(super) full: bool,
    /// Its value changed in the course of a run.
    pub(super) changes: bool,
    known: HashMap<String, u32>,
}

impl Collector {
    /// For one question.
    #[must_use]
    pub fn new(question: Question) -> Self {
        Self {
            question,
            rows: Vec::new(),
            columns: Vec::new(),
            numbers: BTreeMap::new(),
            left_out: BTreeMap::new(),
            timeless: 0,
            probes: BTreeMap::new(),
            signs: BTreeMap::new(),
            unlisted: BTreeMap::new(),
            index: HashMap::new(),
        }
    }

    /// Takes one run in.
    pub fn add(&mut self, run: &RunRecord) {
        *self.probes.entry(run.probe.clone()).or_default() += 1;
        let Some(bad) = self.question.bad.of(run) else {
            *self.left_out.entry(run.class).or_default() += 1;
            return;
        };
        let Some(tick) = Moment::from_rfc3339(&run.tick) else {
            self.timeless += 1;
            return;
        };
        self.rows.push(Row {
            tick,
            id: run.id,
            class: run.class,
            bad,
            accepted: run.layers.accepted.state == LayerState::Yes,
        });
        Facts::of(run).tell(self);
    }

    /// Runs that were taken in, those left out included.
    #[must_use]
    pub fn runs(&self) -> u64 {
        self.probes.values().sum()
    }

    /// What separates the bad runs from the good, with the marks near them.
    #[must_use]
    pub fn finish(self, marks: &[Mark]) -> Causes {
        assemble::answer(self, marks)
    }

    fn column(&mut self, kind: Kind, group: &str, name: &str) -> Option<&mut Raw> {
        let found = self.index.get(&kind).and_then(|g| g.get(group)?.get(name));
        let place = match found {
            Some(place) => *place,
            None if self.columns.len() >= COLUMNS => {
                if self.unlisted.len() < COLUMNS {
                    *self.unlisted.entry(shown(kind, group, name)).or_default() += 1;
                }
                return None;
            }
            None => {
                let place = self.columns.len();
                self.columns.push(Raw::new(kind, group, name));
                let groups = self.index.entry(kind).or_default();
                let names = groups.entry(group.to_owned()).or_default();
                names.insert(name.to_owned(), place);
                place
            }
        };
        self.columns.get_mut(place)
    }
}

impl Sink for Collector {
    fn value(&mut self, kind: Kind, group: &str, name: &str, value: &str) {
        let row = self.rows.len().saturating_sub(1);
        if let Some(column) = self.column(kind, group, name) {
            column.set(row, value);
        }
    }

    fn changing(&mut self, kind: Kind, group: &str, name: &str) {
        if let Some(column) = self.column(kind, group, name) {
            column.changes = true;
        }
    }

    fn number(&mut self, name: &'static str, value: f64) {
        let row = self.rows.len().saturating_sub(1);
        let column = self.numbers.entry(name).or_default();
        column.resize(row, None);
        column.push(Some(value));
    }

    fn sign(&mut self, sign: String) {
        let Some(row) = self.rows.last() else { return };
        if self.signs.len() < COLUMNS || self.signs.contains_key(&sign) {
            let counts = self.signs.entry(sign).or_default();
            counts.0 += u64::from(row.bad);
            counts.1 += u64::from(!row.bad);
        }
    }
}

impl Raw {
    fn new(kind: Kind, group: &str, part: &str) -> Self {
        Self {
            kind,
            group: group.to_owned(),
            part: part.to_owned(),
            name: shown(kind, group, part),
            codes: Vec::new(),
            labels: vec![String::new()],
            full: false,
            changes: false,
            known: HashMap::new(),
        }
    }

    /// The first value of a run stands.
    fn set(&mut self, row: usize, value: &str) {
        if self.full || self.codes.len() > row {
            return;
        }
        self.codes.resize(row, 0);
        let kept = shortened(value);
        let value = kept.as_deref().unwrap_or(value);
        let code = match self.known.get(value) {
            Some(code) => *code,
            None if self.labels.len() > DISTINCT => {
                self.full = true;
                // Nothing of it is needed any more.
                (self.known, self.codes) = (HashMap::new(), Vec::new());
                return;
            }
            None => {
                let code = u32::try_from(self.labels.len()).unwrap_or(u32::MAX);
                self.labels.push(value.to_owned());
                self.known.insert(value.to_owned(), code);
                code
            }
        };
        self.codes.push(code);
    }
}

/// A value that is too long to keep whole.
fn shortened(value: &str) -> Option<String> {
    let (end, _) = value.char_indices().nth(VALUE)?;
    let digest = blake3::hash(value.as_bytes()).to_hex();
    Some(format!("{}… ({})", &value[..end], &digest[..8]))
}

/// How an attribute is called. What landfall notes by itself bears its origin, so that no declared name can be taken
/// for it.
fn shown(kind: Kind, group: &str, name: &str) -> String {
    match kind {
        Kind::Attribute if SETTINGS.contains(&name) => format!("attribute {name}"),
        Kind::Setting | Kind::Attribute => name.to_owned(),
        Kind::Verdict => format!("answer {name}"),
        Kind::Header => format!("header {name}"),
        Kind::AnswerPath | Kind::SeenPath if name.is_empty() => format!("path {group}"),
        Kind::AnswerPath | Kind::SeenPath => format!("hop {name}"),
        Kind::Seen => format!("`{group}`: {name}"),
    }
}

/// What is known of every run.
pub(super) const SETTINGS: [&str; 10] = [
    "route",
    "input",
    "probe",
    "location",
    "revision",
    "hour",
    "hour of day",
    "day",
    "lag",
    "path",
];
