//! From something seen to the run it belongs to.

use std::sync::Arc;

use super::Machine;
use crate::lifecycle::event::{Command, Seen, StrayReason};
use crate::lifecycle::run::Run;
use crate::model::{ChannelId, Moment, ObservationId, RunId, Token};

impl Machine {
    pub(super) fn seen(&mut self, seen: Seen, out: &mut Vec<Command>) {
        let (mut owned, mut expected) = (false, false);
        for token in &seen.tokens {
            if let Some(run) = self.runs.of_mut(token) {
                owned = true;
                expected |= attach(run, &seen, out);
            }
        }
        if !owned && let Some(id) = self.owner_by_key(&seen) {
            owned = true;
            expected = self.attach(id, &seen, out);
        }
        if !owned {
            self.hold_or_stray(seen, out);
            return;
        }
        if !expected {
            let reason = StrayReason::Unexpected;
            out.push(Command::Stray {
                observation: seen.observation,
                reason,
            });
        }
    }

    /// A captured id that several open runs share tells none of them apart.
    fn owner_by_key(&self, seen: &Seen) -> Option<RunId> {
        seen.keys.iter().find_map(|key| match self.keys.get(key)?[..] {
            [run] => Some(run),
            _ => None,
        })
    }

    fn hold_or_stray(&mut self, seen: Seen, out: &mut Vec<Command>) {
        let observation = seen.observation;
        let reason = if !seen.tokens.is_empty() {
            StrayReason::UnknownToken
        } else if seen.keys.is_empty() {
            StrayReason::NoKey
        } else {
            if let Some(out_of) = self.unclaimed.hold(seen) {
                let reason = StrayReason::Crowded;
                out.push(Command::Stray {
                    observation: out_of.observation,
                    reason,
                });
            }
            return;
        };
        out.push(Command::Stray { observation, reason });
    }

    pub(super) fn attach(&mut self, id: RunId, seen: &Seen, out: &mut Vec<Command>) -> bool {
        self.runs.get_mut(&id).is_some_and(|run| attach(run, seen, out))
    }

    pub(super) fn register_key(&mut self, id: RunId, key: String, out: &mut Vec<Command>) {
        // Nearly every key has one run, and there may be many: no room is taken for more before there is more.
        let runs = self
            .keys
            .entry(key.clone())
            .or_insert_with(|| Vec::with_capacity(1));
        if !runs.contains(&id) {
            runs.push(id);
        }
        if runs.len() > 1 {
            return;
        }
        for seen in self.unclaimed.claim(&key) {
            if !self.attach(id, &seen, out) {
                self.hold_or_stray(seen, out);
            }
        }
    }

    pub(super) fn marked(
        &mut self,
        now: Moment,
        id: RunId,
        observation: ObservationId,
        matched: u64,
        held: u64,
        out: &mut Vec<Command>,
    ) {
        let Some(run) = self.runs.get_mut(&id) else { return };
        let channel_bits = |channel| {
            let of_channel =
                |(i, e): (usize, &crate::model::ExpectationSpec)| u64::from(e.channel == channel) << i;
            run.leg
                .expectations
                .iter()
                .enumerate()
                .map(of_channel)
                .fold(0, |bits, bit| bits | bit)
        };
        let Some(place) = run
            .arrivals
            .iter()
            .position(|a| a.observation == observation && a.pending)
        else {
            return;
        };
        let bits: u64 = channel_bits(run.arrivals[place].channel);
        let arrival = &mut run.arrivals[place];
        arrival.pending = false;
        arrival.matched = (matched | held) & bits;
        arrival.held = held & bits;
        self.advance(now, id, out);
    }

    pub(super) fn dropped(&mut self, now: Moment, channel: ChannelId, what: &Arc<str>, tokens: &[Token]) {
        if tokens.is_empty() {
            self.channels.blink(channel, now, Arc::clone(what));
        }
        for token in tokens {
            if let Some(run) = self.runs.of_mut(token) {
                run.taint(what);
            }
        }
    }
}

/// Gives an observation to a run; whether the run waits for anything on the channel.
fn attach(run: &mut Run, seen: &Seen, out: &mut Vec<Command>) -> bool {
    if !run.waits_on(seen.channel) {
        return false;
    }
    let (run, observation) = (run.id, run.take(seen).then_some(seen.observation));
    out.push(match observation {
        Some(observation) => Command::Evaluate { run, observation },
        None => Command::Redelivered {
            run,
            observation: seen.observation,
        },
    });
    true
}
