//! Two result files, some of them hostile.

use std::path::Path;

use landfall::model::{Class, LayerState, RunId, RunRecord, Seconds};
use serde_json::{Value, json};

use super::{declared, landfall};
use crate::store::make::{record, tick};

/// So many runs, `lost` of them lost; ids apart from those of another file.
fn runs(good: usize, lost: usize, apart: u128) -> Vec<RunRecord> {
    let run = |n: usize| {
        let class = if n < good { Class::Delivered } else { Class::Lost };
        let mut run = RunRecord::clone(&record(1, "main", class));
        run.id = RunId(uuid::Uuid::from_u128(n as u128 + (apart << 64)));
        run.tick = tick(i64::try_from(n).unwrap()).to_rfc3339();
        run.probe = String::from("orders");
        if class == Class::Delivered {
            run.layers.outcome.state = LayerState::Yes;
            run.layers.outcome.seconds = Some(Seconds(0.5, 0.5));
        }
        run
    };
    (0..good + lost).map(run).collect()
}

fn lines(runs: &[RunRecord]) -> String {
    runs.iter()
        .map(|run| serde_json::to_string(run).unwrap() + "\n")
        .collect()
}

fn object(runs: &[RunRecord]) -> String {
    serde_json::to_string_pretty(&json!({ "version": "0", "started": "", "runs": runs, "skipped": [] }))
        .unwrap()
}

async fn compare(dir: &Path, more: &[&str]) -> (i32, String, String) {
    landfall(dir, &[&["compare", "main.json", "pr.json"], more].concat()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn either_form_is_read_and_nothing_is_taken_for_a_pair() {
    let dir = tempfile::tempdir().unwrap();
    // The same probe, input and ticks: that makes no pairs of runs fired at other times.
    std::fs::write(dir.path().join("main.json"), object(&runs(100, 0, 1))).unwrap();
    std::fs::write(dir.path().join("pr.json"), lines(&runs(80, 20, 2))).unwrap();
    let (code, out, err) = compare(dir.path(), &["--format", "json"]).await;
    assert_eq!(code, 1, "{err}");
    let found: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (&found["paired"], &found["ticks"], &found["source"]),
        (&json!(false), &Value::Null, &json!("files"))
    );
    let compared = declared(&found)[0];
    assert_eq!(
        (&compared["word"], &compared["beyond_margin"]),
        (&json!("worse"), &json!(true))
    );
    assert_eq!(
        compared["guarantee"],
        "valid for one look at n=100 and 100; not paired"
    );
    let (code, out, _) = compare(dir.path(), &[]).await;
    assert_eq!(code, 1);
    assert!(out.contains("not paired: time is confounded"), "{out}");
    assert!(out.lines().all(|line| line.chars().count() <= 80), "{out}");
    assert!(out.ends_with("main: worse (not paired)\n"), "{out}");
    let (code, out, _) = compare(dir.path(), &["--route", "other"]).await;
    assert_eq!((code, out.as_str()), (3, ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_that_is_worse_has_its_causes_and_how_its_interval_closed() {
    let dir = tempfile::tempdir().unwrap();
    let mut second = runs(60, 40, 2);
    for (n, run) in second.iter_mut().enumerate() {
        let provider = if n >= 60 || n % 20 == 0 { "west" } else { "east" };
        run.attributes
            .insert(String::from("provider"), provider.to_owned());
    }
    std::fs::write(dir.path().join("main.json"), object(&runs(100, 0, 1))).unwrap();
    std::fs::write(dir.path().join("pr.json"), lines(&second)).unwrap();
    let (code, out, err) = compare(
        dir.path(),
        &[
            "--format",
            "json",
            "--out",
            "html=told.html",
            "--out",
            "markdown=told.md",
        ],
    )
    .await;
    assert_eq!(code, 1, "{err}");
    let found: Value = serde_json::from_str(&out).unwrap();
    let causes = found["causes"].as_array().unwrap();
    assert_eq!(
        (causes.len(), &causes[0]["route"], &causes[0]["metric"]),
        (1, &json!("main"), &json!("success"))
    );
    let cause = &causes[0]["found"]["causes"][0];
    assert_eq!(cause["values"][0]["value"], "west", "{cause}");
    // One look has no course.
    assert_eq!(declared(&found)[0]["course"], json!([]));
    let (_, text, _) = compare(dir.path(), &[]).await;
    for said in [
        text,
        std::fs::read_to_string(dir.path().join("told.md")).unwrap(),
        std::fs::read_to_string(dir.path().join("told.html")).unwrap(),
    ] {
        assert!(
            said.contains("what separates its bad runs from its good ones") && said.contains("west"),
            "{said}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_files_are_refused_with_their_place() {
    let dir = tempfile::tempdir().unwrap();
    let fine = runs(3, 0, 1);
    std::fs::write(dir.path().join("main.json"), object(&runs(3, 0, 2))).unwrap();
    let line = |n: usize| serde_json::to_value(&fine[n]).unwrap();
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut second = line(1);
        change(&mut second);
        format!("{}\n\n{second}\n", line(0))
    };
    let cases = [
        (String::new(), "`pr.json` is empty"),
        (String::from(" \n\n"), "`pr.json` is empty"),
        (String::from("[]"), "`pr.json`, line 1, column"),
        (
            String::from("runs: []"),
            "`pr.json`, line 1, column 1: expected value",
        ),
        (String::from("{\"runs\": 5}"), "`runs`: invalid type: integer `5`"),
        (
            object(&fine).replace("\"version\": \"0\",", "\"version\": \"0\""),
            "`pr.json`, line 3, column",
        ),
        (object(&fine).replacen("0.5", "NaN", 1), "JSON knows no NaN"),
        (
            lines(&fine).replacen("0.5", "Infinity", 1),
            "`pr.json`, line 1, column",
        ),
        (lines(&fine).replacen("0.5", "1e999", 1), "number out of range"),
        (
            changed(&|run| run["layers"]["outcome"]["seconds"] = json!([-1.0, 0.5])),
            "`pr.json`, line 3: `layers.outcome.seconds` is [-1, 0.5]",
        ),
        (
            changed(&|run| run["layers"]["accepted"]["seconds"] = json!([2.0, 1.0])),
            "`pr.json`, line 3: `layers.accepted.seconds` is [2, 1]",
        ),
        (
            changed(&|run| run["class"] = json!("great")),
            "`pr.json`, line 3, column",
        ),
        (
            changed(&|run| run["route"] = json!(7)),
            "`route`: invalid type: integer `7`, expected a string",
        ),
        (
            changed(&|run| run["tick"] = json!("noon")),
            "`pr.json`, line 3: `tick` is `noon`",
        ),
        (
            changed(&|run| run["id"] = line(0)["id"].clone()),
            "is there twice, as records 1 and 2",
        ),
        (changed(&|run| *run = json!([1, 2])), "`pr.json`, line 3, column"),
    ];
    for (text, said) in cases {
        std::fs::write(dir.path().join("pr.json"), &text).unwrap();
        let (code, out, err) = compare(dir.path(), &[]).await;
        assert_eq!((code, out.as_str()), (2, ""), "{text}");
        assert!(err.contains(said), "{said}\n{err}");
        assert!(err.lines().count() == 1 && err.len() < 600, "{err}");
    }
    std::fs::write(dir.path().join("pr.json"), "{\"runs\": []}").unwrap();
    let (code, _, err) = compare(dir.path(), &[]).await;
    assert!(
        code == 3 && err.contains("`pr.json` holds no runs to compare"),
        "{err}"
    );
    let mut broken = object(&fine).into_bytes();
    broken.push(0xff);
    std::fs::write(dir.path().join("pr.json"), broken).unwrap();
    let (code, _, err) = compare(dir.path(), &[]).await;
    assert!(code == 2 && err.contains("`pr.json` cannot be read"), "{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_against_itself_or_against_nothing_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("main.json"), lines(&runs(3, 0, 1))).unwrap();
    std::fs::copy(dir.path().join("main.json"), dir.path().join("pr.json")).unwrap();
    for (files, said) in [
        (
            ["main.json", "pr.json"],
            "`main.json` and `pr.json` hold the same runs",
        ),
        (["main.json", "main.json"], "hold the same runs"),
        (["main.json", "missing.json"], "`missing.json` cannot be read"),
        (["main.json", "."], "`.` is a folder"),
    ] {
        let (code, _, err) = landfall(dir.path(), &[&["compare"], files.as_slice()].concat()).await;
        assert!(code == 2 && err.contains(said), "{files:?}: {err}");
    }
    std::fs::write(
        dir.path().join("pr.json"),
        lines(&[runs(1, 0, 1), runs(1, 0, 2)].concat()),
    )
    .unwrap();
    let (code, _, err) = compare(dir.path(), &[]).await;
    assert!(
        code == 2 && err.contains("1 of the runs in `pr.json` are in `main.json` too"),
        "{err}"
    );
    for option in [
        ["--baseline", "a"],
        ["--every", "1s"],
        ["--cap", "5"],
        ["--store", "sqlite:x"],
        ["--fixed", "9"],
    ] {
        let (code, _, err) = compare(dir.path(), &option).await;
        assert!(code == 2 && err.contains(option[0]), "{option:?}: {err}");
    }
}
