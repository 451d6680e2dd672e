//! Records made by hand.

use serde_json::json;

use crate::model::{
    Accepted, Amendment, Class, ExpectationRecord, ExpectationState, Flag, Hop, Layer, LayerRecord,
    LayerState, Layers, ObservationRecord, RunId, RunRecord, Seconds, Timings, Unmet,
};
use crate::report::around::{Neighbour, Neighbours, OpenAnswer, OpenRun, OpenSeen, OpenWait};

fn layer(state: LayerState, seconds: Option<f64>) -> LayerRecord {
    LayerRecord {
        state,
        seconds: seconds.map(|s| Seconds(s, s)),
    }
}

pub(super) fn expectation(name: &str, state: ExpectationState, at: Option<(f64, f64)>) -> ExpectationRecord {
    ExpectationRecord {
        layer: Layer::Outcome,
        name: name.to_owned(),
        step: None,
        channel: name.to_owned(),
        state,
        count: u32::from(at.is_some()),
        seconds: at.map(|(lo, hi)| Seconds(lo, hi)),
        reason: String::new(),
        within: 30.0,
        grace: 300.0,
        unmet: Vec::new(),
    }
}

fn step(name: &str, state: ExpectationState, at: Option<(f64, f64)>) -> ExpectationRecord {
    ExpectationRecord {
        layer: Layer::Executed,
        step: Some(name.to_owned()),
        channel: String::from("orders"),
        within: 5.0,
        grace: 0.0,
        ..expectation(name, state, at)
    }
}

pub(super) fn seen(channel: &str, at: (f64, f64), met: &[&str]) -> ObservationRecord {
    ObservationRecord {
        channel: channel.to_owned(),
        seconds: Seconds(at.0, at.1),
        attempts: 1,
        redelivered: false,
        summary: format!("POST /c/{channel}"),
        met: met.iter().map(|&n| n.to_owned()).collect(),
        automatic: false,
        seen: json!({ "headers": { "content-type": "application/json" }, "json": { "event": "order.paid" }, "text": "{}" }),
    }
}

fn delivered() -> RunRecord {
    RunRecord {
        id: RunId(uuid::Uuid::from_u128(7)),
        probe: String::from("order-paid"),
        revision: String::from("5f3a90c1"),
        route: String::from("stripe"),
        input: String::from("default"),
        location: String::from("eu-west"),
        tick: String::from("2026-10-01T12:00:00.000Z"),
        token: String::from("k7m2p9q4r8s3t6v2w5x8y3"),
        sent: Some(String::from("2026-10-01T12:00:00.002Z")),
        class: Class::Delivered,
        reason: String::new(),
        flags: Vec::new(),
        lag: Some(0.012),
        timings: Timings {
            dns: Some(0.001),
            connect: Some(0.003),
            tls: None,
            first_byte: Some(0.04),
            total: Some(0.045),
        },
        layers: Layers {
            accepted: layer(LayerState::Yes, Some(0.045)),
            executed: layer(LayerState::Undeclared, None),
            outcome: layer(LayerState::Yes, Some(0.5)),
        },
        stopped_after: None,
        expectations: vec![expectation("hooks", ExpectationState::Met, Some((0.5, 0.5)))],
        observations: vec![seen("hooks", (0.5, 0.5), &["hooks"])],
        path: vec![Hop {
            hop: String::from("edge-3"),
            source: String::from("response.headers[\"x-served-by\"]"),
            seconds: None,
        }],
        attributes: [(String::from("provider"), String::from("acme"))].into(),
        fingerprint: Some(String::from("0011223344556677")),
        amendments: Vec::new(),
        request: Some(
            json!({ "method": "POST", "url": "https://api.example.com/orders", "headers": { "accept": "*/*" }, "body": "{\"ref\":1}" }),
        ),
        response: Some(
            json!({ "status": 202, "headers": { "server": "x" }, "body": "taken", "body_cut": false, "seconds": 0.045 }),
        ),
        labels: [(String::from("team"), String::from("payments"))].into(),
    }
}

/// A run that ended so.
pub(super) fn ended(class: Class) -> RunRecord {
    let mut r = delivered();
    r.class = class;
    match class {
        Class::Delivered => {}
        Class::Late => {
            r.expectations = vec![expectation("hooks", ExpectationState::Late, Some((31.0, 31.5)))];
            r.observations = vec![seen("hooks", (31.0, 31.5), &["hooks"])];
            r.layers.outcome = layer(LayerState::Yes, Some(31.5));
            r.flags = vec![Flag::Amended];
            r.amendments = vec![Amendment {
                at: String::from("2026-10-01T12:05:31.000Z"),
                from: Class::Lost,
                to: Class::Late,
                reason: String::from("what arrived later changed it"),
            }];
        }
        Class::Duplicate => {
            r.expectations[0].state = ExpectationState::Duplicate;
            r.expectations[0].reason = String::from("2 arrived, at most 1 expected");
            r.observations.push(seen("hooks", (2.0, 2.0), &["hooks"]));
        }
        Class::Mismatched => {
            r.expectations = vec![expectation("hooks", ExpectationState::Mismatched, None)];
            r.expectations[0].unmet = vec![Unmet {
                expression: String::from("seen.json.amount == input.amount"),
                source: String::from("      - seen.json.amount == input.amount"),
                file: String::from("probes/order-paid.yaml"),
                line: 31,
                column: 9,
                expected: String::from("100"),
                actual: String::from("99"),
            }];
            r.observations[0].met.clear();
            r.layers.outcome = layer(LayerState::No, None);
        }
        Class::Unwanted => {
            r.expectations.push(expectation(
                "refunds",
                ExpectationState::Unwanted,
                Some((3.0, 3.0)),
            ));
            r.layers.outcome = layer(LayerState::No, None);
        }
        Class::Failed => {
            r.expectations = vec![expectation("hooks", ExpectationState::Lost, None)];
            r.expectations.push(ExpectationRecord {
                layer: Layer::FailedWhen,
                ..expectation("dead_letters", ExpectationState::Met, Some((0.9, 0.9)))
            });
            r.layers.outcome = layer(LayerState::No, None);
        }
        Class::Lost => {
            r.reason = String::from("`hooks`: nothing arrived");
            r.expectations = vec![
                step("queued", ExpectationState::Met, Some((0.05, 0.1))),
                step("paid", ExpectationState::Lost, None),
                expectation("hooks", ExpectationState::Lost, None),
            ];
            r.observations = vec![seen("orders", (0.05, 0.1), &["queued"])];
            r.layers.executed = layer(LayerState::No, None);
            r.layers.outcome = layer(LayerState::No, None);
            r.stopped_after = Some(String::from("queued"));
            r.flags = vec![Flag::Unexecuted];
        }
        Class::Rejected => {
            r.reason = String::from("status: 503: upstream is down");
            r.layers.accepted.state = LayerState::No;
            r.response = Some(json!({ "status": 503 }));
            r.expectations = vec![expectation("hooks", ExpectationState::Lost, None)];
            r.observations.clear();
            r.layers.outcome = layer(LayerState::No, None);
        }
        Class::Phantom => {
            r.reason = String::from("unreachable: connection refused");
            r.layers.accepted.state = LayerState::No;
            (r.response, r.timings) = (Some(json!({ "error": "connection refused" })), Timings::default());
        }
        Class::Unobserved => {
            r.reason = String::from("`hooks`: nobody knows whether the request left");
            (r.sent, r.lag, r.response, r.timings) = (None, None, None, Timings::default());
            r.layers.accepted = layer(LayerState::Unknown, None);
            r.expectations = vec![expectation("hooks", ExpectationState::Blind, None)];
            r.observations.clear();
            r.layers.outcome = layer(LayerState::Unknown, None);
            r.flags = vec![Flag::FireUnknown];
        }
    }
    r
}

/// One of each class.
pub(super) fn every_class() -> impl Iterator<Item = RunRecord> {
    Class::ALL.into_iter().map(ended)
}

fn neighbour(n: u128, tick: &str, class: Class) -> Neighbour {
    Neighbour {
        id: RunId(uuid::Uuid::from_u128(n)),
        route: String::from("stripe"),
        input: String::from("default"),
        tick: tick.to_owned(),
        class,
    }
}

pub(super) fn neighbours() -> Neighbours {
    Neighbours {
        previous: Some(neighbour(11, "2026-10-01T11:59:00.000Z", Class::Delivered)),
        next: Some(neighbour(12, "2026-10-01T12:01:00.000Z", Class::Lost)),
        same_tick: vec![neighbour(13, "2026-10-01T12:00:00.000Z", Class::Delivered)],
        more: false,
    }
}

pub(super) fn open_run() -> OpenRun {
    let wait = |name: &str, within| OpenWait {
        layer: Layer::Outcome,
        name: name.to_owned(),
        channel: name.to_owned(),
        within,
        grace: 300.0,
    };
    OpenRun {
        id: RunId(uuid::Uuid::from_u128(21)),
        probe: String::from("order-paid"),
        route: String::from("stripe"),
        input: String::from("default"),
        tick: String::from("2026-10-01T12:00:00.000Z"),
        token: String::from("k7m2p9q4r8s3t6v2w5x8y3"),
        revision: String::from("r1"),
        sent: Some(String::from("2026-10-01T12:00:00.000Z")),
        answer: Some(OpenAnswer {
            accepted: Accepted::Yes,
            status: Some(202),
            reason: String::new(),
            seconds: 0.04,
        }),
        waits: vec![wait("hooks", 30.0), wait("inbox", 60.0)],
        seen: vec![OpenSeen {
            channel: String::from("hooks"),
            seconds: Some(0.4),
            summary: String::from("POST /c/hooks"),
        }],
        more: false,
        deadline: Some(String::from("2026-10-01T12:06:00.000Z")),
        now: String::from("2026-10-01T12:00:45.000Z"),
    }
}
