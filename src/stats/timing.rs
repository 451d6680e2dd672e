//! When a thing happened, as far as it can be known: intervals, clocks and polls.
//!
//! All times are seconds of one monotonic clock, ours, but for a remote stamp, which is seconds of the other's clock.

use serde::Serialize;

use super::error::{finite, not_negative, positive};
use super::{Bounds, StatError};

/// How far two clocks may drift apart, per second: 200 millionths.
pub const DRIFT: f64 = 200e-6;
/// What part of the time since the start lies between two polls.
pub const POLL_SHARE: f64 = 0.1;
/// The least time between two polls, in seconds.
pub const POLL_LEAST: f64 = 0.05;
/// The most time between two polls, in seconds.
pub const POLL_MOST: f64 = 5.0;
/// The most polls of a schedule.
pub const MOST_POLLS: u64 = 1_000_000;
/// By how much the wall clock and the monotonic one may advance apart, in seconds, before the machine was suspended.
pub const SUSPENDED_ABOVE: f64 = 1.0;

/// When something arrived.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Arrival {
    /// The earliest instant.
    pub lo: f64,
    /// The latest instant.
    pub hi: f64,
    /// Whether what the clocks say fits together; where not, the stamp was left out.
    pub clock_ok: bool,
}

/// An arrival held to what is possible: not before its send, not after our sight of it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Clipped {
    /// The earliest instant.
    pub lo: f64,
    /// The latest instant.
    pub hi: f64,
    /// Whether anything had to be cut.
    pub clipped: bool,
}

/// Whether something was in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Lateness {
    /// By the deadline.
    #[serde(rename = "on time")]
    OnTime,
    /// After it, within the grace.
    #[serde(rename = "late")]
    Late,
    /// After both.
    #[serde(rename = "lost")]
    Lost,
}

/// Whether something was in time, and whether that is certain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Timeliness {
    /// What it counts as.
    pub class: Lateness,
    /// Whether its interval contains a limit, so that it may have been the other.
    pub straddles: bool,
}

/// What is known of how far a remote clock is ahead of ours, from exchanges with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct ClockOffset {
    known: Option<Known>,
    /// How often an exchange contradicted what was known: the clock stepped.
    steps: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
struct Known {
    bounds: Bounds,
    at: f64,
}

impl Lateness {
    /// The word as it is printed.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OnTime => "on time",
            Self::Late => "late",
            Self::Lost => "lost",
        }
    }
}

/// When something arrived that one poll did not see and the next did: after the former's query was sent, before the
/// latter's answer came. A remote stamp s, with bounds of the remote clock less ours, says s - offset as well; what both
/// say is taken. Where they contradict each other the polls stand, and the clock is flagged.
///
/// # Errors
/// A time that is infinite or not a number, a poll that saw it before the one that did not.
pub fn arrival_interval(
    not_seen: f64,
    seen: f64,
    stamp: Option<(f64, Bounds)>,
) -> Result<Arrival, StatError> {
    let lo = finite("the poll that did not see it", not_seen)?;
    let hi = finite("the poll that saw it", seen)?;
    in_order("the poll that did not see it", lo, "the poll that saw it", hi)?;
    let polled = Arrival {
        lo,
        hi,
        clock_ok: true,
    };
    let Some((stamp, offset)) = stamp else {
        return Ok(polled);
    };
    finite("the remote stamp", stamp)?;
    checked(offset)?;
    let (from, to) = (lo.max(stamp - offset.upper), hi.min(stamp - offset.lower));
    Ok(if from <= to {
        Arrival {
            lo: from,
            hi: to,
            clock_ok: true,
        }
    } else {
        Arrival {
            clock_ok: false,
            ..polled
        }
    })
}

/// How far a remote clock is ahead of ours, from one exchange: a stamp taken between our send and our receipt is
/// between stamp - received and stamp - sent. As wide as the round trip. Cristian 1989.
///
/// # Errors
/// A time that is infinite or not a number, a receipt before its send.
pub fn offset_bounds(sent: f64, received: f64, stamp: f64) -> Result<Bounds, StatError> {
    finite("the send", sent)?;
    finite("the receipt", received)?;
    finite("the remote stamp", stamp)?;
    in_order("the send", sent, "the receipt", received)?;
    Ok(Bounds {
        lower: stamp - received,
        upper: stamp - sent,
    })
}

impl ClockOffset {
    /// Takes one more exchange, received at `received`: the bounds are cut with what was known, widened by [`DRIFT`] of
    /// its age. Where nothing is left the clock has stepped, and only the new exchange is kept.
    ///
    /// # Errors
    /// As [`offset_bounds`]; an exchange older than the last one.
    pub fn exchange(&mut self, sent: f64, received: f64, stamp: f64) -> Result<(), StatError> {
        let new = offset_bounds(sent, received, stamp)?;
        let mut bounds = new;
        if let Some(known) = self.known {
            in_order("the last exchange", known.at, "this one", received)?;
            let old = known.widened(received);
            bounds = Bounds {
                lower: old.lower.max(new.lower),
                upper: old.upper.min(new.upper),
            };
            if bounds.lower > bounds.upper {
                self.steps += 1;
                bounds = new;
            }
        }
        self.known = Some(Known { bounds, at: received });
        Ok(())
    }

    /// What is known at a time; `None` before the first exchange: then no remote stamp is used.
    #[must_use]
    pub fn at(&self, now: f64) -> Option<Bounds> {
        self.known.map(|known| known.widened(now))
    }

    /// How often the clock was seen to step.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.steps
    }
}

impl Known {
    fn widened(&self, now: f64) -> Bounds {
        let drift = DRIFT * (now - self.at).max(0.0);
        Bounds {
            lower: self.bounds.lower - drift,
            upper: self.bounds.upper + drift,
        }
    }
}

/// Holds an arrival to what is possible: an outcome does not precede its send and does not follow our sight of it.
///
/// # Errors
/// A time that is infinite or not a number, an interval or a send and sight in the wrong order.
pub fn clip(arrival: Bounds, sent: f64, sight: f64) -> Result<Clipped, StatError> {
    checked(arrival)?;
    finite("the send", sent)?;
    finite("the sight", sight)?;
    in_order("the send", sent, "the sight", sight)?;
    let (lo, hi) = (arrival.lower.clamp(sent, sight), arrival.upper.clamp(sent, sight));
    Ok(Clipped {
        lo,
        hi,
        clipped: lo != arrival.lower || hi != arrival.upper,
    })
}

/// Whether something was in time. `seen` is when the poll that saw it was *sent* (for a push, received), `lo` the
/// earliest it can have arrived; the limits are `deadline` and `deadline + grace`. All in seconds from the start.
///
/// # Errors
/// A time that is infinite or not a number, a `lo` after `seen`, a negative deadline or grace.
pub fn classify_lateness(lo: f64, seen: f64, deadline: f64, grace: f64) -> Result<Timeliness, StatError> {
    finite("the earliest arrival", lo)?;
    finite("the sight", seen)?;
    in_order("the earliest arrival", lo, "the sight", seen)?;
    let deadline = not_negative("the deadline in seconds", deadline)?;
    let end = deadline + not_negative("the grace in seconds", grace)?;
    let class = if seen <= deadline {
        Lateness::OnTime
    } else if seen <= end {
        Lateness::Late
    } else {
        Lateness::Lost
    };
    let contains = |limit: f64| lo < limit && limit < seen;
    Ok(Timeliness {
        class,
        straddles: contains(deadline) || contains(end),
    })
}

/// When to poll, in seconds from the start: the first poll, then each after `share` of the time elapsed, no less than
/// `least` and no more than `most` after the one before; and exactly at each instant of `must`, at the last of which it
/// ends. With [`POLL_SHARE`] the uncertainty of a time stays near a tenth of it.
///
/// # Errors
/// An instant, share or interval that is not a finite number above 0, a least interval above the most, instants out of
/// order, none at all, more than [`MOST_POLLS`] polls.
pub fn poll_schedule(
    first: f64,
    share: f64,
    least: f64,
    most: f64,
    must: &[f64],
) -> Result<Vec<f64>, StatError> {
    positive("the first poll in seconds", first)?;
    positive("the share of the time elapsed", share)?;
    positive("the least time between two polls", least)?;
    positive("the most time between two polls", most)?;
    in_order("the least time between two polls", least, "the most", most)?;
    let Some(last) = must.last() else {
        return Err(StatError::Empty {
            what: "instants at which to poll",
        });
    };
    for pair in must.windows(2) {
        in_order("an instant at which to poll", pair[0], "the next", pair[1])?;
    }
    for instant in must {
        positive("an instant at which to poll", *instant)?;
    }
    let mut polls = Vec::new();
    let (mut next, mut due) = (first, 0);
    loop {
        while due < must.len() && must[due] <= next {
            next = must[due];
            due += 1;
        }
        polls.push(next);
        if next >= *last {
            return Ok(polls);
        }
        if polls.len() as u64 >= MOST_POLLS {
            return Err(StatError::OutOfReach {
                what: "number of polls",
                bound: MOST_POLLS,
            });
        }
        next += (share * next).clamp(least, most);
    }
}

/// Whether the machine was suspended while both clocks advanced: then runs in flight were not observed.
#[must_use]
pub fn was_suspended(wall_advance: f64, monotonic_advance: f64) -> bool {
    (wall_advance - monotonic_advance).abs() > SUSPENDED_ABOVE
}

fn checked(bounds: Bounds) -> Result<(), StatError> {
    finite("the lower limit", bounds.lower)?;
    finite("the upper limit", bounds.upper)?;
    in_order("the lower limit", bounds.lower, "the upper", bounds.upper)
}

fn in_order(low_what: &'static str, low: f64, high_what: &'static str, high: f64) -> Result<(), StatError> {
    if low <= high {
        return Ok(());
    }
    Err(StatError::Order {
        low_what,
        low,
        relation: "at most",
        high_what,
        high,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exchanges_narrow_until_the_clock_steps() {
        let mut clock = ClockOffset::default();
        assert_eq!(clock.at(0.0), None);
        clock.exchange(10.0, 10.08, 1010.5).unwrap();
        clock.exchange(10.1, 10.12, 1010.58).unwrap();
        let known = clock.at(10.12).unwrap();
        assert!(known.width() < 0.021 && known.contains(1000.47));
        assert!((clock.at(1010.12).unwrap().width() - known.width() - 0.4).abs() < 1e-6);
        clock.exchange(20.0, 20.01, 2020.0).unwrap();
        assert_eq!(clock.steps(), 1);
        assert!(clock.at(20.01).unwrap().contains(2000.0));
        assert!(clock.exchange(1.0, 2.0, 3.0).is_err());
    }

    #[test]
    fn an_outcome_keeps_between_send_and_sight() {
        let arrival = |lower, upper| Bounds { lower, upper };
        let cut = clip(arrival(-0.5, 3.0), 0.0, 2.0).unwrap();
        assert_eq!((cut.lo, cut.hi, cut.clipped), (0.0, 2.0, true));
        assert!(!clip(arrival(0.5, 1.0), 0.0, 2.0).unwrap().clipped);
        assert!(was_suspended(10.0, 3.0) && !was_suspended(10.0, 9.5));
    }

    #[test]
    fn a_schedule_is_bounded() {
        assert!(poll_schedule(0.1, 0.1, 1e-6, 1e-6, &[60.0]).is_err());
        assert!(poll_schedule(0.1, 0.1, 0.05, 5.0, &[]).is_err());
        assert_eq!(
            poll_schedule(5.0, 0.5, 0.5, 5.0, &[1.0, 1.0, 2.0]).unwrap(),
            [1.0, 1.5, 2.0]
        );
    }
}
