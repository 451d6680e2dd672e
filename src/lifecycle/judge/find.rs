//! What became of one expectation, as far as it can be said.

use super::{Finding, LOOK_TOLERANCE, Sight, Why};
use crate::lifecycle::run::{Arrival, Run};
use crate::model::{ChannelId, ExpectationSpec, ExpectationState, Identity, Interval, Moment};

/// What counts as an arrival for expectation `i`: each event, and each state once, at its first fitting sight.
fn fitting(run: &Run, i: usize, bits: impl Fn(&Arrival) -> u64) -> Vec<&Arrival> {
    let mut fit: Vec<&Arrival> = run.arrivals.iter().filter(|a| bits(a) >> i & 1 == 1).collect();
    fit.sort_by_key(|a| (a.at.hi, a.observation));
    let mut states: Vec<&Identity> = Vec::new();
    fit.retain(|a| {
        if !matches!(a.identity, Identity::State(_)) {
            return true;
        }
        let first = !states.contains(&&a.identity);
        states.push(&a.identity);
        first
    });
    fit
}

fn by(arrival: &Arrival, limit: Moment) -> bool {
    arrival.at.hi <= limit
        || arrival
            .looked_at
            .is_some_and(|at| at >= limit.before(LOOK_TOLERANCE) && at <= limit.after(LOOK_TOLERANCE))
}

pub(super) fn find(
    run: &Run,
    sight: &dyn Sight,
    now: Moment,
    sent: Moment,
    i: usize,
    spec: &ExpectationSpec,
) -> Finding {
    let limit = sent.after(spec.within);
    let end = limit.after(spec.grace);
    let held = fitting(run, i, |a| a.held);
    let count = u32::try_from(held.len()).unwrap_or(u32::MAX);
    let finding = |state, at: Option<Interval>, moment, why| Finding {
        state,
        at,
        count,
        moment,
        straddling: at.is_some_and(|at| at.straddles(limit) || at.straddles(end)),
        why,
    };
    if spec.times.forbids() {
        let timed = |a: &&&Arrival| run.unclocked.is_none_or(|last| a.observation <= last);
        if let Some(first) = held.iter().filter(timed).find(|a| by(a, end)) {
            let why = Why::Forbidden(count);
            return finding(Some(ExpectationState::Unwanted), Some(first.at), first.at.hi, why);
        }
    } else if spec.times.min > 0
        && let Some(met) = held.get(spec.times.min as usize - 1)
    {
        let at = Interval {
            lo: met.at.lo,
            hi: counted(met, limit, end),
        };
        let (state, why) = met_state(run, sight, i, sent, (limit, end), met);
        if count > spec.times.max && state != ExpectationState::Blind {
            let why = Why::TooMany(count, spec.times.max);
            return finding(Some(ExpectationState::Duplicate), Some(at), at.hi, why);
        }
        return finding(Some(state), Some(at), at.hi, why);
    }
    unmet(run, sight, now, sent, i, spec, &finding)
}

/// When an arrival counts: at the limit, where the look that saw it was sent near enough to it.
fn counted(met: &Arrival, limit: Moment, end: Moment) -> Moment {
    [limit, end]
        .into_iter()
        .find(|at| met.at.hi > *at && by(met, *at))
        .unwrap_or(met.at.hi)
}

fn met_state(
    run: &Run,
    sight: &dyn Sight,
    i: usize,
    sent: Moment,
    (limit, end): (Moment, Moment),
    met: &Arrival,
) -> (ExpectationState, Why) {
    if run.unclocked.is_some_and(|last| met.observation > last) {
        return (ExpectationState::Blind, Why::Unclocked);
    }
    if by(met, limit) {
        return (ExpectationState::Met, Why::None);
    }
    if run.fire_unknown {
        // Its limit counts from an instant that nobody knows.
        return (ExpectationState::Blind, Why::FireUnknown);
    }
    if met.widened && met.at.straddles(limit) {
        return (ExpectationState::Blind, Why::Widened);
    }
    // An earlier delivery may have come while nobody saw.
    if let Some(why) = unseen(run, sight, (i, met.channel), sent, limit) {
        return (ExpectationState::Blind, why);
    }
    if by(met, end) {
        (ExpectationState::Late, Why::After(met.at.hi.since(limit)))
    } else {
        (ExpectationState::Late, Why::AfterGrace(met.at.hi.since(end)))
    }
}

/// Why something that expectation `i` waits for on the channel may have come between the two instants and not been seen.
fn unseen(
    run: &Run,
    sight: &dyn Sight,
    (i, channel): (usize, ChannelId),
    from: Moment,
    to: Moment,
) -> Option<Why> {
    if let Some(judged) = run.judged() {
        if judged.seen >> i & 1 == 1 {
            return None;
        }
        if judged.blind >> i & 1 == 1 {
            return Some(Why::Blind);
        }
    }
    let gap = sight.gaps(channel).iter().find(|gap| gap.touches(from, to));
    let blind = gap.map(|gap| sight.limit(channel, *gap).map_or(Why::Blind, Why::Dropped));
    blind.or_else(|| run.tainted.clone().map(Why::Dropped))
}

fn unmet(
    run: &Run,
    sight: &dyn Sight,
    now: Moment,
    sent: Moment,
    i: usize,
    spec: &ExpectationSpec,
    finding: &dyn Fn(Option<ExpectationState>, Option<Interval>, Moment, Why) -> Finding,
) -> Finding {
    let limit = sent.after(spec.within);
    let end = limit.after(spec.grace);
    let watched = run.watched_since(spec.channel);
    // One that an earlier process closed had been looked for to its end.
    let ended = run.judged().is_some();
    let seen_through = ended || (now >= end && sight.through(spec.channel) >= end.max(watched));
    if !seen_through || run.unclocked.is_some() {
        if let Some((at, why)) = &run.cut {
            return finding(Some(ExpectationState::Blind), None, *at, Why::Cut(why.clone()));
        }
        let resumed = run.resumed.as_ref().map_or(end, |resumed| end.max(resumed.at));
        let give_up = resumed.after(sight.patience());
        if now >= give_up {
            return finding(Some(ExpectationState::Blind), None, give_up, Why::Blind);
        }
        let next = [limit, end, give_up]
            .into_iter()
            .find(|at| *at > now)
            .unwrap_or(give_up);
        return finding(None, None, next, Why::None);
    }
    let blind = if run.fire_unknown {
        Some(Why::FireUnknown)
    } else if run.interrupted {
        Some(Why::Interrupted)
    } else if run.belated && spec.times.min > 0 {
        Some(Why::Belated)
    } else {
        // It may have been there by the end of the grace.
        let doubtful =
            |a: &Arrival| a.matched >> i & 1 == 1 && a.widened && a.at.straddles(end) && !by(a, end);
        let widened = || run.arrivals.iter().any(doubtful).then_some(Why::Widened);
        unseen(run, sight, (i, spec.channel), sent, end).or_else(widened)
    };
    if let Some(why) = blind {
        return finding(Some(ExpectationState::Blind), None, end, why);
    }
    let held = fitting(run, i, |a| a.held).len();
    if spec.times.min == 0 {
        let many = u32::try_from(held).unwrap_or(u32::MAX);
        return if !spec.times.forbids() && many > spec.times.max {
            finding(
                Some(ExpectationState::Duplicate),
                None,
                end,
                Why::TooMany(many, spec.times.max),
            )
        } else {
            finding(Some(ExpectationState::Met), None, end, Why::None)
        };
    }
    let matched = fitting(run, i, |a| a.matched)
        .iter()
        .filter(|a| by(a, end))
        .count();
    let (matched, held) = (
        u32::try_from(matched).unwrap_or(u32::MAX),
        u32::try_from(held).unwrap_or(u32::MAX),
    );
    let (state, why, count) = if matched < spec.times.min {
        (
            ExpectationState::Lost,
            Why::TooFew(matched, spec.times.min),
            matched,
        )
    } else {
        (
            ExpectationState::Mismatched,
            Why::NotAsExpected(matched, held, spec.times.min),
            matched,
        )
    };
    Finding {
        count,
        ..finding(Some(state), None, end, why)
    }
}
