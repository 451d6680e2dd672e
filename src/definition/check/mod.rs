//! Every rule of the format that types cannot hold.

mod address;
mod alerts;
mod api;
mod file;
mod limits;
mod maintenance;
mod names;
mod report;
mod retention;
mod telemetry;
mod texts;
mod timing;

pub(super) use alerts::{alert_texts, check_alert_texts};
pub(super) use api::tokens;
pub(super) use file::file;
pub(super) use limits::limits;
pub(super) use maintenance::windows;
pub(super) use names::{probe_names, variable, workspace_names};
pub(super) use retention::retention;
pub(super) use telemetry::{telemetry, trace_url};
pub(super) use texts::{ChannelTexts, channel_texts, check_probe_texts, read};
pub(super) use timing::{lapse, schedule, start_deadline, times};
