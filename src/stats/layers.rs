//! Where along the path runs part: consistency layer by layer, and content that looks volatile.

use std::collections::HashMap;
use std::hash::Hash;

use serde::Serialize;

use super::StatError;
use super::consistency::{counts, score_of};
use super::error::as_many;

/// Above this difference of coarse and strict consistency, the content varies.
pub const CONTENT_VARIES: f64 = 0.02;
/// Runs below which content is not called volatile.
pub const VOLATILE_RUNS: u64 = 10;
/// Coarse consistency below which content is not called volatile: then more than the content differs.
pub const VOLATILE_COARSE: f64 = 0.9;
/// A field on which runs of the same route agree less than this is offered as a mask.
pub const MASK_BELOW: f64 = 0.5;

/// Consistency along the layers of a path.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Layered {
    /// C of what the layers up to this one say together; it cannot rise.
    pub scores: Vec<f64>,
    /// The layer at which the most is lost, the first of equals; `None` where nothing is lost at any.
    pub drops_at: Option<usize>,
}

/// The consistency of runs along their layers. `layers[k][i]` is what layer k says of run i.
///
/// # Errors
/// No layers, fewer than two runs, layers that speak of different numbers of runs.
pub fn along_layers<T: Eq + Hash>(layers: &[Vec<T>]) -> Result<Layered, StatError> {
    let Some(first) = layers.first() else {
        return Err(StatError::Empty { what: "layers" });
    };
    let mut joint = vec![0_usize; first.len()];
    let mut scores = Vec::with_capacity(layers.len());
    for layer in layers {
        as_many("runs in the first layer", first.len(), "in another", layer.len())?;
        refine(&mut joint, layer);
        scores.push(score_of(&counts(joint.iter().copied()))?);
    }
    let before = std::iter::once(&1.0).chain(&scores);
    let drops = scores.iter().zip(before).map(|(now, before)| before - now);
    let largest = drops.enumerate().fold((None, 0.0), |best, (place, drop)| {
        if drop > best.1 { (Some(place), drop) } else { best }
    });
    Ok(Layered {
        scores,
        drops_at: largest.0,
    })
}

/// Splits each group of runs by what one more layer says.
fn refine<T: Eq + Hash>(joint: &mut [usize], layer: &[T]) {
    let mut places = HashMap::new();
    for (group, said) in joint.iter_mut().zip(layer) {
        let next = places.len();
        *group = *places.entry((*group, said)).or_insert(next);
    }
}

/// Whether the content varies beyond the classes: coarse less strict consistency is above [`CONTENT_VARIES`].
#[must_use]
pub fn content_varies(coarse: f64, strict: f64) -> bool {
    coarse - strict > CONTENT_VARIES
}

/// Whether the content looks volatile: at least [`VOLATILE_RUNS`] runs, coarse consistency of [`VOLATILE_COARSE`] or
/// more, and more distinct strict endings than half of the runs. Then offer [`mask_candidates`]; never mask silently.
#[must_use]
pub fn content_looks_volatile(runs: u64, coarse: f64, distinct_strict: u64) -> bool {
    runs >= VOLATILE_RUNS && coarse >= VOLATILE_COARSE && distinct_strict > runs / 2
}

/// The places of the fields on which runs of the same route agree less than [`MASK_BELOW`]: candidates for a mask.
/// `fields[k][i]` is the value of field k in run i.
///
/// # Errors
/// Fewer than two runs.
pub fn mask_candidates<T: Eq + Hash>(fields: &[Vec<T>]) -> Result<Vec<usize>, StatError> {
    let mut found = Vec::new();
    for (place, values) in fields.iter().enumerate() {
        if score_of(&counts(values))? < MASK_BELOW {
            found.push(place);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_layer_that_parts_the_runs_is_named() {
        let runs = [
            (90, "202 done ok"),
            (6, "202 done lost"),
            (3, "202 failed lost"),
            (1, "503 none lost"),
        ];
        let mut layers = vec![Vec::new(); 3];
        for (times, said) in runs {
            for _ in 0..times {
                for (layer, word) in layers.iter_mut().zip(said.split(' ')) {
                    layer.push(word);
                }
            }
        }
        let found = along_layers(&layers).unwrap();
        assert_eq!(found.drops_at, Some(2));
        assert!((found.scores[1] - 0.921_818_181_818).abs() < 1e-9);
    }

    #[test]
    fn runs_that_agree_part_nowhere() {
        let found = along_layers(&[vec![1; 4], vec![2; 4]]).unwrap();
        assert_eq!((found.scores, found.drops_at), (vec![1.0, 1.0], None));
        assert!(along_layers::<u8>(&[]).is_err() && along_layers(&[vec![1, 2], vec![1]]).is_err());
    }

    #[test]
    fn volatile_content_is_offered_as_a_mask() {
        assert!(content_looks_volatile(10, 0.95, 6) && !content_looks_volatile(10, 0.95, 5));
        assert!(!content_looks_volatile(9, 1.0, 9) && !content_looks_volatile(10, 0.8, 9));
        assert!(content_varies(1.0, 0.97) && !content_varies(1.0, 0.99));
        let fields = [vec![1, 1, 1, 1], vec![1, 2, 3, 4]];
        assert_eq!(mask_candidates(&fields), Ok(vec![1]));
    }
}
