//! The answer for people: on a terminal, and as Markdown.

use std::fmt::Write as _;

use super::answer::{Causes, Found, Outcome, Value};
use super::words::{began_words, nearby, p, pair};
use crate::report::Style;
use crate::report::markdown::code;
use crate::report::paint::Tone;
use crate::report::table::wrap;
use crate::report::words::{clip, count, percent};

/// Values of one attribute that are listed, attributes that are equal to it, signs, revisions; the rest is counted.
const VALUES: usize = 3;
const EQUALS: usize = 4;
const SIGNS: usize = 6;
const REVISIONS: usize = 5;

/// One piece of an answer: how deep it stands, how it looks, what it says.
struct Line {
    depth: usize,
    tone: Tone,
    text: String,
}

/// For a terminal of the style's width, or of 80 columns.
#[must_use]
pub fn text(of: &Causes, style: Style) -> String {
    let width = usize::from(if style.width == 0 { 80 } else { style.width });
    let mut out = String::new();
    for line in lines(of) {
        let indent = " ".repeat(2 * line.depth);
        if line.text.is_empty() {
            out.push('\n');
        }
        let pieces = wrap(&line.text, width.saturating_sub(indent.len() + 2).max(30));
        for (at, piece) in pieces.iter().enumerate().filter(|(_, piece)| !piece.is_empty()) {
            let hang = if at > 0 { "  " } else { "" };
            let _infallible = writeln!(out, "{indent}{hang}{}", line.tone.paint(piece, style.colour));
        }
    }
    out
}

/// For a pull request or a job summary.
#[must_use]
pub fn markdown(of: &Causes) -> String {
    let mut out = String::new();
    for line in lines(of).iter().filter(|line| !line.text.is_empty()) {
        let text = code(&line.text);
        let _infallible = match (line.depth, line.tone) {
            (0, Tone::Head) => writeln!(out, "**{text}**\n"),
            (0, _) => writeln!(out, "{text}\n"),
            (depth, _) => writeln!(out, "{}- {text}", "  ".repeat(depth - 1)),
        };
    }
    out
}

fn lines(of: &Causes) -> Vec<Line> {
    let mut all = Vec::new();
    let mut say = |depth, tone, text: String| all.push(Line { depth, tone, text });
    say(0, Tone::Head, head(of));
    if let (Some(first), Some(last)) = (&of.first, &of.last) {
        let left_out = left_out(of);
        say(0, Tone::Faint, format!("ticks from {first} to {last}{left_out}"));
    }
    say(0, Tone::Plain, String::new());
    match of.outcome {
        Outcome::Causes => {
            for (at, cause) in of.causes.iter().enumerate() {
                tell(at, cause, &mut say);
            }
        }
        _ => {
            let said = of.sentence.split(", but it ").next().unwrap_or(&of.sentence);
            say(0, Tone::Plain, said.to_owned());
        }
    }
    began(of, &mut say);
    signs(of, &mut say);
    revisions(of, &mut say);
    if !of.notes.is_empty() {
        say(0, Tone::Plain, String::new());
    }
    for note in &of.notes {
        say(0, Tone::Warn, format!("note: {note}"));
    }
    if of.runs > 0 {
        say(0, Tone::Plain, String::new());
        say(0, Tone::Faint, looked_at(of));
    }
    all
}

fn head(of: &Causes) -> String {
    let probes: Vec<String> = of.probes.iter().map(|probe| clip(probe, 80)).collect();
    let probes = if probes.is_empty() {
        String::from("no runs")
    } else {
        probes.join(", ")
    };
    if of.runs == 0 {
        return format!("{probes}: nothing to compare");
    }
    let share = percent(Some(of.bad as f64 / of.runs as f64));
    let classes: Vec<String> = of
        .classes
        .iter()
        .map(|(class, n)| format!("{n} {}", class.word()))
        .collect();
    let classes = if classes.is_empty() {
        String::new()
    } else {
        format!(": {}", classes.join(", "))
    };
    format!(
        "{probes}: {} of {} bad ({}), {share}{classes}",
        of.bad,
        count(of.runs, "run"),
        of.question.words()
    )
}

fn left_out(of: &Causes) -> String {
    let classes = of.left_out.classes.iter();
    let parts: Vec<String> = classes
        .map(|(class, n)| format!("{n} {}", class.word()))
        .collect();
    if parts.is_empty() {
        String::new()
    } else {
        format!("; left out: {}", parts.join(", "))
    }
}

fn tell(at: usize, cause: &Found, say: &mut impl FnMut(usize, Tone, String)) {
    let Some(first) = cause.values.first() else { return };
    let inside = match at {
        0 => String::new(),
        _ => String::from(" (apart from the above)"),
    };
    say(
        0,
        Tone::Bad,
        format!("{}. {}{inside}", at + 1, pair(&cause.attribute, &first.value)),
    );
    share(first, cause, say);
    let explains = format!(
        "covers {} of all bad runs; tells {} of what parts bad from good; {}",
        percent(Some(first.covers)),
        percent(Some(cause.explained.clamp(0.0, 1.0))),
        p(cause.p)
    );
    say(2, Tone::Plain, explains);
    for other in cause.values.iter().skip(1).take(VALUES - 1) {
        let text = format!(
            "also {}: {} of {} bad ({})",
            clip(&other.value, 80),
            other.bad,
            other.runs,
            percent(Some(other.share[0]))
        );
        say(2, Tone::Plain, text);
    }
    let more = cause.values.len().saturating_sub(VALUES);
    if more > 0 {
        say(
            2,
            Tone::Plain,
            format!("and {} that stand out", count(more as u64, "more value")),
        );
    }
    if !cause.equivalents.is_empty() {
        let listed = cause.equivalents.iter().take(EQUALS);
        let listed: Vec<String> = listed.map(|same| pair(&same.attribute, &same.value)).collect();
        let more = cause.equivalents.len().saturating_sub(EQUALS);
        let more = if more > 0 {
            format!(", and {more} more")
        } else {
            String::new()
        };
        let text = format!("cannot be told apart from it: {}{more}", listed.join(", "));
        say(2, Tone::Warn, text);
    }
}

fn share(value: &Value, cause: &Found, say: &mut impl FnMut(usize, Tone, String)) {
    let interval = |of: [f64; 3]| {
        format!(
            "{}, {:.1} to {:.1}",
            percent(Some(of[0])),
            of[1] * 100.0,
            of[2] * 100.0
        )
    };
    let among = cause
        .among
        .as_ref()
        .map_or_else(String::new, |among| format!(" among {among}"));
    let text = format!(
        "{} of {} bad ({}), elsewhere{among} {} of {} ({})",
        value.bad,
        value.runs,
        interval(value.share),
        value.bad_elsewhere,
        value.runs_elsewhere,
        interval(value.share_elsewhere)
    );
    say(2, Tone::Plain, text);
}

fn began(of: &Causes, say: &mut impl FnMut(usize, Tone, String)) {
    let Some(began) = &of.began else { return };
    say(0, Tone::Plain, String::new());
    say(0, Tone::Head, began_words(began));
    let among = began
        .among
        .as_ref()
        .map_or_else(String::new, |a| format!(" (runs with {})", clip(a, 120)));
    say(
        2,
        Tone::Plain,
        format!(
            "{} of {} bad before, {} of {} after{among}; {}",
            began.bad_before,
            began.runs_before,
            began.bad_after,
            began.runs_after,
            p(began.p)
        ),
    );
    for near in began.nearby.iter().skip(1).take(3) {
        say(2, Tone::Plain, format!("also {}", nearby(near)));
    }
}

fn signs(of: &Causes, say: &mut impl FnMut(usize, Tone, String)) {
    if of.signs.is_empty() {
        return;
    }
    let good = of.runs - of.bad;
    say(0, Tone::Plain, String::new());
    let heading = "how the bad runs look (not why)";
    say(0, Tone::Head, heading.to_owned());
    for sign in of.signs.iter().take(SIGNS) {
        let text = format!(
            "{}: {} of {} bad, {} of {good} good",
            clip(&sign.sign, 120),
            sign.bad,
            of.bad,
            sign.good
        );
        say(2, Tone::Plain, text);
    }
    let more = of.signs.len().saturating_sub(SIGNS) as u64;
    if more > 0 {
        say(
            2,
            Tone::Faint,
            format!("… and {more} more: `--format json` has all"),
        );
    }
}

fn revisions(of: &Causes, say: &mut impl FnMut(usize, Tone, String)) {
    if of.revisions.len() < 2 {
        return;
    }
    say(0, Tone::Plain, String::new());
    say(0, Tone::Head, String::from("revisions of the definition"));
    let skipped = of.revisions.len().saturating_sub(REVISIONS);
    for one in of.revisions.iter().skip(skipped) {
        let text = format!(
            "{} since {}: {} of {} bad",
            clip(&one.revision, 40),
            one.first,
            one.bad,
            count(one.runs, "run")
        );
        say(2, Tone::Plain, text);
    }
}

fn looked_at(of: &Causes) -> String {
    let mut said = format!(
        "looked at: {}",
        if of.considered.is_empty() {
            String::from("nothing that differs between runs")
        } else {
            let names: Vec<String> = of.considered.iter().map(|name| clip(name, 60)).collect();
            names.join(", ")
        }
    );
    if !of.ignored.is_empty() {
        let ignored: Vec<String> = of
            .ignored
            .iter()
            .map(|one| {
                let more = if one.more { "more than " } else { "" };
                format!("{} ({more}{} values)", clip(&one.attribute, 60), one.values)
            })
            .collect();
        said.push_str(&format!("; not, as ids are: {}", ignored.join(", ")));
    }
    said
}
