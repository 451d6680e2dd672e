//! Which probes are shown: read from an address, written into it again.

use form_urlencoded::Serializer;
use maud::{Markup, html};

use super::{ProbeTile, Range};
use crate::model::ProbeState;
use crate::report::html::View;

/// So many labels are offered in the form; others can be written into the address.
const OFFERED: usize = 200;

/// What an overview is asked to show.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Over which time.
    pub range: Range,
    /// Part of a name, a description, a route or a label.
    pub text: String,
    /// Only probes that have all of these labels.
    pub labels: Vec<(String, String)>,
    /// Only probes in one of these states.
    pub states: Vec<ProbeState>,
    /// Only probes that fire from here.
    pub location: Option<String>,
    /// Which page of them, from 1.
    pub page: usize,
}

impl Filter {
    /// Whether a probe is shown.
    #[must_use]
    pub fn admits(&self, probe: &ProbeTile) -> bool {
        let labelled = |(key, value): &(String, String)| probe.labels.get(key) == Some(value);
        (self.states.is_empty() || self.states.contains(&probe.state))
            && self.labels.iter().all(labelled)
            && self.found(probe)
    }

    /// Whether anything but the time is chosen.
    #[must_use]
    pub fn narrows(&self) -> bool {
        !(self.text.is_empty() && self.labels.is_empty() && self.states.is_empty())
    }

    /// The address of what it shows.
    #[must_use]
    pub fn address(&self) -> String {
        let mut query = Serializer::new(String::new());
        if self.range != Range::default() {
            query.append_pair("since", self.range.word());
        }
        if !self.text.is_empty() {
            query.append_pair("q", &self.text);
        }
        for (key, value) in &self.labels {
            query.append_pair("label", &format!("{key}={value}"));
        }
        for state in &self.states {
            query.append_pair("state", state.word());
        }
        if let Some(location) = &self.location {
            query.append_pair("location", location);
        }
        if self.page > 1 {
            query.append_pair("page", &self.page.to_string());
        }
        match query.finish() {
            query if query.is_empty() => String::from("/"),
            query => format!("/?{query}"),
        }
    }

    /// The same on another page.
    #[must_use]
    pub fn turned(&self, page: usize) -> Self {
        Self { page, ..self.clone() }
    }

    /// The same of one state alone.
    #[must_use]
    pub fn only(&self, state: ProbeState) -> Self {
        Self {
            states: vec![state],
            page: 1,
            ..self.clone()
        }
    }

    fn found(&self, probe: &ProbeTile) -> bool {
        let wanted = self.text.trim().to_lowercase();
        let has = |text: &str| text.to_lowercase().contains(&wanted);
        wanted.is_empty()
            || has(&probe.name)
            || has(&probe.description)
            || probe.routes.iter().any(|route| has(&route.name))
            || probe
                .labels
                .iter()
                .any(|(key, value)| has(&format!("{key}={value}")))
    }
}

/// The ranges, each an address.
#[must_use]
pub fn ranges(filter: &Filter) -> Markup {
    html! {
        nav.segments #ranges data-live="" aria-label="Time range" {
            @for range in Range::ALL {
                @let to = Filter { range, page: 1, ..filter.clone() };
                a href=(to.address()) aria-current=[(range == filter.range).then_some("true")] { (range.word()) }
            }
        }
    }
}

/// The form: works without a script, and with one at once.
#[must_use]
pub fn form(view: &View, filter: &Filter, probes: &[ProbeTile]) -> Markup {
    let mut labels: Vec<String> = probes
        .iter()
        .flat_map(|probe| &probe.labels)
        .map(|(key, value)| format!("{key}={value}"))
        // What cannot be shown as it is cannot be chosen by sight.
        .filter(|label| view.look.text(label) == *label)
        .collect();
    labels.sort_unstable();
    labels.dedup();
    let more_labels = labels.len().saturating_sub(OFFERED);
    labels.truncate(OFFERED);
    let chosen: Vec<String> = filter
        .labels
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    let (first, more) = chosen
        .split_first()
        .map_or((None, &[][..]), |(a, b)| (Some(a), b));
    html! {
        form.filters method="get" action="/" role="search" data-at-once="" {
            @if filter.range != Range::default() { input type="hidden" name="since" value=(filter.range.word()); }
            @for label in more { input type="hidden" name="label" value=(label); }
            @for state in filter.states.iter().skip(1) { input type="hidden" name="state" value=(state.word()); }
            @if let Some(location) = &filter.location { input type="hidden" name="location" value=(location); }
            label { span { "Search" }
                input #search type="search" name="q" value=(filter.text) maxlength="200" autocomplete="off"
                    placeholder="name, route, label" aria-keyshortcuts="/"; }
            label { span { "State" } select name="state" {
                option value="" { "any" }
                @for state in ProbeState::ALL {
                    option value=(state.word()) selected[filter.states.first() == Some(&state)] { (state.word().replace('_', " ")) }
                }
            } }
            @if !labels.is_empty() {
                label { span { "Label" } select name="label" {
                    option value="" { "any" }
                    @for label in &labels { option value=(label) selected[Some(label) == first] { (view.look.text(label)) } }
                    @if more_labels > 0 { option disabled { "and " (more_labels) " more: write label=key=value into the address" } }
                } }
            }
            button.quiet { "Show" }
            span #narrowed data-live="" { @if filter.narrows() {
                a href=(Filter { range: filter.range, ..Filter::default() }.address()) { "Show all" }
            } }
        }
    }
}
