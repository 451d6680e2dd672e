mod beside;
mod properties;

use super::*;
use crate::model::{Class, Ending, SkipReason, SkipRecord, SkipSpan};
use crate::report::{Format, Style, sample};
use std::collections::BTreeMap;

fn tick(n: i64) -> Moment {
    Moment(1_790_000_000_000_000_000 + n * 60_000_000_000)
}

/// The `n`th run of a route, which arrived at `at` if it did.
fn ending(n: i64, route: &str, class: Class, at: Option<(f64, f64)>) -> Ending {
    sample::ending(n, tick(n), route, class, at)
}

fn good(n: i64, route: &str) -> Ending {
    ending(n, route, Class::Delivered, Some((1.0, 1.5)))
}

fn lost(n: i64, route: &str) -> Ending {
    ending(n, route, Class::Lost, None)
}

fn gathered(endings: impl IntoIterator<Item = Ending>) -> Gathering {
    let mut gathering = Gathering::default();
    for ending in endings {
        assert!(gathering.add(ending));
    }
    gathering
}

fn probes(gathering: &Gathering) -> Vec<ProbeFigures> {
    gathering.figures(&BTreeMap::new(), None)
}

fn history(probes: Vec<ProbeFigures>) -> History {
    let mut history = History::new(tick(0), Window::new(Some(tick(0)), tick(10_000)), Source::Runs);
    history.probes = probes;
    history
}

fn text(history: &History) -> String {
    let style = Style {
        colour: false,
        width: 80,
    };
    let text = Format::Text.render_history(history, style);
    for line in text.lines() {
        assert!(line.chars().count() <= 80, "{line}");
        assert!(!line.contains("NaN") && !line.contains("inf"), "{line}");
    }
    text
}

fn near(value: Option<f64>, expected: f64) {
    assert!(
        value.is_some_and(|value| (value - expected).abs() < 5e-7),
        "{value:?}, not {expected}"
    );
}

#[test]
fn no_runs_have_no_percentage() {
    let said = text(&history(probes(&Gathering::default())));
    assert!(said.contains("no run ended in the window"), "{said}");
    assert!(!said.contains('%'), "{said}");
}

#[test]
fn one_run_is_a_share_and_no_consistency() {
    let all = probes(&gathered([good(1, "a")]));
    let series = &all[0].series[0];
    assert_eq!((series.on_time.count, series.on_time.of), (1, 1));
    assert_eq!(series.consistency, None);
    let said = text(&history(all));
    assert!(said.contains("not enough runs: it takes two"), "{said}");
    assert!(said.contains("not bounded by this data"), "{said}");
}

#[test]
fn all_lost_is_consistent_and_never_arrives() {
    let all = probes(&gathered((0..30).map(|n| lost(n, "a"))));
    let series = &all[0].series[0];
    near(series.on_time.share, 0.0);
    near(series.silent_failures.share, 1.0);
    let outcome = series.layers.outcome.as_ref().unwrap();
    assert_eq!((outcome.never, outcome.p50.latest), (30, None));
    near(series.wait.map(|wait| wait.mean), 60.0);
    let said = text(&history(all));
    assert!(
        said.contains("consistently accepted 2xx, lost (30 of 30)"),
        "{said}"
    );
    assert!(said.contains("not reached"), "{said}");
}

#[test]
fn what_was_not_seen_is_in_no_share_and_withholds_the_verdict() {
    let all = probes(&gathered((0..9).map(|n| ending(n, "a", Class::Unobserved, None))));
    let series = &all[0].series[0];
    assert_eq!(series.on_time.share, None);
    assert_eq!(series.withheld, Some(Withheld::Unobserved));
    let said = text(&history(all));
    assert!(said.contains("landfall did not see 9 of 9 runs"), "{said}");
    assert!(said.contains("-: none of 9 runs was observed"), "{said}");
    let some = |blind| {
        let endings = (0..10).map(|n| match n < blind {
            true => ending(n, "a", Class::Unobserved, None),
            false => good(n, "a"),
        });
        probes(&gathered(endings))[0].series[0].withheld
    };
    assert_eq!((some(2), some(3)), (None, Some(Withheld::Unobserved)));
}

#[test]
fn definitions_are_never_mixed() {
    let endings = (0..20).map(|n| {
        let mut ending = if n < 10 { lost(n, "a") } else { good(n, "a") };
        ending.revision = String::from(if n < 10 { "old" } else { "new" });
        ending
    });
    let all = probes(&gathered(endings));
    let found: Vec<_> = all[0]
        .series
        .iter()
        .map(|s| (s.revision.as_deref(), s.on_time.share))
        .collect();
    // The one in force first, though the other was worse.
    assert_eq!(found, [(Some("new"), Some(1.0)), (Some("old"), Some(0.0))]);
    assert!(
        all[0].notes[0].contains("the definition changed: old from"),
        "{:?}",
        all[0].notes
    );
    let said = text(&history(all));
    assert!(said.contains("orders/a (definition old, before)"), "{said}");
}

/// statistics.md, worked example W1.
#[test]
fn quantiles_are_not_reached_where_too_many_never_arrive() {
    let arrived = (1..=92).map(|n| {
        let at = n as f64 / 10.0;
        ending(n, "a", Class::Delivered, Some((at, at)))
    });
    let all = probes(&gathered(arrived.chain((93..=100).map(|n| lost(n, "a")))));
    let series = &all[0].series[0];
    let outcome = series.layers.outcome.as_ref().unwrap();
    near(outcome.p50.latest, 5.0);
    near(outcome.p50.lower, 4.0);
    near(outcome.p50.upper, 6.1);
    assert_eq!((outcome.p95.latest, outcome.p95.upper), (None, None));
    near(outcome.p95.lower, 9.0);
    near(series.wait.map(|wait| wait.mean), 9.078);
    let said = text(&history(all));
    assert!(said.contains("8 of 100 never arrived within 60.00 s"), "{said}");
    assert!(
        said.contains("mean wait 9.08 s, counting a run that never arrived as 60.00 s"),
        "{said}"
    );
}

/// statistics.md, example E5.
#[test]
fn consistency_drops_where_runs_part() {
    let said = |accept: &str, executed: &str, outcome: &str| [accept, executed, outcome].map(str::to_owned);
    let kinds = [
        (90, said("accepted 2xx", "executed", "delivered")),
        (6, said("accepted 2xx", "executed", "lost")),
        (3, said("accepted 2xx", "stopped after 'queued'", "lost")),
        (1, said("refused 5xx", "stopped after 'queued'", "lost")),
    ];
    let mut n = 0;
    let endings = kinds
        .iter()
        .flat_map(|(runs, said)| (0..*runs).map(move |_| said))
        .map(|said| {
            n += 1;
            Ending {
                said: said.clone(),
                ..good(n, "a")
            }
        });
    let all = probes(&gathered(endings));
    let found = all[0].series[0].consistency.clone().unwrap();
    near(Some(found.score), 0.812_727);
    near(found.lower, 0.693_460);
    near(found.upper, 0.906_794);
    let scores: Vec<_> = found
        .layers
        .iter()
        .map(|l| (l.layer.as_str(), (l.score * 1e6).round()))
        .collect();
    assert_eq!(
        scores,
        [
            ("accepted", 980_000.0),
            ("executed", 921_818.0),
            ("outcome", 812_727.0)
        ]
    );
    assert_eq!(found.drops_at.as_deref(), Some("outcome"));
    let said = text(&history(all));
    let flat: Vec<&str> = said.split_whitespace().collect();
    assert!(
        flat.join(" ")
            .contains("most is lost between executed and outcome"),
        "{said}"
    );
}

/// statistics.md, section 2.2.
#[test]
fn an_outage_widens_the_interval() {
    let endings = (0..100).map(|n| {
        if (40..50).contains(&n) {
            lost(n, "a")
        } else {
            good(n, "a")
        }
    });
    let all = probes(&gathered(endings));
    let series = &all[0].series[0];
    assert!((series.clumping.unwrap().design_effect - 4.1022).abs() < 5e-5);
    assert!((series.on_time.lower.unwrap() - 0.722).abs() < 5e-4);
    let said = text(&history(all));
    assert!(said.contains("100 runs carry about 24 runs' worth"), "{said}");
}

#[test]
fn contents_without_end_are_called_volatile() {
    let runs = (0..20_000).map(|n| Ending {
        fingerprint: Some(format!("{n:016x}")),
        ..good(n, if n % 2 == 0 { "a" } else { "b" })
    });
    let all = probes(&gathered(runs));
    let found = all[0].series[0].consistency.as_ref().unwrap();
    assert_eq!((found.endings, found.endings_with_content), (1, 10_000));
    assert!(found.content_looks_volatile && found.score == 0.0 && found.coarse == 1.0);
    assert!(!all[0].routes[0].with_content);
    let said = text(&history(all));
    assert!(
        said.contains("the content looks volatile: 10000 different ones"),
        "{said}"
    );
}

#[test]
fn times_that_cannot_be_are_left_out_and_counted() {
    let odd = [(-1.0, 2.0), (f64::NAN, 1.0), (3.0, 2.0), (1.0, f64::INFINITY)];
    let runs = odd.iter().enumerate().map(|(n, at)| {
        let mut ending = ending(n as i64, "a", Class::Delivered, Some(*at));
        ending.lag = Some(-1.0);
        ending.watched = Some(f64::MAX);
        ending
    });
    let all = probes(&gathered(runs));
    assert_eq!(all[0].series[0].impossible_times, 8);
    assert_eq!(all[0].series[0].layers.outcome, None);
    assert!(text(&history(all)).contains("8 times on record cannot have been"));
}

#[test]
fn skips_count_by_reason_and_by_the_part_of_a_span_in_the_window() {
    let mut gathering = gathered((0..10).map(|n| good(n, "a")));
    let skip = |route: &str, reason| SkipRecord {
        probe: String::from("orders"),
        route: route.to_owned(),
        input: String::from("default"),
        tick: tick(1).to_rfc3339(),
        reason,
        detail: String::new(),
    };
    gathering.skip(&skip("a", SkipReason::LateStart));
    gathering.skip(&skip("b", SkipReason::Paused));
    let span = SkipSpan {
        probe: String::from("orders"),
        route: String::from("a"),
        input: String::from("default"),
        reason: SkipReason::Down,
        detail: String::new(),
        first: tick(0),
        last: tick(9),
        ticks: 10,
    };
    gathering.span(&span, Some(tick(5)), tick(8));
    gathering.span(&span, Some(tick(20)), tick(30));
    let all = probes(&gathering);
    assert_eq!(
        all[0].skips[0].reasons,
        [(SkipReason::LateStart, 1), (SkipReason::Down, 3)].into()
    );
    assert_eq!((all[0].skips[1].ticks, all[0].skips[1].unintended), (1, 0));
    assert_eq!(all[0].series[0].withheld, Some(Withheld::Skipped));
    let said = text(&history(all));
    assert!(said.contains("4 ticks: 1 late start, 3 down"), "{said}");
    assert!(said.contains("no run ended"), "{said}");
}
