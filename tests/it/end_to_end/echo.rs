//! S21: a secret that the target echoes in body, header and webhook is in nothing that `landfall run` writes.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

use super::system;
use crate::conformance::secrets::{SECRET, found};
use crate::support::whole;

/// Runs landfall on the workspace, with everything that it could log.
fn landfall(dir: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_landfall"))
        .arg("-w")
        .arg(dir)
        .args(arguments)
        .env("API_KEY", SECRET)
        .env("LANDFALL_LOG", "trace")
        .current_dir(dir)
        .output()
        .unwrap()
}

fn probe() -> Value {
    json!({
        "name": "orders",
        "routes": { "delivered": {}, "captured": {}, "lost": {} },
        "input": {},
        "request": { "http": {
            "method": "POST", "url": "{{ vars.base }}/orders?key={{ vars.key | urlencode }}",
            "headers": { "authorization": "Bearer ${env:API_KEY}" },
            "json": {
                "ref": "{{ token }}", "how": "{{ route.name }}", "key": "{{ vars.key }}",
                "hook": "{{ channels.hooks.url }}", "base": "{{ channels.hooks.base_url }}",
            },
        } },
        "capture": { "order": "response.json.id", "echo": "response.json.echo.plain" },
        "outcome": [{
            "in": "hooks", "within": "3s", "grace": "0s",
            // What was there instead is shown, and is the secret.
            "expect": ["seen.json.echo.plain == \"something else\"", "seen.headers[\"x-echo\"] == \"other\""],
        }],
        "settle": "0s",
        "attributes": { "echo": "response.headers[\"x-echo-base64\"]" },
        "path": ["response.headers[\"x-echo\"]"],
        "fingerprint": ["hooks.json.echo"],
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_echoed_secret_is_in_nothing_that_a_run_writes() {
    let dir = tempfile::tempdir().unwrap();
    let workspace = json!({
        "listen": "127.0.0.1:0",
        "store": "sqlite:landfall.db",
        "vars": { "base": system::start().await, "key": "${env:API_KEY}" },
        "channels": { "hooks": { "callback": {} } },
    });
    whole::write(dir.path(), &workspace, &probe());
    let mut arguments = vec!["run", "-v", "--format", "text"];
    let outs = ["json", "ndjson", "junit", "github", "markdown"].map(|f| format!("{f}=out.{f}"));
    for out in &outs {
        arguments.extend(["--out", out.as_str()]);
    }
    let (path, more) = (dir.path().to_owned(), ["ndjson", "json"]);
    let arguments: Vec<String> = arguments.into_iter().map(str::to_owned).collect();
    let outputs = tokio::task::spawn_blocking(move || {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let mut outputs = vec![landfall(&path, &arguments)];
        for format in more {
            outputs.push(landfall(&path, &["--log-json", "run", "--format", format]));
        }
        outputs.push(landfall(&path, &["run", "--dry-run"]));
        outputs.push(landfall(&path, &["check", "--print", "--online"]));
        outputs
    });
    let outputs = outputs.await.unwrap();
    let said = |output: &Output| String::from_utf8_lossy(&output.stderr).into_owned();
    for (output, code) in outputs.iter().zip([1, 1, 1, 0, 0]) {
        assert_eq!(output.status.code(), Some(code), "{}", said(output));
        assert_eq!(found(&output.stdout), None, "on stdout, code {code}");
        assert_eq!(found(&output.stderr), None, "on stderr, code {code}");
    }
    assert!(said(&outputs[0]).contains("TRACE"), "it was to log everything");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(dir.path()).unwrap() {
        let path = entry.unwrap().path();
        let Some(name) = path.file_name().map(|n| n.to_string_lossy().into_owned()) else {
            continue;
        };
        if path.is_file() {
            assert_eq!(found(&std::fs::read(&path).unwrap()), None, "in {name}");
            names.push(name);
        }
    }
    for name in ["landfall.db", "out.junit", "out.markdown", "out.json"] {
        assert!(names.iter().any(|n| n == name), "{name} is missing: {names:?}");
    }
    // The echo did come in, and was struck out.
    let json: Value = serde_json::from_slice(&outputs[2].stdout).unwrap();
    let runs = json["runs"].as_array().unwrap();
    let run = runs.iter().find(|r| r["route"] == "delivered").unwrap();
    assert_eq!(run["class"], "mismatched", "{run}");
    assert_eq!(
        run["observations"][0]["seen"]["json"]["echo"]["plain"], "***",
        "{run}"
    );
}
