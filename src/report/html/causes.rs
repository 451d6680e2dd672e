//! What separates bad runs from good.

use maud::{Markup, html};

use super::View;
use super::draw::bar;
use crate::report::causes::{Causes, Found, Value};
use crate::report::words::percent;

/// Values of an attribute, attributes that are equal to it, and signs that are shown; the rest is counted.
const VALUES: usize = 5;
const EQUALS: usize = 6;
const SIGNS: usize = 12;

/// The answer, each cause with its shares beside those elsewhere, how the bad runs look, and when it began.
#[must_use]
pub fn causes(view: &View, of: &Causes) -> Markup {
    let good = of.runs.saturating_sub(of.bad);
    html! {
        p { (view.look.text(&of.sentence)) }
        @if !of.causes.is_empty() {
            div.scroll tabindex="0" role="region" aria-label=(view.look.text(&of.sentence)) { table.causes {
                thead { tr {
                    th scope="col" { "Attribute" } th scope="col" { "Value" } th.number scope="col" { "Bad of its runs" } th.wide scope="col" { "as a bar" }
                    th.number scope="col" { "Elsewhere" } th.wide scope="col" { "as a bar" } th.number scope="col" { "Of all bad" } th.number scope="col" { "p" }
                } }
                @for found in &of.causes { (cause(view, found)) }
            } }
            @for found in of.causes.iter().filter(|found| !found.equivalents.is_empty()) { (equals(view, found)) }
        }
        @if let Some(began) = &of.began {
            p { "It began between " (view.look.text(&super::words::instant(&began.after))) " and " (view.look.text(&super::words::instant(&began.at)))
                ": " (began.bad_before) " of " (began.runs_before) " bad before, " (began.bad_after) " of " (began.runs_after) " after."
                @for near in began.nearby.iter().take(3) { " Near it: " (view.look.text(&near.text)) " (" (view.look.text(&super::words::instant(&near.at))) ")." }
            }
        }
        @if !of.signs.is_empty() {
            p { b { "How the bad runs look (not why)" } }
            ul { @for sign in of.signs.iter().take(SIGNS) {
                li { (view.look.text(&sign.sign)) ": " (sign.bad) " of " (of.bad) " bad, " (sign.good) " of " (good) " good" }
            } }
            @if of.signs.len() > SIGNS { p.faint { "… and " (of.signs.len() - SIGNS) " more" } }
        }
        @for note in &of.notes { p.faint { "Note: " (view.look.text(note)) } }
    }
}

fn cause(view: &View, found: &Found) -> Markup {
    html! {
        tbody { @for (n, value) in found.values.iter().take(VALUES).enumerate() {
            tr {
                @if n == 0 { th scope="rowgroup" rowspan=(found.values.len().min(VALUES)) {
                    (view.look.text(&found.attribute))
                    @if let Some(among) = &found.among { div.faint { "among " (view.look.text(among)) } }
                    @if found.values.len() > VALUES { div.faint { "and " (found.values.len() - VALUES) " more values" } }
                } }
                (shares(view, value))
                td.number { @if n == 0 { (format!("{:.4}", found.p)) } }
            }
        } }
    }
}

fn shares(view: &View, value: &Value) -> Markup {
    let drawn = |of: [f64; 3], tone| bar::share(Some(of[0]), Some((of[1], of[2])), tone);
    html! {
        td { (view.look.text(&value.value)) }
        td.number { (value.bad) " of " (value.runs) " (" (percent(Some(value.share[0]))) ")" }
        td { (drawn(value.share, "bad")) }
        td.number { (value.bad_elsewhere) " of " (value.runs_elsewhere) " (" (percent(Some(value.share_elsewhere[0]))) ")" }
        td { (drawn(value.share_elsewhere, "off")) }
        td.number { (percent(Some(value.covers))) }
    }
}

fn equals(view: &View, found: &Found) -> Markup {
    html! {
        p.faint { (view.look.text(&found.attribute)) " cannot be told apart from "
            @for (n, same) in found.equivalents.iter().take(EQUALS).enumerate() {
                @if n > 0 { ", " } (view.look.text(&same.attribute)) " = " (view.look.text(&same.value))
            }
            @if found.equivalents.len() > EQUALS { ", and " (found.equivalents.len() - EQUALS) " more" }
            "."
        }
    }
}
