//! Of runs on record.

use std::path::Path;
use std::sync::Arc;

use landfall::model::{Class, LayerState, RunId, RunRecord, Seconds, SkipReason, SkipRecord};
use landfall::store::Store;
use serde_json::{Value, json};

use super::{declared, landfall};
use crate::store::make::{open, record, tick};

/// A run of a tick; its route decides which of two ids it has.
fn run(n: i64, route: &str, class: Class) -> (landfall::model::Moment, Arc<RunRecord>) {
    let mut run = RunRecord::clone(&record(1, route, class));
    let at = tick(n);
    run.id = RunId(uuid::Uuid::from_u128(
        u128::try_from(n).unwrap() * 1000 + route.len() as u128,
    ));
    run.probe = String::from("orders");
    run.tick = at.to_rfc3339();
    if class == Class::Delivered {
        run.layers.outcome.state = LayerState::Yes;
        run.layers.outcome.seconds = Some(Seconds(0.5, 0.5));
    }
    (at, Arc::new(run))
}

async fn fill(dir: &Path, ends: &[(i64, &str, Class)]) {
    std::fs::write(dir.join("landfall.yaml"), "store: sqlite:runs.db\n").unwrap();
    let store = open(&dir.join("runs.db"));
    for (n, route, class) in ends {
        let (at, run) = run(*n, route, *class);
        store.close(at, run).await.unwrap();
    }
    store.shutdown().await.unwrap();
}

async fn json(dir: &Path, arguments: &[&str]) -> (i32, Value) {
    let arguments = [
        &["compare", "orders", "--from-store", "--format", "json"],
        arguments,
    ]
    .concat();
    let (code, out, err) = landfall(dir, &arguments).await;
    let value = serde_json::from_str(&out);
    (
        code,
        value.unwrap_or_else(|why| panic!("{why}: {code} {out}\n{err}")),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn pairs_are_those_of_one_tick_and_the_others_are_counted() {
    let dir = tempfile::tempdir().unwrap();
    let mut ends = Vec::new();
    for n in 1..=40 {
        ends.push((n, "main", Class::Delivered));
        ends.push((
            n,
            "backup",
            if n % 2 == 0 { Class::Lost } else { Class::Delivered },
        ));
    }
    ends.push((41, "main", Class::Delivered));
    ends.push((42, "main", Class::Delivered));
    ends.push((42, "backup", Class::Unobserved));
    fill(dir.path(), &ends).await;
    let store = open(&dir.path().join("runs.db"));
    let skip = SkipRecord {
        probe: String::from("orders"),
        route: String::from("backup"),
        input: String::from("default"),
        tick: tick(41).to_rfc3339(),
        reason: SkipReason::Overlap,
        detail: String::new(),
    };
    store
        .skip(RunId(uuid::Uuid::nil()), tick(41), skip)
        .await
        .unwrap();
    store.shutdown().await.unwrap();
    let (code, found) = json(dir.path(), &["--baseline", "main"]).await;
    assert_eq!(code, 1, "{found}");
    assert_eq!(found["ticks"]["counted"], 40);
    assert_eq!(
        found["ticks"]["dropped"],
        json!({ "overlap": 1, "unobserved": 1 })
    );
    let compared = declared(&found)[0];
    assert_eq!(
        (&compared["worse"], &compared["word"]),
        (&json!(20), &json!("worse"))
    );
    assert!(
        compared["guarantee"]
            .as_str()
            .unwrap()
            .starts_with("valid at every look since "),
        "{compared}"
    );
    // The other way round it is better.
    let (code, found) = json(dir.path(), &["--baseline", "backup"]).await;
    assert_eq!((code, &declared(&found)[0]["word"]), (0, &json!("better")));
    // A window of it.
    let until = tick(11).to_rfc3339();
    let (code, found) = json(dir.path(), &["--baseline", "main", "--until", &until]).await;
    assert_eq!((code, &found["ticks"]["counted"]), (3, &json!(10)), "{found}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_one_route_and_an_unnamed_baseline_are_said() {
    let dir = tempfile::tempdir().unwrap();
    fill(
        dir.path(),
        &[(1, "main", Class::Delivered), (2, "main", Class::Delivered)],
    )
    .await;
    let compare = |more: &'static [&'static str]| {
        let dir = dir.path().to_owned();
        async move { landfall(&dir, &[&["compare"], more].concat()).await }
    };
    let (code, out, err) = compare(&["refunds", "--from-store"]).await;
    assert_eq!((code, out.as_str()), (3, ""));
    assert!(err.contains("there are no runs of `refunds` on record"), "{err}");
    let (code, _, err) = compare(&["orders", "--from-store"]).await;
    assert_eq!(code, 2, "{err}");
    assert!(
        err.contains("takes two routes, and of `orders` there is only `main`"),
        "{err}"
    );
    fill(dir.path(), &[(3, "backup", Class::Delivered)]).await;
    let (code, _, err) = compare(&["orders", "--from-store"]).await;
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("name the baseline with `--baseline`"), "{err}");
    // Ticks that only one route has compare nothing.
    let (code, out, _) = compare(&["orders", "--from-store", "--baseline", "main"]).await;
    assert_eq!(code, 3, "{out}");
    assert!(
        out.contains("0 ticks counted, 3 dropped (3 with a run of only some routes)"),
        "{out}"
    );
}
