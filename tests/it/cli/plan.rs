//! `landfall plan`: what claims, gates, comparisons and objectives take, and what a schedule implies for alerts.

use serde_json::{Value, json};

use super::{err, landfall, out};

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

fn plan(dir: &std::path::Path, arguments: &[&str]) -> Value {
    let ran = landfall(dir, &[&["plan", "--format", "json"], arguments].concat());
    assert_eq!(ran.status.code(), Some(0), "{}", err(&ran));
    serde_json::from_str(&out(&ran)).expect("JSON")
}

#[test]
fn claims_and_gates_take_what_the_tables_say_without_a_workspace() {
    let dir = folder();
    let told = plan(
        dir.path(),
        &[
            "--claim", "90%", "--claim", "99.9%", "--every", "5m", "--bad", "50%", "--bad", "80%",
        ],
    );
    assert_eq!(told["claims"][0]["one_look"], json!([29, 46, 61]));
    assert_eq!(told["claims"][0]["seconds"], json!(8_700.0));
    assert_eq!(told["claims"][1]["one_look"][0], json!(2_995));
    assert_eq!(told["gates"][0]["runs_to_pass"], json!([5, 12, 18]));
    assert_eq!(told["gates"][1]["runs_to_pass"], json!([15, 30, 45]));
    // Only what was asked.
    assert_eq!((&told["worse"], &told["probes"]), (&json!([]), &json!([])));
}

#[test]
fn an_objective_and_a_schedule_imply_thresholds() {
    let told = plan(
        folder().path(),
        &["--objective", "99%", "--every", "5m", "--window", "7d"],
    );
    let probe = &told["probes"][0];
    let alerts: Vec<_> = probe["alerts"]
        .as_array()
        .expect("alerts")
        .iter()
        .map(|a| {
            (
                a["rule"].as_str().expect("a word").to_owned(),
                a["bad"].as_u64(),
                a["of"].as_u64(),
            )
        })
        .collect();
    let rule = |word: &str, bad, of| (word.to_owned(), Some(bad), Some(of));
    assert_eq!(
        alerts,
        [
            rule("in_a_row", 3, 3),
            rule("burn_hour", 4, 12),
            rule("burn_six_hours", 6, 72),
            rule("burn_three_days", 18, 864)
        ]
    );
    let objective = &probe["objectives"][0];
    assert_eq!(
        (&objective["runs"], &objective["window_ticks"]),
        (&json!(299), &json!(2_016))
    );
    let sentence = objective["sentence"].as_str().expect("a sentence");
    assert!(
        sentence
            .starts_with("99 % on time: 299 runs, 1 d, all on time; its window of 7 d holds 2016, of which"),
        "{sentence}"
    );
}

#[test]
fn each_probe_of_a_workspace_says_what_its_own_objective_takes() {
    let dir = folder();
    let workspace = json!({ "store": "memory", "listen": "127.0.0.1:0", "allow_exec": true, "channels": { "hooks": { "callback": {} } } });
    let probe = json!({
        "name": "orders",
        "schedule": { "cron": "* * * * * *" },
        "routes": { "a": {}, "b": {} },
        "request": { "exec": { "command": ["true", "{{ channels.hooks.url }}"] } },
        "outcome": [{ "in": "hooks", "times": 0, "within": "1s" }],
        "objective": { "on_time": "100%", "p95": "10s", "consistency": "99%", "window": "1h" },
    });
    crate::support::whole::write(dir.path(), &workspace, &probe);
    let told = plan(dir.path(), &["orders", "--claim", "90%"]);
    let probe = &told["probes"][0];
    // Every second of thirty days, counted.
    assert_eq!(
        (&probe["ticks_in_30_days"], &probe["series"]),
        (&json!(2_592_000), &json!(2))
    );
    let sentences: Vec<_> = probe["objectives"]
        .as_array()
        .expect("goals")
        .iter()
        .map(|o| o["sentence"].as_str().expect("a sentence"))
        .collect();
    assert_eq!(
        sentences[0],
        "100 % on time: no number of runs proves that nothing ever fails"
    );
    assert!(
        sentences[1].starts_with(
            "p95 of 10s: 59 runs, 59 s, all within 10s; its window of 1 h holds 3600, of which 1"
        ),
        "{sentences:?}"
    );
    assert!(
        sentences[2].starts_with("99 % alike: 761 runs, 12 min 41 s, all alike"),
        "{sentences:?}"
    );
    let text = out(&landfall(dir.path(), &["plan"]));
    assert!(text.starts_with("orders: cron `* * * * * *` in UTC"), "{text}");
    for title in [
        "Runs of one series that show",
        "Ticks until `compare` says `worse`",
    ] {
        assert!(text.contains(title), "{text}");
    }
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    let markdown = out(&landfall(
        dir.path(),
        &["plan", "--format", "markdown", "--claim", "90%", "orders"],
    ));
    assert!(
        markdown.contains("| 90 % | 29 | 46 | 61 |") && markdown.contains("\\* \\* \\*"),
        "{markdown}"
    );
}

#[test]
fn comparisons_take_what_the_tables_say() {
    let told = plan(
        folder().path(),
        &["--baseline", "99%", "--worse", "80%", "--margin", "10%"],
    );
    assert_eq!(told["worse"][0]["one_look"], json!([38, 46]));
    let drawn = told["worse"][0]["any_look"].as_array().expect("ticks");
    // Drawn at random from one seed: near 42, 59 and 73.
    let near = |n: &Value, ticks: u64| n.as_u64().is_some_and(|n| n.abs_diff(ticks) <= ticks / 6);
    assert!(
        near(&drawn[0], 42) && near(&drawn[1], 59) && near(&drawn[2], 73),
        "{told}"
    );
    let same = &told["no_difference"][0];
    assert_eq!(
        (&same["alike"], &same["one_look"]),
        (&json!([35, 48]), &json!(53))
    );
    assert!(
        near(&same["any_look"][0], 48) && near(&same["any_look"][1], 76),
        "{told}"
    );
}

#[test]
fn what_cannot_be_planned_is_wrong_usage() {
    let dir = folder();
    for (arguments, said) in [
        (&["--claim", "100%"][..], "`100%` must be above 0% and below 100%"),
        (
            &["--good", "80%", "--bad", "90%"],
            "the bad level (0.9) must be below the good level (0.8)",
        ),
        (&["--baseline", "90%", "--worse", "90%"], "must be below"),
        (&["--objective", "99%"], "--every"),
        (
            &["--objective", "99%", "--every", "40d"],
            "longer than the 30 days",
        ),
        (
            &["--objective", "99%", "--every", "1m", "--false-pages", "0"],
            "must be a number above 0",
        ),
        (&["nobody"], "landfall.yaml"),
    ] {
        let refused = landfall(dir.path(), &[&["plan"], arguments].concat());
        assert_eq!(refused.status.code(), Some(2), "{arguments:?}: {}", err(&refused));
        assert!(err(&refused).contains(said), "{arguments:?}: {}", err(&refused));
    }
}
