//! Words that every format shares: names, figures, and text from outside made safe to show.

use std::borrow::Cow;

use crate::diag::escape;
use crate::model::{Class, Flag, LayerState, RunRecord, SkipRecord};

/// The longest piece of text from outside that is shown on a line, in characters.
const PIECE: usize = 300;

/// Text that came from outside, safe to print: control, bidi and zero-width characters are escaped as `\u{..}`, so
/// that it can move no cursor, set no title and forge no line.
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    let escaped = escape(text);
    if escaped == text {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(escaped)
    }
}

/// As [`visible`], and cut where it is long; what was cut says how long it was.
pub(super) fn piece(text: &str) -> String {
    clip(text, PIECE)
}

/// As [`visible`], at most `limit` characters of it.
pub(super) fn clip(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        None => visible(text).into_owned(),
        Some((end, _)) => format!("{}… ({} bytes)", visible(&text[..end]), text.len()),
    }
}

/// A time in three digits that matter: `380 µs`, `0.012 s`, `1.24 s`, `330 s`; a dash for what is no number.
pub(super) fn seconds(seconds: f64) -> String {
    match seconds {
        s if !s.is_finite() => String::from("-"),
        s if s.abs() < 0.000_000_5 => String::from("0.000 s"),
        s if s.abs() < 0.000_999_5 => format!("{:.0} µs", s * 1e6),
        s if s.abs() < 0.9995 => format!("{s:.3} s"),
        s if s.abs() < 99.995 => format!("{s:.2} s"),
        s => format!("{s:.0} s"),
    }
}

/// A share as a percentage; a dash for a share of nothing.
pub(super) fn percent(share: Option<f64>) -> String {
    match share {
        None => String::from("-"),
        Some(share) if share > 0.0 && share < 0.001 => String::from("< 0.1 %"),
        Some(share) => format!("{:.1} %", share * 100.0),
    }
}

/// `probe/route`, and the input where the probe names several.
pub(super) fn name(probe: &str, route: &str, input: &str) -> String {
    let mut name = format!("{}/{}", clip(probe, 80), clip(route, 80));
    if input != DEFAULT_INPUT {
        name.push('/');
        name.push_str(&clip(input, 80));
    }
    name
}

/// What the input of a probe is called that names none.
pub(super) const DEFAULT_INPUT: &str = "default";

/// As [`name`], of a run.
pub(super) fn run_name(run: &RunRecord) -> String {
    name(&run.probe, &run.route, &run.input)
}

/// As [`name`], of a skip.
pub(super) fn skip_name(skip: &SkipRecord) -> String {
    name(&skip.probe, &skip.route, &skip.input)
}

/// Whether a run has to be explained: it did not end delivered, or a step of it was not seen.
pub(super) fn bad(run: &RunRecord) -> bool {
    run.class != Class::Delivered || run.flags.contains(&Flag::Unexecuted)
}

/// How a run reads: *accepted yes, executed stopped after 'queued', outcome lost*.
pub(super) fn reading(run: &RunRecord) -> String {
    let layers = &run.layers;
    let mut said = vec![format!("accepted {}", state(layers.accepted.state))];
    match (layers.executed.state, &run.stopped_after) {
        (LayerState::Undeclared, _) => {}
        (LayerState::No, Some(step)) => said.push(format!("executed stopped after '{}'", clip(step, 80))),
        (LayerState::No, None) => said.push(String::from("executed no")),
        (known, _) => said.push(format!("executed {}", state(known))),
    }
    said.push(format!("outcome {}", run.class.word()));
    said.join(", ")
}

pub(super) const fn state(state: LayerState) -> &'static str {
    match state {
        LayerState::Yes => "yes",
        LayerState::No => "no",
        LayerState::Unknown => "unknown",
        LayerState::Undeclared => "undeclared",
    }
}

/// A flag as people read it.
#[must_use]
pub const fn flag(flag: Flag) -> &'static str {
    match flag {
        Flag::InDoubt => "in doubt",
        Flag::Unanswered => "unanswered",
        Flag::Unexecuted => "unexecuted",
        Flag::Amended => "amended",
        Flag::OutOfOrder => "out of order",
        Flag::Early => "early",
        Flag::Straddling => "straddling",
        Flag::Rerouted => "rerouted",
        Flag::FalseReceipt => "false receipt",
        Flag::FalseFailure => "false failure",
        Flag::FireUnknown => "fire unknown",
        Flag::CleanupFailed => "cleanup failed",
        Flag::Dropped => "dropped",
    }
}

/// `1 run`, `2 runs`.
pub(super) fn count(n: u64, word: &str) -> String {
    if n == 1 {
        format!("1 {word}")
    } else {
        format!("{n} {word}s")
    }
}

/// Whether the request went out without its peer's certificate being checked.
pub(super) fn insecure(run: &RunRecord) -> bool {
    let request = run.request.as_ref();
    request
        .and_then(|r| r.get("insecure"))
        .and_then(serde_json::Value::as_bool)
        == Some(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_keep_three_digits_that_matter() {
        for (value, text) in [
            (0.0, "0.000 s"),
            (-0.0, "0.000 s"),
            (0.000_000_4, "0.000 s"),
            (0.000_38, "380 µs"),
            (-0.000_38, "-380 µs"),
            (0.000_999_6, "0.001 s"),
            (0.0124, "0.012 s"),
            (0.9999, "1.00 s"),
            (1.236, "1.24 s"),
            (99.999, "100 s"),
            (330.4, "330 s"),
            (-0.003, "-0.003 s"),
            (f64::NAN, "-"),
            (f64::INFINITY, "-"),
        ] {
            assert_eq!(seconds(value), text);
        }
    }

    #[test]
    fn a_share_of_nothing_is_no_percentage() {
        assert_eq!(percent(None), "-");
        assert_eq!(percent(Some(0.0)), "0.0 %");
        assert_eq!(percent(Some(0.0001)), "< 0.1 %");
        assert_eq!(percent(Some(1.0)), "100.0 %");
    }

    #[test]
    fn what_came_from_outside_cannot_act_on_a_terminal() {
        let shown = visible("a\x1b]52;c;eA==\x07\r\n\u{9b}2J\u{202e}b\u{200b}\u{61c}\u{e0041}ü");
        assert!(!shown.chars().any(|c| c.is_control()), "{shown}");
        assert_eq!(
            shown,
            "a\\u{1b}]52;c;eA==\\u{7}\\u{d}\\u{a}\\u{9b}2J\\u{202e}b\\u{200b}\\u{61c}\\u{e0041}ü"
        );
        assert!(matches!(visible("plain ü"), Cow::Borrowed("plain ü")));
    }

    #[test]
    fn a_long_text_is_cut_and_says_so() {
        assert_eq!(clip("üüü", 3), "üüü");
        assert_eq!(clip("üüüü", 3), "üüü… (8 bytes)");
        assert!(piece(&"x".repeat(1 << 20)).ends_with("… (1048576 bytes)"));
    }
}
