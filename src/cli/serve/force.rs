//! Which definitions are in force, and how the last attempt to change them went. Everybody asks here, so that all see
//! the same set.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use crate::definition::{Marks, Probe, Workspace};
use crate::model::Moment;
use crate::web::daemon::Diagnostic;

/// One set of definitions.
pub(super) struct InForce {
    /// With the probes that fire.
    pub(super) workspace: Arc<Workspace>,
    /// In the order of their names, disabled ones too.
    pub(super) probes: Vec<Arc<Probe>>,
    /// Since when.
    pub(super) loaded: Moment,
    /// Keys of `landfall.yaml` that say something else than what holds until the next start.
    pub(super) restart: Vec<&'static str>,
}

/// What is known of attempts to change them.
#[derive(Clone, Default)]
pub(super) struct Attempts {
    /// Why the last one was refused, and when; `None` where it was not.
    pub(super) refused: Option<(Moment, Vec<Diagnostic>)>,
    /// How many were taken, and how many refused.
    pub(super) counts: (u64, u64),
    /// How the files were when they were last read.
    pub(super) marks: Marks,
    /// Files that secrets were in.
    pub(super) secret_files: Vec<PathBuf>,
}

/// The definitions in force.
pub(super) struct Force {
    now: RwLock<Arc<InForce>>,
    attempts: Mutex<Attempts>,
}

impl Force {
    /// What a start has loaded.
    pub(super) fn new(now: InForce, attempts: Attempts) -> Arc<Self> {
        Arc::new(Self {
            now: RwLock::new(Arc::new(now)),
            attempts: Mutex::new(attempts),
        })
    }

    /// What is in force now.
    pub(super) fn now(&self) -> Arc<InForce> {
        self.now.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Another set is.
    pub(super) fn put(&self, next: InForce) {
        *self.now.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
    }

    /// How attempts to change it went.
    pub(super) fn attempts(&self) -> MutexGuard<'_, Attempts> {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
