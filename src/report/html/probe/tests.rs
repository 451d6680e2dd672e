use std::sync::Arc;

use super::*;
use crate::model::{Class, Ending, Mark, MarkId, MarkKind, Moment, ProbeState, RunId};
use crate::redact::Redactor;
use crate::report::course::CourseOf;
use crate::report::html::{Links, Look};
use crate::report::sample;
use crate::report::series::{Gathering, Source};
use crate::report::steps::Steps;

const MINUTE: i64 = 60_000_000_000;
const START: i64 = 1_790_000_000_000_000_000 - 1_790_000_000_000_000_000 % (60 * MINUTE);
const HOSTILE: &str = "<script>alert(1)</script>\"'\u{202e}\u{1b}]0;x\u{7}";

fn at(minute: i64) -> Moment {
    Moment(START + minute * MINUTE)
}

fn ending(minute: i64, route: &str, class: Class) -> Ending {
    let arrived = (class == Class::Delivered).then_some((1.2, 1.2));
    sample::ending(minute, at(minute), route, class, arrived)
}

fn data(endings: &[Ending]) -> ProbeData {
    let mut course = CourseOf::new(at(0), at(60));
    let mut gathering = Gathering::default();
    for ending in endings {
        course.add(ending);
        assert!(gathering.add(ending.clone()));
    }
    ProbeData {
        made: at(60),
        source: Source::Runs,
        figures: gathering
            .figures(&std::collections::BTreeMap::new(), None)
            .into_iter()
            .next(),
        course: course.finish(),
        limits: Some((30.0, 60.0)),
        compared: None,
        causes: Some(crate::report::causes::explain(
            [],
            &[],
            &crate::report::causes::Question::default(),
        )),
        paths: Some(crate::report::paths::paths([])),
        steps: Steps::default(),
        looked_at: endings.len() as u64,
        most: 5_000,
        partial: false,
        bad: Vec::new(),
        marks: Vec::new(),
        maintenance: Vec::new(),
        notes: Vec::new(),
        definition: None,
    }
}

fn shown(standing: &Standing, data: &ProbeData) -> String {
    let view = View {
        look: Look::new(Arc::new(Redactor::new([String::from("hunter2-hunter2")]))),
        links: Links::Site,
        now: at(60).to_rfc3339(),
    };
    let html = probe(&view, standing, data).into_string();
    assert!(!html.contains("NaN"), "{html}");
    html
}

fn of(endings: &[Ending]) -> String {
    shown(&Standing::default(), &data(endings))
}

#[test]
fn routes_stand_side_by_side_on_one_axis() {
    let mut runs: Vec<Ending> = (0..30).map(|n| ending(n / 2, "good", Class::Delivered)).collect();
    runs.extend((0..30).map(|n| {
        ending(
            n / 2,
            "gone",
            if n % 3 == 0 { Class::Lost } else { Class::Delivered },
        )
    }));
    let html = of(&runs);
    for part in [
        "Silent failures",
        "33.3 %",
        "not reached",
        "10 of 30 never arrived",
        "id=\"charts-waits\"",
        "id=\"charts-latency-0\"",
        "id=\"charts-classes-1\"",
        "id=\"charts-agreement-1\"",
        "good: 30 runs, half arrived after 1.2 s",
        "within 30 s",
        "lost after 1 min",
        "Are the routes alike?",
        "The same as a table: gone",
    ] {
        assert!(html.contains(part), "{part}: {html}");
    }
    // Every drawing over time has the same axis.
    let axes: Vec<&str> = html
        .split("data-scale=\"time\" ")
        .skip(1)
        .filter_map(|r| r.split('>').next())
        .collect();
    assert_eq!(axes.len(), 6);
    assert!(axes.windows(2).all(|pair| pair[0] == pair[1]), "{axes:?}");
}

#[test]
fn no_run_is_said_to_be_none() {
    let html = of(&[]);
    assert!(
        html.contains("No run ended in this time.") && !html.contains("<svg"),
        "{html}"
    );
}

#[test]
fn one_run_of_one_route_is_shown() {
    let html = of(&[ending(5, "only", Class::Delivered)]);
    assert!(
        html.contains("id=\"charts-latency-0\"") && html.contains("it takes two runs"),
        "{html}"
    );
    assert!(
        html.contains("holds two runs of a route, and it takes two to agree"),
        "{html}"
    );
    assert!(
        !html.contains("class=\"legend\"") && !html.contains("Are the routes alike?"),
        "{html}"
    );
}

#[test]
fn all_lost_is_a_curve_that_stays_at_the_top() {
    let runs: Vec<Ending> = (0..9).map(|m| ending(m, "gone", Class::Lost)).collect();
    let html = of(&runs);
    assert!(
        html.contains("100.0 % never arrived") && html.contains("no median was reached"),
        "{html}"
    );
    assert!(html.contains("unreached most"), "{html}");
}

#[test]
fn all_unobserved_has_no_latency_and_says_so() {
    let runs: Vec<Ending> = (0..9).map(|m| ending(m, "dark", Class::Unobserved)).collect();
    let html = of(&runs);
    assert!(
        html.contains("No run was observed that tells when its outcome arrived."),
        "{html}"
    );
    assert!(
        !html.contains("charts-latency") && html.contains("9 unobserved"),
        "{html}"
    );
}

#[test]
fn hostile_text_stays_text_and_secrets_stay_secret() {
    let mut data = data(&[
        ending(0, HOSTILE, Class::Lost),
        ending(1, HOSTILE, Class::Delivered),
    ]);
    data.marks.push(Mark {
        id: MarkId(uuid::Uuid::from_u128(1)),
        at: at(3),
        text: format!("{HOSTILE} hunter2-hunter2"),
        kind: MarkKind::Deployment,
        labels: std::collections::BTreeMap::new(),
        until: None,
    });
    data.bad.push(BadRun {
        id: RunId(uuid::Uuid::from_u128(7)),
        tick: at(0).to_rfc3339(),
        route: HOSTILE.to_owned(),
        input: HOSTILE.to_owned(),
        class: Class::Lost,
        reason: HOSTILE.to_owned(),
        seconds: None,
        silent: true,
    });
    data.definition = Some(DefinitionText {
        file: HOSTILE.to_owned(),
        places: [(2, HOSTILE.to_owned())].into(),
        text: format!("name: x\npassword: hunter2-hunter2 # {HOSTILE}\n"),
    });
    data.notes.push(HOSTILE.to_owned());
    let standing = Standing {
        name: HOSTILE.to_owned(),
        state: Some(ProbeState::Failing),
        routes: vec![RouteStanding {
            name: HOSTILE.to_owned(),
            state: ProbeState::Failing,
            why: HOSTILE.to_owned(),
            in_flight: 1,
        }],
        alerts: vec![OpenAlert {
            title: HOSTILE.to_owned(),
            severity: HOSTILE.to_owned(),
            since: at(1).to_rfc3339(),
            routes: vec![HOSTILE.to_owned()],
            muted: true,
        }],
    };
    let html = shown(&standing, &data);
    for part in ["<script", "hunter2", "\u{202e}", "\u{1b}", "\u{7}"] {
        assert!(!html.contains(part), "{part:?}: {html}");
    }
    assert!(
        html.contains("silent failure") && html.contains("id=\"line-2\""),
        "{html}"
    );
}

#[test]
fn what_is_left_out_is_counted() {
    let runs: Vec<Ending> = (0..15)
        .map(|n| ending(0, &format!("r{n:02}"), Class::Lost))
        .collect();
    let mut data = data(&runs);
    data.looked_at = 5_000;
    let html = shown(&Standing::default(), &data);
    assert!(
        html.contains("3 more routes and inputs") && html.contains("3 more are not"),
        "{html}"
    );
    assert!(html.contains("None of the last 5000 runs"), "{html}");
}

#[test]
fn maintenance_is_a_stretch_on_the_time_lines_and_what_is_to_come_is_said() {
    let window = |from, to, fires| Maintenance {
        from: at(from),
        to: at(to),
        fires,
        reason: String::from("<b>move</b>"),
    };
    let mut data = data(&[ending(5, "only", Class::Delivered)]);
    data.maintenance = vec![window(-30, 10, false), window(90, 120, true)];
    let html = shown(&Standing::default(), &data);
    for part in [
        "class=\"region off\"",
        "it does not fire: &lt;b&gt;move&lt;/b&gt;",
        "Maintenance to come",
        "it fires, and nobody is alerted: &lt;b&gt;move&lt;/b&gt;",
    ] {
        assert!(html.contains(part), "{part}: {html}");
    }
    data.maintenance = (0..30).map(|n| window(n, n + 1, false)).collect();
    let html = shown(&Standing::default(), &data);
    assert!(
        html.contains("10 earlier maintenance windows") && !html.contains("Maintenance to come"),
        "{html}"
    );
}

#[test]
fn what_is_still_being_made_is_said_and_not_shown_as_nothing() {
    let mut data = data(&[ending(5, "only", Class::Lost)]);
    (data.partial, data.causes, data.paths, data.looked_at) = (true, None, None, 0);
    let html = shown(&Standing::default(), &data);
    assert!(
        html.contains("are being made: they come by themselves") && html.contains("charts-classes-0"),
        "{html}"
    );
    assert!(!html.contains("None of the last 0 runs"), "{html}");
}
