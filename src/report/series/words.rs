//! Figures in sentences: what every format says.

mod claims;
mod judged;

use super::{
    ConsistencyFigures, DefinitionFigures, History, ProbeFigures, RoutesFigures, SeriesFigures, Share,
    Withheld,
};
use crate::report::words::{DEFAULT_INPUT, clip, count, percent};

pub(in crate::report) use claims::receipts;
pub(in crate::report) use judged::objectives;
pub use judged::{objective_word, said_of_change};

/// A word on a probability below which a difference is told.
const TOLD_BELOW: f64 = 0.05;
/// Ticks on which routes fail together beyond chance are told from this share on.
const TOGETHER: f64 = 0.01;

/// `route`, `route/input`, `route at location`: what tells a series from its neighbours.
pub(super) fn place(route: &str, input: &str, location: &str) -> String {
    let mut name = clip(route, 60);
    if input != DEFAULT_INPUT {
        name.push('/');
        name.push_str(&clip(input, 60));
    }
    if !location.is_empty() {
        name.push_str(" at ");
        name.push_str(&clip(location, 60));
    }
    name
}

/// A share of a report: three digits where it is near none or all, since it is those that matter.
pub(super) fn precise(share: Option<f64>) -> String {
    match share {
        Some(share) if share > 0.99 && share < 1.0 => {
            // Never rounded up to all.
            format!("{:.2} %", (share * 10_000.0).floor() / 100.0)
        }
        other => percent(other),
    }
}

/// `97.2 % (96.1 - 98.0)`; a dash where there is nothing to have a share of.
pub(in crate::report) fn interval(share: Share) -> String {
    match (share.share, share.lower, share.upper) {
        (Some(value), Some(lower), Some(upper)) => {
            format!(
                "{} ({:.1} - {:.1})",
                precise(Some(value)),
                lower * 100.0,
                upper * 100.0
            )
        }
        (value, ..) => precise(value),
    }
}

/// Which parts of a probe have to be named to tell its series apart: its locations, its definitions.
pub(in crate::report) fn sections(probe: &ProbeFigures) -> impl Fn(&SeriesFigures) -> String + use<> {
    let first = probe.series.first().map(|s| s.location.clone());
    let places = probe.series.iter().any(|s| Some(&s.location) != first.as_ref());
    let current = probe.definitions.last().map(|d| d.revision.clone());
    let several = probe.definitions.len() > 1;
    move |series| {
        let location = if places { series.location.as_str() } else { "" };
        let mut name = place(&series.route, &series.input, location);
        if let (true, Some(revision)) = (several, &series.revision) {
            let when = if Some(revision) == current.as_ref() {
                "now"
            } else {
                "before"
            };
            name.push_str(&format!(" (definition {}, {when})", clip(revision, 8)));
        }
        name
    }
}

/// That the definition changed in the window.
pub(super) fn pool(definitions: &[DefinitionFigures]) -> String {
    let one = |d: &DefinitionFigures| match &d.first {
        Some(first) => format!("{} from {first} ({})", clip(&d.revision, 8), count(d.runs, "run")),
        None => format!("{} ({})", clip(&d.revision, 8), count(d.runs, "run")),
    };
    let all: Vec<String> = definitions.iter().take(10).map(one).collect();
    let more = match definitions.len().saturating_sub(10) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!(
        "the definition changed: {}{more}; figures of different definitions are never mixed",
        all.join(", ")
    )
}

/// The usual ending and how often runs end otherwise.
pub(in crate::report) fn consistency(found: &ConsistencyFigures) -> Vec<String> {
    let mut said = vec![match (found.lower, found.upper) {
        (Some(lower), Some(upper)) => format!("{:.3} ({lower:.3} - {upper:.3})", found.score),
        _ => format!(
            "{:.3}, not enough runs for an interval ({})",
            found.score, found.runs
        ),
    }];
    let usual = clip(&found.usual, 200);
    said.push(if found.endings == 1 {
        format!("consistently {usual} ({} of {})", found.runs, found.runs)
    } else {
        format!("usually {usual} ({})", precise(Some(found.usual_share)))
    });
    let rare = !found.content_looks_volatile && found.coarse >= 0.5;
    if let Some(one_in) = found.differs_one_in.filter(|n| rare && *n >= 2.0) {
        said.push(format!("about one run in {one_in:.0} ends differently"));
    }
    said
}

/// Where along the layers runs part.
pub(in crate::report) fn layers(found: &ConsistencyFigures) -> Vec<String> {
    let mut said = Vec::new();
    if let Some(drop) = &found.drops_at {
        let along: Vec<String> = found
            .layers
            .iter()
            .map(|layer| format!("{} {:.3}", layer.layer, layer.score))
            .collect();
        let place = found.layers.iter().position(|layer| layer.layer == *drop);
        let before = place
            .and_then(|place| place.checked_sub(1))
            .and_then(|at| found.layers.get(at));
        let most = match before {
            Some(before) => format!("most is lost between {} and {drop}", before.layer),
            None => format!("most is lost at {drop}"),
        };
        said.push(format!("{}: {most}", along.join(" -> ")));
    }
    if found.content_looks_volatile {
        said.push(format!(
            "the content looks volatile: {} different ones in {}; without it {:.3}. The fingerprint holds something that changes by itself, such as a time: `landfall diff RUN` shows which field; leave it out of `fingerprint`",
            found.endings_with_content,
            count(found.runs, "run"),
            found.coarse
        ));
    } else if found.content_varies {
        said.push(format!("the content varies: without it {:.3}", found.coarse));
    }
    said
}

/// That failures come in clumps.
pub(in crate::report) fn clumps(series: &SeriesFigures) -> Option<String> {
    let found = series.clumping.filter(|clumping| clumping.widened)?;
    Some(format!(
        "failures come in clumps: {} carry about {:.0} runs' worth of evidence",
        count(series.on_time.of, "run"),
        found.effective_runs.max(1.0)
    ))
}

/// Why no verdict rests on the figures.
pub(in crate::report) fn withheld(series: &SeriesFigures) -> Option<String> {
    match series.withheld? {
        Withheld::Unobserved => Some(format!(
            "no verdict: landfall did not see {} of {} ({})",
            series.unobserved,
            count(series.runs, "run"),
            precise(Share::of(series.unobserved, series.runs).share)
        )),
        Withheld::Skipped => Some(String::from(
            "no verdict: more than 5 % of the ticks that were due did not fire",
        )),
    }
}

/// Routes beside each other.
#[must_use]
pub fn said_of_routes(found: &RoutesFigures) -> Vec<String> {
    let mut said = Vec::new();
    let left_out = match found.left_out {
        0 => String::new(),
        n => format!(
            "; {} left out, where a route did not fire or was not seen",
            count(n, "tick")
        ),
    };
    said.push(match (found.agreement, found.lower, found.upper) {
        (Some(score), Some(lower), Some(upper)) => format!(
            "routes end alike on {} ({:.1} - {:.1}) of {}{left_out}",
            precise(Some(score)),
            lower * 100.0,
            upper * 100.0,
            count(found.ticks, "tick")
        ),
        _ => format!("no tick at which every route was observed{left_out}"),
    });
    if !found.with_content && found.ticks > 0 {
        said.push(String::from(
            "their content was left out of this, since nearly every run has one of its own",
        ));
    }
    for pair in &found.pairs {
        let names = format!("{} and {}", clip(&pair.first, 60), clip(&pair.second, 60));
        let differ = if pair.p <= TOLD_BELOW {
            format!(
                "{names} differ: divergence {:.3}, {}",
                pair.divergence,
                probability(pair.p)
            )
        } else {
            format!("{names}: noise, not a difference ({})", probability(pair.p))
        };
        let together = if pair.shared_fate >= TOGETHER && pair.across < 1.0 {
            format!(
                "; they share their fate: alike on {} of ticks, by chance it would be {}",
                precise(Some(pair.same_tick)),
                precise(Some(pair.across))
            )
        } else {
            String::new()
        };
        said.push(format!("{differ}{together}"));
    }
    said
}

fn probability(p: f64) -> String {
    if p < 0.001 {
        String::from("p < 0.001")
    } else {
        format!("p = {p:.3}")
    }
}

/// One sentence over everything.
pub(in crate::report) fn sentence(history: &History) -> String {
    let runs = history.runs();
    if runs == 0 {
        let since = match &history.window.since {
            Some(since) => format!("from {since} until {}", history.window.until),
            None => format!("until {}", history.window.until),
        };
        return format!("no run ended in the window {since}: there is nothing to report");
    }
    let all = || history.probes.iter().flat_map(|probe| &probe.series);
    let silent: u64 = all().map(|s| s.silent_failures.count).sum();
    let unobserved: u64 = all().map(|s| s.unobserved).sum();
    let on_time: u64 = all().map(|s| s.on_time.count).sum();
    let mut said = format!("{}: {on_time} on time", count(runs, "run"));
    if silent > 0 {
        said.push_str(&format!(", {}", count(silent, "silent failure")));
    }
    if unobserved > 0 {
        said.push_str(&format!(", {unobserved} not observed"));
    }
    said
}
