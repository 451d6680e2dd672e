//! Records of some 2.5 kB, as an HTTP probe with a callback writes them, for benches over long histories.

use landfall::model::{
    Class, ExpectationRecord, ExpectationState, Layer, LayerRecord, LayerState, Layers, Moment,
    ObservationRecord, RunId, RunRecord, Seconds, Timings,
};
use serde_json::json;

/// The routes, by turns.
pub const ROUTES: [&str; 2] = ["stripe", "adyen"];

/// The id of run `n`.
pub fn id(n: u64) -> RunId {
    RunId(uuid::Uuid::from_u128((0x0192 << 112) | u128::from(n)))
}

/// Run `n`. Every fiftieth is lost; latencies spread over three decades.
pub fn record(n: u64, tick: Moment) -> RunRecord {
    let lost = n % 50 == 49;
    #[expect(clippy::cast_precision_loss, reason = "a small number")]
    let at = 0.05 * (1.0 + (n.wrapping_mul(2_654_435_761) % 1_000) as f64 / 10.0);
    let layer = |state, at: Option<f64>| LayerRecord {
        state,
        seconds: at.map(|at| Seconds(at, at)),
    };
    let at = (!lost).then_some(at);
    let body = json!({ "event": "order.paid", "order": n, "amount": 100, "note": "x".repeat(200) });
    let seen = json!({
        "method": "POST", "path": "/c/secret/k7m2p9q4r8s3t6v2w5x8y3", "json": body,
        "headers": { "content-type": "application/json", "user-agent": "sender/1.0", "x-served-by": "edge-3" },
    });
    RunRecord {
        id: id(n),
        probe: String::from("order-paid"),
        revision: String::from("5f3a90c15f3a90c1"),
        route: ROUTES[(n % 2) as usize].to_owned(),
        input: String::from("default"),
        location: String::from("eu-west"),
        tick: tick.to_rfc3339(),
        token: String::from("k7m2p9q4r8s3t6v2w5x8y3"),
        sent: Some(tick.to_rfc3339_nanos()),
        class: if lost { Class::Lost } else { Class::Delivered },
        reason: String::from(if lost { "`hooks`: nothing arrived" } else { "" }),
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
            accepted: layer(LayerState::Yes, Some(0.045)),
            executed: layer(LayerState::Undeclared, None),
            outcome: layer(if lost { LayerState::No } else { LayerState::Yes }, at),
        },
        stopped_after: None,
        expectations: vec![ExpectationRecord {
            layer: Layer::Outcome,
            name: String::from("hooks"),
            step: None,
            channel: String::from("hooks"),
            state: if lost {
                ExpectationState::Lost
            } else {
                ExpectationState::Met
            },
            count: u32::from(!lost),
            seconds: at.map(|at| Seconds(at, at)),
            reason: String::new(),
            within: 30.0,
            grace: 300.0,
            unmet: Vec::new(),
        }],
        observations: at
            .map(|at| ObservationRecord {
                channel: String::from("hooks"),
                seconds: Seconds(at, at),
                attempts: 1,
                redelivered: false,
                summary: String::from("POST /c/…/k7m2 order.paid"),
                met: vec![String::from("hooks")],
                automatic: false,
                seen,
            })
            .into_iter()
            .collect(),
        path: Vec::new(),
        attributes: [(String::from("provider"), String::from("acme"))].into(),
        fingerprint: Some(String::from("0011223344556677")),
        amendments: Vec::new(),
        request: Some(json!({
            "method": "POST", "url": "https://api.example.com/orders?via=stripe", "insecure": false,
            "headers": { "content-type": "application/json", "authorization": "***" },
            "body": { "ref": "k7m2p9q4r8s3t6v2w5x8y3", "amount": 100, "webhook": "https://probes.example.com/c/secret" },
        })),
        response: Some(json!({
            "status": 202, "headers": { "content-type": "application/json", "x-request-id": "f00dfeed" },
            "body": { "id": n, "state": "queued" },
        })),
        labels: [(String::from("team"), String::from("payments"))].into(),
    }
}
