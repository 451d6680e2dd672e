//! `landfall serve`, the real binary.

mod daemon;
mod fates;
mod missed;
mod schedule;
mod stop;
