//! Whether handing over what one look saw made the next one late.

use std::time::Duration;

use crate::model::Moment;

/// A look counts at its limit if it left so late at the most (the design's section on time).
const LATE: Duration = Duration::from_millis(50);

/// The hand-overs of a channel that looks again only when what it saw is on record.
///
/// A store that is locked or slow holds such a channel up: a look that was due meanwhile leaves late, and what it then
/// sees may have been there in time. That is landfall's own fault and no run's.
#[derive(Debug, Default)]
pub(in crate::channel) struct HandOver {
    /// When the last one ended that took too long.
    held_up: Option<Moment>,
}

impl HandOver {
    /// What came at `came` was on record at `done`.
    pub(in crate::channel) fn took(&mut self, came: Moment, done: Moment) {
        if done.since(came) > LATE {
            self.held_up = self.held_up.max(Some(done));
        }
    }

    /// Whether a look may have left late for it since the one that was sent at `last`.
    pub(in crate::channel) fn delayed(&self, last: Moment) -> bool {
        self.held_up.is_some_and(|until| until >= last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_long_delays_what_follows_until_a_look_has_left_after_it() {
        let at = |millis: i64| Moment(millis * 1_000_000);
        let mut of = HandOver::default();
        of.took(at(0), at(50));
        assert!(!of.delayed(at(0)));
        of.took(at(100), at(151));
        // Others that were handed over at once take nothing back.
        of.took(at(120), at(130));
        assert!(of.delayed(at(90)) && of.delayed(at(151)));
        assert!(!of.delayed(at(152)));
    }
}
