//! What cannot be honoured is told at load, and the module keeps its promise never to send.

use std::path::Path;
use std::sync::Arc;

use futures::future::BoxFuture;
use landfall::channel::{ChannelConfig, FACTS, ObservationSink};
use landfall::diag::Problems;
use landfall::model::{Fault, Moment, ObservationId, Reason, Sighting, Token};
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::client::{Client, PlainScope, address, mail, token};
use crate::support::channel::{NoListener, RecordingSink, context};

fn problems(settings: Value) -> Vec<String> {
    let config: ChannelConfig = serde_json::from_value(json!({ "smtp_sink": settings })).unwrap();
    let mut out = Problems::default();
    config.check(&mut out);
    out.all().iter().map(|p| p.message.clone()).collect()
}

#[test]
fn what_cannot_be_honoured_is_told_at_load() {
    for (settings, expected) in [
        (json!({ "listen": "2525" }), "`2525` is no address to listen on"),
        (json!({ "listen": ":99999" }), "`:99999` is no address"),
        (json!({ "domain": "not a domain" }), "`not a domain` is no domain"),
        (json!({ "addresses": ["ops"] }), "`ops` is no address"),
        (
            json!({ "addresses": ["@landfall.test"] }),
            "`@landfall.test` is no address",
        ),
        (json!({ "address": "nobody" }), "`nobody` is no address"),
        (
            json!({ "address": "fixed@landfall.test" }),
            "would refuse mail to `fixed@landfall.test`",
        ),
        (
            json!({ "address": "a{{ token }}@elsewhere.test" }),
            "would refuse mail to",
        ),
        (json!({ "require_tls": true }), "`require_tls` without `tls`"),
        (
            json!({ "auth": { "user": "u", "password": "p" } }),
            "`auth` without `tls`",
        ),
        (
            json!({ "auth": { "user": "", "password": "p", "without_tls": true } }),
            "`user` is empty",
        ),
        (
            json!({ "connections": 0 }),
            "`connections: 0` would refuse everything",
        ),
        (json!({ "commands": 0 }), "`commands: 0`"),
        (json!({ "size_limit": 10 }), "`size_limit: 10` cannot be honoured"),
        (json!({ "size_limit": 99_999_999_999_u64 }), "cannot be honoured"),
        (
            json!({ "size_limit": 67_108_864, "connections": 1000 }),
            "could fill",
        ),
        (
            json!({ "answers": [{ "at": "sender", "reply": "250 ok" }] }),
            "`250 ok` is no refusal",
        ),
        (
            json!({ "answers": [{ "at": "sender", "reply": "450 x", "times": 0 }] }),
            "`times: 0` never answers",
        ),
    ] {
        let found = problems(settings.clone());
        assert!(
            found.iter().any(|m| m.contains(expected)),
            "{settings}: {found:?}"
        );
    }
    for fine in [
        json!({}),
        json!({ "listen": "[::1]:0", "address": "x-{{ token }}@landfall.test" }),
        json!({ "address": "fixed@landfall.test", "addresses": ["fixed@landfall.test"] }),
        json!({ "address": "any@whole.test", "addresses": ["*@whole.test"] }),
    ] {
        assert_eq!(problems(fine.clone()), Vec::<String>::new(), "{fine}");
    }
}

#[test]
fn unknown_settings_and_durations_without_a_unit_are_refused() {
    for wrong in [
        json!({ "prot": 1 }),
        json!({ "idle_timeout": 5 }),
        json!({ "idle_timeout": "5" }),
        json!({ "tls": "yes" }),
    ] {
        let read = serde_json::from_value::<ChannelConfig>(json!({ "smtp_sink": wrong }));
        assert!(read.is_err(), "{wrong}");
    }
}

#[test]
fn the_example_is_valid() {
    let facts = FACTS.iter().find(|f| f.name == "smtp_sink").unwrap();
    let settings: Value = serde_yaml::from_str(facts.example).unwrap();
    assert_eq!(problems(settings), Vec::<String>::new());
}

/// reliability.md S10: nothing in the module opens a connection but the self-test, which knows the sink's own address
/// alone.
#[test]
fn the_module_has_no_way_to_send_mail() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/channel");
    let mut files = vec![root.join("smtp_sink.rs")];
    let mut folders = vec![root.join("smtp_sink")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path)
            } else {
                files.push(path)
            }
        }
    }
    assert!(files.len() > 10);
    let outbound = [
        "TcpStream::connect",
        "TcpSocket",
        "UnixStream",
        "UdpSocket",
        "lettre",
        "reqwest",
        "lookup_host",
        "Command::new",
    ];
    // Tests of the module connect to it.
    for file in files.into_iter().filter(|f| !f.ends_with("tests.rs")) {
        let text = std::fs::read_to_string(&file).unwrap();
        let found: Vec<_> = outbound.iter().filter(|word| text.contains(**word)).collect();
        if file.ends_with("plant.rs") {
            assert_eq!(found, [&"TcpStream::connect"]);
            assert_eq!(text.matches("TcpStream::connect").count(), 1);
            assert!(
                text.contains("TcpStream::connect(own.0)"),
                "the self-test reaches the sink's own address alone"
            );
            assert_eq!(
                text.matches("Self(at)").count(),
                1,
                "an own address is made in one place, from the listener"
            );
        } else {
            assert!(found.is_empty(), "{}: {found:?}", file.display());
        }
    }
}

/// Durable only when a test says so.
struct Gate {
    open: Semaphore,
    inner: RecordingSink,
    refuse: Reason,
}

impl ObservationSink for Gate {
    fn send(&self, sighting: Sighting) -> BoxFuture<'_, Result<ObservationId, Fault>> {
        Box::pin(async move {
            self.open.acquire().await.unwrap().forget();
            self.inner
                .send(sighting)
                .await
                .map_err(|f| Fault::new(self.refuse, f.message))
        })
    }
    fn down(&self, since: Moment, fault: Fault) {
        self.inner.down(since, fault);
    }
    fn up(&self, closed: bool) {
        self.inner.up(closed);
    }
    fn dropped(&self, what: &str, tokens: &[Token]) {
        self.inner.dropped(what, tokens);
    }
    fn refused(&self, what: &str) {
        self.inner.refused(what);
    }
}

/// Invariant 6: what a crash could lose has not been acknowledged. reliability.md F26, without the crash: the order.
#[tokio::test]
async fn no_250_before_the_mail_is_durable() {
    let root = tempfile::tempdir().unwrap();
    let gate = Arc::new(Gate {
        open: Semaphore::new(0),
        inner: RecordingSink::default(),
        refuse: Reason::Limit,
    });
    let mut open = context(
        root.path(),
        Arc::new(RecordingSink::default()),
        Arc::new(NoListener),
    );
    open.sink = Arc::clone(&gate) as Arc<dyn ObservationSink>;
    let config: ChannelConfig = serde_json::from_value(json!({ "smtp_sink": { "listen": ":0" } })).unwrap();
    let channel = config.open(open).await.unwrap();
    let stop = CancellationToken::new();
    let driver = tokio::spawn(Arc::clone(&channel).drive(stop.clone()));
    let offers = channel.offers(&token(), &PlainScope(Vec::new())).unwrap();
    let at = (
        [127, 0, 0, 1],
        u16::try_from(offers["port"].as_u64().unwrap()).unwrap(),
    );

    let mut client = Client::connect(at.into()).await;
    assert!(client.reply().await.starts_with("220"));
    client.open_mail(&[&address()]).await;
    client.raw(format!("{}\r\n.\r\n", mail("g")).as_bytes()).await;
    // Another sender is served while the first waits for the disk.
    let mut other = Client::connect(at.into()).await;
    assert!(other.reply().await.starts_with("220"));
    for _ in 0..50 {
        assert!(other.say("NOOP").await.starts_with("250"));
        assert!(
            !client.has_something().await,
            "acknowledged before it was durable"
        );
    }
    gate.open.add_permits(1);
    assert_eq!(client.reply().await, "250 2.0.0 recorded");
    assert_eq!(gate.inner.seen().len(), 1);

    // A budget that is used up is told as one.
    *gate.inner.broken.lock().unwrap() = true;
    gate.open.add_permits(1);
    let reply = client.mail(&address(), &mail("h")).await;
    assert!(
        reply.starts_with("452 4.3.1 too much mail that no probe waits for"),
        "{reply}"
    );
    stop.cancel();
    driver.await.unwrap();
}
