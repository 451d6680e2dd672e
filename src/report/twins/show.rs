//! Two runs for people.

use std::fmt::Write as _;

use super::{Chosen, FEW, FieldPair, Side, Twins};
use crate::report::Style;
use crate::report::markdown::code;
use crate::report::paint::Tone;
use crate::report::table::{Cell, Table, fit, wrap};
use crate::report::words::{clip, count, name, percent, piece};

/// Fields that are shown; the rest is counted.
const FIELDS: usize = 30;

/// For a terminal of the style's width, or of 80 columns.
#[must_use]
pub fn text(of: &Twins, style: Style) -> String {
    let width = usize::from(if style.width == 0 { 80 } else { style.width });
    let mut out = String::new();
    for (tone, depth, line) in head(of) {
        for (at, piece) in wrap(&line, width.saturating_sub(depth + 2).max(30))
            .iter()
            .enumerate()
        {
            let indent = " ".repeat(depth + if at > 0 { 2 } else { 0 });
            let _infallible = writeln!(out, "{indent}{}", tone.paint(piece, style.colour));
        }
    }
    out.push('\n');
    for line in stages(of, width).lines(style.colour) {
        let _infallible = writeln!(out, "{line}");
    }
    if !of.hops.is_empty() {
        out.push('\n');
        for line in hops(of, width).lines(style.colour) {
            let _infallible = writeln!(out, "{line}");
        }
    }
    for (tone, depth, line) in fields(of).into_iter().chain(masks(of)) {
        for (at, piece) in wrap(&line, width.saturating_sub(depth + 2).max(30))
            .iter()
            .enumerate()
        {
            let indent = " ".repeat(depth + if at > 0 { 2 } else { 0 });
            let _infallible = writeln!(out, "{indent}{}", tone.paint(piece, style.colour));
        }
    }
    // One line, however long: it is to be copied.
    if let Some(mask) = &of.mask {
        let _infallible = writeln!(out, "  {mask}");
    }
    out
}

/// For a pull request or a job summary.
#[must_use]
pub fn markdown(of: &Twins) -> String {
    let mut out = String::new();
    for (tone, _, line) in head(of) {
        let text = code(&line);
        let _infallible = match tone {
            Tone::Head => writeln!(out, "**{text}**\n"),
            _ => writeln!(out, "{text}\n"),
        };
    }
    out.push_str("| stage | run | twin |\n| --- | --- | --- |\n");
    for stage in &of.stages {
        let mark = if stage.same { "" } else { "**≠** " };
        let _infallible = writeln!(
            out,
            "| {mark}{} | {} | {} |",
            code(&stage.stage),
            code(&timed(&stage.run, &stage.run_at)),
            code(&timed(&stage.twin, &stage.twin_at))
        );
    }
    let mut open = false;
    for (_, _, line) in fields(of)
        .into_iter()
        .chain(masks(of))
        .filter(|(_, _, line)| !line.is_empty())
    {
        let _infallible = writeln!(out, "{}- {}", if open { "" } else { "\n" }, code(&line));
        open = true;
    }
    if let Some(mask) = &of.mask {
        let _infallible = writeln!(out, "\n{}", code(mask));
    }
    out
}

fn head(of: &Twins) -> Vec<(Tone, usize, String)> {
    let chosen = match of.chosen {
        Chosen::Named => "",
        Chosen::OtherRoute => " (the other route at the same tick)",
        Chosen::LastGood => " (the last good run before it)",
        Chosen::NearestGood => " (the nearest good run)",
    };
    let mut all = vec![
        (Tone::Plain, 0, format!("run  {}", side(&of.run))),
        (Tone::Plain, 0, format!("twin {}{chosen}", side(&of.twin))),
        (Tone::Plain, 0, String::new()),
        (Tone::Head, 0, of.sentence.clone()),
    ];
    for (who, one) in [("run", &of.run), ("twin", &of.twin)] {
        if !one.reason.is_empty() {
            all.push((Tone::Plain, 2, format!("{who}: {}", piece(&one.reason))));
        }
        if !one.flags.is_empty() {
            all.push((Tone::Plain, 2, format!("{who}: {}", one.flags.join(", "))));
        }
    }
    for note in &of.notes {
        all.push((Tone::Warn, 0, format!("note: {note}")));
    }
    all
}

fn side(of: &Side) -> String {
    format!(
        "{}: {}, tick {}, {}",
        of.id,
        name(&of.probe, &of.route, &of.input),
        clip(&of.tick, 40),
        of.class.word()
    )
}

fn timed(said: &str, at: &str) -> String {
    if at.is_empty() {
        said.to_owned()
    } else {
        format!("{said} {at}")
    }
}

fn stages(of: &Twins, width: usize) -> Table {
    let mut table = Table::default();
    for head in ["", "stage", "run", "twin"] {
        table.text(head);
    }
    let room = width.saturating_sub(10) / 3;
    for stage in &of.stages {
        let tone = if stage.same { Tone::Plain } else { Tone::Bad };
        table.row(vec![
            Cell::toned(if stage.same { " " } else { "≠" }, tone),
            Cell::plain(fit(&stage.stage, room)),
            Cell::toned(fit(&timed(&stage.run, &stage.run_at), room), tone),
            Cell::toned(fit(&timed(&stage.twin, &stage.twin_at), room), tone),
        ]);
    }
    table
}

fn hops(of: &Twins, width: usize) -> Table {
    let mut table = Table::default();
    for head in ["", "hop", "run", "twin"] {
        table.text(head);
    }
    let room = width.saturating_sub(10) / 3;
    let said = |hop: &Option<String>| {
        hop.as_ref()
            .map_or_else(|| String::from("-"), |hop| clip(hop, 100))
    };
    for hop in &of.hops {
        let tone = if hop.same { Tone::Plain } else { Tone::Bad };
        table.row(vec![
            Cell::toned(if hop.same { " " } else { "≠" }, tone),
            Cell::plain(fit(&clip(&hop.source, 100), room)),
            Cell::toned(fit(&said(&hop.run), room), tone),
            Cell::toned(fit(&said(&hop.twin), room), tone),
        ]);
    }
    table
}

fn fields(of: &Twins) -> Vec<(Tone, usize, String)> {
    let mut all = vec![(Tone::Plain, 0, String::new())];
    if of.fields.is_empty() {
        let said = format!("no field differs; {} agree", count(of.same_fields, "field"));
        all.push((Tone::Plain, 0, said));
        return all;
    }
    let differ = count(of.fields.len() as u64, "field");
    let verb = if of.fields.len() == 1 { "differs" } else { "differ" };
    all.push((
        Tone::Head,
        0,
        format!("{differ} {verb}, {} agree", of.same_fields),
    ));
    for field in of.fields.iter().take(FIELDS) {
        all.push((
            if field.volatile { Tone::Faint } else { Tone::Warn },
            2,
            told(field),
        ));
    }
    let more = of.fields.len().saturating_sub(FIELDS);
    if more > 0 {
        let more = format!("{more} more");
        all.push((Tone::Faint, 2, format!("… and {more}: `--format json` has all")));
    }
    all
}

fn told(field: &FieldPair) -> String {
    let value = |value: &Option<String>| value.as_ref().map_or_else(|| String::from("-"), |v| clip(v, 120));
    let volatile = match field.agreement {
        Some(score) if field.volatile => format!(
            "  (volatile: good runs of one route agree in {} of pairs)",
            percent(Some(score))
        ),
        _ => String::new(),
    };
    format!(
        "{}: {} | {}{volatile}",
        clip(&field.field, 120),
        value(&field.run),
        value(&field.twin)
    )
}

fn masks(of: &Twins) -> Vec<(Tone, usize, String)> {
    let mut all = vec![(Tone::Plain, 0, String::new())];
    let from = count(of.learnt_from, "recent good run");
    let said = if of.learnt_from < FEW {
        format!("which fields are volatile cannot be told: {from} of the same route, {FEW} are needed")
    } else if of.mask.is_some() {
        format!(
            "{} of what is seen differ from run to run on the same route ({from}); a fingerprint of all the rest would be:",
            count(of.volatile.len() as u64, "field")
        )
    } else {
        format!("no field of what is seen differs from run to run on the same route ({from})")
    };
    all.push((Tone::Faint, 0, said));
    all
}
