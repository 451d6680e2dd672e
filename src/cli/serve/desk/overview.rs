//! Figures of all routes for the overview: made beside, kept, and made again when they are asked for and no longer new.

mod gather;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::Desk;
use crate::cli::serve::hub::Subscriber;
use crate::clock::Clock;
use crate::engine::Update;
use crate::model::{Fault, Moment, Rollup, RunRecord};
use crate::report::html::overview::{Figures, Range};
use crate::store::Store;
use crate::web::daemon::Reckoned;
use gather::Made;

/// Whoever asks waits so long for newer figures; then the ones that there are have to do.
const PATIENCE: Duration = Duration::from_millis(150);
/// Figures are new for so long, and for ten times as long as it took to make them.
const NEW: Duration = Duration::from_millis(500);
const TIMES: u32 = 10;
/// But for no longer than this.
const OLD: Duration = Duration::from_secs(120);
/// Figures that are older than new by so much are said to be.
const LATE: Duration = Duration::from_secs(5);
/// So many hours of a probe whose runs changed after they were rolled up are read run by run; of more the newest.
const CHANGED: usize = 256;
/// Upkeep has rolled an hour up again by then.
const ROLLED: Duration = Duration::from_mins(15);

/// The figures of each range. Clones share them.
#[derive(Clone)]
pub(in crate::cli::serve) struct Overviews(Arc<Inner>);

struct Inner {
    clock: Arc<dyn Clock>,
    shelves: BTreeMap<Range, Shelf>,
    /// One range is reckoned at a time.
    turn: tokio::sync::Mutex<()>,
    /// Hours of a probe whose runs have changed since they ended, and when.
    changed: Mutex<BTreeMap<(Moment, String), Moment>>,
}

struct Shelf {
    kept: Mutex<Kept>,
    /// Counts up whenever a reckoning ends.
    ended: watch::Sender<u64>,
}

#[derive(Default)]
struct Kept {
    figures: Option<Arc<Figures>>,
    cost: Duration,
    trouble: Option<String>,
    making: bool,
    /// These are first figures, which leave something out.
    partial: bool,
}

impl Overviews {
    /// None is made yet.
    pub(in crate::cli::serve) fn new(clock: Arc<dyn Clock>) -> Self {
        let shelf = |range| {
            let shelf = Shelf {
                kept: Mutex::default(),
                ended: watch::Sender::new(0),
            };
            (range, shelf)
        };
        Self(Arc::new(Inner {
            clock,
            shelves: Range::ALL.into_iter().map(shelf).collect(),
            turn: tokio::sync::Mutex::default(),
            changed: Mutex::default(),
        }))
    }

    /// A run of an hour that may be rolled up already has ended or was amended.
    fn touched(&self, record: &RunRecord) {
        let Some(tick) = Moment::from_rfc3339(&record.tick) else {
            return;
        };
        let (hour, now) = (Rollup::hour_of(tick), self.0.clock.now());
        if hour >= Rollup::hour_of(now) {
            return;
        }
        let mut changed = self.0.changed();
        changed.retain(|_, at| now.since(*at) < ROLLED);
        changed.insert((hour, record.probe.clone()), now);
        while changed.len() > CHANGED {
            changed.pop_first();
        }
    }
}

impl Subscriber for Overviews {
    fn take(&self, update: &Update) {
        if let Update::Closed { record, .. } | Update::Amended(record) = update {
            self.touched(record);
        }
    }
}

impl Inner {
    fn changed(&self) -> MutexGuard<'_, BTreeMap<(Moment, String), Moment>> {
        self.changed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shelf {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn new_for(&self) -> Duration {
        self.cost.saturating_mul(TIMES).clamp(NEW, OLD)
    }

    fn is_new(&self, range: Range, now: Moment) -> bool {
        let made = self.figures.as_ref();
        made.is_some_and(|figures| {
            !self.partial && now.since(figures.made) < self.new_for() && figures.stretch == range.stretch(now)
        })
    }

    fn told(&self, now: Moment) -> Reckoned {
        let when = self.figures.as_ref().map(|figures| {
            let text = figures.made.to_rfc3339();
            text.get(11..19).unwrap_or(&text).to_owned()
        });
        let late = self
            .figures
            .as_ref()
            .is_some_and(|figures| now.since(figures.made) > self.new_for() + LATE);
        let stale = match (&self.trouble, when) {
            (Some(why), Some(when)) => {
                format!("The store does not answer ({why}): these are the figures of {when}.")
            }
            (Some(why), None) => format!("The store does not answer ({why}): there are no figures yet."),
            (None, Some(when)) if late && self.making => {
                format!(
                    "The store or the machine is busy: these are the figures of {when}, and newer ones are being made."
                )
            }
            (None, _) => String::new(),
        };
        Reckoned {
            figures: self.figures.clone(),
            stale,
        }
    }
}

/// Says that a reckoning has ended, however it did.
struct Making(Overviews, Range);

impl Drop for Making {
    fn drop(&mut self) {
        if let Some(shelf) = self.0.0.shelves.get(&self.1) {
            shelf.kept().making = false;
            shelf.ended.send_modify(|count| *count += 1);
        }
    }
}

/// What there is, after a short wait where newer figures are being made.
pub(super) async fn overview(desk: &Desk, range: Range) -> Reckoned {
    let overviews = &desk.overviews;
    let Some(shelf) = overviews.0.shelves.get(&range) else {
        return Reckoned::default();
    };
    let mut ended = shelf.ended.subscribe();
    let start = {
        let mut kept = shelf.kept();
        let now = desk.clock.now();
        if kept.is_new(range, now) {
            return kept.told(now);
        }
        !std::mem::replace(&mut kept.making, true)
    };
    if start {
        tokio::spawn(make(
            Making(overviews.clone(), range),
            Arc::clone(&desk.store),
            range,
        ));
    }
    tokio::select! {
        _ended = ended.changed() => {}
        () = desk.clock.sleep(PATIENCE) => {}
    }
    let now = desk.clock.now();
    shelf.kept().told(now)
}

async fn make(making: Making, store: Arc<dyn Store>, range: Range) {
    let inner = &making.0.0;
    let _turn = inner.turn.lock().await;
    let began = inner.clock.now();
    let changed: Vec<(Moment, String)> = inner.changed().keys().cloned().collect();
    let Some(shelf) = inner.shelves.get(&range) else {
        return;
    };
    let first = shelf.kept().figures.is_none();
    let made: Result<Made, Fault> = gather::figures(&store, range, began, &changed, first).await;
    let mut kept = shelf.kept();
    kept.cost = inner.clock.now().since(began);
    match made {
        Ok(made) => {
            kept.figures = Some(Arc::new(made.figures));
            kept.partial = made.partial;
            kept.trouble = None;
        }
        Err(fault) => {
            tracing::warn!(%fault, range = range.word(), "the figures of the overview cannot be made");
            kept.trouble = Some(fault.message);
        }
    }
}
