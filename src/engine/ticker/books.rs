//! Puts on record what did not fire, and that landfall is alive.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::Inner;
use crate::definition::Probe;
use crate::engine::Update;
use crate::lifecycle::agenda::Grown;
use crate::model::{Moment, SkipReason, SkipSpan};

/// Stretches that have grown are put on record this often.
const SAVE: Duration = Duration::from_secs(1);
/// Between two heartbeats in the store.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// Stretches that a store in trouble has not taken; more are dropped, and said to be.
const UNSAVED_LIMIT: usize = 100_000;

type Key = (String, String, String, SkipReason, Moment);

/// Works until `stop`, and then once more.
pub(super) async fn keep(inner: Arc<Inner>, stop: CancellationToken) {
    let mut unsaved: BTreeMap<Key, SkipSpan> = BTreeMap::new();
    let mut next_beat = inner.clock.now();
    loop {
        let last = stop.is_cancelled();
        save(&inner, &mut unsaved).await;
        let now = inner.clock.now();
        // The next start accounts for the time since: what is not on record yet must not lie before it.
        let owing = !unsaved.is_empty() || !inner.engine.shared.owed.is_empty();
        if (last || now >= next_beat) && !owing {
            next_beat = now.after(HEARTBEAT);
            if let Err(fault) = inner.engine.shared.store.alive(now).await {
                tracing::warn!(%fault, "the heartbeat is not on record");
            }
        }
        if last {
            return;
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = inner.clock.sleep(SAVE) => {}
        }
    }
}

async fn save(inner: &Inner, unsaved: &mut BTreeMap<Key, SkipSpan>) {
    let grown: Vec<(Grown, Option<Arc<Probe>>)> = {
        let mut state = inner.lock();
        let grown = state.bundle.take();
        grown
            .into_iter()
            .map(|grown| {
                let probe = state.probes.get(&grown.probe).cloned();
                (grown, probe)
            })
            .collect()
    };
    for (grown, probe) in grown {
        for span in spans(&grown, probe.as_deref()) {
            let key = (
                span.probe.clone(),
                span.route.clone(),
                span.input.clone(),
                span.reason,
                span.first,
            );
            inner.engine.shared.update(Update::SkippedSpan {
                span: Arc::new(span.clone()),
                added: grown.added,
            });
            unsaved.insert(key, span);
        }
    }
    while unsaved.len() > UNSAVED_LIMIT {
        if let Some((_, span)) = unsaved.pop_first() {
            tracing::error!(
                probe = span.probe, first = %span.first, ticks = span.ticks,
                "skips are not on record: the store takes nothing, and {UNSAVED_LIMIT} stretches wait for it already"
            );
        }
    }
    if unsaved.is_empty() {
        return;
    }
    match inner
        .engine
        .shared
        .store
        .skip_span(unsaved.values().cloned().collect())
        .await
    {
        Ok(()) => unsaved.clear(),
        Err(fault) => tracing::warn!(%fault, stretches = unsaved.len(), "skips are not on record yet"),
    }
}

/// One for each leg that did not fire. Of a probe that is gone from the definitions the name alone is known.
fn spans(grown: &Grown, probe: Option<&Probe>) -> Vec<SkipSpan> {
    let span = |route: &str, input: &str| SkipSpan {
        probe: grown.probe.to_string(),
        route: route.to_owned(),
        input: input.to_owned(),
        reason: grown.reason,
        detail: grown.detail.clone(),
        first: grown.ticks.first,
        last: grown.ticks.last,
        ticks: grown.ticks.ticks,
    };
    let Some(probe) = probe else {
        let route = grown.route.as_deref().unwrap_or_default();
        return vec![span(route, "")];
    };
    let legs = probe.legs.iter().map(|def| &def.leg);
    let wanted = legs.filter(|leg| grown.route.as_ref().is_none_or(|route| *route == leg.route));
    wanted.map(|leg| span(&leg.route, &leg.input)).collect()
}
