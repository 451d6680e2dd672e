//! Facts beside the class.

use super::{Finding, Judgement, Why, of_layer};
use crate::lifecycle::run::Run;
use crate::model::{Accepted, Class, ExpectationState, Flag, Layer};

/// The flags of a decided run.
pub(super) fn flags(run: &Run, judgement: &Judgement) -> Vec<Flag> {
    let mut flags = Vec::new();
    let class = judgement.class;
    let accepted = run.answered.as_ref().map_or(Accepted::Unknown, |a| a.accepted);
    let mut set = |flag, when: bool| {
        if when {
            flags.push(flag);
        }
    };
    set(Flag::InDoubt, accepted == Accepted::Unknown && !run.fire_unknown);
    set(
        Flag::Unanswered,
        accepted == Accepted::Unknown && class == Some(Class::Lost),
    );
    let steps: Vec<&Finding> = of_layer(run, judgement, Layer::Executed).collect();
    let missed = |f: &&Finding| {
        matches!(
            f.state,
            Some(ExpectationState::Lost | ExpectationState::Mismatched)
        )
    };
    set(
        Flag::Unexecuted,
        accepted != Accepted::No && steps.iter().any(missed),
    );
    set(Flag::Amended, !run.amendments.is_empty());
    let turned = steps
        .windows(2)
        .any(|pair| matches!((pair[0].at, pair[1].at), (Some(a), Some(b)) if b.hi < a.lo));
    set(Flag::OutOfOrder, turned);
    let mut outcomes = of_layer(run, judgement, Layer::Outcome);
    let answered = run.answered.as_ref().map(|a| a.at);
    set(
        Flag::Early,
        outcomes.any(|f| matches!((f.at, answered), (Some(at), Some(end)) if at.hi < end)),
    );
    set(Flag::Straddling, judgement.findings.iter().any(|f| f.straddling));
    let claimed = of_layer(run, judgement, Layer::Receipt).any(|f| f.at.is_some());
    set(Flag::FalseReceipt, claimed && class == Some(Class::Lost));
    set(
        Flag::FalseFailure,
        judgement.failed.is_some() && class != Some(Class::Failed),
    );
    set(Flag::FireUnknown, run.fire_unknown);
    set(Flag::CleanupFailed, run.cleanup_failed);
    let dropped = |f: &Finding| matches!(f.why, Why::Dropped(_));
    set(
        Flag::Dropped,
        run.tainted.is_some() || judgement.findings.iter().any(dropped),
    );
    flags
}
