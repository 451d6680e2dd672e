//! All drawing: pure functions from figures to SVG.
//!
//! Each drawing has axes with units and ticks at round values, a title and a description that say in words what it
//! shows, and takes its colours from the style sheet, so that light, dark and print follow. Coordinates are rounded
//! to a tenth of a unit; the same data draw the same bytes.
//!
//! How to make one:
//!
//! ```
//! use landfall::report::html::draw::{Axis, Frame, Scale, Span, Unit};
//!
//! let x = Axis::new("since the request left", Scale::log(0.01, 60.0), Unit::Seconds);
//! let y = Axis::new("not yet arrived", Scale::linear(0.0, 1.0), Unit::Share);
//! let frame = Frame::new("waits", "Waits", "Half of 20 runs arrived within 1.2 s.", 180.0, x, Some(y));
//! let curve = frame.steps("route-0", &[(0.01, 1.0), (1.2, 0.5), (60.0, 0.5)]);
//! let band = frame.band("route-0", &[Span { from: 0.01, to: 1.2, lo: 0.9, hi: 1.0 }]);
//! let svg = frame.draw(&[band, curve, frame.mark("limit", 30.0, "within")]);
//! assert!(svg.into_string().contains("role=\"img\""));
//! ```
//!
//! - [`Scale`]: values to a place from 0 to 1, on a [`linear`](Scale::linear), [`log`](Scale::log) or
//!   [`time`](Scale::time) axis. Times are seconds since 1970, as [`instant`] gives them.
//! - [`Unit`]: what stands at the ticks: `20 ms`, `5 s`, `2 min`; `50 %`; `1,000`; `10:05`, `22 Nov`.
//! - [`Frame`]: the plot, its two axes and its words. [`Frame::draw`] puts [`Layer`]s onto each other, the first at the
//!   bottom. Layers: [`steps`](Frame::steps), [`plateaus`](Frame::plateaus), [`line`](Frame::line), [`band`](Frame::band),
//!   [`bars`](Frame::bars), [`dot`](Frame::dot), [`rect`](Frame::rect), [`mark`](Frame::mark), [`region`](Frame::region),
//!   [`level`](Frame::level), [`say`](Frame::say), [`hits`](Frame::hits).
//!
//! Charts made of them: [`waits()`] (who has not arrived after which time), [`latency()`], [`classes()`] and [`agreement()`] over time,
//! each for one route over a [`Timeline`], with an axis that routes share.
//!
//! The width of a plot is that of its place on the page, its height is fixed, and text keeps its size: across, places are
//! percentages; down, they are CSS pixels. On a narrow screen every second label of the axis below is left out. What lies
//! outside of the axes is drawn at their edge, and a value that is no number is not drawn. Classes choose colours: those
//! of tones (`good`, `warn`, `bad`, `blind`, `off`), of classes of runs ([`class_fill`]) and of routes (`route-0` to
//! `route-5`, which differ in their dashes too), see `style/draw.css`.

mod agreement;
pub mod bar;
mod classes;
pub mod course;
mod frame;
mod funnel;
mod latency;
mod number;
mod scale;
mod shapes;
mod strip;
#[cfg(test)]
mod tests;
mod ticks;
mod timeline;
mod waits;
mod waterfall;

pub use agreement::{LAYERS, agreement, agreement_axis};
pub use classes::{classes, classes_axis};
pub use frame::{Axis, Frame, Layer};
pub use funnel::Funnel;
pub use latency::{latency, latency_axis};
pub use scale::{Scale, instant};
pub use shapes::{Bar, Hit, Span, class_fill, route_class};
pub use strip::{Strip, StripBar};
pub use ticks::{Tick, Unit, duration};
pub use timeline::{Happening, Timeline};
pub use waits::{Curve, waits};
pub use waterfall::{Lane, Mark, Row, waterfall};
