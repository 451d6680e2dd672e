//! The files: written before the answer, whole at the end, and never behind what was done.

use landfall::sandbox::{Entry, FaultKind, Ledger, Options, Script, SentLine, sent_path};

use super::Bench;
use crate::support::channel::eventually;

fn lines<T: serde::de::DeserializeOwned>(path: &std::path::Path) -> Vec<T> {
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'), "no half line");
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

async fn with_ledger(dir: &std::path::Path, script: &str) -> (Bench, std::path::PathBuf) {
    let path = dir.join("ledger.ndjson");
    let ledger = Ledger::File(path.clone());
    let faults = Script::parse("test", script).unwrap();
    let bench = Bench::with(|options| Options {
        ledger,
        faults,
        ..options
    });
    (bench.await, path)
}

#[tokio::test]
async fn a_line_stands_before_the_answer_and_reads_back() {
    let dir = tempfile::tempdir().unwrap();
    let (bench, path) = with_ledger(dir.path(), "").await;
    for (n, fault) in [FaultKind::None, FaultKind::Refuse, FaultKind::Duplicate]
        .into_iter()
        .enumerate()
    {
        bench
            .post("alpha", &format!("r{n}"), &format!("fault:{fault}"))
            .await;
        let entries: Vec<Entry> = lines(&path);
        assert_eq!(entries.len(), n + 1);
        assert_eq!(entries[n].fault, fault);
    }
    let raw: serde_json::Value = lines(&path).remove(0);
    for key in [
        "ref", "id", "route", "received", "fault", "provider", "answer", "outcomes",
    ] {
        assert!(raw.get(key).is_some(), "{key} is missing in {raw}");
    }
    assert!(raw["outcomes"][0]["channel"].is_string() && raw["outcomes"][0]["at"].is_string());

    let truth = bench.settled("r2").await;
    let entries: Vec<Entry> = lines(&path);
    let microseconds = |at: landfall::model::Moment| at.0 / 1_000;
    assert_eq!(
        microseconds(entries[2].received),
        microseconds(truth.entry.received)
    );
    assert_eq!(entries[2].outcomes.len(), truth.entry.outcomes.len());
    let sent: Vec<SentLine> = lines(&sent_path(&path));
    let of_message = sent.iter().filter(|line| line.id == truth.entry.id).count();
    assert_eq!(of_message, truth.sent.iter().map(Vec::len).sum::<usize>());
}

#[tokio::test]
async fn a_stop_gives_up_what_is_not_due_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let (bench, path) = with_ledger(dir.path(), "default: { faults: [{ fault: delay, delay: 60s }] }").await;
    for n in 0..5 {
        bench.post("alpha", &format!("r{n}"), "x").await;
    }
    eventually("the rows to be queued", || {
        let sent: Vec<SentLine> = lines(&sent_path(&path));
        (sent.len() >= 10).then_some(())
    })
    .await;
    let waiting = bench.request("alpha", "waits", "fault:no_answer").send();
    let stopping = async {
        eventually("the last to be taken", || {
            (lines::<Entry>(&path).len() == 6).then_some(())
        })
        .await;
        bench.stop.cancel();
    };
    let (answer, ()) = futures::join!(waiting, stopping);
    assert!(answer.is_err());
    bench.sandbox.join().await.unwrap();
    let entries: Vec<Entry> = lines(&path);
    let sent: Vec<SentLine> = lines(&sent_path(&path));
    for entry in entries {
        for (at, outcome) in entry.outcomes.iter().enumerate() {
            let told = sent
                .iter()
                .filter(|line| line.id == entry.id && line.outcome == at)
                .count();
            assert!(told >= 1, "{outcome:?} has no end");
        }
    }
    let stopped = |line: &&SentLine| line.attempt.error.as_deref() == Some("stopped before it was sent");
    assert!(sent.iter().filter(stopped).count() >= 15);
    assert!(bench.hooks.of("r0").is_empty());
}

#[tokio::test]
async fn what_cannot_be_recorded_is_not_done() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("full");
    std::os::unix::fs::symlink("/dev/full", &path).unwrap();
    let bench = Bench::with(|options| Options {
        ledger: Ledger::File(path),
        ..options
    })
    .await;
    let response = bench.post("alpha", "r1", "x").await;
    assert_eq!(response.status(), 503);
    let body = response.text().await.unwrap();
    assert!(body.contains("cannot write the ledger"), "{body}");
    let counts = bench.sandbox.counts();
    assert_eq!((counts.messages, counts.unrecorded, counts.open), (0, 1, 0));
    assert!(bench.sandbox.truth().is_empty());
}
