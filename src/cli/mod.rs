//! The command line. One file a command; each returns an exit code.

mod alerts;
mod args;
mod backup;
mod check;
mod compare;
mod completions;
mod demo;
mod diff;
mod explain;
mod fire;
mod history;
mod init;
mod mark;
mod output;
mod paths;
mod pick;
mod plan;
mod reference;
mod report;
mod run;
mod runs;
mod sandbox;
mod schema;
mod serve;
mod show;
mod signals;
mod start;
mod sweep;
mod token;
mod told;

use std::ffi::OsString;
use std::time::Duration;

use clap::Parser as _;

pub use args::Args;

/// Blocking work that is left over at the end gets so long.
const LINGER: Duration = Duration::from_secs(1);

/// Exit codes. Where several hold: usage, failed, blind, undecided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Every run delivered, or what was asked for holds.
    Fine,
    /// A run ended otherwise, or unexecuted, or worse.
    Failed,
    /// Definitions or usage are wrong.
    Usage,
    /// Not enough runs to decide, or skipped by a limit.
    Undecided,
    /// Landfall could not arm or observe.
    Blind,
    /// Interrupted; what was fired is on record.
    Interrupted,
}

impl Exit {
    /// The number.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Fine => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Undecided => 3,
            Self::Blind => 4,
            Self::Interrupted => 130,
        }
    }
}

/// Parses arguments and does what they say.
#[must_use]
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> Exit {
    let args = match Args::try_parse_from(arguments) {
        Ok(args) => args,
        Err(error) => {
            // Help and version are asked for; everything else is wrong usage.
            let asked = !error.use_stderr();
            return match error.print() {
                Ok(()) if asked => Exit::Fine,
                _ => Exit::Usage,
            };
        }
    };
    // A daemon tells what it does; the other commands have a report.
    let level = match args.command {
        args::Command::Serve(_) => "warn,landfall=info",
        _ => "error",
    };
    start::logging(args.log_json, level);
    // One provider for every TLS client and server; a second installation is refused and harmless.
    crate::tls::install();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            output::error(&format!("landfall cannot start its runtime: {error}"));
            return Exit::Blind;
        }
    };
    let exit = runtime.block_on(dispatch(args));
    // A name that is still being looked up, or a file that hangs, holds nobody up who has his answer.
    runtime.shutdown_timeout(LINGER);
    exit
}

async fn dispatch(args: Args) -> Exit {
    let workspace = args.workspace;
    match args.command {
        args::Command::Run(run) => run::run(workspace, run).await,
        args::Command::Serve(serve) => serve::run(workspace, serve).await,
        args::Command::Alerts(alerts) => alerts::run(workspace, alerts).await,
        args::Command::Compare(compare) => compare::run(workspace, *compare).await,
        args::Command::Check(check) => check::run(workspace, check).await,
        args::Command::Plan(plan) => plan::run(workspace, plan),
        args::Command::Report(report) => report::run(workspace, report).await,
        args::Command::Runs(runs) => runs::run(workspace, runs).await,
        args::Command::Explain(explain) => explain::run(workspace, explain).await,
        args::Command::Paths(paths) => paths::run(workspace, paths).await,
        args::Command::Diff(diff) => diff::run(workspace, diff).await,
        args::Command::Show(show) => show::run(workspace, show).await,
        args::Command::Mark(mark) => mark::run(workspace, mark).await,
        args::Command::Backup(backup) => backup::run(workspace, backup).await,
        args::Command::Demo(demo) => demo::run(demo).await,
        args::Command::Sandbox(sandbox) => sandbox::run(sandbox).await,
        args::Command::Init(init) => init::run(&init),
        args::Command::Schema(schema) => schema::run(&schema),
        args::Command::Reference(reference) => reference::run(&reference),
        args::Command::Token(token) => token::run(&token),
        args::Command::Completions(completions) => completions::run(&completions),
    }
}
