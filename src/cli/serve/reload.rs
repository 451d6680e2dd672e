//! Takes definitions as they are on disk into force, whoever asks: the files themselves, SIGHUP, or the API. One after
//! the other; those who ask meanwhile share the next one.
//!
//! What is wrong is refused as a whole. What is right is put into force probe by probe: a probe that is as it was keeps
//! its schedule, its channels and its connections, and a run keeps the definition that fired it.

mod apply;

use std::path::PathBuf;
use std::sync::Arc;

use tokio::signal::unix::Signal;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::bell::Bell;
use super::board::Board;
use super::force::Force;
use super::notify;
use crate::alert::Alerts;
use crate::clock::Clock;
use crate::definition::{LoadOptions, Loaded, Marks, ProcessEnvironment, load_after};
use crate::diag::{Problem, Severity};
use crate::engine::{Engine, Ticker};
use crate::model::{Fault, Reason};
use crate::report::metrics::Metrics;
use crate::store::Store;
use crate::web::daemon::{Diagnostic, Event, Refused, Reloaded};

/// Those who may wait for a reload.
const WAITING: usize = 64;

type Answer = Result<Reloaded, Refused>;

/// Somebody asks for a reload.
struct Ask {
    why: &'static str,
    answer: oneshot::Sender<Answer>,
}

/// Where to ask for a reload.
#[derive(Clone)]
pub(super) struct Reloads(mpsc::Sender<Ask>);

impl Reloads {
    /// Reloads, and says what came of it.
    ///
    /// # Errors
    /// The definitions have errors; too many wait already; landfall is stopping.
    pub(super) async fn ask(&self, why: &'static str) -> Answer {
        let (answer, answered) = oneshot::channel();
        self.0
            .try_send(Ask { why, answer })
            .map_err(|error| match error {
                mpsc::error::TrySendError::Full(_) => {
                    Refused::Limit(format!("{WAITING} requests wait for a reload already"))
                }
                mpsc::error::TrySendError::Closed(_) => stopping(),
            })?;
        answered.await.unwrap_or_else(|_| Err(stopping()))
    }
}

fn stopping() -> Refused {
    Refused::Unavailable(Fault::new(Reason::Stopped, "landfall is stopping"))
}

/// What a reload changes.
pub(super) struct Reloader {
    pub(super) engine: Engine,
    pub(super) ticker: Ticker,
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) force: Arc<Force>,
    pub(super) board: Arc<Board>,
    pub(super) bell: Arc<Bell>,
    pub(super) metrics: Metrics,
    pub(super) alerts: Arc<Alerts>,
    /// What is loaded: the folder as it was asked for, so that a link that is set anew is followed, and `--var`.
    pub(super) source: (PathBuf, Vec<(String, String)>),
}

/// Both ends of the queue.
pub(super) fn queue() -> (Reloads, Asked) {
    let (asks, asked) = mpsc::channel(WAITING);
    (Reloads(asks), Asked(asked))
}

/// Who has asked.
pub(super) struct Asked(mpsc::Receiver<Ask>);

impl Reloader {
    /// Works until `stop`; a reload that has begun is finished.
    pub(super) async fn run(self, mut asked: Asked, mut hangup: Option<Signal>, stop: CancellationToken) {
        loop {
            let first = tokio::select! {
                biased;
                () = stop.cancelled() => return,
                Some(()) = next(&mut hangup) => None,
                ask = asked.0.recv() => match ask {
                    Some(ask) => Some(ask),
                    None => return,
                },
            };
            let why = first.as_ref().map_or("SIGHUP", |ask| ask.why);
            let mut asks: Vec<Ask> = first.into_iter().collect();
            while let Ok(ask) = asked.0.try_recv() {
                asks.push(ask);
            }
            notify::reloading();
            let answer = self.reload(why).await;
            notify::ready(&self.said(&answer));
            for ask in asks {
                // Whoever asked may have gone.
                ask.answer.send(answer.clone()).unwrap_or_default();
            }
        }
    }

    async fn reload(&self, why: &'static str) -> Answer {
        let (root, vars) = self.source.clone();
        let secrets = self.force.attempts().secret_files.clone();
        let earlier = self.force.now().workspace.sources.clone();
        let loading = tokio::task::spawn_blocking(move || {
            // Before they are read: what changes in between is another change.
            let marks = Marks::of(&root, &secrets);
            let options = LoadOptions {
                dir: Some(root.clone()),
                vars,
            };
            let loaded = load_after(&options, &ProcessEnvironment, &earlier);
            // A secret that is named for the first time is known from here on.
            let of_secrets = (loaded.secret_files != secrets).then(|| Marks::of(&root, &loaded.secret_files));
            (loaded, of_secrets.unwrap_or(marks))
        });
        let answer = match loading.await {
            Ok((loaded, marks)) => {
                {
                    let mut attempts = self.force.attempts();
                    attempts.marks = marks;
                    attempts.secret_files.clone_from(&loaded.secret_files);
                }
                self.take(loaded, why).await
            }
            Err(error) => Err(Refused::Unavailable(Fault::new(
                Reason::Internal,
                error.to_string(),
            ))),
        };
        self.note(&answer);
        self.bell.ring(Event::Changed);
        answer
    }

    async fn take(&self, mut loaded: Loaded, why: &'static str) -> Answer {
        let said = diagnostics(&loaded);
        for diagnostic in &said {
            tell(diagnostic);
        }
        let Some(next) = loaded.workspace.take() else {
            let since = self.force.now().loaded;
            tracing::error!(why, errors = said.len(), in_force_since = %since, "the definitions on disk have errors and are refused as a whole: the last good set stays in force");
            return Err(Refused::Definitions(said));
        };
        let applied = self.apply(next).await;
        match &applied {
            Ok(done) if done.is_nothing() => {
                tracing::info!(why, "the definitions were read again and are as they were")
            }
            Ok(done) => tracing::info!(
                why,
                added = ?done.added,
                changed = ?done.changed,
                removed = ?done.removed,
                unchanged = done.unchanged,
                "other definitions are in force"
            ),
            Err(refused) => {
                tracing::error!(why, %refused, "the definitions on disk are right and could not be put into force")
            }
        }
        applied
    }

    /// Remembers how it went.
    fn note(&self, answer: &Answer) {
        let now = self.clock.now();
        let mut attempts = self.force.attempts();
        match answer {
            Ok(_) => {
                attempts.refused = None;
                attempts.counts.0 += 1;
            }
            Err(refused) => {
                let why = match refused {
                    Refused::Definitions(diagnostics) => diagnostics.clone(),
                    other => vec![not_applied(&other.to_string())],
                };
                attempts.refused = Some((now, why));
                attempts.counts.1 += 1;
                if matches!(refused, Refused::Unavailable(_)) {
                    // The files are right: it is tried again.
                    attempts.marks = Marks::default();
                }
            }
        }
    }

    /// A line for the service manager.
    fn said(&self, answer: &Answer) -> String {
        let probes = self.force.now().workspace.probes.len();
        match answer {
            Ok(_) => format!("{probes} probes"),
            Err(_) => format!("{probes} probes; the definitions on disk are refused, see the log"),
        }
    }
}

/// The next SIGHUP.
async fn next(hangup: &mut Option<Signal>) -> Option<()> {
    match hangup {
        Some(signal) => signal.recv().await,
        None => std::future::pending().await,
    }
}

/// What is told of a fault that no line of a file is to blame for.
fn not_applied(message: &str) -> Diagnostic {
    Diagnostic {
        code: String::from("not-applied"),
        severity: String::from("error"),
        message: message.to_owned(),
        file: String::new(),
        line: 0,
        column: 0,
        help: None,
    }
}

fn diagnostics(loaded: &Loaded) -> Vec<Diagnostic> {
    let shown = |problem: &Problem| {
        let place = loaded.sources.place(problem.span);
        let text = |text: &str| loaded.redactor.text(text).into_owned();
        Diagnostic {
            code: problem.code.word().to_owned(),
            severity: String::from(match problem.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
            }),
            message: text(&format!("{}: {}", problem.message, problem.label)),
            file: place.as_ref().map(|p| p.file.clone()).unwrap_or_default(),
            line: place.as_ref().map_or(0, |p| p.line),
            column: place.as_ref().map_or(0, |p| p.column),
            help: problem.help.as_deref().map(text),
        }
    };
    loaded.problems.all().iter().map(shown).collect()
}

fn tell(diagnostic: &Diagnostic) {
    let Diagnostic {
        code,
        message,
        file,
        line,
        column,
        ..
    } = diagnostic;
    let help = diagnostic.help.as_deref().unwrap_or_default();
    if diagnostic.severity == "error" {
        tracing::error!(code, file, line, column, help, "{message}");
    } else {
        tracing::warn!(code, file, line, column, help, "{message}");
    }
}
