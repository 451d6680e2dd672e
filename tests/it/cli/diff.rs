//! Two runs side by side, and one alone: found by what people have at hand.

use landfall::model::{Class, ObservationRecord, Seconds};
use landfall::store::Store as _;
use serde_json::json;

use super::explain::{fill, json_of, worked, workspace};
use super::{err, landfall, out};
use crate::store::make::{run, tick};

#[tokio::test(flavor = "multi_thread")]
async fn runs_are_found_by_the_beginning_of_an_id_and_told_apart() {
    let dir = workspace();
    let seen = |n: u128| ObservationRecord {
        channel: String::from("hooks"),
        seconds: Seconds(0.5, 0.5),
        attempts: 1,
        redelivered: false,
        summary: String::new(),
        met: vec![String::from("event")],
        automatic: false,
        seen: json!({ "json": { "id": n.to_string(), "amount": 100 } }),
    };
    let runs = (1..=40_u128).map(|n| {
        let mut one = worked(n);
        if n.is_multiple_of(2) {
            one.tick = tick(i64::try_from(n).expect("small") - 1).to_rfc3339();
        }
        if one.class == Class::Delivered {
            one.observations.push(seen(n));
        }
        one
    });
    fill(dir.path(), runs).await.shutdown().await.expect("closed");
    let full = run(4).to_string();
    // Run 4 is lost; run 3 fired at the same tick on the other route.
    let (exit, answer) = json_of(dir.path(), &["diff", &full]);
    assert_eq!(
        (exit, &answer["chosen"]),
        (Some(0), &json!("other_route")),
        "{answer:#}"
    );
    assert_eq!(answer["twin"]["id"], run(3).to_string());
    assert!(
        answer["sentence"]
            .as_str()
            .expect("text")
            .starts_with("they first part at the hop"),
        "{answer:#}"
    );
    let mask = "fingerprint: { all: true, except: [event.json.id, hooks.json.id] }";
    assert_eq!(answer["mask"], mask);
    let text = out(&landfall(
        dir.path(),
        &["diff", "token4", &run(6).to_string().replace('-', "")],
    ));
    assert!(text.contains(mask) && text.contains("≠"), "{text}");
    let wide = text.lines().filter(|line| !line.contains("fingerprint: {"));
    assert!(wide.clone().all(|line| line.chars().count() <= 80), "{text}");

    let several = landfall(dir.path(), &["show", "01920000"]);
    assert_eq!(several.status.code(), Some(2));
    assert!(
        err(&several).contains("is the beginning of 40 ids"),
        "{}",
        err(&several)
    );
    let shown = landfall(dir.path(), &["show", &full]);
    assert_eq!(shown.status.code(), Some(0), "{}", err(&shown));
    assert!(out(&shown).starts_with("lost: orders/a"), "{}", out(&shown));
    let (_, record) = json_of(dir.path(), &["show", "token4"]);
    assert_eq!(record["id"], full);
    for command in [["show", "zzzz"], ["diff", "0192ffff"]] {
        let unknown = landfall(dir.path(), &command);
        assert_eq!(unknown.status.code(), Some(2));
        assert!(
            err(&unknown).contains("is on record: name its id"),
            "{}",
            err(&unknown)
        );
    }
    let twice = landfall(dir.path(), &["diff", &full, &full]);
    assert!(err(&twice).contains("both are the same run"), "{}", err(&twice));
}
