//! A probe as it was written, kept so that its runs are judged by the revision that fired them.

use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::files::File;
use super::load::load_texts;
use super::loaded::{LoadOptions, Loaded};
use super::{Environment, Probe, Workspace};

/// The files behind one probe, secrets by reference as they were written, and struck out where they stood in the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Texts {
    /// `landfall.yaml`.
    pub workspace: String,
    /// The probe's file: its name, relative to the workspace.
    pub name: String,
    /// The probe's file.
    pub probe: String,
    /// What `--var` said.
    pub vars: Vec<(String, String)>,
}

impl Texts {
    /// The texts of a probe; `None` where its files are not at hand.
    #[must_use]
    pub fn of(workspace: &Workspace, probe: &Probe) -> Option<Self> {
        let span = probe.legs.first()?.checks.first()?.span;
        let file = probe.sources.get(span.file)?;
        let whole = probe.sources.named(super::files::WORKSPACE)?;
        let written = |text: &str| workspace.redactor.text(text).into_owned();
        Some(Self {
            workspace: written(&whole.text),
            name: file.name.clone(),
            probe: written(&file.text),
            vars: workspace.overrides.clone(),
        })
    }

    /// Loads them as if they stood in `root`, where what they refer to is looked up.
    #[must_use]
    pub fn load(&self, root: &Path, environment: &dyn Environment) -> Loaded {
        let options = LoadOptions {
            dir: Some(root.to_owned()),
            vars: self.vars.clone(),
        };
        load_texts(&options, self, environment)
    }

    pub(super) fn workspace_file(&self, file: File) -> File {
        File {
            text: Some(Arc::from(self.workspace.as_str())),
            ..file
        }
    }

    pub(super) fn probe_file(&self, root: &Path) -> File {
        File {
            path: root.join(&self.name),
            name: self.name.clone(),
            text: Some(Arc::from(self.probe.as_str())),
        }
    }
}
