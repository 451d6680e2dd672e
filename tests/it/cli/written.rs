//! Reports reach the file that was named, whole, and what is no plain file stays what it is.

use std::fs;
use std::os::unix::fs::FileTypeExt as _;
use std::process::{Command, Stdio};

use super::{err, landfall};

const PROBE: &str = "name: quiet\nrequest:\n  exec: { command: [\"true\", \"{{ token }}\"] }\n\
                     outcome:\n  - in: hooks\n    times: 0\n    within: 100ms\nsettle: 0s\n";

fn workspace() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    let text =
        "store: memory\nlisten: 127.0.0.1:0\nallow_exec: true\nchannels: { hooks: { callback: {} } }\n";
    fs::write(dir.path().join("landfall.yaml"), text).expect("written");
    fs::create_dir(dir.path().join("probes")).expect("a folder");
    fs::write(dir.path().join("probes/quiet.yaml"), PROBE).expect("written");
    dir
}

#[test]
fn a_pipe_is_written_to_and_not_replaced() {
    let dir = workspace();
    let pipe = dir.path().join("pipe");
    let made = Command::new("mkfifo").arg(&pipe).status().expect("mkfifo");
    assert!(made.success());
    let reader = Command::new("cat")
        .arg(&pipe)
        .stdout(Stdio::piped())
        .spawn()
        .expect("cat");
    let ran = landfall(dir.path(), &["run", "--out", "json=pipe"]);
    assert_eq!(ran.status.code(), Some(0), "{}", err(&ran));
    let kind = fs::symlink_metadata(&pipe).expect("still there").file_type();
    assert!(kind.is_fifo(), "the pipe was replaced");
    let read = reader.wait_with_output().expect("read").stdout;
    let results: serde_json::Value = serde_json::from_slice(&read).expect("the whole report");
    assert_eq!(results["runs"][0]["class"], "delivered");
}

#[test]
fn a_link_stays_a_link() {
    let dir = workspace();
    fs::write(dir.path().join("kept.json"), "old").expect("written");
    std::os::unix::fs::symlink("kept.json", dir.path().join("link.json")).expect("linked");
    let ran = landfall(dir.path(), &["run", "--out", "json=link.json"]);
    assert_eq!(ran.status.code(), Some(0), "{}", err(&ran));
    assert!(
        fs::symlink_metadata(dir.path().join("link.json"))
            .expect("there")
            .is_symlink()
    );
    let text = fs::read_to_string(dir.path().join("kept.json")).expect("text");
    assert!(text.contains("\"runs\""), "{text}");
}

#[test]
fn one_file_for_two_reports_is_refused() {
    let dir = workspace();
    let ran = landfall(dir.path(), &["run", "--out", "json=a", "--out", "junit=a"]);
    assert_eq!(ran.status.code(), Some(2), "{}", err(&ran));
    assert!(err(&ran).contains("names `a` twice"), "{}", err(&ran));
}

#[test]
fn a_full_disk_under_stdout_is_said_and_is_not_success() {
    let dir = workspace();
    for format in ["json", "ndjson", "text"] {
        let full = fs::OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .expect("/dev/full");
        let ran = Command::new(env!("CARGO_BIN_EXE_landfall"))
            .args(["run", "--format", format])
            .current_dir(dir.path())
            .stdout(full)
            .output()
            .expect("landfall starts");
        assert_eq!(ran.status.code(), Some(2), "{format}: {}", err(&ran));
        assert!(
            err(&ran).contains("standard output cannot be written: No space left"),
            "{format}: {}",
            err(&ran)
        );
    }
}
