//! Where text goes: data to stdout, everything else to stderr; colour only on a terminal.

use std::io::{ErrorKind, IsTerminal, Write};
use std::path::{Path, PathBuf};

use super::args;
use crate::report::{Format, Results, Style};

/// A message on stderr that says what could not be done.
pub(super) fn error(message: &str) {
    line(&format!("error: {message}"));
}

/// A line on stderr. Where stderr is closed nobody can be told.
pub(super) fn line(text: &str) {
    drop(writeln!(anstream::stderr(), "{text}"));
}

/// Data on stdout; where it cannot be written, stderr says so.
pub(super) fn data(text: &str) {
    put(text).unwrap_or_else(|message| error(&message));
}

/// Data on stdout. A reader that has gone (`| head`) is no error of ours; a full disk is one.
pub(super) fn put(text: &str) -> Result<(), String> {
    piece(text).map(drop)
}

/// A piece of much data on stdout; false where the reader has gone and wants no more.
pub(super) fn piece(text: &str) -> Result<bool, String> {
    let mut out = anstream::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(format!("standard output cannot be written: {error}")),
        Ok(()) => Ok(true),
    }
}

/// How text on stdout may look.
pub(super) fn style() -> Style {
    let colour = anstream::AutoStream::choice(&std::io::stdout()) != anstream::ColorChoice::Never;
    Style {
        colour,
        width: width(),
    }
}

/// Columns of the terminal; 80 where there is none.
pub(super) fn width() -> u16 {
    let size = rustix::termios::tcgetwinsize(std::io::stderr());
    size.map_or(80, |size| if size.ws_col == 0 { 80 } else { size.ws_col })
}

/// Whether a person watches, on a terminal whose cursor can be moved.
pub(super) fn watched() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// Where a workspace lies below the root of its repository, as annotations name files: `GITHUB_WORKSPACE` is that root
/// in a workflow; elsewhere it is the current directory. Empty where the workspace does not lie below it.
pub(super) fn below_repository(workspace: &Path) -> PathBuf {
    let root = std::env::var_os("GITHUB_WORKSPACE").filter(|root| !root.is_empty());
    let root = root.map_or_else(|| PathBuf::from("."), PathBuf::from);
    let real = (std::fs::canonicalize(root), std::fs::canonicalize(workspace));
    match real {
        (Ok(root), Ok(workspace)) => workspace
            .strip_prefix(root)
            .map(Path::to_owned)
            .unwrap_or_default(),
        _ => PathBuf::new(),
    }
}

/// Checks that every `--out` file can be written, before anything is fired.
pub(super) fn prepare(output: &args::Output) -> Result<(), String> {
    prepare_files(&output.out)
}

/// Checks that every file can be written, before anything is done.
pub(super) fn prepare_files(out: &[(Format, PathBuf)]) -> Result<(), String> {
    for (n, (_, file)) in out.iter().enumerate() {
        if out[..n].iter().any(|(_, other)| other == file) {
            let file = file.display();
            return Err(format!(
                "`--out` names `{file}` twice: the one would overwrite the other"
            ));
        }
        if !replaceable(file) {
            continue;
        }
        let made = file
            .parent()
            .filter(|p| !p.as_os_str().is_empty())
            .map_or(Ok(()), std::fs::create_dir_all);
        let opened = made.and_then(|()| std::fs::OpenOptions::new().create(true).append(true).open(file));
        opened.map_err(|error| format!("`{}` cannot be written: {error}", file.display()))?;
    }
    Ok(())
}

/// Writes results wherever they were asked for. `streamed`: ndjson went to stdout as runs closed.
pub(super) fn write(output: &args::Output, results: &Results, streamed: bool) -> Result<(), String> {
    let plain = Style {
        colour: false,
        width: 80,
    };
    for (format, file) in &output.out {
        replace(file, &format.render(results, plain))?;
    }
    if !(streamed && output.format == Format::Ndjson) {
        put(&output.format.render(results, style()))?;
    }
    Ok(())
}

/// Writes what `render` makes of each format, wherever it was asked for.
pub(super) fn told(
    format: Format,
    out: &[(Format, PathBuf)],
    render: impl Fn(Format, Style) -> String,
) -> Result<(), String> {
    let plain = Style {
        colour: false,
        width: 80,
    };
    for (format, file) in out {
        replace(file, &render(*format, plain))?;
    }
    put(&render(format, style()))
}

/// Nothing yet, or a plain file. A device, a pipe or a link to one must stay what it is: it is written to.
fn replaceable(file: &Path) -> bool {
    std::fs::symlink_metadata(file).map_or(true, |found| found.is_file())
}

/// Whole or not at all: a reader never sees half a report.
pub(super) fn replace(file: &Path, text: &str) -> Result<(), String> {
    let written = if replaceable(file) {
        let mut part = file.to_owned().into_os_string();
        part.push(".part");
        let written = std::fs::write(&part, text).and_then(|()| std::fs::rename(&part, file));
        // What could not be written whole is not left behind.
        written.inspect_err(|_| drop(std::fs::remove_file(&part)))
    } else {
        std::fs::write(file, text)
    };
    written.map_err(|error| format!("`{}` cannot be written: {error}", file.display()))
}
