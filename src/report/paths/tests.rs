use serde_json::json;

use super::*;
use crate::model::{Hop, LayerRecord, LayerState, Layers, ObservationRecord, RunId, Seconds, Timings};
use crate::report::Style;

const STYLE: Style = Style {
    colour: false,
    width: 80,
};

/// The `n`th run: its class, the seconds to its outcome, and its hops with their sources.
fn run(n: u128, class: Class, took: Option<f64>, hops: &[(&str, &str)]) -> RunRecord {
    let layer = |state, seconds: Option<f64>| LayerRecord {
        state,
        seconds: seconds.map(|s| Seconds(s, s)),
    };
    let state = if took.is_some() {
        LayerState::Yes
    } else {
        LayerState::No
    };
    RunRecord {
        id: RunId(uuid::Uuid::from_u128(n)),
        probe: String::from("orders"),
        revision: String::from("r1"),
        route: String::from("main"),
        input: String::from("default"),
        location: String::from("eu"),
        tick: format!("2026-10-01T12:{:02}:{:02}.000Z", n / 60, n % 60),
        token: String::new(),
        sent: None,
        class,
        reason: String::new(),
        flags: Vec::new(),
        lag: None,
        timings: Timings::default(),
        layers: Layers {
            accepted: layer(LayerState::Yes, Some(0.1)),
            executed: layer(LayerState::Undeclared, None),
            outcome: layer(state, took),
        },
        stopped_after: None,
        expectations: Vec::new(),
        observations: Vec::new(),
        path: hops
            .iter()
            .map(|(source, hop)| Hop {
                hop: (*hop).to_owned(),
                source: (*source).to_owned(),
                seconds: None,
            })
            .collect(),
        attributes: Default::default(),
        fingerprint: None,
        amendments: Vec::new(),
        request: None,
        response: None,
        labels: Default::default(),
    }
}

const EDGE: &str = "response.headers[\"x-served-by\"]";
const HOOK: &str = "hooks.json.provider";

fn good(n: u128, edge: &str) -> RunRecord {
    run(
        n,
        Class::Delivered,
        Some(1.0 + n as f64 / 100.0),
        &[(EDGE, edge), (HOOK, "north")],
    )
}

fn lost(n: u128, edge: &str) -> RunRecord {
    run(n, Class::Lost, None, &[(EDGE, edge)])
}

#[test]
fn a_path_that_only_bad_runs_took_stands_out_and_one_cut_short_does_not() {
    let mut runs: Vec<RunRecord> = (0..40)
        .map(|n| good(n, ["edge-1", "edge-2"][n as usize % 2]))
        .collect();
    runs.extend((40..43).map(|n| lost(n, "edge-1")));
    runs.extend((43..49).map(|n| lost(n, "edge-3")));
    let found = paths(&runs);
    let one = |edge: &str, length: usize| {
        let mut all = found.paths.iter();
        all.find(|p| p.hops[0].hop == edge && p.hops.len() == length)
            .unwrap()
    };
    let whole = one("edge-1", 2);
    assert_eq!((whole.runs, whole.bad, whole.lost), (20, 0, Some(0.0)));
    assert!(whole.p50.is_some() && whole.p95.is_some() && !whole.only_bad);
    let cut = one("edge-1", 1);
    assert!(cut.ends_early && !cut.only_bad, "good runs went through edge-1");
    assert_eq!((cut.lost, cut.p50), (Some(1.0), None), "never reached");
    let bad = one("edge-3", 1);
    assert!(
        bad.only_bad && !bad.ends_early && bad.p.unwrap() < 0.001,
        "{bad:?}"
    );
    assert_eq!(
        found.sentence,
        "49 runs took 4 paths; only bad runs took edge-3 (6 runs)"
    );
    let shown = text(&found, STYLE);
    assert!(
        shown.contains("edge-1 → nothing seen after") && shown.contains("not reached"),
        "{shown}"
    );
    assert!(shown.lines().all(|line| line.chars().count() <= 80), "{shown}");
    assert!(
        markdown(&found).contains("only bad runs took it"),
        "{}",
        markdown(&found)
    );
}

#[test]
fn mail_brings_its_own_hops_with_their_delays() {
    let mail = |n: u128, delay: i64| {
        let mut run = run(n, Class::Delivered, Some(2.0), &[(EDGE, "edge-1")]);
        run.observations = vec![ObservationRecord {
            channel: String::from("inbox"),
            seconds: Seconds(1.0, 2.0),
            attempts: 1,
            redelivered: false,
            summary: String::new(),
            met: vec![String::from("mail")],
            automatic: false,
            seen: json!({ "received": [
                { "from": "edge", "by": "mx1.example", "seconds": null },
                { "from": "mx1.example", "by": "store.example", "seconds": delay },
            ] }),
        }];
        run
    };
    let runs: Vec<RunRecord> = (0..9).map(|n| mail(n, [0, 2, 30][n as usize % 3])).collect();
    let found = paths(&runs);
    assert_eq!(found.paths.len(), 1, "delays do not tell paths apart");
    let names: Vec<&str> = found.paths[0].hops.iter().map(|h| h.hop.as_str()).collect();
    assert_eq!(names, ["edge-1", "mx1.example", "store.example"]);
    assert_eq!(found.paths[0].hops[1].delay, None);
    let delay = found.paths[0].hops[2].delay.unwrap();
    assert_eq!((delay.p50, delay.max, delay.runs), (2.0, 30.0, 9));
    assert!(text(&found, STYLE).contains("store.example (+2 s, up to 30 s)"));
    // What `path:` names already is not told twice.
    let mut named = mail(1, 3);
    named.path = ["mx1.example", "store.example"]
        .map(|hop| Hop {
            hop: hop.to_owned(),
            source: String::from("inbox.received"),
            seconds: Some(3.0),
        })
        .into();
    let found = paths(&[named]);
    assert_eq!(found.paths[0].hops.len(), 2);
    assert_eq!(found.paths[0].hops[1].delay.unwrap().p50, 3.0);
}

#[test]
fn there_is_a_sentence_for_every_lack() {
    assert_eq!(
        paths([]).sentence,
        "no runs are on record: there are no paths to tell of"
    );
    let found = paths(&[run(1, Class::Delivered, Some(1.0), &[])]);
    assert!(
        found
            .sentence
            .starts_with("of 1 run no hop is known: name some under `path:`"),
        "{}",
        found.sentence
    );
    let blind = run(1, Class::Unobserved, None, &[(EDGE, "edge-1")]);
    let found = paths(&[blind]);
    assert_eq!(
        (found.paths[0].lost, found.paths[0].p50, found.paths[0].observed),
        (None, None, 0)
    );
    let shown = text(&found, STYLE);
    assert!(shown.contains("lost -, late -, p50 -, p95 -"), "{shown}");
    assert!(shown.contains("landfall saw the end of none of them"), "{shown}");
    let all_lost: Vec<RunRecord> = (0..5).map(|n| lost(n, "edge-1")).collect();
    let found = paths(&all_lost);
    assert!(
        found.paths[0].only_bad && found.paths[0].p.is_none(),
        "with no good run there is no chance to weigh"
    );
}

#[test]
fn numbers_that_are_none_and_paths_without_end_are_bounded() {
    let mut odd = run(1, Class::Delivered, Some(f64::NAN), &[(EDGE, "edge\u{1b}[2J")]);
    odd.path[0].seconds = Some(f64::NAN);
    let negative = run(2, Class::Delivered, Some(-4.0), &[(EDGE, "edge-2")]);
    let found = paths(&[odd, negative]);
    let shown = text(&found, STYLE) + &markdown(&found);
    assert!(!shown.contains('\u{1b}') && !shown.contains("NaN"), "{shown}");
    let mut collector = PathCollector::default();
    for n in 0..(PATHS as u128 + 7) {
        collector.add(&run(n, Class::Delivered, Some(1.0), &[(EDGE, &n.to_string())]));
    }
    let found = collector.finish();
    assert_eq!((found.paths.len(), found.unlisted), (PATHS, 7));
    assert!(text(&found, STYLE).contains("7 runs took yet other paths: 10000 is the limit"));
}
