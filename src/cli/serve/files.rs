//! Notices that the files of the workspace are others than those that were read last.
//!
//! They are looked at, not listened to: a look is a `stat` of each file, costs about a microsecond of it, and sees what
//! a listener does not: a network file system that tells nobody, a ConfigMap that is mounted anew two links away, an
//! editor that puts another file in the place of the old one.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::force::Force;
use super::reload::Reloads;
use crate::clock::Clock;
use crate::definition::Marks;

/// Between two looks, at least.
const LOOK: Duration = Duration::from_secs(2);
/// And so many times what a look takes: many files, or a slow file system, cost a thousandth of a core and no more.
const SHARE: u32 = 1_000;
/// But no longer than this.
const SELDOM: Duration = Duration::from_secs(15);
/// What has changed is read once it has been left alone for so long.
const QUIET: Duration = Duration::from_millis(300);
/// What is never left alone is read all the same.
const LONGEST: Duration = Duration::from_secs(10);

/// Works until `stop`.
pub(super) async fn watch(
    root: PathBuf,
    force: Arc<Force>,
    reloads: Reloads,
    clock: Arc<dyn Clock>,
    stop: CancellationToken,
) {
    let work = async {
        let mut pause = LOOK;
        loop {
            clock.sleep(pause).await;
            let begin = clock.now();
            let Some(mut seen) = look(&root, &force).await else {
                continue;
            };
            pause = (clock.now().since(begin) * SHARE).clamp(LOOK, SELDOM);
            if seen == force.attempts().marks {
                continue;
            }
            let end = clock.now().after(LONGEST);
            while clock.now() < end {
                clock.sleep(QUIET).await;
                let Some(again) = look(&root, &force).await else {
                    break;
                };
                if again == seen {
                    break;
                }
                seen = again;
            }
            // Whatever comes of it is said by whoever reloads.
            drop(reloads.ask("the files have changed").await);
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = work => {}
    }
}

async fn look(root: &std::path::Path, force: &Force) -> Option<Marks> {
    let (root, secrets) = (root.to_owned(), force.attempts().secret_files.clone());
    let looked = tokio::task::spawn_blocking(move || Marks::of(&root, &secrets)).await;
    looked.ok()
}
