//! What is kept of a run.

use std::sync::Arc;

use crate::model::{Class, Layer, Moment, RunRecord, Seconds};
use crate::stats::ticks::Wait;

/// What is kept of a run to compare it.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// How it ended.
    pub class: Class,
    /// When its outcome arrived, in seconds since the first byte sent.
    pub wait: Wait,
    /// How long it was watched: the latest end of a grace, in seconds; 0 where nothing was waited for.
    pub watch: f64,
    /// Digest of what came of it, where the probe declares one.
    pub fingerprint: Option<Arc<str>>,
    /// When its first byte left.
    pub sent: Option<Moment>,
}

impl Sample {
    /// What is kept of a record. An outcome that came after the watch had ended did not arrive.
    ///
    /// # Errors
    /// One sentence that names the field: a time that is negative, infinite or no number, an interval whose ends are the
    /// wrong way round, a date that cannot be read, an outcome that arrived at no time.
    pub fn of(run: &RunRecord) -> Result<Self, String> {
        let mut watch = 0.0_f64;
        for (place, expectation) in run.expectations.iter().enumerate() {
            let of = |name: &str, value: f64| {
                if value.is_finite() && value >= 0.0 {
                    return Ok(value);
                }
                Err(format!("`expectations[{place}].{name}` is {value}: {NUMBER}"))
            };
            let end = of("within", expectation.within)? + of("grace", expectation.grace)?;
            if expectation.layer == Layer::Outcome {
                watch = watch.max(end);
            }
        }
        if let Some(lag) = run.lag.filter(|lag| !lag.is_finite()) {
            return Err(format!("`lag` is {lag}: a time is a finite number of seconds"));
        }
        let sent = match &run.sent {
            None => None,
            Some(text) => Some(instant("sent", text)?),
        };
        let seconds = run.layers.outcome.seconds.map(checked).transpose()?;
        let arrived = match (came(run.class), seconds) {
            (false, _) => None,
            (true, None) => {
                let class = run.class.word();
                return Err(format!(
                    "`layers.outcome.seconds` is null though the run ended {class}: an outcome that arrived has its time"
                ));
            }
            (true, found) => found.filter(|Seconds(lo, _)| watch == 0.0 || *lo <= watch),
        };
        Ok(Self {
            class: run.class,
            wait: match arrived {
                Some(Seconds(lo, hi)) => Wait { lo, hi: Some(hi) },
                None => Wait { lo: watch, hi: None },
            },
            watch,
            fingerprint: run.fingerprint.as_deref().map(Arc::from),
            sent,
        })
    }

    /// Whether it did what it should, in time.
    #[must_use]
    pub fn succeeded(&self) -> bool {
        self.class == Class::Delivered
    }

    /// Whether something arrived of which one can say whether it is what it should be.
    #[must_use]
    pub fn has_content(&self) -> bool {
        came(self.class) || self.class == Class::Mismatched
    }

    /// Whether landfall saw what became of it.
    #[must_use]
    pub fn observed(&self) -> bool {
        self.class != Class::Unobserved
    }

    /// How it ended, for the question whether two ended the same way.
    #[must_use]
    pub fn ending(&self) -> (Class, Option<Arc<str>>) {
        (self.class, self.fingerprint.clone())
    }
}

const NUMBER: &str = "a time is a finite number of seconds, 0 or more";

/// Whether the outcome came, in time or not.
const fn came(class: Class) -> bool {
    matches!(
        class,
        Class::Delivered | Class::Late | Class::Duplicate | Class::Phantom
    )
}

/// Reads a date of a record.
pub(super) fn instant(field: &str, text: &str) -> Result<Moment, String> {
    Moment::from_rfc3339(text)
        .ok_or_else(|| format!("`{field}` is `{text}`: a date is RFC 3339, such as 2026-11-22T10:00:00Z"))
}

fn checked(seconds: Seconds) -> Result<Seconds, String> {
    let Seconds(lo, hi) = seconds;
    let number = |value: f64| value.is_finite() && value >= 0.0;
    if number(lo) && number(hi) && lo <= hi {
        return Ok(seconds);
    }
    Err(format!(
        "`layers.outcome.seconds` is [{lo}, {hi}]: {NUMBER}, and the first is at most the second"
    ))
}
