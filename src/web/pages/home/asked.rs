//! What the address asks for.

use std::collections::BTreeSet;

use crate::model::ProbeState;
use crate::report::html::overview::{Filter, ProbeTile, Range};
use crate::web::api::Problem;
use crate::web::api::params::Query;

/// The longest search, in characters.
const TEXT: usize = 200;
/// So many labels are listed where one is unknown.
const LISTED: usize = 20;
/// The highest page that can be asked for; the last one there is is shown then.
const PAGES: u32 = 1_000_000;

/// Reads it. What is unknown is refused with what there is.
///
/// # Errors
/// Everything that is wrong at once.
pub(super) fn read(query: &str, probes: &[ProbeTile], location: &str) -> Result<Filter, Problem> {
    let mut query = Query::of_form(query)?;
    // The sentence for it is the page's own affair.
    let _done = query.all("done");
    let filter = Filter {
        range: range(&mut query),
        text: text(&mut query),
        labels: labels(&mut query, probes),
        states: states(&mut query),
        location: here(&mut query, location),
        page: query.number("page", 1, PAGES) as usize,
    };
    query.finish(&["since", "q", "label", "state", "location", "page"])?;
    Ok(filter)
}

fn range(query: &mut Query) -> Range {
    let Some(word) = query.one("since") else {
        return Range::default();
    };
    Range::from_word(&word).unwrap_or_else(|| {
        let words = Range::ALL.map(Range::word).join(", ");
        query.refuse(
            "since",
            format!("`{word}` is no time range: one of {words} is expected"),
        );
        Range::default()
    })
}

fn text(query: &mut Query) -> String {
    let text = query.one("q").unwrap_or_default();
    let length = text.chars().count();
    if length > TEXT {
        query.refuse(
            "q",
            format!("the search has {length} characters, and {TEXT} is the limit"),
        );
    }
    text
}

fn labels(query: &mut Query, probes: &[ProbeTile]) -> Vec<(String, String)> {
    let asked = query.labels("label");
    for (key, value) in &asked {
        if probes.iter().any(|probe| probe.labels.get(key) == Some(value)) {
            continue;
        }
        let there: BTreeSet<String> = probes
            .iter()
            .flat_map(|probe| &probe.labels)
            .map(|(key, value)| format!("`{key}={value}`"))
            .collect();
        let more = there.len().saturating_sub(LISTED);
        let named: Vec<String> = there.into_iter().take(LISTED).collect();
        let hint = match (named.is_empty(), more) {
            (true, _) => String::from("no probe has any"),
            (_, 0) => format!("there are {}", named.join(", ")),
            _ => format!("there are {} and {more} more", named.join(", ")),
        };
        query.refuse("label", format!("no probe has the label `{key}={value}`; {hint}"));
    }
    asked
}

fn states(query: &mut Query) -> Vec<ProbeState> {
    let mut states = Vec::new();
    for word in query.all("state") {
        match ProbeState::ALL.into_iter().find(|state| state.word() == word) {
            Some(state) => states.push(state),
            None => {
                let words = ProbeState::ALL.map(ProbeState::word).join(", ");
                query.refuse(
                    "state",
                    format!("`{word}` is no state: one of {words} is expected"),
                );
            }
        }
    }
    states
}

fn here(query: &mut Query, location: &str) -> Option<String> {
    let asked = query.one("location")?;
    if asked != location {
        query.refuse(
            "location",
            format!("nothing fires from `{asked}` here: this landfall's location is `{location}`"),
        );
    }
    Some(asked)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probe() -> ProbeTile {
        ProbeTile {
            name: String::from("orders"),
            description: String::new(),
            state: ProbeState::Ok,
            why: String::new(),
            schedule: None,
            next: None,
            paused: None,
            labels: [(String::from("team"), String::from("pay"))].into(),
            routes: Vec::new(),
        }
    }

    #[test]
    fn an_address_says_what_it_reads() {
        let probes = [probe()];
        let asked = "since=7d&q=or%26d&label=team%3Dpay&state=failing&state=no_data&location=eu&page=3";
        let filter = read(asked, &probes, "eu").unwrap();
        assert_eq!(filter.address(), format!("/?{asked}"));
        let plain = read("q=&state=&label=&done=fired", &probes, "eu").unwrap();
        assert_eq!((plain.address().as_str(), plain.narrows()), ("/", false));
    }

    #[test]
    fn what_is_unknown_is_refused_with_what_there_is() {
        let wrong = "since=2h&label=team%3Dops&label=x&state=bad&location=us&page=0&more=1";
        let said = read(wrong, &[probe()], "eu").unwrap_err().detail();
        for part in [
            "7 values",
            "`2h`",
            "1h, 6h, 24h, 7d, 30d",
            "`team=ops`",
            "`team=pay`",
            "`x` is no label",
            "`bad`",
            "no_data",
            "`us`",
            "`eu`",
            "`0`",
            "`more`",
        ] {
            assert!(said.contains(part), "{part}: {said}");
        }
        let long = format!("q={}", "x".repeat(201));
        assert!(
            read(&long, &[], "eu")
                .unwrap_err()
                .detail()
                .contains("201 characters")
        );
    }
}
