//! A flood of callbacks that no run explains: what was awaited comes all the same, the rest is counted by its reason,
//! and what is kept of it is what was answered with a 2xx (reliability row F22).

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::routing::post;
use landfall::model::{Class, TokenFormat};
use landfall::store::Store;
use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};

use crate::store::make::open;
use crate::support::channel::eventually;
use crate::support::whole::{self, Whole, http_client};

/// Runs that wait amid the flood.
const RUNS: usize = 20;
/// Requests of each sort of flood.
const FLOOD: u32 = 600;

/// Where the target was told to call back.
type Hooks = Arc<Mutex<Vec<String>>>;

async fn target(hooks: Hooks) -> String {
    async fn take(State(hooks): State<Hooks>, Json(order): Json<Value>) -> Json<Value> {
        hooks
            .lock()
            .unwrap()
            .push(order["hook"].as_str().unwrap().to_owned());
        Json(json!({}))
    }
    let app = axum::Router::new().route("/orders", post(take)).with_state(hooks);
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", socket.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(socket, app).await });
    base
}

/// Posts to each address under an id of its own; the result is how many were answered with a 2xx.
async fn pour(addresses: Vec<String>) -> usize {
    let client = http_client();
    let mut taken = 0;
    for address in addresses {
        let request = client.post(address).body("{}").timeout(Duration::from_secs(30));
        // A connection that is closed on a sender who is over its budget is the listener's good right.
        let answer = request.send().await;
        taken += usize::from(answer.is_ok_and(|answer| answer.status().is_success()));
    }
    taken
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_awaited_comes_amid_a_flood_of_what_is_not() {
    let hooks = Hooks::default();
    let dir = tempfile::tempdir().unwrap();
    let workspace = json!({
        "vars": { "base": target(Arc::clone(&hooks)).await }, "channels": { "hooks": { "callback": {} } },
    });
    let probe = json!({
        "name": "orders",
        "request": { "http": {
            "url": "{{ vars.base }}/orders", "json": { "hook": "{{ channels.hooks.url }}" },
        } },
        "outcome": [{ "in": "hooks", "within": "60s", "grace": "0s" }],
        "settle": "0s",
    });
    whole::write(dir.path(), &workspace, &probe);
    let file = dir.path().join("flooded.db");
    let store = Arc::new(open(&file));
    let mut whole = Whole::start(dir.path(), store.clone()).await;
    let key = store.token_key([0; 32]).await.unwrap();

    whole.tick().await;
    let first = eventually("the first hook", || hooks.lock().unwrap().first().cloned()).await;
    let (base, _) = first.rsplit_once('/').unwrap();
    let made_up = (0..FLOOD).map(|n| format!("{base}/{n:022}")).collect();
    let without = (0..FLOOD).map(|_| base.to_owned()).collect();
    let forgotten = (0..FLOOD)
        .map(|n| {
            let mut random = [7; 32];
            random[..4].copy_from_slice(&n.to_le_bytes());
            format!("{base}/{}", key.issue(TokenFormat::Text, random))
        })
        .collect();
    let floods = [made_up, without, forgotten].map(|addresses| tokio::spawn(pour(addresses)));

    let client = http_client();
    for n in 0..RUNS {
        if n > 0 {
            whole.tick().await;
        }
        let hook = eventually("a hook", || hooks.lock().unwrap().get(n).cloned()).await;
        let answer = client.post(hook).body("{}").send().await.unwrap();
        assert_eq!(answer.status(), 200, "the {n}th outcome was turned away");
    }
    for _ in 0..RUNS {
        let record = whole.closed().await;
        assert_eq!(record.class, Class::Delivered, "{record:#?}");
    }
    let mut taken = Vec::new();
    for flood in floods {
        taken.push(flood.await.unwrap());
    }
    assert_eq!(taken[0], 0, "a made-up token was answered as if it were ours");
    let counted = |what: &str| {
        let counters = whole.engine.counters().observations;
        let key = (String::from("hooks"), String::from(what));
        usize::try_from(counters.get(&key).copied().unwrap_or(0)).unwrap()
    };
    // What is made up is turned away under the same word as what is ours and of no run.
    let all = taken[2]..=taken[2] + FLOOD as usize;
    eventually("every stray to be counted", || {
        (counted("no_key") == taken[1] && all.contains(&counted("unknown_token"))).then_some(())
    })
    .await;
    assert_eq!(counted("matched"), RUNS);
    whole.end().await;
    store.shutdown().await.unwrap();
    let kept = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let kept: i64 = kept
        .query_row("SELECT count(*) FROM observations", [], |row| row.get(0))
        .unwrap();
    assert_eq!(usize::try_from(kept).unwrap(), RUNS + taken[1] + taken[2]);
}
