//! A mail server, an Alertmanager, a program.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use super::{Peer, hostile, opened};
use crate::support::channel::eventually;
use crate::support::postfix::MailSystem;
use crate::support::whole::http_client;

#[tokio::test]
async fn a_mail_is_taken_by_a_real_server_under_its_own_id() {
    let system = MailSystem::start();
    let config = json!({ "email": {
        "smtp": format!("smtp://127.0.0.1:{}?tls=none", system.straight),
        "from": "landfall@probe.example", "to": ["canary@example.com"],
    } });
    let said = opened(config, Path::new("")).send(&hostile()).await.unwrap();
    assert!(said.starts_with("250"), "{said}");
    let id = "message-id=<landfall.a1b2c3d4e5f60718-1@probe.example>";
    eventually("the mail in the server's log", || {
        system.log().contains(id).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_server_that_offers_no_tls_is_not_used_unless_that_is_said() {
    let system = MailSystem::start();
    let config = json!({ "email": {
        "smtp": format!("smtp://127.0.0.1:{}", system.straight), "to": ["canary@example.com"],
    } });
    let failure = opened(config, Path::new("")).send(&hostile()).await.unwrap_err();
    assert!(!failure.hopeless, "{failure:?}");
    assert!(!system.log().contains("message-id="), "nothing was sent");
}

/// Debian's Alertmanager on a port of its own.
struct Alertmanager {
    child: Child,
    url: String,
    _data: tempfile::TempDir,
}

impl Alertmanager {
    async fn start() -> Self {
        const PROGRAM: &str = "/usr/bin/prometheus-alertmanager";
        assert!(
            Path::new(PROGRAM).exists(),
            "this test needs Alertmanager: apt-get install -y prometheus-alertmanager"
        );
        let data = tempfile::tempdir().unwrap();
        let config = data.path().join("alertmanager.yml");
        std::fs::write(
            &config,
            "route: { receiver: nobody }\nreceivers: [{ name: nobody }]\n",
        )
        .unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let child = Command::new(PROGRAM)
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.path={}", data.path().display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .arg("--cluster.listen-address=")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let manager = Self {
            child,
            url: format!("http://127.0.0.1:{port}"),
            _data: data,
        };
        eventually("Alertmanager listens", || {
            std::net::TcpStream::connect(("127.0.0.1", port)).ok()
        })
        .await;
        manager
    }

    async fn alerts(&self) -> Vec<Value> {
        let url = format!("{}/api/v2/alerts", self.url);
        let text = http_client().get(url).send().await.unwrap().text().await.unwrap();
        serde_json::from_str(&text).unwrap()
    }
}

impl Drop for Alertmanager {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

#[tokio::test]
async fn alertmanager_has_one_alert_until_it_is_resolved() {
    let manager = Alertmanager::start().await;
    let destination = opened(json!({ "alertmanager": { "url": manager.url } }), Path::new(""));
    let notice = hostile();
    destination.send(&notice).await.unwrap();
    destination.refresh(std::slice::from_ref(&notice)).await.unwrap();
    let alerts = manager.alerts().await;
    assert_eq!(alerts.len(), 1, "{alerts:?}");
    let labels = &alerts[0]["labels"];
    for (name, value) in [
        ("alertname", "LandfallOutcome"),
        ("probe", "orders"),
        ("severity", "critical"),
        ("team", "payments"),
    ] {
        assert_eq!(labels[name], value);
    }
    assert_eq!(alerts[0]["annotations"]["summary"], notice.title);
    let mut over = hostile();
    over.state = landfall::alert::notice::AlertState::Resolved;
    over.ended = Some(String::from("2026-03-01T12:30:00.000Z"));
    destination.send(&over).await.unwrap();
    assert_eq!(manager.alerts().await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_program_gets_the_alert_and_its_exit_code_counts() {
    let dir = tempfile::tempdir().unwrap();
    let run = |script: &str| json!({ "exec": { "command": ["sh", "-c", script], "timeout": "20s" } });
    let taken = opened(run("cat > got.json; echo $LANDFALL_EVENT"), dir.path());
    assert_eq!(taken.send(&hostile()).await.unwrap(), "opened");
    let got = std::fs::read_to_string(dir.path().join("got.json")).unwrap();
    assert_eq!(
        serde_json::from_str::<Value>(&got).unwrap(),
        serde_json::to_value(hostile()).unwrap()
    );
    let failure = opened(run("echo no >&2; exit 3"), dir.path())
        .send(&hostile())
        .await
        .unwrap_err();
    assert!(
        failure.message.contains('3') && failure.message.contains("no"),
        "{failure:?}"
    );
    assert!(!failure.in_doubt);
}

#[tokio::test]
async fn what_a_peer_answers_decides_whether_it_is_tried_again() {
    let peer = Peer::start().await;
    let destination = opened(json!({ "webhook": { "url": peer.url } }), Path::new(""));
    for (status, hopeless) in [
        (500, false),
        (503, false),
        (429, false),
        (404, false),
        (400, true),
        (422, true),
    ] {
        *peer.answer.lock().unwrap() = status;
        let failure = destination.send(&hostile()).await.unwrap_err();
        assert_eq!(
            (failure.hopeless, failure.in_doubt),
            (hopeless, false),
            "{status}"
        );
    }
    let gone = opened(
        json!({ "webhook": { "url": "http://127.0.0.1:1/" } }),
        Path::new(""),
    );
    assert!(
        !gone.send(&hostile()).await.unwrap_err().in_doubt,
        "nothing was sent"
    );
}
