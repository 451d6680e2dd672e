//! The `exec` destination.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use rustix::process::{Pid, Signal, kill_process_group};
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};

use super::http::check_timeout;
use super::{CheckFacts, Destination, Failure, Kind, OpenContext};
use crate::alert::evidence::piece;
use crate::alert::notice::Notice;
use crate::clock::Clock;
use crate::diag::{Code, Problems};
use crate::model::{Fault, Lapse, Secret, Span, Spanned};

/// What of landfall's own environment a program is given.
const INHERITED: [&str; 3] = ["PATH", "HOME", "LANG"];
/// How long output is waited for that something else still holds open after the program has ended.
const DRAIN: Duration = Duration::from_millis(500);
/// Bytes of its output that are kept, to say what it said.
const OUTPUT: usize = 4 << 10;

/// The kind.
pub struct Exec;

/// A program, run without a shell. The workspace has to say `allow_exec: true`. It gets the alert as one JSON object on
/// standard input, and `LANDFALL_MESSAGE`, `LANDFALL_ALERT`, `LANDFALL_EVENT`, `LANDFALL_STATE`, `LANDFALL_SEVERITY` and
/// `LANDFALL_PROBE` in the environment, which otherwise holds `PATH`, `HOME`, `LANG` and `env` alone. Exit code 0 says
/// that the message was taken; any other, and it is tried again.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExecConfig {
    /// The program and its arguments, as they are. A program with a slash is relative to the workspace; one without is
    /// searched for in `PATH`.
    pub command: Vec<Spanned<String>>,
    /// Variables to add to the environment.
    #[serde(default)]
    pub env: BTreeMap<String, Secret>,
    /// The longest it may run. Default 30s.
    #[serde(default = "timeout")]
    pub timeout: Spanned<Lapse>,
}

fn timeout() -> Spanned<Lapse> {
    Spanned::new(Lapse::secs(30), Span::default())
}

impl Kind for Exec {
    const EXAMPLE: &'static str = "command: [./page-somebody, --team, payments]\ntimeout: 10s\n";
    type Config = ExecConfig;

    fn check(config: &ExecConfig, facts: &CheckFacts<'_>, out: &mut Problems) {
        let span = config.command.first().map_or(facts.name.span, |c| c.span);
        if !facts.allow_exec {
            out.error(
                Code::Setting,
                span,
                "`exec` runs a program, and this workspace does not allow it",
                "not allowed",
            )
            .help("write `allow_exec: true` in landfall.yaml if its alerts may run programs on this machine");
        }
        if config
            .command
            .first()
            .is_none_or(|program| program.trim().is_empty())
        {
            out.error(Code::Setting, span, "`command` is empty", "expected a program")
                .help("write the program and its arguments: command: [./page-somebody, --team, payments]");
        }
        check_timeout(&config.timeout, out);
    }

    fn open(config: &ExecConfig, context: &OpenContext) -> Result<Arc<dyn Destination>, Fault> {
        let scope = (context.scope)(Vec::new());
        let mut environment: Vec<(OsString, OsString)> = INHERITED
            .iter()
            .filter_map(|name| Some((OsString::from(name), std::env::var_os(name)?)))
            .collect();
        for (name, value) in &config.env {
            environment.push((name.into(), scope.secret(value)?.into()));
        }
        let mut words = config.command.iter().map(|word| word.value.clone());
        let program = words.next().unwrap_or_default();
        Ok(Arc::new(Runner {
            program: if program.contains('/') {
                context.root.join(program)
            } else {
                PathBuf::from(program)
            },
            arguments: words.collect(),
            environment,
            root: context.root.clone(),
            timeout: config.timeout.value.0,
            clock: context.clock.clone(),
        }))
    }
}

struct Runner {
    program: PathBuf,
    arguments: Vec<String>,
    environment: Vec<(OsString, OsString)>,
    root: PathBuf,
    timeout: Duration,
    clock: Arc<dyn Clock>,
}

/// Kills the process group when it goes out of scope.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // Nothing of it may be left, and then there is nothing to kill.
            kill_process_group(group, Signal::KILL).ok();
        }
    }
}

impl Destination for Runner {
    fn send<'a>(&'a self, notice: &'a Notice) -> BoxFuture<'a, Result<String, Failure>> {
        Box::pin(async move {
            let mut child = self.spawn(notice)?;
            let id = child.id().and_then(|id| i32::try_from(id).ok());
            let _group = Group(id.and_then(Pid::from_raw));
            let mut input = serde_json::to_vec(notice).unwrap_or_default();
            input.push(b'\n');
            let run = attend(&mut child, &input, self.clock.as_ref());
            let shown = self.program.display();
            tokio::select! {
                ended = run => ended,
                () = self.clock.sleep(self.timeout) => Err(Failure::in_doubt(format!(
                    "`{shown}` had not ended after {:?} and was killed", self.timeout
                ))),
            }
        })
    }
}

impl Runner {
    fn spawn(&self, notice: &Notice) -> Result<Child, Failure> {
        let word = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        let of = |value: serde_json::Result<serde_json::Value>| word(&value.unwrap_or_default());
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .env("LANDFALL_MESSAGE", &notice.id)
            .env("LANDFALL_ALERT", &notice.alert)
            .env("LANDFALL_EVENT", of(serde_json::to_value(notice.event)))
            .env("LANDFALL_STATE", of(serde_json::to_value(notice.state)))
            .env("LANDFALL_SEVERITY", of(serde_json::to_value(notice.severity)))
            .env("LANDFALL_PROBE", &notice.probe)
            .current_dir(&self.root)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        command.spawn().map_err(|error| {
            Failure::refused(format!("`{}` could not be run: {error}", self.program.display()))
        })
    }
}

/// Feeds and reads a program until it has ended.
async fn attend(child: &mut Child, input: &[u8], clock: &dyn Clock) -> Result<String, Failure> {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let feed = async {
        if let Some(mut stdin) = stdin {
            // A program need not read what it is told.
            stdin.write_all(input).await.ok();
        }
    };
    let ended = async {
        let (_fed, out, err) = futures::future::join3(feed, read(stdout), read(stderr)).await;
        (out, err)
    };
    let mut ended = std::pin::pin!(ended);
    let mut texts = None;
    let status = loop {
        tokio::select! {
            status = child.wait() => break status,
            both = &mut ended, if texts.is_none() => texts = Some(both),
        }
    };
    if texts.is_none() {
        tokio::select! {
            both = &mut ended => texts = Some(both),
            () = clock.sleep(DRAIN) => {}
        }
    }
    let (out, err) = texts.unwrap_or_default();
    let said = if out.is_empty() { err } else { out };
    match status {
        Ok(status) if status.success() => Ok(said),
        Ok(status) => Err(Failure::refused(format!("{status}: {said}"))),
        Err(error) => Err(Failure::in_doubt(format!("it was lost sight of: {error}"))),
    }
}

/// Reads all, keeps the beginning.
async fn read(stream: Option<impl AsyncRead + Unpin>) -> String {
    let Some(mut stream) = stream else {
        return String::new();
    };
    let mut kept = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = stream.read(&mut buffer).await {
        let room = OUTPUT - kept.len();
        kept.extend_from_slice(&buffer[..count.min(room)]);
    }
    piece(String::from_utf8_lossy(&kept).trim())
}
