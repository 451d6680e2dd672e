//! Maintenance: stretches of time in which a probe does not fire, or fires and alerts nobody.

use std::time::Duration;

use super::Schedule;
use crate::model::Moment;

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
