//! `landfall backup`: a consistent copy of the store, also while a daemon writes to it.

use std::path::PathBuf;

use super::history;
use super::{Exit, output};
use crate::clock::{Clock as _, SystemClock};
use crate::store::{self, Options};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The file to write; it must not exist
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// `sqlite:PATH`, instead of the workspace's store
    #[arg(long, value_name = "STORE")]
    store: Option<String>,
}

/// Runs the command.
pub(super) async fn run(dir: Option<PathBuf>, args: Args) -> Exit {
    match copy(dir, args).await {
        Ok(()) => Exit::Fine,
        Err(exit) => exit,
    }
}

async fn copy(dir: Option<PathBuf>, args: Args) -> Result<(), Exit> {
    let place = history::place(dir, args.store.as_deref())?;
    let options = Options::new(SystemClock::start().now(), "landfall backup");
    let store = history::blocking(move || store::open_beside(&place, &options)).await?;
    let copied = store.backup(args.file.clone()).await;
    let bytes = copied.map_err(|fault| history::failed(&fault))?;
    output::line(&format!("{bytes} bytes in `{}`, verified", args.file.display()));
    store.shutdown().await.map_err(|fault| history::failed(&fault))
}
