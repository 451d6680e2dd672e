//! Lengths, files that nothing names, leftovers, paths of somebody's machine.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use super::{files_below, root, rust_files, text, tree};

const LINES: usize = 400;

/// What is not finished. In parts, so that this file does not hold them.
const LEFTOVERS: &[&str] = &[
    concat!("to", "do!("),
    concat!("unimple", "mented!("),
    concat!("db", "g!("),
    concat!("FIX", "ME"),
    concat!("XX", "X "),
    concat!("#[ig", "nore"),
    concat!("#[al", "low("),
    concat!("#![al", "low("),
];

/// Folders that only somebody's own machine has.
const PLACES: &[&str] = &[
    concat!("/ro", "ot"),
    concat!("/wo", "rk"),
    concat!("/ho", "me/"),
    concat!("/tm", "p/wt"),
    concat!("/Us", "ers/"),
];

#[test]
fn no_file_is_long() {
    let long: Vec<String> = rust_files()
        .iter()
        .map(|path| (path, text(path).lines().count()))
        .filter(|(_, lines)| *lines > LINES)
        .map(|(path, lines)| format!("  {} has {lines} lines", path.display()))
        .collect();
    assert!(
        long.is_empty(),
        "split by what changes together; the limit is {LINES}:\n{}",
        long.join("\n")
    );
}

#[test]
fn every_file_is_named_by_a_mod_line() {
    let named: BTreeSet<PathBuf> = ["src/lib.rs", "src/main.rs", "tests/it/main.rs"]
        .into_iter()
        .flat_map(tree::modules)
        .map(|module| module.file)
        .collect();
    let unnamed: Vec<PathBuf> = rust_files()
        .into_iter()
        .filter(|path| !named.contains(path))
        .collect();
    assert!(unnamed.is_empty(), "no `mod` line names {unnamed:?}");
}

#[test]
fn nothing_is_left_over() {
    let mut found = Vec::new();
    for path in rust_files() {
        for (at, line) in text(&path).lines().enumerate() {
            if LEFTOVERS.iter().any(|leftover| line.contains(leftover)) {
                found.push(format!("  {}:{}: {}", path.display(), at + 1, line.trim()));
            }
        }
    }
    assert!(found.is_empty(), "leftovers:\n{}", found.join("\n"));
}

#[test]
fn no_file_knows_somebodys_machine() {
    let mut found = Vec::new();
    for path in files_below(".") {
        let Ok(text) = fs::read_to_string(root().join(&path)) else {
            continue;
        };
        for (at, line) in text.lines().enumerate() {
            if PLACES.iter().any(|place| names(line, place)) {
                found.push(format!("  {}:{}: {}", path.display(), at + 1, line.trim()));
            }
        }
    }
    assert!(found.is_empty(), "paths of one machine:\n{}", found.join("\n"));
}

#[test]
fn a_place_is_told_from_a_word() {
    let place = PLACES[1];
    assert!(names(&format!("see `{place}/notes`"), place) && names(place, place));
    assert!(!names(&format!("src/sandbox{place}space.rs"), place));
    assert!(!names(&format!("{place}space"), place));
}

/// Whether an absolute path in the line starts with the place.
fn names(line: &str, place: &str) -> bool {
    line.match_indices(place).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + place.len()..].chars().next();
        let part = |c: char| c.is_alphanumeric() || "_-.*}".contains(c);
        !before.is_some_and(part) && (place.ends_with('/') || !after.is_some_and(|c| part(c) && c != '.'))
    })
}

#[test]
fn the_package_holds_what_a_builder_needs() {
    for file in [
        "README.md",
        "LICENSE-APACHE",
        "LICENSE-MIT",
        "CHANGELOG.md",
        "deny.toml",
    ] {
        assert!(root().join(file).is_file(), "{file} is missing");
    }
    let changes = text(&PathBuf::from("CHANGELOG.md"));
    let first = changes.lines().find(|line| line.starts_with("## "));
    assert_eq!(first, Some("## Unreleased"));
}
