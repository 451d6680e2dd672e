//! `landfall serve`, the real binary.

mod daemon;
mod fates;
mod hung;
mod missed;
mod schedule;
mod stop;
