//! Killed at any instant, with the ledger of what was fired and the pipe of what was acknowledged as judges.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use landfall::store::{RunFilter, Store};
use rand::{Rng, SeedableRng, rngs::StdRng};

use super::child::Worker;
use super::make::{open, run};

/// What the workers said over all rounds.
#[derive(Default)]
struct Said {
    claimed: HashSet<u128>,
    fired: HashSet<u128>,
    observed: HashSet<u128>,
    closed: HashSet<u128>,
    cursors: HashMap<String, u128>,
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_every_kill() {
    let found = rounds(36, 0x1a2d_fa11, 0).await;
    assert_eq!(found, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_acknowledgement_before_the_commit_would_be_caught() {
    let found = rounds(4, 0x1a2d_fa11, 64).await;
    assert!(
        found.iter().any(|violation| violation.contains("acknowledged")),
        "the judges let an early acknowledgement pass: {found:?}"
    );
}

/// What the judges found after each of `count` kills.
async fn rounds(count: u128, seed: u64, hold: usize) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let (file, ledger) = (folder.path().join("landfall.db"), folder.path().join("ledger"));
    let mut random = StdRng::seed_from_u64(seed);
    let mut said = Said::default();
    let mut found = Vec::new();
    for round in 1..=count {
        let acknowledged = random.random_range(0..400);
        let mut worker = Worker::at_work(&file, &ledger, round, hold);
        assert_eq!(
            worker.line().as_deref(),
            Some("ready"),
            "round {round}, seed {seed:#x}"
        );
        for _ in 0..acknowledged {
            said.hear(&worker.line().unwrap());
        }
        for line in worker.kill() {
            said.hear(&line);
        }
        for violation in judge(&file, &ledger, &said).await {
            found.push(format!("round {round}, seed {seed:#x}: {violation}"));
        }
    }
    assert!(
        said.observed.len() as u128 > count,
        "hardly anything happened: {}",
        said.observed.len()
    );
    found
}

impl Said {
    fn hear(&mut self, line: &str) {
        let words: Vec<&str> = line.split(' ').collect();
        let number = words[words.len() - 1].parse().unwrap();
        let set = match words[0] {
            "claimed" => &mut self.claimed,
            "fired" => &mut self.fired,
            "observed" => &mut self.observed,
            "closed" => &mut self.closed,
            "cursor" => {
                self.cursors.insert(words[1].to_owned(), number);
                return;
            }
            other => panic!("what is `{other}`?"),
        };
        set.insert(number);
    }
}

async fn judge(file: &Path, ledger: &Path, said: &Said) -> Vec<String> {
    // Opening verifies the whole file, and finds no obstacle in the lock of the dead.
    let store = open(file);
    let open: HashMap<_, _> = store
        .open_runs()
        .await
        .unwrap()
        .into_iter()
        .map(|open| (open.intent.run, open))
        .collect();
    let ended: HashSet<_> = store
        .runs(RunFilter::default())
        .await
        .unwrap()
        .iter()
        .map(|record| record.id)
        .collect();
    let mut cursors = HashMap::new();
    for name in said.cursors.keys() {
        let cursor = store.cursor(format!("channel{name}")).await.unwrap();
        cursors.insert(name, cursor.map_or(0, |cursor| cursor.parse::<u128>().unwrap()));
    }
    store.shutdown().await.unwrap();
    let kept = Kept::read(file);

    let mut found = Vec::new();
    let mut check = |holds: bool, what: String| {
        if !holds {
            found.push(what);
        }
    };
    for number in &said.observed {
        check(
            kept.observations.contains(number),
            format!("acknowledged observation {number} is lost"),
        );
    }
    for number in &said.claimed {
        let (is_open, is_ended) = (open.contains_key(&run(*number)), ended.contains(&run(*number)));
        check(
            is_open != is_ended,
            format!("acknowledged claim {number}: open {is_open}, ended {is_ended}"),
        );
    }
    for number in &said.closed {
        check(
            ended.contains(&run(*number)),
            format!("acknowledged record {number} is lost"),
        );
    }
    for (number, open) in said
        .fired
        .iter()
        .filter_map(|number| Some((number, open.get(&run(*number))?)))
    {
        check(
            open.fired.is_some(),
            format!("acknowledged firing {number} is lost"),
        );
        let seen = open
            .observations
            .iter()
            .any(|seen| u128::from(seen.observation.id.0) == *number);
        check(
            seen || !said.observed.contains(number),
            format!("acknowledged observation {number} is not found with its run"),
        );
    }
    for (name, cursor) in &cursors {
        check(
            *cursor >= said.cursors[*name],
            format!("acknowledged cursor {name} is lost"),
        );
        check(
            kept.observations.contains(cursor),
            format!("cursor {name} is ahead of its observation {cursor}"),
        );
    }
    let mut fences = HashSet::new();
    for line in std::fs::read_to_string(ledger).unwrap_or_default().lines() {
        let (fence, number) = line.split_once(' ').unwrap();
        check(
            fences.insert(fence.to_owned()),
            format!("tick {fence} was fired twice"),
        );
        let claimed = kept.claims.contains(&run(number.parse().unwrap()).0);
        check(
            claimed,
            format!("acknowledged claim {number} was fired and has no intent"),
        );
    }
    found
}

/// What the file holds, read without landfall.
struct Kept {
    observations: HashSet<u128>,
    claims: HashSet<uuid::Uuid>,
}

impl Kept {
    fn read(file: &Path) -> Self {
        let file = rusqlite::Connection::open(file).unwrap();
        let whole: String = file
            .query_row("PRAGMA integrity_check", [], |row| row.get(0))
            .unwrap();
        assert_eq!(whole, "ok");
        let mut ids = file.prepare("SELECT id FROM observations").unwrap();
        let ids = ids.query_map([], |row| row.get::<_, i64>(0)).unwrap();
        let observations = ids.map(|id| u128::from(id.unwrap().unsigned_abs())).collect();
        let mut runs = file.prepare("SELECT run FROM claims").unwrap();
        let runs = runs.query_map([], |row| row.get::<_, [u8; 16]>(0)).unwrap();
        let claims = runs.map(|run| uuid::Uuid::from_bytes(run.unwrap())).collect();
        Self { observations, claims }
    }
}
