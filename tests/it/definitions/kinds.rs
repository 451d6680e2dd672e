//! Every kind's example is a definition that loads, so that the reference never shows one that does not.

use std::path::Path;

use landfall::definition::{Environment, LoadOptions, load};
use landfall::diag::{Code, Severity};

use super::folder;

/// Has every variable and every file.
struct Everything;

impl Environment for Everything {
    fn variable(&self, name: &str) -> Option<String> {
        // Secrets of webhooks have a form of their own.
        Some(if name.contains("HOOK") {
            String::from("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
        } else {
            format!("value-of-{name}")
        })
    }

    fn file(&self, path: &Path) -> Result<String, String> {
        Ok(format!("text of {}", path.display()))
    }
}

fn indented(example: &str) -> String {
    example.lines().map(|line| format!("      {line}\n")).collect()
}

/// What is wrong with a workspace, but for names that the example alone cannot define.
fn wrong(workspace: &str, probe: &str) -> String {
    let dir = folder(&[("landfall.yaml", workspace), ("probes/one.yaml", probe)]);
    let options = LoadOptions {
        dir: Some(dir.path().to_owned()),
        ..LoadOptions::default()
    };
    let loaded = load(&options, &Everything);
    let lone = [Code::UndefinedName, Code::UndefinedChannel, Code::RouteLacks];
    let counts = |p: &&landfall::diag::Problem| p.severity == Severity::Error && !lone.contains(&p.code);
    if loaded.problems.all().iter().any(|p| counts(&p)) {
        loaded.problems.render(&loaded.sources, false)
    } else {
        String::new()
    }
}

#[test]
fn the_example_of_every_channel_loads() {
    for facts in landfall::channel::FACTS {
        let workspace = format!(
            "vars: {{ base: \"https://a.test\" }}\nchannels:\n  one:\n    {}:\n{}",
            facts.name,
            indented(facts.example)
        );
        let probe = "name: one\nrequest: { http: { url: \"https://a.test/\" } }\noutcome: [{ in: one }]\n";
        assert_eq!(wrong(&workspace, probe), "", "{}", facts.name);
    }
}

#[test]
fn the_example_of_every_trigger_loads() {
    for facts in landfall::trigger::FACTS {
        let workspace =
            "allow_exec: true\nvars: { base: \"https://a.test\" }\nchannels: { inbox: { smtp_sink: {} } }\n";
        let probe = format!(
            "name: one\noutcome: [{{ in: inbox }}]\nrequest:\n  {}:\n{}",
            facts.name,
            indented(facts.example)
        );
        assert_eq!(wrong(workspace, &probe), "", "{}", facts.name);
    }
}
