//! All drawing: pure functions from figures to SVG.
//!
//! Each drawing has axes with units and ticks at round values, a title and a description that say in words what it
//! shows, and takes its colours from the style sheet, so that light, dark and print follow. Coordinates are rounded
//! to a tenth of a unit; the same data draw the same bytes.
