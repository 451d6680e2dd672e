//! A plan for a page.

use std::fmt::Write as _;

use super::text::{head, tables};
use super::{Plan, ProbePlan};

/// Probes as lists, questions as tables.
pub(super) fn render(plan: &Plan) -> String {
    let mut out = String::new();
    for probe in &plan.probes {
        listed(probe, &mut out);
    }
    for told in tables(plan) {
        let _infallible = writeln!(out, "**{}**\n", told.title);
        let _infallible = writeln!(out, "| {} |", told.heads.join(" | "));
        let _infallible = writeln!(out, "|{}", " ---: |".repeat(told.heads.len()));
        for row in &told.rows {
            let _infallible = writeln!(out, "| {} |", row.join(" | "));
        }
        for note in &told.notes {
            let _infallible = writeln!(out, "\n{note}");
        }
        out.push('\n');
    }
    out
}

fn listed(probe: &ProbePlan, out: &mut String) {
    let _infallible = writeln!(out, "**{}**\n", escaped(&head(probe)));
    for objective in &probe.objectives {
        let _infallible = writeln!(out, "- to prove {}", objective.sentence);
    }
    for alert in &probe.alerts {
        let _infallible = writeln!(out, "- {}: {}", alert.severity, alert.sentence);
    }
    for why in &probe.left_out {
        let _infallible = writeln!(out, "- left out: {why}");
    }
    out.push('\n');
}

/// A schedule holds asterisks, which are no emphasis.
fn escaped(text: &str) -> String {
    text.replace('*', "\\*")
}
