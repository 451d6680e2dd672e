//! Content from outside that wants to be more than text.

use serde_json::json;

use super::records::{every_class, expectation, neighbours, open_run, seen};
use super::{shown, view};
use crate::model::{Class, ExpectationState, RunRecord, Unmet};
use crate::report::html::Links;
use crate::report::html::run::{Content, open};
use crate::report::twins::{Chosen, twins};

const NASTY: &str = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'></pre></code></details>\
    <svg onload=alert(3)>\u{202e}exe.txt\u{200b}\u{1b}[2J\u{0}\u{7}\u{9b}javascript:alert(4)&amp;{{7*7}}";

/// With hostile text wherever a string came from outside, or might have.
fn nasty(mut run: RunRecord, text: &str) -> RunRecord {
    let t = || text.to_owned();
    (run.probe, run.route, run.input, run.token) = (t(), t(), t(), t());
    (run.reason, run.stopped_after, run.location, run.revision) = (t(), Some(t()), t(), t());
    (run.tick, run.sent, run.fingerprint) = (t(), run.sent.map(|_| t()), Some(t()));
    let mut mismatched = expectation("hooks", ExpectationState::Mismatched, None);
    mismatched.unmet.push(Unmet {
        expression: t(),
        source: format!("  - {text}"),
        file: t(),
        line: 3,
        column: 5,
        expected: t(),
        actual: t(),
    });
    run.expectations.push(mismatched);
    for e in &mut run.expectations {
        (e.name, e.channel, e.reason, e.step) = (t(), t(), t(), Some(t()));
    }
    let mut mail = seen("inbox", (1.0, 2.0), &[]);
    mail.seen = json!({
        "subject": text, "from": text, "to": [text], "text": text, "headers": { text: text }, text: text, "other": { text: [text] },
        "received": [{ "from": text, "by": text, "with": null, "at": text, "seconds": -3 }, text],
    });
    let mut row = seen("orders", (1.0, 2.0), &[]);
    row.seen = json!({ "row": { text: text }, "json": { text: text } });
    let mut plain = seen("queue", (1.0, 2.0), &[]);
    plain.seen = json!(text);
    run.observations.extend([mail, row, plain]);
    for o in &mut run.observations {
        (o.channel, o.summary) = (t(), t());
        o.met.push(t());
    }
    for hop in &mut run.path {
        (hop.hop, hop.source) = (t(), t());
    }
    for change in &mut run.amendments {
        (change.at, change.reason) = (t(), t());
    }
    run.request = Some(
        json!({ "method": text, "url": text, "headers": { text: text }, "body": text, "mail": text, text: text }),
    );
    run.response = Some(json!({ "status": text, "headers": text, "body": { text: text }, "error": text }));
    run.attributes.insert(t(), t());
    run.labels.insert(t(), t());
    run
}

fn harmless(page: &str) {
    for bad in [
        "<script",
        "<img",
        "<svg onload",
        "onerror=alert(2)>",
        "\u{202e}",
        "\u{200b}",
        "\u{1b}",
        "\u{0}",
        "\u{9b}",
    ] {
        assert!(!page.contains(bad), "{bad:?}: {page}");
    }
    assert!(!page.contains("href=\"javascript"), "{page}");
}

#[test]
fn no_content_acts_on_the_page_of_any_class() {
    for run in every_class() {
        let page = shown(&nasty(run, NASTY));
        harmless(&page);
        assert!(page.contains("&lt;script&gt;"), "it is shown as what it is");
        assert!(
            page.contains("\\u{202e}"),
            "what turns text around is made visible"
        );
    }
}

#[test]
fn nor_beside_its_twin_nor_around_nor_in_flight() {
    let of = |class| nasty(super::ended(class), NASTY);
    let (run, twin) = (of(Class::Lost), of(Class::Delivered));
    let made = twins(&run, &twin, Chosen::Named, []);
    let mut around = neighbours();
    for near in around
        .same_tick
        .iter_mut()
        .chain(&mut around.previous)
        .chain(&mut around.next)
    {
        (near.route, near.input, near.tick) = (NASTY.into(), NASTY.into(), NASTY.into());
    }
    for links in [Links::Site, Links::File] {
        let content = Content {
            run: &run,
            replaced: &[],
            neighbours: Some(&around),
            twins: Some(&made),
            trace: None,
            held: None,
        };
        harmless(&super::super::run(&view(links), &content).into_string());
    }
    let mut flying = open_run();
    let t = || NASTY.to_owned();
    (
        flying.probe,
        flying.route,
        flying.input,
        flying.token,
        flying.tick,
    ) = (t(), t(), t(), t(), t());
    (flying.sent, flying.deadline, flying.now) = (Some(t()), Some(t()), t());
    for wait in &mut flying.waits {
        (wait.name, wait.channel) = (t(), t());
    }
    for seen in &mut flying.seen {
        (seen.channel, seen.summary) = (t(), t());
    }
    harmless(&open(&view(Links::Site), &flying).into_string());
}

#[test]
fn a_line_of_a_megabyte_is_folded_cut_and_says_its_size() {
    let long = "x".repeat(1 << 20);
    let page = shown(&nasty(super::ended(Class::Mismatched), &long));
    assert!(
        page.len() < 2 << 20,
        "{} bytes for a line of one megabyte in thirty places",
        page.len()
    );
    assert!(page.contains("cut here: 1.0 MB in all"), "its size is named");
    assert!(page.contains("(1.0 MB)"), "and where it is folded");
}

#[test]
fn many_things_seen_are_shown_in_part_and_counted() {
    let mut run = super::ended(Class::Duplicate);
    run.observations = (0..5000)
        .map(|n| seen("hooks", (f64::from(n), f64::from(n)), &["hooks"]))
        .collect();
    let page = shown(&run);
    assert!(page.contains("4940 more observations"), "the rest is counted");
    assert!(page.len() < 1 << 20, "{}", page.len());
}

#[test]
fn a_secret_is_on_no_page() {
    let secret = "hunter2-planted";
    let redactor = crate::redact::Redactor::new([secret.to_owned()]);
    let mut view = view(Links::Site);
    view.look = crate::report::html::Look::new(std::sync::Arc::new(redactor));
    let said = format!("it was {secret}\nand {secret}");
    let mut run = nasty(super::ended(Class::Lost), "plain");
    run.reason.clone_from(&said);
    run.request = Some(json!({ "url": said, "headers": { "x": said }, "body": said }));
    run.response =
        Some(json!({ "status": 200, "headers": { "x": said }, "body": json!({ "x": said }).to_string() }));
    for seen in &mut run.observations {
        seen.summary.clone_from(&said);
        seen.seen = json!({ "subject": said, "json": { "x": said }, "row": { "x": said } });
    }
    for unmet in run.expectations.iter_mut().flat_map(|e| &mut e.unmet) {
        (unmet.expected, unmet.actual) = (said.clone(), said.clone());
    }
    let content = Content {
        run: &run,
        replaced: &[],
        neighbours: None,
        twins: None,
        trace: None,
        held: None,
    };
    let page = super::super::run(&view, &content).into_string();
    assert!(!page.contains(secret), "{page}");
}
