//! `landfall mark`: note on the time line what happened, also while a daemon runs.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::history::{self, When};
use super::{Exit, args, output};
use crate::clock::{Clock as _, Random as _, SystemClock, SystemRandom};
use crate::model::{Mark, MarkId, MarkKind};
use crate::store::{self, Options};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// What happened
    #[arg(value_name = "TEXT")]
    text: String,
    /// What sort of thing it is: deployment, incident or note
    #[arg(long, value_name = "KIND", default_value = MarkKind::Deployment.word(), value_parser = kind)]
    kind: MarkKind,
    /// When it happened or began: 10m (ago), 2026-11-22T10:00:00Z; now where it is left out
    #[arg(long, value_name = "TIME", value_parser = When::parse)]
    at: Option<When>,
    /// When it ended
    #[arg(long, value_name = "TIME", value_parser = When::parse)]
    until: Option<When>,
    /// What it concerns; may be given several times
    #[arg(long, value_name = "KEY=VALUE", value_parser = args::pair)]
    label: Vec<(String, String)>,
    /// The id of a mark that this one replaces, such as an incident that is over
    #[arg(long, value_name = "ID")]
    replace: Option<uuid::Uuid>,
    /// `sqlite:PATH`, instead of the workspace's store
    #[arg(long, value_name = "STORE")]
    store: Option<String>,
}

/// Runs the command. It prints the mark's id.
pub(super) async fn run(dir: Option<PathBuf>, args: Args) -> Exit {
    match note(dir, args).await {
        Ok(()) => Exit::Fine,
        Err(exit) => exit,
    }
}

async fn note(dir: Option<PathBuf>, args: Args) -> Result<(), Exit> {
    let place = history::place(dir, args.store.as_deref())?;
    let now = SystemClock::start().now();
    let mark = Mark {
        id: MarkId(args.replace.unwrap_or_else(|| fresh(now.0))),
        at: args.at.map_or(now, |when| when.moment(now)),
        text: args.text,
        kind: args.kind,
        labels: args.label.into_iter().collect::<BTreeMap<_, _>>(),
        until: args.until.map(|when| when.moment(now)),
    };
    let id = mark.id;
    let options = Options::new(now, "landfall mark");
    history::blocking(move || store::mark_beside(&place, &mark, &options)).await?;
    output::data(&format!("{id}\n"));
    Ok(())
}

fn fresh(nanos: i64) -> uuid::Uuid {
    let bytes = SystemRandom.bytes();
    let mut random = [0; 10];
    random.copy_from_slice(&bytes[..10]);
    let millis = u64::try_from(nanos / 1_000_000).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
}

fn kind(word: &str) -> Result<MarkKind, String> {
    MarkKind::from_word(word).ok_or_else(|| {
        let known = MarkKind::ALL.map(MarkKind::word);
        format!("expected one of {}", known.join(", "))
    })
}
