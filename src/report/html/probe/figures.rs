//! Figures of routes side by side.

use maud::{Markup, PreEscaped, html};

use super::MOST_ROUTES;
use super::charts::{name, swatch};
use super::data::{ProbeData, RouteStanding, Standing};
use crate::report::course::Course;
use crate::report::figures::reason;
use crate::report::html::{View, badge, words};
use crate::report::series::{
    ObjectiveWord, ProbeFigures, QuantileFigure, SeriesFigures, Share, clumps, interval, objective_word,
    objectives, said_of_consistency, said_of_routes, withheld,
};
use crate::report::words::{count, percent, seconds};

/// A column of the table.
struct Column<'a> {
    series: &'a SeriesFigures,
    standing: Option<&'a RouteStanding>,
    probe: &'a ProbeFigures,
    /// The place among the routes of the drawings.
    place: Option<usize>,
}

/// What a row says of a route.
type Cell<'a> = &'a dyn Fn(&Column<'_>) -> Markup;

/// A table with a column for each route, the worst first, and below it the figures by earlier definitions.
#[must_use]
pub fn figures(view: &View, standing: Option<&Standing>, found: &ProbeFigures, course: &Course) -> Markup {
    let current = found.definitions.last().map(|last| &last.revision);
    let now = |series: &&SeriesFigures| series.revision.is_none() || series.revision.as_ref() == current;
    let column = |series| column(series, standing, found, course);
    let columns: Vec<Column<'_>> = found
        .series
        .iter()
        .filter(now)
        .take(MOST_ROUTES)
        .map(column)
        .collect();
    let more = found.series.iter().filter(now).count() - columns.len();
    let earlier: Vec<&SeriesFigures> = found.series.iter().filter(|series| !now(series)).collect();
    html! {
        (table(view, &columns, ""))
        @if more > 0 {
            p.notice.warn { (more) " more routes and inputs are not shown" (super::elsewhere(view)) }
        }
        @for column in &columns { (objective(view, column, columns.len() > 1)) }
        @if !earlier.is_empty() {
            details {
                summary { "Runs by earlier definitions in this time" }
                (table(view, &earlier.into_iter().take(MOST_ROUTES).map(column).collect::<Vec<_>>(), " by earlier definitions"))
            }
        }
    }
}

/// What is shown where no run ended.
pub(super) fn nothing(view: &View, standing: &Standing, data: &ProbeData) -> Markup {
    let skips = data.figures.iter().flat_map(|found| &found.skips);
    html! {
        p { "No run ended in this time." }
        ul { @for skip in skips {
            li { (view.look.text(&name(&skip.route, &skip.input))) ": " (count(skip.ticks, "tick")) " did not fire: "
                @for (n, (why, ticks)) in skip.reasons.iter().enumerate() { @if n > 0 { ", " } (ticks) " " (reason(*why)) } }
        } }
        @if !standing.routes.is_empty() {
            div.scroll { table { tbody { @for route in &standing.routes { tr {
                th scope="row" { (view.look.text(&route.name)) }
                td { (badge(words::tone(route.state), route.state.word())) " " (view.look.text(&route.why)) }
                td.number { (route.in_flight) " in flight" }
            } } } } }
        }
    }
}

/// Whether routes that got the same input at the same ticks end alike.
#[must_use]
pub fn beside(view: &View, found: &ProbeFigures) -> Markup {
    let several = found.routes.len() > 1;
    html! {
        @for routes in &found.routes {
            @if several {
                h3 { "Input " (view.look.text(&routes.input))
                    @if !routes.location.is_empty() { " at " (view.look.text(&routes.location)) } }
            }
            @for (n, said) in said_of_routes(routes).iter().enumerate() {
                @if n == 0 { p { b { (view.look.text(&capital(said))) "." } } } @else { p { (view.look.text(&capital(said))) "." } }
            }
        }
    }
}

fn column<'a>(
    series: &'a SeriesFigures,
    standing: Option<&'a Standing>,
    probe: &'a ProbeFigures,
    course: &Course,
) -> Column<'a> {
    let routes = standing.map_or(&[][..], |standing| &standing.routes);
    let same = |route: &super::super::super::course::RouteCourse| {
        (&route.route, &route.input) == (&series.route, &series.input)
    };
    Column {
        series,
        standing: routes.iter().find(|route| route.name == series.route),
        probe,
        place: course.routes.iter().position(same),
    }
}

fn table(view: &View, columns: &[Column<'_>], which: &str) -> Markup {
    let probe = columns
        .first()
        .map_or_else(String::new, |c| view.look.text(&c.probe.probe));
    let states = columns.iter().any(|column| column.standing.is_some());
    let locations: std::collections::BTreeSet<&str> =
        columns.iter().map(|c| c.series.location.as_str()).collect();
    let state = |column: &Column<'_>| state(view, column);
    html! {
        div.scroll tabindex="0" role="region" aria-label={ "Figures of " (probe) " by route" (which) } { table.figures {
            caption.hidden { "Figures by route" }
            thead { tr {
                td {}
                @for column in columns { th scope="col" {
                    @if let Some(place) = column.place { (swatch(place)) " " }
                    (view.look.text(&name(&column.series.route, &column.series.input)))
                    @if locations.len() > 1 { div.faint { "at " (view.look.text(&column.series.location)) } }
                } }
            } }
            tbody {
                @if states { (row("State", columns, &state)) }
                (row("Runs", columns, &|c| html! { (c.series.runs) }))
                (row("On time", columns, &on_time))
                (row("Silent failures", columns, &silent))
                (row("Ended", columns, &ended))
                (row("Consistency", columns, &consistency))
                (row("Outcome p50", columns, &|c| quantile(c, |layer| layer.p50)))
                (row("p95", columns, &|c| quantile(c, |layer| layer.p95)))
                (row("p99", columns, &|c| quantile(c, |layer| layer.p99)))
                (row("Lag p50, p95", columns, &lag))
                (row("Skipped", columns, &skipped))
                (row("Unobserved", columns, &unobserved))
                @if states { (row("In flight", columns, &|c| html! { @if let Some(s) = c.standing { (s.in_flight) } @else { "–" } })) }
            }
        } }
    }
}

fn row(head: &str, columns: &[Column<'_>], cell: Cell<'_>) -> Markup {
    html! { tr { th scope="row" { (head) } @for column in columns { td { (cell(column)) } } } }
}

fn state(view: &View, column: &Column<'_>) -> Markup {
    let Some(route) = column.standing else {
        return html! { "–" };
    };
    html! {
        (badge(words::tone(route.state), route.state.word()))
        @if !route.why.is_empty() { div.faint { (view.look.text(&route.why)) } }
    }
}

fn on_time(column: &Column<'_>) -> Markup {
    let series = column.series;
    html! {
        @if let Some(why) = withheld(series) { div.blind { (why) } }
        (share(series.on_time))
        div.faint { (series.on_time.count) " of " (series.on_time.of) @if let Some(clumps) = clumps(series) { "; " (clumps) } }
    }
}

fn silent(column: &Column<'_>) -> Markup {
    let found = column.series.silent_failures;
    html! {
        @if found.count > 0 { b.bad { (share(found)) } } @else { (share(found)) }
        div.faint { (found.count) " of " (found.of) " accepted" }
    }
}

/// `97.2 %` and its interval; a dash for a share of nothing.
fn share(of: Share) -> Markup {
    html! { @if of.share.is_none() { "–" } @else { (interval(of)) } }
}

fn ended(column: &Column<'_>) -> Markup {
    let parts = column.series.classes.iter().filter(|(_, runs)| **runs > 0);
    html! { @for (n, (class, runs)) in parts.enumerate() {
        @if n > 0 { ", " } span class=(words::class_tone(*class)) { (runs) " " (class.word()) }
    } }
}

fn consistency(column: &Column<'_>) -> Markup {
    let Some(found) = &column.series.consistency else {
        return html! { "–" div.faint { "it takes two runs that were observed" } };
    };
    html! {
        (percent(Some(found.score)))
        @if let (Some(lower), Some(upper)) = (found.lower, found.upper) { (format!(" ({:.1} - {:.1})", lower * 100.0, upper * 100.0)) }
        @if let Some(layer) = &found.drops_at { div.faint { "parts at " (layer) } }
        @for said in said_of_consistency(found).iter().skip(1).take(1) { div.faint { (said) } }
    }
}

fn quantile(
    column: &Column<'_>,
    of: impl Fn(&crate::report::series::LayerFigures) -> QuantileFigure,
) -> Markup {
    let Some(layer) = &column.series.layers.outcome else {
        return html! { "–" };
    };
    let q = of(layer);
    let Some(value) = q.latest else {
        let over = q.lower.filter(|lower| *lower > 0.0);
        return html! {
            b.bad { "not reached" }
            div.faint { (layer.never) " of " (layer.reached + layer.never) " never arrived"
                @if let Some(over) = over { "; over " (seconds(over)) } }
        };
    };
    html! {
        (seconds(value))
        span.faint { " (" (q.lower.map_or_else(|| String::from("0"), seconds)) " to "
            (q.upper.map_or_else(|| String::from("not bounded"), seconds)) ")" }
    }
}

fn lag(column: &Column<'_>) -> Markup {
    html! { @match column.series.lag {
        Some(lag) => { (seconds(lag.p50)) ", " (seconds(lag.p95)) div.faint { "at most " (seconds(lag.most)) } }
        None => "–",
    } }
}

fn skipped(column: &Column<'_>) -> Markup {
    let same = |skip: &&crate::report::series::SkipFigures| {
        (&skip.route, &skip.input) == (&column.series.route, &column.series.input)
    };
    html! { @match column.probe.skips.iter().find(same) {
        None => "0",
        Some(skip) => {
            @if skip.unintended > 0 { b.warn { (count(skip.ticks, "tick")) } } @else { (count(skip.ticks, "tick")) }
            div.faint { @for (n, (why, ticks)) in skip.reasons.iter().enumerate() { @if n > 0 { ", " } (ticks) " " (reason(*why)) } }
        }
    } }
}

fn unobserved(column: &Column<'_>) -> Markup {
    let unobserved = column.series.unobserved;
    html! { @if unobserved > 0 { b.blind { (unobserved) } " of " (column.series.runs) } @else { "0" } }
}

fn objective(view: &View, column: &Column<'_>, several: bool) -> Markup {
    let series = column.series;
    let same = |found: &&crate::report::series::ObjectiveFigures| {
        (&found.route, &found.input, &found.location) == (&series.route, &series.input, &series.location)
    };
    let Some(found) = column.probe.objectives.iter().find(same) else {
        return PreEscaped(String::new());
    };
    let tone = match found.word {
        ObjectiveWord::Met => "good",
        ObjectiveWord::NotEnough => "off",
        ObjectiveWord::NotMet => "bad",
    };
    html! {
        p.objective {
            "Objective" @if several { " of " (view.look.text(&name(&series.route, &series.input))) } ": "
            (badge(tone, objective_word(found.word))) " "
            span.faint { (objectives(found).join("; ")) }
        }
    }
}

/// With its first letter as at the beginning of a sentence.
fn capital(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}
