//! `landfall alerts`: tries destinations out, and goes through history with the rules.

mod mutes;
pub(super) mod views;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::{Exit, args, output, start};
use crate::alert::destination::OpenContext;
use crate::alert::policy::length;
use crate::alert::replay::{Fired, Replay};
use crate::alert::{About, Notice, Opened, Rules, Severity, Watched};
use crate::clock::{Clock, Random, SystemClock, SystemRandom};
use crate::definition::{RunScope, Workspace};
use crate::model::{Fault, Moment, Scope};
use crate::store::{self, Location, Order, RunFilter, Store};
pub(super) use mutes::{ListArgs, MuteArgs, UnmuteArgs};

/// History that is gone through where nothing else is asked for, in days.
const DAYS: u64 = 30;

/// Runs the command.
pub(super) async fn run(dir: Option<PathBuf>, args: args::Alerts) -> Exit {
    let Some(workspace) = start::workspace(dir, &args.var) else {
        return Exit::Usage;
    };
    let done = match args.command {
        args::AlertsCommand::Test { destination } => test(&workspace, destination.as_deref()).await,
        args::AlertsCommand::Replay(replay) => self::replay(&workspace, replay).await,
        args::AlertsCommand::List(list) => mutes::list(&workspace, list).await,
        args::AlertsCommand::Mute(mute) => mutes::mute(&workspace, mute).await,
        args::AlertsCommand::Unmute(unmute) => mutes::unmute(&workspace, unmute).await,
    };
    done.unwrap_or_else(|(exit, message)| {
        output::error(&message);
        exit
    })
}

/// The probes as alerting sees them.
///
/// # Errors
/// Rules that cannot be reckoned.
pub(super) fn watched(workspace: &Workspace) -> Result<Vec<Watched>, Fault> {
    let one = |probe: &Arc<crate::definition::Probe>| {
        let on_time = probe.objective.as_ref().and_then(|o| o.on_time);
        let rules = Rules::new(&probe.alerts, on_time, probe.cadence()).map_err(|why| {
            let message = format!("the alerts of `{}`: {why}", probe.name);
            Fault::new(crate::model::Reason::Input, message)
        })?;
        let series = probe
            .legs
            .iter()
            .map(|leg| (leg.leg.route.to_string(), leg.leg.input.to_string()))
            .collect();
        Ok(Watched {
            about: About {
                probe: probe.name.to_string(),
                description: probe.description.clone(),
                labels: probe.alerts.labels.clone(),
                location: workspace.location.to_string(),
                pages: pages(workspace),
                rules,
            },
            policy: probe.alerts.clone(),
            series,
        })
    };
    workspace.probes.iter().map(one).collect()
}

/// Every destination, opened.
///
/// # Errors
/// The first that cannot be: which, and why.
pub(super) fn destinations(workspace: &Workspace, clock: &Arc<dyn Clock>) -> Result<Vec<Opened>, Fault> {
    let vars = RunScope::of_vars(&workspace.vars);
    let context = OpenContext {
        root: workspace.root.clone(),
        clock: Arc::clone(clock),
        scope: Arc::new(move |names| {
            let with = |scope: RunScope, (name, value): (&str, _)| scope.with(name, value);
            Arc::new(names.into_iter().fold(vars.clone(), with)) as Arc<dyn Scope>
        }),
    };
    let open = |def: &crate::definition::DestinationDef| {
        let destination = def.config.open(&context).map_err(|fault| {
            let message = format!("the destination `{}`: {}", def.name.value, fault.message);
            Fault::new(fault.reason, message)
        })?;
        Ok(Opened {
            name: def.name.value.clone(),
            kind: def.config.kind(),
            stateful: def.config.is_stateful(),
            destination,
            digest: def.digest,
        })
    };
    workspace.destinations.iter().map(open).collect()
}

/// The address of the pages, as far as it is known from outside.
fn pages(workspace: &Workspace) -> Option<String> {
    match (&workspace.public_url, workspace.admin) {
        (Some(url), None) => Some(url.clone()),
        (_, Some(admin)) if !admin.ip().is_unspecified() => Some(format!("http://{admin}")),
        (None, None) if !workspace.listen.ip().is_unspecified() => {
            Some(format!("http://{}", workspace.listen))
        }
        _ => None,
    }
}

async fn test(workspace: &Workspace, only: Option<&str>) -> Result<Exit, (Exit, String)> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    let all = destinations(workspace, &clock).map_err(|fault| (Exit::Usage, fault.message))?;
    let asked: Vec<&Opened> = all
        .iter()
        .filter(|d| only.is_none_or(|name| name == d.name))
        .collect();
    if asked.is_empty() {
        let names: Vec<&str> = all.iter().map(|d| d.name.as_str()).collect();
        let message = match only {
            Some(name) => format!(
                "there is no destination `{name}`; there are: {}",
                names.join(", ")
            ),
            None => String::from("`landfall.yaml` names no destination under `alerts:`"),
        };
        return Err((Exit::Usage, message));
    }
    let mut exit = Exit::Fine;
    for opened in asked {
        let id: String = SystemRandom
            .bytes()
            .iter()
            .take(8)
            .map(|b| format!("{b:02x}"))
            .collect();
        let pages = pages(workspace);
        let notice = Notice::trial(&workspace.location, pages.as_deref(), clock.now(), &id);
        let (word, said) = match opened.destination.send(&notice).await {
            Ok(said) => ("taken", said),
            Err(failure) => {
                exit = Exit::Failed;
                ("not taken", failure.message)
            }
        };
        let said = workspace.redactor.text(&said).into_owned();
        output::data(&format!("{} ({}): {word}: {said}\n", opened.name, opened.kind));
    }
    Ok(exit)
}

async fn replay(workspace: &Workspace, args: args::Replay) -> Result<Exit, (Exit, String)> {
    let clock = SystemClock::start();
    let now = clock.now();
    let blind = |fault: Fault| (Exit::Blind, fault.message);
    let watched = watched(workspace).map_err(|fault| (Exit::Usage, fault.message))?;
    if let Some(name) = args
        .probe
        .iter()
        .find(|name| watched.iter().all(|w| w.about.probe != **name))
    {
        return Err((Exit::Usage, format!("there is no probe `{name}`")));
    }
    let place = match &args.store {
        Some(text) => Location::parse(text, &workspace.root).map_err(|fault| (Exit::Usage, fault.message))?,
        None => workspace.store.clone(),
    };
    let options = store::Options::new(now, "landfall alerts replay");
    // Beside a daemon that has it open.
    let opened = tokio::task::spawn_blocking(move || store::open_beside(&place, &options)).await;
    let store = opened
        .map_err(|error| (Exit::Blind, error.to_string()))?
        .map_err(blind)?;
    let since = args.since.map_or_else(
        || now.before(std::time::Duration::from_secs(DAYS * 86_400)),
        |at| at.moment(now),
    );
    let until = args.until.map_or(now, |at| at.moment(now));
    let days = until.seconds_since(since) / 86_400.0;
    for one in watched {
        if !args.probe.is_empty() && !args.probe.contains(&one.about.probe) {
            continue;
        }
        let (runs, fired) = history(store.as_ref(), &one, since, until).await.map_err(blind)?;
        output::data(&told(&one, runs, &fired, days, until));
    }
    store.shutdown().await.map_err(blind)?;
    Ok(Exit::Fine)
}

async fn history(
    store: &dyn Store,
    watched: &Watched,
    since: Moment,
    until: Moment,
) -> Result<(u64, Vec<Fired>), Fault> {
    let mut replay = Replay::new(watched.about.clone(), &watched.series);
    let (mut runs, mut after) = (0, None);
    loop {
        let filter = RunFilter {
            probes: vec![watched.about.probe.clone()],
            since: Some(since),
            until: Some(until),
            order: Order::Oldest,
            after,
            ..RunFilter::default()
        };
        let page = store.page(filter).await?;
        for record in &page.runs {
            replay.take(record);
            runs += 1;
        }
        after = page.next;
        if after.is_none() {
            let fired = if runs == 0 {
                Vec::new()
            } else {
                replay.finish(until)
            };
            return Ok((runs, fired));
        }
    }
}

fn told(watched: &Watched, runs: u64, fired: &[Fired], days: f64, end: Moment) -> String {
    let mut out = format!("{}: {runs} runs", watched.about.probe);
    if runs == 0 {
        out.push_str(", nothing to go through\n");
        return out;
    }
    let count = |severity| fired.iter().filter(|f| f.severity == severity).count();
    let (pages, tickets) = (count(Severity::Page), count(Severity::Ticket));
    #[expect(clippy::cast_precision_loss, reason = "counts of alerts are small")]
    let rate = |n: usize| n as f64 * 30.0 / days.max(1e-9);
    out.push_str(&format!(
        " in {days:.1} days: {pages} pages ({:.1} in 30 days), {tickets} tickets ({:.1} in 30 days)\n",
        rate(pages),
        rate(tickets)
    ));
    for (_, words) in watched.about.rules.words() {
        out.push_str(&format!("  rule: {words}\n"));
    }
    for left_out in &watched.about.rules.left_out {
        out.push_str(&format!("  without: {left_out}\n"));
    }
    for one in fired {
        let lasted = one.ended.unwrap_or(end).seconds_since(one.opened);
        let over = if one.ended.is_some() { "" } else { ", still open" };
        let severity = match one.severity {
            Severity::Page => "page",
            Severity::Ticket => "ticket",
        };
        out.push_str(&format!(
            "  {}  {severity} for {}{over}, {} messages: {}\n",
            one.opened.to_rfc3339(),
            length(lasted),
            one.messages,
            one.title
        ));
    }
    let totals: BTreeMap<&str, f64> = fired.iter().fold(BTreeMap::new(), |mut all, one| {
        let key = if one.severity == Severity::Page {
            "paging"
        } else {
            "ticket"
        };
        *all.entry(key).or_default() += one.ended.unwrap_or(end).seconds_since(one.opened);
        all
    });
    for (what, seconds) in totals {
        out.push_str(&format!("  {what} for {} altogether\n", length(seconds)));
    }
    out
}
