//! Results as one file: it holds all it needs, asks nobody for anything, and what came from outside stays text.

use base64::Engine as _;
use std::collections::BTreeMap;

use landfall::model::{Class, Ending, RunRecord};
use landfall::report::course::CourseOf;
use landfall::report::html::Looked;
use landfall::report::{Format, Results, Style, in_html, twins};
use sha2::{Digest as _, Sha256};

use super::{history, hostile, sample};

fn file(results: &Results) -> String {
    Format::Html.render(results, Style::default())
}

/// What stands between the first of these and the next of those.
fn between<'a>(text: &'a str, open: &str, close: &str) -> &'a str {
    let after = text
        .split_once(open)
        .unwrap_or_else(|| panic!("{open} in {text}"))
        .1;
    after.split_once(close).unwrap().0
}

/// The ids of the file, and the places in it that links lead to.
fn places(file: &str) -> (Vec<&str>, Vec<&str>) {
    let values = |name: &str| -> Vec<&str> {
        let all = file.match_indices(name).map(|(at, _)| &file[at + name.len()..]);
        all.map(|rest| rest.split('"').next().unwrap()).collect()
    };
    (values(" id=\""), values(" href=\"#"))
}

#[test]
fn it_asks_no_host_for_anything_and_allows_what_it_holds_by_digest() {
    for results in [
        sample::every_class(),
        sample::usual(),
        sample::results(Vec::new(), Vec::new()),
    ] {
        let file = file(&results);
        assert!(file.starts_with("<!DOCTYPE html>"));
        let policy = between(&file, "http-equiv=\"Content-Security-Policy\" content=\"", "\"");
        assert!(
            policy.starts_with("default-src &#39;none&#39;") || policy.starts_with("default-src 'none'"),
            "{policy}"
        );
        assert!(!policy.contains("unsafe") && !policy.contains("http"), "{policy}");
        for (open, close) in [("<style>", "</style>"), ("<script>", "</script>")] {
            assert_eq!(file.matches(open).count(), 1, "{open}");
            let digest = Sha256::digest(between(&file, open, close).as_bytes());
            let digest = base64::engine::general_purpose::STANDARD.encode(digest);
            assert!(policy.contains(&format!("sha256-{digest}")), "{open}: {policy}");
        }
        // Neither an address of another host nor a style that the policy forbids.
        for bad in [
            " src=",
            "@import",
            " style=",
            "href=\"http",
            "href=\"//",
            " onload",
            " onclick",
        ] {
            assert!(!file.contains(bad), "{bad}");
        }
        // A pattern of the same drawing may be named, and nothing else.
        assert_eq!(file.matches("url(").count(), file.matches("url(#").count());
    }
}

#[test]
fn every_link_leads_somewhere_in_the_file_and_no_id_is_there_twice() {
    let file = file(&sample::every_class());
    let (ids, links) = places(&file);
    let mut once = ids.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), ids.len(), "{ids:?}");
    assert!(links.len() > 10);
    for link in links {
        assert!(ids.contains(&link), "#{link} leads nowhere: {ids:?}");
    }
}

#[test]
fn what_ended_badly_is_there_and_says_so() {
    let file = file(&sample::every_class());
    for part in [
        "silent failure",
        "arrived 1.50 s after its limit",
        "Ticks that did not fire",
        "per_day: 3000",
        "stopped",
        "queued",
    ] {
        assert!(file.contains(part), "{part}");
    }
    for class in Class::ALL {
        assert!(file.contains(class.word()), "{class:?}");
    }
}

#[test]
fn what_came_from_outside_stays_text() {
    let file = file(&hostile::results(hostile::NASTY));
    for bad in ["<script>alert", "</details> ", "<img", "\u{202e}", "\u{200b}"] {
        assert!(!file.contains(bad), "{bad:?}");
    }
    assert!(file.contains("&lt;script&gt;alert(1)"));
    let long = "x".repeat(1 << 20);
    // A name without end is refused where it is defined, and would be an address in many places.
    let mut results = hostile::results(&long);
    for run in &mut results.runs {
        let mut named = RunRecord::clone(run);
        named.probe = String::from("order-paid");
        *run = named.into();
    }
    results.skipped.clear();
    let file = self::file(&sample::results(
        results.runs.iter().map(|run| RunRecord::clone(run)).collect(),
        Vec::new(),
    ));
    assert!(file.len() < 4_000_000, "{}", file.len());
    assert!(file.contains("(1048576 bytes)"));
}

#[test]
fn what_is_left_out_is_counted() {
    let runs: Vec<RunRecord> = (0..2_600)
        .map(|n| {
            let mut run = if n % 10 == 0 {
                sample::ended(n, Class::Lost)
            } else {
                sample::run(n, "stripe")
            };
            let day = 1 + n / 1440;
            run.tick = format!("2026-10-{day:02}T{:02}:{:02}:00.000Z", n / 60 % 24, n % 60);
            run
        })
        .collect();
    let file = file(&sample::results(runs, Vec::new()));
    assert!(file.contains(
        "The table holds 2000 of 2600 runs: all 260 that did not end well, and the newest others."
    ));
    assert_eq!(
        between(&file, "id=\"runs\"", "</table>").matches("<tr").count(),
        2001
    );
    let (full, left_out) = (
        file.matches("<details class=\"run\"").count(),
        2_600 - file.matches("<details class=\"run\"").count(),
    );
    // The newest that ended badly, as many twins, and three of those that ended well.
    assert_eq!(full, 200 + 200 + 3);
    assert!(
        file.contains(&format!("{full} of 2600 runs")) && file.contains(&format!("{left_out} are left out"))
    );
}

#[test]
fn a_probe_is_shown_as_on_its_page() {
    let file = file(&sample::usual());
    for part in [
        "Routes side by side",
        "Figures by route",
        "Not yet arrived",
        "Latency of the outcome",
        "How runs ended",
        "The same as a table: stripe",
        "Are the routes alike?",
        "What separates bad runs from good",
        "How far runs came",
        "Paths and how their runs ended",
    ] {
        assert!(file.contains(part), "{part}");
    }
    assert!(file.matches("<svg class=\"chart").count() >= 5);
    // Limits are those of the runs themselves: they are drawn, and told.
    assert!(file.contains("within 30"), "{file}");
}

#[test]
fn a_run_that_ended_badly_stands_beside_its_twin() {
    let mut results = sample::usual();
    let told = file(&results);
    assert_eq!(told.matches("id=\"twin-").count(), 2);
    assert!(told.contains("The last good run before it on the same route."));
    // Where they part is marked, and the twin has a place of its own.
    let twin = between(
        &told,
        "id=\"twin-01920000-0000-7000-8000-00000000000c",
        "</section>",
    );
    assert!(
        twin.contains("<tr class=\"differs\">")
            && twin.contains("href=\"#run-01920000-0000-7000-8000-00000000000a\""),
        "{twin}"
    );
    // The other route at the same tick tells more.
    let tick = results.runs[11].tick.clone();
    let mut other = RunRecord::clone(&results.runs[10]);
    (other.tick, other.class) = (tick, Class::Delivered);
    results.runs[10] = other.into();
    let told = file(&results);
    let twin = between(
        &told,
        "id=\"twin-01920000-0000-7000-8000-00000000000c",
        "</section>",
    );
    assert!(twin.contains("The other route at the same tick."), "{twin}");
}

#[test]
fn the_file_of_history_draws_probes_over_time_and_shows_their_bad_runs() {
    let usual = history::usual();
    let runs: Vec<RunRecord> = (0..200)
        .rev()
        .map(|n| {
            history::run(
                n,
                "adyen",
                if n % 25 == 7 {
                    Class::Lost
                } else {
                    Class::Delivered
                },
            )
        })
        .collect();
    let mut course = CourseOf::new(history::at(history::SINCE), history::at(history::UNTIL));
    let mut looked = Looked::default();
    for run in &runs {
        course.add(&Ending::of(run));
        looked.add(run);
    }
    let mut detail = looked.finish(course.finish(), &usual.marks, false);
    assert_eq!((detail.looked_at, detail.bad.len()), (200, 5));
    for case in &mut detail.bad {
        case.twins = Some(twins::twins(
            &case.run,
            &runs[0],
            twins::Chosen::NearestGood,
            &runs,
        ));
    }
    let file = in_html(&usual, &BTreeMap::from([(String::from("order-paid"), detail)]));
    for part in [
        "Routes side by side",
        "release 4.2",
        "Latency of the outcome",
        "Of the newest 200 runs: more are not read one by one.",
        "Last runs that did not end well",
        "Beside its twin",
        "At most 5 are shown here",
        "Against the other window",
    ] {
        assert!(file.contains(part), "{part}");
    }
    let (ids, links) = places(&file);
    for link in links {
        assert!(ids.contains(&link), "#{link} leads nowhere");
    }
    // Without drawings the figures are there all the same.
    let plain = Format::Html.render_history(&usual, Style::default());
    assert!(plain.contains("as a bar") && !plain.contains("Latency of the outcome"));
}
