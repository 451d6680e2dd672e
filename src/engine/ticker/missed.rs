//! What came due while landfall was not running: neither fired late nor forgotten, but skipped with the reason *down*.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::definition::Probe;
use crate::engine::{Engine, Update};
use crate::lifecycle::schedule::{Schedule, Stretch};
use crate::model::{Fault, Moment, Reason, SkipReason, SkipSpan};
use crate::store::{Keep, RunFilter, Store};

/// The heartbeat is this old at most, and a tick has its fate this long after it was due: what came due earlier than
/// that before the last heartbeat is accounted for.
const UNSETTLED: Duration = Duration::from_secs(60);
/// Where it is kept since when each schedule is in force.
const SCHEDULES: &str = "schedules";
/// Stretches put on record in one commit.
const BATCH: usize = 1_000;

type Leg = (String, String, String);

/// What has its fate on record already.
#[derive(Default)]
struct Fates {
    ticks: HashSet<(Leg, Moment)>,
    spans: Vec<SkipSpan>,
}

impl Fates {
    async fn since(engine: &Engine, since: Moment) -> Result<Self, Fault> {
        let store = &engine.shared.store;
        let mut fates = Self::default();
        let filter = RunFilter {
            since: Some(since),
            ..RunFilter::default()
        };
        let of =
            |probe: &str, input: &str, route: &str| (probe.to_owned(), input.to_owned(), route.to_owned());
        for run in store.runs(filter).await? {
            if let Some(tick) = Moment::from_rfc3339(&run.tick) {
                fates
                    .ticks
                    .insert((of(&run.probe, &run.input, &run.route), milliseconds(tick)));
            }
        }
        for (probe, input, route, tick) in crate::engine::resume::open_ticks(store.as_ref()).await? {
            fates.ticks.insert(((probe, input, route), milliseconds(tick)));
        }
        for skip in store.skips(Some(since)).await? {
            if let Some(tick) = Moment::from_rfc3339(&skip.tick) {
                fates
                    .ticks
                    .insert((of(&skip.probe, &skip.input, &skip.route), milliseconds(tick)));
            }
        }
        fates.spans = store.skip_spans(Some(since)).await?;
        Ok(fates)
    }

    fn knows(&self, leg: &Leg, tick: Moment) -> bool {
        let spanned = |span: &SkipSpan| {
            span.first <= tick
                && tick <= span.last
                && (&span.probe, &span.input, &span.route) == (&leg.0, &leg.1, &leg.2)
        };
        self.ticks.contains(&(leg.clone(), milliseconds(tick))) || self.spans.iter().any(spanned)
    }
}

/// Records write a tick to the millisecond.
const fn milliseconds(at: Moment) -> Moment {
    Moment(at.0 - at.0.rem_euclid(1_000_000))
}

/// Since when each probe has had its schedule, over restarts: a tick was due only if somebody had asked for it.
pub(super) async fn in_force(
    store: &dyn Store,
    probes: &[Arc<Probe>],
    now: Moment,
) -> Result<BTreeMap<Arc<str>, Moment>, Fault> {
    let mut before: BTreeMap<String, Value> = store.kept(SCHEDULES.to_owned()).await?.into_iter().collect();
    let (mut in_force, mut changes) = (BTreeMap::new(), Vec::new());
    for probe in probes {
        let Some(schedule) = &probe.schedule else { continue };
        let said = schedule.describe();
        let kept = before.remove(probe.name.as_ref());
        let since = kept
            .filter(|kept| kept["schedule"] == said)
            .and_then(|kept| kept["since"].as_i64());
        if since.is_none() {
            let value = json!({ "schedule": said, "since": now.0 });
            changes.push(Keep::put(SCHEDULES, probe.name.as_ref(), value));
        }
        in_force.insert(probe.name.clone(), since.map_or(now, Moment));
    }
    changes.extend(before.into_keys().map(|gone| Keep::forget(SCHEDULES, gone)));
    if !changes.is_empty() {
        store.keep_all(changes).await?;
    }
    Ok(in_force)
}

/// Puts the skips of the time between the last heartbeat and the start on record. The result is how many ticks that were.
pub(super) async fn account(
    engine: &Engine,
    probes: Vec<(Arc<Probe>, Moment)>,
    last_alive: Moment,
    started: Moment,
) -> Result<u64, Fault> {
    let after = last_alive.before(UNSETTLED);
    let fates = Fates::since(engine, after).await?;
    let counted = tokio::task::spawn_blocking(move || {
        let spans = probes
            .iter()
            .flat_map(|(probe, since)| of_probe(probe, &fates, after.max(*since), last_alive, started));
        spans.collect::<Vec<SkipSpan>>()
    });
    let spans = counted
        .await
        .map_err(|error| Fault::new(Reason::Internal, error.to_string()))?;
    let mut ticks = 0;
    for batch in spans.chunks(BATCH) {
        engine.shared.store.skip_span(batch.to_vec()).await?;
        for span in batch {
            ticks += span.ticks;
            let (span, added) = (Arc::new(span.clone()), span.ticks);
            engine.shared.update(Update::SkippedSpan { span, added });
        }
    }
    Ok(ticks)
}

fn of_probe(
    probe: &Probe,
    fates: &Fates,
    after: Moment,
    last_alive: Moment,
    started: Moment,
) -> Vec<SkipSpan> {
    let Some(schedule) = &probe.schedule else {
        return Vec::new();
    };
    let mut spans = Vec::new();
    // Once for all legs: of a long time it is the dear part.
    let settled = last_alive.after(UNSETTLED).max(after);
    let long = schedule.between(&probe.name, settled, started);
    for def in &probe.legs {
        let leg = (
            probe.name.to_string(),
            def.leg.input.to_string(),
            def.leg.route.to_string(),
        );
        let near = near(schedule, &probe.name, after, settled.min(started), |tick| {
            fates.knows(&leg, tick)
        });
        for (at, ticks) in joined(near, long).into_iter().enumerate() {
            let detail = if at == 0 && ticks.first <= last_alive {
                format!("landfall ended before it could fire; it was last alive at {last_alive}")
            } else {
                format!("landfall was not running from about {last_alive} to {started}")
            };
            spans.push(SkipSpan {
                probe: leg.0.clone(),
                route: leg.2.clone(),
                input: leg.1.clone(),
                reason: SkipReason::Down,
                detail,
                first: ticks.first,
                last: ticks.last,
                ticks: ticks.ticks,
            });
        }
    }
    spans
}

/// The ticks that nothing is known of, one by one; those that follow each other are one stretch.
fn near(
    schedule: &Schedule,
    probe: &str,
    after: Moment,
    until: Moment,
    known: impl Fn(Moment) -> bool,
) -> Vec<Stretch> {
    let mut stretches: Vec<Stretch> = Vec::new();
    let (mut at, mut open) = (after, false);
    while let Some(tick) = schedule.next_after(probe, at).filter(|tick| *tick <= until) {
        at = tick;
        if known(tick) {
            open = false;
            continue;
        }
        match stretches.last_mut().filter(|_| open) {
            Some(stretch) => {
                stretch.last = tick;
                stretch.ticks += 1;
            }
            None => stretches.push(Stretch::one(tick)),
        }
        open = true;
    }
    if !open && !stretches.is_empty() {
        // A known tick stands last: what follows begins a stretch of its own.
        stretches.push(Stretch {
            ticks: 0,
            ..Stretch::one(at)
        });
    }
    stretches
}

/// Both in one list; the last near stretch goes on in the long one.
fn joined(mut near: Vec<Stretch>, long: Option<Stretch>) -> Vec<Stretch> {
    if let Some(long) = long {
        match near.last_mut().filter(|last| last.ticks > 0) {
            Some(last) => {
                last.last = long.last;
                last.ticks += long.ticks;
            }
            None => near.push(long),
        }
    }
    near.retain(|stretch| stretch.ticks > 0);
    near
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000_000;

    #[test]
    fn a_tick_with_a_fate_is_left_out_and_parts_two_stretches() {
        let schedule = Schedule::every(Duration::from_secs(1), Duration::ZERO);
        let first = schedule.next_after("p", Moment(0)).unwrap().0;
        let known = [first + SECOND, first + 4 * SECOND];
        let until = Moment(first + 9 * SECOND);
        let found = near(&schedule, "p", Moment(0), until, |tick| known.contains(&tick.0));
        let long = schedule.between("p", until, Moment(first + 99 * SECOND));
        let all: Vec<_> = joined(found, long)
            .iter()
            .map(|s| ((s.first.0 - first) / SECOND, (s.last.0 - first) / SECOND, s.ticks))
            .collect();
        assert_eq!(all, [(0, 0, 1), (2, 3, 2), (5, 99, 95)]);
        let all_known = near(&schedule, "p", Moment(0), until, |_| true);
        assert_eq!(joined(all_known, None), []);
        let last_known = near(&schedule, "p", Moment(0), until, |tick| tick == until);
        let all: Vec<_> = joined(last_known, long).iter().map(|s| s.ticks).collect();
        assert_eq!(all, [9, 90]);
    }
}
