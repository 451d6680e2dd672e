//! `landfall init`: a workspace that runs as it is.

use std::io::Write as _;
use std::path::Path;

use super::{Exit, args, output};
use crate::definition::schema::SchemaKind;

/// Runs the command.
pub(super) fn run(args: &args::Init) -> Exit {
    match write(&args.dir) {
        Ok(files) => {
            for file in files {
                output::data(&format!("{}\n", args.dir.join(file).display()));
            }
            output::line(&next(&args.dir));
            Exit::Fine
        }
        Err(message) => {
            output::error(&message);
            Exit::Usage
        }
    }
}

/// The files, by their paths in the workspace. The schemas are this version's, so that editors need no network.
fn files() -> [(&'static str, String); 5] {
    [
        ("landfall.yaml", include_str!("init/landfall.yaml").to_owned()),
        ("probes/hello.yaml", include_str!("init/hello.yaml").to_owned()),
        (
            "probes/message.yaml",
            include_str!("init/message.yaml").to_owned(),
        ),
        ("schema/workspace.json", SchemaKind::Workspace.text()),
        ("schema/probe.json", SchemaKind::Probe.text()),
    ]
}

/// Writes all files, or none where one of them exists.
fn write(dir: &Path) -> Result<Vec<&'static str>, String> {
    let files = files();
    let taken: Vec<String> = files
        .iter()
        .map(|(name, _)| dir.join(name))
        .filter(|path| path.symlink_metadata().is_ok())
        .map(|path| format!("`{}`", path.display()))
        .collect();
    if !taken.is_empty() {
        return Err(format!(
            "nothing was written: {} exist{} already; name another folder: landfall init DIR",
            taken.join(", "),
            if taken.len() == 1 { "s" } else { "" },
        ));
    }
    let mut written = Vec::new();
    for (name, text) in files {
        create(&dir.join(name), &text)?;
        written.push(name);
    }
    Ok(written)
}

/// A file that came to be since it was looked for is not overwritten either.
fn create(path: &Path, text: &str) -> Result<(), String> {
    let folder = path.parent().map_or(Ok(()), std::fs::create_dir_all);
    let opened = folder.and_then(|()| {
        std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(path)
    });
    let done = opened.and_then(|mut file| file.write_all(text.as_bytes()));
    done.map_err(|error| format!("`{}` cannot be written: {error}", path.display()))
}

fn next(dir: &Path) -> String {
    let here = dir == Path::new(".");
    let go = if here {
        String::new()
    } else {
        format!("  cd {}\n", quoted(&dir.display().to_string()))
    };
    format!(
        "\nNext:\n{go}  landfall run              fires probes/hello.yaml and waits for what comes of it\n  \
         landfall reference probe  lists what a probe can hold"
    )
}

/// As a shell takes it.
fn quoted(path: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/._-+,:@%".contains(c);
    if !path.starts_with('-') && path.chars().all(plain) {
        return path.to_owned();
    }
    format!("-- '{}'", path.replace('\'', r"'\''"))
}
