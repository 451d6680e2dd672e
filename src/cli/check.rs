//! `landfall check`: loads and validates; with `--online` also arms and tests every channel.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Exit, args, output, start};
use crate::channel::Listener;
use crate::clock::{Clock, SystemClock, SystemRandom};
use crate::definition::{Loaded, Workspace};
use crate::diag::Severity;
use crate::engine::{ChannelTest, Engine, Observed, Options, SelfTest, Setup, TriggerTest};
use crate::lifecycle::Settings;
use crate::model::{Fault, Reason};
use crate::store::MemoryStore;
use crate::web;

/// Runs the command.
pub(super) async fn run(dir: Option<PathBuf>, args: args::Check) -> Exit {
    let loaded = if args.print {
        start::loaded_expanded(dir, &args.var)
    } else {
        start::loaded(dir, &args.var)
    };
    if args.print && !loaded.expanded().is_null() {
        match serde_yaml::to_string(loaded.expanded()) {
            Ok(text) => output::data(&text),
            Err(error) => {
                output::error(&format!("the definitions could not be written as YAML: {error}"));
                return Exit::Usage;
            }
        }
    }
    let warnings = count(&loaded);
    let Some(workspace) = loaded.workspace else {
        return Exit::Usage;
    };
    output::line(&summary(&workspace, warnings));
    if args.online {
        online(workspace, &args).await
    } else {
        Exit::Fine
    }
}

fn count(loaded: &Loaded) -> usize {
    let warning = |p: &&crate::diag::Problem| p.severity == Severity::Warning;
    loaded.problems.all().iter().filter(warning).count()
}

fn summary(workspace: &Workspace, warnings: usize) -> String {
    let routes = workspace.probes.iter().map(|probe| {
        let mut names: Vec<_> = probe.legs.iter().map(|l| &l.leg.route).collect();
        names.sort_unstable();
        names.dedup();
        names.len()
    });
    let parts = [
        number(workspace.probes.len(), "probe"),
        number(routes.sum(), "route"),
        number(workspace.channels.len(), "channel"),
        if warnings == 0 {
            String::from("no warning")
        } else {
            number(warnings, "warning")
        },
    ];
    format!("{}, no error", parts.join(", "))
}

fn number(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

async fn online(workspace: Workspace, args: &args::Check) -> Exit {
    let workspace = Arc::new(workspace);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
    let (url, listen) = (args.public_url.clone(), args.listen);
    let listener = start::listener(&workspace, listen, url, clock.clone(), &stop, &tasks).await;
    let (listener, unheard) = match listener {
        Ok(listener) => (listener, None),
        // The channels that do without it are tested all the same.
        Err(fault) => {
            let address = listen.unwrap_or(workspace.listen);
            let deaf: Arc<dyn Listener> =
                web::HttpListener::new(address, web::Settings::default(), clock.clone());
            (deaf, Some(fault))
        }
    };
    let setup = Setup {
        workspace,
        // A test is no history, and must not wait for a store that another landfall has open.
        store: Arc::new(MemoryStore::new()),
        clock,
        random: Arc::new(SystemRandom),
        listener,
        settings: Settings::STANDARD,
        options: Options::default(),
    };
    let tested = Engine::self_test(setup, unheard.as_ref()).await;
    stop.cancel();
    tasks.close();
    tasks.wait().await;
    match tested {
        Ok(tested) => tell(&tested, args.print),
        Err(fault) => {
            output::error(&fault.message);
            Exit::Blind
        }
    }
}

/// One line a channel, and one for each trigger that could not be built. `printed`: stdout holds YAML already.
fn tell(tested: &SelfTest, printed: bool) -> Exit {
    let mut lines: Vec<String> = tested.channels.iter().map(channel).collect();
    let mut broken: Vec<String> = tested.triggers.iter().filter_map(trigger).collect();
    broken.dedup();
    let fine = broken.is_empty() && tested.channels.iter().all(|test| test.outcome.is_ok());
    lines.append(&mut broken);
    if printed {
        lines.iter().for_each(|line| output::line(line));
    } else {
        lines.iter().for_each(|line| output::data(&format!("{line}\n")));
    }
    if fine { Exit::Fine } else { Exit::Blind }
}

fn channel(test: &ChannelTest) -> String {
    let head = format!("{} ({}): ", test.name, test.kind);
    let armed = test
        .armed
        .map(|took| format!("armed in {}", seconds(took)))
        .unwrap_or_default();
    head + &match (&test.outcome, test.armed) {
        (Ok(Observed::Seen(after)), _) => {
            format!(
                "{armed}, planted and seen after {}; a foreign one was not taken for it",
                seconds(*after)
            )
        }
        (Ok(Observed::ReadOnly(why)), _) => format!("{armed}; read-only, nothing planted: {why}"),
        (Ok(Observed::NeedsRun(why)), _) => {
            format!("cannot be tested without a run: {}", one_line(why))
        }
        (Err(fault), Some(_)) => format!("{armed}, but could not be observed: {}", explained(fault)),
        (Err(fault), None) => format!("could not be {}: {}", verb(fault), explained(fault)),
    }
}

fn trigger(test: &TriggerTest) -> Option<String> {
    let fault = test.fault.as_ref()?;
    let TriggerTest {
        probe, route, kind, ..
    } = test;
    let said = explained(fault);
    Some(format!(
        "{probe} / {route} ({kind}): the request could not be built: {said}"
    ))
}

const fn verb(fault: &Fault) -> &'static str {
    match fault.reason {
        Reason::Unreachable | Reason::Dns | Reason::Tls | Reason::Timeout | Reason::Reset => "reached",
        _ => "armed",
    }
}

fn explained(fault: &Fault) -> String {
    let advice = match fault.reason {
        Reason::Unreachable => "see that it runs, and that its address and port are right",
        Reason::Dns => "see that the host's name is right and resolves on this machine",
        Reason::Tls => "see that the certificate is valid, bears this name, and is trusted here",
        Reason::Timeout => "see that it answers, and that no firewall drops the connection",
        Reason::Auth => "see that the user and the password are right and may log in this way",
        Reason::Throttled => "try again later",
        _ => "",
    };
    let said = one_line(&fault.message);
    // Most faults say themselves what to do.
    if advice.is_empty() || said.contains("; ") {
        said
    } else {
        format!("{said}; {advice}")
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn seconds(duration: Duration) -> String {
    format!("{:.2} s", duration.as_secs_f64())
}
