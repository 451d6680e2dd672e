//! How consistently runs of a series end, and where along the layers they part.

use std::collections::HashMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::rows::{ANOTHER, Endings};
use crate::stats::CONFIDENCE;
use crate::stats::consistency::{consistency as estimate, score_of};
use crate::stats::layers::{content_looks_volatile, content_varies};

/// The chance that two runs of a series end the same way.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ConsistencyFigures {
    /// Observed runs.
    pub runs: u64,
    /// The chance, 0 to 1: by everything that the layers say, and by the fingerprint of the content where the probe
    /// declares one.
    pub score: f64,
    /// The lower limit of its 95 % interval; null below five runs.
    pub lower: Option<f64>,
    /// The upper limit; null below five runs.
    pub upper: Option<f64>,
    /// The same without the content.
    pub coarse: f64,
    /// The commonest ending, in words.
    pub usual: String,
    /// Its share of all runs.
    pub usual_share: f64,
    /// How many endings there are, without the content.
    pub endings: u64,
    /// How many with it.
    pub endings_with_content: u64,
    /// With rare deviations of one kind, about one run in so many ends differently; null where all agree.
    pub differs_one_in: Option<f64>,
    /// The chance by what the layers up to each say together; it cannot rise. Empty where that is not on record.
    pub layers: Vec<LayerScore>,
    /// The layer at which the most is lost; null where nothing is lost at any.
    pub drops_at: Option<String>,
    /// Whether runs that end alike differ in their content.
    pub content_varies: bool,
    /// Whether nearly every run has a content of its own: then the fingerprint holds something that changes by itself,
    /// such as a time.
    pub content_looks_volatile: bool,
}

/// The consistency up to a layer.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct LayerScore {
    /// `accepted`, `executed`, `outcome` or `content`.
    pub layer: String,
    /// The chance that two runs agree up to here.
    pub score: f64,
}

/// The figures; `None` below two runs.
pub(super) fn consistency(endings: &Endings) -> Option<ConsistencyFigures> {
    let [_, _, coarse] = &endings.layers;
    let found = estimate(&sorted(&endings.strict), CONFIDENCE).ok()?;
    let coarse_score = score_of(&sorted(coarse)).ok()?;
    let (usual, most) = coarse
        .iter()
        .max_by_key(|(ending, count)| (**count, std::cmp::Reverse(endings.words.get(ending))))?;
    let names = ["accepted", "executed", "outcome"];
    let mut layers: Vec<LayerScore> = Vec::new();
    for (name, counts) in names.into_iter().zip(&endings.layers) {
        if name != "executed" || endings.executes {
            layers.push(LayerScore {
                layer: name.to_owned(),
                score: score_of(&sorted(counts)).ok()?,
            });
        }
    }
    if endings.fingerprinted > 0 {
        layers.push(LayerScore {
            layer: String::from("content"),
            score: found.score,
        });
    }
    let distinct = endings.strict.len() as u64;
    let shown = found.shown();
    Some(ConsistencyFigures {
        runs: found.runs,
        score: found.score,
        lower: shown.map(|bounds| bounds.lower),
        upper: shown.map(|bounds| bounds.upper),
        coarse: coarse_score,
        usual: endings
            .words
            .get(usual)
            .map_or(ANOTHER, String::as_str)
            .to_owned(),
        usual_share: share(*most, found.runs),
        endings: coarse.len() as u64,
        endings_with_content: distinct,
        differs_one_in: found.differs_one_in,
        drops_at: drops_at(&layers),
        layers,
        content_varies: content_varies(coarse_score, found.score),
        content_looks_volatile: content_looks_volatile(found.runs, coarse_score, distinct),
    })
}

/// Where the most is lost, the first of equals.
pub(super) fn drops_at(layers: &[LayerScore]) -> Option<String> {
    let mut before = 1.0;
    let mut worst: Option<(&str, f64)> = None;
    for layer in layers {
        let drop = before - layer.score;
        if drop > worst.map_or(0.0, |(_, drop)| drop) {
            worst = Some((&layer.layer, drop));
        }
        before = layer.score;
    }
    worst.map(|(layer, _)| layer.to_owned())
}

/// Counts in an order of their own, so that sums of them come out the same each time.
fn sorted(counts: &HashMap<u64, u64>) -> Vec<u64> {
    let mut counts: Vec<u64> = counts.values().copied().collect();
    counts.sort_unstable_by(|a, b| b.cmp(a));
    counts
}

#[expect(clippy::cast_precision_loss, reason = "counts of runs are far below 2^52")]
pub(super) fn share(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}
