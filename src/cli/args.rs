//! Every command with its options; help and completions follow from here.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand};

use super::history::When;
use crate::definition::public_address;
use crate::report::Format;

/// Fires canary requests down every route and judges each by its outcome.
#[derive(Debug, Parser)]
#[command(
    name = "landfall",
    version,
    propagate_version = true,
    disable_help_subcommand = true
)]
pub struct Args {
    /// The folder with `landfall.yaml`; the nearest one upwards where it is left out
    #[arg(short, long, global = true, value_name = "DIR")]
    pub(super) workspace: Option<PathBuf>,
    /// Log lines as JSON (what is logged: the variable LANDFALL_LOG, for example `landfall=debug`)
    #[arg(long, global = true)]
    pub(super) log_json: bool,
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Fire probes, wait for their outcomes, report
    Run(Run),
    /// Fire the probes of the workspace on their schedules until told to stop
    Serve(Serve),
    /// Compare routes: fired at the same ticks, on record, or two result files
    Compare(Box<super::compare::Args>),
    /// List and mute alerts, try their destinations out, or go through history with the rules
    Alerts(Alerts),
    /// Say how many runs a claim, a gate, a comparison or an objective needs
    Plan(super::plan::Args),
    /// Load and validate the workspace
    Check(Check),
    /// Figures of the runs on record, the last 7 days where `--since` is left out
    Report(super::report::Args),
    /// Print the runs on record
    Runs(super::runs::Args),
    /// Say what separates bad runs from good: which route, provider, worker, hour, release, and by how much
    Explain(super::explain::Args),
    /// Say which ways runs took, hop by hop, how often, and how each way ended
    Paths(super::paths::Args),
    /// Say where two runs first part, then layer by layer, hop by hop, field by field
    Diff(super::diff::Args),
    /// Print one run's timeline
    Show(super::show::Args),
    /// Note a deployment or an incident on the time line
    Mark(super::mark::Args),
    /// Copy the store, consistently, while it is in use
    Backup(super::backup::Args),
    /// Start the sandbox and its probes in one process and see how often the verdicts agree with the truth
    Demo(Demo),
    /// A message gateway with scripted faults, on its own
    Sandbox(Sandbox),
    /// Write a workspace that runs as it is
    Init(Init),
    /// Print the JSON Schema of definitions, or of what `--format json` prints
    Schema(Schema),
    /// Print the reference of a kind
    Reference(Reference),
    /// Make a token for the API and the pages
    Token(Token),
    /// Print a shell's completions
    Completions(Completions),
}

#[derive(Debug, clap::Args)]
pub(super) struct Run {
    /// Probes to fire; every enabled one where none is named
    #[arg(value_name = "PROBE")]
    pub(super) probes: Vec<String>,
    /// Fire so many ticks
    #[arg(long, value_name = "N", default_value_t = 1, conflicts_with = "for_", allow_negative_numbers = true, value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) count: u32,
    /// Fire ticks for so long
    #[arg(long = "for", id = "for_", value_name = "TIME", value_parser = some_time)]
    pub(super) for_: Option<Duration>,
    /// Time between ticks
    #[arg(long, value_name = "TIME", value_parser = some_time, default_value = "1s")]
    pub(super) every: Duration,
    #[command(flatten)]
    pub(super) gate: super::fire::GateArgs,
    /// Only these routes
    #[arg(long, value_name = "ROUTE")]
    pub(super) route: Vec<String>,
    /// Only probes with this label
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    pub(super) label: Vec<(String, String)>,
    /// Replace a value of `vars`
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    pub(super) var: Vec<(String, String)>,
    /// Print the rendered requests and send nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    /// End every run that is still open after so long
    #[arg(long, value_name = "TIME", value_parser = some_time)]
    pub(super) deadline: Option<Duration>,
    /// Judge at the end of `within`: nothing is late, what is not there is lost
    #[arg(long)]
    pub(super) no_grace: bool,
    /// Stop at the first run that did not end well, or route that is bad
    #[arg(long)]
    pub(super) fail_fast: bool,
    /// Listen for callbacks here instead of the workspace's `listen`
    #[arg(long, value_name = "ADDR")]
    pub(super) listen: Option<SocketAddr>,
    /// How the outside reaches the listener
    #[arg(long, value_name = "URL", value_parser = public_url)]
    pub(super) public_url: Option<String>,
    /// Skip `cleanup`: what the canaries made stays
    #[arg(long)]
    pub(super) keep_data: bool,
    /// `memory`, or `sqlite:PATH`, instead of the workspace's store
    #[arg(long, value_name = "STORE", value_parser = store)]
    pub(super) store: Option<String>,
    #[command(flatten)]
    pub(super) output: Output,
}

#[derive(Debug, clap::Args)]
pub(super) struct Output {
    /// What goes to standard output
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(super) format: Format,
    /// Write another format to a file; may be given several times
    #[arg(long, value_name = "FORMAT=FILE", value_parser = out)]
    pub(super) out: Vec<(Format, PathBuf)>,
    /// Follow every run step by step
    #[arg(short, long)]
    pub(super) verbose: bool,
}

#[derive(Debug, Default, clap::Args)]
pub(super) struct Serve {
    /// Replace a value of `vars`
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    pub(super) var: Vec<(String, String)>,
    /// Listen for callbacks here instead of the workspace's `listen`
    #[arg(long, value_name = "ADDR")]
    pub(super) listen: Option<SocketAddr>,
    /// How the outside reaches the listener
    #[arg(long, value_name = "URL", value_parser = public_url)]
    pub(super) public_url: Option<String>,
    /// `memory`, or `sqlite:PATH`, instead of the workspace's store
    #[arg(long, value_name = "STORE", value_parser = store)]
    pub(super) store: Option<String>,
    /// Fire although the clock shows a time before what the store holds
    #[arg(long)]
    pub(super) trust_clock: bool,
    /// Take changed definitions on SIGHUP and by the API alone, not as soon as their files change
    #[arg(long)]
    pub(super) no_watch: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct Alerts {
    /// Replace a value of `vars`
    #[arg(long, global = true, value_name = "KEY=VALUE", value_parser = pair)]
    pub(super) var: Vec<(String, String)>,
    #[command(subcommand)]
    pub(super) command: AlertsCommand,
}

#[derive(Debug, Subcommand)]
pub(super) enum AlertsCommand {
    /// Send a trial to each destination and say what was answered
    Test {
        /// Only this destination
        #[arg(value_name = "DESTINATION")]
        destination: Option<String>,
    },
    /// Run the rules over stored history and say how often they would have fired, when, and for how long
    Replay(Replay),
    /// List the alerts that are open, the mutes in force and what waits to be sent
    List(super::alerts::ListArgs),
    /// Tell nobody of alerts for a while; a daemon that runs takes it up within seconds
    Mute(super::alerts::MuteArgs),
    /// End a mute
    Unmute(super::alerts::UnmuteArgs),
}

#[derive(Debug, clap::Args)]
pub(super) struct Replay {
    /// Only these probes
    #[arg(value_name = "PROBE")]
    pub(super) probe: Vec<String>,
    /// From here on: an instant such as 2026-01-31T12:00:00Z, or so long ago, such as 14d; 30d where it is left out
    #[arg(long, value_name = "TIME", value_parser = When::parse)]
    pub(super) since: Option<When>,
    /// Until here; now where it is left out
    #[arg(long, value_name = "TIME", value_parser = When::parse)]
    pub(super) until: Option<When>,
    /// `memory`, or `sqlite:PATH`, instead of the workspace's store
    #[arg(long, value_name = "STORE", value_parser = store)]
    pub(super) store: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(super) struct Check {
    /// Also arm and test every channel
    #[arg(long)]
    pub(super) online: bool,
    /// Print the whole set as it was understood, secrets masked
    #[arg(long)]
    pub(super) print: bool,
    /// Replace a value of `vars`
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    pub(super) var: Vec<(String, String)>,
    /// Listen for callbacks here instead of the workspace's `listen`
    #[arg(long, value_name = "ADDR")]
    pub(super) listen: Option<SocketAddr>,
    /// How the outside reaches the listener
    #[arg(long, value_name = "URL", value_parser = public_url)]
    pub(super) public_url: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(super) struct Demo {
    /// Runs to fire, over all routes together
    #[arg(long, value_name = "N", default_value_t = 60, allow_negative_numbers = true, value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) runs: u32,
    /// The same seed scripts the same faults
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub(super) seed: u64,
    /// Then go on as the daemon does, on a schedule and with its pages, until Ctrl-C
    #[arg(long)]
    pub(super) serve: bool,
    #[command(flatten)]
    pub(super) output: Output,
}

#[derive(Debug, clap::Args)]
pub(super) struct Sandbox {
    /// Where the gateway's API listens
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:4780")]
    pub(super) listen: SocketAddr,
    /// Append one line of JSON a request: what was really done
    #[arg(long, value_name = "FILE")]
    pub(super) ledger: Option<PathBuf>,
    /// The script of faults, in YAML
    #[arg(long, value_name = "FILE")]
    pub(super) faults: Option<PathBuf>,
    /// The same seed scripts the same faults
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub(super) seed: u64,
    /// Write messages as rows into this SQLite file
    #[arg(long, value_name = "FILE")]
    pub(super) database: Option<PathBuf>,
    /// Deliver mail to this SMTP server
    #[arg(long, value_name = "HOST:PORT")]
    pub(super) smtp: Option<String>,
    /// Write a workspace that probes this gateway into the folder, and end
    #[arg(long, value_name = "DIR")]
    pub(super) print_workspace: Option<PathBuf>,
    /// List the faults that a script can name, and end
    #[arg(long)]
    pub(super) print_faults: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct Init {
    /// The folder to write into; it is made where it is missing
    #[arg(value_name = "DIR", default_value = ".")]
    pub(super) dir: PathBuf,
}

#[derive(Debug, clap::Args)]
pub(super) struct Schema {
    /// Which schema
    #[arg(value_enum, default_value_t = SchemaOf::Probe)]
    pub(super) of: SchemaOf,
}

/// What a schema describes.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(super) enum SchemaOf {
    /// A file under `probes/`
    Probe,
    /// `landfall.yaml`
    Workspace,
    /// What `run --format json` prints
    Results,
    /// What `plan --format json` prints
    Plan,
    /// What `explain --format json` prints
    Causes,
    /// What `paths --format json` prints
    Paths,
    /// What `diff --format json` prints
    Twins,
    /// What `report --format json` prints
    Report,
    /// What `compare --format json` prints
    Comparison,
    /// What alerts say
    Alert,
    /// The OpenAPI document of the API of `serve`
    Openapi,
}

#[derive(Debug, clap::Args)]
pub(super) struct Token {
    #[command(subcommand)]
    pub(super) command: TokenCommand,
}

#[derive(Debug, Subcommand)]
pub(super) enum TokenCommand {
    /// Print a new token, once, and what to write into landfall.yaml
    New {
        /// What its holder may do
        #[arg(long, value_enum, default_value_t = Scope::Read)]
        scope: Scope,
        /// How it is called in landfall.yaml, in logs and at marks
        #[arg(long, value_name = "NAME", default_value = "NAME")]
        name: String,
    },
}

/// What the holder of a token may do.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(super) enum Scope {
    /// Look at everything, change nothing
    Read,
    /// Also fire, pause, mute, mark and reload
    Operate,
}

#[derive(Debug, clap::Args)]
pub(super) struct Reference {
    /// A kind such as `imap`, `channel.http` or `trigger.http`, or a part of a definition; the list where it is left out
    #[arg(value_name = "KIND")]
    pub(super) kind: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(super) struct Completions {
    /// Which shell
    #[arg(value_enum)]
    pub(super) shell: clap_complete::Shell,
}

impl Output {
    /// Whether this format goes anywhere.
    pub(super) fn wants(&self, format: Format) -> bool {
        self.format == format || self.out.iter().any(|(other, _)| *other == format)
    }
}

pub(super) fn pair(text: &str) -> Result<(String, String), String> {
    let (key, value) = text
        .split_once('=')
        .ok_or_else(|| format!("`{text}` has no `=`; write KEY=VALUE"))?;
    Ok((key.to_owned(), value.to_owned()))
}

pub(super) fn out(text: &str) -> Result<(Format, PathBuf), String> {
    let (format, file) = pair(text).map_err(|_| format!("`{text}` has no `=`; write FORMAT=FILE"))?;
    let format = <Format as clap::ValueEnum>::from_str(&format, false).map_err(|_| {
        format!("`{format}` is no format; one of text, json, ndjson, junit, github, markdown, html")
    })?;
    Ok((format, PathBuf::from(file)))
}

pub(super) fn some_time(text: &str) -> Result<Duration, String> {
    match crate::model::Lapse::parse(text)?.0 {
        Duration::ZERO => Err(String::from("it must be longer than nothing, such as 500ms")),
        time => Ok(time),
    }
}

pub(super) fn store(text: &str) -> Result<String, String> {
    // The folder is known only once the workspace is found.
    let known = crate::store::Location::parse(text, std::path::Path::new(""));
    known.map(|_| text.to_owned()).map_err(|fault| fault.message)
}

pub(super) fn public_url(text: &str) -> Result<String, String> {
    public_address(text).ok_or_else(|| {
        String::from("expected an http or https URL without credentials, query or fragment, such as https://probes.example.com")
    })
}
