//! Completions are taken by the shells they are for.

use std::io::Write as _;
use std::process::{Command, Stdio};

use super::{landfall, out, root};

#[test]
fn bash_reads_its_completions() {
    let text = out(&landfall(&root(), &["completions", "bash"]));
    assert!(text.contains("landfall") && text.contains("reference"), "{text}");
    let mut bash = Command::new("bash")
        .arg("-n")
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("bash is installed: apt-get install bash");
    bash.stdin
        .take()
        .expect("a pipe")
        .write_all(text.as_bytes())
        .expect("written");
    let read = bash.wait_with_output().expect("bash ends");
    assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
}

#[test]
fn every_shell_has_completions_that_name_every_command() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let text = out(&landfall(&root(), &["completions", shell]));
        for command in [
            "run",
            "check",
            "demo",
            "sandbox",
            "init",
            "schema",
            "reference",
            "completions",
        ] {
            assert!(text.contains(command), "{shell}: {command}");
        }
    }
    let zsh = out(&landfall(&root(), &["completions", "zsh"]));
    assert!(zsh.starts_with("#compdef landfall"), "{zsh}");
}
