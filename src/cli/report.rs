//! `landfall report`: the figures of stored history.

mod detail;
mod gather;
mod separates;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::history::{Filters, History, When};
use super::{Exit, args, output, start};
use crate::clock::{Clock as _, SystemClock};
use crate::definition::{LoadOptions, ProcessEnvironment, Workspace, load};
use crate::model::Moment;
use crate::report::series::{self, Objective, ObjectiveWord};
use crate::report::{Format, in_html};

pub(super) use gather::{Gathered, Part, hours, objectives, rolled_hours};

/// The window where nothing else is asked for.
const WINDOW: Duration = Duration::from_hours(7 * 24);

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    filters: Filters,
    /// Compare with another window: `previous` (as long, right before), or FROM..TO, such as 14d..7d
    #[arg(long, value_name = "WINDOW", value_parser = Against::parse)]
    against: Option<Against>,
    /// Judge by the probes' objectives: exit code 1 where one is not met, 3 where there are not enough runs to tell
    #[arg(long)]
    objective: bool,
    /// Read hourly roll-ups instead of runs; by itself where runs of the window are gone
    #[arg(long)]
    from_rollups: bool,
    /// What goes to standard output
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Write another format to a file; may be given several times
    #[arg(long, value_name = "FORMAT=FILE", value_parser = args::out)]
    out: Vec<(Format, PathBuf)>,
}

/// Which window to compare with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Against {
    Previous,
    Between(When, When),
}

impl Against {
    fn parse(text: &str) -> Result<Self, String> {
        if text == "previous" {
            return Ok(Self::Previous);
        }
        let (from, to) = text
            .split_once("..")
            .ok_or_else(|| format!("`{text}` is no window: write `previous`, or FROM..TO such as 14d..7d"))?;
        Ok(Self::Between(When::parse(from)?, When::parse(to)?))
    }

    fn part(self, of: Part, now: Moment) -> Result<Part, Exit> {
        let part = match self {
            Self::Previous => Part {
                since: of.since.before(of.until.since(of.since)),
                until: of.since,
            },
            Self::Between(from, to) => Part {
                since: from.moment(now),
                until: to.moment(now),
            },
        };
        if part.since >= part.until {
            output::error(&format!(
                "nothing lies between {} and {} of `--against`: the first has to be the earlier",
                part.since, part.until
            ));
            return Err(Exit::Usage);
        }
        Ok(part)
    }
}

/// Runs the command.
pub(super) async fn run(dir: Option<PathBuf>, args: Args) -> Exit {
    match tell(dir, args).await {
        Ok(exit) | Err(exit) => exit,
    }
}

async fn tell(dir: Option<PathBuf>, args: Args) -> Result<Exit, Exit> {
    let usage = |why: String| {
        output::error(&why);
        Exit::Usage
    };
    output::prepare_files(&args.out).map_err(usage)?;
    let objectives = stated(dir.clone(), args.objective)?;
    let now = SystemClock::start().now();
    let mut filters = args.filters;
    let until = filters.scope.until.map_or(now, |at| at.moment(now));
    let since = filters
        .scope
        .since
        .map_or(until.before(WINDOW), |at| at.moment(now));
    filters.scope.since = Some(When::At(since));
    filters.scope.until = Some(When::At(until));
    let part = Part { since, until };
    let against = args.against.map(|against| against.part(part, now)).transpose()?;
    let history = History::open(dir, &filters, "landfall report").await?;
    let gathered = Gathered {
        part,
        against,
        from_rollups: args.from_rollups,
    };
    let mut report = gathered.report(&history, objectives).await?;
    let drawn = args.format == Format::Html || args.out.iter().any(|(format, _)| *format == Format::Html);
    let details = if drawn {
        detail::read(&history, part, &report).await?
    } else {
        BTreeMap::new()
    };
    separates::look(&history, part, &mut report, &details).await?;
    history.close().await?;
    output::told(args.format, &args.out, |format, style| match format {
        Format::Html => in_html(&report, &details),
        other => other.render_history(&report, style),
    })
    .map_err(usage)?;
    Ok(if args.objective {
        verdict(&report)?
    } else {
        Exit::Fine
    })
}

fn verdict(report: &series::History) -> Result<Exit, Exit> {
    if report.runs() == 0 {
        return Ok(Exit::Undecided);
    }
    match report.objective() {
        Some(ObjectiveWord::Met) => Ok(Exit::Fine),
        Some(ObjectiveWord::NotMet) => Ok(Exit::Failed),
        Some(ObjectiveWord::NotEnough) => Ok(Exit::Undecided),
        None => {
            output::error("`--objective`: no probe of the report states an `objective:` in this workspace");
            Err(Exit::Usage)
        }
    }
}

/// The objectives of the workspace: where they are to be judged by, it has to load; else they are shown where it does.
fn stated(dir: Option<PathBuf>, needed: bool) -> Result<BTreeMap<String, Objective>, Exit> {
    let workspace: Option<Workspace> = if needed {
        Some(start::workspace(dir, &[]).ok_or(Exit::Usage)?)
    } else {
        let options = LoadOptions {
            dir,
            vars: Vec::new(),
        };
        load(&options, &ProcessEnvironment).workspace
    };
    Ok(workspace
        .map(|workspace| objectives(&workspace.probes))
        .unwrap_or_default())
}
