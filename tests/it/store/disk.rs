//! The disk is full, or fails: nothing is acknowledged that is not durable, reads go on, and it recovers by itself.

use std::path::{Path, PathBuf};
use std::process::Command;

use landfall::model::{Fault, Reason};
use landfall::store::{Claim, SqliteStore, Store};

use super::child::{Role, Worker, without_reads};
use super::make::{intent, observation, open, options};

/// A file system of a few megabytes.
struct Small(tempfile::TempDir);

impl Small {
    fn mount() -> Result<Self, String> {
        let folder = tempfile::tempdir().unwrap();
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=3m", "tmpfs"])
            .arg(folder.path())
            .output()
            .map_err(|e| e.to_string())?;
        if mount.status.success() {
            Ok(Self(folder))
        } else {
            Err(String::from_utf8_lossy(&mount.stderr).into_owned())
        }
    }

    /// Takes all the room there is.
    fn fill(&self) -> PathBuf {
        let ballast = self.0.path().join("ballast");
        let full = std::fs::write(&ballast, vec![0; 4 << 20]).unwrap_err();
        assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
        ballast
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _unmounted = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

/// Observes until the store refuses; the ids it took and what it said.
async fn until_refused(store: &SqliteStore, from: u64) -> (Vec<u64>, Fault) {
    let mut taken = Vec::new();
    for id in from..from + 20_000 {
        match store.observe(observation(id, &[])).await {
            Ok(()) => taken.push(id),
            Err(refused) => return (taken, refused),
        }
    }
    panic!("20,000 observations fit where hardly any should");
}

fn kept(file: &Path) -> Vec<u64> {
    let file = rusqlite::Connection::open(file).unwrap();
    let mut ids = file.prepare("SELECT id FROM observations ORDER BY id").unwrap();
    let ids = ids.query_map([], |row| row.get::<_, i64>(0)).unwrap();
    ids.map(|id| id.unwrap().unsigned_abs()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_and_recovers() {
    let small = match Small::mount() {
        Ok(small) => small,
        Err(e) => {
            eprintln!("no file system of its own ({e}): a limit on the file stands in for the full disk");
            return a_file_at_its_limit().await;
        }
    };
    let file = small.0.path().join("landfall.db");
    let store = open(&file);
    store.claim(vec![intent(1, "a")]).await.unwrap();
    let ballast = small.fill();
    let (mut taken, refused) = until_refused(&store, 1).await;
    assert_eq!(refused.reason, Reason::Store);
    assert!(
        refused.message.contains("no room left") && refused.message.contains("landfall.db"),
        "{refused}"
    );
    assert!(
        store.claim(vec![intent(2, "a")]).await.is_err(),
        "nothing may be fired"
    );
    assert_eq!(store.open_runs().await.unwrap().len(), 1, "reads go on");

    std::fs::remove_file(ballast).unwrap();
    store
        .observe(observation(50_000, &[]))
        .await
        .expect("recovers by itself");
    taken.push(50_000);
    assert_eq!(
        store.claim(vec![intent(2, "a")]).await.unwrap(),
        [Claim::Won],
        "it was not on record"
    );
    store.shutdown().await.unwrap();
    assert_eq!(
        kept(&file),
        taken,
        "all that was acknowledged, and nothing that was refused"
    );
    assert_eq!(open(&file).open_runs().await.unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_at_its_limit_refuses_and_recovers() {
    a_file_at_its_limit().await;
}

async fn a_file_at_its_limit() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("landfall.db");
    let mut limited = options();
    limited.max_bytes = Some(400_000);
    let store = SqliteStore::open(&file, limited).unwrap();
    let (mut taken, refused) = until_refused(&store, 1).await;
    assert!(refused.message.contains("no room left"), "{refused}");
    assert!(!taken.is_empty());
    assert_eq!(
        store.last_observation().await.unwrap().unwrap().0,
        taken[taken.len() - 1]
    );
    store.shutdown().await.unwrap();
    let roomy = open(&file);
    roomy.observe(observation(50_000, &[])).await.unwrap();
    taken.push(50_000);
    roomy.shutdown().await.unwrap();
    assert_eq!(kept(&file), taken);
}

/// Ids of the runs that the file has a claim of.
fn claimed(file: &Path) -> Vec<u64> {
    let file = rusqlite::Connection::open(file).unwrap();
    let mut tokens = file
        .prepare("SELECT i.intent ->> 'token' FROM claims c JOIN intents i ON i.run = c.run ORDER BY c.run")
        .unwrap();
    let tokens = tokens.query_map([], |row| row.get::<_, String>(0)).unwrap();
    tokens
        .map(|token| token.unwrap()["token".len()..].parse().unwrap())
        .collect()
}

/// What a child says while `fsync` fails as `when` says, and what observations and claims the file holds afterwards.
fn with_failing_fsync(when: &str, more: &[(&str, String)]) -> (Vec<String>, Vec<u64>, Vec<u64>) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("landfall.db");
    let inject = format!("inject=fsync:error=EIO:when={when}");
    let trace = folder.path().join("trace");
    let wrapper = [
        "strace",
        "-f",
        "-e",
        "trace=fsync",
        "-e",
        &inject,
        "-o",
        trace.to_str().unwrap(),
    ];
    let mut worker = Worker::start(Role::Observe, &file, &wrapper, more);
    let said: Vec<String> = std::iter::from_fn(|| worker.line()).collect();
    assert_eq!(said.last().map(String::as_str), Some("end"), "{said:?}");
    let (kept, claimed) = (kept(&file), claimed(&file));
    (said, kept, claimed)
}

fn numbers(said: &[String], word: &str) -> Vec<u64> {
    said.iter()
        .filter_map(|line| line.strip_prefix(word)?.parse().ok())
        .collect()
}

#[test]
fn a_failed_fsync_costs_the_connection_and_acknowledges_nothing() {
    for more in [&[][..], &without_reads()] {
        let (said, kept, claims) = with_failing_fsync("60..65", more);
        let refused: Vec<&String> = said.iter().filter(|line| line.starts_with("refused")).collect();
        assert!(!refused.is_empty(), "strace made no fsync fail: {said:?}");
        for line in &refused {
            assert!(
                line.contains("store: the disk under the store") && line.contains("reopened and verified"),
                "{line}"
            );
        }
        let observed = numbers(&said, "observed ");
        assert_eq!(observed.last(), Some(&120), "it goes on once the disk does");
        assert!(
            observed.iter().all(|id| kept.contains(id)),
            "{observed:?} against {kept:?}"
        );
        assert_eq!(
            claims,
            numbers(&said, "claimed "),
            "a claim that was refused is withdrawn"
        );
        assert!(said.iter().all(|line| line != "read false"));
    }
}

#[test]
fn a_disk_that_stays_broken_takes_nothing_and_is_read_all_the_same() {
    let (said, kept, _) = with_failing_fsync("60+", &[]);
    let observed = numbers(&said, "observed ");
    let last = observed.last().copied().unwrap_or(0);
    assert!(last > 0 && last < 120, "{observed:?}");
    assert_eq!(
        observed.len() as u64,
        last,
        "nothing is taken once the disk has failed"
    );
    assert!(
        observed.iter().all(|id| kept.contains(id)),
        "{observed:?} against {kept:?}"
    );
    assert!(said.iter().all(|line| line != "read false"), "reads go on");
}
