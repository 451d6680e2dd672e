//! What the gateway remembers: routes and their counts, messages, and how many of each.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use serde::Serialize;

use super::gateway::Message;
use super::message::Invalid;

/// The most routes that may be named.
const ROUTE_LIMIT: usize = 1_000;

/// What has come in so far, as `GET /healthz` says it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Messages decided: the ledger's lines.
    pub messages: u64,
    /// Of these, refused since too many were open.
    pub overloaded: u64,
    /// Requests that were no message (400, 413, 422 and the like): they are not in the ledger.
    pub malformed: u64,
    /// Messages refused since the ledger could not be written.
    pub unrecorded: u64,
    /// Messages with something still to be sent.
    pub open: u64,
    /// Messages that memory no longer holds; the ledger's file does.
    pub forgotten: u64,
    /// Lines of `FILE.sent` that could not be written.
    pub lines_lost: u64,
    /// Connections that are open.
    pub connections: u64,
}

/// Everything behind the gateway's one lock.
#[derive(Default)]
pub(super) struct State {
    pub(super) routes: HashMap<String, RouteState>,
    pub(super) messages: HashMap<String, Record>,
    by_reference: HashMap<String, String>,
    order: VecDeque<String>,
    pub(super) open: usize,
    pub(super) counts: Counts,
}

/// One route.
#[derive(Default)]
pub(super) struct RouteState {
    count: u64,
    pub(super) open: usize,
}

/// One message that is remembered.
pub(super) struct Record {
    pub(super) message: Arc<Message>,
    pub(super) deleted: bool,
    pub(super) open: bool,
}

impl State {
    pub(super) fn count_route(&mut self, route: &str) -> Result<u64, Invalid> {
        if !self.routes.contains_key(route) && self.routes.len() >= ROUTE_LIMIT {
            return Err(Invalid::new(
                422,
                "route",
                format!("more than {ROUTE_LIMIT} routes have been named: `{route}` is one too many"),
            ));
        }
        let state = self.routes.entry(route.to_owned()).or_default();
        state.count += 1;
        Ok(state.count)
    }

    pub(super) fn add(&mut self, message: &Arc<Message>, open: bool) {
        let (id, reference) = (&message.entry.id, &message.entry.reference);
        if open {
            self.open += 1;
            if let Some(route) = self.routes.get_mut(&message.entry.route) {
                route.open += 1;
            }
        }
        self.order.push_back(id.clone());
        self.by_reference.insert(reference.clone(), id.clone());
        let record = Record {
            message: Arc::clone(message),
            deleted: false,
            open,
        };
        self.messages.insert(id.clone(), record);
    }

    /// Lets go of the oldest messages that are through; the result is their ids.
    pub(super) fn evict(&mut self, remember: usize) -> Vec<String> {
        let mut evicted = Vec::new();
        while self.order.len() > remember {
            let through = |id: &String| self.messages.get(id).is_none_or(|record| !record.open);
            if !self.order.front().is_some_and(through) {
                break;
            }
            let Some(id) = self.order.pop_front() else { break };
            if let Some(record) = self.messages.remove(&id) {
                let reference = &record.message.entry.reference;
                if self.by_reference.get(reference) == Some(&id) {
                    self.by_reference.remove(reference);
                }
            }
            evicted.push(id);
        }
        evicted
    }

    pub(super) fn id_of(&self, key: &str) -> Option<String> {
        if self.messages.contains_key(key) {
            return Some(key.to_owned());
        }
        self.by_reference.get(key).cloned()
    }

    pub(super) fn find(&self, key: &str) -> Option<&Record> {
        self.messages.get(&self.id_of(key)?)
    }
}
