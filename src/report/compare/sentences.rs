//! What is said of a comparison, in sentences that every format shares.

use super::super::figures::list;
use super::super::paint::Tone;
use super::super::words::{DEFAULT_INPUT, clip, count, percent, seconds};
use super::RouteCauses;
use crate::compare::{Compared, Comparison, Effect, Limits, Metric, Role, RouteFigures, Source};
use crate::stats::verdict::{Withheld, Word};

/// The longest name that is shown, in characters.
const NAME: usize = 80;

/// What was compared with what.
pub(in crate::report) fn title(comparison: &Comparison) -> String {
    let baseline = clip(&comparison.baseline, NAME);
    let probe = comparison
        .probe
        .as_deref()
        .map_or_else(String::new, |probe| format!("{}: ", clip(probe, NAME)));
    if !comparison.paired {
        return format!("{probe}a second set of runs against {baseline}, not paired");
    }
    let mut routes: Vec<String> = Vec::new();
    for compared in comparison.declared() {
        let route = clip(&compared.route, NAME);
        if !routes.contains(&route) {
            routes.push(route);
        }
    }
    format!("{probe}{} against {baseline}, paired by tick", routes.join(", "))
}

/// The name of what was compared: the route, with the input and the probe where there are several.
pub(in crate::report) fn name(comparison: &Comparison, probe: &str, route: &str, input: &str) -> String {
    let mut name = clip(route, NAME);
    if comparison.probe.is_none() {
        name = format!("{}/{name}", clip(probe, NAME));
    }
    if input != DEFAULT_INPUT {
        name = format!("{name}/{}", clip(input, NAME));
    }
    name
}

/// The name of one comparison.
pub(in crate::report) fn compared_name(comparison: &Comparison, compared: &Compared) -> String {
    name(comparison, &compared.probe, &compared.route, &compared.input)
}

/// The word, or why there is none.
pub(in crate::report) fn word(compared: &Compared) -> &'static str {
    match (compared.word, compared.withheld) {
        (Some(word), _) => word.as_str(),
        (None, Some(Withheld::Blind)) => "withheld: blind",
        (None, Some(Withheld::Skipped)) => "withheld: skipped ticks",
        (None, None) => "-",
    }
}

pub(in crate::report) fn tone(compared: &Compared) -> Tone {
    match (compared.role, compared.word) {
        (Role::Advisory, _) => Tone::Faint,
        (_, Some(Word::Better | Word::NoDifference)) => Tone::Good,
        (_, Some(Word::WorseWithinMargin | Word::NotEnough)) => Tone::Warn,
        (_, Some(Word::Worse)) => Tone::Bad,
        (_, None) => Tone::Blind,
    }
}

/// A share as points of a hundred, signed; a dash for what is not known.
pub(in crate::report) fn points(share: Option<f64>) -> String {
    share.map_or_else(
        || String::from("-"),
        |share| format!("{:+.1}", plus_zero(share * 100.0)),
    )
}

/// -0.04 is shown as +0.0, not as -0.0.
fn plus_zero(value: f64) -> f64 {
    let shown = (value * 10.0).round() / 10.0;
    if shown == 0.0 { 0.0 } else { shown }
}

/// Limits in points, narrowly.
pub(in crate::report) fn narrow(limits: Limits) -> String {
    format!("{}..{}", points(limits.lower), points(limits.upper))
}

/// Limits in points; a dash for what these data do not bound.
pub(in crate::report) fn range(limits: Limits) -> String {
    format!("{} to {}", points(limits.lower), points(limits.upper))
}

/// A confidence as a percentage without needless digits.
pub(in crate::report) fn confidence(share: f64) -> String {
    let text = format!("{:.2}", share * 100.0);
    format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
}

/// One comparison in a sentence or three.
pub(in crate::report) fn sentence(comparison: &Comparison, compared: &Compared) -> String {
    let mut text = format!("{}{}", brief(comparison, compared), measured(compared));
    let (first, rest) = compared
        .guarantee
        .split_at(compared.guarantee.chars().next().map_or(0, char::len_utf8));
    text.push_str(&format!(". {}{rest}.", first.to_uppercase()));
    text
}

/// The same without what a table shows.
pub(in crate::report) fn brief(comparison: &Comparison, compared: &Compared) -> String {
    let name = compared_name(comparison, compared);
    let by = compared.metric.word();
    let margin = margin(compared);
    let said = match (compared.word, compared.withheld) {
        (Some(Word::Worse), _) if compared.beyond_margin => {
            format!("worse, by more than the margin of {margin} points")
        }
        (Some(Word::WorseWithinMargin), _) => format!("worse, within the margin of {margin} points"),
        (Some(Word::NoDifference), _) => {
            format!("no difference shown: a loss of {margin} points or more is ruled out")
        }
        (Some(word), _) => word.as_str().to_owned(),
        (None, Some(Withheld::Blind)) => String::from("no verdict, landfall did not see enough"),
        (None, _) => String::from("no verdict, too many ticks were skipped"),
    };
    let mut text = format!("{name}, {by}: {said}");
    if compared.word == Some(Word::NotEnough) {
        text.push_str(&more(compared, comparison.paired));
    }
    if let Some(ticks) = compared.reached_after {
        text.push_str(&format!(", after {}", count(ticks, "tick")));
    }
    if compared.role == Role::Advisory {
        text.push_str("; advisory");
    }
    if let Some(zone) = compared.dead_zone {
        text.push_str(&format!("; differences of up to {} count as none", seconds(zone)));
    }
    text
}

fn margin(compared: &Compared) -> String {
    let text = format!("{:.2}", compared.margin * 100.0);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn measured(compared: &Compared) -> String {
    let limits = range(compared.limits);
    match (compared.better, compared.same, compared.worse) {
        (Some(better), Some(same), Some(worse)) => {
            let ticks = count(better.saturating_add(same).saturating_add(worse), "tick");
            match compared.net {
                None => String::from("; no tick counts"),
                net => format!(
                    "; {better} better, {same} the same, {worse} worse of {ticks}: net {} points ({limits})",
                    points(net)
                ),
            }
        }
        _ => match compared.net {
            None => String::from("; there is nothing to measure"),
            net if compared.metric == Metric::Latency => {
                format!("; sooner less later pairs: net {} points ({limits})", points(net))
            }
            net => format!("; {} points ({limits})", points(net)),
        },
    }
}

/// How many more it would take.
pub(in crate::report) fn more(compared: &Compared, paired: bool) -> String {
    let of = if paired { "tick" } else { "run" };
    let rest = if paired { "" } else { " of each" };
    match compared.more {
        Some(0) => String::new(),
        Some(more) => format!("; about {} more{rest} at this rate", count(more, of)),
        None => format!("; at this rate no number of {of}s would do"),
    }
}

/// The runs of a route.
pub(in crate::report) fn runs(figures: &RouteFigures) -> String {
    if figures.runs == 0 {
        return String::from("no runs");
    }
    let p50 = figures.p50.map_or_else(|| String::from("not reached"), seconds);
    format!(
        "{}: {}; p50 {p50}",
        count(figures.runs, "run"),
        list(&figures.classes)
    )
}

/// The name of the runs of a route: of files with the file.
pub(in crate::report) fn runs_name(comparison: &Comparison, figures: &RouteFigures) -> String {
    let name = name(comparison, &figures.probe, &figures.route, &figures.input);
    match &figures.file {
        Some(file) => format!("{name} ({})", clip(file, NAME)),
        None => name,
    }
}

/// How large the differences of a route are; empty where nothing can be said.
pub(in crate::report) fn effect(comparison: &Comparison, effect: &Effect) -> String {
    let name = name(comparison, &effect.probe, &effect.route, &effect.input);
    let mut parts = Vec::new();
    if let Some(shift) = effect.shift {
        let of = if comparison.paired { "ticks" } else { "pairs" };
        let limits = match (effect.shift_limits.lower, effect.shift_limits.upper) {
            (Some(lower), Some(upper)) => format!("{} to {}; ", signed(lower), signed(upper)),
            // So few that nothing bounds it.
            _ => String::new(),
        };
        parts.push(format!(
            "arrives {} {} ({limits}{} {of}, {} left out that did not arrive)",
            seconds(shift.abs()),
            if shift < 0.0 { "sooner" } else { "later" },
            effect.shift_of,
            effect.left_out
        ));
    }
    if let (Some(wait), Some(cap)) = (effect.wait_difference, effect.cap) {
        let word = if wait < 0.0 { "shorter" } else { "longer" };
        parts.push(format!(
            "the mean wait is {} {word}, with {} for what never came",
            seconds(wait.abs()),
            seconds(cap)
        ));
    }
    if let Some(agreement) = effect.agreement {
        let Limits { lower, upper } = effect.agreement_limits;
        parts.push(format!(
            "both end alike at {} of ticks ({} to {})",
            percent(Some(agreement)),
            percent(lower),
            percent(upper)
        ));
    }
    if let Some(divergence) = effect.divergence {
        let p = effect
            .divergence_p
            .map_or_else(String::new, |p| format!(", p {}", chance(p)));
        parts.push(format!("divergence {}{p}", small(divergence)));
    }
    if let Some(fate) = effect.shared_fate.filter(|fate| *fate >= 0.01) {
        parts.push(format!("they fail together (shared fate {})", small(fate)));
    }
    if let Some(apart) = effect.apart {
        parts.push(format!("log-rank p {}", chance(apart.log_rank_p)));
    }
    if parts.is_empty() {
        return String::new();
    }
    format!("{name}: {}", parts.join("; "))
}

fn signed(value: f64) -> String {
    let text = seconds(value);
    if value > 0.0 { format!("+{text}") } else { text }
}

fn small(value: f64) -> String {
    let shown = (value * 1e4).round() / 1e4;
    format!("{:.4}", if shown == 0.0 { 0.0 } else { shown })
}

fn chance(p: f64) -> String {
    if p < 0.0001 {
        String::from("< 0.0001")
    } else {
        format!("{p:.4}")
    }
}

/// On what the words rest, and for how many looks they hold.
pub(in crate::report) fn terms(comparison: &Comparison) -> String {
    let terms = &comparison.terms;
    let each = if terms.family > 1 {
        format!(
            "{} comparisons, {} sure together: each at {}",
            terms.family,
            confidence(terms.confidence),
            confidence(terms.each)
        )
    } else {
        format!("{} sure", confidence(terms.confidence))
    };
    let holds = comparison
        .declared()
        .next()
        .map_or("", |compared| compared.guarantee.as_str());
    if comparison.paired {
        format!("{each}; {holds}")
    } else {
        format!("{each}; one look; not paired: time is confounded with whatever else changed")
    }
}

/// Everything in one line: the words of what was declared.
#[must_use]
pub fn conclusion(comparison: &Comparison) -> String {
    let each: Vec<String> = comparison
        .declared()
        .map(|compared| {
            let by = if comparison.terms.gates.is_empty() {
                String::new()
            } else {
                format!(" by {}", compared.metric.word())
            };
            format!("{}{by}: {}", compared_name(comparison, compared), word(compared))
        })
        .collect();
    if each.is_empty() {
        return String::from("nothing was compared");
    }
    let from = match comparison.source {
        Source::Files => " (not paired)",
        _ => "",
    };
    each.join("; ") + from
}

/// Of what causes are told.
pub(in crate::report) fn asked(comparison: &Comparison, of: &RouteCauses) -> String {
    format!(
        "{} is worse by {}: what separates its bad runs from its good ones",
        name(comparison, &of.probe, &of.route, &of.input),
        of.metric.word()
    )
}
