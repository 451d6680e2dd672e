//! What the agenda is told, and what it says.

use std::sync::Arc;
use std::time::Duration;

use crate::lifecycle::schedule::{Schedule, Stretch, Window};
use crate::model::{Moment, SkipReason};

/// A tick that has not left so long after it was due is skipped, or half an interval where that is less.
pub const START_DEADLINE: Duration = Duration::from_secs(30);

/// Both clocks, read together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clocks {
    /// The line of moments.
    pub now: Moment,
    /// What the wall clock shows.
    pub wall: Moment,
}

/// A probe, as far as its ticks go.
#[derive(Clone, Debug, PartialEq)]
pub struct Planned {
    /// Its name.
    pub probe: Arc<str>,
    /// When it is due; `None` where it is fired by hand alone.
    pub schedule: Option<Schedule>,
    /// How late a tick may leave; `None` for the default.
    pub start_deadline: Option<Duration>,
    /// How long before its instant a tick is handed out, so that it is armed and on record when its instant comes.
    pub lead: Duration,
    /// Its routes.
    pub routes: Vec<Arc<str>>,
    /// Its maintenance windows, the workspace's among them.
    pub windows: Arc<[Window]>,
}

impl Planned {
    /// How late a tick may leave.
    #[must_use]
    pub fn start_deadline(&self) -> Duration {
        self.start_deadline.unwrap_or_else(|| {
            let gap = self.schedule.as_ref().map(Schedule::min_gap);
            gap.map_or(START_DEADLINE, |gap| (gap / 2).min(START_DEADLINE))
        })
    }

    pub(super) fn by_wall(&self) -> bool {
        self.schedule.as_ref().is_some_and(Schedule::is_cron)
    }
}

/// What becomes of ticks.
#[derive(Clone, Debug, PartialEq)]
pub enum Fate {
    /// This tick is to be fired at `due`.
    Fire {
        /// The probe.
        probe: Arc<str>,
        /// Its instant on the line of moments.
        due: Moment,
        /// Nothing of it leaves after this.
        start_deadline: Moment,
        /// Routes that are paused; each is told of by a skip of its own.
        paused: Vec<Arc<str>>,
    },
    /// These ticks do not fire.
    Skip {
        /// The probe.
        probe: Arc<str>,
        /// Only this route; all of them where it is `None`.
        route: Option<Arc<str>>,
        /// Which ticks, on the line of moments.
        ticks: Stretch,
        /// Why.
        reason: SkipReason,
        /// What exactly, for people.
        detail: String,
    },
    /// The wall clock was set.
    Stepped {
        /// Forward by so many nanoseconds; back where it is negative.
        by: i64,
    },
}
