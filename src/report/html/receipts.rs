//! What the provider claimed, beside what happened.

use maud::{Markup, html};

use super::View;
use super::draw::bar;
use super::words::class_tone;
use crate::model::Class;
use crate::report::receipts::{Claim, ClaimRow, ReceiptFigures};
use crate::report::series::{ProbeFigures, Share, interval, said_of_receipts, sections};

/// The receipts of every series of a probe that has any; nothing where none has.
#[must_use]
pub fn receipts(view: &View, probe: &ProbeFigures) -> Markup {
    let name = sections(probe);
    let all: Vec<(String, &ReceiptFigures)> = probe
        .series
        .iter()
        .filter_map(|series| Some((name(series), series.receipts.as_ref()?)))
        .collect();
    html! {
        @if !all.is_empty() {
            div.scroll tabindex="0" role="region" aria-label={ "What was claimed of " (view.look.text(&probe.probe)) ", by what happened" } { table.receipts {
                thead { tr {
                    th scope="col" { "Route" } th scope="col" { "It was claimed" } th.number scope="col" { "Runs" }
                    th scope="col" { "What happened" } th.wide scope="col" { "as a bar" }
                } }
                @for (name, found) in &all { tbody {
                    @for (n, row) in found.claims.iter().enumerate() { tr {
                        @if n == 0 { th scope="rowgroup" rowspan=(found.claims.len()) { (view.look.text(name)) } }
                        td { (claim(row.claim)) }
                        td.number { (row.runs) }
                        td { (classes(row)) }
                        td { (bar::stack(&parts(row))) }
                    } }
                } }
            } }
            @for (name, found) in &all { (said(view, name, found)) }
        }
    }
}

/// What follows from the counts: what was false, and when claims came.
fn said(view: &View, name: &str, found: &ReceiptFigures) -> Markup {
    // The counts by claim stand in the table.
    let sentences = said_of_receipts(found).into_iter().skip(found.claims.len());
    let sentences: Vec<(String, bool)> = sentences.collect();
    html! {
        @if !sentences.is_empty() {
            p { b { (view.look.text(name)) } ": "
                @for (n, (said, bad)) in sentences.iter().enumerate() {
                    @if n > 0 { "; " }
                    @if *bad { b.bad { (said) } } @else { (said) }
                }
            }
        }
    }
}

/// What was false of the receipts of one series in a line, for a table of routes: nothing where nothing was claimed.
#[must_use]
pub fn in_short(found: Option<&ReceiptFigures>) -> Markup {
    let part = |word: &str, share: Share| {
        html! {
            @if share.of > 0 {
                div class=[(share.count > 0).then_some("bad")] { (word) " " (interval(share)) }
            }
        }
    };
    html! {
        @if let Some(found) = found {
            (part("false receipts", found.false_receipts))
            (part("false failures", found.false_failures))
        }
    }
}

const fn claim(claim: Claim) -> &'static str {
    match claim {
        Claim::Delivered => "delivered",
        Claim::Failed => "failed",
        Claim::Both => "delivered and failed",
        Claim::Nothing => "nothing",
    }
}

/// What became of the runs; what the claim says is wrong is marked.
fn classes(row: &ClaimRow) -> Markup {
    html! {
        @for (n, (class, runs)) in row.classes.iter().enumerate() {
            @if n > 0 { ", " }
            @if is_false(row.claim, *class) { b.bad { (runs) " " (class.word()) } } @else { (runs) " " (class.word()) }
        }
    }
}

/// Whether what happened gives the claim the lie.
const fn is_false(claim: Claim, class: Class) -> bool {
    let arrived = matches!(
        class,
        Class::Delivered | Class::Late | Class::Duplicate | Class::Phantom
    );
    match claim {
        Claim::Delivered | Claim::Both => matches!(class, Class::Lost | Class::Rejected),
        Claim::Failed => arrived,
        Claim::Nothing => false,
    }
}

fn parts(row: &ClaimRow) -> Vec<(&'static str, u64)> {
    row.classes
        .iter()
        .map(|(class, runs)| (class_tone(*class), *runs))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::redact::Redactor;
    use crate::report::html::{Links, Look};

    fn figures() -> ReceiptFigures {
        ReceiptFigures {
            claims: vec![
                ClaimRow {
                    claim: Claim::Delivered,
                    runs: 12,
                    classes: [(Class::Delivered, 8), (Class::Lost, 4)].into(),
                },
                ClaimRow {
                    claim: Claim::Nothing,
                    runs: 3,
                    classes: [(Class::Lost, 3)].into(),
                },
            ],
            false_receipts: Share::of(4, 12),
            false_failures: Share::of(0, 0),
            unclaimed_arrivals: Share::of(0, 8),
            claimed_early: Share::of(0, 0),
            later: None,
        }
    }

    #[test]
    fn what_gives_a_claim_the_lie_is_marked() {
        let shown = classes(&figures().claims[0]).into_string();
        assert_eq!(shown, "8 delivered, <b class=\"bad\">4 lost</b>");
        // Nothing was claimed: a loss is no lie.
        assert_eq!(classes(&figures().claims[1]).into_string(), "3 lost");
        assert!(is_false(Claim::Failed, Class::Phantom) && !is_false(Claim::Failed, Class::Lost));
    }

    #[test]
    fn what_was_false_is_said_with_its_interval() {
        let view = View {
            look: Look::new(Arc::new(Redactor::default())),
            links: Links::File,
            now: String::new(),
        };
        let said = said(&view, "a<b", &figures()).into_string();
        assert!(
            said.contains("a&lt;b") && said.contains("<b class=\"bad\">false receipts"),
            "{said}"
        );
        let short = in_short(Some(&figures())).into_string();
        assert!(
            short.contains("class=\"bad\"") && !short.contains("false failures"),
            "{short}"
        );
        assert_eq!(in_short(None).into_string(), "");
    }
}
