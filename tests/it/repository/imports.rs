//! Who may import whom.

use std::path::Path;

use super::tree::{self, Module, Named};

/// Each part of the crate with what it knows besides itself. A part that is not here may not exist; a path allows what
/// lies below it.
const KNOWS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("lifecycle", &["model"]),
    ("stats", &["model"]),
    ("clock", &["model"]),
    ("redact", &["model"]),
    ("diag", &["model", "redact"]),
    ("tls", &["model", "diag"]),
    ("trigger", &["model", "clock", "diag", "redact", "tls"]),
    ("channel", &["model", "clock", "diag", "redact", "tls"]),
    // Where runs are kept and when they are due are settings too.
    (
        "definition",
        &[
            "model",
            "diag",
            "redact",
            "trigger",
            "channel",
            "lifecycle::schedule",
            "store",
            "tls",
            "alert",
        ],
    ),
    (
        "engine",
        &[
            "model",
            "clock",
            "diag",
            "redact",
            "definition",
            "lifecycle",
            "trigger",
            "channel",
            "store",
        ],
    ),
    ("store", &["model", "clock", "redact"]),
    // Errors at run time are drawn as those at load are.
    ("report", &["model", "diag", "redact", "stats"]),
    ("report::compare", &["compare"]),
    ("report::html::comparison", &["compare"]),
    ("report::html::probe", &["compare"]),
    (
        "report::progress",
        &["engine::Update", "engine::Step", "engine::StepUpdate"],
    ),
    (
        "alert",
        &[
            "model",
            "clock",
            "diag",
            "redact",
            "store",
            "stats",
            "tls",
            // What separates bad runs from good belongs into what is told of them.
            "report::causes",
        ],
    ),
    ("compare", &["model", "stats"]),
    // A listener hands requests on; it knows the shape of who takes them, and no kind. Pages and API tell of records.
    (
        "web",
        &[
            "model",
            "clock",
            "redact",
            "report",
            "store",
            "channel::Handler",
            "channel::Listener",
            "channel::Reply",
            "channel::Request",
            "channel::Trouble",
        ],
    ),
    ("sandbox", &["model", "clock", "tls"]),
    (
        "cli",
        &[
            "model",
            "clock",
            "diag",
            "redact",
            "definition",
            "lifecycle",
            "trigger",
            "channel",
            "engine",
            "store",
            "report",
            "alert",
            "compare",
            "web",
            "sandbox",
            "stats",
            "tls",
        ],
    ),
];

/// What decides and does no IO.
const PURE: &[&str] = &["model", "lifecycle", "stats", "compare"];

/// What a pure part may not name.
const IMPURE: &[&str] = &[
    "tokio",
    "tokio_util",
    "futures",
    "hyper",
    "reqwest",
    "rustix",
    "rusqlite",
    "std::net",
    "std::fs",
    "std::env",
    "std::io",
    "std::process",
    "std::thread",
    "std::time::Instant",
    "std::time::SystemTime",
];

/// The folders of kinds: one kind knows no other.
const KINDS: &[&str] = &["trigger", "channel"];

#[test]
fn parts_import_what_they_may() {
    let modules = tree::modules("src/lib.rs");
    assert!(modules.len() > 100, "{} modules were found", modules.len());
    let mut wrong = Vec::new();
    for module in modules.iter().filter(|m| !m.test && !m.path.is_empty()) {
        wrong.extend(violations(module));
    }
    assert!(wrong.is_empty(), "against architecture.md:\n{}", wrong.join("\n"));
}

#[test]
fn a_violation_is_found() {
    let planted = [
        ("model", "use tokio::sync::mpsc;", "tokio::sync::mpsc"),
        (
            "model",
            "use std::{fmt, time::{Duration, Instant}};",
            "std::time::Instant",
        ),
        ("model", "use std::time::*;", "std::time::*"),
        (
            "model",
            "fn f() { std::net::TcpStream::connect(A); }",
            "std::net::TcpStream",
        ),
        ("lifecycle", "use crate::clock::Clock;", "clock::Clock"),
        ("lifecycle::machine", "use super::super::engine;", "engine"),
        (
            "store",
            "use crate::{channel::Kind, model::Fault};",
            "channel::Kind",
        ),
        ("report::text", "use crate::engine::Update;", "engine::Update"),
        (
            "sandbox",
            "fn f() -> crate::engine::Engine { g() }",
            "engine::Engine",
        ),
        ("web", "use crate::channel::OpenContext;", "channel::OpenContext"),
        ("channel::http", "use super::imap::Imap;", "channel::imap::Imap"),
        (
            "channel::shared::poll",
            "use crate::channel::http;",
            "channel::http",
        ),
        ("trigger::http", "use crate::channel::Kind;", "channel::Kind"),
        (
            "definition",
            "fn f() { vec![crate::engine::Engine::new()] }",
            "engine::Engine",
        ),
        ("novel", "use crate::model::Moment;", "no row"),
    ];
    for (path, source, named) in planted {
        let found = violations(&planted_module(path, source));
        assert!(
            found.len() == 1 && found[0].contains(named),
            "{path}: {source}: {found:?}"
        );
    }
}

#[test]
fn what_is_allowed_is_no_violation() {
    let fine = [
        ("model", "use std::time::Duration; use super::model::Moment;"),
        ("report::progress", "use crate::engine::Update;"),
        (
            "channel::http::ask",
            "use super::client; use crate::channel::{OpenContext, http, shared::poll};",
        ),
        ("store", "#[cfg(test)] mod tests { use crate::engine::Engine; }"),
        ("definition", "use crate::lifecycle::schedule::Schedule;"),
    ];
    for (path, source) in fine {
        let found = violations(&planted_module(path, source));
        assert!(found.is_empty(), "{path}: {source}: {found:?}");
    }
}

fn planted_module(path: &str, source: &str) -> Module {
    Module {
        file: Path::new("planted.rs").to_owned(),
        path: path.split("::").map(str::to_owned).collect(),
        test: false,
        syntax: syn::parse_str(source).unwrap(),
    }
}

/// What a module names and may not, a line each.
fn violations(module: &Module) -> Vec<String> {
    let part = module.path[0].as_str();
    let file = module.file.display();
    if !KNOWS.iter().any(|(row, _)| *row == part) {
        return vec![format!("  {file}: there is no row for `{part}` in KNOWS")];
    }
    let Named { here, elsewhere } = tree::named(&module.path, &module.syntax);
    let mut wrong: Vec<String> = here
        .iter()
        .filter(|target| !may(&module.path, target))
        .map(|target| format!("  {file}: `{part}` does not know `{}`", target.join("::")))
        .collect();
    if PURE.contains(&part) {
        let impure = elsewhere
            .iter()
            .filter(|target| IMPURE.iter().any(|banned| covers(banned, target)));
        wrong.extend(
            impure.map(|target| format!("  {file}: `{part}` is pure and names `{}`", target.join("::"))),
        );
    }
    wrong
}

fn may(from: &[String], target: &[String]) -> bool {
    let Some(part) = target.first() else {
        return true;
    };
    if *part == from[0] {
        return !KINDS.contains(&part.as_str()) || may_kind(from, target);
    }
    KNOWS
        .iter()
        .filter(|(row, _)| covers(row, from))
        .flat_map(|(_, known)| known.iter())
        .any(|known| covers(known, target))
}

/// Within a folder of kinds: its own module, what is shared, and what `mod.rs` itself defines.
fn may_kind(from: &[String], target: &[String]) -> bool {
    let (Some(of), Some(to)) = (from.get(1), target.get(1)) else {
        return true;
    };
    of == to || to == "shared" || !super::kinds::modules(&target[0]).contains(to)
}

/// Whether a path is the other or lies above it. A glob stands for all that lies below.
fn covers(above: &str, path: &[String]) -> bool {
    let above: Vec<&str> = above.split("::").collect();
    let glob = path.last().is_some_and(|last| last == "*");
    let path: Vec<&str> = path.iter().map(String::as_str).filter(|s| *s != "*").collect();
    path.starts_with(&above) || (glob && above.starts_with(&path))
}
