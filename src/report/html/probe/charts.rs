//! Drawings of routes over one axis.

use maud::{Markup, html};

use super::MOST_ROUTES;
use super::happened::Happened;
use crate::report::course::{Bucket, Course, RouteCourse};
use crate::report::html::View;
use crate::report::html::draw::{
    Curve, Happening, LAYERS, Timeline, agreement, agreement_axis, class_fill, classes, classes_axis,
    duration, latency, latency_axis, route_class, waits,
};
use crate::report::html::words::instant;
use crate::report::words::{DEFAULT_INPUT, percent};

/// What is drawn.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a> {
    /// The runs over time.
    pub course: &'a Course,
    /// By when an outcome should arrive, and after which it counts as lost, in seconds.
    pub limits: Option<(f64, f64)>,
    /// What happened besides.
    pub happened: &'a Happened,
}

/// A route with its name as it may be shown.
struct Route<'a> {
    name: String,
    place: usize,
    course: &'a RouteCourse,
    happened: Vec<Happening>,
}

/// How long outcomes take, and how latency, classes and agreement went over time, for each route over the same axis; and the
/// same as tables. `id` begins the ids of what is drawn.
#[must_use]
pub fn charts(view: &View, id: &str, shown: &Shown<'_>) -> Markup {
    let route = |(place, course): (usize, &'_ RouteCourse)| (place, name(&course.route, &course.input));
    let routes: Vec<Route<'_>> = shown
        .course
        .routes
        .iter()
        .enumerate()
        .take(MOST_ROUTES)
        .map(|(place, course)| Route {
            name: view.look.text(&route((place, course)).1),
            place,
            course,
            happened: shown.happened.of(&course.route, &course.input),
        })
        .collect();
    let more = shown.course.routes.len() - routes.len();
    html! {
        div.charts data-charts {
            (legend(&routes))
            @if more > 0 || shown.course.left_out > 0 {
                p.notice.warn { "Drawn are the first " (MOST_ROUTES) " routes and inputs; " (more) " more are not"
                    @if shown.course.left_out > 0 { ", and " (shown.course.left_out) " runs of yet others" } (super::elsewhere(view)) }
            }
            p.readout role="status" aria-live="off" {}
            (arrivals(id, shown, &routes))
            (over_time(id, shown.course, &routes))
            (shown.happened.list())
            @if shown.course.more_unfired > 0 { p.faint { "… and " (shown.course.more_unfired) " more stretches in which ticks did not fire." } }
            (tables(id, &routes))
        }
    }
}

/// The line and the name of each route; a script makes buttons of them that hide it.
fn legend(routes: &[Route<'_>]) -> Markup {
    html! {
        @if routes.len() > 1 {
            ul.legend { @for route in routes {
                li data-route=(route.place) { (swatch(route.place)) " " span { (route.name) } }
            } }
        }
    }
}

/// A short piece of a route's line.
pub(super) fn swatch(place: usize) -> Markup {
    html! {
        svg.swatch width="28" height="8" viewBox="0 0 28 8" aria-hidden="true" { path class={ "line " (route_class(place)) } d="M1 4H27" {} }
    }
}

/// `stripe`, and the input where the probe names several.
pub(super) fn name(route: &str, input: &str) -> String {
    match input {
        DEFAULT_INPUT => route.to_owned(),
        input => format!("{route}/{input}"),
    }
}

fn arrivals(id: &str, shown: &Shown<'_>, routes: &[Route<'_>]) -> Markup {
    let mut curves: Vec<Curve<'_>> = Vec::new();
    for route in routes {
        curves.extend(route.course.waits.as_ref().map(|waits| Curve {
            name: &route.name,
            place: route.place,
            waits,
        }));
    }
    html! {
        figure.wide {
            figcaption { b { "Not yet arrived" } " after which time; where a line stays flat is what never arrives. The band is its 95 % interval." }
            @match waits(&format!("{id}-waits"), &curves, shown.limits) {
                Some(drawing) => (drawing),
                None => p.faint { "No run was observed that tells when its outcome arrived." },
            }
        }
    }
}

fn over_time(id: &str, course: &Course, routes: &[Route<'_>]) -> Markup {
    let all = || routes.iter().map(|route| route.course);
    let (waited, ended, agreed) = (latency_axis(all()), classes_axis(all()), agreement_axis(all()));
    let each = |kind: &str,
                draw: &dyn Fn(&str, &Route<'_>, Timeline<'_>) -> Option<Markup>|
     -> Vec<(usize, String, Markup)> {
        let one = |route: &Route<'_>| {
            let time = Timeline {
                since: course.since,
                until: course.until,
                happened: &route.happened,
            };
            let drawn = draw(&format!("{id}-{kind}-{}", route.place), route, time)?;
            Some((route.place, route.name.clone(), drawn))
        };
        routes.iter().filter_map(one).collect()
    };
    let latencies = each("latency", &|id, route, time| {
        let known = route.course.buckets.iter().any(|bucket| bucket.outcome.is_some());
        known.then(|| latency(id, (&route.name, route.place), route.course, time, &waited))
    });
    let classes = each("classes", &|id, route, time| {
        Some(classes(id, &route.name, route.course, time, &ended))
    });
    let agreements = each("agreement", &|id, route, time| {
        agreement(id, &route.name, route.course, time, &agreed)
    });
    let stretch = format!("in stretches of {}", duration(course.length.as_secs_f64()));
    html! {
        (group("Latency of the outcome", &html! { "the median, in a band from the fastest to the slowest twentieth, " (stretch) }, &latencies))
        (group("How runs ended", &key(), &classes))
        (group("Agreement along the layers", &layers(), &agreements))
        @if agreements.is_empty() && routes.iter().any(|route| route.course.runs() > 0) { (no_agreement(course, routes)) }
    }
}

/// Why there is no drawing of how far runs agree.
fn no_agreement(course: &Course, routes: &[Route<'_>]) -> Markup {
    let mut buckets = routes.iter().flat_map(|route| &route.course.buckets);
    let long = duration(course.length.as_secs_f64());
    html! {
        div.group {
            h3 { "Agreement along the layers" }
            p.faint {
                @if buckets.all(|bucket| bucket.runs < 2) {
                    "Not shown: no stretch of " (long) " holds two runs of a route, and it takes two to agree. A longer time has longer stretches."
                } @else {
                    "Not shown: no stretch of " (long) " holds two runs of a route of which it is known how they ended."
                }
            }
        }
    }
}

fn group(head: &str, said: &Markup, drawings: &[(usize, String, Markup)]) -> Markup {
    html! {
        @if !drawings.is_empty() {
            div.group {
                h3 { (head) }
                p.faint { (said) }
                @for (place, name, drawing) in drawings {
                    figure data-route=(place) { figcaption { (swatch(*place)) " " (name) } (drawing) }
                }
            }
        }
    }
}

/// The colours of classes, in words.
fn key() -> Markup {
    use crate::model::Class;
    let shown = [
        Class::Delivered,
        Class::Late,
        Class::Duplicate,
        Class::Lost,
        Class::Mismatched,
        Class::Failed,
        Class::Rejected,
        Class::Unobserved,
    ];
    html! { @for class in shown {
        span.key { svg width="10" height="10" aria-hidden="true" { rect class=(class_fill(class)) width="10" height="10" {} } " " (class.word()) } " "
    } "(empty: nothing fired)" }
}

fn layers() -> Markup {
    html! {
        "the chance that two runs of a stretch agree up to: "
        @for (name, class) in LAYERS {
            span.key { svg width="28" height="8" viewBox="0 0 28 8" aria-hidden="true" { path class={ "line " (class) } d="M1 4H27" {} } " " (name) } " "
        }
    }
}

/// The same in numbers, for those who do not see drawings, and those who want them exactly.
fn tables(id: &str, routes: &[Route<'_>]) -> Markup {
    html! { @for route in routes {
        details id={ (id) "-table-" (route.place) } {
            summary { "The same as a table: " (route.name) }
            div.scroll tabindex="0" role="region" aria-label={ "Over time: " (route.name) } { table.numbers {
                thead { tr {
                    th scope="col" { "From" } th.number scope="col" { "Runs" } th scope="col" { "Ended" }
                    th.number scope="col" { "p5" } th.number scope="col" { "p50" } th.number scope="col" { "p95" }
                    th.number scope="col" { "Agree: accepted" } th.number scope="col" { "executed" } th.number scope="col" { "outcome" }
                } }
                tbody { @for bucket in &route.course.buckets { (line(bucket)) } }
            } }
        }
    } }
}

fn line(bucket: &Bucket) -> Markup {
    let value = |of: fn(&crate::report::course::Waited) -> Option<f64>| match &bucket.outcome {
        None => String::from("–"),
        Some(waited) => of(waited).map_or_else(|| String::from("not reached"), duration),
    };
    let ended = bucket.classes.iter().filter(|(_, runs)| **runs > 0);
    html! {
        tr {
            th scope="row" { (instant(&bucket.from.to_rfc3339())) }
            td.number { (bucket.runs) }
            td { @for (n, (class, runs)) in ended.enumerate() { @if n > 0 { ", " } (runs) " " (class.word()) } }
            td.number { (value(|w| w.p05)) }
            td.number { (value(|w| w.p50)) }
            td.number { (value(|w| w.p95)) }
            @for agree in bucket.agree { td.number { @if agree.is_some() { (percent(agree)) } @else { "–" } } }
        }
    }
}
