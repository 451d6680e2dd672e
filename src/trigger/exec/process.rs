//! One program from its start to its end, with all that it started.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, Command};

use crate::clock::Clock;
use crate::model::{Answer, Fault, Moment, Reason, Response, SendFailure, Timings};
use crate::trigger::Shot;

/// Bytes that are kept of standard output; the rest is read and left out.
const OUTPUT_BYTES: usize = 1 << 20;
/// Bytes that are kept of the end of standard error.
const ERROR_BYTES: usize = 4 << 10;
/// A value that is longer stands on standard input alone.
const VARIABLE_BYTES: usize = 32 << 10;
/// How long output is waited for that a process outside the group still holds open after the program has ended.
const DRAIN: Duration = Duration::from_millis(500);

/// Everything that is needed to run a program once.
pub(super) struct Launch {
    pub(super) program: PathBuf,
    pub(super) arguments: Vec<String>,
    pub(super) environment: Vec<(OsString, OsString)>,
    pub(super) cwd: PathBuf,
    pub(super) stdin: Option<Value>,
    pub(super) timeout: Duration,
    pub(super) clock: Arc<dyn Clock>,
}

/// Kills the process group when it goes out of scope: at the end, at the time-out, when the firing is dropped.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // Nothing of it may be left, and then there is nothing to kill.
            kill_process_group(group, Signal::KILL).ok();
        }
    }
}

/// What was kept of a stream.
#[derive(Default)]
struct Kept {
    bytes: Vec<u8>,
    total: u64,
}

struct Ended {
    status: ExitStatus,
    stdout: Kept,
    stderr: Kept,
}

impl Launch {
    pub(super) async fn fire(self, shot: Shot) -> Answer {
        let clock = Arc::clone(&self.clock);
        let sent_at = clock.now();
        let program = self.program.display().to_string();
        let outcome = self.run(shot, sent_at).await;
        let answered_at = clock.now();
        let total = answered_at.seconds_since(sent_at);
        let mut attributes = BTreeMap::from([(String::from("program"), program)]);
        if let Ok(Ended { status, .. }) = &outcome
            && let Some(signal) = status.signal()
        {
            attributes.insert(String::from("signal"), signal.to_string());
        }
        Answer {
            outcome: outcome.map(|ended| response(&ended, total)),
            sent_at,
            answered_at,
            timings: Timings {
                total: Some(total),
                ..Timings::default()
            },
            attributes,
        }
    }

    async fn run(self, shot: Shot, sent_at: Moment) -> Result<Ended, SendFailure> {
        let Shot { run, sent } = shot;
        let mut child = self.spawn(&run)?;
        let group = Group(
            child
                .id()
                .and_then(|id| i32::try_from(id).ok())
                .and_then(Pid::from_raw),
        );
        sent(sent_at);
        let stdin = child.stdin.take();
        let input = self.input(run);
        match tokio::time::timeout(self.timeout, attend(&mut child, &group, stdin, input)).await {
            Ok(Ok(ended)) => Ok(ended),
            Ok(Err(e)) => Err(SendFailure {
                fault: Fault::new(
                    Reason::Spawn,
                    format!("`{}` was lost sight of: {e}", self.program.display()),
                ),
                in_doubt: true,
            }),
            Err(_) => {
                drop(group);
                // Reaped, so that no dead process is left behind.
                tokio::time::timeout(DRAIN, child.wait()).await.ok();
                let shown = self.program.display();
                let message = format!("`{shown}` had not ended after {:?} and was killed", self.timeout);
                Err(SendFailure {
                    fault: Fault::new(Reason::Timeout, message),
                    in_doubt: true,
                })
            }
        }
    }

    fn spawn(&self, run: &Value) -> Result<Child, SendFailure> {
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .env_clear()
            .envs(trace(run))
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .envs(variables(run))
            .current_dir(&self.cwd)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        command.spawn().map_err(|e| {
            let (program, cwd) = (self.program.display(), self.cwd.display());
            let message = format!("`{program}` could not be run in `{cwd}`: {e}");
            SendFailure {
                fault: Fault::new(Reason::Spawn, message),
                in_doubt: false,
            }
        })
    }

    fn input(&self, mut run: Value) -> Vec<u8> {
        if let (Value::Object(map), Some(extra)) = (&mut run, &self.stdin) {
            map.insert(String::from("stdin"), extra.clone());
        }
        let mut input = run.to_string().into_bytes();
        input.push(b'\n');
        input
    }
}

/// Feeds and reads a program until it has ended and its output with it.
async fn attend(
    child: &mut Child,
    group: &Group,
    stdin: Option<ChildStdin>,
    input: Vec<u8>,
) -> std::io::Result<Ended> {
    let (mut stdout, mut stderr) = (Kept::default(), Kept::default());
    let status = {
        let feed = async {
            if let Some(mut stdin) = stdin {
                // A program need not read what it is told.
                stdin.write_all(&input).await.ok();
            }
            std::future::pending::<()>().await;
        };
        let mut reading = Box::pin(futures::future::join(
            head(child.stdout.take(), &mut stdout),
            tail(child.stderr.take(), &mut stderr),
        ));
        let mut feed = Box::pin(feed);
        let mut read = false;
        let status = {
            let mut wait = Box::pin(child.wait());
            loop {
                tokio::select! {
                    status = &mut wait => break status?,
                    _ = &mut reading, if !read => read = true,
                    () = &mut feed => {}
                }
            }
        };
        if !read {
            // What it left behind in its group must neither outlive it nor hold its output open.
            if let Some(id) = group.0 {
                kill_process_group(id, Signal::KILL).ok();
            }
            tokio::time::timeout(DRAIN, reading).await.ok();
        }
        status
    };
    Ok(Ended {
        status,
        stdout,
        stderr,
    })
}

/// Reads all, keeps the beginning.
async fn head(stream: Option<impl AsyncRead + Unpin>, kept: &mut Kept) {
    read(stream, kept, |kept, bytes| {
        let room = OUTPUT_BYTES - kept.len();
        kept.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
    })
    .await;
}

/// Reads all, keeps the end.
async fn tail(stream: Option<impl AsyncRead + Unpin>, kept: &mut Kept) {
    read(stream, kept, |kept, bytes| {
        kept.extend_from_slice(bytes);
        let over = kept.len().saturating_sub(ERROR_BYTES);
        kept.drain(..over);
    })
    .await;
}

async fn read(stream: Option<impl AsyncRead + Unpin>, kept: &mut Kept, keep: impl Fn(&mut Vec<u8>, &[u8])) {
    let Some(mut stream) = stream else {
        return;
    };
    let mut buffer = vec![0; 16 << 10];
    // A stream that breaks has ended.
    while let Ok(count @ 1..) = stream.read(&mut buffer).await {
        kept.total += count as u64;
        keep(&mut kept.bytes, &buffer[..count]);
    }
}

/// The run's values as variables: `LANDFALL_TOKEN` and so on.
fn variables(run: &Value) -> Vec<(String, String)> {
    let Value::Object(map) = run else {
        return Vec::new();
    };
    let variable = |(name, value): (&String, &Value)| {
        let text = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let fits = text.len() <= VARIABLE_BYTES && !text.contains('\0');
        fits.then(|| (format!("LANDFALL_{}", name.to_uppercase()), text))
    };
    map.iter().filter_map(variable).collect()
}

/// Where OpenTelemetry looks for the trace that a process belongs to; what the definition says stands over it.
fn trace(run: &Value) -> Option<(&'static str, &str)> {
    run.get("traceparent")?
        .as_str()
        .map(|trace| ("TRACEPARENT", trace))
}

fn response(ended: &Ended, seconds: f64) -> Response {
    let status = match (ended.status.code(), ended.status.signal()) {
        (Some(code), _) => i64::from(code),
        (None, signal) => 128 + i64::from(signal.unwrap_or_default()),
    };
    let body = String::from_utf8_lossy(&ended.stdout.bytes).into_owned();
    let stderr = String::from_utf8_lossy(&ended.stderr.bytes).into_owned();
    let mut headers = BTreeMap::from([(String::from("stderr"), stderr)]);
    if ended.stdout.total > OUTPUT_BYTES as u64 {
        let total = ended.stdout.total;
        let note = format!("standard output of {total} bytes, at the limit bytes of output ({OUTPUT_BYTES})");
        headers.insert(String::from("cut"), note);
    }
    Response {
        status,
        json: serde_json::from_str(&body).unwrap_or(Value::Null),
        headers,
        body,
        seconds,
    }
}
