//! What people and CI see of runs: made of records by hand, one of each class, and of records full of hostile text.

mod contract;
mod golden;
mod history;
mod hostile;
mod html;
mod metrics;
#[cfg(feature = "otel")]
mod otlp;
mod progress;
pub(crate) mod sample;
