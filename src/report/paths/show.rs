//! Ways for people.

use std::fmt::Write as _;

use super::{HopTaken, PathTaken, Paths};
use crate::model::Class;
use crate::report::Style;
use crate::report::markdown::code;
use crate::report::paint::Tone;
use crate::report::table::wrap;
use crate::report::words::{clip, count, percent, seconds};

/// Ways that are shown; the rest is counted.
const SHOWN: usize = 20;

/// For a terminal of the style's width, or of 80 columns.
#[must_use]
pub fn text(of: &Paths, style: Style) -> String {
    let width = usize::from(if style.width == 0 { 80 } else { style.width });
    let mut out = String::new();
    let mut say = |depth: usize, tone: Tone, text: &str| {
        for (at, line) in wrap(text, width.saturating_sub(depth + 2).max(30))
            .iter()
            .enumerate()
        {
            let indent = " ".repeat(depth + if at > 0 { 2 } else { 0 });
            let _infallible = writeln!(out, "{indent}{}", tone.paint(line, style.colour));
        }
    };
    say(0, Tone::Head, &format!("{}: {}", probes(of), of.sentence));
    if let (Some(first), Some(last)) = (&of.first, &of.last) {
        say(0, Tone::Faint, &format!("ticks from {first} to {last}"));
    }
    for (at, path) in of.paths.iter().take(SHOWN).enumerate() {
        say(0, Tone::Plain, "");
        let tone = if path.only_bad { Tone::Bad } else { Tone::Plain };
        say(0, tone, &format!("{}. {}", at + 1, way(path)));
        for line in facts(path, of.runs) {
            say(3, Tone::Plain, &line);
        }
        for (tone, line) in remarks(path) {
            say(3, tone, &line);
        }
    }
    let rest = rest(of);
    if !rest.is_empty() {
        say(0, Tone::Plain, "");
    }
    for line in rest {
        say(0, Tone::Faint, &line);
    }
    out
}

/// For a pull request or a job summary.
#[must_use]
pub fn markdown(of: &Paths) -> String {
    let mut out = format!("**{}**\n\n", code(&format!("{}: {}", probes(of), of.sentence)));
    if !of.paths.is_empty() {
        out.push_str(
            "| path | runs | lost | late | p50 | p95 | |\n| --- | ---: | ---: | ---: | ---: | ---: | --- |\n",
        );
    }
    for path in of.paths.iter().take(SHOWN) {
        let remarks: Vec<String> = remarks(path).into_iter().map(|(_, text)| code(&text)).collect();
        let _infallible = writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} | {} |",
            code(&way(path)),
            path.runs,
            percent(path.lost),
            percent(path.late),
            code(&wait(path, path.p50)),
            code(&wait(path, path.p95)),
            remarks.join("; ")
        );
    }
    for line in rest(of) {
        let _infallible = writeln!(out, "\n{}", code(&line));
    }
    out
}

fn probes(of: &Paths) -> String {
    let names: Vec<String> = of.probes.iter().map(|probe| clip(probe, 80)).collect();
    if names.is_empty() {
        String::from("paths")
    } else {
        names.join(", ")
    }
}

fn way(path: &PathTaken) -> String {
    let hop = |hop: &HopTaken| {
        let name = clip(&hop.hop, 100);
        match hop.delay {
            Some(delay) => format!("{name} (+{})", spread(delay.p50, delay.max)),
            None => name,
        }
    };
    let mut said: Vec<String> = path.hops.iter().map(hop).collect();
    if path.ends_early {
        said.push(String::from("nothing seen after"));
    }
    said.join(" → ")
}

/// `0 s`, or `0 to 12 s` where it differs from run to run. A mail's own times are whole seconds.
fn spread(p50: f64, max: f64) -> String {
    if max > p50 {
        format!("{p50:.0} s, up to {max:.0} s")
    } else {
        format!("{p50:.0} s")
    }
}

fn facts(path: &PathTaken, all: u64) -> Vec<String> {
    let share = percent(Some(path.runs as f64 / all.max(1) as f64));
    let classes: Vec<String> = path
        .classes
        .iter()
        .map(|(class, n)| format!("{n} {}", class.word()))
        .collect();
    let routes: Vec<String> = path.routes.keys().take(6).map(|route| clip(route, 40)).collect();
    let more = path.routes.len().saturating_sub(routes.len());
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    let word = if path.routes.len() == 1 { "route" } else { "routes" };
    vec![
        format!(
            "{} ({share}), {word} {}{more}: {}",
            count(path.runs, "run"),
            routes.join(", "),
            classes.join(", ")
        ),
        format!(
            "lost {}, late {}, p50 {}, p95 {}",
            percent(path.lost),
            percent(path.late),
            wait(path, path.p50),
            wait(path, path.p95)
        ),
    ]
}

fn wait(path: &PathTaken, at: Option<f64>) -> String {
    match at {
        Some(at) => seconds(at),
        None if path.observed == 0 => String::from("-"),
        None => String::from("not reached"),
    }
}

fn remarks(path: &PathTaken) -> Vec<(Tone, String)> {
    let mut all = Vec::new();
    if path.only_bad {
        let weight = match path.p {
            Some(p) if p < 0.001 => String::from(", p < 0.001"),
            Some(p) => format!(", p = {p:.3}"),
            None => String::from("; too few to weigh"),
        };
        all.push((Tone::Bad, format!("only bad runs took it{weight}")));
    } else if path.ends_early {
        let went = "good runs went on from here: it ends because nothing more was seen";
        all.push((Tone::Warn, went.to_owned()));
    }
    if path.classes.keys().all(|class| *class == Class::Unobserved) {
        all.push((Tone::Blind, String::from("landfall saw the end of none of them")));
    }
    all
}

fn rest(of: &Paths) -> Vec<String> {
    let mut all = Vec::new();
    let more = of.paths.len().saturating_sub(SHOWN) as u64;
    if more > 0 {
        all.push(format!(
            "… and {}: `--format json` has all",
            count(more, "more path")
        ));
    }
    if of.unknown > 0 && !of.paths.is_empty() {
        all.push(format!("of {} no hop is known", count(of.unknown, "run")));
    }
    if of.unlisted > 0 {
        all.push(format!(
            "{} took yet other paths: {} is the limit of those that are told apart",
            count(of.unlisted, "run"),
            super::PATHS
        ));
    }
    all
}
