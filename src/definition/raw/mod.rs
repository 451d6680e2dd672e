//! A definition as it is written: what the files decode to. The doc comments here are the reference.

mod alerts;
mod api;
mod maintenance;
mod probe;
mod shapes;
mod telemetry;
mod workspace;

pub use alerts::{RawAlerts, RawLate};
pub use api::{RawApi, RawApiToken};
pub use maintenance::{RawWindow, RawWindowMode};
pub use probe::{RawExpectation, RawLimits, RawObjective, RawProbe, RawRoute, RawSchedule, RawStep};
pub use shapes::{Named, OneOrMany, Plain, RawFingerprint, RawTimes};
pub use telemetry::{RawOtlp, RawTelemetry};
pub use workspace::{RawDefaults, RawRetention, RawWorkspace, StoreText};
