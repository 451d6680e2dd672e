//! `landfall sandbox`: the gateway on its own.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::{Exit, args, output, signals};
use crate::clock::SystemClock;
use crate::sandbox::workspace::{self, Endpoints};
use crate::sandbox::{FaultKind, Ledger, Options, Script, serve};

/// Where the printed workspace receives callbacks: landfall's own default.
const LISTEN_PORT: u16 = 4747;
/// Where the printed workspace receives mail: the sink's own default.
const MAIL_PORT: u16 = 2525;

/// Runs the command.
pub(super) async fn run(args: args::Sandbox) -> Exit {
    if args.print_faults {
        output::data(&FaultKind::reference());
        return Exit::Fine;
    }
    if let Some(dir) = &args.print_workspace {
        return print_workspace(dir, &args);
    }
    let faults = match &args.faults {
        None => Script::demo(),
        Some(file) => {
            let name = file.display().to_string();
            let text =
                std::fs::read_to_string(file).map_err(|error| format!("`{name}` cannot be read: {error}"));
            match text.and_then(|text| Script::parse(&name, &text).map_err(|error| error.to_string())) {
                Ok(script) => script,
                Err(message) => {
                    output::error(&message);
                    return Exit::Usage;
                }
            }
        }
    };
    let options = Options {
        listen: args.listen,
        ledger: args.ledger.map_or(Ledger::Memory, Ledger::File),
        faults,
        seed: args.seed,
        database: args.database,
        smtp: args.smtp,
        ..Options::default()
    };
    let stop = CancellationToken::new();
    let interrupted = stop.clone();
    tokio::spawn(async move {
        signals::Interrupts::listen().next().await;
        interrupted.cancel();
    });
    let said = |running: &crate::sandbox::Running| {
        output::line(&format!(
            "the gateway listens on http://{}; Ctrl-C ends it",
            running.address()
        ));
    };
    match serve(options, Arc::new(SystemClock::start()), stop, said).await {
        Ok(counts) => {
            output::line(&format!("{counts:?}"));
            Exit::Fine
        }
        Err(error) => {
            output::error(&error.to_string());
            Exit::Blind
        }
    }
}

fn print_workspace(dir: &std::path::Path, args: &args::Sandbox) -> Exit {
    let local = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let endpoints = Endpoints {
        gateway: args.listen,
        listen: local(LISTEN_PORT),
        mail: local(MAIL_PORT),
        database: args.database.clone().unwrap_or_else(|| "messages.db".into()),
    };
    match workspace::write(dir, &endpoints) {
        Ok(files) => {
            for file in files {
                output::data(&format!("{}\n", file.display()));
            }
            Exit::Fine
        }
        Err(error) => {
            output::error(&error.to_string());
            Exit::Usage
        }
    }
}
