//! Two result files against each other.

use std::path::Path;

use super::super::history::files;
use super::super::{Exit, output};
use super::Args;
use super::held::Held;
use crate::clock::{Clock as _, SystemClock};
use crate::compare::{Side, samples};
use crate::model::{Moment, RunRecord};
use crate::report::compare::Inquiry;
use crate::store::RunFilter;

/// Reads both and tells.
pub(super) fn run(args: &Args, first: &Path, second: &Path) -> Exit {
    let (a, b) = match read(args, first, second) {
        Ok(runs) => runs,
        Err(message) => {
            output::error(&message);
            return Exit::Usage;
        }
    };
    if let Some((empty, _)) = [(first, &a), (second, &b)]
        .into_iter()
        .find(|(_, runs)| runs.is_empty())
    {
        output::error(&format!("`{}` holds no runs to compare", empty.display()));
        return Exit::Undecided;
    }
    let (first, second) = (first.display().to_string(), second.display().to_string());
    let setup = args.setup("", "", Vec::new(), Vec::new());
    let (first, second) = (
        Side {
            name: &first,
            runs: &a,
        },
        Side {
            name: &second,
            runs: &b,
        },
    );
    match samples(&setup, first, second) {
        Ok(comparison) => {
            let mut inquiry = Inquiry::of(&comparison);
            b.iter().for_each(|run| inquiry.add(run));
            super::tell(&args.output, &inquiry.finish(comparison, &[]), &Held::default())
        }
        Err(message) => {
            output::error(&message);
            Exit::Usage
        }
    }
}

fn read(args: &Args, first: &Path, second: &Path) -> Result<(Vec<RunRecord>, Vec<RunRecord>), String> {
    let (mut a, mut b) = (files::read(first)?, files::read(second)?);
    files::distinct((first, &a), (second, &b))?;
    let scope = &args.scope;
    let now = SystemClock::start().now();
    let filter = RunFilter {
        routes: scope.route.clone(),
        inputs: scope.input.clone(),
        labels: scope.label.clone(),
        since: scope.since.map(|when| when.moment(now)),
        until: scope.until.map(|when| when.moment(now)),
        ..RunFilter::default()
    };
    // The reader has seen that every tick is a date.
    let admits =
        |run: &RunRecord| Moment::from_rfc3339(&run.tick).is_some_and(|tick| filter.admits(tick, run));
    for runs in [&mut a, &mut b] {
        runs.retain(admits);
    }
    Ok((a, b))
}
