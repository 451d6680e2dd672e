//! What is drawn for a message, and which rule it gets.

use std::time::Duration;

use super::fault::FaultKind;
use super::message::NewMessage;
use super::script::{Range, Rule, Script};

/// Machines of each provider.
pub(super) const NODES: u32 = 3;
/// Zones in which they stand.
pub(super) const ZONES: [&str; 4] = ["a", "b", "c", "d"];

/// The numbers behind one message: the same for the same seed, route and place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Draw<'a> {
    /// The sandbox's seed.
    pub(super) seed: u64,
    /// The route asked for.
    pub(super) route: &'a str,
    /// Which message of the route, from 1.
    pub(super) n: u64,
}

impl Draw<'_> {
    /// Eight bytes for one purpose.
    #[must_use]
    pub(super) fn number(&self, purpose: &str) -> u64 {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.seed.to_le_bytes());
        hasher.update(&self.n.to_le_bytes());
        hasher.update(self.route.as_bytes());
        hasher.update(&[0]);
        hasher.update(purpose.as_bytes());
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
        u64::from_le_bytes(bytes)
    }

    /// From 0 to, but without, 1.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit a double")]
    pub(super) fn unit(&self, purpose: &str) -> f64 {
        (self.number(purpose) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Which machine of its provider takes the message: 1 to [`NODES`].
    #[must_use]
    pub(super) fn node(&self) -> u32 {
        u32::try_from(self.number("node") % u64::from(NODES)).unwrap_or(0) + 1
    }

    /// In which zone that machine stands.
    #[must_use]
    pub(super) fn zone(&self) -> &'static str {
        let place = self.number("zone") % ZONES.len() as u64;
        usize::try_from(place).map_or(ZONES[0], |place| ZONES[place])
    }

    /// A time of the range.
    pub(super) fn within(&self, purpose: &str, range: Range) -> Duration {
        range.min + (range.max.saturating_sub(range.min)).mul_f64(self.unit(purpose))
    }
}

/// The rule for a message: by name in its text, else the first of its route that applies.
#[must_use]
pub(super) fn choose(script: &Script, message: &NewMessage, draw: &Draw<'_>) -> Rule {
    let named = message
        .text
        .split_ascii_whitespace()
        .filter_map(|word| word.strip_prefix("fault:"))
        .find_map(FaultKind::named);
    if let Some(fault) = named.filter(|_| script.by_name) {
        return Rule::always(fault);
    }
    let mut rules = script.route(draw.route).faults.iter().enumerate();
    let hit = rules.find(|(at, rule)| {
        let chance = match rule.probability {
            Some(_) => draw.unit(&format!("rule {at}")),
            None => 0.0,
        };
        rule.applies(draw.n, &message.text, chance) && rule.is_of(draw.node(), draw.zone())
    });
    hit.map_or_else(|| Rule::always(FaultKind::None), |(_, rule)| rule.clone())
}
