//! Maintenance: stretches of time in which a probe does not fire, or fires and alerts nobody.

use std::time::Duration;

use super::Schedule;
use crate::model::Moment;

/// So many beginnings of a window that comes again are listed at the most.
const STRETCHES: usize = 1_000;

/// What a window does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Probes fire and measure; nobody is alerted.
    Mute,
    /// Probes do not fire; each tick is a skip on record.
    Stop,
}

/// A stretch of time by the wall clock, once or again and again.
#[derive(Clone, Debug, PartialEq)]
pub struct Window {
    effect: Effect,
    times: When,
    reason: String,
}

#[derive(Clone, Debug, PartialEq)]
enum When {
    Once { from: Moment, to: Moment },
    Again { starts: Schedule, lasts: Duration },
}

impl Window {
    /// From one instant up to another, once.
    #[must_use]
    pub const fn once(effect: Effect, from: Moment, to: Moment, reason: String) -> Self {
        Self {
            effect,
            times: When::Once { from, to },
            reason,
        }
    }

    /// For so long from each instant of a cron schedule on.
    #[must_use]
    pub const fn again(effect: Effect, starts: Schedule, lasts: Duration, reason: String) -> Self {
        Self {
            effect,
            times: When::Again { starts, lasts },
            reason,
        }
    }

    /// What it does.
    #[must_use]
    pub const fn effect(&self) -> Effect {
        self.effect
    }

    /// What it is for, as its definition says; may be empty.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// The stretches of which any part lies in `since <= t < until`, the earliest first; ones that overlap are one. At most a
    /// thousand beginnings are followed.
    #[must_use]
    pub fn between(&self, since: Moment, until: Moment) -> Vec<(Moment, Moment)> {
        match &self.times {
            When::Once { from, to } => {
                let inside = *from < until && since < *to && from < to;
                inside.then_some((*from, *to)).into_iter().collect()
            }
            When::Again { starts, lasts } => {
                let mut all: Vec<(Moment, Moment)> = Vec::new();
                let mut at = since.before(*lasts);
                for _ in 0..STRETCHES {
                    let Some(start) = starts
                        .next_after("", at)
                        .filter(|next| *next > at && *next < until)
                    else {
                        break;
                    };
                    at = start;
                    let end = start.after(*lasts);
                    match all.last_mut() {
                        Some((_, last)) if start <= *last => *last = end,
                        _ => all.push((start, end)),
                    }
                }
                all
            }
        }
    }

    /// Where this instant of the wall clock lies inside, until when: the first instant that is not.
    #[must_use]
    pub fn covers(&self, wall: Moment) -> Option<Moment> {
        match &self.times {
            When::Once { from, to } => (*from <= wall && wall < *to).then_some(*to),
            When::Again { starts, lasts } => {
                // A cron schedule has neither phase nor jitter, so that the name says nothing.
                let mut end = None;
                let mut start = starts.next_after("", wall.before(*lasts));
                // Windows that overlap are one.
                while let Some(at) = start.filter(|at| *at <= end.unwrap_or(wall)) {
                    end = Some(at.after(*lasts));
                    start = starts.next_after("", at).filter(|next| *next > at);
                    if at > wall.after(*lasts) {
                        break;
                    }
                }
                end.filter(|end| *end > wall)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Moment {
        Moment::from_rfc3339(text).unwrap()
    }

    #[test]
    fn one_that_comes_once_has_its_first_instant_and_not_its_last() {
        let (from, to) = (at("2026-05-01T10:00:00Z"), at("2026-05-01T12:00:00Z"));
        let window = Window::once(Effect::Stop, from, to, String::from("move"));
        assert_eq!(window.covers(from), Some(to));
        assert_eq!(window.covers(Moment(to.0 - 1)), Some(to));
        assert_eq!(window.covers(to), None);
        assert_eq!(window.covers(Moment(from.0 - 1)), None);
    }

    #[test]
    fn the_stretches_of_a_time_are_listed() {
        let (from, to) = (at("2026-05-01T10:00:00Z"), at("2026-05-01T12:00:00Z"));
        let once = Window::once(Effect::Stop, from, to, String::new());
        assert_eq!(once.between(at("2026-05-01T11:00:00Z"), to), [(from, to)]);
        assert_eq!(once.between(to, at("2026-06-01T00:00:00Z")), []);
        assert_eq!(once.between(at("2026-04-01T00:00:00Z"), from), []);
        let hour = Duration::from_secs(3_600);
        let daily = Schedule::cron("0 2 * * *", None).unwrap();
        let daily = Window::again(Effect::Mute, daily, hour, String::new());
        let found = daily.between(at("2026-05-01T02:30:00Z"), at("2026-05-03T02:00:00Z"));
        let of = |day: u32| {
            (
                at(&format!("2026-05-0{day}T02:00:00Z")),
                at(&format!("2026-05-0{day}T03:00:00Z")),
            )
        };
        assert_eq!(found, [of(1), of(2)]);
        // Those that overlap are one.
        let often = Schedule::cron("*/30 * * * *", None).unwrap();
        let often = Window::again(Effect::Stop, often, hour, String::new());
        let found = often.between(from, to);
        assert_eq!(found, [(at("2026-05-01T09:30:00Z"), at("2026-05-01T12:30:00Z"))]);
        assert_eq!(often.between(from, at("2036-05-01T12:00:00Z")).len(), 1);
    }

    #[test]
    fn one_that_comes_again_follows_its_zone() {
        let starts = Schedule::cron("0 2 * * 0", Some("Europe/Amsterdam")).unwrap();
        let window = Window::again(
            Effect::Mute,
            starts,
            Duration::from_secs(3 * 3_600),
            String::new(),
        );
        // Summer: two hours ahead of UTC.
        assert_eq!(
            window.covers(at("2026-07-05T02:59:59Z")),
            Some(at("2026-07-05T03:00:00Z"))
        );
        assert_eq!(window.covers(at("2026-07-05T03:00:00Z")), None);
        assert_eq!(window.covers(at("2026-07-04T23:59:59Z")), None);
        assert!(window.covers(at("2026-07-05T00:00:00Z")).is_some());
        // The night in which 2:00 does not exist begins an hour later by UTC's reckoning: at 3:00 local.
        assert!(window.covers(at("2026-03-29T01:00:00Z")).is_some());
        assert_eq!(window.covers(at("2026-03-29T00:59:59Z")), None);
    }
}
