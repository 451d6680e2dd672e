//! Help is there for everything, and fits.

use clap::CommandFactory as _;
use landfall::cli::Args;

use super::{landfall, out, root};

/// What DESIGN.md's table of commands has, as far as it is built.
const COMMANDS: [&str; 18] = [
    "demo",
    "run",
    "serve",
    "check",
    "report",
    "runs",
    "explain",
    "paths",
    "diff",
    "show",
    "mark",
    "backup",
    "plan",
    "init",
    "schema",
    "reference",
    "sandbox",
    "completions",
];

#[test]
fn every_command_and_option_has_help() {
    let mut commands = vec![Args::command()];
    while let Some(command) = commands.pop() {
        let name = command.get_name().to_owned();
        assert!(
            command.get_about().is_some() || name == "help",
            "{name} says nothing of itself"
        );
        for argument in command.get_arguments() {
            assert!(
                argument.get_help().is_some(),
                "{name}: {} has no help",
                argument.get_id()
            );
        }
        commands.extend(command.get_subcommands().cloned());
    }
}

#[test]
fn help_fits_a_hundred_columns_and_names_every_command() {
    let own: Vec<String> = Args::command()
        .get_subcommands()
        .map(|c| c.get_name().to_owned())
        .collect();
    for name in COMMANDS {
        assert!(own.iter().any(|o| o == name), "{name}");
    }
    let mut asked = vec![vec!["--help"]];
    asked.extend(own.iter().map(|name| vec![name.as_str(), "--help"]));
    for arguments in asked {
        let text = out(&landfall(&root(), &arguments));
        assert!(!text.is_empty(), "{arguments:?}");
        for line in text.lines() {
            assert!(line.chars().count() <= 100, "{arguments:?}: {line}");
        }
        if arguments.len() == 1 {
            assert!(
                own.iter().all(|name| text.contains(&format!("  {name} "))),
                "{text}"
            );
        }
    }
}
