//! How verdicts agree with the sandbox's ledger.

use std::collections::BTreeSet;

use maud::{Markup, html};

use crate::report::html::{View, badge};
use crate::report::results::Truth;

/// The table of true classes by verdicts, and how far times are off.
pub(super) fn agreement(view: &View, truth: &Truth) -> Markup {
    let tone = if truth.agree == truth.runs { "good" } else { "bad" };
    let verdicts: BTreeSet<&String> = truth.confusion.values().flat_map(|row| row.keys()).collect();
    let latency = truth.latency_error_seconds;
    let millis =
        |value: Option<f64>| value.map_or_else(|| String::from("–"), |s| format!("{:.1} ms", s * 1e3));
    html! {
        p { (badge(tone, &format!("{} of {}", truth.agree, truth.runs))) " verdicts agree with the ledger of the sandbox." }
        div.scroll tabindex="0" role="region" aria-label="True classes by the verdicts that were given" { table.truth {
            thead { tr { th scope="col" { "The ledger says, and landfall" } @for said in &verdicts { th.number scope="col" { (view.look.text(said)) } } } }
            tbody { @for (was, row) in &truth.confusion { tr {
                th scope="row" { (view.look.text(was)) }
                @for said in &verdicts {
                    @let runs = row.get(*said).copied().unwrap_or(0);
                    td.number { @if runs == 0 { "–" } @else if *said == was { b.good { (runs) } } @else { b.bad { (runs) } } }
                }
            } } }
        } }
        p.faint {
            "Latencies of pushed outcomes are off by " (millis(latency.p50)) " (p50), " (millis(latency.p99)) " (p99), " (millis(latency.max)) " at most."
            @if truth.row_intervals.compared > 0 {
                " " (truth.row_intervals.contain) " of " (truth.row_intervals.compared) " intervals of polled outcomes contain the true instant."
            }
        }
    }
}
