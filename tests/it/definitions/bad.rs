//! One case and one golden message a rule. `UPDATE=1 cargo test --test it definitions` writes the messages anew.
//!
//! A case is a YAML file: a probe in a usual workspace, or, where its name begins with `landfall-`, a `landfall.yaml`;
//! or it is a folder, which is a workspace itself.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use landfall::diag::Code;

use super::{cases, load_dir, write};

/// The workspace that probes of the cases live in.
const WORKSPACE: &str = "\
vars: { base: \"https://api.example.com\" }
alerts: { oncall: { webhook: { url: \"https://a.test/\" } } }
channels:
  hooks: { callback: {} }
  inbox: { smtp_sink: { listen: \"127.0.0.1:0\" } }
  orders: { sqlite: { path: orders.db, query: \"SELECT ref AS key, status FROM orders WHERE ref IN (:keys)\" } }
";

/// Codes that no file can bring about: the test that does is named.
const ELSEWHERE: &[(Code, &str)] = &[
    (Code::NoWorkspace, "good::the_workspace_is_found_upwards"),
    (
        Code::UnreadableFile,
        "hostile::bytes_that_are_no_text_are_refused_with_their_place",
    ),
    (
        Code::Override,
        "good::variables_from_the_command_line_go_before_and_keep_their_type",
    ),
];

#[test]
fn every_rule_says_what_it_should() {
    let update = std::env::var_os("UPDATE").is_some();
    let mut codes = BTreeSet::new();
    let mut wrong = Vec::new();
    let entries = all();
    for case in &entries {
        let dir = workspace_of(case);
        let loaded = load_dir(dir.path());
        let said = loaded.problems.render(&loaded.sources, false);
        assert!(!said.is_empty(), "{}: nothing is wrong with it", case.display());
        codes.extend(loaded.problems.all().iter().map(|p| p.code));
        let golden = PathBuf::from(format!("{}.stderr", case.with_extension("").display()));
        if update {
            fs::write(&golden, &said).expect("written");
        }
        let expected = fs::read_to_string(&golden).unwrap_or_default();
        if expected != said {
            wrong.push(format!(
                "{}\n--- expected\n{expected}\n--- said\n{said}",
                case.display()
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    codes.extend(ELSEWHERE.iter().map(|(code, _)| *code));
    let missing: Vec<&str> = Code::ALL
        .iter()
        .filter(|c| !codes.contains(c))
        .map(|c| c.word())
        .collect();
    assert!(missing.is_empty(), "codes without a case: {missing:?}");
}

#[test]
fn every_golden_message_has_its_case() {
    let cases: BTreeSet<PathBuf> = all().iter().map(|c| c.with_extension("")).collect();
    for entry in fs::read_dir(super::cases("bad")).expect("the cases").flatten() {
        let path = entry.path();
        if path.extension().is_some_and(|e| e == "stderr") {
            assert!(
                cases.contains(&path.with_extension("")),
                "{} has no case",
                path.display()
            );
        }
    }
}

#[test]
fn codes_are_words_of_their_own() {
    let words: BTreeSet<&str> = Code::ALL.iter().map(|c| c.word()).collect();
    assert_eq!(words.len(), Code::ALL.len());
    for code in Code::ALL {
        assert!(
            code.word().chars().all(|c| c.is_ascii_lowercase() || c == '-'),
            "{code:?}"
        );
        assert!(
            code.sentence().ends_with('.') && code.sentence().len() > 10,
            "{code:?}: {}",
            code.sentence()
        );
    }
}

fn all() -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = fs::read_dir(cases("bad"))
        .expect("the cases")
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.is_dir() || path.extension().is_some_and(|e| e == "yaml"))
        .collect();
    all.sort();
    all
}

fn workspace_of(case: &Path) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let name = case.file_name().expect("a name").to_string_lossy().into_owned();
    if case.is_dir() {
        copy(case, case, dir.path());
        return dir;
    }
    let text = fs::read(case).expect("the case");
    if name.starts_with("landfall-") {
        write(dir.path(), "landfall.yaml", &text);
    } else {
        write(dir.path(), "landfall.yaml", WORKSPACE.as_bytes());
        write(dir.path(), &format!("probes/{name}"), &text);
    }
    dir
}

fn copy(root: &Path, from: &Path, to: &Path) {
    for entry in fs::read_dir(from).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            copy(root, &path, to);
        } else {
            let name = path
                .strip_prefix(root)
                .expect("below")
                .to_string_lossy()
                .into_owned();
            write(to, &name, &fs::read(&path).expect("a file"));
        }
    }
}
