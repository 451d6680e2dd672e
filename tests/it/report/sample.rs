//! Records made by hand.

use std::sync::Arc;

use landfall::model::{
    Amendment, Class, ExpectationRecord, ExpectationState, Flag, Hop, Layer, LayerRecord, LayerState, Layers,
    ObservationRecord, RunId, RunRecord, Seconds, SkipReason, SkipRecord, Timings, Unmet,
};
use landfall::report::Results;
use serde_json::json;

pub(super) const STARTED: &str = "2026-10-01T12:00:00.000Z";

pub(crate) fn layer(state: LayerState, seconds: Option<(f64, f64)>) -> LayerRecord {
    let seconds = seconds.map(|(lo, hi)| Seconds(lo, hi));
    LayerRecord { state, seconds }
}

/// A run that was delivered; `n` tells it from others.
pub(crate) fn run(n: u128, route: &str) -> RunRecord {
    RunRecord {
        id: RunId(uuid::Uuid::from_u128(
            0x0192_0000_0000_7000_8000_0000_0000_0000 + n,
        )),
        probe: String::from("order-paid"),
        revision: String::from("5f3a90c1"),
        route: route.to_owned(),
        input: String::from("default"),
        location: String::from("eu-west"),
        tick: format!("2026-10-01T12:00:{n:02}.000Z"),
        token: String::from("k7m2p9q4r8s3t6v2w5x8y3"),
        sent: Some(format!("2026-10-01T12:00:{n:02}.002Z")),
        class: Class::Delivered,
        reason: String::new(),
        flags: Vec::new(),
        lag: Some(0.002),
        timings: Timings {
            dns: Some(0.001),
            connect: Some(0.003),
            tls: None,
            first_byte: Some(0.04),
            total: Some(0.045),
        },
        layers: Layers {
            accepted: layer(LayerState::Yes, Some((0.045, 0.045))),
            executed: layer(LayerState::Undeclared, None),
            outcome: layer(LayerState::Yes, Some((1.0, 1.236))),
        },
        stopped_after: None,
        expectations: vec![expectation("hooks", ExpectationState::Met, Some((0.5, 0.5)), "")],
        observations: vec![seen("hooks", (0.5, 0.5), "POST /c/…/k7m2 order.paid", &["hooks"])],
        path: vec![Hop {
            hop: String::from("edge-3"),
            source: String::from("response.headers[\"x-served-by\"]"),
            seconds: None,
        }],
        attributes: [(String::from("provider"), String::from("acme"))].into(),
        fingerprint: Some(String::from("0011223344556677")),
        amendments: Vec::new(),
        request: Some(
            json!({ "method": "POST", "url": "https://api.example.com/orders", "insecure": false }),
        ),
        response: Some(json!({ "status": 202 })),
        labels: [(String::from("team"), String::from("payments"))].into(),
    }
}

pub(super) fn expectation(
    name: &str,
    state: ExpectationState,
    seconds: Option<(f64, f64)>,
    reason: &str,
) -> ExpectationRecord {
    ExpectationRecord {
        layer: Layer::Outcome,
        name: name.to_owned(),
        step: None,
        channel: name.to_owned(),
        state,
        count: u32::from(seconds.is_some()),
        seconds: seconds.map(|(lo, hi)| Seconds(lo, hi)),
        reason: reason.to_owned(),
        within: 30.0,
        grace: 300.0,
        unmet: Vec::new(),
    }
}

pub(super) fn seen(channel: &str, at: (f64, f64), summary: &str, met: &[&str]) -> ObservationRecord {
    ObservationRecord {
        channel: channel.to_owned(),
        seconds: Seconds(at.0, at.1),
        attempts: 1,
        redelivered: false,
        summary: summary.to_owned(),
        met: met.iter().map(|&n| n.to_owned()).collect(),
        automatic: false,
        seen: json!({ "text": "ok" }),
    }
}

fn unmet() -> Unmet {
    Unmet {
        expression: String::from("seen.json.amount == input.amount"),
        source: String::from("      - seen.json.amount == input.amount"),
        file: String::from("probes/order-paid.yaml"),
        line: 31,
        column: 9,
        expected: String::from("100"),
        actual: String::from("99"),
    }
}

/// A run that ended so, as the engine would tell it.
pub(super) fn ended(n: u128, class: Class) -> RunRecord {
    let mut r = run(n, if n.is_multiple_of(2) { "stripe" } else { "adyen" });
    r.class = class;
    let outcome = |state, at| layer(state, at);
    let one = |state, at, reason: &str| vec![expectation("hooks", state, at, reason)];
    match class {
        Class::Delivered => {}
        Class::Late => {
            r.reason = String::from("`hooks`: arrived 1.50 s after its limit");
            r.expectations = one(
                ExpectationState::Late,
                Some((31.0, 31.5)),
                "arrived 1.50 s after its limit",
            );
            r.observations = vec![seen(
                "hooks",
                (31.0, 31.5),
                "POST /c/…/k7m2 order.paid",
                &["hooks"],
            )];
            r.layers.outcome = outcome(LayerState::Yes, Some((31.0, 31.5)));
            r.flags = vec![Flag::Amended];
            r.amendments = vec![Amendment {
                at: String::from("2026-10-01T12:05:31.000Z"),
                from: Class::Lost,
                to: Class::Late,
                reason: String::from("lost became late: what arrived later changed it"),
            }];
        }
        Class::Duplicate => {
            r.reason = String::from("`hooks`: 2 arrived, at most 1 expected");
            r.expectations = one(
                ExpectationState::Duplicate,
                Some((0.5, 0.5)),
                "2 arrived, at most 1 expected",
            );
            let mut again = seen("hooks", (2.0, 2.0), "POST /c/…/k7m2 order.paid", &["hooks"]);
            (again.attempts, again.redelivered) = (3, true);
            r.observations.push(again);
        }
        Class::Mismatched => {
            r.reason = String::from("`hooks`: 1 arrived, 0 as expected, at least 1 needed");
            r.expectations = one(
                ExpectationState::Mismatched,
                None,
                "1 arrived, 0 as expected, at least 1 needed",
            );
            r.expectations[0].unmet = vec![unmet()];
            r.observations[0].met.clear();
            r.layers.outcome = outcome(LayerState::No, None);
        }
        Class::Unwanted => {
            r.reason = String::from("`refunds`: 1 arrived, none expected");
            r.expectations.push(expectation(
                "refunds",
                ExpectationState::Unwanted,
                Some((3.0, 3.0)),
                "1 arrived, none expected",
            ));
            r.observations
                .push(seen("refunds", (3.0, 3.0), "row status=refunded", &["refunds"]));
            r.layers.outcome = outcome(LayerState::No, None);
        }
        Class::Failed => {
            r.reason = String::from("`dead_letters` says that it failed");
            r.expectations = one(
                ExpectationState::Lost,
                None,
                "not seen when the system said that it failed",
            );
            let mut said = expectation("dead_letters", ExpectationState::Met, Some((0.9, 0.9)), "");
            said.layer = Layer::FailedWhen;
            r.expectations.push(said);
            r.observations = vec![seen(
                "dead_letters",
                (0.9, 0.9),
                "order.failed card_declined",
                &["dead_letters"],
            )];
            r.layers.outcome = outcome(LayerState::No, None);
        }
        Class::Lost => {
            r.reason = String::from("`hooks`: nothing arrived");
            let mut queued = expectation("queued", ExpectationState::Met, Some((0.05, 0.1)), "");
            (queued.layer, queued.step, queued.channel) =
                (Layer::Executed, Some("queued".into()), "orders".into());
            let mut paid = expectation("paid", ExpectationState::Lost, None, "nothing arrived");
            (paid.layer, paid.step, paid.channel) = (Layer::Executed, Some("paid".into()), "orders".into());
            (paid.within, paid.grace) = (5.0, 0.0);
            r.expectations = vec![
                queued,
                paid,
                expectation("hooks", ExpectationState::Lost, None, "nothing arrived"),
            ];
            r.observations = vec![seen("orders", (0.05, 0.1), "row status=queued", &["queued"])];
            r.layers.executed = outcome(LayerState::No, None);
            r.layers.outcome = outcome(LayerState::No, None);
            r.stopped_after = Some(String::from("queued"));
            r.flags = vec![Flag::Unexecuted];
        }
        Class::Rejected => {
            r.reason = String::from("status: 503: upstream is down");
            r.layers.accepted.state = LayerState::No;
            r.response = Some(json!({ "status": 503 }));
            r.expectations = one(ExpectationState::Lost, None, "nothing arrived");
            r.observations.clear();
            r.layers.outcome = outcome(LayerState::No, None);
        }
        Class::Phantom => {
            r.reason = String::from("unreachable: connection refused");
            r.layers.accepted.state = LayerState::No;
            (r.response, r.timings) = (None, Timings::default());
            r.request = Some(json!({ "insecure": true }));
        }
        Class::Unobserved => {
            r.reason = String::from("`hooks`: nobody knows whether the request left");
            (r.sent, r.lag, r.response, r.timings) = (None, None, None, Timings::default());
            r.layers.accepted = layer(LayerState::Unknown, None);
            r.expectations = one(
                ExpectationState::Blind,
                None,
                "nobody knows whether the request left",
            );
            r.observations.clear();
            r.layers.outcome = outcome(LayerState::Unknown, None);
            r.flags = vec![Flag::FireUnknown];
        }
    }
    r
}

pub(super) fn skip(reason: SkipReason, detail: &str) -> SkipRecord {
    SkipRecord {
        probe: String::from("order-paid"),
        route: String::from("stripe"),
        input: String::from("default"),
        tick: String::from("2026-10-01T12:01:00.000Z"),
        reason,
        detail: detail.to_owned(),
    }
}

pub(super) fn results(runs: Vec<RunRecord>, skipped: Vec<SkipRecord>) -> Results {
    let runs = runs.into_iter().map(Arc::new).collect();
    let mut results = Results::new(STARTED.to_owned(), runs, skipped);
    // So that goldens outlive a release.
    results.version = String::from("0.0.0");
    results
}

/// One of each class, and two skips.
pub(super) fn every_class() -> Results {
    let runs = Class::ALL.into_iter().zip(1..).map(|(class, n)| ended(n, class));
    let skips = vec![
        skip(SkipReason::Limit, "`per_day: 3000` is reached"),
        skip(SkipReason::ArmFailed, "`inbox`: connection refused"),
    ];
    results(runs.collect(), skips)
}

/// What an on-call engineer usually sees: nearly all well.
pub(super) fn usual() -> Results {
    let mut runs: Vec<RunRecord> = (1..=10)
        .map(|n| run(n, if n % 2 == 0 { "stripe" } else { "adyen" }))
        .collect();
    runs.push(ended(11, Class::Late));
    runs.push(ended(12, Class::Lost));
    results(runs, Vec::new())
}
