//! The stages of both runs, in the order in which a run passes them, and the first at which they part.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{FieldPair, HopPair, Stage};
use crate::model::{ExpectationRecord, Hop, Layer, RunRecord};
use crate::report::words::{clip, seconds, state};

/// Characters of a value in the sentence.
const SHORT: usize = 80;

pub(super) fn stages(run: &RunRecord, twin: &RunRecord) -> Vec<Stage> {
    let mut all = vec![
        stage("sent", sent(run), sent(twin)),
        stage("answer", answer(run), answer(twin)),
        stage("accepted", accepted(run), accepted(twin)),
    ];
    for layer in [Layer::Executed, Layer::FailedWhen, Layer::Outcome, Layer::Receipt] {
        for name in names(run, twin, layer) {
            let says = |of: &RunRecord| expectation(of, layer, &name);
            let title = match layer {
                Layer::Executed => "step",
                Layer::FailedWhen => "failed_when",
                Layer::Outcome => "outcome",
                Layer::Receipt => "receipt",
            };
            all.push(stage(
                &format!("{title} `{}`", clip(&name, 60)),
                says(run),
                says(twin),
            ));
        }
    }
    let class = |of: &RunRecord| (of.class.word().to_owned(), String::new());
    all.push(stage("verdict", class(run), class(twin)));
    all
}

fn stage(name: &str, run: (String, String), twin: (String, String)) -> Stage {
    Stage {
        stage: name.to_owned(),
        same: run.0 == twin.0,
        run: run.0,
        twin: twin.0,
        run_at: run.1,
        twin_at: twin.1,
    }
}

fn sent(run: &RunRecord) -> (String, String) {
    let said = if run.sent.is_some() {
        "left"
    } else {
        "nobody knows whether it left"
    };
    (said.to_owned(), String::new())
}

fn answer(run: &RunRecord) -> (String, String) {
    let response = run.response.as_ref();
    let said = match response.and_then(|r| r.get("status")).and_then(Value::as_i64) {
        Some(status) => format!("status {status}"),
        None => match response.and_then(|r| r.get("error")).and_then(Value::as_str) {
            Some(error) => clip(error, SHORT),
            None => String::from("none"),
        },
    };
    (said, String::new())
}

fn accepted(run: &RunRecord) -> (String, String) {
    let layer = run.layers.accepted;
    let at = layer.seconds.map_or_else(String::new, |s| seconds(s.1));
    (state(layer.state).to_owned(), at)
}

/// The names of both runs' expectations of a layer, in the order of the one that has more.
fn names(run: &RunRecord, twin: &RunRecord, layer: Layer) -> Vec<String> {
    let of = |run: &RunRecord| -> Vec<String> {
        let own = run.expectations.iter().filter(|e| e.layer == layer);
        own.map(|e| e.name.clone()).collect()
    };
    let (mut names, other) = (of(run), of(twin));
    names.extend(other);
    let mut seen = std::collections::HashSet::new();
    names.retain(|name| seen.insert(name.clone()));
    names
}

fn expectation(run: &RunRecord, layer: Layer, name: &str) -> (String, String) {
    let mut own = run.expectations.iter().filter(|e| e.layer == layer);
    let Some(found) = own.find(|e: &&ExpectationRecord| e.name == name) else {
        let said = match layer {
            Layer::FailedWhen | Layer::Receipt => "not said",
            _ => "not asked for",
        };
        return (said.to_owned(), String::new());
    };
    let at = found.seconds.map_or_else(String::new, |s| seconds(s.1));
    (found.state.word().to_owned(), at)
}

/// The hops of both, source by source in the order of the run that knows more.
pub(super) fn hops(run: &RunRecord, twin: &RunRecord) -> Vec<HopPair> {
    let by_source = |of: &RunRecord| {
        let mut hops: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for hop in &of.path {
            hops.entry(hop.source.clone()).or_default().push(hop.hop.clone());
        }
        hops
    };
    let (own, theirs) = (by_source(run), by_source(twin));
    let longer = if run.path.len() >= twin.path.len() {
        [run, twin]
    } else {
        [twin, run]
    };
    let mut sources: Vec<&str> = Vec::new();
    for hop in longer.iter().flat_map(|run| &run.path) {
        let hop: &Hop = hop;
        if !sources.contains(&hop.source.as_str()) {
            sources.push(&hop.source);
        }
    }
    let mut pairs = Vec::new();
    for source in sources {
        let none = Vec::new();
        let (a, b) = (
            own.get(source).unwrap_or(&none),
            theirs.get(source).unwrap_or(&none),
        );
        for at in 0..a.len().max(b.len()) {
            let (run, twin) = (a.get(at).cloned(), b.get(at).cloned());
            pairs.push(HopPair {
                source: source.to_owned(),
                same: run == twin,
                run,
                twin,
            });
        }
    }
    pairs
}

/// Where they first part: what the answer said, then a hop that the answer named, then each stage in order, then what was
/// seen on the way, then contents.
pub(super) fn sentence(stages: &[Stage], hops: &[HopPair], fields: &[FieldPair], same: u64) -> String {
    let early = |stage: &&Stage| matches!(stage.stage.as_str(), "sent" | "answer" | "accepted");
    let parts = |stage: &&Stage| !stage.same;
    let known = |hop: &&HopPair| !hop.same && hop.source.starts_with("response.");
    let values = |run: &Option<String>, twin: &Option<String>| {
        let one = |value: &Option<String>| {
            value
                .as_ref()
                .map_or_else(|| String::from("nothing"), |v| clip(v, SHORT))
        };
        format!("{} here, {} in the twin", one(run), one(twin))
    };
    let at_hop = |hop: &HopPair| {
        format!(
            "they first part at the hop `{}`: {}",
            clip(&hop.source, SHORT),
            values(&hop.run, &hop.twin)
        )
    };
    if let Some(stage) = stages.iter().filter(early).find(parts) {
        return at_stage(stage);
    }
    if let Some(hop) = hops.iter().find(known) {
        let then = stages.iter().find(parts);
        let then = then.map_or_else(String::new, |stage| {
            format!(
                ", then at {}: {} here, {} in the twin",
                stage.stage, stage.run, stage.twin
            )
        });
        return at_hop(hop) + &then;
    }
    if let Some(stage) = stages.iter().find(parts) {
        return at_stage(stage);
    }
    if let Some(hop) = hops.iter().find(|hop| !hop.same) {
        return at_hop(hop);
    }
    match fields.iter().find(|field| !field.volatile) {
        Some(field) => format!(
            "they end alike and first part in the content, at `{}`: {}",
            clip(&field.field, SHORT),
            values(&field.run, &field.twin)
        ),
        None if fields.is_empty() => format!("they part nowhere: stages, hops and all {same} fields agree"),
        None => String::from("they part nowhere but in fields that differ from run to run anyway"),
    }
}

fn at_stage(stage: &Stage) -> String {
    let at = |said: &str, at: &str| {
        if at.is_empty() {
            said.to_owned()
        } else {
            format!("{said} after {at}")
        }
    };
    let place = match stage.stage.as_str() {
        "verdict" => String::from("only in the verdict"),
        stage => format!("at {stage}"),
    };
    format!(
        "they first part {place}: {} here, {} in the twin",
        at(&stage.run, &stage.run_at),
        at(&stage.twin, &stage.twin_at)
    )
}
