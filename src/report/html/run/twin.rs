//! A run beside its twin: where they first part, then layer by layer, hop by hop, field by field.

use maud::{Markup, html};

use super::nav::leg;
use super::{Content, content};
use crate::model::{RunId, RunRecord};
use crate::report::around::Neighbours;
use crate::report::html::words::{class_tone, instant};
use crate::report::html::{Links, View, badge};
use crate::report::twins::{Chosen, FEW, FieldPair, Side, Twins};
use crate::report::words::{count, percent};

/// Fields that are shown; the rest is counted.
const FIELDS: usize = 60;

/// The comparison, and the choice of another twin.
pub(super) fn section(view: &View, content: &Content<'_>, of: &Twins) -> Markup {
    let link = of
        .twin
        .id
        .parse()
        .ok()
        .and_then(|id| content.link(view, RunId(id)));
    html! {
        section.twin data-key="twin" id={ "twin-" (of.run.id) } aria-label="Its twin" {
            h2 { "Beside its twin" }
            p.faint { (chosen(of.chosen)) }
            p.why { (content::sentence(view, &capital(&of.sentence))) }
            @for note in &of.notes { p.notice.warn { (view.look.text(note)) } }
            div.scroll tabindex="0" role="region" aria-label="Layers of both runs" { table.beside {
                thead { tr { th scope="col" { span.hidden { "Stage" } } th scope="col" { "this run " (side(view, &of.run, None)) } th scope="col" { "twin " (side(view, &of.twin, link)) } } }
                tbody {
                    @for stage in &of.stages { (pair(view, &stage.stage.replace('`', ""), stage.same, &timed(&stage.run, &stage.run_at), &timed(&stage.twin, &stage.twin_at))) }
                    @for hop in &of.hops { (pair(view, &format!("hop {}", hop.source), hop.same, hop.run.as_deref().unwrap_or("–"), hop.twin.as_deref().unwrap_or("–"))) }
                }
            } }
            (fields(view, of))
            (others(view, (&of.run.id, &of.twin.id), content.neighbours))
        }
    }
}

/// The choice of a twin where none was found by itself.
pub(super) fn choice(view: &View, run: &RunRecord, around: Option<&Neighbours>) -> Markup {
    if view.links == Links::File {
        return html! {};
    }
    html! {
        section.twin data-key="twin" aria-label="Its twin" {
            h2 { "Beside its twin" }
            p.faint { (view.look.text(&no_twin(run))) }
            (others(view, (&run.id.to_string(), ""), around))
        }
    }
}

/// Why a run has no twin.
#[must_use]
pub fn no_twin(run: &RunRecord) -> String {
    format!(
        "No other route fired at its tick, and no run of {}/{} was delivered: name the run to hold it against.",
        run.probe, run.route
    )
}

fn capital(sentence: &str) -> String {
    let mut letters = sentence.chars();
    let first = letters.next().map(char::to_uppercase);
    first.into_iter().flatten().chain(letters).collect()
}

const fn chosen(chosen: Chosen) -> &'static str {
    match chosen {
        Chosen::Named => "The run that was named.",
        Chosen::OtherRoute => "The other route at the same tick.",
        Chosen::LastGood => "The last good run before it on the same route.",
        Chosen::NearestGood => "The nearest good run on the same route.",
    }
}

fn side(view: &View, of: &Side, link: Option<String>) -> Markup {
    let about = html! { (view.look.text(&of.route)) ", " (instant(&view.look.text(&of.tick))) };
    html! {
        (badge(class_tone(of.class), of.class.word())) " "
        @match link { Some(href) => a href=(href) { (about) }, None => span.faint { (about) } }
    }
}

fn timed(said: &str, at: &str) -> String {
    match at {
        "" => said.to_owned(),
        at => format!("{said} after {at}"),
    }
}

fn pair(view: &View, what: &str, same: bool, run: &str, twin: &str) -> Markup {
    html! {
        tr.differs[!same] {
            th scope="row" { (view.look.text(what)) }
            td { @if !same { span.bad { span aria-hidden="true" { "≠ " } span.hidden { "differs: " } } } (view.look.text(run)) }
            td { (view.look.text(twin)) }
        }
    }
}

fn fields(view: &View, of: &Twins) -> Markup {
    let (volatile, telling): (Vec<&FieldPair>, Vec<&FieldPair>) = of.fields.iter().partition(|f| f.volatile);
    // What came in one run alone has many fields, and the layers have told of it.
    let (alone, both): (Vec<&FieldPair>, Vec<&FieldPair>) = telling
        .iter()
        .copied()
        .partition(|f| f.run.is_none() || f.twin.is_none());
    html! {
        @if of.fields.is_empty() {
            p { "No field of answer and observations differs; " (count(of.same_fields, "field")) " agree." }
        } @else if telling.is_empty() {
            p { "No field differs but those that differ from run to run anyway; " (count(of.same_fields, "field")) " agree." }
        } @else {
            @if both.is_empty() { p { "No field that both have differs; " (count(of.same_fields, "field")) " agree." } }
            @else { (field_table(view, &format!("Fields that differ ({} agree)", of.same_fields), &both)) }
            @if !alone.is_empty() {
                details.fold { summary { "Fields that one of them has alone " span.faint { "(" (alone.len()) ")" } }
                    (field_table(view, "What came in one run alone", &alone)) }
            }
        }
        @if !volatile.is_empty() {
            details.fold { summary { "Fields that differ from run to run anyway " span.faint { "(" (volatile.len()) ")" } }
                (field_table(view, "Good runs of one route disagree on these too", &volatile)) }
        }
        @if of.learnt_from < FEW {
            p.faint { "Which fields differ anyway cannot be told: " (count(of.learnt_from, "recent good run")) " of the same route on record, " (FEW) " are needed." }
        } @else if let Some(mask) = &of.mask {
            details.fold { summary { "A fingerprint that leaves out what differs anyway" }
                p.faint { "Learnt from " (count(of.learnt_from, "recent good run")) "; to be pasted into the probe." }
                pre tabindex="0" { code { (view.look.lines(mask, 8_000).text) } } }
        }
    }
}

fn field_table(view: &View, title: &str, fields: &[&FieldPair]) -> Markup {
    let value = |value: &Option<String>| {
        value
            .as_ref()
            .map_or_else(|| String::from("–"), |v| view.look.text(v))
    };
    html! {
        div.scroll tabindex="0" role="region" aria-label=(title) { table.beside {
            caption { (title) }
            thead { tr { th scope="col" { "Field" } th scope="col" { "this run" } th scope="col" { "twin" } th.number scope="col" { "agree" } } }
            tbody { @for field in fields.iter().take(FIELDS) { tr.differs[!field.volatile] {
                th scope="row" { code { (view.look.text(&field.field)) } }
                td { (value(&field.run)) } td { (value(&field.twin)) }
                td.number { (percent(field.agreement)) }
            } } }
        } }
        @if fields.len() > FIELDS { p.faint { "… and " (count((fields.len() - FIELDS) as u64, "more field")) ": " code { "landfall diff --format json" } " has all" } }
    }
}

/// Other runs that it can be held against.
fn others(view: &View, (run, twin): (&str, &str), around: Option<&Neighbours>) -> Markup {
    let Some(around) = around.filter(|_| view.links == Links::Site) else {
        return html! {};
    };
    let near = [("previous run", &around.previous), ("next run", &around.next)];
    let near = near
        .into_iter()
        .filter_map(|(word, to)| Some((word, to.as_ref()?)));
    let same = around.same_tick.iter().map(|other| ("same tick", other));
    let all = same.chain(near).filter(|(_, other)| other.id.to_string() != twin);
    html! {
        details.fold { summary { "Hold it against another run" }
            ul.others { @for (word, other) in all.take(FIELDS) { li {
                a href={ "/runs/" (run) "?twin=" (other.id) "#twin-" (run) } { (badge(class_tone(other.class), other.class.word())) " " (leg(view, other)) }
                " " span.faint { (word) }
            } } }
            form.choose method="get" action={ "/runs/" (run) "#twin-" (run) } {
                label { "Id of a run " input name="twin" required autocomplete="off" spellcheck="false" size="36"; }
                button.quiet { "Compare" }
            }
        }
    }
}
