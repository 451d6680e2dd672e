//! What `init` writes runs as it is.

use std::fs;

use serde_json::Value;

use super::{err, landfall, out};

#[test]
fn what_is_written_runs_green_with_the_two_commands() {
    let dir = tempfile::tempdir().expect("a folder");
    let made = landfall(dir.path(), &["init", "x"]);
    assert_eq!(made.status.code(), Some(0), "{}", err(&made));
    assert!(out(&made).contains("x/landfall.yaml") && out(&made).contains("x/probes/hello.yaml"));
    assert!(
        err(&made).contains("cd x\n") && err(&made).contains("landfall run"),
        "{}",
        err(&made)
    );

    // A port that is free on this machine, in place of the usual one.
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .and_then(|s| s.local_addr())
        .expect("a port")
        .port();
    let file = dir.path().join("x/landfall.yaml");
    let text = fs::read_to_string(&file).expect("text");
    fs::write(
        &file,
        text.replace("127.0.0.1:2525", &format!("127.0.0.1:{port}")),
    )
    .expect("written");
    let fired = landfall(&dir.path().join("x"), &["run", "--format", "json"]);
    assert_eq!(fired.status.code(), Some(0), "{}{}", out(&fired), err(&fired));
    let results: Value = serde_json::from_str(&out(&fired)).expect("JSON");
    let runs = results["runs"].as_array().expect("runs");
    assert_eq!(runs.len(), 2, "{results}");
    assert!(
        runs.iter()
            .all(|run| run["class"] == "delivered" && run["probe"] == "hello"),
        "{results}"
    );
}

#[test]
fn both_probes_load_without_a_word_and_name_schemas_that_are_there() {
    let dir = tempfile::tempdir().expect("a folder");
    landfall(dir.path(), &["init"]);
    let checked = landfall(dir.path(), &["check"]);
    assert_eq!(checked.status.code(), Some(0), "{}", err(&checked));
    assert!(!err(&checked).contains("warning["), "{}", err(&checked));
    for file in ["landfall.yaml", "probes/hello.yaml", "probes/message.yaml"] {
        let file = dir.path().join(file);
        let text = fs::read_to_string(&file).expect("written");
        let schema = text
            .lines()
            .next()
            .and_then(|l| l.strip_prefix("# yaml-language-server: $schema="));
        let schema = file
            .parent()
            .expect("a folder")
            .join(schema.expect("a line that names the schema"));
        let schema: Value = serde_json::from_slice(&fs::read(schema).expect("the schema")).expect("JSON");
        let value: Value = serde_yaml::from_str(&text).expect("YAML");
        assert_eq!(super::validator::problems(&schema, &value), Vec::<String>::new());
    }
}

#[test]
fn nothing_is_overwritten_and_then_nothing_is_written() {
    let dir = tempfile::tempdir().expect("a folder");
    fs::create_dir(dir.path().join("probes")).expect("a folder");
    fs::write(dir.path().join("probes/hello.yaml"), "mine").expect("written");
    let refused = landfall(dir.path(), &["init", "."]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(
        err(&refused).contains("probes/hello.yaml` exists already"),
        "{}",
        err(&refused)
    );
    assert_eq!(
        fs::read_to_string(dir.path().join("probes/hello.yaml")).expect("text"),
        "mine"
    );
    assert!(!dir.path().join("landfall.yaml").exists() && !dir.path().join("schema").exists());
}
