//! What is read at the moment of a scrape.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;

use super::board::Board;
use super::force::Force;
use crate::alert::{Alerts, Status};
use crate::engine::{Engine, Ticker};
use crate::model::{Moment, ProbeState};
use crate::report::metrics::{Destination, Gauges, Process};
use crate::store::Store;
use crate::web::HttpListener;

/// Everything that knows something of now.
#[derive(Clone)]
pub(super) struct Sources {
    pub(super) board: Arc<Board>,
    /// Who tells people.
    pub(super) alerting: Arc<Alerts>,
    pub(super) engine: Engine,
    pub(super) ticker: Ticker,
    pub(super) store: Arc<dyn Store>,
    pub(super) force: Arc<Force>,
    pub(super) started: Moment,
    /// What comes in from outside.
    pub(super) listener: Arc<HttpListener>,
}

impl Sources {
    /// How everything is now. What cannot be told is left at zero.
    pub(super) async fn read(&self) -> Gauges {
        let pauses = self.ticker.pauses();
        let force = self.force.now();
        let attempts = self.force.attempts().clone();
        let states = force.workspace.probes.iter().map(|probe| {
            let (now, _) = self.board.states(probe, &pauses);
            let known = ProbeState::ALL.map(|state| (state.word(), state == now));
            (probe.name.to_string(), known.to_vec())
        });
        let channels = self.engine.channels().into_iter();
        let size = self.store.size().await;
        let refused = self.listener.counters().into_iter();
        Gauges {
            in_flight: self.board.in_flight(),
            states: states.collect(),
            channels: channels
                .map(|channel| (channel.name, channel.down.is_none()))
                .collect(),
            observations: self.engine.counters().observations,
            refused: refused.map(|(word, n)| (word.to_owned(), n)).collect(),
            alerts_open: self.open_alerts(),
            alerts_missed: self.alerting.missed(),
            destinations: self
                .alerting
                .destinations()
                .into_iter()
                .map(|status| (status.name.clone(), destination(&status)))
                .collect(),
            store_bytes: size.map(|size| size.bytes).unwrap_or_default(),
            reload_taken: attempts.refused.is_none(),
            reloaded_at: unix(force.loaded),
            reloads: attempts.counts,
            restart_needed: force.restart.len() as u64,
            process: process(self.started),
        }
    }
}

impl Sources {
    /// How many alerts of each probe are open; probes without one are told too.
    fn open_alerts(&self) -> BTreeMap<String, u64> {
        let force = self.force.now();
        let probes = force.workspace.probes.iter();
        let mut open: BTreeMap<String, u64> = probes.map(|probe| (probe.name.to_string(), 0)).collect();
        for notice in self.alerting.open() {
            if let Some(n) = open.get_mut(&notice.probe) {
                *n += 1;
            }
        }
        open
    }
}

fn destination(status: &Status) -> Destination {
    let at = |text: &Option<String>| text.as_deref().and_then(Moment::from_rfc3339).map(unix);
    Destination {
        up: status.down_since.is_none(),
        waiting: status.waiting as u64,
        sent: status.sent,
        failed: status.failed,
        given_up: status.given_up,
        summed_up: status.summed_up,
        last_success: at(&status.last_success),
        last_failure: at(&status.last_failure),
    }
}

fn process(started: Moment) -> Process {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let resident = status.lines().find_map(|line| {
        line.strip_prefix("VmRSS:")?
            .trim()
            .split(' ')
            .next()?
            .parse::<u64>()
            .ok()
    });
    let open = fs::read_dir("/proc/self/fd")
        .map(Iterator::count)
        .unwrap_or_default();
    let spent = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    #[expect(clippy::cast_precision_loss, reason = "seconds of CPU are far below 2^53")]
    let cpu_seconds = spent.tv_sec as f64 + spent.tv_nsec as f64 / 1e9;
    Process {
        resident_bytes: resident.unwrap_or_default() * 1024,
        open_fds: u64::try_from(open).unwrap_or_default(),
        cpu_seconds,
        start_seconds: unix(started),
    }
}

/// Seconds since 1970.
fn unix(at: Moment) -> f64 {
    at.seconds_since(Moment(0))
}
