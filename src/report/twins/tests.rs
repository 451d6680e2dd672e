use serde_json::json;

use super::*;
use crate::model::{
    ExpectationRecord, ExpectationState, Hop, Layer, LayerRecord, LayerState, Layers, ObservationRecord,
    RunId, Seconds, Timings,
};
use crate::report::Style;

const STYLE: Style = Style {
    colour: false,
    width: 80,
};

fn expectation(layer: Layer, name: &str, at: Option<f64>) -> ExpectationRecord {
    ExpectationRecord {
        layer,
        name: name.to_owned(),
        step: None,
        channel: String::from("hooks"),
        state: if at.is_some() {
            ExpectationState::Met
        } else {
            ExpectationState::Lost
        },
        count: u32::from(at.is_some()),
        seconds: at.map(|s| Seconds(s, s)),
        reason: String::new(),
        within: 2.0,
        grace: 2.0,
        unmet: Vec::new(),
    }
}

/// A delivered run; its event bears an id of its own.
fn run(n: u128, route: &str) -> RunRecord {
    let layer = |state| LayerRecord {
        state,
        seconds: Some(Seconds(0.1, 0.1)),
    };
    let token = format!("token{n}x");
    RunRecord {
        id: RunId(uuid::Uuid::from_u128(n)),
        probe: String::from("orders"),
        revision: String::from("r1"),
        route: route.to_owned(),
        input: String::from("default"),
        location: String::from("eu"),
        tick: String::from("2026-10-01T12:00:00.000Z"),
        token: token.clone(),
        sent: Some(String::from("2026-10-01T12:00:00.002Z")),
        class: Class::Delivered,
        reason: String::new(),
        flags: Vec::new(),
        lag: None,
        timings: Timings::default(),
        layers: Layers {
            accepted: layer(LayerState::Yes),
            executed: layer(LayerState::Yes),
            outcome: layer(LayerState::Yes),
        },
        stopped_after: None,
        expectations: vec![
            expectation(Layer::Executed, "queued", Some(0.2)),
            expectation(Layer::Executed, "sent", Some(0.4)),
            expectation(Layer::Outcome, "event", Some(0.9)),
        ],
        observations: vec![ObservationRecord {
            channel: String::from("hooks"),
            seconds: Seconds(0.9, 0.9),
            attempts: 1,
            redelivered: false,
            summary: String::new(),
            met: vec![String::from("event")],
            automatic: false,
            seen: json!({ "json": { "id": format!("evt-{n}"), "ref": token, "amount": 100 } }),
        }],
        path: vec![Hop {
            hop: String::from("edge-1"),
            source: String::from("response.headers[\"x-served-by\"]"),
            seconds: None,
        }],
        attributes: Default::default(),
        fingerprint: None,
        amendments: Vec::new(),
        request: None,
        response: Some(json!({ "status": 202, "headers": { "x-provider": "north" }, "body": "ok" })),
        labels: Default::default(),
    }
}

fn recent() -> Vec<RunRecord> {
    (100..120).map(|n| run(n, "main")).collect()
}

#[test]
fn the_first_stage_at_which_they_part_is_named() {
    let (good, mut bad) = (run(1, "main"), run(2, "other"));
    bad.class = Class::Lost;
    bad.expectations[1] = expectation(Layer::Executed, "sent", None);
    bad.expectations[2] = expectation(Layer::Outcome, "event", None);
    bad.observations.clear();
    let found = twins(&bad, &good, Chosen::OtherRoute, &recent());
    assert_eq!(
        found.sentence,
        "they first part at step `sent`: lost here, met after 0.400 s in the twin"
    );
    bad.path[0].hop = String::from("edge-2");
    let found = twins(&bad, &good, Chosen::OtherRoute, &recent());
    assert!(
        found.sentence.starts_with("they first part at the hop"),
        "{}",
        found.sentence
    );
    assert!(
        found
            .sentence
            .ends_with("then at step `sent`: lost here, met in the twin"),
        "{}",
        found.sentence
    );
    bad.response = Some(json!({ "status": 503 }));
    let found = twins(&bad, &good, Chosen::OtherRoute, &recent());
    assert_eq!(
        found.sentence,
        "they first part at answer: status 503 here, status 202 in the twin"
    );
    let shown = text(&found, STYLE);
    assert!(
        shown
            .lines()
            .filter(|l| !l.contains("fingerprint:"))
            .all(|l| l.chars().count() <= 80),
        "{shown}"
    );
    assert!(
        shown.contains("≠") && shown.contains("the other route at the same tick"),
        "{shown}"
    );
    assert!(markdown(&found).contains("status&#32;503") || markdown(&found).contains("status 503"));
}

#[test]
fn volatile_fields_are_marked_and_offered_and_never_left_out() {
    let (one, mut other) = (run(1, "main"), run(2, "other"));
    let found = twins(&one, &other, Chosen::Named, &recent());
    assert_eq!(
        found.sentence,
        "they part nowhere but in fields that differ from run to run anyway"
    );
    let told: Vec<(&str, bool)> = found
        .fields
        .iter()
        .map(|f| (f.field.as_str(), f.volatile))
        .collect();
    assert_eq!(
        told,
        [("event.json.id", true), ("hooks.json.id", true)],
        "the token is masked"
    );
    assert_eq!(
        found.mask.as_deref(),
        Some("fingerprint: { all: true, except: [event.json.id, hooks.json.id] }")
    );
    other.observations[0].seen["json"]["amount"] = json!(99);
    let found = twins(&one, &other, Chosen::Named, &recent());
    assert_eq!(
        found.sentence,
        "they end alike and first part in the content, at `event.json.amount`: 100 here, 99 in the twin"
    );
    assert_eq!(found.fields.len(), 4);
    assert!(!found.fields[0].volatile && found.fields[3].volatile);
}

#[test]
fn few_runs_tell_nothing_of_what_is_volatile() {
    let few = recent();
    let found = twins(&run(1, "main"), &run(2, "main"), Chosen::LastGood, &few[..4]);
    assert_eq!((found.mask.clone(), found.volatile.len()), (None, 0));
    assert!(found.fields.iter().all(|f| !f.volatile && f.agreement.is_none()));
    let said = text(&found, STYLE).replace("\n  ", " ");
    assert!(
        said.contains("cannot be told: 4 recent good runs of the same route, 10 are needed"),
        "{said}"
    );
    let same = twins(&run(1, "main"), &run(1, "main"), Chosen::Named, &[]);
    assert!(
        same.sentence
            .starts_with("they part nowhere: stages, hops and all"),
        "{}",
        same.sentence
    );
}

#[test]
fn what_makes_a_comparison_unfair_is_said() {
    let (one, mut other) = (run(1, "main"), run(2, "main"));
    other.revision = String::from("r2");
    other.input = String::from("unicode");
    other.response = None;
    other.observations[0].seen = json!({ "text": "\u{1b}]0;x\u{7}".repeat(3_000) });
    let found = twins(&one, &other, Chosen::Named, &[]);
    assert!(found.notes[0].contains("the definition changed") && found.notes[1].contains("different inputs"));
    let shown = text(&found, STYLE) + &markdown(&found);
    assert!(!shown.contains('\u{1b}') && shown.len() < 20_000, "{shown}");
    other.probe = String::from("refunds");
    let found = twins(&one, &other, Chosen::Named, &[]);
    assert_eq!(found.notes, ["they are runs of different probes"]);
}
