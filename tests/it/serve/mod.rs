//! `landfall serve`, the real binary.

mod alerts;
mod daemon;
mod demo;
mod fates;
mod hung;
mod missed;
mod native;
mod reload;
mod schedule;
mod starting;
mod stop;
mod withdrawn;
