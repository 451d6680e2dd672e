//! One timer that is set again and again, exact to microseconds where the system can.
//!
//! The runtime's own timers turn a wheel of milliseconds and are a millisecond late on average. A `timerfd` is woken by
//! the kernel at the instant itself, and counts on while the machine is suspended.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::Clock;
use crate::model::Moment;

/// A timer of the system's own.
#[derive(Debug)]
pub struct Timer {
    fd: AsyncFd<OwnedFd>,
    /// Where the line of [`Moment`]s stood when the machine was booted.
    boot: Moment,
}

impl Timer {
    #[expect(
        deprecated,
        reason = "the one in its place is `unsafe` for descriptors that somebody else may close; this one is owned"
    )]
    pub(super) fn new(boot: Moment) -> std::io::Result<Self> {
        let fd = rustix::time::timerfd_create(
            TimerfdClockId::Boottime,
            TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC,
        )?;
        Ok(Self {
            fd: AsyncFd::with_interest(fd, Interest::READABLE)?,
            boot,
        })
    }

    async fn until(&self, until: Moment) -> std::io::Result<()> {
        // Zero would disarm it; what has passed rings at once all the same.
        let since_boot = until.0.saturating_sub(self.boot.0).max(1);
        let at = Itimerspec {
            it_interval: Timespec::default(),
            it_value: Timespec {
                tv_sec: since_boot / 1_000_000_000,
                tv_nsec: since_boot % 1_000_000_000,
            },
        };
        rustix::time::timerfd_settime(self.fd.get_ref(), TimerfdTimerFlags::ABSTIME, &at)?;
        loop {
            let mut ready = self.fd.readable().await?;
            let mut rung = [0; 8];
            // Setting it takes back what it rang before, so a readiness that is left over reads as 'not yet'.
            match ready.try_io(|fd| Ok(rustix::io::read(fd.get_ref(), &mut rung)?)) {
                Ok(read) => return read.map(|_| ()),
                Err(_not_yet) => {}
            }
        }
    }
}

/// Waits for one instant after the other.
pub struct Alarm {
    clock: Arc<dyn Clock>,
    timer: Option<Timer>,
}

impl Alarm {
    /// By the clock's own timer where it has one, else by its sleep.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            timer: clock.timer(),
            clock,
        }
    }

    /// Returns at `until`, or at once where that has passed. Waiting for another instant instead is dropping this.
    pub async fn until(&self, until: Moment) {
        if until <= self.clock.now() {
            return;
        }
        if let Some(timer) = &self.timer {
            match timer.until(until).await {
                Ok(()) => return,
                Err(error) => {
                    tracing::warn!(%error, "a timer of the system failed; the runtime's takes its place")
                }
            }
        }
        self.clock.sleep_until(until).await;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::SystemClock;

    #[tokio::test]
    async fn it_never_rings_early_and_can_be_set_anew() {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
        let alarm = Alarm::new(clock.clone());
        assert!(alarm.timer.is_some(), "this system has timers");
        let far = clock.now().after(Duration::from_secs(3600));
        let near = clock.now().after(Duration::from_millis(5));
        tokio::select! {
            () = alarm.until(far) => panic!("an hour early"),
            () = clock.sleep_until(near) => {}
        }
        for ahead in [0_u64, 1, 900, 2_000, 50] {
            let due = clock.now().after(Duration::from_micros(ahead));
            alarm.until(due).await;
            assert!(clock.now() >= due, "{ahead} us");
        }
    }

    #[tokio::test]
    async fn what_rang_unheard_does_not_ring_the_next_time() {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
        let alarm = Alarm::new(clock.clone());
        let soon = clock.now().after(Duration::from_micros(200));
        {
            let heard = alarm.until(soon);
            tokio::pin!(heard);
            assert!(futures::poll!(&mut heard).is_pending() || clock.now() >= soon);
            clock.sleep_until(soon.after(Duration::from_millis(3))).await;
        }
        let next = clock.now().after(Duration::from_millis(20));
        alarm.until(next).await;
        assert!(clock.now() >= next);
    }
}
