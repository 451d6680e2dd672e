//! `landfall serve`, the real binary.

mod daemon;
mod schedule;
