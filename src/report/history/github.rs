//! Annotations of a GitHub workflow: an error where an objective is not met, a warning where nothing can be said or
//! runs failed silently, and a sentence.

use std::fmt::Write as _;

use crate::report::github::{data, property};
use crate::report::series::{
    History, ObjectiveWord, interval, objective_word, objectives, sections, sentence, withheld,
};
use crate::report::words::clip;

pub(super) fn render(history: &History) -> String {
    let mut out = String::new();
    for probe in &history.probes {
        let name = sections(probe);
        for found in &probe.objectives {
            let command = match found.word {
                ObjectiveWord::Met => continue,
                ObjectiveWord::NotMet => "error",
                ObjectiveWord::NotEnough => "warning",
            };
            let word = objective_word(found.word);
            let title = format!(
                "{}/{}: objective {word}",
                clip(&probe.probe, 80),
                clip(&found.route, 60)
            );
            write(&mut out, command, &title, &objectives(found).join("\n"));
        }
        for series in &probe.series {
            let title = format!("{}/{}", clip(&probe.probe, 80), name(series));
            if let Some(why) = withheld(series) {
                write(&mut out, "warning", &title, &why);
            }
            if series.silent_failures.count > 0 {
                let said = format!("silent failures {}", interval(series.silent_failures));
                write(&mut out, "warning", &title, &said);
            }
        }
        for note in &probe.notes {
            write(&mut out, "notice", &clip(&probe.probe, 80), note);
        }
    }
    let _infallible = writeln!(out, "{}", sentence(history));
    out
}

fn write(out: &mut String, command: &str, title: &str, message: &str) {
    let _infallible = writeln!(out, "::{command} title={}::{}", property(title), data(message));
}
