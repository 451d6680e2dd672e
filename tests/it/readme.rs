//! What is written for users does what it says: every block of the README is run or loaded, and so is every example
//! and every ready definition.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use landfall::definition::{Environment, LoadOptions, Loaded, load};
use landfall::model::Class;
use landfall::{channel, trigger};
use serde_json::Value;

use super::repository::{files_below, root};

/// The ports that the README gives the sandbox and the daemon; tests take free ones in their place.
const PORTS: [&str; 2] = ["4780", "4790"];

/// A script that takes longer hangs.
const SECONDS: &str = "240";

/// A fenced block.
#[derive(Debug)]
struct Block {
    section: String,
    language: String,
    text: String,
}

fn blocks(markdown: &str) -> Vec<Block> {
    let mut found = Vec::new();
    let mut section = String::new();
    let mut lines = markdown.lines();
    while let Some(line) = lines.next() {
        if let Some(title) = line.strip_prefix("## ") {
            title.clone_into(&mut section);
        }
        let Some(language) = line.strip_prefix("```") else {
            continue;
        };
        let inside: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        found.push(Block {
            section: section.clone(),
            language: language.to_owned(),
            text: inside.iter().map(|line| format!("{line}\n")).collect(),
        });
    }
    found
}

fn readme() -> String {
    fs::read_to_string(root().join("README.md")).unwrap()
}

fn section(title: &str) -> Vec<Block> {
    let mut found = blocks(&readme());
    found.retain(|block| block.section == title);
    assert!(!found.is_empty(), "the README has no blocks under `{title}`");
    found
}

/// One script of all that the blocks say, in their order.
fn script(blocks: &[Block]) -> String {
    let mut script = String::from("set -euo pipefail\ntrap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n");
    for block in blocks {
        match block.language.as_str() {
            "sh" => script.push_str(&block.text),
            "yaml" => {
                let name = file_name(&block.text);
                let folder = Path::new(name).parent().unwrap().display().to_string();
                script.push_str(&format!(
                    "mkdir -p ./{folder}\ncat > {name} <<'END'\n{}END\n",
                    block.text
                ));
            }
            other => panic!("what is a block of `{other}`?"),
        }
        if block.text.trim_end().ends_with('&') {
            // A person takes longer to read on than a server takes to start; a script does not.
            let port = PORTS.into_iter().find(|port| block.text.contains(port));
            let port = port.expect("a server at one of the ports");
            let open = format!("(exec 3<>/dev/tcp/127.0.0.1/{port}) 2>/dev/null");
            script.push_str(&format!(
                "for i in $(seq 200); do {open} && break; sleep 0.05; done\n"
            ));
        }
    }
    PORTS.into_iter().fold(script, |script, port| {
        script.replace(port, &free_port().to_string())
    })
}

/// The file that a block's first line names.
fn file_name(text: &str) -> &str {
    let first = text.lines().next().unwrap_or_default();
    first
        .strip_prefix("# ")
        .filter(|name| name.ends_with(".yaml"))
        .unwrap_or_else(|| panic!("a block of YAML begins with the name of its file, not with `{first}`"))
}

/// Runs a script in a folder, with the binary of this build as `landfall`.
fn run(script: &str, folder: &Path) -> Output {
    let binary = Path::new(env!("CARGO_BIN_EXE_landfall"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(binary.parent().unwrap().to_owned()).chain(std::env::split_paths(&path));
    Command::new("timeout")
        .args(["--kill-after=5", SECONDS, "bash", "-c", script])
        .current_dir(folder)
        .env("PATH", std::env::join_paths(folders).unwrap())
        .env("NO_COLOR", "1")
        .output()
        .unwrap()
}

fn succeeded(script: &str, folder: &Path) -> (String, String) {
    let output = run(script, folder);
    let said = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{script}\n---\n{said}\n---\n{errors}");
    (said, errors)
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

const FIVE_MINUTES: &str = "Five minutes to a probe of your own";

/// The blocks of the five minutes up to the one that begins with `end`, and those from there on.
fn five_minutes() -> (Vec<Block>, Vec<Block>) {
    let mut blocks = section(FIVE_MINUTES);
    let at = blocks
        .iter()
        .position(|block| block.text.starts_with("landfall init"))
        .expect("a block that makes a workspace");
    let rest = blocks.split_off(at);
    (blocks, rest)
}

#[test]
fn the_readme_opens_with_two_commands() {
    let opening: Vec<String> = section("").into_iter().map(|block| block.text).collect();
    assert_eq!(opening, ["cargo run --release -- demo\n", "scripts/test\n"]);
    let help = Command::new(root().join("scripts/test"))
        .arg("--help")
        .output()
        .unwrap();
    assert!(help.status.success() && !help.stdout.is_empty());
    let unknown = Command::new(root().join("scripts/test"))
        .arg("qiuck")
        .output()
        .unwrap();
    assert_eq!(unknown.status.code(), Some(2));
}

#[test]
fn the_first_command_runs() {
    let folder = tempfile::tempdir().unwrap();
    succeeded("landfall demo", folder.path());
    let left: Vec<PathBuf> = fs::read_dir(folder.path())
        .unwrap()
        .flatten()
        .map(|e| e.path())
        .collect();
    assert!(left.is_empty(), "the demo left {left:?}");
}

#[test]
fn five_minutes_end_with_the_verdicts_that_the_readme_tells() {
    let folder = tempfile::tempdir().unwrap();
    let (mut blocks, _) = five_minutes();
    blocks.extend(section("In CI"));
    let (said, errors) = succeeded(&script(&blocks), folder.path());
    assert_eq!(said.matches("exit code 1").count(), 3, "{said}\n---\n{errors}");
    for sentence in [
        "15 of 15 delivered: rules out 80 %, does not show 90 % (needs 29)",
        "0 of 1 delivered: rules out 99 %",
    ] {
        assert!(said.contains(sentence), "{said}");
    }

    let results = fs::read_to_string(folder.path().join("outcomes.json")).unwrap();
    let results: Value = serde_json::from_str(&results).unwrap();
    let mut classes: Vec<(&str, &str)> = results["runs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|run| (run["route"].as_str().unwrap(), run["class"].as_str().unwrap()))
        .collect();
    classes.sort_unstable();
    let (direct, lossy) = (("direct", "delivered"), ("lossy", "lost"));
    assert_eq!(classes, [direct, direct, lossy, lossy]);

    let junit = fs::read_to_string(folder.path().join("outcomes.xml")).unwrap();
    assert!(
        junit.contains("<testsuite") && junit.contains("<failure"),
        "{junit}"
    );
    let truth = fs::read_to_string(folder.path().join("truth.ndjson")).unwrap();
    assert!(said.contains(truth.lines().next().unwrap()), "{said}");
    let dropped = truth.lines().filter(|line| line.contains("\"drop\"")).count();
    // Three runs of each route, and those of the gate: fifteen of one, and of the other until its first loss was known.
    assert_eq!(truth.lines().count() - dropped, 3 + 15, "{truth}");
    assert!((3 + 1..=3 + 15).contains(&dropped), "{truth}");
}

#[test]
fn the_lossy_route_of_the_five_minutes_is_worse() {
    let folder = tempfile::tempdir().unwrap();
    let (mut blocks, _) = five_minutes();
    blocks.retain(|block| !block.text.starts_with("landfall run") && !block.text.starts_with("cat "));
    blocks.retain(|block| !block.text.starts_with("landfall check"));
    blocks.extend(section("Is the other route worse?"));
    let (said, errors) = succeeded(&script(&blocks), folder.path());
    assert!(
        said.contains("lossy: worse\nexit code 1\n"),
        "{said}\n---\n{errors}"
    );
}

#[test]
fn a_made_workspace_runs_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let (_, blocks) = five_minutes();
    succeeded(&script(&blocks), folder.path());
}

#[test]
fn a_workspace_is_served_and_its_runs_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let mut blocks = section("Round the clock");
    let told = blocks.pop().expect("a block that tells of the runs");
    assert!(told.text.starts_with("landfall runs"), "{told:?}");
    // Until the first scheduled run has ended there is nothing to tell.
    let (runs, more) = told.text.split_once('\n').unwrap();
    let again = format!("until {runs} | grep delivered; do sleep 0.1; done\n{more}");
    // The mail server's port is taken where another test serves the same workspace.
    let made = "landfall init watched\n";
    let free = format!("{made}sed -i 's/:2525/:{}/' watched/landfall.yaml\n", free_port());
    let script = script(&blocks).replace(made, &free);
    let (said, _) = succeeded(&(script + &again), folder.path());
    let line = said.lines().find(|line| line.starts_with('{')).unwrap();
    let run: Value = serde_json::from_str(line).unwrap();
    assert_eq!(run["class"], "delivered", "{run}");
}

#[test]
fn the_tables_name_every_class_and_every_kind() {
    let readme = readme();
    for class in Class::ALL {
        assert!(
            readme.contains(&format!("| {} |", class.word())),
            "{}",
            class.word()
        );
    }
    let channels = channel::FACTS.iter().map(|f| f.name);
    for name in channels.chain(trigger::FACTS.iter().map(|f| f.name)) {
        assert!(readme.contains(&format!("| `{name}` |")), "`{name}`");
    }
}

#[test]
fn what_the_pages_link_to_is_there() {
    for page in files_below(".") {
        if page.extension().is_none_or(|e| e != "md") {
            continue;
        }
        let text = fs::read_to_string(root().join(&page)).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let elsewhere = link.contains("://") || link.starts_with("crate::") || link.starts_with('#');
            let file = link.split('#').next().unwrap_or_default();
            let target = root().join(page.parent().unwrap()).join(file);
            assert!(elsewhere || target.exists(), "{}: {link}", page.display());
        }
    }
}

/// The variables that examples read.
struct Variables(BTreeMap<&'static str, &'static str>);

impl Environment for Variables {
    fn variable(&self, name: &str) -> Option<String> {
        self.0.get(name).map(|value| (*value).to_owned())
    }

    fn file(&self, path: &Path) -> Result<String, String> {
        fs::read_to_string(path).map_err(|e| e.to_string())
    }
}

fn loaded(folder: &Path) -> Loaded {
    let variables = [
        ("API_KEY", "key-of-the-canary"),
        ("EVENTS_TOKEN", "token-of-events"),
        ("GMAIL_PASSWORD", "password-of-gmail"),
        ("HOOK_SECRET", "whsec_c2VjcmV0LW9mLXRoZS1ob29rcy0xMjM0"),
        ("IMAP_PASSWORD", "password-of-imap"),
        ("JOBS_URL", "postgres://canary:password-of-jobs@127.0.0.1/jobs"),
        (
            "ORDERS_URL",
            "postgres://canary:password-of-orders@127.0.0.1/shop",
        ),
        ("PAGERDUTY_KEY", "key-of-pagerduty"),
        ("SLACK_PATH", "T000/B000/path-of-slack"),
        ("SMTP_PASSWORD", "password-of-smtp"),
        ("TEAMS_PATH", "webhookb2/path-of-teams"),
    ];
    let options = LoadOptions {
        dir: Some(folder.to_owned()),
        ..LoadOptions::default()
    };
    load(&options, &Variables(variables.into()))
}

fn assert_loads(folder: &Path, what: &str) {
    let loaded = loaded(folder);
    let said = loaded.problems.render(&loaded.sources, false);
    assert_eq!(said, "", "{what}");
    let probes = loaded.workspace.map_or(0, |workspace| workspace.probes.len());
    assert!(probes > 0, "{what} has no probe");
}

#[test]
fn every_example_loads() {
    let listed = fs::read_to_string(root().join("examples/README.md")).unwrap();
    let mut seen = 0;
    for entry in fs::read_dir(root().join("examples")).unwrap().flatten() {
        if !entry.path().is_dir() {
            continue;
        }
        let name = entry.file_name().to_string_lossy().into_owned();
        assert!(
            listed.contains(&format!("]({name})")),
            "examples/README.md lacks {name}"
        );
        // What is no workspace is tested as what it is (`shipped`).
        if !entry.path().join("landfall.yaml").is_file() {
            continue;
        }
        assert_loads(&entry.path(), &name);
        seen += 1;
    }
    assert!(seen >= 3);
}

#[test]
fn every_ready_definition_loads_with_the_workspace_that_it_names() {
    let listed = fs::read_to_string(root().join("probes/README.md")).unwrap();
    let mut seen = 0;
    for path in files_below("probes") {
        if path.extension().is_none_or(|e| e != "yaml") {
            continue;
        }
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        assert!(
            listed.contains(&format!("]({name})")),
            "probes/README.md lacks {name}"
        );
        let text = fs::read_to_string(root().join(&path)).unwrap();
        let workspace: String = text
            .lines()
            .filter_map(|line| line.strip_prefix("#   "))
            .map(|line| format!("{line}\n"))
            .collect();
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("probes")).unwrap();
        fs::write(folder.path().join("landfall.yaml"), workspace).unwrap();
        fs::write(folder.path().join("probes").join(&name), text).unwrap();
        assert_loads(folder.path(), &name);
        seen += 1;
    }
    assert!(seen >= 3);
}
