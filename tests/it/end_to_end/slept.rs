//! A run that slept judges as one that did not.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use landfall::engine::Options;
use landfall::model::{Class, Flag, RunRecord};
use landfall::store::MemoryStore;
use serde_json::{Value, json};

use super::system;
use crate::support::whole::{self, Whole};

const ROUTES: [&str; 5] = ["delivered", "lost", "duplicate", "rejected", "captured"];

/// All that a verdict says, but for what each run has of its own: ids and times.
async fn verdicts(dir: &Path, awake: Duration) -> BTreeMap<String, Value> {
    let options = Options {
        awake: Some(awake),
        ..Options::default()
    };
    let mut whole = Whole::start_with(dir, Arc::new(MemoryStore::new()), options, 0).await;
    assert_eq!(whole.tick().await, ROUTES.len());
    let mut told = BTreeMap::new();
    while told.len() < ROUTES.len() {
        let record = whole.closed().await;
        told.insert(record.route.clone(), verdict(&record));
    }
    whole.end().await;
    told
}

fn verdict(record: &RunRecord) -> Value {
    let order = record.attributes["order"].clone();
    let flags: Vec<&Flag> = record.flags.iter().filter(|flag| **flag != Flag::Early).collect();
    let expectations = record.expectations.iter().map(|e| {
        json!({ "name": e.name, "state": e.state, "count": e.count, "reason": e.reason, "unmet": e.unmet })
    });
    let observations = record.observations.iter().map(|o| {
        json!({ "channel": o.channel, "met": o.met, "event": o.seen["json"], "type": o.seen["headers"]["content-type"] })
    });
    let told = json!({
        "class": record.class, "reason": record.reason, "flags": flags, "layers": [
            record.layers.accepted.state, record.layers.executed.state, record.layers.outcome.state,
        ],
        "expectations": expectations.collect::<Vec<_>>(),
        "observations": observations.collect::<Vec<_>>(),
        "path": record.path.iter().map(|hop| [&hop.hop, &hop.source]).collect::<Vec<_>>(),
        "attributes": record.attributes, "fingerprint": record.fingerprint,
        "request": record.request.as_ref().unwrap()["body"],
        "status": record.response.as_ref().unwrap()["status"], "body": record.response.as_ref().unwrap()["body"],
    });
    let text = told
        .to_string()
        .replace(&record.token, "TOKEN")
        .replace(&order, "ORDER");
    // Each engine listens on a port of its own.
    let hooks = record.request.as_ref().unwrap()["body"].to_string();
    let port = hooks.split_once("http://127.0.0.1:").unwrap().1;
    let port = port.split_once('/').unwrap().0;
    serde_json::from_str(&text.replace(port, "PORT")).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_slept_judges_as_one_that_did_not() {
    let dir = tempfile::tempdir().unwrap();
    let workspace = json!({
        "vars": { "base": system::start().await },
        "channels": { "hooks": { "callback": {} } },
    });
    let probe = json!({
        "name": "orders",
        "routes": { "delivered": {}, "lost": {}, "duplicate": {}, "rejected": {}, "captured": {} },
        "input": { "rate": 0.1, "large": 9_007_199_254_740_993_u64, "none": {} },
        "request": { "http": {
            "method": "POST", "url": "{{ vars.base }}/orders",
            "headers": { "authorization": "Bearer plain" },
            "json": {
                "ref": "{{ token }}", "how": "{{ route.name }}", "rate": "{{ input.rate }}",
                "hook": "{{ channels.hooks.url }}", "base": "{{ channels.hooks.base_url }}",
            },
        } },
        "capture": { "order": "has(response.json.id) ? response.json.id : 'none'", "echo": "response.json.echo" },
        "attributes": { "order": "order", "echoed": "response.headers[\"x-echo\"]" },
        "path": ["response.headers[\"x-echo\"]", "hooks.method"],
        "fingerprint": ["hooks.json.event", "response.json.echo.base64"],
        "outcome": [
            { "in": "hooks", "name": "paid", "where": "seen.json.event == \"paid\"", "expect": [
                "seen.json.order == order", "seen.json.echo == echo",
                "input.large == 9007199254740993 && input.rate < 0.2",
            ], "within": "3s", "grace": "0s" },
            { "in": "hooks", "name": "never", "expect": "seen.json.order == token", "within": "3s", "grace": "0s" },
        ],
        "settle": "500ms",
    });
    whole::write(dir.path(), &workspace, &probe);
    let slept = verdicts(dir.path(), Duration::ZERO).await;
    let woke = verdicts(dir.path(), Duration::from_secs(3600)).await;
    assert_eq!(slept, woke);
    let class = |route: &str| slept[route]["class"].clone();
    assert_eq!(class("delivered"), json!(Class::Mismatched), "{slept:#?}");
    assert_eq!(class("lost"), json!(Class::Lost));
    assert_eq!(class("rejected"), json!(Class::Rejected));
    assert_eq!(slept["delivered"]["expectations"][0]["state"], "met");
    assert_eq!(slept["delivered"]["path"][0][0], "plain");
}
