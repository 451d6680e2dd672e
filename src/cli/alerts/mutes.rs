//! `landfall alerts list`, `mute` and `unmute`: by the store, also while a daemon writes to it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use serde::Serialize;

use super::{views, watched};
use crate::alert::mute::{self, Mute};
use crate::alert::service;
use crate::cli::{Exit, args, fire, output, start};
use crate::clock::{Clock as _, Random as _, SystemClock, SystemRandom};
use crate::definition::Workspace;
use crate::diag::escape;
use crate::model::{Fault, Moment, Reason};
use crate::store::{self, Keep, Location, Options, Store};
use crate::web::daemon::{AlertView, MuteView};

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct ListArgs {
    /// What goes to standard output
    #[arg(long, value_enum, default_value_t = Form::Text)]
    format: Form,
    /// `sqlite:PATH`, instead of the workspace's store
    #[arg(long, value_name = "STORE", value_parser = args::store)]
    store: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct MuteArgs {
    /// The probe; every one where it is left out
    #[arg(value_name = "PROBE", required_unless_present_any = ["route", "label", "everything"])]
    probe: Option<String>,
    /// Only this route
    #[arg(long, value_name = "ROUTE")]
    route: Option<String>,
    /// Only probes with this label; may be given several times
    #[arg(long, value_name = "KEY=VALUE", value_parser = args::pair)]
    label: Vec<(String, String)>,
    /// Every alert of every probe
    #[arg(long, conflicts_with_all = ["probe", "route", "label"])]
    everything: bool,
    /// For so long; until `landfall alerts unmute` where nothing is said
    #[arg(long = "for", id = "for_", value_name = "TIME", value_parser = args::some_time)]
    for_: Option<Duration>,
    /// Until then: an instant such as 2026-11-22T10:00:00Z
    #[arg(long, value_name = "TIME", value_parser = instant, conflicts_with = "for_")]
    until: Option<Moment>,
    /// Why, for those who read it later
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
    /// `sqlite:PATH`, instead of the workspace's store
    #[arg(long, value_name = "STORE", value_parser = args::store)]
    store: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct UnmuteArgs {
    /// The mute's id, as `landfall alerts list` and `mute` print it
    #[arg(value_name = "ID")]
    id: String,
    /// `sqlite:PATH`, instead of the workspace's store
    #[arg(long, value_name = "STORE", value_parser = args::store)]
    store: Option<String>,
}

/// How a list is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    /// Lines for people
    Text,
    /// One object, of the shapes that the API answers with
    Json,
}

/// What `--format json` prints.
#[derive(Serialize)]
struct Listed {
    alerts: Vec<AlertView>,
    mutes: Vec<MuteView>,
    /// Messages that wait, by destination.
    waiting: BTreeMap<String, u64>,
}

type Done = Result<Exit, (Exit, String)>;

/// Lists what is open, muted and waiting.
pub(super) async fn list(workspace: &Workspace, args: ListArgs) -> Done {
    let now = SystemClock::start().now();
    let (store, _) = open(workspace, args.store.as_deref(), now).await?;
    let known = watched(workspace).map_err(|fault| (Exit::Usage, fault.message))?;
    let mutes = mute::in_force(store.as_ref(), now).await.map_err(failed)?;
    let open = service::open_in(store.as_ref(), &known, now)
        .await
        .map_err(failed)?;
    let listed = Listed {
        alerts: open
            .iter()
            .map(|notice| views::alert(notice, &mutes, now))
            .collect(),
        mutes: mutes.iter().map(views::muted).collect(),
        waiting: service::waiting_in(store.as_ref()).await.map_err(failed)?,
    };
    store.shutdown().await.map_err(failed)?;
    let said = match args.format {
        Form::Text => text(&listed),
        Form::Json => serde_json::to_string_pretty(&listed).unwrap_or_default() + "\n",
    };
    output::data(&workspace.redactor.text(&said));
    Ok(Exit::Fine)
}

/// Sets a mute and prints its id.
pub(super) async fn mute(workspace: &Workspace, args: MuteArgs) -> Done {
    named(workspace, &args).map_err(|message| (Exit::Usage, message))?;
    let now = SystemClock::start().now();
    let (store, place) = open(workspace, args.store.as_deref(), now).await?;
    let mute = Mute {
        id: mute::fresh_id(SystemRandom.bytes()),
        probe: args.probe,
        route: args.route,
        labels: args.label.into_iter().collect(),
        until: args.until.or_else(|| args.for_.map(|time| now.after(time))),
        since: now,
        by: String::from("landfall alerts mute"),
        reason: args.reason,
    };
    let there = mute::in_force(store.as_ref(), now).await.map_err(failed)?;
    let keep = mute::setting(&mute, &there, now).map_err(failed)?;
    store.shutdown().await.map_err(failed)?;
    put(place, keep, now).await?;
    output::data(&format!("{}\n", mute.id));
    Ok(Exit::Fine)
}

/// Ends a mute.
pub(super) async fn unmute(workspace: &Workspace, args: UnmuteArgs) -> Done {
    let now = SystemClock::start().now();
    let (store, place) = open(workspace, args.store.as_deref(), now).await?;
    let there = mute::in_force(store.as_ref(), now).await.map_err(failed)?;
    store.shutdown().await.map_err(failed)?;
    if there.iter().all(|mute| mute.id != args.id) {
        let known: Vec<&str> = there.iter().map(|mute| mute.id.as_str()).collect();
        let known = if known.is_empty() {
            String::from("nothing is muted")
        } else {
            format!("there are: {}", known.join(", "))
        };
        return Err((
            Exit::Usage,
            format!("there is no mute `{}`; {known}", escape(&args.id)),
        ));
    }
    put(place, Keep::forget(mute::SPACE, args.id), now).await?;
    Ok(Exit::Fine)
}

/// Refuses names that there are not: a slip of the pen must not mute nothing.
fn named(workspace: &Workspace, args: &MuteArgs) -> Result<(), String> {
    let probes = workspace.probes.iter().map(|probe| probe.name.as_ref());
    if let Some(name) = &args.probe
        && !probes.clone().any(|probe| probe == name)
    {
        return Err(fire::unknown("probe", name, probes));
    }
    let Some(route) = &args.route else { return Ok(()) };
    let of = |probe: &str| args.probe.as_ref().is_none_or(|name| name == probe);
    let legs = workspace
        .probes
        .iter()
        .filter(|p| of(&p.name))
        .flat_map(|p| &p.legs);
    let mut routes: Vec<&str> = legs.map(|leg| leg.leg.route.as_ref()).collect();
    routes.sort_unstable();
    routes.dedup();
    if routes.contains(&route.as_str()) {
        return Ok(());
    }
    Err(fire::unknown("route", route, routes.into_iter()))
}

fn text(listed: &Listed) -> String {
    let mut out = String::new();
    for alert in &listed.alerts {
        let muted = if alert.muted { ", muted" } else { "" };
        let _infallible = writeln!(
            out,
            "{}{muted}: {}: {} (since {})",
            alert.severity,
            escape(&alert.probe),
            escape(&alert.title),
            alert.since
        );
    }
    for mute in &listed.mutes {
        let _infallible = writeln!(out, "mute {}: {}", mute.id, of_mute(mute));
    }
    for (name, n) in &listed.waiting {
        let _infallible = writeln!(out, "waiting for {}: {n}", escape(name));
    }
    if out.is_empty() {
        out.push_str("no alert is open, nothing is muted, nothing waits\n");
    }
    out
}

fn of_mute(mute: &MuteView) -> String {
    let mut what: Vec<String> = [&mute.probe, &mute.route]
        .into_iter()
        .flatten()
        .cloned()
        .collect();
    what.extend(mute.labels.iter().map(|(key, value)| format!("{key}={value}")));
    if what.is_empty() {
        what.push(String::from("everything"));
    }
    let until = mute.until.as_ref().map_or_else(
        || String::from("until it is ended"),
        |until| format!("until {until}"),
    );
    let why = if mute.reason.is_empty() {
        String::new()
    } else {
        format!(": {}", mute.reason)
    };
    escape(&format!("{} {until}, by {}{why}", what.join(" / "), mute.by))
}

async fn open(
    workspace: &Workspace,
    asked: Option<&str>,
    now: Moment,
) -> Result<(std::sync::Arc<dyn Store>, Location), (Exit, String)> {
    let place = start::location(workspace, asked).map_err(failed)?;
    let (location, options) = (place.clone(), Options::new(now, "landfall alerts"));
    let opened = tokio::task::spawn_blocking(move || store::open_beside(&location, &options)).await;
    let store = opened
        .map_err(|error| (Exit::Blind, error.to_string()))?
        .map_err(failed)?;
    Ok((store, place))
}

async fn put(place: Location, keep: Keep, now: Moment) -> Result<(), (Exit, String)> {
    let options = Options::new(now, "landfall alerts");
    let done = tokio::task::spawn_blocking(move || store::keep_beside(&place, vec![keep], &options)).await;
    done.map_err(|error| (Exit::Blind, error.to_string()))?
        .map_err(failed)
}

/// What was asked for wrongly is wrong usage; else the store cannot be used.
fn failed(fault: Fault) -> (Exit, String) {
    let exit = match fault.reason {
        Reason::Input => Exit::Usage,
        _ => Exit::Blind,
    };
    (exit, fault.message)
}

fn instant(text: &str) -> Result<Moment, String> {
    Moment::from_rfc3339(text)
        .ok_or_else(|| format!("`{text}` is no instant: write RFC 3339, such as 2026-11-22T10:00:00Z"))
}
