//! `landfall run`, killed at any instant while callbacks or mails pour in: what it had answered with 2xx or 250 is in its
//! store, and what it had fired has its intent there (invariants 6 and 7).

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::routing::post;
use futures::future::BoxFuture;
use rand::{Rng, SeedableRng};
use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use crate::support::channel::eventually;
use crate::support::process::landfall;
use crate::support::whole::{http_client, write};

const ROUNDS: u64 = 8;
const PEERS: usize = 8;

/// Where the target was told to deliver, by the token that came with the request.
type Told = Arc<Mutex<Vec<(String, String)>>>;
/// What the peers were told is taken.
type Acknowledged = Arc<Mutex<Vec<String>>>;
/// A peer of that name, which sends to a place until nobody answers.
type Pour = fn(String, String, Acknowledged) -> BoxFuture<'static, ()>;

/// A target that takes every order and calls nobody: the test does.
async fn target(told: Told) -> String {
    async fn take(State(told): State<Told>, Json(order): Json<Value>) -> Json<Value> {
        let text = |key: &str| order[key].as_str().unwrap().to_owned();
        told.lock().unwrap().push((text("ref"), text("to")));
        Json(json!({}))
    }
    let app = axum::Router::new().route("/orders", post(take)).with_state(told);
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(socket, app).await });
    format!("http://{address}")
}

fn workspace(dir: &Path, base: &str, channel: &Value, to: &str) {
    let workspace = json!({
        "listen": "127.0.0.1:0",
        "vars": { "base": base },
        "channels": { "awaited": channel },
    });
    let probe = json!({
        "name": "orders",
        "request": { "http": {
            "url": "{{ vars.base }}/orders",
            "json": { "ref": "{{ token }}", "to": to },
        } },
        "outcome": [{ "in": "awaited", "within": "60s", "times": { "min": 60_000, "max": 100_000 } }],
    });
    write(dir, &workspace, &probe);
}

/// Fires, has peers pour in what they have, kills it amid that, again and again; then the store is asked.
async fn killed_amid(channel: Value, to: &str, pour: Pour) {
    let told = Told::default();
    let base = target(told.clone()).await;
    let dir = tempfile::tempdir().unwrap();
    workspace(dir.path(), &base, &channel, to);
    let mut rng = rand::rngs::StdRng::seed_from_u64(19);
    let acknowledged = Acknowledged::default();
    for round in 0..ROUNDS {
        let before = told.lock().unwrap().len();
        let mut run = landfall(dir.path(), &[]);
        run.args(["run", "--count", "100", "--every", "20ms"]);
        run.stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null());
        let mut run = run.spawn().unwrap();
        let (_, place) = eventually("the first request", || told.lock().unwrap().get(before).cloned()).await;
        let peer = |n| pour(place.clone(), format!("{round}-{n}"), acknowledged.clone());
        let peers: Vec<_> = (0..PEERS).map(|n| tokio::spawn(peer(n))).collect();
        let enough = acknowledged.lock().unwrap().len() + rng.random_range(20..400);
        eventually("things that were taken", || {
            (acknowledged.lock().unwrap().len() >= enough).then_some(())
        })
        .await;
        run.kill().unwrap();
        run.wait().unwrap();
        for peer in peers {
            peer.await.unwrap();
        }
    }
    let store = Connection::open_with_flags(dir.path().join("landfall.db"), OpenFlags::SQLITE_OPEN_READ_ONLY)
        .unwrap();
    let all = |sql: &str| -> Vec<String> {
        let mut query = store.prepare(sql).unwrap();
        query
            .query_map([], |row| row.get(0))
            .unwrap()
            .map(Result::unwrap)
            .collect()
    };
    let kept = all("SELECT sighting FROM observations").join("\n");
    for id in acknowledged.lock().unwrap().iter() {
        assert!(kept.contains(id.as_str()), "{id} was acknowledged and is gone");
    }
    let claimed = all("SELECT intent FROM intents").join("\n");
    let fired = told.lock().unwrap().clone();
    for (token, _) in &fired {
        assert!(
            claimed.contains(token.as_str()),
            "{token} was fired and has no intent"
        );
    }
    let mut once: Vec<&String> = fired.iter().map(|(token, _)| token).collect();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), fired.len(), "a run was fired twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_and_what_was_fired_is_there_after_a_kill() {
    killed_amid(
        json!({ "callback": {} }),
        "{{ channels.awaited.url }}",
        |to, name, taken| Box::pin(call(to, name, taken)),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_was_answered_250_is_there_after_a_kill() {
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let at = socket.local_addr().unwrap();
    drop(socket);
    let sink = json!({ "smtp_sink": { "listen": at.to_string(), "domain": "landfall.test" } });
    let to = format!("{at} {{{{ channels.awaited.address }}}}");
    killed_amid(sink, &to, |to, name, taken| Box::pin(mail(to, name, taken))).await;
}

/// Calls back until nobody answers, each time under a new id.
async fn call(webhook: String, name: String, acknowledged: Acknowledged) {
    let client = http_client();
    for n in 0.. {
        let id = format!("event-{name}-{n}-end");
        let call = client
            .post(&webhook)
            .header("webhook-id", &id)
            .body("{}")
            .timeout(Duration::from_secs(5));
        match call.send().await {
            Ok(answer) if answer.status().is_success() => acknowledged.lock().unwrap().push(id),
            Ok(_) => {}
            Err(_) => return,
        }
    }
}

/// Mails until nobody answers, each time under a new id. `to` is the server, a space, and the address.
async fn mail(to: String, name: String, acknowledged: Acknowledged) {
    let (at, to) = to.split_once(' ').unwrap();
    for n in 0.. {
        let id = format!("mail-{name}-{n}-end");
        match one_mail(at, to, &id).await {
            Ok(true) => acknowledged.lock().unwrap().push(id),
            Ok(false) => {}
            Err(_) => return,
        }
    }
}

/// Whether the server took it.
async fn one_mail(at: &str, to: &str, id: &str) -> std::io::Result<bool> {
    let mut peer = BufReader::new(TcpStream::connect(at).await?);
    let mail = format!("Message-ID: <{id}@peer.test>\r\nSubject: order\r\n\r\nThanks.\r\n.");
    let lines = [
        "",
        "HELO peer.test",
        "MAIL FROM:<shop@peer.test>",
        &format!("RCPT TO:<{to}>"),
        "DATA",
        &mail,
    ];
    for line in lines {
        if !line.is_empty() {
            peer.write_all(format!("{line}\r\n").as_bytes()).await?;
        }
        let mut reply = String::new();
        if peer.read_line(&mut reply).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        if !reply.starts_with(['2', '3']) {
            return Ok(false);
        }
    }
    Ok(true)
}
