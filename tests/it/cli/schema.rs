//! The schemas: committed as generated, true of what loads, and of some use against what does not.

use std::fs;
use std::path::{Path, PathBuf};

use landfall::definition::schema::SchemaKind;
use serde_json::Value;

use super::validator::problems;
use super::{committed, landfall, out, root};

/// Bad definitions that a schema can tell; the others are wrong in what they mean, or are no YAML.
const TOLD: [&str; 11] = [
    "durations",
    "landfall-defaults",
    "landfall-store",
    "landfall-unknown-key",
    "landfall-unknown-kind",
    "missing-keys",
    "percentages",
    "times",
    "unknown-keys",
    "unknown-word",
    "wrong-types",
];

#[test]
fn the_committed_schemas_are_what_the_code_says() {
    for kind in [
        "probe",
        "workspace",
        "results",
        "plan",
        "alert",
        "causes",
        "paths",
        "twins",
        "report",
        "comparison",
    ] {
        committed(
            &format!("probes/{kind}.schema.json"),
            &out(&landfall(&root(), &["schema", kind])),
        );
    }
    assert_eq!(out(&landfall(&root(), &["schema"])), SchemaKind::Probe.text());
}

fn of(path: &Path) -> SchemaKind {
    let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
    if name.starts_with("landfall") {
        SchemaKind::Workspace
    } else {
        SchemaKind::Probe
    }
}

fn yaml_files(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).expect("a folder").flatten() {
        let path = entry.path();
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        if path.is_dir() && !hidden {
            yaml_files(&path, found);
        } else if !hidden && path.extension().is_some_and(|e| e == "yaml") {
            found.push(path);
        }
    }
}

#[test]
fn every_good_definition_is_valid() {
    let mut files = Vec::new();
    yaml_files(&root().join("tests/cases/definitions/good"), &mut files);
    let mut examples = Vec::new();
    yaml_files(&root().join("examples"), &mut examples);
    // Manifests and settings of other programs stand there too.
    examples.retain(|file| {
        let folder = file.parent().expect("a folder");
        folder.ends_with("probes") || (file.ends_with("landfall.yaml") && folder.join("probes").is_dir())
    });
    files.extend(examples);
    assert!(files.len() >= 3);
    for file in files {
        let value: Value = serde_yaml::from_str(&fs::read_to_string(&file).expect("text")).expect("YAML");
        assert_eq!(
            problems(&of(&file).schema(), &value),
            Vec::<String>::new(),
            "{}",
            file.display()
        );
    }
}

#[test]
fn bad_definitions_that_a_schema_can_tell_are_told() {
    for name in TOLD {
        let file = root()
            .join("tests/cases/definitions/bad")
            .join(format!("{name}.yaml"));
        let text = fs::read_to_string(&file).unwrap_or_else(|e| panic!("{name}: {e}"));
        let value: Value = serde_yaml::from_str(&text).expect("YAML");
        assert!(
            !problems(&of(&file).schema(), &value).is_empty(),
            "{name} is taken for valid"
        );
    }
}

#[test]
fn everything_is_described_and_named_after_what_it_is() {
    for kind in [SchemaKind::Probe, SchemaKind::Workspace] {
        let schema = kind.schema();
        described(&schema, kind.word());
        for (name, definition) in schema["$defs"].as_object().expect("definitions") {
            assert!(!name.ends_with(|c: char| c.is_ascii_digit()), "{name}");
            assert_eq!(name.to_lowercase(), *name);
            described(definition, name);
        }
    }
}

fn described(schema: &Value, name: &str) {
    let properties = schema["properties"].as_object();
    if properties.is_some() {
        assert!(
            schema["description"].is_string() || name.contains("written"),
            "{name} has no description"
        );
        assert_eq!(schema["additionalProperties"], false, "{name}");
    }
    for (key, below) in properties.into_iter().flatten() {
        assert!(
            below["description"].is_string(),
            "{name}.{key} has no description"
        );
    }
}
