//! The overview from hours and endings, and what stands on it.

use std::sync::Arc;

use serde_json::json;

use super::*;
use crate::model::{
    Class, Ending, Mark, MarkId, MarkKind, ProbeState, Rollup, RunId, SkipReason, SkipRecord,
};
use crate::redact::Redactor;
use crate::report::html::{Links, Look};

const HOSTILE: &str = "<script>alert(1)</script>\"'><svg onload=x>\u{202e}\u{1b}";

fn now() -> Moment {
    Moment::from_rfc3339("2026-11-22T10:07:31Z").unwrap()
}

fn view() -> View {
    View {
        look: Look::new(Arc::new(Redactor::new([]))),
        links: Links::Site,
        now: now().to_rfc3339(),
    }
}

fn ending(probe: &str, route: &str, tick: &str, class: &str, accepted: &str) -> Ending {
    let outcome = match class {
        "delivered" | "late" | "duplicate" | "phantom" => json!({ "state": "yes", "seconds": [1.0, 1.5] }),
        "unobserved" => json!({ "state": "unknown", "seconds": null }),
        _ => json!({ "state": "no", "seconds": null }),
    };
    let record = json!({
        "id": RunId(uuid::Uuid::from_u128(7)), "probe": probe, "revision": "r", "route": route, "input": "default",
        "location": "local", "tick": tick, "token": "t", "sent": null,
        "class": class, "reason": "", "flags": [], "lag": 0.001,
        "timings": { "dns": null, "connect": null, "tls": null, "first_byte": null, "total": null },
        "layers": { "accepted": { "state": accepted, "seconds": [0.1, 0.1] }, "executed": { "state": "undeclared", "seconds": null }, "outcome": outcome },
        "stopped_after": null, "expectations": [], "observations": [], "path": [], "attributes": {},
        "fingerprint": null, "amendments": [], "request": null, "response": null, "labels": {},
    });
    Ending::of(&serde_json::from_value(record).unwrap())
}

fn tile(name: &str, state: ProbeState, routes: &[&str]) -> ProbeTile {
    let route = |name: &&str| RouteTile {
        name: (*name).to_owned(),
        state,
        why: String::new(),
        in_flight: 0,
        last: Vec::new(),
        skipped: None,
    };
    ProbeTile {
        name: name.to_owned(),
        description: String::new(),
        state,
        why: String::new(),
        schedule: None,
        next: None,
        paused: None,
        labels: Default::default(),
        routes: routes.iter().map(route).collect(),
    }
}

fn drawn(probes: &[ProbeTile], figures: Option<&Figures>, filter: &Filter) -> String {
    let flights = Flights::default();
    let overview = Overview {
        filter,
        probes,
        figures,
        stale: "",
        flights: &flights,
        blind: &[],
        now: now(),
    };
    content(&view(), &overview, &|_| html! {}).into_string()
}

#[test]
fn hours_and_single_runs_add_up_and_a_skip_is_counted() {
    let mut collecting = Collecting::new(Range::Day, now());
    let hour = Moment::from_rfc3339("2026-11-22T08:00:00Z").unwrap();
    let mut rollup = Rollup::empty(hour, "orders", "a", "default");
    for class in ["delivered", "delivered", "lost"] {
        rollup.add_ending(&ending("orders", "a", "2026-11-22T08:10:00.000Z", class, "yes"));
    }
    collecting.hour(&rollup);
    collecting.ending(&ending(
        "orders",
        "a",
        "2026-11-22T10:00:00.000Z",
        "mismatched",
        "yes",
    ));
    collecting.ending(&ending(
        "orders",
        "a",
        "2026-11-22T10:01:00.000Z",
        "unobserved",
        "yes",
    ));
    collecting.ending(&ending(
        "orders",
        "b",
        "2026-11-22T10:01:00.000Z",
        "rejected",
        "no",
    ));
    // Out of the range.
    collecting.ending(&ending("orders", "b", "2026-11-20T10:01:00.000Z", "lost", "yes"));
    collecting.skip(&SkipRecord {
        probe: String::from("orders"),
        route: String::from("c"),
        input: String::from("default"),
        tick: String::from("2026-11-22T10:01:00.000Z"),
        reason: SkipReason::ArmFailed,
        detail: String::new(),
    });
    let figures = collecting.figures(now(), Vec::new(), Vec::new());
    let a = figures.route("orders", "a").unwrap();
    assert_eq!((a.runs, a.unobserved), (5, 1));
    assert_eq!((a.silent.count, a.silent.of), (2, 4));
    assert_eq!((a.on_time.count, a.on_time.of), (2, 4));
    let cells: Vec<(usize, u64)> = (0..)
        .zip(&a.cells)
        .map(|(n, cell)| (n, cell.runs()))
        .filter(|c| c.1 > 0)
        .collect();
    assert_eq!(cells, [(21, 3), (23, 2)]);
    let outcome = a.layers.outcome.as_ref().unwrap();
    assert!(outcome.p50.latest.is_some() && outcome.p95.latest.is_none());
    assert_eq!(figures.route("orders", "b").unwrap().runs, 1);
    let c = figures.route("orders", "c").unwrap();
    assert_eq!((c.runs, c.unintended()), (0, 1));

    let page = drawn(
        &[tile("orders", ProbeState::Failing, &["a", "b", "c"])],
        Some(&figures),
        &Filter::default(),
    );
    for part in [
        "2",
        "silent failures",
        "not reached",
        "no run ended in this time",
        "1 arm failed",
        "2 delivered, 1 lost",
        " → 2",
        "of 5 runs 5 were accepted, 2 had the outcome, 2 failed silently",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
}

#[test]
fn an_input_that_ends_unlike_the_others_is_not_mixed_with_them() {
    let mut collecting = Collecting::new(Range::Hour, now());
    for n in 0..6 {
        let mut plain = ending("orders", "a", "2026-11-22T10:00:00.000Z", "delivered", "yes");
        plain.input = String::from("plain");
        collecting.ending(&plain);
        let class = if n % 2 == 0 { "lost" } else { "delivered" };
        let mut odd = ending("orders", "a", "2026-11-22T10:00:00.000Z", class, "yes");
        odd.input = String::from("odd");
        collecting.ending(&odd);
    }
    let figures = collecting.figures(now(), Vec::new(), Vec::new());
    let route = figures.route("orders", "a").unwrap();
    assert_eq!(route.runs, 12);
    // Three of each: 2 · 3 · 2 / (6 · 5).
    assert!((route.consistency.as_ref().unwrap().score - 0.4).abs() < 1e-9);
}

#[test]
fn every_class_is_drawn() {
    let mut collecting = Collecting::new(Range::Hour, now());
    for class in Class::ALL {
        let accepted = if matches!(class, Class::Rejected | Class::Phantom) {
            "no"
        } else {
            "yes"
        };
        collecting.ending(&ending(
            "orders",
            "a",
            "2026-11-22T10:00:00.000Z",
            class.word(),
            accepted,
        ));
    }
    let figures = collecting.figures(now(), Vec::new(), Vec::new());
    let page = drawn(
        &[tile("orders", ProbeState::Failing, &["a"])],
        Some(&figures),
        &Filter::default(),
    );
    for class in Class::ALL {
        assert!(page.contains(&format!("1 {}", class.word())), "{class:?}");
    }
    assert!(
        page.contains("/runs?probe=orders&amp;route=a&amp;since=2026-11-22T10%3A00%3A00.000Z"),
        "{page}"
    );
}

#[test]
fn hostile_names_stay_text() {
    let mut probe = tile(HOSTILE, ProbeState::Failing, &[HOSTILE]);
    probe.description = HOSTILE.to_owned();
    probe.why = HOSTILE.to_owned();
    probe.labels.insert(HOSTILE.to_owned(), HOSTILE.to_owned());
    let mut collecting = Collecting::new(Range::Hour, now());
    collecting.ending(&ending(
        HOSTILE,
        HOSTILE,
        "2026-11-22T10:00:00.000Z",
        "lost",
        "yes",
    ));
    let mark = Mark {
        id: MarkId(uuid::Uuid::from_u128(1)),
        at: Moment::from_rfc3339("2026-11-22T10:00:00Z").unwrap(),
        text: HOSTILE.to_owned(),
        kind: MarkKind::Deployment,
        labels: Default::default(),
        until: None,
    };
    let figures = collecting.figures(now(), vec![mark], vec![HOSTILE.to_owned()]);
    let filter = Filter {
        text: String::from("script"),
        ..Filter::default()
    };
    let flights = Flights {
        all: 1,
        oldest: vec![Flight {
            run: RunId(uuid::Uuid::from_u128(7)),
            probe: HOSTILE.to_owned(),
            route: HOSTILE.to_owned(),
            input: HOSTILE.to_owned(),
            since: now().before(std::time::Duration::from_secs(7)),
            deadline: Some(now().after(std::time::Duration::from_secs(3))),
        }],
    };
    let blind = [BlindChannel {
        name: HOSTILE.to_owned(),
        kind: HOSTILE.to_owned(),
        since: None,
        why: Some(HOSTILE.to_owned()),
    }];
    let overview = Overview {
        filter: &filter,
        probes: std::slice::from_ref(&probe),
        figures: Some(&figures),
        stale: HOSTILE,
        flights: &flights,
        blind: &blind,
        now: now(),
    };
    let mut page = content(&view(), &overview, &|_| html! {}).into_string();
    page.push_str(&form(&view(), &filter, std::slice::from_ref(&probe)).into_string());
    for bad in ["<script", "<svg onload", "\u{1b}"] {
        assert!(!page.contains(bad), "{bad:?}: {page}");
    }
    assert!(page.contains("7 s of 10 s"), "{page}");
}

#[test]
fn nothing_defined_and_nothing_reckoned_yet_are_said() {
    let page = drawn(&[], None, &Filter::default());
    assert!(
        page.contains("No probe is defined yet") && page.contains("being made"),
        "{page}"
    );
    let filter = Filter {
        text: String::from("x"),
        ..Filter::default()
    };
    let page = drawn(&[tile("orders", ProbeState::Ok, &["a"])], None, &filter);
    assert!(page.contains("None of the 1 probes fits"), "{page}");
}

#[test]
fn a_thousand_probes_come_a_page_at_a_time_and_the_worst_first() {
    let mut probes: Vec<ProbeTile> = (0..1000)
        .map(|n| tile(&format!("probe-{n:04}"), ProbeState::Ok, &["a", "b"]))
        .collect();
    probes[777].state = ProbeState::Failing;
    probes[888].state = ProbeState::Blind;
    let mut collecting = Collecting::new(Range::Day, now());
    for probe in &probes {
        for route in ["a", "b"] {
            collecting.ending(&ending(
                &probe.name,
                route,
                "2026-11-22T10:00:00.000Z",
                "delivered",
                "yes",
            ));
        }
    }
    let figures = collecting.figures(now(), Vec::new(), Vec::new());
    let filter = Filter::default();
    let page = drawn(&probes, Some(&figures), &filter);
    assert_eq!(page.matches("class=\"probe\"").count(), PER_PAGE);
    let (bad, blind) = (page.find("probe-0777").unwrap(), page.find("probe-0888").unwrap());
    assert!(bad < blind && blind < page.find("probe-0000").unwrap());
    assert!(
        page.contains("Probes 1 to 50 of 1000") && page.contains("/?page=2"),
        "{page}"
    );
    assert!(page.contains("48 of 998 on this page") && !page.contains("<details id=\"group-well\" open"));
    assert!(page.len() < 400_000, "{}", page.len());
    let last = drawn(&probes, Some(&figures), &filter.turned(20));
    assert!(last.contains("Probes 951 to 1000 of 1000") && !last.contains("page=21"));
    let found = Filter {
        text: String::from("PROBE-0042"),
        ..Filter::default()
    };
    let found = drawn(&probes, Some(&figures), &found);
    assert_eq!(found.matches("class=\"probe\"").count(), 1);
    let only = drawn(&probes, Some(&figures), &filter.only(ProbeState::Blind));
    assert!(only.contains("probe-0888") && !only.contains("probe-0777"));
}

#[test]
fn a_mark_of_another_team_is_on_no_strip_of_ours() {
    let mut probe = tile("orders", ProbeState::Ok, &["a"]);
    probe.labels.insert(String::from("team"), String::from("pay"));
    let mark = |team: &str| Mark {
        id: MarkId(uuid::Uuid::from_u128(1)),
        at: Moment::from_rfc3339("2026-11-22T10:00:00Z").unwrap(),
        text: format!("release of {team}"),
        kind: MarkKind::Deployment,
        labels: [(String::from("team"), team.to_owned())].into(),
        until: None,
    };
    let mut collecting = Collecting::new(Range::Hour, now());
    collecting.ending(&ending(
        "orders",
        "a",
        "2026-11-22T10:00:00.000Z",
        "delivered",
        "yes",
    ));
    let figures = collecting.figures(now(), vec![mark("pay"), mark("ops")], Vec::new());
    let page = drawn(&[probe], Some(&figures), &Filter::default());
    assert!(
        page.contains("release of pay") && !page.contains("release of ops"),
        "{page}"
    );
}
