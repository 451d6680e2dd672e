//! Which instants a schedule names. A pure function of the definition and the time.

use std::time::Duration;

/// A schedule, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {}

impl Schedule {
    /// At equal distances.
    #[must_use]
    pub fn every(_interval: Duration, _jitter: Duration) -> Self {
        Self {}
    }

    /// At the instants of a cron line.
    ///
    /// # Errors
    /// What is wrong with the line or the time zone.
    pub fn cron(_line: &str, _timezone: Option<&str>) -> Result<Self, String> {
        Ok(Self {})
    }
}
