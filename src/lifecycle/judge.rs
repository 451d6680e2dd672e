//! The verdict: a function of what is known of a run and of what its channels could see (DESIGN.md section 3).

mod find;
mod flags;

use std::fmt;
use std::time::Duration;

use super::run::{Gap, Run};
use crate::model::{Accepted, ChannelId, Class, ExpectationState, Flag, Interval, Layer, Moment};

/// A look sent this near a limit counts at the limit (DESIGN.md section 5).
pub const LOOK_TOLERANCE: Duration = Duration::from_millis(50);

/// What a judge may know of the channels.
pub trait Sight {
    /// Stretches in which the channel could not see and which no later look has closed.
    fn gaps(&self, channel: ChannelId) -> &[Gap];
    /// The limit that made the gap by dropping something, where one did.
    fn limit(&self, channel: ChannelId, gap: Gap) -> Option<std::sync::Arc<str>>;
    /// The instant up to which nothing is unseen.
    fn through(&self, channel: ChannelId) -> Moment;
    /// How long after a limit a look that has not come back is waited for.
    fn patience(&self) -> Duration;
}

/// What became of one expectation, as far as it can be said.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// `None` while undecided.
    pub state: Option<ExpectationState>,
    /// When it was met.
    pub at: Option<Interval>,
    /// How many distinct things met it (for an unmet one: passed `where`).
    pub count: u32,
    /// The instant at which it was decided; while undecided the next instant at which to look again.
    pub moment: Moment,
    /// A limit lies inside the interval that decided.
    pub straddling: bool,
    /// Why, where it was not simply met.
    pub why: Why,
}

/// Why an expectation was not simply met.
#[derive(Clone, Debug, PartialEq)]
pub enum Why {
    /// It was, or it is undecided.
    None,
    /// Met so long after its limit.
    After(Duration),
    /// Met so long after the end of its grace.
    AfterGrace(Duration),
    /// So many arrived, at most so many may.
    TooMany(u32, u32),
    /// So many arrived, at least so many should.
    TooFew(u32, u32),
    /// So many passed `where`, so many of them `expect`, at least so many should.
    NotAsExpected(u32, u32, u32),
    /// Something arrived that must not.
    Forbidden(u32),
    /// The channel could not see.
    Blind,
    /// The limit lies inside an interval that landfall's own outage widened.
    Widened,
    /// A limit of landfall's own dropped something; its words.
    Dropped(std::sync::Arc<str>),
    /// Nobody knows whether the request left.
    FireUnknown,
    /// Landfall ended while the request was under way.
    Interrupted,
    /// The time for the answer ran out while landfall was held up.
    Belated,
    /// The wall clock was set while landfall was not running.
    Unclocked,
    /// The run was ended early.
    Cut(std::sync::Arc<str>),
    /// The system had said that it failed.
    Overtaken,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => Ok(()),
            Self::After(by) => write!(f, "arrived {} after its limit", seconds(*by)),
            Self::AfterGrace(by) => write!(f, "arrived {} after the end of its grace", seconds(*by)),
            Self::TooMany(n, max) => write!(f, "{n} arrived, at most {max} expected"),
            Self::TooFew(0, 1) => f.write_str("nothing arrived"),
            Self::TooFew(n, min) => write!(f, "{n} arrived, at least {min} expected"),
            Self::NotAsExpected(matched, held, min) => {
                write!(f, "{matched} arrived, {held} as expected, at least {min} needed")
            }
            Self::Forbidden(n) => write!(f, "{n} arrived, none expected"),
            Self::Blind => f.write_str("the channel could not see"),
            Self::Widened => f.write_str("the limit lies inside an outage of landfall's own"),
            Self::Dropped(limit) => write!(f, "a limit of landfall's own dropped something: {limit}"),
            Self::FireUnknown => f.write_str("nobody knows whether the request left"),
            Self::Interrupted => f.write_str("landfall ended while the request was under way"),
            Self::Belated => f.write_str("the time for the answer ran out while landfall was held up"),
            Self::Unclocked => f.write_str("the clock was set while landfall was not running"),
            Self::Cut(why) => f.write_str(why),
            Self::Overtaken => f.write_str("not seen when the system said that it failed"),
        }
    }
}

fn seconds(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    if seconds < 1.0 {
        format!("{:.0} ms", seconds * 1e3)
    } else {
        format!("{seconds:.2} s")
    }
}

/// What can be said of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// One for each expectation of the leg.
    pub findings: Vec<Finding>,
    /// The class, once everything that decides it is decided.
    pub class: Option<Class>,
    /// When the run closes, if nothing more arrives.
    pub closes: Option<Moment>,
    /// Facts beside the class.
    pub flags: Vec<Flag>,
    /// When the system said that it failed, where that counts.
    pub failed: Option<Moment>,
}

/// Judges a run at `now`.
pub fn judge(run: &Run, sight: &dyn Sight, now: Moment) -> Judgement {
    let Some(sent) = run.sent else {
        return Judgement {
            findings: Vec::new(),
            class: None,
            closes: None,
            flags: Vec::new(),
            failed: None,
        };
    };
    let findings: Vec<Finding> = run
        .leg
        .expectations
        .iter()
        .enumerate()
        .map(|(i, spec)| find::find(run, sight, now, sent, i, spec))
        .collect();
    let mut judgement = Judgement {
        findings,
        class: None,
        closes: None,
        flags: Vec::new(),
        failed: None,
    };
    decide(run, &mut judgement);
    if judgement.class.is_some() {
        settle_undecided(run, &mut judgement);
        judgement.flags = flags::flags(run, &judgement);
    }
    judgement
}

/// Worse is greater; the order of DESIGN.md section 3.
fn severity(state: ExpectationState) -> u8 {
    match state {
        ExpectationState::Met => 0,
        ExpectationState::Late => 1,
        ExpectationState::Duplicate => 2,
        ExpectationState::Blind => 3,
        ExpectationState::Mismatched => 4,
        ExpectationState::Lost => 5,
        ExpectationState::Unwanted => 6,
    }
}

fn class_of(state: ExpectationState) -> Class {
    match state {
        ExpectationState::Met => Class::Delivered,
        ExpectationState::Late => Class::Late,
        ExpectationState::Duplicate => Class::Duplicate,
        ExpectationState::Blind => Class::Unobserved,
        ExpectationState::Mismatched => Class::Mismatched,
        ExpectationState::Lost => Class::Lost,
        ExpectationState::Unwanted => Class::Unwanted,
    }
}

const fn arrived(state: ExpectationState) -> bool {
    matches!(
        state,
        ExpectationState::Met | ExpectationState::Late | ExpectationState::Duplicate
    )
}

/// Seen, but at an instant that nobody knows.
fn blurred(finding: &Finding) -> bool {
    finding.state == Some(ExpectationState::Blind) && finding.at.is_some()
}

fn of_layer<'a>(run: &'a Run, judgement: &'a Judgement, layer: Layer) -> impl Iterator<Item = &'a Finding> {
    run.leg
        .expectations
        .iter()
        .zip(&judgement.findings)
        .filter(move |(e, _)| e.layer == layer)
        .map(|(_, f)| f)
}

fn decide(run: &Run, judgement: &mut Judgement) {
    let accepted = match (&run.answered, &run.cut) {
        (Some(answer), _) => answer.accepted,
        (None, Some(_)) => Accepted::Unknown,
        (None, None) if run.fire_unknown => Accepted::Unknown,
        (None, None) => return,
    };
    let outcomes = || of_layer(run, judgement, Layer::Outcome);
    let steps_open = of_layer(run, judgement, Layer::Executed).any(|f| f.state.is_none());
    let open = steps_open || outcomes().any(|f| f.state.is_none());
    let worst = outcomes()
        .filter_map(|f| f.state)
        .max_by_key(|s| severity(*s))
        .map(class_of);
    let ends = closes(run, judgement);
    // What the system says after the run has ended changes nothing, in whatever order it became known.
    let failed = failed_at(run, judgement).filter(|at| accepted != Accepted::No && *at <= ends);

    let class = if let Some(failed) = failed {
        let wanted = || wanted(run, judgement);
        let done = wanted().map(|f| f.moment).max().unwrap_or(failed);
        if !wanted().all(|f| f.state.is_some_and(arrived) || blurred(f)) {
            Some(Class::Failed)
        } else if wanted().any(blurred) {
            Some(Class::Unobserved)
        } else if done <= failed {
            worst
        } else {
            Some(Class::Late)
        }
    } else if open {
        None
    } else if accepted == Accepted::No {
        let came = wanted(run, judgement).any(|f| f.at.is_some());
        Some(if came { Class::Phantom } else { Class::Rejected })
    } else if matches!(worst, Some(Class::Lost | Class::Mismatched))
        && of_layer(run, judgement, Layer::FailedWhen).any(blurred)
    {
        // It may have said so in time: then nothing is silent about the failure.
        Some(Class::Unobserved)
    } else {
        worst
    };
    judgement.class = class;
    let answered = run.answered.as_ref().map(|a| a.at);
    judgement.closes = match failed {
        // It decides at once.
        Some(at) => answered.into_iter().chain([at.after(run.leg.settle)]).max(),
        None => (!open).then_some(ends),
    };
    judgement.failed = failed;
}

/// Outcomes that should arrive.
fn wanted<'a>(run: &'a Run, judgement: &'a Judgement) -> impl Iterator<Item = &'a Finding> {
    let all = run.leg.expectations.iter().zip(&judgement.findings);
    all.filter(|(e, _)| e.layer == Layer::Outcome && !e.times.forbids())
        .map(|(_, f)| f)
}

/// When the system said that it failed.
fn failed_at(run: &Run, judgement: &Judgement) -> Option<Moment> {
    of_layer(run, judgement, Layer::FailedWhen)
        .filter(|f| f.state.is_some_and(arrived) && f.at.is_some())
        .map(|f| f.moment)
        .min()
}

/// When the run closes if nothing more arrives: `settle` after the last thing that was waited for came, and not before
/// the end of the grace of what did not come.
fn closes(run: &Run, judgement: &Judgement) -> Moment {
    let sent = run.sent.unwrap_or(run.tick.due);
    let ends = run
        .leg
        .expectations
        .iter()
        .zip(&judgement.findings)
        .filter_map(|(e, f)| {
            let waited = matches!(e.layer, Layer::Executed | Layer::Outcome);
            let came = f.at.map(|_| f.moment.after(run.leg.settle));
            waited.then(|| came.unwrap_or_else(|| sent.after(e.within).after(e.grace)))
        });
    ends.chain(run.answered.as_ref().map(|a| a.at))
        .max()
        .unwrap_or(sent)
}

/// Once the class stands, an expectation that nobody waited for any longer is said to be what it was: not seen.
fn settle_undecided(run: &Run, judgement: &mut Judgement) {
    for (spec, finding) in run.leg.expectations.iter().zip(&mut judgement.findings) {
        if finding.state.is_some() || !matches!(spec.layer, Layer::Executed | Layer::Outcome) {
            continue;
        }
        if spec.times.min == 0 {
            finding.state = Some(ExpectationState::Met);
        } else {
            finding.state = Some(ExpectationState::Lost);
            finding.why = Why::Overtaken;
        }
    }
}
