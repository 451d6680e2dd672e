//! `landfall check --online` as people use it.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::support::dovecot::{Dovecot, PASSWORD, free_port};
use crate::support::whole;

fn check(dir: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_landfall"))
        .args(["-w", dir.to_str().unwrap(), "check"])
        .args(arguments)
        .env("INBOX_PASSWORD", PASSWORD)
        .output()
        .unwrap()
}

fn told(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (text(&output.stdout), text(&output.stderr))
}

fn probe(extra: &Value) -> Value {
    let mut probe = json!({
        "name": "orders",
        "routes": { "one": {}, "two": {} },
        "input": {},
        "request": { "http": { "url": "http://127.0.0.1:1/" } },
        "capture": { "order": "response.json.id" },
        "outcome": [{ "in": "state", "within": "5s" }],
    });
    probe
        .as_object_mut()
        .unwrap()
        .extend(extra.as_object().unwrap().clone());
    probe
}

/// A channel of every kind that a machine without a PostgreSQL can have.
fn channels(dir: &Path, dovecot: &Dovecot) -> Value {
    let db = rusqlite::Connection::open(dir.join("orders.db")).unwrap();
    db.execute_batch("CREATE TABLE IF NOT EXISTS orders (ref TEXT, status TEXT)")
        .unwrap();
    json!({
        "hooks": { "callback": { "signature": { "standard_webhooks": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" } } },
        "mails": { "smtp_sink": { "listen": "127.0.0.1:0", "tls": "self_signed" } },
        "inbox": { "imap": {
            "host": "127.0.0.1", "port": dovecot.imap, "tls": "none", "user": "canary",
            "password": "${env:INBOX_PASSWORD}", "address": "canary+{{ token }}@example.com",
        } },
        "orders": { "sqlite": {
            "path": "orders.db", "query": "SELECT ref AS key, status FROM orders WHERE ref IN (:keys)",
        } },
        "state": { "http": { "url": "http://127.0.0.1:1/orders/{{ order }}" } },
    })
}

#[test]
fn every_channel_is_armed_and_sees_what_is_planted() {
    let (dir, dovecot) = (tempfile::tempdir().unwrap(), Dovecot::start());
    let workspace = json!({ "listen": "127.0.0.1:0", "channels": channels(dir.path(), &dovecot) });
    whole::write(dir.path(), &workspace, &probe(&json!({})));
    let output = check(dir.path(), &["--online"]);
    let (lines, said) = told(&output);
    assert_eq!(output.status.code(), Some(0), "{lines}{said}");
    assert!(said.contains("1 probe, 2 routes, 5 channels, "), "{said}");
    let line = |name: &str| {
        lines
            .lines()
            .find(|l| l.starts_with(name))
            .unwrap_or_else(|| panic!("{lines}"))
    };
    for start in [
        "hooks (callback): armed in ",
        "mails (smtp_sink): armed in ",
        "inbox (imap): armed in ",
    ] {
        assert!(line(start).contains(", planted and seen after "), "{lines}");
    }
    assert!(
        line("orders (sqlite): armed in ").contains("; read-only, nothing planted: "),
        "{lines}"
    );
    assert!(
        line("state (http): cannot be tested without a run: ").contains("order"),
        "{lines}"
    );
    assert!(!dir.path().join("landfall.db").exists(), "a test is no history");
}

#[test]
fn what_cannot_be_reached_is_told_each_with_its_reason() {
    let (dir, dovecot) = (tempfile::tempdir().unwrap(), Dovecot::start());
    let mut channels = channels(dir.path(), &dovecot);
    channels["orders"]["sqlite"]["path"] = json!("missing.db");
    channels["inbox"]["imap"]["password"] = json!("${env:INBOX_PASSWORD}-wrong");
    channels["rows"] = json!({ "postgres": {
        "url": format!("postgres://landfall:h1dden-w0rd@127.0.0.1:{}/x", free_port()),
        "query": "SELECT ref AS key FROM orders WHERE ref = ANY(:keys)",
    } });
    // Somebody else listens there.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = taken.local_addr().unwrap().to_string();
    let workspace = json!({ "listen": listen, "channels": channels });
    let request = json!({ "request": { "http": {
        "url": "https://127.0.0.1:1/", "tls": { "ca": "missing.pem" },
    } } });
    whole::write(dir.path(), &workspace, &probe(&request));
    let output = check(dir.path(), &["--online"]);
    let (lines, said) = told(&output);
    assert_eq!(output.status.code(), Some(4), "{lines}{said}");
    for (start, part) in [
        ("hooks (callback): could not be reached: ", "--listen"),
        ("mails (smtp_sink): armed in ", "planted and seen"),
        ("inbox (imap): could not be armed: ", ""),
        ("orders (sqlite): could not be ", "missing.db"),
        ("rows (postgres): could not be reached: ", ""),
        (
            "orders / one (http): the request could not be built: ",
            "missing.pem",
        ),
    ] {
        let line = lines.lines().find(|l| l.starts_with(start));
        assert!(
            line.is_some_and(|l| l.contains(part)),
            "{start}{part} in\n{lines}"
        );
    }
    assert!(
        !lines.contains("h1dden-w0rd") && !lines.contains(PASSWORD),
        "{lines}"
    );
}

#[test]
fn no_log_line_holds_the_inbox_password() {
    let (dir, dovecot) = (tempfile::tempdir().unwrap(), Dovecot::start());
    let workspace = json!({ "listen": "127.0.0.1:0", "channels": channels(dir.path(), &dovecot) });
    whole::write(dir.path(), &workspace, &probe(&json!({})));
    for filter in ["trace", "async_imap=trace", "async_imap::imap_stream=trace"] {
        let output = Command::new(env!("CARGO_BIN_EXE_landfall"))
            .args(["-w", dir.path().to_str().unwrap(), "check", "--online"])
            .env("INBOX_PASSWORD", PASSWORD)
            .env("LANDFALL_LOG", filter)
            .output()
            .unwrap();
        let (lines, said) = told(&output);
        assert_eq!(output.status.code(), Some(0), "{lines}");
        assert!(!said.contains(PASSWORD), "under {filter}");
    }
}

#[test]
fn what_is_printed_is_yaml_without_secrets_and_errors_are_told() {
    let (dir, dovecot) = (tempfile::tempdir().unwrap(), Dovecot::start());
    let workspace = json!({ "listen": "127.0.0.1:0", "channels": channels(dir.path(), &dovecot) });
    whole::write(dir.path(), &workspace, &probe(&json!({})));
    let output = check(dir.path(), &["--print"]);
    let (printed, said) = told(&output);
    assert_eq!(output.status.code(), Some(0), "{said}");
    let value: Value = serde_yaml::from_str(&printed).unwrap();
    assert_eq!(
        value["workspace"]["channels"]["inbox"]["imap"]["password"], "***",
        "{printed}"
    );
    assert_eq!(value["workspace"]["channels"]["inbox"]["imap"]["user"], "canary");
    whole::write(dir.path(), &workspace, &probe(&json!({ "outcome": [] })));
    let output = check(dir.path(), &["--online"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty(), "nothing is contacted");
}
