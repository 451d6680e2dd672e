//! What is remembered of one key, so that only what is new about it is reported.

use crate::model::{Moment, RunId};

use super::{Found, OWN_DELAY, REPORTS_PER_STATE, STATES_PER_KEY};

const ONE_ID: &str = "rows of one declared id in one answer (1)";

/// One key that is asked for.
#[derive(Debug)]
pub(super) struct Entry {
    /// Whose it is; nearly always one run's.
    pub(super) runs: Vec<RunId>,
    /// Since when it could have a state: nothing of a run exists before it is armed.
    pub(super) since: Moment,
    /// When the last question that was answered about it was sent.
    pub(super) covered: Option<Moment>,
    /// When the next question about it should be sent at the latest.
    pub(super) expected: Moment,
    /// Whether a question about it has failed since it was last covered.
    pub(super) failed: bool,
    /// Another run has joined: what is known is reported once more.
    pub(super) again: bool,
    known: Vec<Known>,
}

#[derive(Debug)]
struct Known {
    identity: Box<str>,
    digest: [u8; 16],
    reports: u16,
}

/// One thing to report.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct News {
    /// Which of the states found.
    pub(super) found: usize,
    /// What makes it the same as an earlier one.
    pub(super) identity: String,
}

/// What a reply says of one key.
#[derive(Debug, Default)]
pub(super) struct Difference {
    /// What is new.
    pub(super) news: Vec<News>,
    /// Limits that were hit.
    pub(super) dropped: Vec<&'static str>,
}

impl Entry {
    pub(super) fn new(run: RunId, since: Moment, expected: Moment) -> Self {
        Self {
            runs: vec![run],
            since,
            covered: None,
            expected,
            failed: false,
            again: false,
            known: Vec::new(),
        }
    }

    /// An earlier process asked for it: what is new now came at any time since, and what it had reported is known.
    pub(super) fn take_up<'a>(&mut self, since: Moment, identities: impl Iterator<Item = &'a str>) {
        self.since = self.since.min(since);
        self.failed = true;
        for identity in identities.take(STATES_PER_KEY) {
            if !self.known.iter().any(|known| *known.identity == *identity) {
                self.known.push(Known {
                    identity: identity.into(),
                    digest: first_digest(identity),
                    reports: 1,
                });
            }
        }
    }

    /// The last instant at which a state that is new now was known not to be there.
    pub(super) fn unseen_at(&self) -> Moment {
        self.covered.unwrap_or(self.since).max(self.since)
    }

    /// Whether the interval up to a question sent at `sent` is wider by landfall's own fault.
    pub(super) fn widened(&self, sent: Moment) -> bool {
        self.failed || sent > self.expected.after(OWN_DELAY)
    }

    /// Notes that a question sent at `sent` was answered and reported.
    pub(super) fn cover(&mut self, sent: Moment, expected: Moment) {
        self.covered = Some(sent);
        self.expected = expected;
        self.failed = false;
        self.again = false;
    }

    /// What is new among the states found (`found` holds their places in `all`).
    pub(super) fn compare(&self, all: &[Found], found: &[usize]) -> Difference {
        let mut difference = Difference::default();
        let mut free: Vec<bool> = vec![true; self.known.len()];
        let mut new = Vec::new();
        // What has not changed claims its state first, so that a changed row never takes another's place.
        for &at in found {
            let row = &all[at];
            let same = self
                .known
                .iter()
                .enumerate()
                .position(|(i, known)| match &row.id {
                    Some(id) => *known.identity == **id,
                    None => free[i] && known.digest == row.digest,
                });
            match same {
                Some(i) if !free[i] => difference.dropped.push(ONE_ID),
                Some(i) => {
                    free[i] = false;
                    let known = &self.known[i];
                    if known.digest != row.digest || self.again {
                        difference.report(at, &known.identity, known.reports);
                    }
                }
                None => new.push(at),
            }
        }
        let mut added: Vec<String> = Vec::new();
        for at in new {
            let row = &all[at];
            // Without a declared identity a changed row is the state that is no longer found as it was.
            let changed = free.iter().position(|f| *f).filter(|_| row.id.is_none());
            if let Some(i) = changed {
                free[i] = false;
                difference.report(at, &self.known[i].identity, self.known[i].reports);
            } else if row.id.as_ref().is_some_and(|id| added.contains(id)) {
                difference.dropped.push(ONE_ID);
            } else if self.known.len() + added.len() >= STATES_PER_KEY {
                difference.dropped.push("rows remembered per key (100)");
            } else {
                let identity = row.id.clone().unwrap_or_else(|| self.unused(&row.digest, &added));
                added.push(identity.clone());
                difference.news.push(News { found: at, identity });
            }
        }
        difference.dropped.dedup();
        difference
    }

    /// Remembers what was reported.
    pub(super) fn learn(&mut self, identity: &str, digest: [u8; 16]) {
        match self.known.iter_mut().find(|k| *k.identity == *identity) {
            Some(known) => {
                known.digest = digest;
                known.reports = known.reports.saturating_add(1);
            }
            None => self.known.push(Known {
                identity: identity.into(),
                digest,
                reports: 1,
            }),
        }
    }

    /// Rows that are alike in all columns and stand side by side in one answer are told apart by a number.
    fn unused(&self, digest: &[u8; 16], added: &[String]) -> String {
        let taken =
            |name: &str| self.known.iter().any(|k| *k.identity == *name) || added.iter().any(|a| a == name);
        let base = u128::from_be_bytes(*digest);
        let mut name = format!("{base:032x}");
        let mut number = 1_u32;
        while taken(&name) {
            number += 1;
            name = format!("{base:032x}#{number}");
        }
        name
    }
}

/// The digest that an undeclared identity was made from at first sight ([`Entry::unused`]); what it has become since is
/// not known, so that a changed state is reported once more, as the same.
fn first_digest(identity: &str) -> [u8; 16] {
    let digits = identity.split('#').next().unwrap_or_default();
    u128::from_str_radix(digits, 16)
        .ok()
        .filter(|_| digits.len() == 32)
        .map_or([0; 16], u128::to_be_bytes)
}

impl Difference {
    fn report(&mut self, found: usize, identity: &str, reports: u16) {
        if reports >= REPORTS_PER_STATE {
            self.dropped.push("changes reported per row (1000)");
        } else {
            let identity = identity.to_owned();
            self.news.push(News { found, identity });
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Map;

    use super::*;

    fn row(id: Option<&str>, digest: u8) -> Found {
        Found {
            key: String::from("k"),
            id: id.map(str::to_owned),
            digest: [digest; 16],
            seen: Map::new(),
            summary: String::new(),
        }
    }

    fn entry() -> Entry {
        Entry::new(RunId(uuid::Uuid::nil()), Moment(0), Moment(0))
    }

    /// What is reported of these rows, by digest and identity; all of it is then known.
    fn see(entry: &mut Entry, rows: &[Found]) -> Vec<(u8, String)> {
        let places: Vec<usize> = (0..rows.len()).collect();
        let news = entry.compare(rows, &places).news;
        for n in &news {
            entry.learn(&n.identity, rows[n.found].digest);
        }
        news.into_iter()
            .map(|n| (rows[n.found].digest[0], n.identity))
            .collect()
    }

    #[test]
    fn a_row_is_reported_at_first_sight_and_at_each_change() {
        let mut e = entry();
        let first = see(&mut e, &[row(None, 1)]);
        assert_eq!(first.len(), 1);
        assert!(see(&mut e, &[row(None, 1)]).is_empty());
        let second = see(&mut e, &[row(None, 2)]);
        assert_eq!(second, vec![(2, first[0].1.clone())], "the same thing, changed");
        assert_eq!(
            see(&mut e, &[row(None, 1)]),
            vec![(1, first[0].1.clone())],
            "and back"
        );
        assert!(see(&mut e, &[]).is_empty(), "a row that is gone says nothing");
        assert!(see(&mut e, &[row(None, 1)]).is_empty());
    }

    #[test]
    fn rows_that_differ_are_two_things_and_so_are_equal_rows_side_by_side() {
        let mut e = entry();
        let one = see(&mut e, &[row(None, 1)]);
        let two = see(&mut e, &[row(None, 1), row(None, 2)]);
        assert_eq!(two.len(), 1);
        assert_ne!(one[0].1, two[0].1);
        let twins = see(&mut e, &[row(None, 1), row(None, 2), row(None, 1)]);
        assert_eq!(twins.len(), 1);
        assert!(twins[0].1.ends_with("#2"), "{twins:?}");
    }

    #[test]
    fn an_unchanged_row_keeps_its_identity_whatever_the_order() {
        let mut e = entry();
        let both = see(&mut e, &[row(None, 1), row(None, 2)]);
        let changed = see(&mut e, &[row(None, 3), row(None, 2)]);
        assert_eq!(changed, vec![(3, both[0].1.clone())]);
    }

    #[test]
    fn what_an_earlier_process_reported_is_the_same_thing_and_what_is_new_may_have_come_since() {
        let mut before = entry();
        let first = see(&mut before, &[row(None, 1)]);
        for (now, reported) in [(1, false), (2, true)] {
            let mut after = Entry::new(RunId(uuid::Uuid::nil()), Moment(50), Moment(60));
            after.take_up(Moment(10), [first[0].1.as_str()].into_iter());
            assert!(after.widened(Moment(50)));
            assert_eq!(after.unseen_at(), Moment(10));
            let news = see(&mut after, &[row(None, now)]);
            assert_eq!(
                news,
                if reported {
                    vec![(2, first[0].1.clone())]
                } else {
                    vec![]
                }
            );
        }
        let mut after = entry();
        after.take_up(Moment(0), ["7"].into_iter());
        assert_eq!(see(&mut after, &[row(Some("7"), 3)]), vec![(3, "7".into())]);
    }

    #[test]
    fn a_declared_identity_decides_alone() {
        let mut e = entry();
        assert_eq!(see(&mut e, &[row(Some("7"), 1)]), vec![(1, "7".into())]);
        assert_eq!(see(&mut e, &[row(Some("8"), 1)]), vec![(1, "8".into())]);
        assert_eq!(
            see(&mut e, &[row(Some("7"), 2), row(Some("8"), 1)]),
            vec![(2, "7".into())]
        );
    }

    #[test]
    fn memory_is_bounded_and_says_so() {
        let mut e = entry();
        let rows: Vec<Found> = (0..=STATES_PER_KEY)
            .map(|i| row(Some(&i.to_string()), 1))
            .collect();
        let places: Vec<usize> = (0..rows.len()).collect();
        let difference = e.compare(&rows, &places);
        assert_eq!(difference.news.len(), STATES_PER_KEY);
        assert_eq!(difference.dropped, vec!["rows remembered per key (100)"]);
        for _ in 0..REPORTS_PER_STATE {
            e.learn("flutters", [0; 16]);
        }
        let difference = e.compare(&[row(Some("flutters"), 9)], &[0]);
        assert!(difference.news.is_empty());
        assert_eq!(difference.dropped, vec!["changes reported per row (1000)"]);
    }
}
