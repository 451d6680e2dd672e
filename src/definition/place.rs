//! Where a workspace keeps its records, and nothing else of it: history can be read while a definition is broken or a
//! secret is not at hand.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::build::store_location;
use super::loaded::discover;
use super::node::Data;
use super::raw::StoreText;
use super::secrets::{Environment, Resolver};
use super::{decode, files, yaml};
use crate::diag::{Code, Problems, Sources};
use crate::model::Span;
use crate::store::Location;

/// The one key that is read. The others are not looked at.
#[derive(Debug, Default, Deserialize)]
struct OnlyStore {
    store: Option<StoreText>,
}

/// Where the records of a workspace are.
#[derive(Debug)]
pub struct StorePlace {
    /// The folder with `landfall.yaml`.
    pub root: PathBuf,
    /// What its `store` says, or the default.
    pub location: Location,
}

/// Reads `store` of a workspace's `landfall.yaml`; `dir` as in [`super::LoadOptions`].
///
/// # Errors
/// What is wrong, and the files that it points into.
pub fn store_place(
    dir: Option<&Path>,
    environment: &dyn Environment,
) -> Result<StorePlace, Box<(Problems, Sources)>> {
    let mut problems = Problems::default();
    let mut sources = Sources::default();
    let here = fs::canonicalize(".").unwrap_or_else(|_| PathBuf::from("."));
    let root = dir.map(Path::to_owned).or_else(|| discover(&here));
    let Some(root) = root.filter(|root| root.join(files::WORKSPACE).is_file()) else {
        no_workspace(dir, &here, &mut sources, &mut problems);
        return Err(Box::new((problems, sources)));
    };
    let root = fs::canonicalize(&root).unwrap_or(root);
    let store = read(&root, environment, &mut sources, &mut problems);
    if problems.has_errors() {
        problems.settle(&sources);
        return Err(Box::new((problems, sources)));
    }
    Ok(StorePlace {
        location: store_location(store.as_ref(), &root),
        root,
    })
}

fn read(
    root: &Path,
    environment: &dyn Environment,
    sources: &mut Sources,
    problems: &mut Problems,
) -> Option<StoreText> {
    let (id, text) = files::text(&files::workspace(root), sources, problems).ok()?;
    let mut tree = match yaml::read(&text, id) {
        Ok(tree) => tree?,
        Err(unreadable) => {
            files::unreadable(&unreadable, &text, problems);
            return None;
        }
    };
    if let Data::Map(entries) = &mut tree.root.data {
        entries.retain(|(key, _)| key.text == "store");
    }
    Resolver::new(environment, root).resolve(&mut tree.root, problems);
    decode::decode::<OnlyStore>(&tree, &text, problems)
        .value
        .unwrap_or_default()
        .store
}

/// Puts down that there is no workspace.
pub(super) fn no_workspace(dir: Option<&Path>, here: &Path, sources: &mut Sources, problems: &mut Problems) {
    let (place, label) = match dir {
        Some(folder) => (folder, "given with `--workspace`"),
        None => (here, "nor in any folder above"),
    };
    let file = sources.add(place.display().to_string(), "");
    problems
        .error(
            Code::NoWorkspace,
            Span::start_of(file),
            format!("there is no `landfall.yaml` in `{}`", place.display()),
            label,
        )
        .help("`landfall init` writes one; `-w DIR` names the folder that has one");
}
