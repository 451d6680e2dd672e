//! One route in a few lines.

use super::text::Page;
use crate::report::figures::{list, reason};
use crate::report::paint::Tone;
use crate::report::series::{
    ChangeFigures, LayerFigures, ObjectiveFigures, ObjectiveWord, QuantileFigure, SeriesFigures, SkipFigures,
    Source, clumps, interval, objective_word, objectives, said_of_change, said_of_consistency,
    said_of_layers, said_of_receipts, withheld,
};
use crate::report::table::{Cell, Table};
use crate::report::words::{count, flag, seconds};

/// A route with its figures.
pub(super) fn block(
    page: &mut Page,
    title: &str,
    series: &SeriesFigures,
    skips: Option<&SkipFigures>,
    source: Source,
) {
    page.heading(title);
    if let Some(why) = withheld(series) {
        page.field("", &why, Tone::Blind);
    }
    page.field("on time", &on_time(series), tone(series));
    if let Some(clumps) = clumps(series) {
        page.field("", &clumps, Tone::Plain);
    }
    page.field(
        "silent",
        &silent(series),
        if series.silent_failures.count > 0 {
            Tone::Bad
        } else {
            Tone::Plain
        },
    );
    page.field("ended", &ended(series), Tone::Plain);
    match &series.consistency {
        Some(found) => {
            page.field("consistency", &said_of_consistency(found).join("; "), Tone::Plain);
            for sentence in said_of_layers(found) {
                page.field("", &sentence, Tone::Plain);
            }
        }
        None => page.field(
            "consistency",
            "not enough runs: it takes two that were observed",
            Tone::Plain,
        ),
    }
    latency(page, series);
    if let Some(lag) = series.lag {
        let said = format!(
            "p50 {}, p95 {}, p99 {}, at most {}",
            seconds(lag.p50),
            seconds(lag.p95),
            seconds(lag.p99),
            seconds(lag.most)
        );
        page.field("lag", &said, Tone::Plain);
    }
    if let Some(skips) = skips {
        page.field("skipped", &skipped(skips), Tone::Warn);
    }
    if let Some(receipts) = &series.receipts {
        for (at, (sentence, bad)) in said_of_receipts(receipts).iter().enumerate() {
            let tone = if *bad { Tone::Bad } else { Tone::Plain };
            page.field(if at == 0 { "receipts" } else { "" }, sentence, tone);
        }
    }
    if series.impossible_times > 0 {
        let times = count(series.impossible_times, "time");
        page.field(
            "note",
            &format!("{times} on record cannot have been, and are left out"),
            Tone::Warn,
        );
    }
    if source == Source::Rollups {
        let hours = format!("whole hours from {} to {}", series.first, series.last);
        page.field("hours", &hours, Tone::Plain);
    }
}

fn tone(series: &SeriesFigures) -> Tone {
    match series.on_time.share {
        None => Tone::Blind,
        Some(share) if share >= 1.0 => Tone::Good,
        Some(_) if series.silent_failures.count > 0 => Tone::Bad,
        Some(_) => Tone::Warn,
    }
}

fn on_time(series: &SeriesFigures) -> String {
    match series.on_time.share {
        None => format!("-: none of {} was observed", count(series.runs, "run")),
        Some(_) => format!(
            "{}, {} of {}",
            interval(series.on_time),
            series.on_time.count,
            series.on_time.of
        ),
    }
}

fn silent(series: &SeriesFigures) -> String {
    match series.silent_failures.share {
        None => String::from("-: no run was accepted and observed"),
        Some(_) => format!(
            "{}, {} of {} accepted: lost or mismatched, and nothing said so",
            interval(series.silent_failures),
            series.silent_failures.count,
            series.silent_failures.of
        ),
    }
}

fn ended(series: &SeriesFigures) -> String {
    let mut classes = series.classes.clone();
    classes.retain(|_, runs| *runs > 0);
    let mut said = list(&classes);
    if !series.flags.is_empty() {
        let flags: Vec<String> = series
            .flags
            .iter()
            .map(|(f, runs)| format!("{runs} {}", flag(*f)))
            .collect();
        said.push_str(&format!("; {}", flags.join(", ")));
    }
    said
}

fn latency(page: &mut Page, series: &SeriesFigures) {
    let layers = [
        ("accepted", &series.layers.accepted),
        ("executed", &series.layers.executed),
        ("outcome", &series.layers.outcome),
    ];
    let known: Vec<(&str, &LayerFigures)> = layers
        .iter()
        .filter_map(|(name, layer)| Some((*name, layer.as_ref()?)))
        .collect();
    if known.is_empty() {
        page.field(
            "latency",
            "-: no run reached a layer while landfall watched",
            Tone::Plain,
        );
        return;
    }
    let mut table = Table::default();
    table.text("  latency    ");
    for head in ["p50", "p95", "p99"] {
        table.text(head);
    }
    for (name, layer) in &known {
        let cells = [layer.p50, layer.p95, layer.p99].map(|q| Cell::plain(quantile(&q)));
        table.row(
            std::iter::once(Cell::plain(format!("    {name}")))
                .chain(cells)
                .collect(),
        );
    }
    if table.width() <= page.width() {
        for line in table.lines(page.style.colour) {
            page.out.push_str(&line);
            page.out.push('\n');
        }
    } else {
        for (name, layer) in &known {
            let [p50, p95, p99] = [layer.p50, layer.p95, layer.p99].map(|q| quantile(&q));
            page.field(name, &format!("p50 {p50}, p95 {p95}, p99 {p99}"), Tone::Plain);
        }
    }
    for sentence in around(series, &known) {
        page.field("", &sentence, Tone::Plain);
    }
}

/// What has to be known of latencies.
fn around(series: &SeriesFigures, known: &[(&str, &LayerFigures)]) -> Vec<String> {
    let mut said = Vec::new();
    for (name, layer) in known.iter().filter(|(_, layer)| layer.never > 0) {
        let all = layer.reached + layer.never;
        let word = if *name == "outcome" {
            "never arrived"
        } else {
            "never came so far"
        };
        let within = match series.wait {
            Some(wait) if *name == "outcome" => format!(" within {}", seconds(wait.cap)),
            _ => String::new(),
        };
        said.push(format!("{name}: {} of {all} {word}{within}", layer.never));
    }
    let unbounded = |q: &QuantileFigure| q.latest.is_some() && q.upper.is_none();
    if known
        .iter()
        .any(|(_, layer)| [layer.p50, layer.p95, layer.p99].iter().any(unbounded))
    {
        said.push(String::from("*: not bounded by this data"));
    }
    if let Some((_, outcome)) = known.iter().find(|(name, _)| *name == "outcome") {
        if let Some(poll) = outcome.poll {
            said.push(format!(
                "looked at from time to time: an arrival is known to {} (median), {} at most",
                seconds(poll.median),
                seconds(poll.most)
            ));
        }
        if let Some(wait) = series.wait {
            let lost = if outcome.never > 0 {
                format!(", counting a run that never arrived as {}", seconds(wait.cap))
            } else {
                String::new()
            };
            said.push(format!("mean wait {}{lost}", seconds(wait.mean)));
        }
    }
    said
}

/// `1.24 s (1.10-1.36)`, `9.00 s (8.40-*)`, `not reached`.
pub(super) fn quantile(q: &QuantileFigure) -> String {
    let Some(value) = q.latest else {
        return match q.lower {
            Some(lower) if lower > 0.0 => format!("not reached (over {})", seconds(lower)),
            _ => String::from("not reached"),
        };
    };
    let bare = |value: f64| seconds(value).trim_end_matches(" s").to_owned();
    let lower = q.lower.map_or_else(|| String::from("*"), bare);
    let upper = q.upper.map_or_else(|| String::from("*"), bare);
    format!("{} ({lower}-{upper})", seconds(value))
}

/// `12 ticks: 8 late start, 4 limit`.
pub(super) fn skipped(skips: &SkipFigures) -> String {
    let reasons: Vec<String> = skips
        .reasons
        .iter()
        .map(|(why, ticks)| format!("{ticks} {}", reason(*why)))
        .collect();
    format!("{}: {}", count(skips.ticks, "tick"), reasons.join(", "))
}

/// The objective of a route.
pub(super) fn objective(page: &mut Page, found: &ObjectiveFigures) {
    let tone = match found.word {
        ObjectiveWord::Met => Tone::Good,
        ObjectiveWord::NotEnough => Tone::Warn,
        ObjectiveWord::NotMet => Tone::Bad,
    };
    page.field("objective", objective_word(found.word), tone);
    for sentence in objectives(found) {
        page.field("", &sentence, Tone::Plain);
    }
}

/// A route against the other window.
pub(super) fn change(page: &mut Page, found: &ChangeFigures) {
    let tone = match found.word.as_deref() {
        Some("worse") => Tone::Bad,
        Some("better") => Tone::Good,
        _ => Tone::Plain,
    };
    for (at, sentence) in said_of_change(found).iter().enumerate() {
        let (label, tone) = if at == 0 {
            ("against", tone)
        } else {
            ("", Tone::Plain)
        };
        page.field(label, sentence, tone);
    }
}
