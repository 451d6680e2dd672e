//! Time and randomness, passed in. Nothing else in landfall reads a clock or draws a number.

mod alarm;

use std::sync::Mutex;
use std::time::Duration;

use futures::future::BoxFuture;
use rand::{RngCore, SeedableRng};
use rustix::time::ClockId;

use crate::model::Moment;

pub use alarm::{Alarm, Timer};

/// Tells the time and lets it pass.
pub trait Clock: Send + Sync + 'static {
    /// Now.
    fn now(&self) -> Moment;

    /// What the wall clock shows now. It is [`Clock::now`] until somebody sets the wall clock; where it is set, the
    /// two part, and only what people wrote as a time of day (a `cron` schedule, a maintenance window) follows it.
    fn wall(&self) -> Moment {
        self.now()
    }

    /// [`Clock::now`] and [`Clock::wall`] of one instant: a process that waits for its turn between two readings would
    /// take the wait for a wall clock that was set.
    fn both(&self) -> (Moment, Moment) {
        (self.now(), self.wall())
    }

    /// Returns at `until`, or at once where that has passed.
    fn sleep_until(&self, until: Moment) -> BoxFuture<'static, ()>;

    /// Returns after `duration`.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.sleep_until(self.now().after(duration))
    }

    /// Which boot of the machine this is, and where the line stood at it; `None` where that is not known. Of two
    /// processes of one boot it tells by how much the wall clock was set between them.
    fn origin(&self) -> Option<(String, Moment)> {
        None
    }

    /// A timer of the system's own, finer than [`Clock::sleep_until`]; `None` where there is none.
    fn timer(&self) -> Option<Timer> {
        None
    }
}

/// The machine's clocks. The line of [`Moment`]s is counted by the clock that no one can set and that goes on while
/// the machine is suspended (`CLOCK_BOOTTIME`), from an anchor that was read from the wall clock once.
#[derive(Debug)]
pub struct SystemClock {
    /// Where the line stood when the machine was booted.
    boot: Moment,
}

/// No sleep is longer: the runtime's timers stand still while the machine is suspended, and the line does not.
const LONGEST_SLEEP: Duration = Duration::from_secs(10);

impl SystemClock {
    /// Anchors the line to the wall clock of this instant.
    #[must_use]
    pub fn start() -> Self {
        let (since_boot, wall) = read_both();
        Self {
            boot: Moment(wall.0.saturating_sub(since_boot.0)),
        }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Moment {
        Moment(self.boot.0.saturating_add(read(ClockId::Boottime).0))
    }

    fn wall(&self) -> Moment {
        read(ClockId::Realtime)
    }

    fn both(&self) -> (Moment, Moment) {
        let (since_boot, wall) = read_both();
        (Moment(self.boot.0.saturating_add(since_boot.0)), wall)
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that sleeps")]
    fn sleep_until(&self, until: Moment) -> BoxFuture<'static, ()> {
        let clock = Self { boot: self.boot };
        Box::pin(async move {
            loop {
                let left = until.since(clock.now());
                if left.is_zero() {
                    return;
                }
                tokio::time::sleep(left.min(LONGEST_SLEEP)).await;
            }
        })
    }

    fn origin(&self) -> Option<(String, Moment)> {
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        Some((boot.trim().to_owned(), self.boot))
    }

    fn timer(&self) -> Option<Timer> {
        match Timer::new(self.boot) {
            Ok(timer) => Some(timer),
            Err(error) => {
                tracing::warn!(%error, "the system gives no timer of its own: firing is exact to a millisecond only");
                None
            }
        }
    }
}

/// Two clocks cannot be read at once, so of some readings the one with the least time around it is taken.
const READINGS: u32 = 16;
/// A reading with no more around it than this is as good as any, in nanoseconds.
const CLOSE: i64 = 50_000;

/// Since boot, and the wall clock, of one instant.
fn read_both() -> (Moment, Moment) {
    let mut best = (i64::MAX, (Moment(0), Moment(0)));
    for _ in 0..READINGS {
        let before = read(ClockId::Boottime);
        let wall = read(ClockId::Realtime);
        let around = read(ClockId::Boottime).0.saturating_sub(before.0);
        if around < best.0 {
            best = (around, (Moment(before.0.saturating_add(around / 2)), wall));
        }
        if around <= CLOSE {
            break;
        }
    }
    best.1
}

fn read(clock: ClockId) -> Moment {
    let at = rustix::time::clock_gettime(clock);
    Moment(at.tv_sec.saturating_mul(1_000_000_000).saturating_add(at.tv_nsec))
}

/// Draws bytes: from the operating system's generator in the product, from a seed in tests and the sandbox.
pub trait Random: Send + Sync + 'static {
    /// 32 random bytes.
    fn bytes(&self) -> [u8; 32];
}

/// The operating system's generator.
#[derive(Debug, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that draws from the machine's generator"
    )]
    fn bytes(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        rand::rng().fill_bytes(&mut bytes);
        bytes
    }
}

/// The same bytes for the same seed.
#[derive(Debug)]
pub struct SeededRandom(Mutex<rand::rngs::StdRng>);

impl SeededRandom {
    /// A generator that starts at `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(rand::rngs::StdRng::seed_from_u64(seed)))
    }
}

impl Random for SeededRandom {
    fn bytes(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        let mut rng = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        rng.fill_bytes(&mut bytes);
        bytes
    }
}
