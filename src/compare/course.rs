//! How comparisons came to where they are: each followed through its ticks once more, noted now and then.

use super::contest::Contest;
use super::{CoursePoint, Experiment, Limits, Looking, Role};
use crate::stats::StatError;

/// So many points are noted of one comparison at the most.
const POINTS: usize = 80;
/// And so many of all comparisons together: each costs an interval.
const ALL_POINTS: usize = 4_800;
/// Of one comparison never fewer than these.
const FEWEST: usize = 8;

impl Experiment {
    /// The course of every declared comparison and of the noise arm, in the order of the comparisons; empty for the others,
    /// and where one looks once: what an earlier look would have said nobody may say.
    ///
    /// # Errors
    /// More ticks than can be counted exactly.
    pub(super) fn courses(&self) -> Result<Vec<Vec<CoursePoint>>, StatError> {
        let drawn =
            |contest: &Contest| contest.role != Role::Advisory && self.setup.looking == Looking::Always;
        let count = self.contests.iter().filter(|contest| drawn(contest)).count();
        let points = (ALL_POINTS / count.max(1)).clamp(FEWEST, POINTS);
        let each = self.contests.iter().map(|contest| {
            if drawn(contest) {
                self.course(contest, points)
            } else {
                Ok(Vec::new())
            }
        });
        each.collect()
    }

    fn course(&self, contest: &Contest, points: usize) -> Result<Vec<CoursePoint>, StatError> {
        let mut again = contest.afresh(self.setup.dead_zone)?;
        let stops = self.stops && contest.role == Role::Declared && self.tally.withheld().is_none();
        let counted = &self.inputs[contest.input].counted;
        let noted = noted(counted.len(), points);
        let mut course = Vec::with_capacity(points + 1);
        for (n, samples) in (1_u64..).zip(counted) {
            again.tick(samples, n, stops);
            if noted.contains(&n) || again.is_reached() {
                let (found, _) = again.verdict()?;
                course.push(CoursePoint {
                    ticks: n,
                    net: found.net,
                    limits: Limits::of(found.bounds),
                    word: found.word,
                });
            }
            if again.is_reached() {
                break;
            }
        }
        Ok(course)
    }
}

/// At which of so many ticks it is noted how it stands: evenly, the first and the last among them.
fn noted(ticks: usize, points: usize) -> std::collections::BTreeSet<u64> {
    let last = ticks as u64;
    let gaps = (points as u64).saturating_sub(1).max(1);
    (0..=gaps)
        .map(|gap| 1 + last.saturating_sub(1) * gap / gaps)
        .filter(|n| *n <= last)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_and_the_last_tick_are_noted() {
        assert_eq!(noted(0, 80).len(), 0);
        assert_eq!(noted(1, 80).into_iter().collect::<Vec<_>>(), [1]);
        assert_eq!(noted(5, 80).into_iter().collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
        let many = noted(10_000, 80);
        assert_eq!(
            (many.len(), many.first(), many.last()),
            (80, Some(&1), Some(&10_000))
        );
    }
}
