//! Upkeep in memory: the same rules as in a file, all at once.

use crate::model::{Class, Moment, Rollup};
use crate::store::{Retention, RollupFilter, Upkeep};

use super::state::State;

impl State {
    pub(super) fn keep_up(&mut self, now: Moment, retention: Retention) -> Upkeep {
        let mut done = Upkeep {
            rolled_up: self.roll_up(Rollup::hour_of(now)),
            ..Upkeep::default()
        };
        let runs = Rollup::hour_of(now.before(retention.runs));
        let failures = Rollup::hour_of(now.before(retention.failures)).min(runs);
        self.pruned = self.pruned.max(Some(runs));
        let before = self.observations.len();
        let leave: Vec<_> = self
            .records
            .iter()
            .take_while(|((tick, _), _)| *tick < runs)
            .filter(|((tick, _), record)| *tick < failures || record.class == Class::Delivered)
            .map(|(place, _)| *place)
            .collect();
        done.runs = leave.len() as u64;
        for place in leave {
            self.records.remove(&place);
            self.forget(place.1);
        }
        let old = |id: &&_| {
            let stray = self.observations.get(*id);
            stray.is_some_and(|stray| stray.observation.sighting.at.hi < runs)
        };
        let strays: Vec<_> = self.strays.iter().take_while(old).copied().collect();
        for stray in strays {
            self.strays.remove(&stray);
            self.observations.remove(&stray);
        }
        done.observations = (before - self.observations.len()) as u64;
        let others = self.others();
        let rollups = now.before(retention.rollups);
        self.skips.retain(|(tick, ..), _| *tick >= runs);
        self.rollups.retain(|(hour, ..), _| *hour >= rollups);
        self.small.keep_from(rollups);
        done.others = (others - self.others()) as u64;
        done
    }

    pub(super) fn rolled_up(&self, filter: &RollupFilter) -> Vec<Rollup> {
        let wanted = self.rollups.values().filter(|rollup| filter.admits(rollup));
        wanted.cloned().collect()
    }

    fn others(&self) -> usize {
        self.skips.len() + self.rollups.len() + self.small.rows()
    }

    /// Rolls up every hour before `until` that is whole.
    fn roll_up(&mut self, until: Moment) -> u64 {
        let whole = self.pruned.unwrap_or(Moment(i64::MIN));
        self.rollups.retain(|(hour, ..), _| *hour < whole);
        let mut hours = std::collections::BTreeSet::new();
        for ((tick, _), record) in &self.records {
            let hour = Rollup::hour_of(*tick);
            if hour < whole || hour >= until {
                continue;
            }
            hours.insert((hour, record.probe.clone()));
            let key = (
                hour,
                record.probe.clone(),
                record.route.clone(),
                record.input.clone(),
            );
            self.rollups
                .entry(key)
                .or_insert_with(|| Rollup::empty(hour, &record.probe, &record.route, &record.input))
                .add(record);
        }
        self.rollups.values_mut().for_each(Rollup::settle);
        hours.len() as u64
    }
}
