//! What has to be known to read a comparison, in sentences.

use std::collections::HashSet;

use super::{Compared, Experiment, Role, Setup};
use crate::stats::verdict::{Withheld, Word};

/// Ticks below which nobody can tell whether content is volatile.
const FEW: usize = 10;

/// The sentences, the gravest first.
pub(super) fn of(experiment: &Experiment, comparisons: &[Compared]) -> Vec<String> {
    let setup = &experiment.setup;
    let mut notes = Vec::new();
    match comparisons.iter().find_map(|compared| compared.withheld) {
        Some(Withheld::Blind) => notes.push(String::from(
            "no verdict is given: landfall did not see the end of more than a fifth of these runs",
        )),
        Some(Withheld::Skipped) => notes.push(String::from(
            "no verdict is given: more than a twentieth of the ticks were skipped, and what is left is a selection",
        )),
        None => {}
    }
    notes.extend(noise(setup, comparisons));
    if let Some(why) = &experiment.unreadable {
        notes.push(format!(
            "a record cannot be read, and its tick does not count: {why}"
        ));
    }
    if let (Some(revision), 1..) = (&experiment.revision, experiment.others) {
        notes.push(format!(
            "the definition of `{}` changed: only ticks of its latest revision ({revision}) count, {} of others do not",
            setup.probe, experiment.others
        ));
    }
    notes.extend(volatile(experiment));
    notes
}

/// The baseline against itself must not differ.
fn noise(setup: &Setup, comparisons: &[Compared]) -> Option<String> {
    let mut found = comparisons
        .iter()
        .filter(|compared| compared.role == Role::Noise)
        .peekable();
    found.peek()?;
    let differs = |compared: &&Compared| {
        let word = compared.word.unwrap_or(Word::NotEnough);
        matches!(word, Word::Better | Word::Worse | Word::WorseWithinMargin)
    };
    let of = &setup.baseline;
    found.find(differs).map(|compared| {
        format!(
            "the noise arm differs: `{of}` against itself comes out {} by {}. Something other than the route tells them \
             apart: look at what the fingerprint holds, and at whether a second identical request is treated as the first",
            compared.word.map_or("", Word::as_str),
            compared.metric.word()
        )
    })
}

/// Content that differs from run to run of the same route says nothing about routes.
fn volatile(experiment: &Experiment) -> Option<String> {
    let series = experiment.inputs.iter().find(|series| {
        let prints = series
            .counted
            .iter()
            .filter_map(|samples| samples.first()?.fingerprint.as_deref());
        let (mut runs, mut distinct) = (0, HashSet::new());
        for print in prints {
            runs += 1;
            distinct.insert(print);
        }
        runs >= FEW && distinct.len() > runs / 2
    });
    series.map(|_| {
        format!(
            "the content looks volatile: most runs of `{}` have a fingerprint of their own. Leave what changes from run \
             to run out of `fingerprint`, or content and agreement say nothing",
            experiment.setup.baseline
        )
    })
}
