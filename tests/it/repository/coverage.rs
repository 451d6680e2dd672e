//! `tests/COVERAGE.md` says which test holds each rule that others rely on: every test that it names is there, and no
//! row is without one.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use super::{root, text, tree};

/// The rows of the fault and security tables that have a test.
fn rows() -> Vec<String> {
    let faults = (1..=15)
        .chain(19..=34)
        .chain([41, 42, 53, 54])
        .map(|n| format!("F{n}"));
    let security = (1..=25)
        .chain([27, 28, 29, 30, 31])
        .chain(35..=40)
        .map(|n| format!("S{n}"));
    faults.chain(security).collect()
}

/// The file of each module, by its path, of the tests and of the crate.
fn modules() -> BTreeMap<String, Vec<PathBuf>> {
    let mut files: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    for module in tree::modules("tests/it/main.rs")
        .into_iter()
        .chain(tree::modules("src/lib.rs"))
    {
        files.entry(module.path.join("::")).or_default().push(module.file);
    }
    files
}

/// Whether `a::b::name` is a function of the file that holds the module `a::b`, or a module within it.
fn is_there(name: &str, files: &BTreeMap<String, Vec<PathBuf>>) -> bool {
    let Some((mut module, function)) = name.rsplit_once("::") else {
        return false;
    };
    let wanted = format!("fn {function}(");
    loop {
        let found = files.get(module).into_iter().flatten();
        if found.into_iter().any(|file| text(file).contains(&wanted)) {
            return true;
        }
        match module.rsplit_once("::") {
            Some((above, _)) => module = above,
            None => return false,
        }
    }
}

/// The names between backticks that are paths of tests.
fn named(cell: &str) -> Vec<&str> {
    let quoted = cell.split('`').skip(1).step_by(2);
    quoted.filter(|name| name.contains("::")).collect()
}

#[test]
fn every_row_has_its_tests_and_every_test_that_is_named_is_there() {
    let page = fs::read_to_string(root().join("tests/COVERAGE.md")).unwrap();
    let files = modules();
    let mut covered = Vec::new();
    let mut wrong = Vec::new();
    for line in page.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        if matches!(cells[0], "row" | "---" | "what") {
            continue;
        }
        let tests = named(line);
        if tests.is_empty() {
            wrong.push(format!("  {}: no test is named", cells[0]));
        }
        let missing = tests.iter().filter(|name| !is_there(name, &files));
        wrong.extend(missing.map(|name| format!("  {}: there is no `{name}`", cells[0])));
        covered.push(cells[0].to_owned());
    }
    let rows = rows();
    wrong.extend(
        rows.iter()
            .filter_map(|row| match covered.iter().filter(|c| *c == row).count() {
                1 => None,
                n => Some(format!("  {row} stands {n} times")),
            }),
    );
    assert!(wrong.is_empty(), "tests/COVERAGE.md:\n{}", wrong.join("\n"));
}

#[test]
fn a_name_that_is_not_there_would_be_found() {
    let files = modules();
    assert!(is_there(
        "repository::coverage::a_name_that_is_not_there_would_be_found",
        &files
    ));
    assert!(!is_there("repository::coverage::nothing_of_the_sort", &files));
    assert!(!is_there(
        "no_module::a_name_that_is_not_there_would_be_found",
        &files
    ));
}
