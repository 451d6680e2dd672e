//! Answers about history: in which forms they are given, and where they go.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Serialize;

use super::{args, output};
use crate::report::{self, Style};

/// How an answer is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Form {
    /// For people
    #[default]
    Text,
    /// One object
    Json,
    /// An object a line
    Ndjson,
    /// For a pull request or a job summary
    Markdown,
    /// A notice of a GitHub workflow
    Github,
}

/// Where an answer goes.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct Output {
    /// What goes to standard output
    #[arg(long, value_enum, default_value_t = Form::Text)]
    pub(super) format: Form,
    /// Write another format to a file; may be given several times
    #[arg(long, value_name = "FORMAT=FILE", value_parser = out)]
    pub(super) out: Vec<(Form, PathBuf)>,
}

/// An answer that can be told in every form.
pub(super) trait Answer: Serialize + JsonSchema {
    /// For a terminal.
    fn text(&self, style: Style) -> String;
    /// As Markdown.
    fn markdown(&self) -> String;
    /// What it is about, and the answer in one sentence.
    fn sentence(&self) -> (String, String);
    /// For `ndjson`: what goes on a line each; one line where it has no parts.
    fn parts(&self) -> Vec<serde_json::Value> {
        vec![serde_json::to_value(self).unwrap_or_default()]
    }
}

impl Output {
    /// Tells it wherever it was asked for.
    pub(super) fn tell(&self, answer: &impl Answer) -> Result<(), String> {
        let plain = Style {
            colour: false,
            width: 80,
        };
        for (n, (form, file)) in self.out.iter().enumerate() {
            if self.out[..n].iter().any(|(_, other)| other == file) {
                return Err(format!(
                    "`--out` names `{}` twice: the one would overwrite the other",
                    file.display()
                ));
            }
            output::replace(file, &form.render(answer, plain))?;
        }
        output::put(&self.format.render(answer, output::style()))
    }
}

impl Form {
    fn render(self, answer: &impl Answer, style: Style) -> String {
        match self {
            Self::Text => answer.text(style),
            Self::Json => report::pretty(answer),
            Self::Ndjson => {
                let line = |part| report::compact(&part);
                answer.parts().into_iter().map(line).collect()
            }
            Self::Markdown => answer.markdown(),
            Self::Github => {
                let (title, said) = answer.sentence();
                report::notice(&title, &said)
            }
        }
    }
}

fn out(text: &str) -> Result<(Form, PathBuf), String> {
    let (form, file) = args::pair(text).map_err(|_| format!("`{text}` has no `=`; write FORMAT=FILE"))?;
    let form = <Form as clap::ValueEnum>::from_str(&form, false)
        .map_err(|_| format!("`{form}` is no format; one of text, json, ndjson, markdown, github"))?;
    Ok((form, PathBuf::from(file)))
}
