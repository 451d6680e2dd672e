//! One run and those around it, from the store: each question a bounded number of rows that an index finds.

use std::time::Duration;

use super::Desk;
use crate::engine::Progress;
use crate::model::{Class, Ending, Moment, RunId, RunRecord};
use crate::report::around::{AT_TICK, Neighbour, Neighbours, OpenAnswer, OpenRun, OpenSeen, OpenWait, SEEN};
use crate::report::twins::{Chosen, RECENT, Twins, other_route, twins};
use crate::store::{self, Order, RunFilter};
use crate::web::daemon::Refused;

/// A record tells its tick to the millisecond.
const TICK: Duration = Duration::from_millis(1);

/// The runs around one; `None` where it is not on record.
pub(super) async fn neighbours(desk: &Desk, id: RunId) -> Result<Option<Neighbours>, Refused> {
    let Some(run) = desk.store.run(id).await? else {
        return Ok(None);
    };
    let Some(tick) = Moment::from_rfc3339(&run.tick) else {
        return Ok(Some(Neighbours::default()));
    };
    let next = tick.after(TICK);
    let before = RunFilter {
        until: Some(tick),
        order: Order::Newest,
        limit: Some(1),
        ..leg(&run)
    };
    let after = RunFilter {
        since: Some(next),
        order: Order::Oldest,
        limit: Some(1),
        ..leg(&run)
    };
    let beside = RunFilter {
        probes: vec![run.probe.clone()],
        since: Some(tick),
        until: Some(next),
        // One more tells that there are more.
        limit: Some(u32::try_from(AT_TICK + 2).unwrap_or(u32::MAX)),
        ..RunFilter::default()
    };
    let first = |endings: Vec<Ending>| endings.first().map(Neighbour::of);
    let mut found = Neighbours {
        previous: first(desk.store.endings(before).await?.endings),
        next: first(desk.store.endings(after).await?.endings),
        ..Neighbours::default()
    };
    let beside = desk.store.endings(beside).await?.endings;
    let others = beside.iter().filter(|ending| ending.id != id);
    found.same_tick = others.map(Neighbour::of).collect();
    found.sort(AT_TICK);
    Ok(Some(found))
}

/// A run beside the one that was named, or beside the twin that tells most; `None` where there is none.
pub(super) async fn beside(desk: &Desk, id: RunId, named: Option<RunId>) -> Result<Option<Twins>, Refused> {
    let run = record(desk, id).await?;
    let found = match named {
        Some(named) if named == id => {
            return Err(Refused::Invalid {
                pointer: String::from("/twin"),
                detail: String::from("both are the same run: name another"),
            });
        }
        Some(named) => Some((record(desk, named).await?, Chosen::Named)),
        None => find(desk, &run).await?,
    };
    let Some((twin, chosen)) = found else {
        return Ok(None);
    };
    let recent = good(desk, &run, None, Order::Newest, RECENT).await?;
    // Thousands of fields of fifty runs are taken apart.
    let made = tokio::task::spawn_blocking(move || twins(&run, &twin, chosen, &recent)).await;
    let made =
        made.map_err(|error| crate::model::Fault::new(crate::model::Reason::Internal, error.to_string()))?;
    Ok(Some(made))
}

/// The other route at the same tick, a good one rather than a bad one; else the last good run on the same route.
async fn find(desk: &Desk, run: &RunRecord) -> Result<Option<(RunRecord, Chosen)>, Refused> {
    let tick = Moment::from_rfc3339(&run.tick);
    if let Some(tick) = tick {
        let same = RunFilter {
            probes: vec![run.probe.clone()],
            inputs: vec![run.input.clone()],
            since: Some(tick),
            until: Some(tick.after(TICK)),
            order: Order::Oldest,
            limit: Some(u32::try_from(AT_TICK).unwrap_or(u32::MAX)),
            ..RunFilter::default()
        };
        let ended = desk.store.endings(same).await?.endings;
        let best = other_route(run, ended.iter().map(|e| (e.id, e.route.as_str(), e.class)));
        if let Some(best) = best
            && let Some(twin) = desk.store.run(best).await?
        {
            return Ok(Some((twin, Chosen::OtherRoute)));
        }
    }
    let not_itself = |runs: Vec<RunRecord>| runs.into_iter().find(|other| other.id != run.id);
    if let Some(twin) = not_itself(good(desk, run, tick, Order::Newest, 2).await?) {
        return Ok(Some((twin, Chosen::LastGood)));
    }
    let nearest = not_itself(good(desk, run, None, Order::Oldest, 2).await?);
    Ok(nearest.map(|twin| (twin, Chosen::NearestGood)))
}

/// Good runs of the same probe, route and input.
async fn good(
    desk: &Desk,
    run: &RunRecord,
    until: Option<Moment>,
    order: Order,
    limit: u32,
) -> Result<Vec<RunRecord>, Refused> {
    let filter = RunFilter {
        classes: vec![Class::Delivered],
        until,
        order,
        limit: Some(limit),
        ..leg(run)
    };
    Ok(desk.store.page(filter).await?.runs)
}

fn leg(run: &RunRecord) -> RunFilter {
    RunFilter {
        probes: vec![run.probe.clone()],
        routes: vec![run.route.clone()],
        inputs: vec![run.input.clone()],
        ..RunFilter::default()
    }
}

async fn record(desk: &Desk, id: RunId) -> Result<RunRecord, Refused> {
    let found = desk.store.run(id).await?;
    found.ok_or_else(|| Refused::Unknown {
        what: "ended run",
        name: id.to_string(),
        near: None,
    })
}

/// A run that has not ended; `None` where none of this id is open.
pub(super) async fn open(desk: &Desk, id: RunId) -> Result<Option<OpenRun>, Refused> {
    let Some(open) = desk.store.open_run(id).await? else {
        return Ok(None);
    };
    Ok(Some(told(open, desk.clock.now())))
}

fn told(open: store::OpenRun, now: Moment) -> OpenRun {
    let Progress { waits, answer } = Progress::of(&open);
    let sent = open.fired.as_ref().map(|fired| fired.sent);
    let since = |at: Moment| sent.map(|sent| at.seconds_since(sent));
    let last = waits.iter().map(|wait| wait.within + wait.grace);
    let last = last.filter(|end| end.is_finite()).max_by(f64::total_cmp);
    let last = last.and_then(|end| Duration::try_from_secs_f64(end).ok());
    let store::OpenRun {
        intent, observations, ..
    } = open;
    OpenRun {
        id: intent.run,
        probe: intent.probe,
        route: intent.route,
        input: intent.input,
        tick: intent.tick.to_rfc3339(),
        token: intent.token,
        revision: intent.revision,
        sent: sent.map(Moment::to_rfc3339_nanos),
        answer: answer.map(|answer| OpenAnswer {
            accepted: answer.accepted,
            status: answer.status,
            reason: answer.reason,
            seconds: since(answer.at).unwrap_or(0.0),
        }),
        waits: waits
            .into_iter()
            .map(|wait| OpenWait {
                layer: wait.layer,
                name: wait.name,
                channel: wait.channel,
                within: wait.within,
                grace: wait.grace,
            })
            .collect(),
        more: observations.len() > SEEN,
        seen: observations
            .iter()
            .take(SEEN)
            .map(|seen| OpenSeen {
                channel: seen.channel.clone(),
                seconds: since(seen.observation.sighting.at.hi),
                summary: seen.observation.sighting.summary.clone(),
            })
            .collect(),
        deadline: sent.zip(last).map(|(sent, last)| sent.after(last).to_rfc3339()),
        now: now.to_rfc3339_nanos(),
    }
}
