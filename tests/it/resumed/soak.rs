//! A daemon under faults at random: its memory, its descriptors and its log stay what they are, and what it says is the
//! truth. Half a minute here; `LANDFALL_SOAK=1h cargo test --test it soak` takes an hour.

use std::path::Path;
use std::process::Child;
use std::time::Duration;

use landfall::clock::Clock;
use landfall::model::Lapse;
use rand::{Rng, SeedableRng};
use rusqlite::Connection;
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use super::killed::{Field, open, violations};

const USUAL: Duration = Duration::from_secs(30);
/// Between two looks at the process.
const LOOK: Duration = Duration::from_millis(500);
/// What an allocator may hold back, and what waits at one time more than at another.
const ROOM: u64 = 8 << 20;
/// The log is copied back at some megabytes, and a lock that is held lets it grow meanwhile.
const MOST_LOG: u64 = 64 << 20;

/// What a process holds.
#[derive(Clone, Copy, Debug)]
struct Held {
    memory: u64,
    descriptors: usize,
    log: u64,
}

impl Held {
    fn by(process: &Child, store: &Path) -> Self {
        let proc = format!("/proc/{}", process.id());
        let status = std::fs::read_to_string(format!("{proc}/status")).unwrap();
        let resident = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .unwrap();
        let kilobytes: u64 = resident.trim().trim_end_matches(" kB").parse().unwrap();
        let log = std::fs::metadata(store.with_extension("db-wal"));
        Self {
            memory: kilobytes << 10,
            descriptors: std::fs::read_dir(format!("{proc}/fd")).unwrap().count(),
            log: log.map_or(0, |log| log.len()),
        }
    }
}

/// One fault, chosen at random and over when this returns.
async fn fault(field: &Field, process: &Child, rng: &mut rand::rngs::StdRng) {
    let length = Duration::from_millis(rng.random_range(50..700));
    match rng.random_range(0..4) {
        0 => {
            let pid = Pid::from_child(process);
            kill_process(pid, Signal::STOP).unwrap();
            field.clock.sleep(length).await;
            kill_process(pid, Signal::CONT).unwrap();
        }
        1 => {
            let rival = Connection::open(field.store()).unwrap();
            // It may have to wait for its turn, or not get it at all.
            let held = rival.execute_batch("BEGIN IMMEDIATE");
            field.clock.sleep(length).await;
            if held.is_ok() {
                rival.execute_batch("ROLLBACK").unwrap();
            }
        }
        2 => {
            let mut silent = Vec::new();
            for _ in 0..40 {
                silent.extend(TcpStream::connect(field.listen).await);
            }
            field.clock.sleep(length).await;
        }
        _ => {
            for n in 0..100 {
                let Ok(mut stream) = TcpStream::connect(field.listen).await else {
                    continue;
                };
                let foreign =
                    format!("POST /c/{n}/made-up HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nfor{n}");
                // It may be refused before it has said everything.
                drop(stream.write_all(foreign.as_bytes()).await);
            }
        }
    }
}

fn middle(mut of: Vec<u64>) -> u64 {
    of.sort_unstable();
    of[of.len() / 2]
}

#[tokio::test(flavor = "multi_thread")]
async fn under_faults_at_random_it_holds_no_more_with_time_and_tells_the_truth() {
    let asked = std::env::var_os("LANDFALL_SOAK");
    let length = asked.map_or(USUAL, |text| Lapse::parse(text.to_str().unwrap()).unwrap().0);
    let mut rng = rand::rngs::StdRng::seed_from_u64(41);
    let field = Field::new(31).await;
    let mut serve = field.start();
    while open(&field.store()).is_none() {
        assert!(serve.try_wait().unwrap().is_none(), "the daemon did not start");
        field.clock.sleep(Duration::from_millis(20)).await;
    }
    let mut held = Vec::new();
    let end = field.clock.now().after(length);
    while field.clock.now() < end {
        fault(&field, &serve, &mut rng).await;
        field.clock.sleep(LOOK).await;
        assert!(serve.try_wait().unwrap().is_none(), "the daemon ended by itself");
        held.push(Held::by(&serve, &field.store()));
    }
    serve.kill().unwrap();
    serve.wait().unwrap();
    let third = held.len() / 3;
    let (middle_third, last) = (&held[third..2 * third], &held[2 * third..]);
    let memory = |of: &[Held]| middle(of.iter().map(|held| held.memory).collect());
    assert!(
        memory(last) <= memory(middle_third) * 5 / 4 + ROOM,
        "it grew: {held:?}"
    );
    // Connections come and go: what leaks raises the least that is open.
    let least = |of: &[Held]| of.iter().map(|held| held.descriptors).min().unwrap();
    assert!(
        least(last) <= least(middle_third) + 4,
        "descriptors leak: {held:?}"
    );
    assert!(
        held.iter().all(|held| held.log < MOST_LOG),
        "the log grew: {held:?}"
    );
    field.settle().await;
    let truth = field.sandbox.truth();
    let wrong = violations(&field.store(), &truth);
    assert!(
        wrong.is_empty(),
        "{} violations:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(truth.len() > 100, "only {} runs", truth.len());
}
