//! What each channel could see, and who waits to hear it.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crate::lifecycle::judge::Sight;
use crate::lifecycle::run::Gap;
use crate::model::{ChannelId, Moment, RunId};

/// Most gaps remembered of one channel; older ones are joined, which can only make a run blind, never wrong.
const GAPS_LIMIT: usize = 256;

/// By [`ChannelId`].
#[derive(Debug)]
pub(super) struct Channels {
    list: Vec<State>,
    patience: Duration,
}

#[derive(Debug)]
struct State {
    gaps: Vec<Gap>,
    /// The limits that dropped something, each with the instant of its gap.
    limits: VecDeque<(Moment, Arc<str>)>,
    through: Moment,
    /// The latest instant for which a look has been asked for and has not failed.
    asked: Moment,
    /// A set: many runs may wait for one look, and none of them is looked for in a list.
    waiting: BTreeSet<RunId>,
}

impl State {
    const NEW: Self = Self {
        gaps: Vec::new(),
        limits: VecDeque::new(),
        through: Moment(i64::MIN),
        asked: Moment(i64::MIN),
        waiting: BTreeSet::new(),
    };

    fn gap(&mut self, gap: Gap) {
        if self.gaps.len() >= GAPS_LIMIT {
            let second = self.gaps.remove(1);
            self.gaps[0].to = second.to;
        }
        self.gaps.push(gap);
    }
}

impl Channels {
    pub(super) const fn new(patience: Duration) -> Self {
        Self {
            list: Vec::new(),
            patience,
        }
    }

    fn state(&mut self, channel: ChannelId) -> &mut State {
        let place = usize::from(channel.0);
        if self.list.len() <= place {
            self.list.resize_with(place + 1, || State::NEW);
        }
        &mut self.list[place]
    }

    pub(super) fn forget(&mut self, channel: ChannelId) {
        *self.state(channel) = State::NEW;
    }

    /// Whether a look that stands for `due` has still to be asked for; if so it counts as asked for.
    pub(super) fn want_look(&mut self, channel: ChannelId, due: Moment) -> bool {
        let state = self.state(channel);
        let wanted = state.asked < due && state.through < due;
        if wanted {
            state.asked = due;
        }
        wanted
    }

    /// The run is told of the channel's next watermark.
    pub(super) fn wait(&mut self, channel: ChannelId, run: RunId) {
        self.state(channel).waiting.insert(run);
    }

    pub(super) fn watermark(&mut self, channel: ChannelId, through: Moment) -> BTreeSet<RunId> {
        let state = self.state(channel);
        state.through = state.through.max(through);
        std::mem::take(&mut state.waiting)
    }

    pub(super) fn down(&mut self, channel: ChannelId, since: Moment) {
        let state = self.state(channel);
        // Looks that were asked for have failed; they are asked for anew when the channel sees again.
        state.asked = Moment(i64::MIN);
        if state.gaps.last().is_some_and(|gap| gap.to.is_none()) {
            return;
        }
        state.gap(Gap {
            from: since,
            to: None,
        });
    }

    /// A stretch in which nothing could be seen, told after it.
    pub(super) fn blind(&mut self, channel: ChannelId, from: Moment, to: Moment) {
        let state = self.state(channel);
        match state.gaps.last_mut().filter(|gap| gap.to.is_none()) {
            Some(open) => open.from = open.from.min(from),
            None => state.gap(Gap { from, to: Some(to) }),
        }
    }

    pub(super) fn up(&mut self, channel: ChannelId, now: Moment, closed: bool) -> BTreeSet<RunId> {
        let state = self.state(channel);
        if let Some(gap) = state.gaps.last_mut().filter(|gap| gap.to.is_none()) {
            if closed {
                state.gaps.pop();
            } else {
                gap.to = Some(now);
            }
        }
        std::mem::take(&mut state.waiting)
    }

    /// A gap that has ended and that no look closes; a channel that is down is blind as it is.
    pub(super) fn blinked(&mut self, channel: ChannelId, since: Moment, now: Moment) {
        if self.state(channel).gaps.last().is_none_or(|gap| gap.to.is_some()) {
            let asked = self.state(channel).asked;
            self.down(channel, since);
            let state = self.state(channel);
            state.asked = asked;
            if let Some(gap) = state.gaps.last_mut() {
                gap.to = Some(now);
            }
        }
    }

    /// A limit dropped something just now: as blind as a gap.
    pub(super) fn blink(&mut self, channel: ChannelId, at: Moment, limit: Arc<str>) {
        let state = self.state(channel);
        if state.gaps.last().is_none_or(|gap| gap.to.is_some()) {
            if state.limits.len() >= GAPS_LIMIT {
                state.limits.pop_front();
            }
            state.limits.push_back((at, limit));
            self.down(channel, at);
            self.state(channel).asked = Moment(i64::MIN);
            if let Some(gap) = self.state(channel).gaps.last_mut() {
                gap.to = Some(at);
            }
        }
    }
}

impl Sight for Channels {
    fn gaps(&self, channel: ChannelId) -> &[Gap] {
        self.list
            .get(usize::from(channel.0))
            .map_or(&[], |state| &state.gaps)
    }

    fn limit(&self, channel: ChannelId, gap: Gap) -> Option<Arc<str>> {
        let state = self.list.get(usize::from(channel.0))?;
        let mut limits = state.limits.iter();
        // A gap that others were joined to has its own reason.
        let (_, limit) = limits.find(|(at, _)| gap.from == *at && gap.to == Some(*at))?;
        Some(Arc::clone(limit))
    }

    fn through(&self, channel: ChannelId) -> Moment {
        self.list
            .get(usize::from(channel.0))
            .map_or(Moment(i64::MIN), |state| state.through)
    }

    fn patience(&self) -> Duration {
        self.patience
    }
}
