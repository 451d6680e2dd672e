//! `landfall serve`, the real binary.

mod alerts;
mod amended;
#[cfg(target_arch = "x86_64")]
mod clock_set;
mod daemon;
mod demo;
mod fates;
mod hung;
mod missed;
mod native;
mod owed;
mod reload;
mod schedule;
mod starting;
mod stop;
mod withdrawn;
