//! Marks on the time line: deployments, incidents and notes, and a form to set one.

use std::collections::BTreeMap;

use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use serde::Deserialize;

use super::act::{Bears, Proved, done, said};
use super::layout::{live, proof, view};
use crate::model::{Access, Mark, MarkKind, Moment};
use crate::report::html::words::instant;
use crate::report::html::{View, badge};
use crate::web::api::Problem;
use crate::web::auth::Caller;
use crate::web::daemon::{NewMark, Refused};
use crate::web::site::Shared;

/// So many are listed.
const LISTED: u32 = 200;

/// What the form sends.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    proof: String,
    text: String,
    kind: String,
    #[serde(default)]
    at: String,
    #[serde(default)]
    until: String,
    #[serde(default)]
    labels: String,
}

impl Bears for Entry {
    fn proof(&self) -> &str {
        &self.proof
    }
}

/// The page.
pub(super) async fn show(
    State(site): State<Shared>,
    Extension(caller): Extension<Caller>,
    RawQuery(query): RawQuery,
) -> Response {
    let marks = match site.daemon.marks(LISTED).await {
        Ok(marks) => marks,
        Err(refused) => return Problem::from(refused).page(),
    };
    let view = view(&site);
    let operates = caller.access >= Access::Operate;
    let content = html! {
        h1 { "Marks" }
        @if let Some(said) = query.as_deref().and_then(said) { p.notice.good role="status" { (said) } }
        p.faint { "What people or a pipeline say happened, beside the runs. A pipeline sets one by " code { "landfall mark" } " or by the API." }
        @if operates { (form(&caller)) }
        section #marks data-live="" { (table(&view, &marks)) }
    };
    live("Marks", &caller, "", &content).into_response()
}

/// Sets one.
pub(super) async fn add(State(site): State<Shared>, Proved { caller, form }: Proved<Entry>) -> Response {
    match form.mark(&caller) {
        Ok(mark) => done("/marks", "marked", site.daemon.mark(mark).await),
        Err(refused) => Problem::from(refused).page(),
    }
}

impl Entry {
    fn mark(self, caller: &Caller) -> Result<NewMark, Refused> {
        let invalid = |pointer: &str, detail: String| Refused::Invalid {
            pointer: pointer.to_owned(),
            detail,
        };
        let kind = MarkKind::from_word(&self.kind).ok_or_else(|| {
            let words = MarkKind::ALL.map(MarkKind::word).join(", ");
            invalid(
                "/kind",
                format!("`{}` is no kind of mark: one of {words} is expected", self.kind),
            )
        })?;
        let moment = |pointer: &str, text: &str| match text.trim() {
            "" => Ok(None),
            text => time(text).map(Some).ok_or_else(|| {
                invalid(
                    pointer,
                    format!("`{text}` is no time: one such as 2026-11-22T10:00, in UTC, is expected"),
                )
            }),
        };
        Ok(NewMark {
            at: moment("/at", &self.at)?,
            until: moment("/until", &self.until)?,
            labels: labels(&self.labels).map_err(|detail| invalid("/labels", detail))?,
            text: self.text,
            kind,
            by: caller.name.to_string(),
        })
    }
}

/// RFC 3339, or what a browser's field for a time sends, which is taken for UTC.
fn time(text: &str) -> Option<Moment> {
    let spelled = [text.to_owned(), format!("{text}Z"), format!("{text}:00Z")];
    spelled.iter().find_map(|text| Moment::from_rfc3339(text))
}

/// `service=payments team=core`, also with commas.
fn labels(text: &str) -> Result<BTreeMap<String, String>, String> {
    let words = text
        .split([',', ' ', '\n'])
        .map(str::trim)
        .filter(|word| !word.is_empty());
    words
        .map(|word| match word.split_once('=') {
            Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
            _ => Err(format!(
                "`{word}` is no label: `key=value` is expected, several with a space between"
            )),
        })
        .collect()
}

fn form(caller: &Caller) -> Markup {
    html! {
        form method="post" action="/marks" {
            (proof(caller))
            fieldset {
                legend { "Note what happened" }
                label { "What" input name="text" maxlength="2000" required size="40" autocomplete="off"; }
                label { "Kind" select name="kind" { @for kind in MarkKind::ALL { option value=(kind.word()) { (kind.word()) } } } }
                label { "When, UTC (empty: now)" input type="datetime-local" name="at"; }
                label { "Until, UTC (empty: an instant, or open)" input type="datetime-local" name="until"; }
                label { "Labels" input name="labels" maxlength="2000" placeholder="service=payments" autocomplete="off"; }
                button { "Note it" }
            }
        }
    }
}

fn table(view: &View, marks: &[Mark]) -> Markup {
    let tone = |mark: &Mark| match mark.kind {
        MarkKind::Incident => "warn",
        MarkKind::Deployment | MarkKind::Note => "off",
    };
    html! {
        @if marks.is_empty() { p { "None is set." } } @else {
            div.scroll tabindex="0" role="region" aria-label="Marks" { table.marks {
                thead { tr { th scope="col" { "At" } th scope="col" { "Kind" } th scope="col" { "What" } th scope="col" { "Concerns" } th scope="col" { "Until" } } }
                tbody { @for mark in marks { tr id={ "mark-" (mark.id) } data-key={ "mark-" (mark.id) } {
                    td { (instant(&mark.at.to_rfc3339())) }
                    td { (badge(tone(mark), mark.kind.word())) }
                    td.reason { (view.look.text(&mark.text)) }
                    td { @for (key, value) in &mark.labels { (view.look.text(key)) "=" (view.look.text(value)) " " } }
                    td { @match (mark.until, mark.kind) {
                        (Some(until), _) => { span.on-phone { "until " } (instant(&until.to_rfc3339())) },
                        (None, MarkKind::Incident) => "goes on",
                        (None, _) => span.off-phone { "–" },
                    } }
                } } }
            } }
            @if marks.len() >= LISTED as usize { p.faint { "The latest " (LISTED) " are shown." } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_labels_are_read_as_a_form_sends_them() {
        let at = Moment::from_rfc3339("2026-11-22T10:05:00Z");
        assert_eq!(time("2026-11-22T10:05"), at);
        assert_eq!(time("2026-11-22T10:05:00"), at);
        assert_eq!(time("2026-11-22T11:05:00+01:00"), at);
        assert_eq!(time("yesterday"), None);
        let read = labels("service=pay, team=core").unwrap();
        assert_eq!(read.len(), 2);
        assert!(labels("service").unwrap_err().contains("`service`"));
    }
}
