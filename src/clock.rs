//! Time and randomness, passed in. Nothing else in landfall reads a clock or draws a number.

use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use futures::future::BoxFuture;
use rand::{RngCore, SeedableRng};

use crate::model::Moment;

/// Tells the time and lets it pass.
pub trait Clock: Send + Sync + 'static {
    /// Now.
    fn now(&self) -> Moment;

    /// Returns at `until`, or at once where that has passed.
    fn sleep_until(&self, until: Moment) -> BoxFuture<'static, ()>;

    /// Returns after `duration`.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.sleep_until(self.now().after(duration))
    }
}

/// The machine's clocks: monotonic for every difference, the wall clock read once, to label.
#[derive(Debug)]
pub struct SystemClock {
    anchor: Instant,
    wall: Moment,
}

impl SystemClock {
    /// Anchors the monotonic clock to the wall clock of this instant.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the machine's clocks"
    )]
    pub fn start() -> Self {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            anchor: Instant::now(),
            wall: Moment(0).after(wall),
        }
    }
}

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the machine's clocks"
    )]
    fn now(&self) -> Moment {
        self.wall
            .after(Instant::now().saturating_duration_since(self.anchor))
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that sleeps")]
    fn sleep_until(&self, until: Moment) -> BoxFuture<'static, ()> {
        let duration = until.since(self.now());
        Box::pin(async move {
            if !duration.is_zero() {
                tokio::time::sleep(duration).await;
            }
        })
    }
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
