//! `landfall plan`: how many runs or ticks a claim needs, from the user's own numbers. Nothing is fired.

use std::path::PathBuf;
use std::time::Duration;

use super::fire::level;
use super::{Exit, args, output, start};
use crate::alert::policy::{self, Rule};
use crate::alert::{Cadence, Policy, Rules, Severity};
use crate::definition::{Objective, Probe};
use crate::model::{Lapse, Percent};
use crate::report::plan::{AlertPlan, Ask, AskProbe, Goal, ProbePlan, reckon};
use crate::stats::alerting;
use crate::stats::gate::Gate;

/// The window of an objective that is given without one.
const WINDOW: &str = "30d";

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Probes to plan for; where nothing is named or given, every one of the workspace
    #[arg(value_name = "PROBE")]
    probes: Vec<String>,
    /// How sure a claim is to be
    #[arg(long, value_name = "SHARE", value_parser = level, default_value = "95%")]
    confidence: Percent,
    /// The time between ticks: then it is said how long all of it takes
    #[arg(long, value_name = "TIME", value_parser = args::some_time)]
    every: Option<Duration>,
    /// Runs to claim that at least so many are delivered; may be given several times
    #[arg(long, value_name = "SHARE", value_parser = level)]
    claim: Vec<Percent>,
    /// The good level of `run --until-decided`
    #[arg(long, value_name = "SHARE", value_parser = level)]
    good: Option<Percent>,
    /// Its bad level; may be given several times
    #[arg(long, value_name = "SHARE", value_parser = level)]
    bad: Vec<Percent>,
    /// Call a good route bad no more often than this
    #[arg(long, value_name = "SHARE", value_parser = level, default_value = "5%")]
    alpha: Percent,
    /// Call a bad route good no more often than this
    #[arg(long, value_name = "SHARE", value_parser = level, default_value = "5%")]
    beta: Percent,
    /// How many runs of the baseline of `compare` are good
    #[arg(long, value_name = "SHARE", value_parser = level)]
    baseline: Option<Percent>,
    /// How many runs of a worse route are good; may be given several times
    #[arg(long, value_name = "SHARE", value_parser = level)]
    worse: Vec<Percent>,
    /// The loss that does not matter to `compare`; may be given several times
    #[arg(long, value_name = "SHARE", value_parser = level)]
    margin: Vec<Percent>,
    /// An objective, the share on time: what it takes to prove, and the alerts that it implies
    #[arg(long, value_name = "SHARE", value_parser = level, requires = "every")]
    objective: Option<Percent>,
    /// The objective's window
    #[arg(long, value_name = "TIME", value_parser = args::some_time, default_value = WINDOW, requires = "objective")]
    window: Duration,
    /// False pages that are allowed in 30 days
    #[arg(long, value_name = "N", default_value_t = alerting::FALSE_PAGES, requires = "objective", value_parser = allowance)]
    false_pages: f64,
    /// False tickets that are allowed in 30 days
    #[arg(long, value_name = "N", default_value_t = alerting::FALSE_TICKETS, requires = "objective", value_parser = allowance)]
    false_tickets: f64,
    /// Replace a value of `vars`
    #[arg(long, value_name = "KEY=VALUE", value_parser = args::pair)]
    var: Vec<(String, String)>,
    /// What goes to standard output
    #[arg(long, value_enum, default_value_t = Form::Text)]
    format: Form,
}

/// How a plan is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    /// Tables for people
    Text,
    /// One object; `landfall schema plan` describes it
    Json,
    /// For a pull request or a page
    Markdown,
}

/// Runs the command.
pub(super) fn run(dir: Option<PathBuf>, args: Args) -> Exit {
    let asked = args.asks_for_something() || args.every.is_some();
    let probes = if args.probes.is_empty() && asked {
        args.given().map(|given| given.into_iter().collect())
    } else {
        let Some(workspace) = start::workspace(dir, &args.var) else {
            return Exit::Usage;
        };
        chosen(&workspace.probes, &args.probes).and_then(|probes| {
            let all = probes.into_iter().map(of_probe);
            all.collect::<Result<Vec<_>, _>>()
        })
    };
    let plan = probes
        .and_then(|probes| args.ask(probes))
        .and_then(|ask| reckon(&ask));
    match plan {
        Ok(plan) => {
            output::data(&match args.format {
                Form::Text => plan.text(output::style()),
                Form::Json => plan.json(),
                Form::Markdown => plan.markdown(),
            });
            Exit::Fine
        }
        Err(message) => {
            output::error(&message);
            Exit::Usage
        }
    }
}

impl Args {
    /// Whether a question of its own is asked, not all of them with usual numbers.
    fn asks_for_something(&self) -> bool {
        !self.claim.is_empty()
            || self.asks_of_gates()
            || self.asks_of_worse()
            || !self.margin.is_empty()
            || self.objective.is_some()
    }

    fn asks_of_gates(&self) -> bool {
        self.good.is_some() || !self.bad.is_empty()
    }

    fn asks_of_worse(&self) -> bool {
        self.baseline.is_some() || !self.worse.is_empty()
    }

    fn ask(&self, probes: Vec<AskProbe>) -> Result<Ask, String> {
        let all = !self.asks_for_something();
        let or = |given: &[Percent], usual: &[f64]| -> Vec<f64> {
            if given.is_empty() {
                usual.to_vec()
            } else {
                given.iter().map(|share| share.0).collect()
            }
        };
        let when = |asked: bool, shares: Vec<f64>| if all || asked { shares } else { Vec::new() };
        let good = self.good.map_or(Gate::ci().good(), |share| share.0);
        let baseline = self.baseline.map_or(0.99, |share| share.0);
        let gates = when(self.asks_of_gates(), or(&self.bad, &[0.5, 0.8, 0.9, 0.95]))
            .into_iter()
            .filter(|bad| !self.bad.is_empty() || *bad < good)
            .map(|bad| Gate::new(good, bad, self.alpha.0, self.beta.0).map_err(|error| error.to_string()));
        let worse = when(self.asks_of_worse(), or(&self.worse, &[0.5, 0.8, 0.9, 0.95]));
        let usable = |share: &f64| !self.worse.is_empty() || *share < baseline;
        Ok(Ask {
            confidence: self.confidence.0,
            every: self.every.map(|every| every.as_secs_f64()),
            probes,
            claims: when(!self.claim.is_empty(), or(&self.claim, &[0.9, 0.95, 0.99, 0.999])),
            gates: gates.collect::<Result<_, _>>()?,
            worse: worse
                .into_iter()
                .filter(usable)
                .map(|route| (baseline, route))
                .collect(),
            margins: when(!self.margin.is_empty(), or(&self.margin, &[0.05, 0.1]))
                .into_iter()
                .map(|margin| (margin, baseline))
                .collect(),
        })
    }

    /// What stands in the place of a probe: an objective and a time between ticks.
    fn given(&self) -> Result<Option<AskProbe>, String> {
        let (Some(objective), Some(every)) = (self.objective, self.every) else {
            return Ok(None);
        };
        let policy = Policy {
            false_pages: self.false_pages,
            false_tickets: self.false_tickets,
            // Silence is a matter of how long its runs take, which nobody has said.
            no_data: Some(Duration::ZERO),
            ..Policy::default()
        };
        let ticks = (alerting::PERIOD / every.as_secs_f64()).round();
        if every.as_secs_f64() > alerting::PERIOD {
            return Err(format!(
                "`--every {}` is longer than the 30 days over which alerts are reckoned",
                Lapse(every)
            ));
        }
        let cadence = Cadence {
            ticks: whole(ticks),
            longest_gap: every,
            decided_after: Duration::ZERO,
        };
        let rules = Rules::new(&policy, Some(objective.0), Some(cadence))?;
        Ok(Some(AskProbe {
            plan: ProbePlan {
                probe: None,
                schedule: Some(format!("every {}", Lapse(every))),
                ticks_in_30_days: Some(whole(ticks)),
                series: 1,
                objectives: Vec::new(),
                alerts: alerts(&rules),
                left_out: rules.left_out,
            },
            goals: vec![(Goal::OnTime, objective.0, String::new())],
            window: self.window.as_secs_f64(),
            gap: Some(every.as_secs_f64()),
        }))
    }
}

/// The probes that are named, or all.
fn chosen<'a>(probes: &'a [std::sync::Arc<Probe>], names: &[String]) -> Result<Vec<&'a Probe>, String> {
    if names.is_empty() {
        return Ok(probes.iter().map(AsRef::as_ref).collect());
    }
    let find = |name: &String| {
        let found = probes.iter().find(|p| p.name.as_ref() == name);
        found
            .map(AsRef::as_ref)
            .ok_or_else(|| super::fire::unknown("probe", name, probes.iter().map(|p| p.name.as_ref())))
    };
    names.iter().map(find).collect()
}

fn of_probe(probe: &Probe) -> Result<AskProbe, String> {
    let on_time = probe.objective.as_ref().and_then(|o| o.on_time);
    let rules = Rules::new(&probe.alerts, on_time, probe.cadence())
        .map_err(|why| format!("the alerts of `{}`: {why}", probe.name))?;
    let rate = probe.schedule.as_ref().map(|s| s.rate());
    Ok(AskProbe {
        plan: ProbePlan {
            probe: Some(probe.name.to_string()),
            schedule: probe.schedule.as_ref().map(|s| s.describe()),
            ticks_in_30_days: rate.map(|r| r.in_30_days),
            series: probe.legs.len() as u64,
            objectives: Vec::new(),
            alerts: alerts(&rules),
            left_out: rules.left_out.clone(),
        },
        goals: probe.objective.as_ref().map_or_else(Vec::new, goals),
        window: probe.objective.as_ref().map_or(0.0, |o| o.window),
        gap: rate.map(|r| r.mean_gap.as_secs_f64()),
    })
}

fn goals(objective: &Objective) -> Vec<(Goal, f64, String)> {
    let limit = |seconds: f64| {
        Duration::try_from_secs_f64(seconds).map_or_else(|_| String::from("-"), |t| Lapse(t).to_string())
    };
    let on_time = objective
        .on_time
        .map(|share| (Goal::OnTime, share, String::new()));
    let p95 = objective.p95.map(|seconds| (Goal::P95, 0.95, limit(seconds)));
    let consistency = objective
        .consistency
        .map(|share| (Goal::Consistency, share, String::new()));
    [on_time, p95, consistency].into_iter().flatten().collect()
}

/// The rules, each with the numbers that it rests on.
fn alerts(rules: &Rules) -> Vec<AlertPlan> {
    let numbers = |rule: Rule| match rule {
        Rule::InARow => rules.in_a_row.map(|(bad, often)| (bad, bad, often)),
        other => rules
            .burns
            .iter()
            .find(|(name, _)| *name == other)
            .map(|(_, burn)| (burn.bad, burn.ticks, burn.false_alarms)),
    };
    let said = rules.words().into_iter().map(|(rule, sentence)| {
        let known = numbers(rule);
        AlertPlan {
            rule: policy::word(rule).to_owned(),
            severity: match rule.severity() {
                Severity::Page => String::from("page"),
                Severity::Ticket => String::from("ticket"),
            },
            bad: known.map(|(bad, ..)| bad),
            of: known.map(|(_, of, _)| of),
            false_in_30_days: known.map(|(.., often)| often),
            sentence,
        }
    });
    said.collect()
}

fn allowance(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok();
    number
        .filter(|n| *n > 0.0 && *n <= 1_000.0)
        .ok_or_else(|| format!("`{text}` must be a number above 0, at most 1000"))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a count of ticks that was rounded, and is no less than none"
)]
const fn whole(ticks: f64) -> u64 {
    ticks as u64
}
