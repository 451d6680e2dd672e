//! The `exec` trigger: a program that fires the request.

mod process;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::{CheckFacts, Kind, OpenContext, Prepared, Trigger};
use crate::clock::Clock;
use crate::diag::{Code, Problems};
use crate::model::{Fault, Free, Lapse, Reason, Response, Scope, Span, Spanned, Template};
use process::Launch;

/// What of landfall's own environment a program is given.
const INHERITED: [&str; 3] = ["PATH", "HOME", "LANG"];

/// The kind.
pub struct Exec;

/// A program that fires the request, run without a shell. The workspace has to say `allow_exec: true`.
///
/// It gets the run as one JSON object on standard input (`run`, `probe`, `route`, `input`, `token`, `tick`,
/// `traceparent`) and each of these in the environment (`LANDFALL_TOKEN`, …; the last as `TRACEPARENT` too, where
/// OpenTelemetry looks for it), which otherwise holds `PATH`, `HOME`, `LANG` and `env` alone. Its
/// exit code is `response.status` (128 and the signal's number where a signal ended it), its standard output
/// `response.body` (and `response.json`), the end of its standard error `response.headers.stderr`. Exit code 0 is
/// accepted. What it leaves running in its process group when it ends, or at the time-out, is killed.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExecConfig {
    /// The program and its arguments. Each is one argument, whatever a template puts into it. A program with a slash
    /// is relative to the workspace; one without is searched for in `PATH`.
    command: Vec<Template>,
    /// Variables to add to the environment.
    #[serde(default)]
    env: BTreeMap<String, Template>,
    /// The folder to run in, relative to the workspace; left out: the workspace.
    cwd: Option<Template>,
    /// What to add to the JSON on standard input, under `stdin`.
    stdin: Option<Free>,
    /// The longest it may run. Killed at the time-out it is in doubt: nobody knows how far it came.
    #[serde(default = "timeout")]
    timeout: Spanned<Lapse>,
}

fn timeout() -> Spanned<Lapse> {
    Spanned::new(Lapse::secs(30), Span::default())
}

impl Kind for Exec {
    const EXAMPLE: &'static str = "command: [./send-order, --ref, \"{{ token }}\"]\n\
        env: { API_KEY: \"${env:API_KEY}\" }\n\
        timeout: 10s\n";
    type Config = ExecConfig;

    fn check(config: &ExecConfig, facts: &CheckFacts, out: &mut Problems) {
        let span = config.command.first().map_or(config.timeout.span, |c| c.span);
        if !facts.allow_exec {
            out.error(
                Code::Setting,
                span,
                "`exec` runs a program, and this workspace does not allow it",
                "not allowed",
            )
            .help("write `allow_exec: true` in landfall.yaml if its probes may run programs on this machine");
        }
        match config.command.first() {
            None => {
                let help = "write the program and its arguments: command: [./send-order, \"{{ token }}\"]";
                out.error(Code::Setting, span, "`command` is empty", "expected a program")
                    .help(help);
            }
            Some(program) if program.source.trim().is_empty() => {
                out.error(
                    Code::Setting,
                    span,
                    "`command` names no program",
                    "expected a program",
                );
            }
            Some(program) if config.command.len() == 1 && program.source.trim().contains(' ') => {
                let words: Vec<&str> = program.source.split_whitespace().collect();
                let help = format!(
                    "there is no shell: write each argument by itself: [{}]",
                    words.join(", ")
                );
                out.push(crate::diag::Problem {
                    code: Code::Setting,
                    severity: crate::diag::Severity::Warning,
                    message: format!("`{}` is taken as the name of one program", program.source),
                    span,
                    label: String::from("a blank in a program's name"),
                    help: Some(help),
                    also: Vec::new(),
                });
            }
            Some(_) => {}
        }
        for (name, value) in &config.env {
            if name.is_empty() || name.contains(['=', '\0']) {
                let message = format!("`{name}` is no name of a variable");
                out.error(Code::Setting, value.span, message, "no `=`, not empty");
            } else if name.starts_with("LANDFALL_") {
                let message = format!("`{name}` is landfall's own");
                out.error(Code::Setting, value.span, message, "another name, please");
            }
        }
        if config.timeout.value.0.is_zero() {
            out.error(
                Code::Setting,
                config.timeout.span,
                "`timeout` is 0",
                "expected a time to run in",
            );
        }
    }

    fn open(config: ExecConfig, context: &OpenContext) -> Result<Box<dyn Trigger>, Fault> {
        let inherited = INHERITED
            .iter()
            .filter_map(|name| Some((OsString::from(name), std::env::var_os(name)?)));
        Ok(Box::new(ExecTrigger {
            config,
            clock: Arc::clone(&context.clock),
            root: context.root.clone(),
            inherited: inherited.collect(),
        }))
    }
}

struct ExecTrigger {
    config: ExecConfig,
    clock: Arc<dyn Clock>,
    root: PathBuf,
    inherited: Vec<(OsString, OsString)>,
}

impl Trigger for ExecTrigger {
    fn prepare(&self, scope: &dyn Scope) -> Result<Prepared, Fault> {
        let render = |t: &Template| {
            let text = scope.text(t)?;
            if text.contains('\0') {
                let message = format!(
                    "`{}` renders to a text with a NUL, which no argument can hold",
                    t.source
                );
                return Err(Fault::new(Reason::Input, message));
            }
            Ok(text)
        };
        let mut command = self
            .config
            .command
            .iter()
            .map(render)
            .collect::<Result<Vec<String>, Fault>>()?;
        if command.is_empty() {
            return Err(Fault::new(Reason::Input, "`command` is empty"));
        }
        let program = command.remove(0);
        let env: BTreeMap<String, String> = self
            .config
            .env
            .iter()
            .map(|(name, value)| Ok((name.clone(), render(value)?)))
            .collect::<Result<_, Fault>>()?;
        let cwd = match &self.config.cwd {
            Some(cwd) => self.root.join(render(cwd)?),
            None => self.root.clone(),
        };
        let stdin = self.config.stdin.as_ref().map(|s| scope.json(s)).transpose()?;
        let shown = json!({
            "program": program,
            "arguments": command,
            "env": env,
            "cwd": cwd.display().to_string(),
            "stdin": stdin,
        });
        // A program without a slash is found in PATH; with one it is a path from the workspace.
        let path = if program.contains('/') {
            self.root.join(&program)
        } else {
            PathBuf::from(&program)
        };
        let mut environment = self.inherited.clone();
        environment.extend(env.into_iter().map(|(name, value)| (name.into(), value.into())));
        let launch = Launch {
            program: path,
            arguments: command,
            environment,
            cwd,
            stdin,
            timeout: self.config.timeout.value.0,
            clock: Arc::clone(&self.clock),
        };
        Ok(Prepared {
            shown,
            fire: Box::new(move |shot| Box::pin(launch.fire(shot))),
        })
    }

    fn accepts(&self, response: &Response) -> bool {
        response.status == 0
    }

    fn timeout(&self) -> Duration {
        self.config.timeout.value.0
    }
}
