//! What the sink of a channel takes from the definitions in force.

use std::sync::Arc;

use crate::definition::{RunScope, Workspace};
use crate::model::{ChannelId, Expr};
use crate::redact::Redactor;

/// What a sink takes from the definitions in force.
#[derive(Clone)]
pub(super) struct Wants {
    pub(super) redactor: Arc<Redactor>,
    /// Whether any probe captures ids: otherwise only tokens are looked for.
    pub(super) captures: bool,
    /// `key:` expressions of expectations on this channel.
    pub(super) key_exprs: Vec<Expr>,
    pub(super) vars: RunScope,
}

/// Expressions of earlier definitions that are still tried on what comes in.
const EARLIER_KEYS: usize = 64;

impl Wants {
    /// With what runs of the definitions before are correlated by.
    pub(super) fn after(mut self, before: &Self) -> Self {
        self.captures |= before.captures;
        for expr in &before.key_exprs {
            let known = self.key_exprs.iter().any(|own| own.source == expr.source);
            if !known && self.key_exprs.len() < EARLIER_KEYS {
                self.key_exprs.push(expr.clone());
            }
        }
        self
    }
}

/// `key:` expressions of the expectations on a channel, each once.
fn key_exprs(workspace: &Workspace, channel: ChannelId) -> Vec<Expr> {
    let mut exprs: Vec<Expr> = Vec::new();
    for def in workspace.probes.iter().flat_map(|p| &p.legs) {
        for (spec, check) in def.leg.expectations.iter().zip(&def.checks) {
            if spec.channel == channel
                && let Some(key) = &check.key
                && !exprs.iter().any(|e| e.source == key.source)
            {
                exprs.push(key.clone());
            }
        }
    }
    exprs
}

/// What a channel's sink takes from the definitions in force.
pub(super) fn wants(workspace: &Workspace, id: ChannelId, captures: bool) -> Wants {
    let mut legs = workspace.probes.iter().flat_map(|p| &p.legs);
    Wants {
        redactor: workspace.redactor.clone(),
        captures: captures || legs.any(|l| !l.capture.is_empty()),
        key_exprs: key_exprs(workspace, id),
        vars: RunScope::of_vars(&workspace.vars),
    }
}
