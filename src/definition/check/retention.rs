//! How long records are kept.

use std::time::Duration;

use crate::definition::raw::RawRetention;
use crate::diag::{Code, Problems};
use crate::model::{Lapse, Spanned};
use crate::store::Retention;

/// A roll-up tells an hour: what is kept for less than that would leave before it was told.
const SHORTEST: Duration = Duration::from_secs(3_600);
const LONGEST: Duration = Duration::from_secs(3_650 * 86_400);

/// What is kept for how long. Each key has a default that fits the others.
pub(crate) fn retention(raw: &RawRetention, problems: &mut Problems) -> Retention {
    let standard = Retention::default();
    let mut time = |key: &str, at: &Option<Spanned<Lapse>>| {
        let at = at.as_ref()?;
        bounded(key, at, problems);
        Some(at.value.0)
    };
    let runs = time("runs", &raw.runs).unwrap_or(standard.runs);
    let failures = time("failures", &raw.failures);
    let rollups = time("rollups", &raw.rollups).unwrap_or(standard.rollups.max(runs));
    if let (Some(at), Some(_)) = (&raw.failures, failures.filter(|failures| *failures < runs)) {
        problems
            .error(
                Code::Time,
                at.span,
                format!("`failures` is `{}`, and `runs` is `{}`", at.value, Lapse(runs)),
                "runs that failed would leave before those that were delivered",
            )
            .help("leave `failures` out: it is then twice as long as `runs`");
    }
    Retention {
        runs,
        failures: failures.unwrap_or_else(|| runs.saturating_mul(2)),
        rollups,
    }
}

fn bounded(key: &str, at: &Spanned<Lapse>, problems: &mut Problems) {
    let label = if at.value.0 < SHORTEST {
        format!("shorter than the limit of {}", Lapse(SHORTEST))
    } else if at.value.0 > LONGEST {
        format!("longer than the limit of {}", Lapse(LONGEST))
    } else {
        return;
    };
    problems.error(Code::Time, at.span, format!("`{key}` is `{}`", at.value), label);
}
