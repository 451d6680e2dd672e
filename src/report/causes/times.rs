//! What follows from a run's tick: the hour, what had been noted by then, and when things began.

use super::answer::{Began, Nearby, NearbyKind, Revision};
use super::table::{Collector, Row};
use crate::model::{Mark, Moment};
use crate::report::words::clip;
use crate::stats::attribution::{Column, Role, SIGNIFICANCE};
use crate::stats::change::{LEAST_SEGMENT, SHUFFLES, tested_change};

const HOUR: i64 = 3_600_000_000_000;
/// Marks that runs are divided by; of more, the latest.
pub(super) const MARKS: usize = 20;
/// Something is near a change up to so many seconds, at least and at most.
const NEAR: (f64, f64) = (600.0, 7_200.0);
/// Exchanges that looking for a change may cost.
const EXCHANGES: u64 = 2_000_000;

/// The stretch of time in which a run fell, and the hour of the day where there are several days.
pub(super) fn hours(rows: &[Row]) -> Vec<Column> {
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
        return Vec::new();
    };
    let span = last.tick.0.saturating_sub(first.tick.0);
    let (name, length) = match span / HOUR {
        0..=36 => ("hour", HOUR),
        37..=240 => ("hour", 6 * HOUR),
        _ => ("day", 24 * HOUR),
    };
    let stretch = |row: &Row| {
        let start = Moment(row.tick.0 - row.tick.0.rem_euclid(length));
        Some(match length / HOUR {
            1 => minute(start),
            24 => start.to_rfc3339().chars().take(10).collect(),
            _ => format!(
                "{} to {}",
                minute(start),
                &minute(Moment(start.0.saturating_add(length)))[11..]
            ),
        })
    };
    let mut columns = vec![Column::new(name, rows.iter().map(stretch))];
    if span > 24 * HOUR {
        let hour = |row: &Row| {
            let hour = row.tick.0.div_euclid(HOUR).rem_euclid(24);
            Some(format!("{hour:02}:00 to {:02}:00 UTC", (hour + 1) % 24))
        };
        columns.push(Column::new("hour of day", rows.iter().map(hour)));
    }
    columns.into_iter().map(|c| c.with_role(Role::Hour)).collect()
}

/// `2026-11-22 13:04`
pub(super) fn minute(at: Moment) -> String {
    let text: String = at.to_rfc3339().chars().take(16).collect();
    text.replace('T', " ")
}

/// Before and after each mark within the time of the runs; during it where it lasted.
pub(super) fn marks(rows: &[Row], marks: &[Mark]) -> Vec<Column> {
    let mut within = within(rows, marks);
    within.sort_by_key(|mark| (mark.at, mark.id));
    let skipped = within.len().saturating_sub(MARKS);
    let column = |mark: &&Mark| {
        let side = |row: &Row| {
            Some(match mark.until {
                _ if row.tick < mark.at => "before",
                Some(until) if row.tick < until => "during",
                Some(until) if until > mark.at => "after its end",
                _ => "after",
            })
        };
        let name = format!("mark \"{}\" of {}", clip(&mark.text, 60), minute(mark.at));
        Column::new(name, rows.iter().map(side)).with_role(Role::Epoch)
    };
    within.iter().skip(skipped).map(column).collect()
}

/// The marks at which runs were before and after.
pub(super) fn within<'a>(rows: &[Row], marks: &'a [Mark]) -> Vec<&'a Mark> {
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
        return Vec::new();
    };
    let inside = |mark: &&Mark| mark.at > first.tick && mark.at <= last.tick;
    marks.iter().filter(inside).collect()
}

/// The revisions of the definition, in the order in which they came.
pub(super) fn revisions(from: &Collector) -> Vec<Revision> {
    let Some(raw) = from.columns.iter().find(|raw| raw.name == "revision") else {
        return Vec::new();
    };
    let mut found: Vec<Option<(Moment, Moment, u64, u64)>> = vec![None; raw.labels.len()];
    for (row, code) in from.rows.iter().zip(&raw.codes) {
        if let Some(one) = found.get_mut(*code as usize) {
            let (first, last, runs, bad) = one.get_or_insert((row.tick, row.tick, 0, 0));
            (*first, *last) = ((*first).min(row.tick), (*last).max(row.tick));
            *runs += 1;
            *bad += u64::from(row.bad);
        }
    }
    let mut named: Vec<(Moment, Revision)> = found
        .into_iter()
        .zip(&raw.labels)
        .filter_map(|(one, label)| {
            let (first, last, runs, bad) = one?;
            let revision = Revision {
                revision: label.clone(),
                first: first.to_rfc3339(),
                last: last.to_rfc3339(),
                runs,
                bad,
            };
            Some((first, revision))
        })
        .collect();
    named.sort_by(|(a, x), (b, y)| (a, &x.revision).cmp(&(b, &y.revision)));
    named.into_iter().map(|(_, revision)| revision).collect()
}

/// When the share of bad runs changed among these, which are in the order of time; `None` where it did not, or where so few
/// runs do not tell.
pub(super) fn began(
    rows: &[Row],
    among: Option<String>,
    seed: u64,
    marked: &[Mark],
    revisions: &[Revision],
) -> Option<Began> {
    let bad: Vec<bool> = rows.iter().map(|row| row.bad).collect();
    let all = bad.iter().filter(|b| **b).count() as u64;
    let rare = all.min(bad.len() as u64 - all);
    // Fewer shuffles still tell whether the p is small enough to speak.
    let shuffles = (EXCHANGES / rare.max(1)).clamp(99, SHUFFLES);
    let found = tested_change(&bad, LEAST_SEGMENT, shuffles, seed).ok()?;
    let change = found.change;
    let cut = usize::try_from(change.cut).ok()?;
    let (before, at) = (rows.get(cut.checked_sub(1)?)?.tick, rows.get(cut)?.tick);
    if found.p > SIGNIFICANCE {
        return None;
    }
    Some(Began {
        at: at.to_rfc3339(),
        after: before.to_rfc3339(),
        among,
        runs_before: change.cut,
        bad_before: change.bad_before,
        runs_after: change.runs - change.cut,
        bad_after: change.bad_after,
        p: found.p,
        nearby: nearby(rows, (before, at), marked, revisions),
    })
}

/// What lies near a change, the nearest first.
fn nearby(
    rows: &[Row],
    (before, at): (Moment, Moment),
    marked: &[Mark],
    revisions: &[Revision],
) -> Vec<Nearby> {
    let gap = match (rows.first(), rows.last()) {
        (Some(first), Some(last)) if rows.len() > 1 => {
            last.tick.seconds_since(first.tick) / (rows.len() - 1) as f64
        }
        _ => 0.0,
    };
    let near = (10.0 * gap).clamp(NEAR.0, NEAR.1);
    let is_near = |when: Moment| before.seconds_since(when) <= near && when.seconds_since(at) <= near;
    let one = |when: Moment, kind, text| Nearby {
        at: when.to_rfc3339(),
        seconds_before: at.seconds_since(when),
        kind,
        text,
    };
    let noted = marked.iter().filter(|mark| is_near(mark.at));
    let noted = noted.map(|mark| one(mark.at, NearbyKind::Mark, clip(&mark.text, 200)));
    let changed = revisions.iter().skip(1).filter_map(|revision| {
        let when = Moment::from_rfc3339(&revision.first).filter(|when| is_near(*when))?;
        let text = format!(
            "the definition changed to revision {}",
            clip(&revision.revision, 40)
        );
        Some(one(when, NearbyKind::Revision, text))
    });
    let mut all: Vec<Nearby> = noted.chain(changed).collect();
    all.sort_by(|a, b| a.seconds_before.abs().total_cmp(&b.seconds_before.abs()));
    all
}
