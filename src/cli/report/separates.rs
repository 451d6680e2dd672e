//! What separates bad runs from good, for the probes of a report that have bad ones.

use std::collections::BTreeMap;

use crate::cli::Exit;
use crate::cli::history::History;
use crate::model::Class;
use crate::report::causes::{Collector, Question};
use crate::report::html::Detail;
use crate::report::series::{self, ProbeFigures, Separation};

use super::Part;
use super::detail::{newest, whole_since};

/// It is looked for in so many runs of a probe, the newest: their records are read whole.
pub(super) const RUNS: u64 = 5_000;
/// And for so many probes, the worst.
const PROBES: usize = 20;

/// Puts it into the report; of the probes of which details are known it is known already.
pub(super) async fn look(
    history: &History,
    part: Part,
    report: &mut series::History,
    details: &BTreeMap<String, Detail>,
) -> Result<(), Exit> {
    let mut left = 0;
    for (nth, of) in report.probes.iter_mut().filter(|of| has_bad(of)).enumerate() {
        of.separates = match details.get(&of.probe) {
            Some(known) => Separation::of(known.causes.clone(), known.looked_at, known.all),
            None if nth < PROBES => one(history, part, &of.probe, &report.marks).await?,
            None => {
                left += 1;
                None
            }
        };
    }
    if left > 0 {
        report.notes.push(format!(
            "what separates bad runs from good is looked for on {PROBES} probes: {left} more have bad runs (`landfall explain PROBE`)"
        ));
    }
    Ok(())
}

fn has_bad(of: &ProbeFigures) -> bool {
    let bad =
        |(class, runs): (&Class, &u64)| *runs > 0 && !matches!(class, Class::Delivered | Class::Unobserved);
    of.series.iter().any(|series| series.classes.iter().any(bad))
}

async fn one(
    history: &History,
    part: Part,
    probe: &str,
    marks: &[crate::model::Mark],
) -> Result<Option<Separation>, Exit> {
    let (since, clipped) = whole_since(history, part).await?;
    let mut pages = newest(history, probe, Part { since, ..part });
    let mut collector = Collector::new(Question::default());
    loop {
        let runs = pages.next().await?;
        let all = runs.is_empty();
        for run in &runs {
            if collector.runs() == RUNS {
                return Ok(Separation::of(collector.finish(marks), RUNS, false));
            }
            collector.add(run);
        }
        if all {
            let count = collector.runs();
            return Ok(Separation::of(collector.finish(marks), count, !clipped));
        }
    }
}
