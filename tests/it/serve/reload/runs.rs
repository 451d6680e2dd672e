//! Runs that are open when other definitions come, and ticks that come due meanwhile.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use super::{Rig, Silent, probe, workspace};
use crate::serve::daemon::{Daemon, Does, Place, Target};
use crate::serve::fates;
use crate::support::channel::eventually;

#[tokio::test(flavor = "multi_thread")]
async fn runs_end_by_the_definition_that_fired_them() {
    let target = Silent::start().await;
    let short =
        json!([{ "in": "hooks", "within": "3s", "grace": "0s", "expect": "seen.json.event == \"paid\"" }]);
    let old = [
        probe("changed", &json!({ "outcome": short })),
        probe("removed", &json!({ "outcome": short })),
        probe("same", &json!({ "outcome": short })),
    ];
    let rig = Rig::start(&workspace(&target.base, &json!({})), &old, &["--no-watch"]).await;
    let before = rig.probes().await;
    let revision = |name: &str| before.iter().find(|(known, _)| known == name).unwrap().1.clone();
    // Of each one that is answered after the reload, and one that never is.
    for name in ["changed", "removed", "same"] {
        rig.fire(name).await;
        rig.fire(name).await;
        target.order(name, 2).await;
    }
    let long = json!([{ "in": "hooks", "within": "1h", "expect": "seen.json.event == \"other\"" }]);
    rig.put(&probe("changed", &json!({ "outcome": long })));
    rig.remove("removed");
    let done = rig.reload().await;
    assert_eq!(
        [&done["changed"], &done["removed"], &done["unchanged"]],
        [&json!(["changed"]), &json!(["removed"]), &json!(1)]
    );
    for name in ["changed", "removed", "same"] {
        let url = target.orders(name)[0]["webhook"].as_str().unwrap().to_owned();
        assert_eq!(
            rig.call(Method::POST, &url, &json!({ "event": "paid" })).await,
            200,
            "{name}"
        );
    }
    for name in ["changed", "removed", "same"] {
        let mut classes: Vec<_> = rig
            .ended(name, 2)
            .await
            .iter()
            .map(|r| r["class"].clone())
            .collect();
        classes.sort_by_key(ToString::to_string);
        assert_eq!(classes, ["delivered", "lost"], "{name}");
        for record in rig.records(name) {
            assert_eq!(record["revision"], revision(name), "{name}");
        }
    }
    rig.fire("changed").await;
    let order = target.order("changed", 3).await;
    let url = order["webhook"].as_str().unwrap();
    assert_eq!(
        rig.call(Method::POST, url, &json!({ "event": "other" })).await,
        200
    );
    let last = rig.ended("changed", 3).await.pop().unwrap();
    assert_eq!(last["class"], "delivered");
    assert_ne!(last["revision"], revision("changed"));
    assert_eq!(rig.daemon.stopped().await.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expectation_that_failed_is_drawn_from_the_file_that_fired_the_run() {
    let target = Silent::start().await;
    let expects = |name: &str, value: &str| {
        let outcome = json!([{ "in": "hooks", "within": "2s", "grace": "0s", "expect": format!("seen.json.event == \"{value}\"") }]);
        probe(name, &json!({ "outcome": outcome }))
    };
    let rig = Rig::start(
        &workspace(&target.base, &json!({})),
        &[expects("m", "before")],
        &["--no-watch"],
    )
    .await;
    rig.fire("m").await;
    let order = target.order("m", 1).await;
    // Files are numbered anew: `m` is no longer the first.
    rig.put(&expects("a", "a"));
    rig.put(&expects("m", "after"));
    rig.reload().await;
    let url = order["webhook"].as_str().unwrap();
    assert_eq!(
        rig.call(Method::POST, url, &json!({ "event": "neither" })).await,
        200
    );
    let record = rig.ended("m", 1).await.remove(0);
    assert_eq!(record["class"], "mismatched");
    let said = record.to_string();
    assert!(
        said.contains("\\\"before") && !said.contains("\\\"after"),
        "{said}"
    );
    assert!(said.contains("probes/m.yaml"), "{said}");
    assert_eq!(rig.daemon.stopped().await.code(), Some(0));
}

const EVERY: Duration = Duration::from_millis(200);

/// Open files of a process.
fn descriptors(daemon: &Daemon) -> usize {
    std::fs::read_dir(format!("/proc/{}/fd", daemon.pid()))
        .unwrap()
        .count()
}

/// Reloads in the middle of ticks, of which there are five a second: each changes the probe, its channel, or both.
#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_reloads_under_load_lose_no_tick_and_leak_nothing() {
    let target = Target::start(Does::Deliver).await;
    let fast = json!({ "every": "200ms", "allow_fast": true });
    let place = Place::new(&target, fast.clone(), &json!({}));
    let daemon = Daemon::start(place.dir.path(), &["--no-watch"], &[]);
    let line = daemon.says("serving").await;
    let (_, after) = line.split_once("http://").unwrap();
    let end = after
        .find(|c: char| c.is_whitespace() || c == '"')
        .unwrap_or(after.len());
    let reload = format!("http://{}/api/v1/reload", &after[..end]);
    let client = crate::support::whole::http_client();
    eventually("some runs", || (target.tokens().len() >= 3).then_some(())).await;
    let before = descriptors(&daemon);
    let file = place.path("probes/probe.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    let probe: serde_json::Value = serde_json::from_str(&text).unwrap();
    for n in 0..100 {
        let mut probe = probe.clone();
        probe["description"] = json!(format!("version {n}"));
        if n % 2 == 0 {
            probe["settle"] = json!(format!("{}ms", 10 + n));
        }
        std::fs::write(&file, probe.to_string()).unwrap();
        if n % 5 == 0 {
            let methods =
                json!({ "callback": { "methods": ["POST", if n % 2 == 0 { "PUT" } else { "PATCH" }] } });
            place.set(
                "channels",
                json!({ "hooks": methods, "other": { "callback": {} } }),
            );
        }
        let answer = client.post(&reload).json(&json!({})).send().await.unwrap();
        let (status, body) = (answer.status(), answer.text().await.unwrap());
        assert_eq!(status, 200, "{body}");
        assert!(body.contains("\"changed\":[\"orders\"]"), "{body}");
    }
    let sent = target.tokens().len();
    eventually("runs by the last version", || {
        (target.tokens().len() >= sent + 5).then_some(())
    })
    .await;
    eventually("descriptors to be let go", || {
        (descriptors(&daemon) <= before + 8).then_some(())
    })
    .await;
    assert_eq!(daemon.stopped().await.code(), Some(0));
    let counts = fates::all_accounted_for(&place, EVERY);
    assert!(counts["fired"] >= 8, "{counts:?}");
    let skipped: Vec<_> = counts
        .keys()
        .filter(|what| !["fired", "late_start", "stopped"].contains(&what.as_str()))
        .collect();
    assert!(skipped.is_empty(), "a reload skips nothing: {counts:?}");
    let ends = place.asked("SELECT class FROM records");
    assert!(ends.iter().all(|class| class == "delivered"), "{ends:?}");
    let mut once = target.tokens();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), target.tokens().len(), "a token was fired twice");
}
