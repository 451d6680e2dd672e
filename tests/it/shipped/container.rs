//! The image and the compose file, read without an engine.

use std::collections::BTreeSet;

use landfall::definition::Environment;
use regex::Regex;
use serde_json::Value;

use super::unit::usual_stop_grace;
use super::{HASH, assert_checks, assert_taken, example, list, text, words, yaml};
use crate::repository::root;

/// The instructions of a Dockerfile, each with what follows it.
fn instructions(text: &str) -> Vec<(String, String)> {
    let lines: Vec<&str> = text.lines().filter(|l| !l.starts_with('#')).collect();
    let joined = lines.join("\n").replace("\\\n", " ");
    let lines = joined.lines().filter_map(|line| line.split_once(' '));
    lines
        .map(|(instruction, rest)| (instruction.to_owned(), rest.trim().to_owned()))
        .collect()
}

/// What is wrong with a Dockerfile whose context is the project's folder.
fn problems(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut last = Vec::new();
    let mut stages = BTreeSet::new();
    for (instruction, rest) in instructions(text) {
        let words: Vec<&str> = rest.split_whitespace().collect();
        match instruction.as_str() {
            "FROM" => {
                last.clear();
                if words[0] != "scratch" && !stages.contains(words[0]) && !pinned(words[0]) {
                    found.push(format!("FROM {}: no version is named", words[0]));
                }
                stages.extend(words.get(2).copied().map(str::to_owned));
            }
            "COPY" | "ADD" => {
                let sources = &words[..words.len() - 1];
                if let Some(stage) = sources[0].strip_prefix("--from=") {
                    if !stages.contains(stage) {
                        found.push(format!("COPY: there is no stage `{stage}`"));
                    }
                } else {
                    let missing = sources.iter().filter(|s| !root().join(s).exists());
                    found.extend(missing.map(|s| format!("COPY: there is no `{s}`")));
                }
            }
            "ENTRYPOINT" | "CMD" if serde_json::from_str::<Vec<String>>(&rest).is_err() => {
                found.push(format!("{instruction} is run by a shell"));
            }
            _ => {}
        }
        last.push((instruction, rest));
    }
    let user = last.iter().rfind(|(instruction, _)| instruction == "USER");
    let numeric = Regex::new(r"^[1-9]\d*(:[1-9]\d*)?$").unwrap();
    if !user.is_some_and(|(_, user)| numeric.is_match(user)) {
        found.push(String::from("USER is no number above 0"));
    }
    if !last.iter().any(|(instruction, _)| instruction == "ENTRYPOINT") {
        found.push(String::from("there is no ENTRYPOINT"));
    }
    found
}

/// Whether an image is named by a version.
fn pinned(image: &str) -> bool {
    let tag = image.rsplit('/').next().unwrap().split_once(':');
    tag.is_some_and(|(_, tag)| Regex::new(r"^v?\d+\.\d+\.\d+").unwrap().is_match(tag))
}

#[test]
fn the_image_is_made_of_what_is_there_and_run_by_nobody_in_particular() {
    let text = text("deploy/Dockerfile");
    assert_eq!(problems(&text), [""; 0]);
    let of = |name: &str| {
        let all = instructions(&text);
        let found = all.into_iter().rfind(|(instruction, _)| instruction == name);
        found.map(|(_, rest)| rest).unwrap()
    };
    let command: Vec<String> = serde_json::from_str(&of("CMD")).unwrap();
    assert_taken(&command);
    assert_eq!(of("VOLUME"), "/var/lib/landfall");
    let minimum = env!("CARGO_PKG_RUST_VERSION");
    assert!(
        text.contains(&format!("FROM rust:{minimum}.")),
        "the crate needs Rust {minimum}"
    );
    // Cargo reads the manifest whole: what it names must be there.
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    assert!(!manifest.contains("[[bench]]") || text.contains("COPY benches benches"));
}

#[test]
fn what_is_wrong_with_an_image_is_found() {
    for (wrong, problem) in [
        (
            "FROM debian:latest\nUSER 1\nENTRYPOINT [\"/x\"]\n",
            "FROM debian:latest: no version is named",
        ),
        (
            "FROM debian\nUSER 1\nENTRYPOINT [\"/x\"]\n",
            "FROM debian: no version is named",
        ),
        (
            "FROM scratch\nUSER nobody\nENTRYPOINT [\"/x\"]\n",
            "USER is no number above 0",
        ),
        ("FROM scratch\nENTRYPOINT [\"/x\"]\n", "USER is no number above 0"),
        (
            "FROM scratch\nUSER 1\nENTRYPOINT /x\n",
            "ENTRYPOINT is run by a shell",
        ),
        (
            "FROM scratch\nCOPY srk /\nUSER 1\nENTRYPOINT [\"/x\"]\n",
            "COPY: there is no `srk`",
        ),
    ] {
        assert_eq!(problems(wrong), [problem], "{wrong}");
    }
}

/// The variables of compose.yaml, and nothing of this machine.
pub(super) struct Given(pub(super) Vec<(String, String)>);

impl Environment for Given {
    fn variable(&self, name: &str) -> Option<String> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.clone())
    }

    fn file(&self, path: &std::path::Path) -> Result<String, String> {
        Err(format!("{} is not there", path.display()))
    }
}

#[test]
fn the_workspace_of_compose_loads_with_what_compose_gives_it() {
    let compose = yaml("deploy/compose.yaml");
    let given = compose["services"]["landfall"]["environment"]
        .as_object()
        .unwrap();
    let names: Vec<&str> = given.keys().map(String::as_str).collect();
    assert_eq!(names, ["LANDFALL_METRICS_HASH"]);
    assert_checks(&example("deploy/workspace"), &[("LANDFALL_METRICS_HASH", HASH)]);
}

#[test]
fn compose_starts_what_there_is() {
    let compose = yaml("deploy/compose.yaml");
    let ours = format!("landfall:{}", env!("CARGO_PKG_VERSION"));
    let mut of_ours = 0;
    for (name, service) in compose["services"].as_object().unwrap() {
        let image = service["image"].as_str().unwrap();
        assert!(pinned(image), "{name}: {image}");
        if image.starts_with("landfall:") {
            assert_eq!(image, ours);
            assert_taken(&words(&service["command"]));
            of_ours += 1;
        }
        for mount in words(&service["volumes"]) {
            let source = mount.split(':').next().unwrap();
            let there = if source.starts_with('.') {
                example("deploy").join(source).exists()
            } else {
                compose["volumes"].as_object().unwrap().contains_key(source)
            };
            assert!(there, "{name}: there is no {source}");
        }
        for secret in words(&service["secrets"]) {
            assert!(compose["secrets"][&secret].is_object(), "{name}: {secret}");
        }
    }
    assert_eq!(of_ours, 2);
}

#[test]
fn the_parts_of_compose_reach_each_other() {
    let compose = yaml("deploy/compose.yaml");
    let workspace: Value = yaml("deploy/workspace/landfall.yaml");
    let port = |key: &str| {
        workspace[key]
            .as_str()
            .unwrap()
            .rsplit(':')
            .next()
            .unwrap()
            .to_owned()
    };
    let (callbacks, admin) = (port("listen"), port("admin"));
    let service = &compose["services"]["landfall"];
    assert_eq!(
        words(&service["ports"]),
        [
            format!("{callbacks}:{callbacks}"),
            format!("127.0.0.1:{admin}:{admin}")
        ]
    );
    assert!(words(&service["volumes"]).contains(&String::from("./workspace:/etc/landfall:ro")));
    assert_eq!(workspace["public_url"], format!("http://landfall:{callbacks}"));
    let exposed = format!("EXPOSE {callbacks} {admin}\n");
    assert!(text("deploy/Dockerfile").contains(&exposed), "{exposed}");
    let command = words(&compose["services"]["sandbox"]["command"]).join(" ");
    let base = workspace["vars"]["base"].as_str().unwrap();
    assert!(
        command.ends_with(&base.replace("http://sandbox:", "0.0.0.0:")),
        "{command}"
    );

    let prometheus = yaml("deploy/prometheus.yml");
    let job = &list(&prometheus["scrape_configs"])[0];
    assert_eq!(job["job_name"], "landfall");
    assert_eq!(
        words(&job["static_configs"][0]["targets"]),
        [format!("landfall:{admin}")]
    );
    let secret = words(&compose["services"]["prometheus"]["secrets"]).remove(0);
    assert_eq!(
        job["authorization"]["credentials_file"],
        format!("/run/secrets/{secret}")
    );

    let stop = service["stop_grace_period"]
        .as_str()
        .unwrap()
        .trim_end_matches('s');
    assert!(stop.parse::<u64>().unwrap() > usual_stop_grace().as_secs());
}
