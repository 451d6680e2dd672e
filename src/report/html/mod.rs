//! What people look at: pages' content, made of records and figures, the same on the daemon's pages and in a report
//! that is one file.
//!
//! - [`draw`]: all drawing, as SVG with axes, units and a text that says the same.
//! - [`overview`]: every probe by its worst route.
//! - [`run`]: one run, what became of it and why.
//! - [`probe`]: one probe, its routes side by side.
//! - [`words`]: states, classes and figures in words, signs and colours.
//! - [`Look`]: how text from outside may be shown.
//!
//! A view is a function from typed data to [`Markup`](maud::Markup). It knows neither addresses of the daemon beyond
//! [`Look`]'s links nor where its data come from. All of it can be read without JavaScript; scripts add reading off,
//! zoom and live updates. Nothing is loaded from another host.

pub mod causes;
pub mod comparison;
pub(super) mod document;
pub mod draw;
mod look;
pub mod overview;
pub mod probe;
pub mod receipts;
pub mod run;
pub mod steps;
mod view;
pub mod words;

use super::{Results, Style};

pub use document::{Case, DRAWN, Detail, Looked};
pub use look::{Look, badge};
pub use view::{Links, View, segment};

/// The style of all pages, in the order in which rules override each other.
pub const STYLE: &str = concat!(
    include_str!("style/base.css"),
    include_str!("style/draw.css"),
    include_str!("style/overview.css"),
    include_str!("style/comparison.css"),
    include_str!("style/run.css"),
    include_str!("style/probe.css"),
);

/// The scripts of all pages as one, each in a scope of its own.
pub const SCRIPT: &str = concat!(
    include_str!("script/base.js"),
    include_str!("script/live.js"),
    include_str!("script/run.js"),
    include_str!("script/chart.js"),
);

/// The scripts that also run in a report that is one file.
pub const FILE_SCRIPT: &str = concat!(include_str!("script/file.js"), include_str!("script/chart.js"),);

/// The `html` format: one file with drawings.
pub(super) fn render(results: &Results, _: Style) -> String {
    document::results(results)
}
