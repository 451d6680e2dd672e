//! What the gateway will do with one message: a pure function of the seed, the script and the message's place on
//! its route. Concurrency changes nothing of it, but for who takes over under load.

use std::time::Duration;

use super::draw::Draw;
use super::fault::FaultKind;
use super::ledger::Repeat;
use super::message::{Channel, Event};
use super::script::{RouteScript, Rule};

/// What will be done.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Plan {
    /// Why it is not simply delivered.
    pub(super) fault: FaultKind,
    /// Who takes it.
    pub(super) provider: String,
    /// The machine of the provider that answers.
    pub(super) node: u32,
    /// The zone in which that machine stands.
    pub(super) zone: &'static str,
    /// What is answered.
    pub(super) answer: AnswerPlan,
    /// What is sent, in the order of the channels.
    pub(super) outcomes: Vec<Planned>,
    /// What the gateway says of it, and since when; empty where it says that it never took it.
    pub(super) reported: Vec<(Duration, Event)>,
    /// Whether the message asks for events.
    webhook: bool,
}

/// What is answered, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct AnswerPlan {
    /// Counted from the request.
    pub(super) after: Duration,
    /// How.
    pub(super) how: How,
}

/// How a request is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// With this status; `retry-after` in seconds where the gateway throttles.
    Status(u16, Option<u64>),
    /// The connection is reset.
    Reset,
    /// Not at all.
    Never,
}

/// One thing that will be sent.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Planned {
    /// Where.
    pub(super) channel: Channel,
    /// What it says.
    pub(super) event: Event,
    /// When, counted from the request.
    pub(super) after: Duration,
    /// Who sends it.
    pub(super) provider: String,
    /// Whether the text is another than the one given.
    pub(super) altered: bool,
    /// Which copy: copies differ in their ids, repeats of one copy do not.
    pub(super) copy: u32,
    /// Whether the same message has been sent before under the same id.
    pub(super) repeat: Option<Repeat>,
    /// How often reaching the receiver fails by the gateway's own doing before it succeeds.
    pub(super) failing: u32,
    /// How long between those tries.
    pub(super) backoff: Duration,
    /// Whether it bears a reference that nobody has sent.
    pub(super) stray: bool,
}

/// Which channels a message asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    /// It names a webhook.
    pub(super) webhook: bool,
    /// It names a mail address, and there is a mail server.
    pub(super) mail: bool,
    /// There is a database.
    pub(super) row: bool,
}

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

impl Plan {
    /// Decides.
    #[must_use]
    pub(super) fn new(rule: &Rule, route: &RouteScript, wanted: Wanted, draw: &Draw<'_>) -> Self {
        let mut plan = Self::usual(route, wanted, draw);
        plan.fault = rule.fault;
        plan.apply(rule, route);
        plan.report();
        plan
    }

    fn usual(route: &RouteScript, wanted: Wanted, draw: &Draw<'_>) -> Self {
        let planned = |channel, event, after| Planned {
            channel,
            event,
            after,
            provider: route.provider.clone(),
            altered: false,
            copy: 0,
            repeat: None,
            failing: 0,
            backoff: Duration::ZERO,
            stray: false,
        };
        let mut outcomes = Vec::with_capacity(6);
        if wanted.webhook {
            let after = draw.within("webhook", route.delays.webhook);
            outcomes.push(planned(Channel::Webhook, Event::Delivered, after));
        }
        if wanted.mail {
            let after = draw.within("mail", route.delays.mail);
            outcomes.push(planned(Channel::Mail, Event::Delivered, after));
        }
        if wanted.row {
            let sent = draw.within("sent", route.delays.sent);
            let row = draw.within("row", route.delays.row).max(sent);
            outcomes.push(planned(Channel::Row, Event::Queued, Duration::ZERO));
            outcomes.push(planned(Channel::Row, Event::Sent, sent));
            outcomes.push(planned(Channel::Row, Event::Delivered, row));
        }
        Self {
            fault: FaultKind::None,
            provider: route.provider.clone(),
            node: draw.node(),
            zone: draw.zone(),
            answer: AnswerPlan {
                after: Duration::ZERO,
                how: How::Status(202, None),
            },
            outcomes,
            reported: Vec::new(),
            webhook: wanted.webhook,
        }
    }

    fn apply(&mut self, rule: &Rule, route: &RouteScript) {
        use FaultKind as F;
        let delay = |usual| rule.delay.unwrap_or(ms(usual));
        let refusal = How::Status(rule.status.unwrap_or(503), None);
        match rule.fault {
            F::None | F::Overtaken | F::Delay | F::Late | F::TooLate => self.postpone(rule),
            F::Drop => self.drop_delivery(rule.channel),
            F::Duplicate => self.copy(rule.channel, rule.times.unwrap_or(1), delay(150), None),
            F::Resend => self.repeat(rule.channel, Repeat::AfterAck),
            F::Redeliver => self.repeat(rule.channel, Repeat::Redelivery),
            F::Reorder => self.reorder(),
            F::Alter => {
                for outcome in self.delivered(rule.channel) {
                    outcome.altered = true;
                }
            }
            F::Fail => {
                self.drop_delivery(None);
                self.add(Event::Failed, delay(100));
            }
            F::FailSilently => self.outcomes.retain(|o| o.event != Event::Delivered),
            F::Refuse => self.refuse(refusal),
            F::Throttle => self.refuse(How::Status(429, Some(delay(1_000).as_secs().max(1)))),
            F::Overloaded => self.refuse(How::Status(503, Some(1))),
            F::RefuseAndDeliver => self.answer.how = refusal,
            F::FalseReceipt => {
                self.drop_delivery(None);
                self.add(Event::Receipt, ms(100));
            }
            F::FalseFailure => {
                self.shift(None, delay(300));
                self.add(Event::Failed, ms(50));
            }
            F::Reroute => self.hand_to(&route.fallback),
            F::Retry => self.retry(rule.times.unwrap_or(2), delay(100)),
            F::Early => self.answer.after = delay(400),
            F::Slow => self.answer.after = delay(1_600),
            F::NoAnswer => self.answer.how = How::Never,
            F::Reset => self.answer.how = How::Reset,
            F::ResetAndDrop => self.refuse(How::Reset),
            F::Twice => self.copy(None, 1, delay(150), Some(&route.fallback)),
            F::Extra => self.add(Event::Complaint, delay(150)),
            F::Stray => self.stray(),
        }
    }

    /// The fallback takes over.
    pub(super) fn hand_to(&mut self, fallback: &str) {
        fallback.clone_into(&mut self.provider);
        for outcome in &mut self.outcomes {
            fallback.clone_into(&mut outcome.provider);
        }
    }

    fn delivered(&mut self, channel: Option<Channel>) -> impl Iterator<Item = &mut Planned> {
        self.outcomes
            .iter_mut()
            .filter(move |o| o.event == Event::Delivered && channel.is_none_or(|c| c == o.channel))
    }

    fn postpone(&mut self, rule: &Rule) {
        let usual = match rule.fault {
            FaultKind::None => 0,
            FaultKind::Delay => 300,
            FaultKind::Overtaken => 500,
            FaultKind::Late => 1_400,
            _ => 3_000,
        };
        match rule.at {
            Some(at) => self
                .delivered(rule.channel)
                .for_each(|outcome| outcome.after = at),
            None => self.shift(rule.channel, rule.delay.unwrap_or(ms(usual))),
        }
    }

    fn shift(&mut self, channel: Option<Channel>, by: Duration) {
        self.delivered(channel).for_each(|outcome| outcome.after += by);
    }

    /// Takes the outcome away; of the row only the step `queued` stays, where the row itself is concerned.
    fn drop_delivery(&mut self, channel: Option<Channel>) {
        self.outcomes
            .retain(|o| o.event == Event::Queued || channel.is_some_and(|c| c != o.channel));
    }

    fn copy(&mut self, channel: Option<Channel>, times: u32, gap: Duration, provider: Option<&str>) {
        let originals: Vec<_> = self.delivered(channel).map(|o| o.clone()).collect();
        for original in originals {
            self.outcomes.extend((1..=times).map(|copy| Planned {
                after: original.after + gap * copy,
                provider: provider.unwrap_or(&original.provider).to_owned(),
                copy,
                ..original.clone()
            }));
        }
    }

    /// Only what is sent can be sent again; a row is a state.
    fn repeat(&mut self, channel: Option<Channel>, repeat: Repeat) {
        let originals: Vec<_> = self
            .delivered(channel)
            .filter(|o| o.channel != Channel::Row)
            .map(|o| o.clone())
            .collect();
        self.outcomes
            .extend(originals.into_iter().map(|original| Planned {
                repeat: Some(repeat),
                after: original.after + ms(100),
                ..original
            }));
    }

    fn reorder(&mut self) {
        for outcome in self.outcomes.iter_mut().filter(|o| o.channel == Channel::Row) {
            // Far enough apart that a table which is looked at four times a second shows the order.
            outcome.after = match outcome.event {
                Event::Sent => Duration::ZERO,
                Event::Queued => ms(350),
                _ => ms(700),
            };
        }
    }

    fn refuse(&mut self, how: How) {
        self.answer.how = how;
        self.outcomes.clear();
    }

    fn retry(&mut self, times: u32, backoff: Duration) {
        for outcome in self.delivered(None).filter(|o| o.channel != Channel::Row) {
            outcome.failing = times;
            outcome.backoff = backoff;
            outcome.after += backoff * times;
        }
    }

    /// One thing more: as an event where events are wanted; what the row says too, where it is a status.
    fn add(&mut self, event: Event, after: Duration) {
        let template = |channel| Planned {
            channel,
            event,
            after,
            provider: self.provider.clone(),
            altered: false,
            copy: 0,
            repeat: None,
            failing: 0,
            backoff: Duration::ZERO,
            stray: false,
        };
        let has = |channel| self.outcomes.iter().any(|o| o.channel == channel);
        let row = (event == Event::Failed && has(Channel::Row)).then(|| template(Channel::Row));
        let webhook = self.webhook.then(|| template(Channel::Webhook));
        self.outcomes.extend(row.into_iter().chain(webhook));
    }

    fn stray(&mut self) {
        let strays: Vec<_> = self
            .delivered(Some(Channel::Webhook))
            .map(|o| Planned {
                stray: true,
                copy: 1,
                ..o.clone()
            })
            .collect();
        self.outcomes.extend(strays);
    }

    /// What the gateway says of itself follows from what it does, except where it lies.
    fn report(&mut self) {
        if let How::Status(400.., _) = self.answer.how {
            return;
        }
        if self.fault == FaultKind::ResetAndDrop {
            return;
        }
        let last = |event| {
            self.outcomes
                .iter()
                .filter(|o| o.event == event)
                .map(|o| o.after)
                .max()
        };
        let end = match self.fault {
            FaultKind::FailSilently => None,
            FaultKind::Fail | FaultKind::FalseFailure => {
                Some((last(Event::Failed).unwrap_or(ms(100)), Event::Failed))
            }
            _ => Some((last(Event::Delivered).unwrap_or(ms(100)), Event::Delivered)),
        };
        let sent = last(Event::Sent).unwrap_or(ms(20));
        self.reported = vec![(Duration::ZERO, Event::Queued)];
        let sent = end.map_or(sent, |(at, _)| sent.min(at));
        self.reported.push((sent, Event::Sent));
        self.reported.extend(end);
    }
}

#[cfg(test)]
mod tests;
