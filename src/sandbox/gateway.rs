//! Takes messages: decides, puts on record, sets out; and says of each what the gateway says.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::deliver::{self, Outbound};
use super::draw::{Draw, choose};
use super::fault::FaultKind;
use super::ledger::{Book, Entry, instant};
use super::message::{Event, Invalid, NewMessage, check_route};
use super::plan::{AnswerPlan, Plan, Wanted};
use super::script::{Rule, Script};
use super::state::{Counts, State};
use crate::clock::Clock;
use crate::model::Moment;

/// What the gateway is made of.
pub(super) struct Gateway {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) book: Book,
    pub(super) outbound: Outbound,
    pub(super) stop: CancellationToken,
    pub(super) tasks: TaskTracker,
    pub(super) script: Script,
    pub(super) seed: u64,
    pub(super) started: Moment,
    pub(super) max_open: usize,
    pub(super) remember: usize,
    state: Mutex<State>,
}

/// A message that the gateway has decided on.
pub(super) struct Message {
    pub(super) entry: Entry,
    pub(super) plan: Plan,
    pub(super) new: NewMessage,
    /// Chains of outcomes that are not through.
    pub(super) left: AtomicUsize,
}

/// What is answered to `POST /v1/messages`.
pub(super) struct Taken {
    pub(super) id: String,
    pub(super) reference: String,
    pub(super) provider: String,
    pub(super) node: u32,
    pub(super) zone: &'static str,
    pub(super) route_taken: String,
    pub(super) answer: AnswerPlan,
    pub(super) received: Moment,
}

/// What is answered to `GET /v1/messages/ID`.
#[derive(Debug, Serialize)]
pub(super) struct View {
    id: String,
    #[serde(rename = "ref")]
    reference: String,
    route: String,
    status: Event,
    provider: String,
    steps: Vec<StepView>,
}

#[derive(Debug, Serialize)]
struct StepView {
    step: Event,
    at: String,
}

/// Everything that [`Gateway::new`] is given.
pub(super) struct Parts {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) book: Book,
    pub(super) outbound: Outbound,
    pub(super) stop: CancellationToken,
    pub(super) script: Script,
    pub(super) seed: u64,
    pub(super) max_open: usize,
    pub(super) remember: usize,
}

impl Gateway {
    pub(super) fn new(parts: Parts) -> Self {
        Self {
            started: parts.clock.now(),
            clock: parts.clock,
            book: parts.book,
            outbound: parts.outbound,
            stop: parts.stop,
            tasks: TaskTracker::new(),
            script: parts.script,
            seed: parts.seed,
            max_open: parts.max_open,
            remember: parts.remember.max(1),
            state: Mutex::default(),
        }
    }

    /// Decides on a message, puts the decision on record and sets out to carry it through.
    pub(super) fn take(
        self: &Arc<Self>,
        route: &str,
        new: NewMessage,
        received: Moment,
    ) -> Result<Taken, Invalid> {
        check_route(route)?;
        let (message, evicted) = self.decide(route, new, received)?;
        for old in evicted {
            self.forget_rows(old);
        }
        deliver::launch(self, &message);
        Ok(Taken {
            id: message.entry.id.clone(),
            reference: message.entry.reference.clone(),
            provider: message.plan.provider.clone(),
            node: message.plan.node,
            zone: message.plan.zone,
            route_taken: self.route_taken(&message),
            answer: message.plan.answer,
            received,
        })
    }

    /// What the gateway says of a message, by its id or its reference (the latest that bears it).
    pub(super) fn view(&self, key: &str) -> Option<View> {
        let state = self.lock();
        let record = state.find(key).filter(|record| !record.deleted)?;
        let message = &record.message;
        let age = self.clock.now().since(message.entry.received);
        let reached = |(after, _): &&(Duration, Event)| *after <= age;
        let steps: Vec<_> = message.plan.reported.iter().filter(reached).collect();
        Some(View {
            id: message.entry.id.clone(),
            reference: message.entry.reference.clone(),
            route: message.entry.route.clone(),
            status: steps.last()?.1,
            provider: message.entry.provider.clone(),
            steps: steps
                .iter()
                .map(|(after, step)| StepView {
                    step: *step,
                    at: instant::text(message.entry.received.after(*after)),
                })
                .collect(),
        })
    }

    /// Forgets a message and its rows, by its id or its reference. What is still to be sent is sent all the same,
    /// but for rows. What is not there is as good as deleted.
    pub(super) fn delete(&self, key: &str) {
        let id = {
            let mut state = self.lock();
            let id = state.id_of(key);
            if let Some(record) = id.as_ref().and_then(|id| state.messages.get_mut(id)) {
                record.deleted = true;
            }
            id
        };
        for key in id.into_iter().chain([key.to_owned()]) {
            self.forget_rows(key);
        }
    }

    /// Whether a row may still be written.
    pub(super) fn keeps_rows(&self, id: &str) -> bool {
        self.lock().messages.get(id).is_some_and(|record| !record.deleted)
    }

    /// One chain of a message's outcomes is through.
    pub(super) fn finished(&self, message: &Message) {
        if message.left.fetch_sub(1, Ordering::AcqRel) != 1 {
            return;
        }
        let mut state = self.lock();
        state.open = state.open.saturating_sub(1);
        if let Some(route) = state.routes.get_mut(&message.entry.route) {
            route.open = route.open.saturating_sub(1);
        }
        if let Some(record) = state.messages.get_mut(&message.entry.id) {
            record.open = false;
        }
    }

    /// A request that was no message.
    pub(super) fn malformed(&self) {
        self.lock().counts.malformed += 1;
    }

    /// A connection was opened, or closed.
    pub(super) fn connected(&self, opened: bool) {
        let counts = &mut self.lock().counts;
        counts.connections = if opened {
            counts.connections + 1
        } else {
            counts.connections.saturating_sub(1)
        };
    }

    /// The counts.
    pub(super) fn counts(&self) -> Counts {
        let (forgotten, lines_lost) = self.book.losses();
        let state = self.lock();
        Counts {
            open: state.open as u64,
            forgotten,
            lines_lost,
            ..state.counts
        }
    }

    fn decide(
        &self,
        route: &str,
        new: NewMessage,
        received: Moment,
    ) -> Result<(Arc<Message>, Vec<String>), Invalid> {
        let mut state = self.lock();
        let n = state.count_route(route)?;
        let draw = Draw {
            seed: self.seed,
            route,
            n,
        };
        let full = state.open >= self.max_open;
        let plan = self.plan(&state, &new, &draw);
        let id = self.id(&draw);
        let entry = Entry::new(&id, &new.reference, route, received, &plan);
        // Before anything is done, and under the lock: the lines stand in the order of the decisions.
        if let Err(message) = self.book.decide(&entry) {
            state.counts.unrecorded += 1;
            return Err(Invalid::new(503, "", message));
        }
        state.counts.messages += 1;
        state.counts.overloaded += u64::from(full);
        let chains = deliver::chains(&plan);
        let message = Arc::new(Message {
            left: AtomicUsize::new(chains),
            entry,
            plan,
            new,
        });
        // A refusal with nothing behind it leaves nothing that could be asked for.
        if chains > 0 || !message.plan.reported.is_empty() {
            state.add(&message, chains > 0);
        }
        let evicted = state.evict(self.remember);
        Ok((message, evicted))
    }

    fn plan(&self, state: &State, new: &NewMessage, draw: &Draw<'_>) -> Plan {
        let route = self.script.route(draw.route);
        let wanted = Wanted {
            webhook: new.webhook.is_some(),
            mail: new.to.is_some() && self.outbound.mailer.is_some(),
            row: self.outbound.rows.is_some(),
        };
        if state.open >= self.max_open {
            return Plan::new(&Rule::always(FaultKind::Overloaded), route, wanted, draw);
        }
        let mut plan = Plan::new(&choose(&self.script, new, draw), route, wanted, draw);
        let open = state.routes.get(draw.route).map_or(0, |route| route.open);
        let full = route.max_in_flight.is_some_and(|limit| open >= limit);
        if full && plan.fault == FaultKind::None {
            plan.fault = FaultKind::Reroute;
            plan.hand_to(&route.fallback);
        }
        plan
    }

    /// Unique over restarts too, for the ledger and the table may outlive this process.
    fn id(&self, draw: &Draw<'_>) -> String {
        let of_this_start = Draw {
            seed: draw.number("id") ^ self.started.0.unsigned_abs(),
            ..*draw
        };
        format!("m{:016x}", of_this_start.number("id"))
    }

    fn route_taken(&self, message: &Message) -> String {
        let asked = &message.entry.route;
        let provider = &message.plan.provider;
        if self.script.route(asked).provider == *provider {
            return asked.clone();
        }
        self.script.route_of(provider).unwrap_or(provider).to_owned()
    }

    fn forget_rows(self: &Gateway, key: String) {
        if let Some(rows) = self.outbound.rows.clone() {
            self.tasks.spawn(async move { rows.delete(key).await });
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
