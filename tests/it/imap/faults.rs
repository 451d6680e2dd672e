//! Servers and networks that fail.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use landfall::model::Reason;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::rig::{Rig, mail};
use crate::support::channel::eventually;
use crate::support::dovecot::{Dovecot, free_port};

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_restarts_is_found_again_and_nothing_is_missed() {
    let mut dovecot = Dovecot::start();
    let rig = Rig::on(dovecot.imap, json!({ "timeout": "1s" })).await;
    let (_, token) = rig.arm().await;
    dovecot.stop();
    let down = eventually("word that it is down", || {
        rig.sink.downs.lock().unwrap().first().cloned()
    })
    .await;
    assert!(down.message.contains("127.0.0.1"), "{down}");
    dovecot.launch();
    dovecot.deliver("canary@example.com", &mail("meanwhile", token));
    let seen = rig.sees(token.as_str()).await;
    assert!(seen.widened, "landfall could not see when it came");
    assert_eq!(*rig.sink.ups.lock().unwrap(), [true]);
    assert_eq!(rig.sink.downs.lock().unwrap().len(), 1, "said once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_cut_in_idle_is_noticed_at_once() {
    let dovecot = Dovecot::start();
    let proxy = Proxy::to(dovecot.imap).await;
    let rig = Rig::on(proxy.port, json!({ "burst": "30s" })).await;
    let (_, token) = rig.arm().await;
    let commands = rig.count("commands");
    eventually("IDLE", || (rig.count("commands") > commands).then_some(())).await;
    proxy.cut.send(()).unwrap();
    dovecot.deliver("canary@example.com", &mail("one", token));
    let seen = rig.sees(token.as_str()).await;
    assert!(seen.widened);
    assert_eq!(*rig.sink.ups.lock().unwrap(), [true]);
    assert_eq!(rig.count("connections"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_swallows_everything_is_given_up() {
    let dovecot = Dovecot::start();
    let proxy = Proxy::to(dovecot.imap).await;
    let rig = Rig::on(proxy.port, json!({ "timeout": "300ms" })).await;
    let (_, token) = rig.arm().await;
    proxy.hole.store(true, Ordering::SeqCst);
    let down = eventually("word that it is down", || {
        rig.sink.downs.lock().unwrap().first().cloned()
    })
    .await;
    assert_eq!(down.reason, Reason::Timeout, "{down}");
    proxy.hole.store(false, Ordering::SeqCst);
    dovecot.deliver("canary@example.com", &mail("one", token));
    assert!(rig.sees(token.as_str()).await.widened);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_says_so_and_is_not_tried_again_at_once() {
    let dovecot = Dovecot::start();
    let rig = Rig::on(dovecot.imap, json!({ "password": "wrong-secret" })).await;
    let fault = rig.try_arm(rig.token()).await.unwrap_err();
    assert_eq!(fault.reason, Reason::Auth, "{fault}");
    assert!(
        fault.message.contains("`canary`") && !fault.message.contains("wrong-secret"),
        "{fault}"
    );
    let again = rig.try_arm(rig.token()).await.unwrap_err();
    assert_eq!(again, fault);
    assert_eq!(rig.count("connections"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_at_the_port_says_so() {
    let rig = Rig::on(free_port(), json!({})).await;
    let fault = rig.try_arm(rig.token()).await.unwrap_err();
    assert_eq!(fault.reason, Reason::Unreachable, "{fault}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_busy_is_left_alone() {
    for code in ["[UNAVAILABLE] try later", "[LIMIT] too many logins"] {
        let port = fake(&format!("NO {code}"));
        let rig = Rig::on(port, json!({})).await;
        let fault = rig.try_arm(rig.token()).await.unwrap_err();
        assert_eq!(fault.reason, Reason::Throttled, "{fault}");
        assert!(rig.try_arm(rig.token()).await.is_err());
        assert_eq!(rig.count("connections"), 1, "stays away");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_never_answers_is_given_up_in_time() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let rig = Rig::on(port, json!({ "timeout": "200ms" })).await;
    let fault = rig.try_arm(rig.token()).await.unwrap_err();
    assert_eq!(fault.reason, Reason::Timeout, "{fault}");
    assert!(fault.message.contains("greeting"), "{fault}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_port_is_no_tls_port() {
    let dovecot = Dovecot::start();
    let rig = Rig::on(dovecot.imap, json!({ "tls": "implicit" })).await;
    let fault = rig.try_arm(rig.token()).await.unwrap_err();
    assert_eq!(fault.reason, Reason::Tls, "{fault}");
    let rig = Rig::on(dovecot.imap, json!({ "tls": "starttls" })).await;
    let fault = rig.try_arm(rig.token()).await.unwrap_err();
    assert!(fault.message.contains("STARTTLS"), "{fault}");
}

/// A server that answers every login with `answer`.
fn fake(answer: &str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let answer = answer.to_owned();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            stream.write_all(b"* OK ready\r\n").ok();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut line = String::new();
            while reader.read_line(&mut line).is_ok_and(|n| n > 0) {
                let tag = line.split(' ').next().unwrap_or_default();
                stream.write_all(format!("{tag} {answer}\r\n").as_bytes()).ok();
                line.clear();
            }
        }
    });
    port
}

/// Stands between the channel and the server: cuts every connection on demand, or swallows what passes.
struct Proxy {
    port: u16,
    cut: tokio::sync::broadcast::Sender<()>,
    hole: Arc<AtomicBool>,
}

impl Proxy {
    async fn to(server: u16) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let cut = tokio::sync::broadcast::Sender::new(4);
        let hole = Arc::new(AtomicBool::new(false));
        let (cuts, holes) = (cut.clone(), Arc::clone(&hole));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let mut cut = cuts.subscribe();
                let server = tokio::net::TcpStream::connect(("127.0.0.1", server))
                    .await
                    .unwrap();
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = server.into_split();
                let (there, back) = (Arc::clone(&holes), Arc::clone(&holes));
                tokio::spawn(async move {
                    tokio::select! {
                        () = pump(from_client, to_server, there) => {}
                        () = pump(from_server, to_client, back) => {}
                        _ = cut.recv() => {}
                    }
                });
            }
        });
        Self { port, cut, hole }
    }
}

async fn pump(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    hole: Arc<AtomicBool>,
) {
    let mut bytes = [0; 4096];
    while let Ok(n) = from.read(&mut bytes).await {
        if n == 0 {
            return;
        }
        if !hole.load(Ordering::SeqCst) && to.write_all(&bytes[..n]).await.is_err() {
            return;
        }
    }
}

/// A mail has to be on record before the next look leaves. A store that takes its time is no fault of what comes then.
#[tokio::test(flavor = "multi_thread")]
async fn a_mail_behind_one_that_the_store_held_up_is_marked() {
    let dovecot = Dovecot::start();
    let rig = Rig::on(dovecot.imap, json!({})).await;
    let ((_, first), (_, second)) = (rig.arm().await, rig.arm().await);
    let locked = rig.sink.gate.write().await;
    dovecot.deliver("canary@example.com", &mail("first", first));
    eventually("the first mail on its way", || {
        (rig.sink.handed.load(Ordering::Relaxed) > 0).then_some(())
    })
    .await;
    dovecot.deliver("canary@example.com", &mail("second", second));
    // As long as the store is locked.
    rig.pause(100).await;
    drop(locked);
    assert!(!rig.sees(first.as_str()).await.widened);
    let behind = rig.sees(second.as_str()).await;
    assert!(behind.widened && behind.at.lo < behind.at.hi, "{behind:?}");
}
