//! One run that waits on a channel.

use std::sync::Arc;

use crate::model::{Fault, Moment, RunId, Scope, Token};

/// One run that waits on a channel.
#[derive(Clone)]
pub struct Watch {
    /// Whose it is.
    pub run: RunId,
    /// Its token.
    pub token: Token,
    /// Renders templates of the channel's settings that name the run (`token`, captured values).
    pub scope: Arc<dyn Scope>,
}

/// What an earlier process knew of a run on one channel.
#[derive(Clone, Debug)]
pub struct Earlier {
    /// Nothing of the run was there before this; what came since then may have come at any time since.
    pub since: Moment,
    /// States that were seen: the key that each was found under, and its identity.
    pub states: Vec<(String, String)>,
}

/// What became of planting an observation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Planted {
    /// It is on its way.
    Yes,
    /// The channel only reads; the reason.
    ReadOnly(&'static str),
}

/// The listener cannot take connections: who waits on it is blind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// Since when.
    pub since: Moment,
    /// Why.
    pub fault: Fault,
}
