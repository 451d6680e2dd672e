//! What the page of a probe is made of.

use std::collections::BTreeMap;

use crate::compare::Comparison;
use crate::model::{Class, Mark, Moment, ProbeState, RunId, Seconds};
use crate::report::causes::Causes;
use crate::report::course::Course;
use crate::report::paths::Paths;
use crate::report::series::{ProbeFigures, Source};
use crate::report::steps::Steps;

/// What became of a probe's runs in a window.
#[derive(Clone, Debug, PartialEq)]
pub struct ProbeData {
    /// When it was made.
    pub made: Moment,
    /// What figures and drawings over time were made from.
    pub source: Source,
    /// Its figures; `None` where nothing ended and nothing was skipped.
    pub figures: Option<ProbeFigures>,
    /// Its runs over time.
    pub course: Course,
    /// By when an outcome should arrive, and after which it counts as lost, in seconds since the first byte: the longest
    /// of the definition's.
    pub limits: Option<(f64, f64)>,
    /// The routes against the first one, tick by tick, the worst first; `None` where there are not two.
    pub compared: Option<Comparison>,
    /// What separates bad runs from good.
    pub causes: Option<Causes>,
    /// The ways that runs took.
    pub paths: Option<Paths>,
    /// The stages at which runs stop.
    pub steps: Steps,
    /// So many runs, the newest of the window, were read one by one for causes, paths and bad runs.
    pub looked_at: u64,
    /// The most that would have been.
    pub most: u64,
    /// What single runs tell is still being made: there are no causes, paths, steps, bad runs and no comparison yet.
    pub partial: bool,
    /// The last of those that did not end well, the newest first.
    pub bad: Vec<BadRun>,
    /// What people noted in the window.
    pub marks: Vec<Mark>,
    /// When it did not fire or alerted nobody, and when that is to be, the earliest first.
    pub maintenance: Vec<Maintenance>,
    /// What has to be known of all this.
    pub notes: Vec<String>,
    /// The file that defines it.
    pub definition: Option<DefinitionText>,
}

/// A maintenance window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Maintenance {
    /// When it begins.
    pub from: Moment,
    /// Its end, which is not part of it.
    pub to: Moment,
    /// Whether the probe fires meanwhile, and only nobody is alerted.
    pub fires: bool,
    /// What for, as the definition says; may be empty.
    pub reason: String,
}

/// One run that did not end well.
#[derive(Clone, Debug, PartialEq)]
pub struct BadRun {
    /// Its id.
    pub id: RunId,
    /// The scheduled instant, RFC 3339.
    pub tick: String,
    /// The route's name.
    pub route: String,
    /// The input's name.
    pub input: String,
    /// The verdict.
    pub class: Class,
    /// Why.
    pub reason: String,
    /// When the outcome was there.
    pub seconds: Option<Seconds>,
    /// Accepted, and nothing said that it failed.
    pub silent: bool,
}

/// The text of a definition, without its secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DefinitionText {
    /// The file, relative to the workspace.
    pub file: String,
    /// The lines at which its expectations stand, from 1, each with what is said of it.
    pub places: BTreeMap<u32, String>,
    /// Its text.
    pub text: String,
}

/// What the daemon says of a probe now.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Standing {
    /// Its name.
    pub name: String,
    /// Its state; `None` where no daemon says.
    pub state: Option<ProbeState>,
    /// Its routes.
    pub routes: Vec<RouteStanding>,
    /// The alerts that are open.
    pub alerts: Vec<OpenAlert>,
}

/// What the daemon says of a route now.
#[derive(Clone, Debug, PartialEq)]
pub struct RouteStanding {
    /// Its name.
    pub name: String,
    /// Its state.
    pub state: ProbeState,
    /// Why it is so; empty where it is ok.
    pub why: String,
    /// Runs fired and not yet decided.
    pub in_flight: u32,
}

/// An alert that is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenAlert {
    /// In one line.
    pub title: String,
    /// How loud it is.
    pub severity: String,
    /// The scheduled instant of the first bad run, RFC 3339.
    pub since: String,
    /// The routes that are part of it.
    pub routes: Vec<String>,
    /// Whether nobody is told of it now.
    pub muted: bool,
}
