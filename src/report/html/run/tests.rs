//! Views over records of every class, with hostile and with missing content.

mod hostile;
mod records;

use super::*;
use crate::model::{Class, Flag, LayerState, RunId, Seconds};
use crate::report::around::{Neighbour, OpenRun};
use crate::report::html::{Links, Look};
use crate::report::twins::{Chosen, twins};
use records::{ended, every_class, neighbours, open_run};

pub(super) fn view(links: Links) -> View {
    View {
        look: Look::new(std::sync::Arc::default()),
        links,
        now: String::from("2026-10-01T12:10:00.000Z"),
    }
}

pub(super) fn shown(run: &RunRecord) -> String {
    let content = Content {
        run,
        replaced: &[],
        neighbours: None,
        twins: None,
        trace: None,
        held: None,
    };
    super::run(&view(Links::Site), &content).into_string()
}

#[test]
fn every_class_has_a_sentence_that_names_what_went_wrong() {
    let said = |class| sentence(&ended(class));
    for class in Class::ALL {
        let sentence = said(class);
        assert!(
            sentence.ends_with('.') && sentence.len() > 30,
            "{class:?}: {sentence}"
        );
        let page = shown(&ended(class));
        assert!(page.contains(class.word()), "{class:?}");
        assert!(page.contains("class=\"layer"), "{class:?}");
    }
    assert_eq!(
        said(Class::Lost),
        "The API accepted it, nothing was seen after the step `queued`, and nothing arrived on `hooks` in 5.5 min."
    );
    assert_eq!(
        said(Class::Late),
        "The outcome arrived after 31.5 s, 1.5 s later than it may (within 30 s), inside its grace."
    );
    assert_eq!(
        said(Class::Mismatched),
        "Something arrived on `hooks`, but `seen.json.amount == input.amount` does not hold: expected 100, got 99."
    );
    assert!(said(Class::Unobserved).contains("says nothing about the system"));
    assert!(said(Class::Phantom).contains("arrived all the same"));
}

#[test]
fn the_first_layer_that_went_wrong_is_marked_once() {
    for (class, layer) in [
        (Class::Delivered, None),
        (Class::Lost, Some("executed")),
        (Class::Rejected, Some("accepted")),
        (Class::Mismatched, Some("outcome")),
        (Class::Unobserved, Some("accepted")),
    ] {
        let layers = story::layers(&ended(class));
        let first = story::first_wrong(&layers).map(|at| layers[at].title);
        assert_eq!(first, layer, "{class:?}");
        let page = shown(&ended(class));
        assert_eq!(
            page.matches("first to go wrong").count(),
            usize::from(layer.is_some()),
            "{class:?}"
        );
    }
}

#[test]
fn a_silent_failure_is_named_and_only_where_it_is_one() {
    assert!(shown(&ended(Class::Lost)).contains("Silent failure"));
    for class in [
        Class::Delivered,
        Class::Rejected,
        Class::Unobserved,
        Class::Failed,
    ] {
        assert!(!shown(&ended(class)).contains("Silent failure"), "{class:?}");
    }
    let mut doubt = ended(Class::Lost);
    doubt.layers.accepted.state = LayerState::Unknown;
    let page = shown(&doubt);
    assert!(
        !page.contains("Silent failure:") && page.contains("counts as unanswered"),
        "{page}"
    );
}

#[test]
fn the_handshake_is_told_apart_from_the_connection_where_the_record_does() {
    let mut run = ended(Class::Delivered);
    run.request = Some(serde_json::json!({ "method": "GET", "url": "https://api.example.com/" }));
    assert!(shown(&run).contains("with the TLS handshake"));
    run.timings.tls = Some(0.02);
    let page = shown(&run);
    for part in ["connect: to the server, 3 ms", "TLS: the handshake, 20 ms"] {
        assert!(page.contains(part), "{part}: {page}");
    }
}

#[test]
fn each_flag_is_explained() {
    let mut run = ended(Class::Delivered);
    run.flags = vec![Flag::Straddling, Flag::Rerouted, Flag::Dropped];
    let page = shown(&run);
    for words in ["between the two looks", "went another way", "dropped something"] {
        assert!(page.contains(words), "{words}");
    }
}

#[test]
fn what_was_not_met_stands_under_its_line_with_both_values() {
    let page = shown(&ended(Class::Mismatched));
    for part in [
        "probes/order-paid.yaml:31:9",
        "<mark>seen.json.amount == input.amount</mark>",
        "<pre class=\"good\"><code>100</code></pre>",
        "<pre class=\"bad\"><code>99</code></pre>",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let mut other = ended(Class::Mismatched);
    other.expectations[0].unmet[0].source.clear();
    assert!(shown(&other).contains("<mark>seen.json.amount == input.amount</mark>"));
}

#[test]
fn both_verdicts_and_both_times_are_told() {
    let page = shown(&ended(Class::Late));
    assert!(
        page.contains("The verdict changed after the run had closed"),
        "{page}"
    );
    assert!(page.contains("2026-10-01 12:05:31"), "when it changed");
    assert!(
        page.contains("2026-10-01 12:05:30"),
        "what was there at the end of grace decided first"
    );
}

#[test]
fn the_waterfall_says_in_words_what_it_draws() {
    let page = shown(&ended(Class::Lost));
    for part in [
        "looking up the name",
        "with the TLS handshake",
        "until the answer begins",
        "not reached in 5.5 min",
        "logarithmic",
        "class=\"limit within\"",
        "class=\"limit grace\"",
        "class=\"between good\"",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let never = shown(&ended(Class::Unobserved));
    assert!(never.contains("Nobody knows whether the request left"), "{never}");
}

#[test]
fn absent_parts_have_no_section_and_break_nothing() {
    let mut run = ended(Class::Delivered);
    (run.request, run.response, run.sent, run.lag, run.fingerprint) = (None, None, None, None, None);
    run.timings = Default::default();
    run.expectations.clear();
    run.observations.clear();
    run.path.clear();
    run.attributes.clear();
    run.labels.clear();
    let page = shown(&run);
    assert!(
        page.contains("names no expectation") && page.contains("Nothing was seen"),
        "{page}"
    );
    assert!(
        !page.contains("Request and answer") && !page.contains("The path it took"),
        "{page}"
    );
}

#[test]
fn imported_times_that_are_no_times_break_nothing() {
    for wrong in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -5.0, 1e300] {
        for mut run in every_class() {
            (run.lag, run.timings.dns, run.timings.connect) = (Some(wrong), Some(wrong), Some(wrong));
            (run.timings.first_byte, run.timings.total) = (Some(wrong), Some(wrong));
            run.layers.accepted.seconds = Some(Seconds(wrong, wrong));
            run.layers.outcome.seconds = Some(Seconds(wrong, wrong));
            for e in &mut run.expectations {
                e.seconds = Some(Seconds(wrong, wrong));
                (e.within, e.grace) = (wrong, wrong);
            }
            for o in &mut run.observations {
                o.seconds = Seconds(wrong, -wrong);
            }
            for hop in &mut run.path {
                hop.seconds = Some(wrong);
            }
            let page = shown(&run);
            for bad in ["NaN", "inf%", "inf\"", "\"-"] {
                assert!(!page.contains(bad), "{wrong}: {bad}: {page}");
            }
        }
    }
}

#[test]
fn a_trace_is_a_link_where_its_viewer_is_known_and_else_an_id_to_copy() {
    let run = ended(Class::Lost);
    let mut content = Content {
        run: &run,
        replaced: &[],
        neighbours: None,
        twins: None,
        trace: Some("https://tempo.example/trace/abc"),
        held: None,
    };
    let view = view(Links::Site);
    assert!(
        super::run(&view, &content)
            .into_string()
            .contains("href=\"https://tempo.example/trace/abc\"")
    );
    content.trace = None;
    let page = super::run(&view, &content).into_string();
    assert!(
        page.contains(&format!("<code class=\"copy\">{}</code>", run.id.trace_id())),
        "{page}"
    );
}

#[test]
fn the_runs_around_are_linked_and_a_missing_one_is_said() {
    let run = ended(Class::Lost);
    let mut around = neighbours();
    let none = HashSet::new();
    let shown = |links, around: &Neighbours| {
        let content = Content {
            run: &run,
            replaced: &[],
            neighbours: Some(around),
            twins: None,
            trace: None,
            held: None,
        };
        let page = super::run(&view(links), &content).into_string();
        // What a file does not hold is named without a link.
        let held = Some(&none);
        let bare = super::run(&view(links), &Content { held, ..content }).into_string();
        assert!(
            bare.contains("← previous") && !bare.contains("rel=\"prev\""),
            "{bare}"
        );
        page
    };
    let page = shown(Links::Site, &around);
    let before = around.previous.clone().unwrap();
    assert!(
        page.contains(&format!("rel=\"prev\" href=\"/runs/{}\"", before.id)),
        "{page}"
    );
    assert!(
        page.contains("At the same tick") && page.contains("?twin="),
        "{page}"
    );
    around.next = None;
    assert!(shown(Links::Site, &around).contains("next →: none on record"));
    let page = shown(Links::File, &around);
    assert!(page.contains("next →: none in this file"), "{page}");
    assert!(
        !page.contains("/runs/") && page.contains(&format!("#run-{}", before.id)),
        "{page}"
    );
}

#[test]
fn a_twin_is_told_by_where_they_part() {
    let (run, mut twin) = (ended(Class::Lost), ended(Class::Delivered));
    twin.id = RunId(uuid::Uuid::from_u128(99));
    twin.route = String::from("adyen");
    let made = twins(&run, &twin, Chosen::OtherRoute, []);
    let content = Content {
        run: &run,
        replaced: &[],
        neighbours: None,
        twins: Some(&made),
        trace: None,
        held: None,
    };
    let page = super::run(&view(Links::Site), &content).into_string();
    assert!(page.contains("The other route at the same tick."), "{page}");
    assert!(
        page.contains("They first part at step <code>queued</code>"),
        "{}",
        made.sentence
    );
    assert!(page.contains("class=\"differs\"") && page.contains("≠"), "{page}");
    assert!(page.contains("10 are needed"), "{page}");
}

#[test]
fn neighbours_are_found_among_the_runs_of_a_report() {
    let at = |n: u128, route: &str, second: u32| {
        let mut run = ended(Class::Delivered);
        run.id = RunId(uuid::Uuid::from_u128(n));
        (run.route, run.tick) = (route.to_owned(), format!("2026-10-01T12:00:{second:02}.000Z"));
        run
    };
    let all = [
        at(1, "a", 1),
        at(2, "a", 2),
        at(3, "b", 3),
        at(4, "a", 3),
        at(5, "a", 5),
        at(6, "a", 9),
    ];
    let around = Neighbours::among(&all[3], &all);
    let id = |n: &Option<Neighbour>| n.as_ref().map(|n| n.id.0.as_u128());
    assert_eq!((id(&around.previous), id(&around.next)), (Some(2), Some(5)));
    assert_eq!(around.same_tick.len(), 1);
    let first = Neighbours::among(&all[0], &all);
    assert_eq!((id(&first.previous), id(&first.next)), (None, Some(2)));
}

#[test]
fn a_run_in_flight_says_what_it_waits_for_and_how_long_yet() {
    let open = open_run();
    let page = super::open(&view(Links::Site), &open).into_string();
    for part in [
        "in flight",
        "It left 45 s ago and waits for 2 expectations",
        "given up",
        "accepted",
        "POST /c/hooks",
        "grace left",
        "15 s left",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let unsent = OpenRun {
        sent: None,
        answer: None,
        deadline: None,
        ..open.clone()
    };
    assert!(
        super::open(&view(Links::Site), &unsent)
            .into_string()
            .contains("about to leave")
    );
    let past = OpenRun {
        now: String::from("2026-10-01T13:00:00.000Z"),
        ..open
    };
    assert!(
        super::open(&view(Links::Site), &past)
            .into_string()
            .contains("being judged")
    );
}
