//! The probes, in groups: what is not as it should be, what could not be seen, what is well, what does not fire.

use maud::{Markup, html};

use super::route;
use super::tile::badness;
use super::{Actions, Overview, ProbeTile, RouteTile};
use crate::report::html::words::{Group, instant, tone};
use crate::report::html::{View, badge, segment};

/// So many probes stand on a page.
pub const PER_PAGE: usize = 50;
/// With more probes than this on a page those that are well are folded.
const UNFOLDED: usize = 12;

/// Which probes are shown, the worst first.
#[derive(Debug)]
pub struct Listing<'a> {
    overview: &'a Overview<'a>,
    /// All that the filter admits.
    admitted: Vec<&'a ProbeTile>,
    page: usize,
}

impl<'a> Listing<'a> {
    /// Those that the filter admits, in order.
    #[must_use]
    pub fn new(overview: &'a Overview<'a>) -> Self {
        let mut admitted: Vec<&ProbeTile> = overview
            .probes
            .iter()
            .filter(|probe| overview.filter.admits(probe))
            .collect();
        let silent = |probe: &ProbeTile| {
            let figures = overview
                .figures
                .and_then(|figures| figures.probes.get(&probe.name));
            figures
                .into_iter()
                .flatten()
                .map(|route| route.silent.count)
                .sum::<u64>()
        };
        admitted.sort_by_cached_key(|probe| {
            (
                badness(probe.state),
                std::cmp::Reverse(silent(probe)),
                probe.name.clone(),
            )
        });
        let pages = admitted.len().div_ceil(PER_PAGE).max(1);
        Self {
            overview,
            admitted,
            page: overview.filter.page.clamp(1, pages),
        }
    }

    pub(super) fn all(&self) -> &[&'a ProbeTile] {
        &self.admitted
    }

    /// How many pages there are.
    #[must_use]
    pub fn pages(&self) -> usize {
        self.admitted.len().div_ceil(PER_PAGE).max(1)
    }

    fn shown(&self) -> &[&'a ProbeTile] {
        let from = (self.page - 1) * PER_PAGE;
        let rest = self.admitted.get(from..).unwrap_or_default();
        &rest[..rest.len().min(PER_PAGE)]
    }

    /// The groups and the way to the other pages.
    pub(super) fn draw(&self, view: &View, actions: Actions<'_>) -> Markup {
        let shown = self.shown();
        html! {
            div #probes data-live="" {
                @for group in Group::ALL {
                    @let members: Vec<&ProbeTile> = shown.iter().copied().filter(|p| Group::of(p.state) == group).collect();
                    @if !members.is_empty() { (self.group(view, group, &members, actions)) }
                }
                @if self.overview.probes.is_empty() {
                    p { "No probe is defined yet: write one under " code { "probes/" } ", or let " code { "landfall init" } " do it." }
                } @else if self.admitted.is_empty() {
                    p { "None of the " (self.overview.probes.len()) " probes fits what is asked for." }
                }
                (self.pager())
            }
        }
    }

    fn group(&self, view: &View, group: Group, members: &[&ProbeTile], actions: Actions<'_>) -> Markup {
        let of = self
            .admitted
            .iter()
            .filter(|p| Group::of(p.state) == group)
            .count();
        let heading = html! {
            h2 { (group.title()) " " span.faint {
                @if of == members.len() { (of) } @else { (members.len()) " of " (of) " on this page" }
            } }
        };
        let table = html! {
            table.overview {
                thead { tr {
                    th scope="col" { "Route" } th scope="col" { "Runs over time" } th scope="col" { "Accepted → executed → outcome" }
                    th.number scope="col" { "Silent" } th.number scope="col" { "On time" } th.number scope="col" title="The chance that two runs of the same input end alike" { "Consistency" }
                    th.number scope="col" { "p50" } th.number scope="col" { "p95" } th scope="col" { "Last runs" }
                } }
                @for probe in members { (self.probe(view, probe, actions)) }
            }
        };
        let folded = matches!(group, Group::Well | Group::Off);
        let key = format!("group-{group:?}").to_lowercase();
        html! {
            section data-key=(key) {
                @if folded {
                    details id=(key) open[self.shown().len() <= UNFOLDED || members.len() == self.admitted.len()] { summary { (heading) } (table) }
                } @else { (heading) (table) }
            }
        }
    }

    fn probe(&self, view: &View, probe: &ProbeTile, actions: Actions<'_>) -> Markup {
        let mut routes: Vec<&RouteTile> = probe.routes.iter().collect();
        routes.sort_by_key(|route| badness(route.state));
        html! {
            tbody id=(segment(&probe.name)) data-key={ "probe-" (segment(&probe.name)) } {
                tr.probe { th colspan="9" scope="rowgroup" {
                    div.head {
                        h3 { a href=(view.links.probe(&probe.name)) { (view.look.text(&probe.name)) } }
                        (badge(tone(probe.state), &probe.state.word().replace('_', " ")))
                        (actions(probe))
                    }
                    @if !probe.why.is_empty() { p.why { (view.look.text(&probe.why)) } }
                    (about(view, probe))
                } }
                @for route in routes { (route::row(view, self.overview, probe, route)) }
            }
        }
    }

    fn pager(&self) -> Markup {
        let (page, pages) = (self.page, self.pages());
        let from = (page - 1) * PER_PAGE + 1;
        html! {
            @if pages > 1 {
                nav.pager aria-label="Further probes" {
                    @if page > 1 { a rel="prev" href=(self.overview.filter.turned(page - 1).address()) { "← the " (PER_PAGE) " before" } }
                    span { "Probes " (from) " to " (from + self.shown().len() - 1) " of " (self.admitted.len()) ", the worst first, " (PER_PAGE) " on a page" }
                    @if page < pages { a rel="next" href=(self.overview.filter.turned(page + 1).address()) { "next " (PER_PAGE.min(self.admitted.len() - page * PER_PAGE)) " →" } }
                }
            }
        }
    }
}

/// What it is about, when it fires, and its labels.
fn about(view: &View, probe: &ProbeTile) -> Markup {
    let in_flight: u32 = probe.routes.iter().map(|route| route.in_flight).sum();
    html! {
        p.faint {
            @if !probe.description.is_empty() { (view.look.text(&probe.description)) " · " }
            @match &probe.schedule {
                Some(schedule) => { (view.look.text(schedule)) @if let Some(next) = &probe.next { ", next " (instant(next)) } }
                None => "fired by hand",
            }
            @if in_flight > 0 { " · " (in_flight) " in flight" }
            @for (key, value) in &probe.labels { " · " (view.look.text(key)) "=" (view.look.text(value)) }
        }
        @if let Some((since, note)) = &probe.paused {
            p.faint { "Paused since " (instant(since)) " " (view.look.text(note)) }
        }
    }
}
