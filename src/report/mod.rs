//! What is told of records. It knows records, never kinds or the machine.
//!
//! To add a format: one file with a `render`, its `mod` line and its line in the list below.

pub mod around;
pub mod causes;
pub mod compare;
pub mod course;
mod explain;
mod figures;
mod gate;
mod github;
mod history;
pub mod html;
mod json;
mod junit;
mod markdown;
pub mod metrics;
mod ndjson;
#[cfg(feature = "otel")]
pub mod otlp;
mod paint;
pub mod paths;
pub mod plan;
pub mod progress;
pub mod receipts;
mod results;
#[cfg(test)]
mod sample;
pub mod series;
pub mod steps;
mod table;
mod text;
pub mod twins;
mod words;

pub use explain::{TimelineEvent, draw, timeline, timeline_events};
pub use gate::{GateReport, GateRow};
pub use github::notice;
pub use history::in_html;
pub use json::{compact, pretty, schema, schema_of};
pub use ndjson::line;
pub use results::{LatencyError, Results, RowIntervals, SummaryRow, Truth, silent_failure};
pub use words::{flag, visible};

/// How a rendering may look.
#[derive(Clone, Copy, Debug, Default)]
pub struct Style {
    /// Escape sequences for colour are wanted.
    pub colour: bool,
    /// Columns of the terminal; 80 where there is none.
    pub width: u16,
}

macro_rules! formats {
    ($($(#[doc = $doc:literal])+ $name:literal => $variant:ident, $module:ident),+ $(,)?) => {
        /// How results are written.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
        pub enum Format {
            $($(#[doc = $doc])+ #[value(name = $name)] $variant),+
        }

        impl Format {
            /// The whole of the results in this format.
            #[must_use]
            pub fn render(self, results: &Results, style: Style) -> String {
                match self { $(Self::$variant => $module::render(results, style)),+ }
            }
        }
    };
}

formats! {
    /// For people: a table, and what became of each run that was not delivered.
    "text" => Text, text,
    /// One object with every record.
    "json" => Json, json,
    /// One record a line.
    "ndjson" => Ndjson, ndjson,
    /// JUnit XML, for CI.
    "junit" => Junit, junit,
    /// Annotations of a GitHub workflow, at the line that was not met.
    "github" => Github, github,
    /// For a pull request or a job summary.
    "markdown" => Markdown, markdown,
    /// One file with drawings, for a browser; it needs nothing else.
    "html" => Html, html,
}
