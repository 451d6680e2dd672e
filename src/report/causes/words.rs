//! The answer in one sentence.

use super::answer::{Began, Causes, Found, Nearby, NearbyKind, Outcome, Value};
use super::times::minute;
use crate::model::{Class, Moment};
use crate::report::words::{clip, count, percent};
use crate::stats::attribution::{LEAST_OF_EACH, MOST_LEVELS};

/// Characters of a value, and of a name, in a sentence.
const SHORT: usize = 80;

pub(super) fn sentence(of: &Causes) -> String {
    match of.outcome {
        Outcome::NoRuns => none(of),
        Outcome::NoneBad => format!(
            "none of {} is bad ({}): there is nothing to explain",
            count(of.runs, "run"),
            of.question.words()
        ),
        Outcome::AllBad => {
            let all = match of.runs {
                1 => String::from("the one run is bad"),
                runs => format!("all {runs} runs are bad"),
            };
            format!("{all}: with no good run to compare with, nothing separates them")
        }
        Outcome::TooFew => {
            let good = of.runs - of.bad;
            if of.bad <= good {
                format!(
                    "too few bad runs to explain ({}): {LEAST_OF_EACH} are needed",
                    of.bad
                )
            } else {
                format!("too few good runs to compare with ({good}): {LEAST_OF_EACH} are needed")
            }
        }
        Outcome::Nothing => {
            let nothing = match &of.nearest {
                Some(best) => format!(
                    "no recorded attribute separates bad from good (best: {}, p = {:.2})",
                    clip(&best.attribute, SHORT),
                    best.p
                ),
                None => String::from("nothing is recorded that could separate bad from good"),
            };
            match &of.began {
                Some(began) => format!("{nothing}, but {}", began_words(began)),
                None => nothing,
            }
        }
        Outcome::Causes => of.causes.first().map_or_else(String::new, |first| {
            let mut said = cause(first);
            let more = of.causes.len() - 1;
            if more > 0 {
                said.push_str(&format!("; inside of that {}", names(&of.causes[1..])));
            }
            if let Some(began) = &of.began {
                said.push_str(&format!("; {}", began_words(began)));
            }
            said
        }),
    }
}

fn none(of: &Causes) -> String {
    let left_out: u64 = of.left_out.classes.values().sum();
    let unobserved = of
        .left_out
        .classes
        .get(&Class::Unobserved)
        .copied()
        .unwrap_or_default();
    match (left_out, unobserved) {
        (0, _) if of.left_out.timeless > 0 => format!(
            "none of {} has a tick that is a time: there is nothing to compare",
            count(of.left_out.timeless, "run")
        ),
        (0, _) => String::from("no runs are on record: there is nothing to explain"),
        (all, blind) if all == blind => format!(
            "{} unobserved: landfall could not see, and there is nothing to compare",
            if all == 1 {
                String::from("the one run is")
            } else {
                format!("all {all} runs are")
            }
        ),
        (all, _) => format!(
            "none of {} counts as bad ({}) or as good: there is nothing to compare",
            count(all, "run"),
            of.question.words()
        ),
    }
}

fn cause(of: &Found) -> String {
    let Some(value) = of.values.first() else {
        return String::new();
    };
    let among = of
        .among
        .as_ref()
        .map_or_else(String::new, |among| format!(" among {among}"));
    format!(
        "{} of {} with {} are bad ({}), elsewhere{among} {} of {} ({}), {}",
        value.bad,
        count(value.runs, "run"),
        pair(&of.attribute, &value.value),
        percent(Some(value.share[0])),
        value.bad_elsewhere,
        value.runs_elsewhere,
        percent(Some(value.share_elsewhere[0])),
        p(of.p),
    )
}

fn names(of: &[Found]) -> String {
    debug_assert!(of.len() < MOST_LEVELS, "the first stands apart");
    let one = |found: &Found| {
        let value: Option<&Value> = found.values.first();
        value.map_or_else(String::new, |value| pair(&found.attribute, &value.value))
    };
    of.iter().map(one).collect::<Vec<_>>().join(", then ")
}

/// `provider = beta`
pub(super) fn pair(attribute: &str, value: &str) -> String {
    format!("{} = {}", clip(attribute, SHORT), clip(value, SHORT))
}

/// `p < 0.001`, `p = 0.013`
pub(super) fn p(p: f64) -> String {
    if p < 0.001 {
        String::from("p < 0.001")
    } else {
        format!("p = {p:.3}")
    }
}

/// When it began, and what was noted then.
pub(super) fn began_words(began: &Began) -> String {
    let at = Moment::from_rfc3339(&began.at).map_or_else(|| clip(&began.at, 40), minute);
    let share = |bad: u64, of: u64| bad as f64 / of.max(1) as f64;
    let rose = share(began.bad_after, began.runs_after) > share(began.bad_before, began.runs_before);
    let verb = if rose { "it began" } else { "it ended" };
    let near = began.nearby.first();
    let near = near.map_or_else(String::new, |near| format!(", {}", nearby(near)));
    format!("{verb} about {at} UTC{near}")
}

/// `40 s after the mark "release 4.2"`
pub(super) fn nearby(of: &Nearby) -> String {
    let what = match of.kind {
        NearbyKind::Mark => format!("the mark \"{}\"", clip(&of.text, SHORT)),
        NearbyKind::Revision => clip(&of.text, SHORT),
    };
    let apart = length(of.seconds_before.abs());
    match of.kind {
        _ if of.seconds_before.abs() < 1.0 => format!("as of {what}"),
        _ if of.seconds_before > 0.0 => format!("{apart} after {what}"),
        _ => format!("{apart} before {what}"),
    }
}

fn length(seconds: f64) -> String {
    if seconds < 120.0 {
        format!("{seconds:.0} s")
    } else {
        format!("{:.0} min", seconds / 60.0)
    }
}
