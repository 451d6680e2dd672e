//! Fired for it.

use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::{Bench, declared};
use crate::support::channel::eventually;
use crate::support::process;

const LOSSY: &str = "routes: { lossy: { faults: [{ fault: drop, probability: 0.5 }] } }";

#[tokio::test(flavor = "multi_thread")]
async fn a_route_that_loses_half_is_worse_long_before_the_cap() {
    let bench = Bench::start(LOSSY, &["direct", "lossy"]).await;
    let arguments = [
        "compare", "message", "--every", "100ms", "--cap", "200", "--seed", "7",
    ];
    let (code, found) = bench.json(&arguments).await;
    assert_eq!(code, 1, "{found}");
    let compared = declared(&found);
    assert_eq!(
        (compared.len(), &compared[0]["route"], &compared[0]["word"]),
        (1, &json!("lossy"), &json!("worse"))
    );
    assert_eq!(
        (&found["baseline"], &found["end"]),
        (&json!("direct"), &json!("decided"))
    );
    assert!(
        compared[0]["reached_after"].as_u64().unwrap() < 100,
        "{compared:?}"
    );
    let course = compared[0]["course"].as_array().unwrap();
    assert!(course.len() > 5, "{course:?}");
    let (first, last) = (&course[0], &course[course.len() - 1]);
    assert_eq!(
        (&first["ticks"], &last["ticks"]),
        (&json!(1), &compared[0]["reached_after"])
    );
    assert_eq!(
        (&last["limits"], &last["word"]),
        (&compared[0]["limits"], &json!("worse"))
    );
    assert_eq!(found["causes"][0]["route"], "lossy", "{}", found["causes"]);
    let schedule = &found["schedule"];
    assert!(schedule["fired"].as_u64().unwrap() < 200, "{schedule}");
    assert_eq!(schedule["seed"], 7);
    assert!(found["skew"]["ticks"].as_u64().unwrap() > 0);
    // What was fired is on record as any run is, and can be compared again.
    let (_, runs, _) = bench.run(&["runs", "--format", "ndjson"]).await;
    let on_record = runs.lines().count() as u64;
    assert!(on_record >= 2 * found["ticks"]["counted"].as_u64().unwrap());
    let fates: Vec<Value> = runs
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let lossy = |class: &str| {
        let of = fates
            .iter()
            .filter(|run| run["class"] == class && run["route"] == "lossy");
        of.count()
    };
    // Nothing was cut off: what was under way when it was decided has its own end.
    assert!(lossy("lost") >= 8 && lossy("unobserved") == 0, "{runs}");
    let (code, again) = bench.json(&["compare", "message", "--from-store"]).await;
    assert_eq!(
        (code, &again["source"], &again["paired"]),
        (1, &json!("store"), &json!(true))
    );
    assert_eq!(declared(&again)[0]["word"], "worse");
}

#[tokio::test(flavor = "multi_thread")]
async fn equal_routes_show_no_difference_and_the_noise_arm_is_quiet() {
    let bench = Bench::start("{}", &["direct", "other", "third"]).await;
    let arguments = [
        "compare",
        "message",
        "--every",
        "50ms",
        "--margin",
        "30%",
        "--noise-arm",
        "--baseline",
        "other",
        "--route",
        "direct",
    ];
    let (code, found) = bench.json(&arguments).await;
    assert_eq!(code, 0, "{found}");
    assert_eq!(declared(&found)[0]["word"], "no difference shown");
    assert_eq!(found["notes"], json!([]), "{found}");
    let noise = found["comparisons"]
        .as_array()
        .unwrap()
        .iter()
        .find(|compared| compared["role"] == "noise")
        .unwrap();
    assert_eq!(noise["route"], "other~noise");
    let (_, runs, _) = bench
        .run(&["runs", "--route", "other~noise", "--format", "ndjson"])
        .await;
    let run: Value = serde_json::from_str(runs.lines().next().unwrap()).unwrap();
    // It went the way of the baseline, and is not taken for one that went astray.
    assert_eq!(run["attributes"]["route"], "other");
    assert!(
        !run["flags"].as_array().unwrap().contains(&json!("rerouted")),
        "{run}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_of_the_probe_ends_it_with_3_and_says_so() {
    let bench = Bench::with(
        "{}",
        &["direct", "other"],
        &json!({ "limits": { "per_day": 10 } }),
    )
    .await;
    let (code, out, err) = bench.run(&["compare", "message", "--every", "50ms"]).await;
    assert_eq!(code, 3, "{out}{err}");
    assert!(
        out.contains("ended by a limit of the probe: limits.per_day: 10, 10 fired today, 2 due"),
        "{out}"
    );
    assert!(
        out.contains(" ticks due; 5 counted, ") && out.contains(" limit)"),
        "{out}"
    );
    assert!(out.contains("not enough runs"), "{out}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_look_is_taken_when_as_many_ticks_count() {
    let bench = Bench::start("{}", &["direct", "other"]).await;
    let (code, found) = bench
        .json(&[
            "compare", "message", "--every", "40ms", "--fixed", "12", "--margin", "0.4",
        ])
        .await;
    assert_eq!(code, 0, "{found}");
    let compared = declared(&found)[0];
    assert_eq!(compared["guarantee"], "valid for one look at n=12");
    assert_eq!(
        (&compared["same"], &found["schedule"]["fired"]),
        (&json!(12), &json!(12))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gap_starts_the_routes_after_each_other() {
    let bench = Bench::start("{}", &["direct", "other"]).await;
    let arguments = [
        "compare",
        "message",
        "--every",
        "1s",
        "--cap",
        "2",
        "--route-gap",
        "600ms",
    ];
    let (code, found) = bench.json(&arguments).await;
    assert_eq!((code, &found["end"]), (3, &json!("cap")), "{found}");
    // About the gap; how exactly is the machine's matter.
    assert!(found["skew"]["p50"].as_f64().unwrap() >= 0.2, "{found}");
    let (_, runs, _) = bench.run(&["runs", "--format", "ndjson"]).await;
    let first = |line: &str| {
        serde_json::from_str::<Value>(line).unwrap()["sent"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(
        runs.lines()
            .map(first)
            .collect::<std::collections::BTreeSet<_>>()
            .len(),
        4
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_that_cannot_be_armed_skips_the_whole_tick_and_ends_with_4() {
    let more = json!({
        "fingerprint": ["response.status"],
        "routes": { "direct": {}, "mail": { "outcome": [{ "in": "rows", "within": "1s", "grace": "0s" }] } },
    });
    let bench = Bench::with("{}", &[], &more).await;
    let path = bench.dir.path().join("landfall.yaml");
    let mut workspace: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    workspace["channels"]["rows"] = json!({
        "sqlite": { "path": "nowhere/rows.db", "query": "SELECT ref AS key FROM rows WHERE ref IN (:keys)" },
    });
    std::fs::write(&path, workspace.to_string()).unwrap();
    let (code, found) = bench
        .json(&["compare", "message", "--every", "50ms", "--cap", "3"])
        .await;
    assert_eq!(code, 4, "{found}");
    assert_eq!(found["ticks"]["dropped"], json!({ "arm_failed": 3 }), "{found}");
    // No route was fired alone.
    let (_, runs, _) = bench.run(&["runs", "--format", "ndjson"]).await;
    assert_eq!(runs, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn interrupted_it_tells_what_was_reached_so_far() {
    let bench = Bench::start("{}", &["direct", "other"]).await;
    let mut command = process::landfall(bench.dir.path(), &[("NO_COLOR", "1")]);
    command.args([
        "compare", "message", "--every", "50ms", "--cap", "100000", "--margin", "0.1%", "--format", "json",
    ]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let running = command.spawn().unwrap();
    let pid = Pid::from_child(&running);
    let store = bench.dir.path().join("landfall.db");
    let fired = || {
        let open =
            rusqlite::Connection::open_with_flags(&store, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY).ok()?;
        let runs: i64 = open
            .query_row("SELECT count(*) FROM records", [], |row| row.get(0))
            .ok()?;
        (runs >= 6).then_some(())
    };
    eventually("runs on record", fired).await;
    kill_process(pid, Signal::INT).unwrap();
    let ended = tokio::task::spawn_blocking(move || running.wait_with_output())
        .await
        .unwrap()
        .unwrap();
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(130), "{said}");
    assert!(said.contains("interrupted: what was fired is recorded"), "{said}");
    let found: Value = serde_json::from_slice(&ended.stdout).unwrap();
    assert_eq!(found["end"], "interrupted");
    assert!(found["ticks"]["counted"].as_u64().unwrap() >= 1, "{found}");
    assert_eq!(declared(&found)[0]["word"], "not enough runs");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_compared_is_wrong_usage() {
    let bench = Bench::start("{}", &["direct", "other"]).await;
    for (arguments, said) in [
        (vec!["mesage"], "no probe `mesage`; did you mean `message`?"),
        (
            vec!["message", "--baseline", "drect"],
            "no route `drect`; did you mean `direct`?",
        ),
        (
            vec!["message", "--route", "direct"],
            "takes two routes, and of `message` there is only `direct`",
        ),
        (vec!["message", "--input", "x"], "no input `x`"),
        (
            vec!["message", "--margin", "0"],
            "the margin is 0 and must be above 0 and below 1",
        ),
        (
            vec!["message", "--margin", "1"],
            "the margin is 1 and must be above 0 and below 1",
        ),
        (
            vec!["message", "--confidence", "100%"],
            "the confidence is 100% and must be above 0",
        ),
        (
            vec!["message", "--metric", "speed"],
            "`speed` is no metric: one of success, latency, content",
        ),
        (
            vec!["message", "--since", "2h"],
            "`--since` is about stored runs: add `--from-store`",
        ),
        (
            vec!["message", "--from-store", "--cap", "5"],
            "`--cap` is about firing",
        ),
        (
            vec!["landfall.yaml"],
            "`landfall.yaml` is a file: name a second one",
        ),
    ] {
        let (code, _, err) = bench.run(&[&["compare"], arguments.as_slice()].concat()).await;
        assert_eq!(code, 2, "{arguments:?}: {err}");
        assert!(err.contains(said), "{arguments:?}: {err}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_format_tells_the_same() {
    let bench = Bench::start("{}", &["direct", "other"]).await;
    let arguments = [
        "compare",
        "message",
        "--every",
        "30ms",
        "--cap",
        "3",
        "--out",
        "junit=j.xml",
        "--out",
        "markdown=m.md",
        "--out",
        "github=g.txt",
        "--out",
        "ndjson=n.ndjson",
        "--out",
        "text=t.txt",
        "--gate",
        "latency",
    ];
    let (code, _, err) = bench.run(&arguments).await;
    assert_eq!(code, 3, "{err}");
    let file = |name: &str| std::fs::read_to_string(bench.dir.path().join(name)).unwrap();
    assert!(file("j.xml").contains("errors=\"2\""), "{}", file("j.xml"));
    assert!(
        file("m.md").contains("| route | by | better | same | worse |"),
        "{}",
        file("m.md")
    );
    assert!(
        file("g.txt").contains("::warning title=other%3A not enough runs::"),
        "{}",
        file("g.txt")
    );
    let lines: Vec<Value> = file("n.ndjson")
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!((lines.len(), &lines[1]["metric"]), (3, &json!("latency")));
    let text = file("t.txt");
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    assert!(
        text.ends_with("other by success: not enough runs; other by latency: not enough runs\n"),
        "{text}"
    );
}
