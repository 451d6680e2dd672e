//! All runs, a page at a time.

use std::time::Duration;

use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use form_urlencoded::Serializer;
use maud::{Markup, html};

use super::layout::{live, page, view};
use crate::model::{Class, Moment};
use crate::report::html::View;
use crate::report::html::overview::{Range, RunRow, runs_table};
use crate::report::html::words::instant;
use crate::store::{Page, Place, RunFilter};
use crate::web::api::Problem;
use crate::web::api::params::Query;
use crate::web::auth::Caller;
use crate::web::daemon::ProbeView;
use crate::web::site::Shared;

/// Runs of a page.
const PAGE: u32 = 50;
/// So many routes are offered in the form; others can be written into the address.
const ROUTES: usize = 200;
/// So many probes stand for a label; of more their runs are looked through.
const LABELLED: usize = 64;
const HOUR: Duration = Duration::from_hours(1);

/// What is asked for: the filter, and the words of the address that it was read from.
#[derive(Debug, Default)]
struct Asked {
    filter: RunFilter,
    since: Option<String>,
    until: Option<String>,
}

/// The page.
pub(super) async fn show(
    State(site): State<Shared>,
    Extension(caller): Extension<Caller>,
    RawQuery(query): RawQuery,
) -> Response {
    let query = query.unwrap_or_default();
    let asked = match Asked::read(&query, site.clock.now()) {
        Ok(asked) => asked,
        Err(problem) => return problem.page(),
    };
    let probes = site.daemon.probes().await;
    let (filter, bounded) = asked.bounded(&probes);
    let found = match site.daemon.runs(filter.clone()).await {
        Ok(found) => found,
        Err(refused) => return Problem::from(refused).page(),
    };
    let view = view(&site);
    let runs: Vec<RunRow> = found.runs.iter().map(RunRow::of).collect();
    let content = html! {
        div.top { h1 { "Runs" } (asked.ranges()) }
        (asked.form(&view, &probes))
        section #runs data-live="" {
            @if let Some(bounded) = bounded { p.faint { (bounded) } }
            @if let Some(said) = asked.looked_through(&filter, &found) { p.notice.warn { (said) } }
            (runs_table(&view, &runs, "No run that has ended fits what is asked for."))
            nav.pager aria-label="Further runs" {
                @if asked.filter.after.is_some() { a href=(asked.address(None)) { "← the newest" } }
                span { "The latest tick first, " (PAGE) " on a page" }
                @if let Some(next) = found.next { a rel="next" href=(asked.address(Some(next))) { "earlier →" } }
            }
        }
    };
    if asked.filter.after.is_some() {
        return page("Runs", &caller, &content).into_response();
    }
    live("Runs", &caller, &asked.followed(), &content).into_response()
}

impl Asked {
    fn read(query: &str, now: Moment) -> Result<Self, Problem> {
        let mut query = Query::of_form(query)?;
        let since = query.one("since");
        let begin = since.as_deref().and_then(|text| match Range::from_word(text) {
            Some(range) => Some(now.before(length(range))),
            None => {
                let at = Moment::from_rfc3339(text);
                if at.is_none() {
                    let words = Range::ALL.map(Range::word).join(", ");
                    query.refuse(
                        "since",
                        format!("`{text}` is no value of `since`: one of {words}, or RFC 3339 such as 2026-11-22T10:00:00Z, is expected"),
                    );
                }
                at
            }
        });
        let until = query.moment("until");
        let asked = Self {
            filter: RunFilter {
                probes: query.all("probe"),
                routes: query.all("route"),
                classes: query.classes("class"),
                labels: query.labels("label"),
                since: begin,
                until,
                after: query.read_one::<Place>("cursor", "the address of the page before"),
                limit: Some(PAGE),
                ..RunFilter::default()
            },
            since,
            until: until.map(Moment::to_rfc3339_nanos),
        };
        query.finish(&["probe", "route", "class", "label", "since", "until", "cursor"])?;
        Ok(asked)
    }

    /// What the store is asked for, and what has to be said of it. No index leads from a label to its runs: the probes that
    /// have it now stand for it.
    fn bounded(&self, probes: &[ProbeView]) -> (RunFilter, Option<&'static str>) {
        let mut filter = self.filter.clone();
        if filter.labels.is_empty() || !filter.probes.is_empty() {
            return (filter, None);
        }
        let has = |probe: &&ProbeView| {
            let mut wanted = filter.labels.iter();
            wanted.all(|(key, value)| probe.labels.get(key) == Some(value))
        };
        let having = probes.iter().filter(has).map(|probe| probe.name.clone());
        let names: Vec<String> = having.take(LABELLED + 1).collect();
        if names.is_empty() || names.len() > LABELLED {
            return (filter, None);
        }
        filter.probes = names;
        (filter, Some("Runs of the probes that have this label now."))
    }

    /// What has to be said where not all runs were looked through for this page.
    fn looked_through(&self, filter: &RunFilter, found: &Page) -> Option<String> {
        let next = found
            .next
            .filter(|_| filter.looks_through() && found.runs.len() < PAGE as usize)?;
        let to = next.tick.to_rfc3339();
        Some(format!(
            "Looked through as far back as {}, since no more runs are at once: earlier ones are on the next page.",
            instant(&to)
        ))
    }

    /// What chooses among runs by what they are.
    fn choice(&self) -> Vec<(&'static str, String)> {
        let RunFilter {
            probes,
            routes,
            classes,
            labels,
            ..
        } = &self.filter;
        let mut pairs: Vec<(&'static str, String)> = Vec::new();
        pairs.extend(probes.iter().map(|name| ("probe", name.clone())));
        pairs.extend(routes.iter().map(|name| ("route", name.clone())));
        pairs.extend(classes.iter().map(|class| ("class", class.word().to_owned())));
        pairs.extend(
            labels
                .iter()
                .map(|(key, value)| ("label", format!("{key}={value}"))),
        );
        pairs
    }

    /// By when they were.
    fn times(&self) -> Vec<(&'static str, String)> {
        let since = self.since.iter().map(|text| ("since", text.clone()));
        since
            .chain(self.until.iter().map(|text| ("until", text.clone())))
            .collect()
    }

    fn address(&self, after: Option<Place>) -> String {
        let mut pairs = self.choice();
        pairs.extend(self.times());
        pairs.extend(after.map(|place| ("cursor", place.to_string())));
        addressed(&pairs)
    }

    /// The query by which the same runs are followed; a run of an earlier time changes the page too.
    fn followed(&self) -> String {
        let address = addressed(&self.choice());
        address.strip_prefix("/runs").unwrap_or_default().to_owned()
    }

    fn ranges(&self) -> Markup {
        let with = |since: Option<&str>| {
            let mut pairs = self.choice();
            pairs.extend(since.map(|word| ("since", word.to_owned())));
            addressed(&pairs)
        };
        let now = self.since.as_deref();
        html! {
            nav.segments #ranges data-live="" aria-label="Time range" {
                @for range in Range::ALL {
                    a href=(with(Some(range.word()))) aria-current=[(now == Some(range.word())).then_some("true")] { (range.word()) }
                }
                a href=(with(None)) aria-current=[(now.is_none() && self.until.is_none()).then_some("true")] { "all" }
            }
        }
    }

    fn form(&self, view: &View, probes: &[ProbeView]) -> Markup {
        let mut routes: Vec<&str> = probes
            .iter()
            .flat_map(|p| &p.routes)
            .map(|r| r.name.as_str())
            .collect();
        routes.sort_unstable();
        routes.dedup();
        let more = routes.len().saturating_sub(ROUTES);
        routes.truncate(ROUTES);
        let names: Vec<&str> = probes.iter().map(|probe| probe.name.as_str()).collect();
        let labels: Vec<String> = self
            .filter
            .labels
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        html! {
            form.filters method="get" action="/runs" role="search" data-at-once="" {
                (select(view, "Probe", "probe", &names, &self.filter.probes))
                (select(view, "Route", "route", &routes, &self.filter.routes))
                @if more > 0 { span.faint { "and " (more) " more routes: write route= into the address" } }
                (select(view, "Class", "class", &Class::ALL.map(Class::word), &self.filter.classes.iter().map(|c| c.word().to_owned()).collect::<Vec<_>>()))
                label { span { "Label" }
                    input #search name="label" value=(labels.first().map_or("", String::as_str)) placeholder="key=value" maxlength="400"
                        pattern="[^=]+=.*" autocomplete="off" aria-keyshortcuts="/"; }
                @for label in labels.iter().skip(1) { input type="hidden" name="label" value=(label); }
                @for (name, text) in self.times() { input type="hidden" name=(name) value=(text); }
                button.quiet { "Show" }
                span #narrowed data-live="" {
                    @if self.until.is_some() || !self.choice().is_empty() { a href="/runs" { "Show all" } }
                }
            }
            p.faint #stretch data-live="" { @if let Some(until) = &self.until {
                "Ticks from " (self.since.as_deref().map_or_else(|| String::from("the beginning"), |since| view.look.text(since))) " until " (until) "."
            } }
        }
    }
}

fn select(view: &View, title: &str, name: &str, offered: &[&str], chosen: &[String]) -> Markup {
    let first = chosen.first().map(String::as_str);
    html! {
        label { span { (title) } select name=(name) {
            option value="" { "any" }
            @for one in offered { option value=(one) selected[Some(*one) == first] { (view.look.text(one)) } }
            // One that is no longer defined has runs all the same.
            @if let Some(gone) = first.filter(|first| !offered.contains(first)) { option value=(gone) selected { (view.look.text(gone)) } }
        } }
        @for more in chosen.iter().skip(1) { input type="hidden" name=(name) value=(more); }
    }
}

fn addressed(pairs: &[(&str, String)]) -> String {
    if pairs.is_empty() {
        return String::from("/runs");
    }
    let query = Serializer::new(String::new()).extend_pairs(pairs).finish();
    format!("/runs?{query}")
}

const fn length(range: Range) -> Duration {
    match range {
        Range::Hour => HOUR,
        Range::SixHours => HOUR.saturating_mul(6),
        Range::Day => HOUR.saturating_mul(24),
        Range::Week => HOUR.saturating_mul(24 * 7),
        Range::Month => HOUR.saturating_mul(24 * 30),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_what_it_reads() {
        let now = Moment(1_790_000_000_000_000_000);
        let query = "probe=a%2Fb&route=x&class=lost&label=team%3Dpay&since=6h";
        let asked = Asked::read(query, now).unwrap();
        assert_eq!(asked.filter.since, Some(now.before(HOUR * 6)));
        assert_eq!(asked.address(None), format!("/runs?{query}"));
        assert_eq!(
            asked.followed(),
            "?probe=a%2Fb&route=x&class=lost&label=team%3Dpay"
        );
        let all = Asked::read("probe=&since=", now).unwrap();
        assert_eq!(
            (all.address(None).as_str(), all.followed().as_str()),
            ("/runs", "")
        );
    }

    #[test]
    fn what_does_not_fit_is_said() {
        let wrong = "since=soon&until=now&class=gone&cursor=5&page=2";
        let said = Asked::read(wrong, Moment(0)).unwrap_err().detail();
        for part in ["`soon`", "30d", "`now`", "`gone`", "`5`", "`page`"] {
            assert!(said.contains(part), "{part}: {said}");
        }
    }
}
