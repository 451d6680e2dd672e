//! The files of a workspace: found, and read within limits.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::traps;
use super::yaml::{MAX_BYTES, Unreadable};
use crate::diag::{Code, Problems, Sources};
use crate::model::Span;

/// The file that makes a folder a workspace.
pub(super) const WORKSPACE: &str = "landfall.yaml";
const PROBES: &str = "probes";
const MAX_FILES: usize = 10_000;
const MAX_DEPTH: usize = 16;

/// A file and its name for people: relative to the workspace, with slashes.
#[derive(Clone, Debug)]
pub(super) struct File {
    pub(super) path: PathBuf,
    pub(super) name: String,
    /// What it said when it was kept; `None`: what it says now.
    pub(super) text: Option<Arc<str>>,
}

/// `landfall.yaml`.
pub(super) fn workspace(root: &Path) -> File {
    File {
        path: root.join(WORKSPACE),
        name: WORKSPACE.to_owned(),
        text: None,
    }
}

/// `probes/**/*.yaml`, sorted by name.
pub(super) fn probes(root: &Path, sources: &mut Sources, problems: &mut Problems) -> Vec<File> {
    let mut walk = Walk {
        found: Vec::new(),
        sources,
        problems,
    };
    let folder = root.join(PROBES);
    if folder.is_dir() {
        walk.folder(&folder, PROBES, 0);
    }
    let mut found = walk.found;
    found.sort_by(|a, b| a.name.cmp(&b.name));
    if found.len() > MAX_FILES {
        let message = format!("{} files of probes", found.len());
        let span = named(PROBES, sources);
        problems.error(
            Code::Limit,
            span,
            message,
            format!("more than the limit of {MAX_FILES}"),
        );
        found.truncate(MAX_FILES);
    }
    found
}

/// The text of a file, as a new source. The error is the source's number; the problem is put down.
pub(super) fn text(
    file: &File,
    sources: &mut Sources,
    problems: &mut Problems,
) -> Result<(u16, String), u16> {
    let read = match &file.text {
        Some(text) => Ok(text.as_bytes().to_vec()),
        None => bytes(&file.path),
    };
    let bytes = match read {
        Ok(bytes) => bytes,
        Err((code, why)) => {
            let span = named(&file.name, sources);
            problems.error(code, span, format!("`{}` cannot be read", file.name), why);
            return Err(span.file);
        }
    };
    match String::from_utf8(bytes) {
        Ok(text) => {
            let id = sources.add(file.name.clone(), text.clone());
            let Some(at) = text.find('\0') else {
                return Ok((id, text));
            };
            bad_byte(id, at, "a NUL byte", problems);
            Err(id)
        }
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let id = sources.add(file.name.clone(), String::from_utf8_lossy(error.as_bytes()));
            bad_byte(id, at, "bytes that are not UTF-8", problems);
            Err(id)
        }
    }
}

/// Puts down why a file is not YAML, with the line quoted where that would mend it.
pub(super) fn unreadable(error: &Unreadable, text: &str, problems: &mut Problems) {
    if error.limit {
        problems.error(
            Code::Limit,
            error.span,
            error.message.clone(),
            "reading stops here",
        );
        return;
    }
    if let Some((help, place)) = traps::syntax(text, error.span.start as usize) {
        let at = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let span = Span {
            file: error.span.file,
            start: at(place.start),
            end: at(place.end),
        };
        problems
            .error(
                Code::Trap,
                span,
                format!("YAML does not read this value as it looks: {}", error.message),
                "this value needs quotes",
            )
            .help(help);
        return;
    }
    let problem = problems.error(
        Code::Syntax,
        error.span,
        format!("this is not YAML: {}", error.message),
        "near here",
    );
    if text
        .lines()
        .any(|line| line.starts_with('\t') || line.trim_start_matches(' ').starts_with('\t'))
    {
        problem.help("YAML is indented by spaces, not by tabs");
    }
}

struct Walk<'w> {
    found: Vec<File>,
    sources: &'w mut Sources,
    problems: &'w mut Problems,
}

impl Walk<'_> {
    fn folder(&mut self, path: &Path, name: &str, depth: usize) {
        if depth > MAX_DEPTH {
            let span = named(name, self.sources);
            let label = format!("deeper than the limit of {MAX_DEPTH} folders; a link may lead back up");
            self.problems
                .error(Code::Limit, span, format!("`{name}` is too deep"), label);
            return;
        }
        let entries = match fs::read_dir(path) {
            Ok(entries) => entries,
            Err(error) => {
                let span = named(name, self.sources);
                self.problems.error(
                    Code::UnreadableFile,
                    span,
                    format!("`{name}` cannot be read"),
                    error.to_string(),
                );
                return;
            }
        };
        for entry in entries.flatten() {
            // An editor's own files begin with a dot.
            let file = entry.file_name().to_string_lossy().into_owned();
            if file.starts_with('.') || self.found.len() > MAX_FILES {
                continue;
            }
            let below = format!("{name}/{file}");
            let path = entry.path();
            if is_folder(&entry, &path) {
                self.folder(&path, &below, depth + 1);
            } else if Path::new(&file).extension().is_some_and(|e| e == "yaml") {
                self.found.push(File {
                    path,
                    name: below,
                    text: None,
                });
            } else if Path::new(&file)
                .extension()
                .is_some_and(|e| e == "yml" || e == "YAML")
            {
                let span = named(&below, self.sources);
                self.problems
                    .warning(
                        Code::UnreadName,
                        span,
                        format!("`{below}` is not read"),
                        "only `*.yaml` is",
                    )
                    .help("rename it to end in `.yaml`");
            }
        }
    }
}

/// Links followed. Asked of the path only where the folder does not say it already.
fn is_folder(entry: &fs::DirEntry, path: &Path) -> bool {
    match entry.file_type() {
        Ok(kind) if !kind.is_symlink() => kind.is_dir(),
        _ => path.is_dir(),
    }
}

fn bytes(path: &Path) -> Result<Vec<u8>, (Code, String)> {
    let unreadable = |e: std::io::Error| (Code::UnreadableFile, e.to_string());
    let file = fs::File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    let most = u64::try_from(MAX_BYTES).unwrap_or(u64::MAX);
    file.take(most + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() > MAX_BYTES {
        return Err((Code::Limit, format!("larger than the limit of {MAX_BYTES} bytes")));
    }
    Ok(bytes)
}

fn bad_byte(file: u16, at: usize, what: &str, problems: &mut Problems) {
    let start = u32::try_from(at).unwrap_or(u32::MAX);
    problems.error(
        Code::UnreadableFile,
        Span {
            file,
            start,
            end: start + 1,
        },
        format!("the file holds {what}"),
        "definitions are UTF-8 text",
    );
}

/// A place in a file of which only the name is known.
fn named(name: &str, sources: &mut Sources) -> Span {
    Span {
        file: sources.add(name, ""),
        start: 0,
        end: 0,
    }
}
