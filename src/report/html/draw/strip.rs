//! A strip of bars, one for each stretch of time: how the runs in it ended.

use maud::{Markup, html};

use super::number::{across, tenth};
use crate::model::Class;
use crate::report::html::words::class_tone;

/// The height of a strip.
const HIGH: f64 = 28.0;

/// The bars of one strip, and what lies beside them.
#[derive(Clone, Debug, PartialEq)]
pub struct Strip<'a> {
    /// What it shows, for those who do not see it.
    pub title: &'a str,
    /// The bars, the earliest first.
    pub bars: Vec<StripBar>,
    /// Deployments and incidents: where, from 0 to 1, and what.
    pub marks: Vec<(f64, String)>,
}

/// One stretch of time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StripBar {
    /// Runs by class; none where nothing ended.
    pub classes: Vec<(Class, u32)>,
    /// When it was, in words.
    pub when: String,
    /// Where its runs are listed.
    pub link: Option<String>,
}

/// The parts of a bar from its foot to its head: what is well stands below, what is worst on top.
const TONES: [&str; 4] = ["good", "blind", "warn", "bad"];

impl StripBar {
    /// `10:05: 11 delivered, 1 lost`.
    #[must_use]
    pub fn said(&self) -> String {
        let counts: Vec<String> = self
            .classes
            .iter()
            .map(|(class, runs)| format!("{runs} {}", class.word()))
            .collect();
        match counts.is_empty() {
            true => format!("{}: no run", self.when),
            false => format!("{}: {}", self.when, counts.join(", ")),
        }
    }

    /// The worst tone in it.
    #[must_use]
    pub fn tone(&self) -> Option<&'static str> {
        let has = |tone: &&&str| self.classes.iter().any(|(class, _)| class_tone(*class) == **tone);
        TONES.iter().rev().find(has).copied()
    }

    /// Its height says how bad it is too, for those who tell no colours apart, and because a few bad runs of very many are
    /// hardly seen otherwise: it grows with the root of their share.
    fn high(&self) -> f64 {
        let all: u32 = self.classes.iter().map(|(_, runs)| runs).sum();
        let worse = self.classes.iter().map(|(class, runs)| match class_tone(*class) {
            "bad" => f64::from(*runs),
            "warn" => f64::from(*runs) * 0.5,
            _ => 0.0,
        });
        let share = worse.sum::<f64>() / f64::from(all.max(1));
        HIGH * (0.6 + 0.4 * share.sqrt())
    }

    /// Class, top and height of its parts.
    fn parts(&self) -> Vec<(&'static str, f64, f64)> {
        let all: u32 = self.classes.iter().map(|(_, runs)| runs).sum();
        let high = self.high();
        let mut foot = HIGH;
        let mut parts = Vec::new();
        for tone in TONES {
            let of = self
                .classes
                .iter()
                .filter(|(class, _)| class_tone(*class) == tone);
            let runs: u32 = of.map(|(_, runs)| runs).sum();
            if runs > 0 {
                let part = high * f64::from(runs) / f64::from(all.max(1));
                foot -= part;
                parts.push((tone, foot, part));
            }
        }
        // One bad run of very many is seen all the same.
        if let Some((_, top, part)) = parts.last_mut().filter(|(tone, ..)| *tone != "good") {
            *part = part.max(4.0);
            *top = HIGH - high;
        }
        parts
    }
}

impl Strip<'_> {
    /// In words: how many bars are not well, and the last of them.
    #[must_use]
    pub fn said(&self) -> String {
        let ran = self.bars.iter().filter(|bar| !bar.classes.is_empty()).count();
        let bad: Vec<&StripBar> = self
            .bars
            .iter()
            .filter(|bar| bar.tone().is_some_and(|tone| tone != "good"))
            .collect();
        let mut said = match (ran, bad.last()) {
            (0, _) => format!("{}: no run ended", self.title),
            (_, None) => format!(
                "{}: all runs delivered in {ran} of {} bars",
                self.title,
                self.bars.len()
            ),
            (_, Some(last)) => format!(
                "{}: {} of {ran} bars with runs hold others than delivered ones; the last, {}",
                self.title,
                bad.len(),
                last.said()
            ),
        };
        if !self.marks.is_empty() {
            said.push_str(&format!("; {} marks", self.marks.len()));
        }
        said
    }

    /// The drawing. Bars that hold anything but delivered runs are links; arrow keys move between them.
    #[must_use]
    pub fn draw(&self) -> Markup {
        #[expect(clippy::cast_precision_loss, reason = "bars are few")]
        let step = 1.0 / self.bars.len().max(1) as f64;
        let links = self.bars.iter().filter(|bar| linked(bar).is_some()).count();
        let role = if links > 0 { "group" } else { "img" };
        let mut passed = 0;
        html! {
            svg.stretches role=(role) aria-label=(self.said()) width="100%" height=(tenth(HIGH)) data-strip="" {
                line.foot x1="0" x2="100%" y1=(tenth(HIGH - 0.5)) y2=(tenth(HIGH - 0.5)) {}
                @for (place, bar) in self.bars.iter().enumerate() {
                    @if let Some(link) = linked(bar) {
                        // The last can be tabbed to, and arrows go on from there.
                        @let tab = { passed += 1; if passed == links { "0" } else { "-1" } };
                        a href=(link) tabindex=(tab) aria-label=(bar.said()) { (one(bar, place, step)) }
                    } @else { (one(bar, place, step)) }
                }
                @for (at, said) in &self.marks {
                    g.deployed {
                        title { (said) }
                        rect x=(across(*at)) y="0" width="2" height=(tenth(HIGH)) {}
                    }
                }
            }
        }
    }
}

fn linked(bar: &StripBar) -> Option<&str> {
    let notable = bar.tone().is_some_and(|tone| tone != "good");
    bar.link.as_deref().filter(|_| notable)
}

#[expect(clippy::cast_precision_loss, reason = "bars are few")]
fn one(bar: &StripBar, place: usize, step: f64) -> Markup {
    let air = (step * 0.15).min(0.004);
    let (x, wide) = (place as f64 * step + air, step - 2.0 * air);
    let notable = bar.tone().is_some_and(|tone| tone != "good");
    html! {
        @for (tone, top, high) in bar.parts() {
            rect class=(tone) x=(across(x)) width=(across(wide)) y=(tenth(top)) height=(tenth(high)) {
                @if notable { title { (bar.said()) } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(classes: &[(Class, u32)], link: bool) -> StripBar {
        StripBar {
            classes: classes.to_vec(),
            when: String::from("10:05"),
            link: link.then(|| String::from("/runs?x")),
        }
    }

    #[test]
    fn what_is_not_well_is_higher_and_a_link() {
        let strip = Strip {
            title: "orders / a",
            bars: vec![
                bar(&[(Class::Delivered, 60)], true),
                bar(&[], true),
                bar(&[(Class::Delivered, 59), (Class::Lost, 1)], true),
                bar(&[(Class::Late, 1)], true),
            ],
            marks: vec![(0.5, String::from("release 4"))],
        };
        let svg = strip.draw().into_string();
        assert_eq!(svg.matches("<a ").count(), 2, "{svg}");
        assert_eq!(svg.matches("tabindex=\"0\"").count(), 1, "{svg}");
        assert!(
            svg.contains("59 delivered, 1 lost") && svg.contains("release 4"),
            "{svg}"
        );
        let (tone, top, high) = strip.bars[2].parts()[1];
        assert!(tone == "bad" && high >= 4.0 && top > 0.0, "{top} {high}");
        assert!(strip.bars[2].high() > strip.bars[0].high() && strip.bars[3].high() > strip.bars[2].high());
        assert_eq!(strip.bars[1].parts(), []);
        assert!(strip.said().contains("2 of 3 bars"), "{}", strip.said());
    }

    #[test]
    fn an_empty_strip_says_so() {
        let strip = Strip {
            title: "orders / a",
            bars: Vec::new(),
            marks: Vec::new(),
        };
        assert!(strip.draw().into_string().contains("no run ended"));
    }

    #[test]
    fn every_class_has_its_place() {
        for class in Class::ALL {
            let bar = bar(&[(class, 3)], false);
            assert_eq!(bar.parts().len(), 1, "{class:?}");
            assert_eq!(bar.tone(), Some(class_tone(class)));
        }
    }
}
