//! The words of an alert: enough to act on, in plain text.

use std::fmt::Write as _;

use super::evidence::{Evidence, NotMet};
use super::notice::{AlertState, Fact, Notice, RouteNotice, Usual};
use super::policy::{Rule, Severity, Topic, length};
use super::rules::Event;

/// Routes that a title names.
const NAMED: usize = 3;
/// The input of a probe that names none.
const DEFAULT_INPUT: &str = "default";

/// One line: which probe, what, where.
pub(super) fn title(notice: &Notice) -> String {
    let probe = &notice.probe;
    if let Some(summary) = &notice.summary {
        return format!(
            "landfall: {} about {} could not be told from {} to {}",
            count(summary.messages, "message"),
            count(summary.alerts.len() as u64 + summary.more_alerts, "alert"),
            summary.from,
            summary.until
        );
    }
    let what = match notice.topic {
        Topic::Outcome => outcome(notice),
        Topic::Sight => sight(notice),
    };
    let lasted = length(notice.seconds);
    match notice.event {
        Event::Resolved => format!("{probe}: over after {lasted}: {what}"),
        Event::Flapping => format!("{probe}: comes and goes: {what}; silent until it is quiet"),
        Event::Reminder => format!("{probe}: for {lasted}: {what}"),
        Event::Changed => format!("{probe}: worse: {what}"),
        _ => format!("{probe}: {what}"),
    }
}

/// The same once more as pairs.
pub(super) fn facts(notice: &Notice) -> Vec<Fact> {
    let mut facts = Vec::new();
    let mut add = |title: &str, value: String| {
        if !value.is_empty() {
            facts.push(Fact {
                title: title.to_owned(),
                value,
            });
        }
    };
    add("Probe", notice.probe.clone());
    add("Location", notice.location.clone());
    add("Since", notice.since.clone());
    match &notice.ended {
        Some(ended) => add("Over", format!("{ended}, after {}", length(notice.seconds))),
        None => add("For", length(notice.seconds)),
    }
    add("Severity", severity(notice.severity).to_owned());
    for route in notice.routes.iter().take(NAMED) {
        add(
            &name(route),
            format!("{} ({} of {} runs)", route.class.word(), route.bad, route.of),
        );
    }
    if let Some(route) = notice.routes.first() {
        add("Usual", usual(route.usual));
        if let Some(evidence) = &route.evidence {
            add("Last bad run", evidence.reading.clone());
            if let Some(line) = evidence.expected.iter().flat_map(|e| &e.unmet).next() {
                add("Expected", line.expected.clone());
                add("Seen", line.actual.clone());
            }
            add("Trace", evidence.trace.clone().unwrap_or_default());
        }
    }
    add(
        "Separates bad from good",
        notice.cause.clone().unwrap_or_default(),
    );
    if notice.late_after_all > 0 {
        add("Late after all", count(notice.late_after_all, "run"));
    }
    facts
}

/// Everything.
pub(super) fn text(notice: &Notice) -> String {
    let mut out = String::new();
    let mut line = |text: String| {
        let _infallible = writeln!(out, "{text}");
    };
    line(notice.title.clone());
    if !notice.description.is_empty() {
        line(notice.description.clone());
    }
    if let Some(summary) = &notice.summary {
        line(String::new());
        for alert in &summary.alerts {
            let state = match alert.state {
                AlertState::Firing => "open",
                AlertState::Resolved => "over",
            };
            line(format!("  {state}  {}  (since {})", alert.title, alert.since));
        }
        if summary.more_alerts > 0 {
            line(format!("  … and {} more", summary.more_alerts));
        }
        return out;
    }
    line(format!(
        "{}, at {}, since {}",
        severity(notice.severity),
        notice.location,
        notice.since
    ));
    for route in &notice.routes {
        line(String::new());
        route_lines(route, &mut line);
    }
    if let Some(cause) = &notice.cause {
        line(format!("\nWhat separates bad runs from good: {cause}"));
    }
    if notice.more_routes > 0 {
        line(format!("\n… and {} more routes", notice.more_routes));
    }
    if notice.late_after_all > 0 {
        line(format!(
            "\n{} counted as lost and arrived late after all.",
            count(notice.late_after_all, "run")
        ));
    }
    if !notice.marks.is_empty() {
        line(String::from("\nOn the time line:"));
        for mark in &notice.marks {
            line(format!("  {}  {}", mark.at, mark.text));
        }
    }
    if let Some(link) = &notice.links.probe {
        line(format!("\n{link}"));
    }
    out
}

fn route_lines(route: &RouteNotice, line: &mut impl FnMut(String)) {
    let state = if route.open { "" } else { " (over)" };
    line(format!(
        "{}{state}: {}, {} of {} runs, since {}",
        name(route),
        route.class.word(),
        route.bad,
        route.of,
        route.since
    ));
    for rule in &route.rules {
        line(format!("  rule: {}", rule.text));
    }
    let usual = usual(route.usual);
    if !usual.is_empty() {
        line(format!("  usual: {usual}"));
    }
    if let Some(evidence) = &route.evidence {
        evidence_lines(evidence, line);
    }
    if let Some(url) = &route.url {
        line(format!("  {url}"));
    }
}

fn evidence_lines(evidence: &Evidence, line: &mut impl FnMut(String)) {
    let silent = if evidence.silent { "; a silent failure" } else { "" };
    line(format!("  last bad run: {}{silent}", evidence.reading));
    if !evidence.reason.is_empty() {
        line(format!("    {}", evidence.reason));
    }
    line(format!(
        "    run {}, token {}, due {}",
        evidence.run, evidence.token, evidence.tick
    ));
    if let Some(trace) = &evidence.trace {
        line(format!("    trace {trace}"));
    }
    for expectation in &evidence.expected {
        expectation_lines(expectation, line);
    }
}

fn expectation_lines(expectation: &NotMet, line: &mut impl FnMut(String)) {
    let why = if expectation.reason.is_empty() {
        String::new()
    } else {
        format!(": {}", expectation.reason)
    };
    line(format!(
        "    expected `{}` in {} within {}: {}{why}",
        expectation.name,
        expectation.channel,
        length(expectation.within),
        expectation.state.word()
    ));
    for unmet in &expectation.unmet {
        line(format!(
            "      {}:{}  {}",
            unmet.file, unmet.line, unmet.expression
        ));
        line(format!("        expected {}", unmet.expected));
        line(format!("        seen     {}", unmet.actual));
    }
}

fn outcome(notice: &Notice) -> String {
    let over = notice.event == Event::Resolved;
    let open: Vec<&RouteNotice> = notice.routes.iter().filter(|r| r.open || over).collect();
    let Some(worst) = open.first() else {
        return String::from("bad outcomes");
    };
    let rules: Vec<Rule> = worst.rules.iter().map(|r| r.rule).collect();
    let class = worst.class.word();
    let said = match () {
        () if rules.contains(&Rule::InARow) => format!("{} {class}", in_a_row(worst)),
        () if rules == [Rule::AtOnce] => class.to_owned(),
        () => format!("{} of {} runs bad ({class})", worst.bad, worst.of),
    };
    format!("{said} {}", on(&open, notice.more_routes))
}

/// Runs in a row, as far as nothing good came between.
fn in_a_row(route: &RouteNotice) -> String {
    if route.bad == route.of {
        format!("{} in a row", route.bad)
    } else {
        format!("{} of {} runs", route.bad, route.of)
    }
}

fn sight(notice: &Notice) -> String {
    let over = notice.event == Event::Resolved;
    let open: Vec<&RouteNotice> = notice.routes.iter().filter(|r| r.open || over).collect();
    let blind = open
        .iter()
        .find(|r| r.rules.iter().any(|rule| rule.rule == Rule::Blind));
    let said = match blind {
        Some(route) => format!(
            "landfall is blind: {} of {} runs not observed",
            route.bad, route.of
        ),
        None => format!("no data for {}", length(notice.seconds)),
    };
    format!("{said} {}", on(&open, notice.more_routes))
}

/// `on stripe, adyen and 2 more`.
fn on(routes: &[&RouteNotice], more: usize) -> String {
    let named: Vec<String> = routes.iter().take(NAMED).map(|r| name(r)).collect();
    let rest = routes.len().saturating_sub(NAMED) + more;
    if rest > 0 {
        return format!("on {} and {rest} more", named.join(", "));
    }
    match named.as_slice() {
        [] => String::new(),
        [one] => format!("on {one}"),
        [first @ .., last] => format!("on {} and {last}", first.join(", ")),
    }
}

fn name(route: &RouteNotice) -> String {
    if route.input == DEFAULT_INPUT {
        route.route.clone()
    } else {
        format!("{}/{}", route.route, route.input)
    }
}

fn usual(usual: Usual) -> String {
    let mut said = Vec::new();
    if let Some(share) = usual.bad_share {
        said.push(format!(
            "{:.1} % bad over {}",
            share * 100.0,
            count(usual.runs, "run")
        ));
    }
    if let Some(seconds) = usual.seconds {
        said.push(format!("delivered in {seconds:.1} s"));
    }
    said.join(", ")
}

const fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Page => "page",
        Severity::Ticket => "ticket",
    }
}

fn count(n: u64, what: &str) -> String {
    let s = if n == 1 { "" } else { "s" };
    format!("{n} {what}{s}")
}
