//! The verdict on each route.

use std::collections::BTreeMap;
use std::sync::Arc;

use landfall::model::{Class, Flag, LayerState, RunRecord};
use landfall::store::{MemoryStore, RunFilter, Store};
use serde_json::json;

use super::system;
use crate::support::whole::{self, Whole};

#[tokio::test(flavor = "multi_thread")]
async fn each_route_is_judged_by_its_outcome() {
    let dir = tempfile::tempdir().unwrap();
    let workspace = json!({
        "vars": { "base": system::start().await },
        "channels": { "hooks": { "callback": {} } },
    });
    let probe = json!({
        "name": "orders",
        "routes": {
            "delivered": {}, "lost": {}, "duplicate": {}, "rejected": {}, "early": {}, "captured": {},
        },
        "input": {},
        "request": { "http": {
            "method": "POST", "url": "{{ vars.base }}/orders",
            "json": {
                "ref": "{{ token }}", "how": "{{ route.name }}",
                "hook": "{{ channels.hooks.url }}", "base": "{{ channels.hooks.base_url }}",
            },
        } },
        "capture": { "order": "response.json.id" },
        "outcome": [{
            "in": "hooks", "expect": "seen.json.event == \"paid\"", "within": "5s", "grace": "0s",
        }],
        "settle": "1s",
    });
    whole::write(dir.path(), &workspace, &probe);
    let store = Arc::new(MemoryStore::new());
    let mut whole = Whole::start(dir.path(), store.clone()).await;
    let expected = whole.tick().await;
    assert_eq!(expected, 6);
    let mut runs: BTreeMap<String, Arc<RunRecord>> = BTreeMap::new();
    while runs.len() < expected {
        let record = whole.closed().await;
        runs.insert(record.route.clone(), record);
    }
    for (route, class, accepted) in [
        ("delivered", Class::Delivered, LayerState::Yes),
        ("lost", Class::Lost, LayerState::Yes),
        ("duplicate", Class::Duplicate, LayerState::Yes),
        ("rejected", Class::Rejected, LayerState::No),
        ("early", Class::Delivered, LayerState::Yes),
        ("captured", Class::Delivered, LayerState::Yes),
    ] {
        let run = &runs[route];
        assert_eq!(
            (run.class, run.layers.accepted.state),
            (class, accepted),
            "{run:#?}"
        );
    }
    // The others may be early too: a busy client reads its answer after the callback.
    assert!(
        runs["early"].flags.contains(&Flag::Early),
        "{:?}",
        runs["early"].flags
    );
    assert_eq!(runs["duplicate"].observations.len(), 2);
    assert!(runs["rejected"].observations.is_empty() && runs["lost"].observations.is_empty());
    let kept = store.runs(RunFilter::default()).await.unwrap();
    assert_eq!(kept.len(), expected, "each run is on record once");
    assert!(store.open_runs().await.unwrap().is_empty());
    whole.end().await;
}
