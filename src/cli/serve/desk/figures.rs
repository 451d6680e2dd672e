//! Figures of a probe, made when they are asked for.

use std::time::Duration;

use super::Desk;
use super::reading::{beside, endings};
use crate::cli::report::objectives;
use crate::model::{Fault, Moment, Reason};
use crate::report::series::{Gathering, History, Source, Window};
use crate::store::{Order, RunFilter};
use crate::web::daemon::Refused;

/// The window where nothing else is asked for.
const WINDOW: Duration = Duration::from_hours(7 * 24);
/// So many runs at the most: the daemon has other things to do.
const MOST: u64 = 500_000;

/// Those of `landfall report` for one probe.
pub(super) async fn figures(desk: &Desk, probe: String, since: Option<Moment>) -> Result<History, Refused> {
    if desk.force.now().probes.iter().all(|known| *known.name != *probe) {
        return Err(Refused::Unknown {
            what: "probe",
            name: probe,
            near: None,
        });
    }
    let _one = desk.reckoning.lock().await;
    let now = desk.clock.now();
    let since = since.unwrap_or_else(|| now.before(WINDOW));
    let filter = RunFilter {
        probes: vec![probe.clone()],
        since: Some(since),
        until: Some(now),
        order: Order::Oldest,
        ..RunFilter::default()
    };
    let read = endings(
        &desk.store,
        filter,
        MOST,
        Gathering::default(),
        |gathering, ending| {
            let _full = gathering.add(ending);
        },
    );
    let read = read.await?;
    if read.cut.is_some() {
        let why = format!(
            "the window holds more than {MOST} runs, the most that are read one by one here: choose a shorter one (`since`), or read `landfall report --from-rollups`"
        );
        return Err(Fault::new(Reason::Limit, why).into());
    }
    let mut gathering = read.to;
    for skip in desk
        .store
        .skips(Some(since))
        .await?
        .iter()
        .filter(|skip| skip.probe == probe)
    {
        gathering.skip(skip);
    }
    for span in desk
        .store
        .skip_spans(Some(since))
        .await?
        .iter()
        .filter(|span| span.probe == probe)
    {
        gathering.span(span, Some(since), now);
    }
    let objectives = objectives(&desk.force.now().probes);
    let mut history = History::new(now, Window::new(Some(since), now), Source::Runs);
    history.marks = desk.store.marks(Some(since), Some(now)).await?;
    if let Some(kept) = desk
        .store
        .extent()
        .await?
        .whole_since
        .filter(|kept| since < *kept)
    {
        history.notes.push(format!(
            "runs before {kept} are no longer all on record, and those that failed are kept longer: choose a later `since`, or read `landfall report`, which takes roll-ups then"
        ));
    }
    history.probes = beside(move || gathering.figures(&objectives, None)).await?;
    Ok(history)
}
