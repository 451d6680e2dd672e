//! Which rows of a table are shown: boxes to tick, which work without a script.

use std::fmt::Write as _;

use maud::{Markup, html};

/// Boxes of one group; what is beyond has none, and its rows are always shown.
const BOXES: usize = 60;

/// One group of boxes: what they are about, and each with its rows.
pub(super) struct Choice {
    /// A letter that tells it from other groups.
    pub(super) letter: char,
    pub(super) legend: &'static str,
    /// The word, and the rows that have it.
    pub(super) options: Vec<(String, usize)>,
}

impl Choice {
    /// The group over what is counted here, in the order of its first appearance in `order`.
    pub(super) fn new(letter: char, legend: &'static str, words: impl Iterator<Item = String>) -> Self {
        let mut options: Vec<(String, usize)> = Vec::new();
        for word in words {
            match options.iter_mut().find(|(known, _)| *known == word) {
                Some((_, rows)) => *rows += 1,
                None => options.push((word, 1)),
            }
        }
        Self {
            letter,
            legend,
            options,
        }
    }

    /// The class of the rows that have this word.
    pub(super) fn class(&self, word: &str) -> Option<String> {
        let place = self
            .options
            .iter()
            .take(BOXES)
            .position(|(known, _)| known == word)?;
        Some(format!("{}{place}", self.letter))
    }

    /// Whether there is anything to choose between.
    pub(super) fn is_one(&self) -> bool {
        self.options.len() < 2
    }

    /// The boxes, all ticked; `shown` makes of a word what stands beside its box.
    pub(super) fn boxes(&self, shown: impl Fn(&str) -> Markup) -> Markup {
        let more = self.options.len().saturating_sub(BOXES);
        html! {
            @if !self.is_one() {
                fieldset.choice {
                    legend { (self.legend) }
                    @for (n, (word, rows)) in self.options.iter().take(BOXES).enumerate() {
                        label { input type="checkbox" id={ "show-" (self.letter) (n) } checked; (shown(word)) " " span.faint { (rows) } }
                    }
                    @if more > 0 { p.faint { "and " (more) " more, which are always shown" } }
                }
            }
        }
    }

    /// The rules that take rows away whose box is not ticked.
    pub(super) fn rules(&self, rows: &str) -> String {
        let mut rules = String::new();
        if self.is_one() {
            return rules;
        }
        for n in 0..self.options.len().min(BOXES) {
            let letter = self.letter;
            let _infallible = writeln!(
                rules,
                "body:has(#show-{letter}{n}:not(:checked)) {rows} .{letter}{n} {{ display: none; }}"
            );
        }
        rules
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_has_a_box_and_a_rule_and_one_word_has_none() {
        let words = ["lost", "late", "lost"].map(str::to_owned);
        let choice = Choice::new('c', "Class", words.into_iter());
        assert_eq!(choice.class("late").as_deref(), Some("c1"));
        assert_eq!(choice.class("gone"), None);
        let boxes = choice.boxes(|word| html! { (word) }).into_string();
        assert!(
            boxes.contains("id=\"show-c0\"") && boxes.contains("lost <span class=\"faint\">2</span>"),
            "{boxes}"
        );
        assert_eq!(
            choice.rules("#runs"),
            "body:has(#show-c0:not(:checked)) #runs .c0 { display: none; }\nbody:has(#show-c1:not(:checked)) #runs .c1 { display: none; }\n"
        );
        let one = Choice::new('c', "Class", ["lost".to_owned()].into_iter());
        assert_eq!(
            (one.boxes(|_| html! {}).into_string(), one.rules("#runs")),
            Default::default()
        );
    }

    #[test]
    fn what_has_no_box_is_said() {
        let choice = Choice::new('r', "Route", (0..BOXES + 5).map(|n| n.to_string()));
        let boxes = choice.boxes(|word| html! { (word) }).into_string();
        assert!(boxes.contains("and 5 more, which are always shown"), "{boxes}");
        assert_eq!(choice.class(&BOXES.to_string()), None);
    }
}
