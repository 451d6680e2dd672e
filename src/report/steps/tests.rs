use super::*;
use crate::model::{LayerRecord, Layers, RunId, Seconds, Timings};

/// A run down `route` of which the API took `accepted`, these steps were met or not, and the outcome came or not.
fn run(
    route: &str,
    accepted: LayerState,
    steps: &[(&str, ExpectationState)],
    outcome: LayerState,
) -> RunRecord {
    let layer = |state| LayerRecord { state, seconds: None };
    RunRecord {
        id: RunId(uuid::Uuid::from_u128(1)),
        probe: String::from("orders"),
        revision: String::from("r1"),
        route: route.to_owned(),
        input: String::from("default"),
        location: String::from("eu"),
        tick: String::from("2026-10-01T12:00:00.000Z"),
        token: String::new(),
        sent: Some(String::from("2026-10-01T12:00:00.001Z")),
        class: if outcome == LayerState::Yes {
            Class::Delivered
        } else {
            Class::Lost
        },
        reason: String::new(),
        flags: Vec::new(),
        lag: None,
        timings: Timings::default(),
        layers: Layers {
            accepted: layer(accepted),
            executed: layer(LayerState::Undeclared),
            outcome: layer(outcome),
        },
        stopped_after: None,
        expectations: steps.iter().map(|(name, state)| expected(name, *state)).collect(),
        observations: Vec::new(),
        path: Vec::new(),
        attributes: BTreeMap::default(),
        fingerprint: None,
        amendments: Vec::new(),
        request: None,
        response: None,
        labels: BTreeMap::default(),
    }
}

fn expected(name: &str, state: ExpectationState) -> ExpectationRecord {
    ExpectationRecord {
        layer: Layer::Executed,
        name: name.to_owned(),
        step: Some(name.to_owned()),
        channel: String::from("orders"),
        state,
        count: 0,
        seconds: Some(Seconds(0.1, 0.1)),
        reason: String::new(),
        within: 1.0,
        grace: 1.0,
        unmet: Vec::new(),
    }
}

/// `name reached/unknown/stopped/missed` of each stage.
fn read(series: &SeriesSteps) -> Vec<String> {
    let one = |stage: &Stage| {
        let name = stage.step.as_deref().unwrap_or(stage.kind.word());
        format!(
            "{name} {}/{}/{}/{}",
            stage.reached, stage.unknown, stage.stopped, stage.missed
        )
    };
    series.stages.iter().map(one).collect()
}

#[test]
fn a_run_stops_after_the_last_stage_that_it_reached() {
    use ExpectationState::{Blind, Late, Lost, Met};
    use LayerState::{No, Yes};
    let runs = [
        run("a", Yes, &[("queued", Met), ("sent", Met)], Yes),
        run("a", Yes, &[("queued", Met), ("sent", Lost)], No),
        run("a", Yes, &[("queued", Lost), ("sent", Late)], Yes),
        run("a", Yes, &[("queued", Met), ("sent", Blind)], No),
        run("a", No, &[("queued", Lost), ("sent", Lost)], No),
    ];
    let found = steps(&runs);
    assert_eq!((found.series.len(), found.left_out), (1, 0));
    assert_eq!(
        read(&found.series[0]),
        [
            "due 5/0/0/0",
            "sent 5/0/1/0",
            "accepted 4/0/0/0",
            "queued 3/0/2/1",
            "sent 2/1/0/0",
            "outcome 2/0/0/0"
        ]
    );
}

#[test]
fn what_was_not_sent_stops_when_it_is_due_and_what_could_not_be_seen_is_in_no_stage() {
    let mut held = run("a", LayerState::Unknown, &[], LayerState::No);
    held.sent = None;
    let mut blind = run("a", LayerState::Yes, &[], LayerState::Unknown);
    blind.class = Class::Unobserved;
    let found = steps([&held, &blind]);
    assert_eq!((found.series[0].runs, found.series[0].unobserved), (1, 1));
    assert_eq!(
        read(&found.series[0]),
        [
            "due 1/0/1/0",
            "sent 0/0/0/0",
            "accepted 0/1/0/0",
            "outcome 0/0/0/0"
        ]
    );
}

#[test]
fn what_is_too_much_is_counted() {
    let all: Vec<RunRecord> = (0..SERIES + 2)
        .map(|n| run(&format!("r{n}"), LayerState::Yes, &[], LayerState::Yes))
        .collect();
    let found = steps(&all);
    assert_eq!((found.series.len(), found.left_out), (SERIES, 2));
    let names: Vec<String> = (0..STAGES + 3).map(|n| format!("s{n}")).collect();
    let many: Vec<(&str, ExpectationState)> = names
        .iter()
        .map(|name| (name.as_str(), ExpectationState::Met))
        .collect();
    let found = steps([&run("a", LayerState::Yes, &many, LayerState::Yes)]);
    assert_eq!(
        (found.series[0].stages.len(), found.series[0].more_stages),
        (STAGES + 4, 3)
    );
}
