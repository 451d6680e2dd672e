//! The nouns: what the rest of landfall speaks about. No IO, no tokio, no clock.

mod access;
mod answer;
mod class;
mod ending;
mod fault;
mod headers;
mod ids;
mod lapse;
mod leg;
mod mark;
mod moment;
mod observation;
mod percent;
mod record;
mod rollup;
mod state;
mod text;
mod token;

pub use access::{Access, AccessHash, TOKEN_PREFIX, access_token};
pub use answer::{Answer, Response, SendFailure, Timings};
pub use class::{Accepted, Class, ExpectationState, Flag, LayerState};
pub use ending::Ending;
pub use fault::{Fault, Reason};
pub use headers::Headers;
pub use ids::{ChannelId, ObservationId, OwnMap, RunId};
pub use lapse::Lapse;
pub use leg::{ExpectationSpec, Layer, Leg, Tick, Times};
pub use mark::{Mark, MarkId, MarkKind};
pub use moment::{Interval, Moment, Seconds};
pub use observation::{Identity, Observation, Repeat, Sighting};
pub use percent::Percent;
pub use record::{
    Amendment, ExpectationRecord, Hop, LayerRecord, Layers, ObservationRecord, RunRecord, SkipReason,
    SkipRecord, SkipSpan, Unmet,
};
pub use rollup::{FINGERPRINTS, Latencies, LayerRollup, Reached, Rollup};
pub use state::{LastEnd, ProbeState, SILENT_TICKS, STATE_RUNS};
pub use text::{Expr, Free, Scope, Secret, Span, Spanned, Template};
pub use token::{FoundToken, Token, TokenFormat, TokenKey, scan_text, scan_value};
