//! How long to pause between two looks.

use std::time::Duration;

use crate::model::Moment;

/// The longest pause while something is awaited.
const LONGEST: Duration = Duration::from_secs(30);
/// The pause grows to this part of the time waited.
const PART: u32 = 400;
/// From this length on a pause is slept in IDLE.
pub(super) const IDLE_FROM: Duration = Duration::from_secs(1);

/// The pause, from when the youngest of the waiting runs was armed.
pub(super) fn pause(burst: Duration, waited: Duration) -> Duration {
    burst.max(waited / PART).min(LONGEST.max(burst))
}

/// Doubling pauses between attempts to connect, each drawn from its upper half so that many watchers spread out.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The instant of the next attempt. `slow` where the server asked to be left alone or refused the password:
    /// asking again soon would lock the account.
    pub(super) fn next(&mut self, now: Moment, slow: bool, random: [u8; 32]) -> Moment {
        let (first, most) = if slow { (5_000, 300_000) } else { (250, 30_000) };
        let ceiling = (first << self.failures.min(20)).min(most);
        self.failures = self.failures.saturating_add(1);
        let draw = u64::from(u16::from_le_bytes([random[0], random[1]]));
        let pause = ceiling / 2 + ceiling / 2 * draw / u64::from(u16::MAX);
        now.after(Duration::from_millis(pause))
    }

    /// The server answers again.
    pub(super) const fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_grows_with_the_time_waited() {
        let burst = Duration::from_millis(75);
        assert_eq!(pause(burst, Duration::ZERO), burst);
        assert_eq!(pause(burst, Duration::from_secs(30)), burst);
        assert_eq!(pause(burst, Duration::from_secs(400)), Duration::from_secs(1));
        assert_eq!(pause(burst, Duration::from_secs(86_400)), LONGEST);
        assert_eq!(
            pause(Duration::from_secs(60), Duration::ZERO),
            Duration::from_secs(60)
        );
    }

    #[test]
    fn attempts_spread_and_slow_down() {
        let at = |failures, slow, draw| {
            Backoff { failures }
                .next(Moment(0), slow, [draw; 32])
                .since(Moment(0))
                .as_millis()
        };
        assert_eq!(at(0, false, 0), 125);
        assert_eq!(at(0, false, 255), 250);
        assert_eq!(at(40, false, 255), 30_000);
        assert_eq!(at(0, true, 255), 5_000);
        assert_eq!(at(40, true, 255), 300_000);
    }
}
