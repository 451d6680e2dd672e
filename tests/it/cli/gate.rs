//! `run --until-decided`: it stops where there is a word, says what the runs prove, and ends with the code for it.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::{err, landfall, out};

/// What must not come within 20 ms does not: delivered.
fn delivered() -> Value {
    json!([{ "in": "hooks", "times": 0, "within": "20ms", "grace": "0s" }])
}

/// What must come within so long does not: lost.
fn lost(within: &str) -> Value {
    json!([{ "in": "hooks", "within": within, "grace": "0s" }])
}

fn workspace(routes: &Value, more: &Value) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    let mut probe = json!({
        "name": "orders",
        "routes": routes,
        "request": { "exec": { "command": ["true", "{{ channels.hooks.url }}"] } },
        "outcome": delivered(),
        "settle": "0s",
    });
    let workspace = json!({
        "store": "memory", "listen": "127.0.0.1:0", "allow_exec": true,
        "channels": { "hooks": { "callback": {} }, "table": { "sqlite": { "path": "none.db", "query": "SELECT ref AS key FROM t WHERE ref IN (:keys)" } } },
    });
    for (key, value) in more.as_object().expect("keys") {
        probe[key] = value.clone();
    }
    crate::support::whole::write(dir.path(), &workspace, &probe);
    dir
}

/// The exit code and the report, with every other format in a file.
fn gate(dir: &Path, arguments: &[&str]) -> (Option<i32>, Value) {
    let fixed = ["run", "--until-decided", "--every", "10ms", "--format", "json"];
    let others = [
        "--out",
        "text=gate.txt",
        "--out",
        "junit=gate.xml",
        "--out",
        "github=gate.github",
        "--out",
        "markdown=gate.md",
    ];
    let ran = landfall(dir, &[&fixed[..], &others[..], arguments].concat());
    let report = serde_json::from_str(&out(&ran));
    (
        ran.status.code(),
        report.unwrap_or_else(|error| panic!("{error}: {}", err(&ran))),
    )
}

fn row<'a>(report: &'a Value, route: &str) -> &'a Value {
    let rows = report["gate"]["series"].as_array().expect("series");
    rows.iter()
        .find(|row| row["route"] == route)
        .unwrap_or_else(|| panic!("{route}: {report:#}"))
}

fn runs(report: &Value, route: &str) -> usize {
    let runs = report["runs"].as_array().expect("runs");
    runs.iter().filter(|run| run["route"] == route).count()
}

#[test]
fn each_route_is_fired_until_it_is_decided_and_no_longer() {
    let dir = workspace(
        &json!({ "fine": {}, "gone": { "outcome": lost("30ms") } }),
        &json!({}),
    );
    let (code, report) = gate(dir.path(), &[]);
    assert_eq!(code, Some(1), "{report:#}");
    let fine = row(&report, "fine");
    assert_eq!((&fine["word"], &fine["end"]), (&json!("good"), &json!("decided")));
    assert_eq!(
        fine["sentence"],
        "15 of 15 delivered: rules out 80 %, does not show 90 % (needs 29)"
    );
    assert_eq!(runs(&report, "fine"), 15, "no run more than it takes");
    let gone = row(&report, "gone");
    assert_eq!((&gone["word"], &gone["counted"]), (&json!("bad"), &json!(1)));
    assert_eq!(
        gone["sentence"],
        "0 of 1 delivered: rules out 99 %, does not say how far below it is"
    );
    let read = |name: &str| fs::read_to_string(dir.path().join(name)).expect(name);
    let text = read("gate.txt");
    assert!(
        text.contains("good: orders/fine\n  15 of 15 delivered: rules out 80 %,"),
        "{text}"
    );
    assert!(
        text.contains("bad: orders/gone\n") && text.ends_with("; gate: 1 good, 1 bad\n"),
        "{text}"
    );
    let gate = text.lines().skip_while(|line| !line.starts_with("gate: "));
    assert!(
        gate.clone().count() > 5 && gate.clone().all(|line| line.chars().count() <= 80),
        "{text}"
    );
    let junit = read("gate.xml");
    for count in ["tests=\"2\"", "failures=\"1\"", "errors=\"0\""] {
        assert!(junit.contains(count), "{junit}");
    }
    let github = read("gate.github");
    assert!(
        github.contains("::notice title=orders/fine good::15 of 15 delivered"),
        "{github}"
    );
    assert!(
        github.contains("::error title=orders/gone bad::0 of 1 delivered"),
        "{github}"
    );
    let markdown = read("gate.md");
    assert!(
        markdown.contains("- **good**: <code>orders/fine</code>: 15 of 15 delivered"),
        "{markdown}"
    );
}

#[test]
fn a_loss_that_is_known_late_is_counted_in_its_place() {
    // The second route delivers at its first fifteen ticks, were they counted as they end: its losses take a second.
    let dir = workspace(
        &json!({ "late": { "outcome": lost("1s") } }),
        &json!({ "inputs": { "a": {}, "b": {} } }),
    );
    let (code, report) = gate(dir.path(), &["--good", "90%", "--bad", "50%"]);
    assert_eq!(code, Some(1));
    let gone = row(&report, "late");
    assert_eq!((&gone["word"], &gone["delivered"]), (&json!("bad"), &json!(0)));
    // Six of each are in flight before anything is known; how many more were wanted depends on what ended first.
    assert!(runs(&report, "late") >= 12, "{report:#}");
}

#[test]
fn five_of_five_is_a_smoke_check_and_says_so() {
    let dir = workspace(&json!({ "fine": {} }), &json!({}));
    let (code, report) = gate(dir.path(), &["--bad", "50%"]);
    assert_eq!(code, Some(0));
    assert_eq!(
        row(&report, "fine")["sentence"],
        "5 of 5 delivered: rules out 50 %, does not show 90 % (needs 29)"
    );
    assert_eq!(runs(&report, "fine"), 5);
}

#[test]
fn without_a_word_the_code_says_whose_fault_it_is() {
    // A deadline ends it: nobody's fault, and not enough runs.
    let waits = workspace(&json!({ "slow": { "outcome": lost("60s") } }), &json!({}));
    let (code, report) = gate(waits.path(), &["--deadline", "300ms"]);
    assert_eq!(code, Some(3), "{report:#}");
    let slow = row(&report, "slow");
    assert_eq!(
        (&slow["word"], &slow["end"]),
        (&json!("not enough runs"), &Value::Null)
    );
    assert_eq!(
        slow["sentence"],
        "no run was observed to its end: they show nothing; ended by --deadline"
    );

    // A limit that leaves room for three runs a day.
    let limited = workspace(&json!({ "fine": {} }), &json!({ "limits": { "per_day": 3 } }));
    let (code, report) = gate(limited.path(), &[]);
    assert_eq!(code, Some(3), "{report:#}");
    let fine = row(&report, "fine");
    assert_eq!((&fine["end"], &fine["counted"]), (&json!("missed"), &json!(3)));
    let sentence = fine["sentence"].as_str().expect("a sentence");
    assert!(
        sentence.ends_with(
            "0 were unobserved and 12 skipped: ended, for that is more than a quarter of the cap of 45 runs"
        ),
        "{sentence}"
    );

    // A table that is not there: landfall cannot arm.
    let blind = workspace(
        &json!({ "fine": {}, "blind": { "outcome": [{ "in": "table", "within": "20ms" }] } }),
        &json!({}),
    );
    let (code, report) = gate(blind.path(), &[]);
    assert_eq!(code, Some(4), "{report:#}");
    assert_eq!(row(&report, "fine")["word"], "good");
    assert_eq!(row(&report, "blind")["end"], "missed");
}

#[test]
fn a_tick_waits_for_room_in_flight_and_is_not_split() {
    let dir = workspace(
        &json!({ "a": {}, "b": {} }),
        &json!({ "limits": { "in_flight": 3 } }),
    );
    let (code, report) = gate(dir.path(), &["--bad", "50%"]);
    assert_eq!(code, Some(0), "{report:#}");
    assert_eq!(report["skipped"], json!([]));
    assert_eq!((runs(&report, "a"), runs(&report, "b")), (5, 5));
}

#[test]
fn levels_that_cannot_be_are_refused_before_anything_is_fired() {
    let dir = workspace(&json!({ "fine": {} }), &json!({}));
    for (arguments, said) in [
        (
            &["--good", "80%", "--bad", "99%"][..],
            "`--bad 99%` must be below `--good 80%`",
        ),
        (
            &["--good", "90%", "--bad", "90%"],
            "`--bad 90%` must be below `--good 90%`",
        ),
        (&["--good", "100%"], "`100%` must be above 0% and below 100%"),
        (&["--bad", "0%"], "`0%` must be above 0% and below 100%"),
        (&["--alpha", "nan%"], "`nan%` is not between 0% and 100%"),
        (
            &["--beta", "0.05"],
            "`0.05` is no percentage: write it as `99.5%`",
        ),
        (&["--cap", "0"], "0 is not in 1..=100000"),
        (
            &["--cap", "14"],
            "with `--cap 14` no route could be called good: between `--good 99%` and `--bad 80%` that takes 15 runs",
        ),
        (&["--count", "3"], "cannot be used with"),
        (
            &["--good", "50%", "--bad", "49.9999999%", "--cap", "100000"],
            "is too near `--good 50%` for any number of runs",
        ),
    ] {
        let refused = landfall(dir.path(), &[&["run", "--until-decided"], arguments].concat());
        assert_eq!(refused.status.code(), Some(2), "{arguments:?}: {}", err(&refused));
        assert!(err(&refused).contains(said), "{arguments:?}: {}", err(&refused));
        assert_eq!(out(&refused), "", "{arguments:?}");
    }
    let alone = landfall(dir.path(), &["run", "--good", "90%"]);
    assert!(err(&alone).contains("--until-decided"), "{}", err(&alone));
}
