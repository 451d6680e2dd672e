use std::fs;

use super::*;
use crate::definition::template_filters::{FILTERS, FUNCTIONS, TESTS};
use crate::definition::{Environment, LoadOptions, load};

struct Key;

impl Environment for Key {
    fn variable(&self, name: &str) -> Option<String> {
        Some(format!("value-of-{name}"))
    }

    fn file(&self, _: &std::path::Path) -> Result<String, String> {
        Err(String::from("no file"))
    }
}

#[test]
fn names_are_unique_and_sentences_are_whole() {
    let pages = pages();
    for (at, page) in pages.iter().enumerate() {
        assert!(
            pages[..at].iter().all(|other| other.name != page.name),
            "{}",
            page.name
        );
        assert!(
            page.sentence.ends_with(['.', '?']),
            "{}: {}",
            page.name,
            page.sentence
        );
    }
}

#[test]
fn every_filter_test_and_function_of_templates_is_explained() {
    let text = include_str!("templates.md");
    for name in FILTERS.iter().chain(&TESTS).chain(&FUNCTIONS) {
        assert!(
            text.contains(&format!("`{name}`")) || text.contains(&format!("`{name}(")),
            "{name}"
        );
    }
}

/// Each part's example replaces that part of the whole one, and everything still loads.
#[test]
fn every_example_of_a_part_loads() {
    let of = |name| {
        pages::PARTS
            .iter()
            .find(|(part, _)| *part == name)
            .map(|(_, text)| *text)
            .unwrap()
    };
    for (name, example) in pages::PARTS {
        let mut probe: serde_json::Value = serde_yaml::from_str(of("probe")).unwrap();
        let mut workspace: serde_json::Value = serde_yaml::from_str(of("workspace")).unwrap();
        let part: serde_json::Value = serde_yaml::from_str(example).unwrap();
        let whole = if matches!(name, "workspace" | "defaults") {
            &mut workspace
        } else {
            &mut probe
        };
        for (key, value) in part.as_object().unwrap() {
            whole[key] = value.clone();
        }
        if name == "expectation" {
            probe.as_object_mut().unwrap().shift_remove("path");
        }
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("probes")).unwrap();
        fs::write(dir.path().join("landfall.yaml"), workspace.to_string()).unwrap();
        fs::write(dir.path().join("probes/one.yaml"), probe.to_string()).unwrap();
        let options = LoadOptions {
            dir: Some(dir.path().to_owned()),
            ..LoadOptions::default()
        };
        let loaded = load(&options, &Key);
        let said = loaded.problems.render(&loaded.sources, false);
        assert!(loaded.workspace.is_some(), "{name}: {said}");
    }
}
