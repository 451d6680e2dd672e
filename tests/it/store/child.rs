//! This test binary as a process of its own, to be killed, starved and lied to.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;

use landfall::store::{Ack, Claim, Fired, SqliteStore, Store};

use super::make::{intent, observation, open, options, record, run, tick};

const ROLE: &str = "LANDFALL_TEST_STORE_ROLE";
const FILE: &str = "LANDFALL_TEST_STORE_FILE";
const LEDGER: &str = "LANDFALL_TEST_STORE_LEDGER";
const ROUND: &str = "LANDFALL_TEST_STORE_ROUND";
const HOLD: &str = "LANDFALL_TEST_STORE_HOLD";

/// Tells what a line of a worker means from what the test harness prints.
const MARK: &str = "> ";

/// What a child does.
#[derive(Clone, Copy)]
pub(crate) enum Role {
    /// Claims, fires, observes and closes until it is killed.
    Work,
    /// Claims and observes one thing after the other, and reads, and says what became of each.
    Observe,
    /// Opens the store under a umask, and waits for the end of its input.
    Open,
}

/// A child that is killed when it is let go.
pub(crate) struct Worker {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Worker {
    /// Starts this binary in `role`, under `wrapper` where that is not empty.
    pub(crate) fn start(role: Role, file: &Path, wrapper: &[&str], more: &[(&str, String)]) -> Self {
        let this = std::env::current_exe().unwrap();
        let this = this.to_str().unwrap();
        let test = [
            "store::child::does_what_its_parent_says",
            "--exact",
            "--nocapture",
        ];
        let line: Vec<&str> = wrapper.iter().copied().chain([this]).chain(test).collect();
        let mut child = Command::new(line[0])
            .args(&line[1..])
            .env(ROLE, (role as u8).to_string())
            .env(FILE, file)
            .envs(more.iter().map(|(name, value)| (*name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|e| panic!("cannot run `{}`: {e}; try `apt-get install {}`", line[0], line[0]));
        let lines = BufReader::new(child.stdout.take().unwrap());
        Self { child, lines }
    }

    pub(crate) fn at_work(file: &Path, ledger: &Path, round: u128, hold: usize) -> Self {
        let more = [
            (LEDGER, ledger.to_str().unwrap().to_owned()),
            (ROUND, round.to_string()),
            (HOLD, hold.to_string()),
        ];
        Self::start(Role::Work, file, &[], &more)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The next thing it said; `None` once it has ended. Half a line is nothing said.
    pub(crate) fn line(&mut self) -> Option<String> {
        loop {
            let mut line = String::new();
            self.lines.read_line(&mut line).unwrap();
            let whole = line.strip_suffix('\n')?;
            // The harness may have begun the line.
            if let Some((_, said)) = whole.split_once(MARK) {
                return Some(said.to_owned());
            }
        }
    }

    /// SIGKILL, and then what it had said before.
    pub(crate) fn kill(&mut self) -> Vec<String> {
        self.child.kill().unwrap();
        let rest = std::iter::from_fn(|| self.line()).collect();
        self.child.wait().unwrap();
        rest
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// Nothing unless a parent test started this process and says so in its environment.
#[test]
fn does_what_its_parent_says() {
    let Some(role) = given(ROLE) else { return };
    let file = given(FILE).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .worker_threads(2)
        .build()
        .unwrap();
    match role.as_str() {
        "0" => runtime.block_on(work(Path::new(&file))),
        "1" => runtime.block_on(observe(Path::new(&file))),
        _ => hold_open(Path::new(&file)),
    }
}

async fn work(file: &Path) {
    let round: u128 = given(ROUND).unwrap().parse().unwrap();
    let hold: usize = given(HOLD).unwrap().parse().unwrap();
    let mut options = options();
    if hold > 0 {
        options.ack = Ack::BeforeCommit { hold };
    }
    let store = Arc::new(SqliteStore::open(file, options).unwrap());
    let ledger = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(given(LEDGER).unwrap())
        .unwrap();
    let ledger = Arc::new(ledger);
    say("ready");
    let workers = (0..16).map(|n| tokio::spawn(worker(Arc::clone(&store), Arc::clone(&ledger), round, n)));
    futures::future::join_all(workers).await;
}

/// Two workers are rivals for each tick, and each round begins with ticks that the rounds before have fired.
async fn worker(store: Arc<SqliteStore>, ledger: Arc<std::fs::File>, round: u128, worker: u128) {
    for turn in 0.. {
        let number = round * 1_000_000 + turn * 16 + worker;
        let at = i64::try_from(round * 4 + turn * 8 + worker / 2).unwrap();
        let mut intent = intent(number, "a");
        intent.tick = tick(at);
        if store.claim(vec![intent]).await.unwrap() != [Claim::Won] {
            continue;
        }
        say(&format!("claimed {number}"));
        (&*ledger)
            .write_all(format!("{at} {number}\n").as_bytes())
            .unwrap();
        let fired = Fired {
            sent: tick(at),
            answer: None,
        };
        store.fired(run(number), fired).await.unwrap();
        say(&format!("fired {number}"));
        let id = u64::try_from(number).unwrap();
        store.observe(observation(id, &[run(number)])).await.unwrap();
        say(&format!("observed {number}"));
        store
            .save_cursor(format!("channel{worker}"), id.to_string())
            .await
            .unwrap();
        say(&format!("cursor {worker} {number}"));
        if turn % 3 == 0 {
            let record = record(number, "a", landfall::model::Class::Delivered);
            store.close(tick(at), record).await.unwrap();
            say(&format!("closed {number}"));
        }
    }
}

async fn observe(file: &Path) {
    let store = open(file);
    for id in 1..=120 {
        let number = u128::from(id);
        match store.claim(vec![intent(number, "a")]).await {
            Ok(_) => say(&format!("claimed {id}")),
            Err(e) => say(&format!("refused {id} {}: {e}", e.reason.word())),
        }
        match store.observe(observation(id, &[])).await {
            Ok(()) => say(&format!("observed {id}")),
            Err(e) => say(&format!("refused {id} {}: {e}", e.reason.word())),
        }
        if given(HOLD).is_none() {
            let read = store.last_observation().await;
            say(&format!("read {}", read.is_ok()));
        }
    }
    say("end");
}

fn hold_open(file: &Path) {
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(
        given(HOLD).unwrap().parse().unwrap(),
    ));
    match SqliteStore::open(file, options()) {
        Ok(_store) => {
            say("open");
            std::io::stdin().read_line(&mut String::new()).unwrap();
        }
        Err(e) => say(&format!("refused {e}")),
    }
}

/// No reads: then the connection that writes is the only one, and a reopened file is read from its log afresh.
pub(crate) fn without_reads() -> [(&'static str, String); 1] {
    [(HOLD, String::from("0"))]
}

pub(crate) fn umask(mask: u32) -> [(&'static str, String); 1] {
    [(HOLD, mask.to_string())]
}

fn given(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.into_string().unwrap())
}

fn say(what: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("{MARK}{what}\n").as_bytes()).unwrap();
    out.flush().unwrap();
}
