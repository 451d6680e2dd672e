//! How many runs come through each layer: accepted, executed, outcome.

use maud::{Markup, html};

use super::number::{across, tenth};

/// The height of a bar, and from one to the next.
const BAR: f64 = 7.0;
const STEP: f64 = 10.0;

/// Runs that ended, and how many of them came through each layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Funnel {
    /// All of them: what the bars are a share of.
    pub of: u64,
    /// The API took them.
    pub accepted: u64,
    /// The system did the work; `None` where the probe says nothing of it.
    pub executed: Option<u64>,
    /// The user has the result.
    pub outcome: u64,
    /// Accepted, and nothing came of them, and nothing said so.
    pub silent: u64,
}

impl Funnel {
    /// In words: what a page says beside it, and who cannot see it hears.
    #[must_use]
    pub fn said(&self) -> String {
        if self.of == 0 {
            return String::from("no run ended");
        }
        let executed = self
            .executed
            .map_or_else(String::new, |n| format!("{n} executed, "));
        format!(
            "of {} runs {} were accepted, {executed}{} had the outcome, {} failed silently",
            self.of, self.accepted, self.outcome, self.silent
        )
    }

    /// Three bars below each other; what failed silently stands in the last one.
    #[must_use]
    pub fn draw(&self) -> Markup {
        let layers = [Some(self.accepted), self.executed, Some(self.outcome)];
        let shown: Vec<u64> = layers.into_iter().flatten().collect();
        let last = shown.len().saturating_sub(1);
        html! {
            svg.funnel role="img" aria-label=(self.said()) width="100%" height=(tenth(STEP * 2.0 + BAR)) {
                title { (self.said()) }
                @for (place, runs) in shown.iter().enumerate() {
                    @let y = tenth(top(place, shown.len()));
                    rect.ground x="0" y=(y) width="100%" height=(tenth(BAR)) {}
                    rect.through x="0" y=(y) width=(across(self.share(*runs))) height=(tenth(BAR)) {}
                    @if place == last && self.silent > 0 {
                        @let wide = self.share(self.silent).clamp(0.02, 1.0);
                        @let from = self.share(self.outcome).min(1.0 - wide);
                        rect.silent x=(across(from)) y=(y) width=(across(wide)) height=(tenth(BAR)) {}
                    }
                }
            }
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "counts of runs are far below 2^52")]
    fn share(&self, runs: u64) -> f64 {
        if self.of == 0 {
            return 0.0;
        }
        (runs as f64 / self.of as f64).clamp(0.0, 1.0)
    }
}

/// Two bars stand apart as the first and the last of three do.
fn top(place: usize, of: usize) -> f64 {
    match (place, of) {
        (0, _) => 0.0,
        (1, 3) => STEP,
        _ => STEP * 2.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_silent_stand_beside_the_outcome() {
        let funnel = Funnel {
            of: 200,
            accepted: 180,
            executed: None,
            outcome: 150,
            silent: 30,
        };
        let svg = funnel.draw().into_string();
        assert!(
            svg.contains("width=\"90%\"") && svg.contains("width=\"75%\""),
            "{svg}"
        );
        assert!(svg.contains("class=\"silent\" x=\"75%\""), "{svg}");
        assert!(svg.contains("30 failed silently"), "{svg}");
        assert_eq!(svg.matches("class=\"ground\"").count(), 2);
    }

    #[test]
    fn nothing_observed_is_said_and_draws_no_share() {
        let svg = Funnel::default().draw().into_string();
        assert!(svg.contains("no run ended") && !svg.contains("NaN"), "{svg}");
        let odd = Funnel {
            of: 1,
            accepted: 5,
            executed: Some(9),
            outcome: 7,
            silent: 3,
        };
        let svg = odd.draw().into_string();
        assert!(
            ["500%", "900%", "700%", "300%"]
                .iter()
                .all(|wide| !svg.contains(wide)),
            "{svg}"
        );
    }
}
