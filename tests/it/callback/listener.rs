//! The accept loop: binding, stopping, and a process without file descriptors.

use std::io::{BufRead, BufReader, Write};
use std::net::{IpAddr, SocketAddr};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use landfall::channel::{Handler, Listener, Reply, Trouble, Watch};
use landfall::clock::{Clock, SystemClock};
use landfall::model::{Fault, Moment, Reason, RunId};
use landfall::web::{HttpListener, Limits, Settings};
use serde_json::json;
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;

use super::{Client, Peer, Plain, With, open, plain_context, request, token};
use crate::support::channel::{RecordingSink, eventually};

const CHILD: &str = "LANDFALL_TEST_WITHOUT_DESCRIPTORS";

#[tokio::test]
async fn an_address_in_use_is_said_with_what_to_do() {
    let taken = landfall::web::listener::bind(([127, 0, 0, 1], 0).into())
        .await
        .unwrap();
    let address = taken.local_addr().unwrap();
    let fault = landfall::web::listener::bind(address).await.unwrap_err();
    assert_eq!(fault.reason, Reason::Unreachable);
    for part in [
        address.to_string().as_str(),
        "another program listens there already",
        "--listen",
    ] {
        assert!(fault.message.contains(part), "{fault}");
    }
    let elsewhere: SocketAddr = "192.0.2.1:0".parse().unwrap();
    let fault = landfall::web::listener::bind(elsewhere).await.unwrap_err();
    assert!(fault.message.contains("does not have that address"), "{fault}");
}

#[tokio::test]
async fn its_own_address_stands_in_for_a_public_url() {
    let url = |local: &str, public: Option<&str>| {
        let settings = Settings {
            public_url: public.map(str::to_owned),
            ..Settings::default()
        };
        HttpListener::new(local.parse().unwrap(), settings, Arc::new(SystemClock::start())).public_url()
    };
    assert_eq!(url("127.0.0.1:80", None), "http://127.0.0.1:80");
    assert_eq!(url("0.0.0.0:80", None), "http://127.0.0.1:80");
    assert_eq!(url("[::]:80", None), "http://[::1]:80");
    assert_eq!(
        url("0.0.0.0:80", Some("https://probes.example.com/x/")),
        "https://probes.example.com/x"
    );
}

#[tokio::test]
async fn a_stop_lets_requests_in_flight_finish_and_takes_no_more() {
    let peer = Peer::start(json!({})).await;
    let gate = Arc::new(Semaphore::new(0));
    let inside = Arc::clone(&gate);
    peer.mount(
        "/wait",
        With(move |_| {
            let gate = Arc::clone(&inside);
            async move {
                let _permit = gate.acquire().await;
                Reply::text(200, "done")
            }
        }),
    );
    let mut idle = Client::connect(peer.address).await;
    let mut busy = Client::connect(peer.address).await;
    busy.send(request("GET", "/wait", &[], b"")).await;
    eventually("it to be taken", || (peer.count("requests") == 1).then_some(())).await;
    peer.stop.cancel();
    idle.closed().await;
    eventually("the address to be closed", || {
        std::net::TcpStream::connect(peer.address).is_err().then_some(())
    })
    .await;
    assert!(!peer.running.is_finished());
    gate.add_permits(1);
    assert_eq!(busy.answer().await.unwrap().body, "done");
    eventually("the listener to end", || peer.running.is_finished().then_some(())).await;
}

#[tokio::test]
async fn a_stop_waits_no_longer_than_its_limit() {
    let limits = Limits {
        stop: Duration::from_millis(200),
        linger: Duration::from_millis(50),
        ..Limits::default()
    };
    let peer = Peer::limited(limits).await;
    peer.mount("/never", With(|_| futures::future::pending()));
    let mut busy = Client::connect(peer.address).await;
    busy.send(request("GET", "/never", &[], b"")).await;
    eventually("it to be taken", || (peer.count("requests") == 1).then_some(())).await;
    peer.stop.cancel();
    busy.closed().await;
    eventually("the listener to end", || peer.running.is_finished().then_some(())).await;
    assert_eq!(peer.count("stopped"), 1);
}

/// A listener that is only ever in trouble.
struct Troubled(watch::Sender<Option<Trouble>>);

impl Listener for Troubled {
    fn mount(&self, _: &str, _: Arc<dyn Handler>) {}
    fn public_url(&self) -> String {
        String::from("http://127.0.0.1:1")
    }
    fn ip(&self) -> IpAddr {
        [127, 0, 0, 1].into()
    }
    fn trouble(&self) -> Option<watch::Receiver<Option<Trouble>>> {
        Some(self.0.subscribe())
    }
}

#[tokio::test]
async fn a_listener_in_trouble_makes_the_channel_blind_and_unarmed() {
    let listener = Arc::new(Troubled(watch::Sender::new(None)));
    let sink = Arc::new(RecordingSink::default());
    let channel = open(
        json!({}),
        plain_context(Arc::clone(&sink), Arc::clone(&listener) as _),
    )
    .await
    .unwrap();
    let stop = CancellationToken::new();
    let driving = tokio::spawn(Arc::clone(&channel).drive(stop.clone()));
    let arm = || {
        channel.arm(Watch {
            run: RunId(uuid::Uuid::nil()),
            token: token(1),
            scope: Arc::new(Plain),
        })
    };
    assert_eq!(arm().await, Ok(()));
    for round in 1..=2 {
        let fault = Fault::new(Reason::Limit, "no descriptors");
        listener.0.send_replace(Some(Trouble {
            since: Moment(5),
            fault: fault.clone(),
        }));
        eventually("it to be down", || {
            (sink.downs.lock().unwrap().len() == round).then_some(())
        })
        .await;
        assert_eq!(arm().await, Err(fault));
        listener.0.send_replace(None);
        eventually("it to be up", || {
            (sink.ups.lock().unwrap().len() == round).then_some(())
        })
        .await;
        assert_eq!(arm().await, Ok(()));
    }
    assert_eq!(
        *sink.ups.lock().unwrap(),
        [false, false],
        "what came in the gap is gone"
    );
    stop.cancel();
    driving.await.unwrap();
}

/// Out of descriptors the loop backs off, says so, and goes on once there are some. In a process of its own, since the
/// limit is the process's.
#[test]
fn without_file_descriptors_it_backs_off_and_goes_on() {
    if std::env::var_os(CHILD).is_some() {
        return starve();
    }
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "callback::listener::without_file_descriptors_it_backs_off_and_goes_on",
            "--nocapture",
        ])
        .env(CHILD, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut said = |what: &str| {
        let line = lines.find_map(|line| {
            line.unwrap()
                .split_once(what)
                .map(|(_, rest)| rest.trim().to_owned())
        });
        line.unwrap_or_else(|| panic!("the child ended before it said {what}"))
    };
    let address: SocketAddr = said("listening ").parse().unwrap();
    let held: Vec<_> = (0..100)
        .map(|_| std::net::TcpStream::connect(address).unwrap())
        .collect();
    let failures: u64 = said("starved ").parse().unwrap();
    // Pauses that have doubled to 40 ms fit ten times into 400 ms; a loop that does not wait fails far more often.
    assert!(failures < 40, "{failures} failures: the loop does not back off");
    drop(held);
    said("recovered");
    let mut client = std::net::TcpStream::connect(address).unwrap();
    client.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    let mut status = String::new();
    BufReader::new(client).read_line(&mut status).unwrap();
    assert!(status.contains("404"), "{status}");
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
}

/// The child's part.
fn starve() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let socket = landfall::web::listener::bind(([127, 0, 0, 1], 0).into())
            .await
            .unwrap();
        let address = socket.local_addr().unwrap();
        let limits = Limits {
            accept_pause: Duration::from_millis(40),
            ..Limits::default()
        };
        let settings = Settings {
            limits,
            ..Settings::default()
        };
        let listener = HttpListener::new(address, settings, Arc::new(SystemClock::start()));
        let stop = CancellationToken::new();
        let running = tokio::spawn(Arc::clone(&listener).run(socket, stop.clone()));
        let mut limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
        let used = std::fs::read_dir("/proc/self/fd").unwrap().count() as u64;
        limit.current = Some(used + 20);
        rustix::process::setrlimit(rustix::process::Resource::Nofile, limit).unwrap();
        let mut trouble = listener.trouble().unwrap();
        println!("\nlistening {address}");
        let first = trouble.wait_for(Option::is_some).await.unwrap().clone().unwrap();
        assert!(first.fault.message.contains("ulimit -n"), "{}", first.fault);
        eventually("ten failures", || {
            (listener.counters()["accept_failed"] >= 10).then_some(())
        })
        .await;
        let before = listener.counters()["accept_failed"];
        SystemClock::start().sleep(Duration::from_millis(400)).await;
        println!("starved {}", listener.counters()["accept_failed"] - before);
        trouble.wait_for(Option::is_none).await.unwrap();
        println!("recovered");
        let mut end = String::new();
        tokio::task::spawn_blocking(move || std::io::stdin().read_line(&mut end))
            .await
            .unwrap()
            .unwrap();
        stop.cancel();
        running.await.unwrap();
    });
}
