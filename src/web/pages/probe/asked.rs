//! What the address asks for.

use std::time::Duration;

use crate::model::{Lapse, Moment};
use crate::web::api::Problem;
use crate::web::api::params::Query;
use crate::web::daemon::{AskedRange, ProbeAsk};

/// The times that are one click away: how the address says it, and how people do.
pub(super) const RANGES: [(&str, &str); 5] = [
    ("1h", "1 h"),
    ("6h", "6 h"),
    ("24h", "24 h"),
    ("7d", "7 d"),
    ("30d", "30 d"),
];

/// Where nothing else is asked for.
const DEFAULT: &str = "24h";
/// The shortest and the longest time that is shown.
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_hours(24 * 3_660);
/// So many routes, or inputs, are chosen at the most.
const CHOSEN: usize = 50;

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    /// How long ago the time begins, as the address says it.
    pub(super) since: String,
    /// From one instant to another instead, as the address says it; the end is empty where it is now.
    pub(super) between: Option<(String, String)>,
    /// Where the time begins.
    pub(super) begin: Moment,
    pub(super) routes: Vec<String>,
    pub(super) inputs: Vec<String>,
    range: AskedRange,
}

impl Asked {
    /// Reads it; `now` is the end where only a beginning is asked for.
    ///
    /// # Errors
    /// Everything that is wrong at once, with what was expected.
    pub(super) fn read(query: &str, now: Moment) -> Result<Self, Problem> {
        let mut query = Query::of_form(query)?;
        // The sentence for it is the page's own affair.
        let _done = query.all("done");
        let between = between(&mut query, now);
        let written = |at: Option<Moment>| at.map_or_else(String::new, Moment::to_rfc3339);
        let since = since(&mut query, between.is_some());
        let asked = Self {
            range: match between {
                Some((from, Some(to))) => AskedRange::Between(from, to),
                Some((from, None)) => AskedRange::Since(from),
                None => AskedRange::Last(since.1),
            },
            begin: between.map_or_else(|| now.before(since.1), |(from, _)| from),
            since: since.0,
            between: between.map(|(from, to)| (from.to_rfc3339(), written(to))),
            routes: chosen(&mut query, "route"),
            inputs: chosen(&mut query, "input"),
        };
        query.finish(&["since", "from", "to", "route", "input"])?;
        Ok(asked)
    }

    pub(super) fn ask(&self, probe: &str) -> ProbeAsk {
        ProbeAsk {
            probe: probe.to_owned(),
            range: self.range,
            routes: self.routes.clone(),
            inputs: self.inputs.clone(),
        }
    }

    /// The same of another time, as what follows the page's path.
    pub(super) fn with_since(&self, since: &str) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("since", since);
        query.extend_pairs(self.routes.iter().map(|route| ("route", route)));
        query.extend_pairs(self.inputs.iter().map(|input| ("input", input)));
        format!("?{}", query.finish())
    }

    pub(super) fn is_since(&self, since: &str) -> bool {
        self.between.is_none() && self.since == since
    }
}

fn since(query: &mut Query, between: bool) -> (String, Duration) {
    let text = query.one("since");
    if text.is_some() && between {
        query.refuse(
            "since",
            String::from("`since` and `from` exclude each other: give one of them"),
        );
    }
    let text = text.unwrap_or_else(|| String::from(DEFAULT));
    match Lapse::parse(&text) {
        Ok(Lapse(time)) if (SHORTEST..=LONGEST).contains(&time) => (text, time),
        _ => {
            let expected = "a time that has passed, from 1s to 3660d, is expected, such as 1h, 24h or 7d";
            query.refuse("since", format!("`{text}` is no value of `since`: {expected}"));
            (String::from(DEFAULT), Duration::from_hours(24))
        }
    }
}

/// Where it begins, and where it ends unless that is now.
fn between(query: &mut Query, now: Moment) -> Option<(Moment, Option<Moment>)> {
    let (from, to) = (query.moment("from"), query.moment("to"));
    match (from, to) {
        (None, None) => None,
        (None, Some(_)) => {
            query.refuse(
                "from",
                String::from("`to` needs `from`: the instant at which the time begins"),
            );
            None
        }
        (Some(from), to) => {
            let end = to.unwrap_or(now);
            if from >= end {
                let detail = format!("`from` ({from}) has to be before `to` ({end})");
                query.refuse("from", detail);
            } else if end.since(from) > LONGEST {
                query.refuse(
                    "from",
                    String::from("3660 days are shown at the most: choose a later `from`"),
                );
            }
            Some((from, to))
        }
    }
}

fn chosen(query: &mut Query, name: &str) -> Vec<String> {
    let mut all = query.all(name);
    all.sort_unstable();
    all.dedup();
    if all.len() > CHOSEN {
        query.refuse(
            name,
            format!("{} are chosen, and {CHOSEN} is the limit", all.len()),
        );
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Moment {
        Moment::from_rfc3339("2026-11-22T10:00:00Z").unwrap()
    }

    #[test]
    fn an_address_says_a_time_and_a_choice() {
        let asked = Asked::read("since=7d&route=b&route=a&route=a&input=&done=fired", now()).unwrap();
        assert_eq!(asked.routes, ["a", "b"]);
        assert_eq!(asked.range, AskedRange::Last(Duration::from_hours(168)));
        assert!(asked.is_since("7d") && asked.inputs.is_empty());
        assert_eq!(asked.with_since("1h"), "?since=1h&route=a&route=b");
        let plain = Asked::read("", now()).unwrap();
        assert!(plain.is_since("24h"));
        let asked = Asked::read("from=2026-11-22T09%3A00%3A00Z&to=&route=a", now()).unwrap();
        let hour = now().before(Duration::from_hours(1));
        // The same at any later time, so that what was made for it is found again.
        assert_eq!(asked.range, AskedRange::Since(hour));
        assert!(!asked.is_since("24h"));
        let asked = Asked::read("from=2026-11-22T09:00:00Z&to=2026-11-22T10:00:00Z", now()).unwrap();
        assert_eq!(asked.range, AskedRange::Between(hour, now()));
    }

    #[test]
    fn what_does_not_fit_is_refused_with_what_was_expected() {
        for (query, part) in [
            ("since=soon", "`soon` is no value of `since`"),
            ("since=0s", "from 1s to 3660d"),
            ("since=9999d", "from 1s to 3660d"),
            ("from=yesterday", "`yesterday`"),
            ("to=2026-11-22T09:00:00Z", "`to` needs `from`"),
            ("from=2026-11-22T11:00:00Z", "has to be before `to`"),
            ("from=2001-11-22T11:00:00Z", "3660 days"),
            ("since=1h&from=2026-11-22T09:00:00Z", "exclude each other"),
            ("sinse=1h", "there is no parameter `sinse`"),
        ] {
            let said = Asked::read(query, now()).unwrap_err().detail();
            assert!(said.contains(part), "{query}: {said}");
        }
        let many: Vec<String> = (0..51).map(|n| format!("route=r{n}")).collect();
        assert!(
            Asked::read(&many.join("&"), now())
                .unwrap_err()
                .detail()
                .contains("50 is the limit")
        );
    }
}
