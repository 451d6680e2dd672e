//! What the gateway can do wrong. One list: names, sentences, parameters and the verdict that each deserves.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::model::Class;

/// A setting that a fault may take in a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parameter {
    /// `channel`: only this one; left out, all.
    Channel,
    /// `delay`: how long; what it delays is the fault's sentence.
    Delay,
    /// `at`: the instant of the outcome, counted from the request.
    At,
    /// `status`: the HTTP status that refuses.
    Status,
    /// `times`: how often.
    Times,
}

impl Parameter {
    /// Its key in a script.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Channel => "channel",
            Self::Delay => "delay",
            Self::At => "at",
            Self::Status => "status",
            Self::Times => "times",
        }
    }
}

macro_rules! faults {
    ($($variant:ident $name:literal [$($parameter:ident)*] => $class:ident, $doc:literal;)+) => {
        /// A fault: what the gateway does with one message.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum FaultKind {
            $(#[doc = $doc] $variant),+
        }

        impl FaultKind {
            /// Every fault, in the order of the reference.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The stable name: in scripts, in the ledger, in `fault:NAME` inside a message's text.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// What the gateway does, in a sentence.
            #[must_use]
            pub const fn sentence(self) -> &'static str {
                match self { $(Self::$variant => $doc),+ }
            }

            /// What a correct judge says of it under [`super::truth::Limits::demo`], the fault's parameters left at
            /// their defaults and all channels awaited.
            #[must_use]
            pub const fn says(self) -> Class {
                match self { $(Self::$variant => Class::$class),+ }
            }

            /// The parameters that it takes.
            #[must_use]
            pub const fn takes(self) -> &'static [Parameter] {
                match self { $(Self::$variant => &[$(Parameter::$parameter),*]),+ }
            }
        }
    };
}

faults! {
    None "none" [] => Delivered,
        "Nothing is wrong: answers 202 and delivers on every channel once.";
    Drop "drop" [Channel] => Lost,
        "Answers 202, says delivered, and delivers nothing (or all but `channel`).";
    Delay "delay" [Channel Delay At] => Delivered,
        "Delivers `delay` (300 ms) later than usual, or at `at`.";
    Late "late" [Channel Delay At] => Late,
        "Delivers `delay` (1.4 s) later than usual, or at `at`: past the limit, inside grace.";
    TooLate "too_late" [Channel Delay At] => Lost,
        "Delivers `delay` (3 s) later than usual, or at `at`: past the end of grace.";
    Duplicate "duplicate" [Channel Delay Times] => Duplicate,
        "Delivers `times` (1) copies more under new ids, `delay` (150 ms) apart.";
    Resend "resend" [Channel] => Duplicate,
        "Sends the same message under the same id again on the same connection, the acknowledgement read.";
    Redeliver "redeliver" [Channel] => Delivered,
        "Sends the same message under the same id again on a new connection, as after a lost acknowledgement.";
    Reorder "reorder" [] => Delivered,
        "Takes its steps in another order: the row says sent before it says queued.";
    Overtaken "overtaken" [Delay] => Delivered,
        "Holds the message back by `delay` (500 ms), so that messages taken after it overtake it.";
    Alter "alter" [Channel] => Mismatched,
        "Delivers another text than the one it was given.";
    Fail "fail" [Delay] => Failed,
        "Fails downstream and says so, `delay` (100 ms) after the request: status failed and a `message.failed` event.";
    FailSilently "fail_silently" [] => Lost,
        "Fails downstream after the step sent, and says nothing.";
    Refuse "refuse" [Status] => Rejected,
        "Answers `status` (503) and does nothing.";
    Throttle "throttle" [Delay] => Rejected,
        "Answers 429 with `retry-after` (`delay`, 1 s) and does nothing.";
    Overloaded "overloaded" [] => Rejected,
        "Answers 503 since it is full, and does nothing; also what happens at the limit on open messages.";
    RefuseAndDeliver "refuse_and_deliver" [Status] => Phantom,
        "Answers `status` (503) and delivers all the same.";
    FalseReceipt "false_receipt" [] => Lost,
        "Sends a `message.receipt` event that says delivered, and delivers nothing.";
    FalseFailure "false_failure" [Delay] => Failed,
        "Says failed (status and `message.failed` event), and delivers `delay` (300 ms) later than usual.";
    Reroute "reroute" [] => Delivered,
        "Hands the message to the route's fallback provider; also what happens over the route's `max_in_flight`.";
    Retry "retry" [Times Delay] => Delivered,
        "Fails to reach the webhook and the mail server `times` (2) times, and tries again `delay` (100 ms) later.";
    Early "early" [Delay] => Delivered,
        "Answers only `delay` (400 ms) after the request, when the outcome is already there.";
    Slow "slow" [Delay] => Delivered,
        "Answers only `delay` (1.6 s) after the request, past a client's patience, and delivers as usual.";
    NoAnswer "no_answer" [] => Delivered,
        "Never answers, and delivers as usual.";
    Reset "reset" [] => Delivered,
        "Resets the connection instead of answering, and delivers as usual.";
    ResetAndDrop "reset_and_drop" [] => Lost,
        "Resets the connection instead of answering, and does nothing.";
    Twice "twice" [Delay] => Duplicate,
        "Delivers over two providers, the second `delay` (150 ms) after the first.";
    Extra "extra" [Delay] => Unwanted,
        "Delivers, and sends a `message.complaint` event that nobody should get, `delay` (150 ms) after the request.";
    Stray "stray" [] => Delivered,
        "Delivers, and sends a `message.delivered` event about a reference that nobody has sent.";
}

impl FaultKind {
    /// The fault of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|fault| fault.name() == name)
    }

    /// The name nearest to what was written, for messages.
    #[must_use]
    pub fn nearest(name: &str) -> Option<&'static str> {
        Self::ALL
            .iter()
            .map(|fault| (strsim::damerau_levenshtein(fault.name(), name), fault.name()))
            .min()
            .filter(|(distance, _)| *distance <= 3)
            .map(|(_, name)| name)
    }

    /// The reference: a line for each fault, for `--print-faults`.
    #[must_use]
    pub fn reference() -> String {
        Self::ALL
            .iter()
            .map(|f| {
                let takes: Vec<_> = f.takes().iter().map(|p| p.name()).collect();
                let takes = if takes.is_empty() {
                    String::new()
                } else {
                    format!(" [{}]", takes.join(", "))
                };
                format!(
                    "{:<20} {:<11}{}{takes}\n",
                    f.name(),
                    f.says().word(),
                    f.sentence()
                )
            })
            .collect()
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for FaultKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for FaultKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::named(&name).ok_or_else(|| {
            let hint = Self::nearest(&name).map_or_else(
                || String::from("`landfall sandbox --print-faults` lists them"),
                |nearest| format!("did you mean `{nearest}`?"),
            );
            de::Error::custom(format_args!("there is no fault `{name}`: {hint}"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_read_back() {
        for fault in FaultKind::ALL {
            assert_eq!(FaultKind::named(fault.name()), Some(*fault));
            let text = serde_json::to_string(fault).unwrap();
            assert_eq!(serde_json::from_str::<FaultKind>(&text).unwrap(), *fault);
        }
    }

    #[test]
    fn a_misspelt_fault_is_told_the_nearest() {
        let error = serde_json::from_str::<FaultKind>("\"duplicat\"").unwrap_err();
        assert!(error.to_string().contains("did you mean `duplicate`?"), "{error}");
    }

    #[test]
    fn the_reference_names_every_fault_on_a_line_of_its_own() {
        let reference = FaultKind::reference();
        assert_eq!(reference.lines().count(), FaultKind::ALL.len());
        assert!(reference.contains("phantom"));
    }
}
