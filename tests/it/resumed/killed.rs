//! The daemon, killed at two hundred seeded instants under load, with the sandbox's ledger as judge: no acknowledged
//! observation lost, no run fired twice, no run without a record, every class right or unobserved.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::time::Duration;

use landfall::clock::{Clock, SystemClock};
use landfall::model::{Class, ExpectationState, Flag, RunRecord};
use landfall::sandbox::workspace::{Endpoints, files};
use landfall::sandbox::{self, Channel, Event, Limits, Options, Running, Script, Truth};
use rand::{Rng, SeedableRng};
use rusqlite::{Connection, OpenFlags};
use tokio_util::sync::CancellationToken;

use crate::support::process::landfall;

const LIVES: u32 = 200;
/// So many have to be fired at the least, or it proves little.
const RUNS: usize = 150;
/// What the truth says of a thing that stands nearer to a limit than this depends on the machine's load.
const NEAR: Duration = Duration::from_millis(250);

/// A sandbox, and a workspace that probes it ten times a second down three routes.
pub(super) struct Field {
    dir: tempfile::TempDir,
    /// Where the daemon takes callbacks.
    pub(super) listen: SocketAddr,
    pub(super) sandbox: Running,
    stop: CancellationToken,
    pub(super) clock: Arc<SystemClock>,
}

fn free() -> SocketAddr {
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    socket.local_addr().unwrap()
}

impl Field {
    pub(super) async fn new(seed: u64) -> Self {
        // Several tests of this process set it; the first wins, and all are alike.
        rustls::crypto::ring::default_provider().install_default().ok();
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(SystemClock::start());
        let (mail, listen, stop) = (free(), free(), CancellationToken::new());
        let database = dir.path().join("messages.db");
        let options = Options {
            faults: Script::demo(),
            seed,
            database: Some(database.clone()),
            smtp: Some(mail.to_string()),
            ..Options::default()
        };
        let sandbox = sandbox::start(options, clock.clone(), stop.clone())
            .await
            .unwrap();
        let endpoints = Endpoints {
            gateway: sandbox.address(),
            listen,
            mail,
            database,
        };
        std::fs::create_dir_all(dir.path().join("probes")).unwrap();
        for (name, text) in files(&endpoints) {
            if name != "probes/named.yaml" {
                let text = text.replace("every: 10s", "every: 200ms, allow_fast: true");
                std::fs::write(dir.path().join(name), text).unwrap();
            }
        }
        Self {
            dir,
            listen,
            sandbox,
            stop,
            clock,
        }
    }

    pub(super) fn start(&self) -> Child {
        let mut serve = landfall(self.dir.path(), &[]);
        serve.args(["serve"]).stdout(Stdio::null()).stderr(Stdio::null());
        serve.spawn().unwrap()
    }

    pub(super) fn store(&self) -> PathBuf {
        self.dir.path().join("landfall.db")
    }

    /// One life of so long, ended by SIGKILL.
    async fn live(&self, length: Duration) {
        let mut serve = self.start();
        self.clock.sleep(length).await;
        assert!(serve.try_wait().unwrap().is_none(), "the daemon ended by itself");
        serve.kill().unwrap();
        serve.wait().unwrap();
    }

    /// A last life that fires nothing new and ends when nothing is open.
    pub(super) async fn settle(&self) {
        let probe = self.dir.path().join("probes/message.yaml");
        let text = std::fs::read_to_string(&probe).unwrap();
        std::fs::write(
            &probe,
            text.replace("schedule: { every: 200ms, allow_fast: true }\n", ""),
        )
        .unwrap();
        let mut serve = self.start();
        let give_up = self.clock.now().after(Duration::from_secs(60));
        while open(&self.store()) != Some(0) || self.sandbox.counts().open > 0 {
            assert!(
                self.clock.now() < give_up,
                "{:?} runs never end",
                open(&self.store())
            );
            assert!(serve.try_wait().unwrap().is_none(), "the daemon ended by itself");
            self.clock.sleep(Duration::from_millis(50)).await;
        }
        serve.kill().unwrap();
        serve.wait().unwrap();
    }
}

impl Drop for Field {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn read(store: &Path) -> Option<Connection> {
    Connection::open_with_flags(store, OpenFlags::SQLITE_OPEN_READ_ONLY).ok()
}

/// How many runs are open; `None` while there is no store.
pub(super) fn open(store: &Path) -> Option<i64> {
    let count = "SELECT count(*) FROM intents";
    read(store)?.query_row(count, [], |row| row.get(0)).ok()
}

fn all(store: &Connection, sql: &str) -> Vec<String> {
    let mut query = store.prepare(sql).unwrap();
    let rows = query.query_map([], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

/// Everything that the store and the ledger do not agree on.
pub(super) fn violations(store: &Path, truth: &[Truth]) -> Vec<String> {
    let store = read(store).unwrap();
    let whole: String = store
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(whole, "ok");
    let mut wrong = Vec::new();
    let open: i64 = store
        .query_row("SELECT count(*) FROM intents", [], |row| row.get(0))
        .unwrap();
    if open > 0 {
        wrong.push(format!("{open} runs have no record"));
    }
    let claims: i64 = store
        .query_row("SELECT count(*) FROM claims", [], |row| row.get(0))
        .unwrap();
    let records: BTreeMap<String, RunRecord> = all(&store, "SELECT record FROM records")
        .iter()
        .map(|text| serde_json::from_str::<RunRecord>(text).unwrap())
        .map(|record| (record.token.clone(), record))
        .collect();
    if claims != i64::try_from(records.len()).unwrap() + open {
        wrong.push(format!("{claims} claims and {} records", records.len()));
    }
    let mut fired = BTreeSet::new();
    for told in truth {
        if !fired.insert(&told.entry.reference) {
            wrong.push(format!("{} was fired twice", told.entry.reference));
        }
        match records.get(&told.entry.reference) {
            Some(record) => wrong.extend(judged(record, told)),
            None if open == 0 => wrong.push(format!("{} was fired and has no record", told.entry.reference)),
            None => {}
        }
    }
    for (token, record) in &records {
        if !fired.contains(token) && !matches!(record.class, Class::Unobserved | Class::Rejected) {
            wrong.push(format!(
                "{token} is {:?} and never came to the target",
                record.class
            ));
        }
    }
    let kept = all(&store, "SELECT sighting FROM observations").join("\n");
    // Of an hour there are too many to look for each in all of it.
    let outcomes = truth.iter().flat_map(|told| &told.entry.outcomes);
    let letters: BTreeSet<char> = outcomes.flat_map(|outcome| outcome.message.chars()).collect();
    let words: HashSet<&str> = kept.split(|c| !letters.contains(&c)).collect();
    let is_kept = |message: &str| words.contains(message) || kept.contains(message);
    for told in truth {
        for (n, outcome) in told.entry.outcomes.iter().enumerate() {
            let pushed = outcome.channel != Channel::Row;
            if pushed && told.taken(n).is_some() && !is_kept(&outcome.message) {
                wrong.push(format!(
                    "{} on {:?} was acknowledged and is gone",
                    outcome.message, outcome.channel
                ));
            }
        }
    }
    wrong
}

/// A verdict against the truth. What was sent and not acknowledged may have been seen or not: each way is allowed.
fn judged(record: &RunRecord, told: &Truth) -> Option<String> {
    if record.class == Class::Unobserved || near(told) {
        return None;
    }
    // What could not be seen decides nothing: the worst of the rest does, as if it had come when it was first sent.
    let blind = record
        .expectations
        .iter()
        .any(|e| e.state == ExpectationState::Blind);
    let doubtful: Vec<usize> = (0..told.sent.len())
        .filter(|n| (told.taken(*n).is_none() || blind) && !told.sent[*n].is_empty())
        .collect();
    let mut allowed = BTreeSet::new();
    for mask in 0..1_u32 << doubtful.len().min(8) {
        let mut guess = told.clone();
        for (bit, n) in doubtful.iter().enumerate() {
            if mask >> bit & 1 == 1 {
                guess.sent[*n][0].error = None;
            }
        }
        let expected = guess.expected(&Limits::demo());
        allowed.extend([Some(expected.class), expected.amended].into_iter().flatten());
    }
    // The word of failure that only a later attempt brought may have come after the outcome that it denies.
    let mut unsaid = told.clone();
    for (outcome, sent) in told.entry.outcomes.iter().zip(&mut unsaid.sent) {
        if outcome.event == Event::Failed && sent.iter().any(|attempt| attempt.error.is_some()) {
            sent.clear();
        }
    }
    if unsaid != *told && record.flags.contains(&Flag::FalseFailure) {
        allowed.insert(unsaid.expected(&Limits::demo()).class);
    }
    let unanswered = record
        .flags
        .iter()
        .any(|flag| matches!(flag, Flag::InDoubt | Flag::FireUnknown));
    // Whoever did not hear the refusal knows only that the outcome came.
    if unanswered && allowed.contains(&Class::Phantom) {
        allowed.extend([Class::Delivered, Class::Late, Class::Duplicate]);
    }
    (!allowed.contains(&record.class)).then(|| {
        format!(
            "{} is {:?}, the truth allows {allowed:?}: {}\n{told:?}\n{record:#?}",
            record.token, record.class, record.reason
        )
    })
}

fn near(told: &Truth) -> bool {
    let sent = told.entry.received;
    let limits = [Duration::from_secs(1), Duration::from_secs(2)];
    told.sent.iter().flatten().any(|attempt| {
        limits.iter().any(|limit| {
            let apart = attempt.at.seconds_since(sent.after(*limit)).abs();
            apart < NEAR.as_secs_f64()
        })
    })
}

/// Kills it `lives` times; the result is what the ledger then says.
async fn kill_often(field: &Field, lives: u32, seed: u64) {
    let mut rng = rand::rngs::StdRng::seed_from_u64(seed);
    for _ in 0..lives {
        // From before it has opened its store to long after it has fired.
        let length = Duration::from_millis(rng.random_range(0..700));
        field.live(length).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_two_hundred_instants_it_tells_the_truth_or_that_it_could_not_see() {
    let field = Field::new(11).await;
    kill_often(&field, LIVES, 23).await;
    // On a busy machine few lives come to fire: more of them, then.
    for seed in 24..40 {
        if field.sandbox.truth().len() <= RUNS {
            kill_often(&field, LIVES / 4, seed).await;
        }
    }
    field.settle().await;
    let truth = field.sandbox.truth();
    let wrong = violations(&field.store(), &truth);
    assert!(
        wrong.is_empty(),
        "{} violations:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    // A daemon that never got to fire, or that says unobserved to everything, would pass, too.
    let store = read(&field.store()).unwrap();
    let classes = all(&store, "SELECT class FROM records");
    let seen = classes.iter().filter(|class| *class != "unobserved").count();
    assert!(truth.len() > RUNS, "only {} runs", truth.len());
    // A run waits two seconds for what must not come to a listener, which is killed several times meanwhile.
    assert!(seen > 20, "{seen} of {} were decided", classes.len());
}

/// The negative control: each kind of harm is found.
#[tokio::test(flavor = "multi_thread")]
async fn harm_that_is_done_on_purpose_is_found() {
    let field = Field::new(12).await;
    for length in [1500, 700] {
        field.live(Duration::from_millis(length)).await;
    }
    let found = |truth: &[Truth], what: &str| {
        let wrong = violations(&field.store(), truth);
        assert!(
            wrong.iter().any(|w| w.contains(what)),
            "`{what}` was not found among {wrong:?}"
        );
    };
    let mut truth = field.sandbox.truth();
    // Not taken up again.
    found(&truth, "have no record");
    field.settle().await;
    truth = field.sandbox.truth();
    assert_eq!(violations(&field.store(), &truth), Vec::<String>::new());
    let mut twice = truth.clone();
    twice.push(truth[0].clone());
    found(&twice, "was fired twice");
    let store = Connection::open(field.store()).unwrap();
    store
        .execute_batch("CREATE TABLE held AS SELECT * FROM records; UPDATE records SET record = json_set(record, '$.class', 'lost')")
        .unwrap();
    found(&truth, "the truth allows");
    store
        .execute_batch("DELETE FROM records; INSERT INTO records SELECT * FROM held")
        .unwrap();
    store.execute("DELETE FROM observations", []).unwrap();
    found(&truth, "was acknowledged and is gone");
    store
        .execute(
            "DELETE FROM records WHERE seq = (SELECT min(seq) FROM records)",
            [],
        )
        .unwrap();
    found(&truth, "records");
}
