//! Small bars beside numbers: what they show stands next to them, so they have no text of their own.

use maud::{Markup, html};

/// Units of a bar's length.
const LENGTH: f64 = 100.0;

/// A share of 0 to 1, with its interval as a thin line where there is one; an empty bar where nothing is known.
#[must_use]
pub fn share(share: Option<f64>, limits: Option<(f64, f64)>, tone: &str) -> Markup {
    let place = |share: f64| tenth(share.clamp(0.0, 1.0) * LENGTH);
    html! {
        svg.bar viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true" {
            rect.ground width="100" height="8" {}
            @if let Some(share) = share { rect class=(tone) width=(place(share)) height="8" {} }
            @if let Some((lower, upper)) = limits {
                rect.limits x=(place(lower)) y="3" width=(place(upper - lower)) height="2" {}
            }
        }
    }
}

/// Counts beside each other, by the tone of each; an empty bar where all are none.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "counts of runs are far below 2^52")]
pub fn stack(parts: &[(&str, u64)]) -> Markup {
    let whole = parts.iter().map(|(_, count)| *count).sum::<u64>().max(1) as f64;
    let mut before = 0.0;
    let mut placed = Vec::with_capacity(parts.len());
    for (tone, count) in parts.iter().filter(|(_, count)| *count > 0) {
        let length = *count as f64 / whole * LENGTH;
        placed.push((*tone, tenth(before), tenth(length)));
        before += length;
    }
    html! {
        svg.bar viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true" {
            rect.ground width="100" height="8" {}
            @for (tone, x, width) in placed { rect class=(tone) x=(x) width=(width) height="8" {} }
        }
    }
}

/// A coordinate, to a tenth of a unit.
fn tenth(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_as_long_as_it_is_large() {
        let drawn = share(Some(0.25), Some((0.1, 0.5)), "bad").into_string();
        assert!(
            drawn.contains(r#"<rect class="bad" width="25" height="8">"#),
            "{drawn}"
        );
        assert!(drawn.contains(r#"x="10" y="3" width="40""#), "{drawn}");
        assert!(!share(None, None, "bad").into_string().contains("bad"));
    }

    #[test]
    fn counts_fill_the_bar_and_none_leaves_it_empty() {
        let drawn = stack(&[("good", 3), ("warn", 0), ("bad", 1)]).into_string();
        assert!(drawn.contains(r#"class="good" x="0" width="75""#), "{drawn}");
        assert!(drawn.contains(r#"class="bad" x="75" width="25""#), "{drawn}");
        assert!(!drawn.contains("warn"));
        assert_eq!(stack(&[("bad", 0)]).into_string().matches("<rect").count(), 1);
    }
}
