//! Killed between the claim and the first byte, and between the first byte and the answer, by the target itself while
//! it holds the request.

use std::io::Read;
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use landfall::clock::{Clock, SystemClock};
use landfall::model::{Class, Flag, RunRecord};
use rusqlite::{Connection, OpenFlags};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::support::process::landfall;
use crate::support::whole::{http_client, write};

/// Takes connections, and kills who sends it the first bytes.
#[derive(Clone)]
struct Killer {
    address: SocketAddr,
    victim: Arc<Mutex<Option<i32>>>,
    connections: Arc<AtomicU32>,
}

impl Killer {
    fn start() -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let killer = Self {
            address: socket.local_addr().unwrap(),
            victim: Arc::default(),
            connections: Arc::default(),
        };
        let own = killer.clone();
        std::thread::spawn(move || {
            for connection in socket.incoming() {
                let mut connection = connection.unwrap();
                own.connections.fetch_add(1, Ordering::SeqCst);
                let mut some = [0; 16];
                if connection.read(&mut some).unwrap_or(0) > 0 {
                    let victim = until_known(|| *own.victim.lock().unwrap());
                    kill_process(Pid::from_raw(victim).unwrap(), Signal::KILL).unwrap();
                }
                // Held until the victim is gone: the end of its side of the connection.
                std::io::copy(&mut connection, &mut std::io::sink()).ok();
            }
        });
        killer
    }
}

fn until_known(look: impl Fn() -> Option<i32>) -> i32 {
    loop {
        if let Some(found) = look() {
            return found;
        }
        std::thread::yield_now();
    }
}

struct Scene {
    dir: tempfile::TempDir,
    killer: Killer,
}

impl Scene {
    /// Fires once, and is killed while the target holds the request.
    fn new(scheme: &str) -> Self {
        let killer = Killer::start();
        let dir = tempfile::tempdir().unwrap();
        let listen = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let workspace = json!({
            "listen": listen.to_string(),
            "vars": { "base": format!("{scheme}://{}", killer.address) },
            "channels": { "hooks": { "callback": {} } },
        });
        let probe = json!({
            "name": "orders",
            "request": { "http": { "url": "{{ vars.base }}/orders", "timeout": "30s" } },
            "outcome": [{ "in": "hooks", "within": "5s", "grace": "100ms" }],
            "settle": "10ms",
        });
        write(dir.path(), &workspace, &probe);
        let scene = Self { dir, killer };
        let mut run = scene.begin("run");
        *scene.killer.victim.lock().unwrap() = Some(i32::try_from(run.id()).unwrap());
        assert!(!run.wait().unwrap().success());
        scene
    }

    fn begin(&self, command: &str) -> Child {
        let mut command_line = landfall(self.dir.path(), &[]);
        command_line.arg(command);
        let quiet = command_line.stdout(Stdio::null()).stderr(Stdio::null());
        quiet.spawn().unwrap()
    }

    fn asked(&self, sql: &str) -> Option<String> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
        let store = Connection::open_with_flags(self.dir.path().join("landfall.db"), flags).ok()?;
        store.query_row(sql, [], |row| row.get(0)).ok()
    }

    /// The next life; `call`: the outcome comes all the same, after the start. The record that it ends with.
    async fn ends(&self, call: bool) -> RunRecord {
        let intent: Value = serde_json::from_str(&self.asked("SELECT intent FROM intents").unwrap()).unwrap();
        let webhook = intent["plan"]["channels"]["hooks"]["url"]
            .as_str()
            .unwrap()
            .to_owned();
        let mut serve = self.begin("serve");
        if call {
            let client = http_client();
            loop {
                // Nobody listens yet, or nobody knows the address yet: a sender tries again.
                let answer = client.post(&webhook).body("{}").send().await;
                if answer.is_ok_and(|answer| answer.status().is_success()) {
                    break;
                }
                tokio::task::yield_now().await;
            }
        }
        let record = wait_for(|| self.asked("SELECT record FROM records")).await;
        serve.kill().unwrap();
        serve.wait().unwrap();
        assert_eq!(self.killer.connections.load(Ordering::SeqCst), 1, "fired again");
        assert_eq!(
            self.asked("SELECT CAST(count(*) AS TEXT) FROM claims").as_deref(),
            Some("1")
        );
        serde_json::from_str(&record).unwrap()
    }
}

/// Longer than `eventually` waits: a run has a time of its own.
async fn wait_for(mut look: impl FnMut() -> Option<String>) -> String {
    let clock = SystemClock::start();
    let give_up = clock.now().after(Duration::from_secs(60));
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(clock.now() < give_up, "it never ended");
        clock.sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn between_the_claim_and_the_first_byte_it_is_fire_unknown() {
    // The handshake is never answered, so that not a byte of the request can leave.
    let scene = Scene::new("https");
    assert_eq!(scene.asked("SELECT CAST(sent AS TEXT) FROM fired"), None);
    let record = scene.ends(false).await;
    assert_eq!(record.class, Class::Unobserved, "{record:#?}");
    assert!(record.flags.contains(&Flag::FireUnknown));
    assert!(
        record.reason.contains("nobody knows whether the request left"),
        "{}",
        record.reason
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outcome_proves_that_it_was_fired() {
    let record = Scene::new("https").ends(true).await;
    assert_eq!(record.class, Class::Delivered, "{record:#?}");
    assert!(record.flags.contains(&Flag::FireUnknown));
}

#[tokio::test(flavor = "multi_thread")]
async fn between_the_first_byte_and_the_answer_it_is_in_doubt_and_never_lost() {
    for call in [false, true] {
        let record = Scene::new("http").ends(call).await;
        let class = if call { Class::Delivered } else { Class::Unobserved };
        assert_eq!(record.class, class, "{record:#?}");
        // Whether the note of the first byte had become durable is a race; a verdict is not.
        let doubt = |flag: &Flag| matches!(flag, Flag::InDoubt | Flag::FireUnknown);
        assert!(record.flags.iter().any(doubt), "{record:#?}");
    }
}
