//! Two runs side by side: where they first part, then layer by layer, hop by hop, field by field. Pure over records.
//!
//! Two runs of one input differ in much that says nothing: ids, times, tokens. Which fields those are is not guessed from
//! their names: a field that recent good runs of the *same* route disagree on is volatile, is marked so, and is offered as a
//! mask for `fingerprint`. Nothing is left out of the comparison because of it.

mod fields;
mod part;
mod show;

use schemars::JsonSchema;
use serde::Serialize;

pub use fields::{FEW, VOLATILE};
pub use show::{markdown, text};

use crate::model::{Class, Flag, RunId, RunRecord};
use crate::report::words::flag;

/// How the second run was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Chosen {
    /// It was named.
    Named,
    /// The other route, at the same tick.
    OtherRoute,
    /// The last good run before it, on the same route.
    LastGood,
    /// The good run nearest to it on the same route, where none came before.
    NearestGood,
}

/// Two runs, compared.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Twins {
    /// The run that was asked about.
    pub run: Side,
    /// The run that it is held against.
    pub twin: Side,
    /// How that was chosen.
    pub chosen: Chosen,
    /// Where the two first part, in one sentence.
    pub sentence: String,
    /// What each stage of a run says, in the order in which a run passes them.
    pub stages: Vec<Stage>,
    /// The hops of both.
    pub hops: Vec<HopPair>,
    /// Fields in which they differ; those that are not known to be volatile first.
    pub fields: Vec<FieldPair>,
    /// Fields in which they agree.
    pub same_fields: u64,
    /// Fields on which recent good runs of the same route disagree.
    pub volatile: Vec<Volatile>,
    /// Recent good runs of the same route that this was learnt from.
    pub learnt_from: u64,
    /// A `fingerprint:` that leaves out what is volatile, ready to be pasted; null where nothing is, or too few runs tell.
    pub mask: Option<String>,
    /// What else must be known to read this.
    pub notes: Vec<String>,
}

/// One of the two.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Side {
    /// Its id.
    pub id: String,
    /// Its probe.
    pub probe: String,
    /// Its route.
    pub route: String,
    /// Its input.
    pub input: String,
    /// Its tick, RFC 3339.
    pub tick: String,
    /// Its verdict.
    pub class: Class,
    /// Why, in a few words.
    pub reason: String,
    /// Facts about it, in words.
    pub flags: Vec<String>,
}

/// What one stage says of both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Stage {
    /// Which: `accepted`, a step, an outcome, …
    pub stage: String,
    /// What the run says.
    pub run: String,
    /// What the twin says.
    pub twin: String,
    /// How long the run took to it, in words; empty where it has no time.
    pub run_at: String,
    /// How long the twin took.
    pub twin_at: String,
    /// Whether they say the same, times apart.
    pub same: bool,
}

/// A hop of both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct HopPair {
    /// Where it is from.
    pub source: String,
    /// The run's; null where it has none in this place.
    pub run: Option<String>,
    /// The twin's.
    pub twin: Option<String>,
    /// Whether they are the same.
    pub same: bool,
}

/// A field in which they differ.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct FieldPair {
    /// Its place.
    pub field: String,
    /// The run's value; null where it is not there.
    pub run: Option<String>,
    /// The twin's value.
    pub twin: Option<String>,
    /// How often two good runs of one route agree on it, 0 to 1; null where too few tell.
    pub agreement: Option<f64>,
    /// It differs among good runs of one route too.
    pub volatile: bool,
}

/// A field that differs without a reason.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Volatile {
    /// Its place.
    pub field: String,
    /// How often two good runs of one route agree on it, 0 to 1.
    pub agreement: f64,
    /// Good runs that tell it.
    pub runs: u64,
}

/// Good runs from which is learnt what differs from run to run.
pub const RECENT: u32 = 50;

/// Of runs of the same tick and input (their id, route and class) the one that tells most of `run`: down another route, a
/// good one rather than a bad one, and of these the first by name.
#[must_use]
pub fn other_route<'a>(
    run: &RunRecord,
    same: impl IntoIterator<Item = (RunId, &'a str, Class)>,
) -> Option<RunId> {
    let others = same.into_iter().filter(|(_, route, _)| *route != run.route);
    let best = others.min_by_key(|(_, route, class)| {
        let rank = match class {
            Class::Delivered => 0,
            Class::Unobserved => 2,
            _ => 1,
        };
        (rank, *route)
    });
    best.map(|(id, ..)| id)
}

/// Compares a run with its twin. `recent` are good runs of the same route, from which is learnt what differs anyway.
#[must_use]
pub fn twins<'a>(
    run: &RunRecord,
    twin: &RunRecord,
    chosen: Chosen,
    recent: impl IntoIterator<Item = &'a RunRecord>,
) -> Twins {
    let learnt = fields::Learnt::of(recent.into_iter().filter(|r| r.id != run.id && r.id != twin.id));
    let stages = part::stages(run, twin);
    let hops = part::hops(run, twin);
    let (fields, same_fields) = fields::pairs(run, twin, &learnt);
    Twins {
        sentence: part::sentence(&stages, &hops, &fields, same_fields),
        notes: notes(run, twin),
        run: Side::of(run),
        twin: Side::of(twin),
        chosen,
        stages,
        hops,
        fields,
        same_fields,
        mask: learnt.mask(),
        learnt_from: learnt.runs(),
        volatile: learnt.volatile(),
    }
}

fn notes(run: &RunRecord, twin: &RunRecord) -> Vec<String> {
    let mut notes = Vec::new();
    if run.probe != twin.probe {
        notes.push(String::from("they are runs of different probes"));
    } else if run.revision != twin.revision {
        notes.push(String::from(
            "the definition changed between them: they were not asked for the same",
        ));
    }
    if run.probe == twin.probe && run.input != twin.input {
        notes.push(String::from("they were given different inputs"));
    }
    if run.class == twin.class && run.class != Class::Delivered {
        notes.push(format!("both are {}", run.class.word()));
    }
    notes
}

impl Side {
    fn of(run: &RunRecord) -> Self {
        Self {
            id: run.id.to_string(),
            probe: run.probe.clone(),
            route: run.route.clone(),
            input: run.input.clone(),
            tick: run.tick.clone(),
            class: run.class,
            reason: run.reason.clone(),
            flags: run.flags.iter().map(|f: &Flag| flag(*f).to_owned()).collect(),
        }
    }
}

#[cfg(test)]
mod tests;
