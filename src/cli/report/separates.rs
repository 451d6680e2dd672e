//! What separates bad runs from good, for the probes of a report that have bad ones.

use crate::cli::Exit;
use crate::cli::history::History;
use crate::model::Class;
use crate::report::causes::{Collector, Question};
use crate::report::series::{self, ProbeFigures, Separation};
use crate::store::{Order, RunFilter};

use super::Part;

/// It is looked for in so many runs of a probe, the newest: their records are read whole.
const RUNS: u64 = 5_000;
/// And for so many probes, the worst.
const PROBES: usize = 20;

/// Puts it into the report.
pub(super) async fn look(history: &History, part: Part, report: &mut series::History) -> Result<(), Exit> {
    let mut left = 0;
    for (nth, of) in report.probes.iter_mut().filter(|of| has_bad(of)).enumerate() {
        if nth < PROBES {
            of.separates = one(history, part, &of.probe, &report.marks).await?;
        } else {
            left += 1;
        }
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
    let mut pages = history.pages(RunFilter {
        probes: vec![probe.to_owned()],
        since: Some(part.since),
        until: Some(part.until),
        order: Order::Newest,
        ..history.filter()
    });
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
            return Ok(Separation::of(collector.finish(marks), count, true));
        }
    }
}
