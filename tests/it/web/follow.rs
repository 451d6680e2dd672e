//! Following the runs, also past a connection that broke.

use serde_json::{Value, json};

use super::{Rig, problem};

/// Reads events from a response until `count` runs have come: their ids and what they tell.
async fn runs(response: &mut reqwest::Response, count: usize) -> Vec<(String, Value)> {
    let mut text = String::new();
    let mut found = Vec::new();
    while found.len() < count {
        let piece = response.chunk().await.unwrap().expect("the stream goes on");
        text.push_str(std::str::from_utf8(&piece).unwrap());
        while let Some((event, rest)) = text.clone().split_once("\n\n") {
            let field = |name: &str| {
                event
                    .lines()
                    .find_map(|l| l.strip_prefix(name))
                    .map(str::to_owned)
            };
            if let (Some(id), Some(data)) = (field("id: "), field("data: ")) {
                assert_eq!(field("event: ").as_deref(), Some("run"));
                found.push((id, serde_json::from_str(&data).unwrap()));
            }
            rest.clone_into(&mut text);
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_that_was_away_catches_up() {
    let rig = Rig::start().await;
    let mut live = rig.get("/api/v1/runs/follow").await;
    assert_eq!(live.headers()["content-type"], "text/event-stream");
    let first = rig.fired("good").await;
    let seen = runs(&mut live, 1).await;
    assert_eq!(seen[0].1["run"]["id"], first["id"]);
    assert_eq!(seen[0].1["position"].to_string(), seen[0].0);
    drop(live);

    let missed = [rig.fired("good").await, rig.fired("gone").await];
    let follow = |query: &str, last: &str| {
        rig.request(reqwest::Method::GET, &format!("/api/v1/runs/follow{query}"))
            .header("last-event-id", last)
    };
    let mut again = follow("", &seen[0].0).send().await.unwrap();
    let caught = runs(&mut again, 2).await;
    for (caught, missed) in caught.iter().zip(&missed) {
        assert_eq!(caught.1["run"]["id"], missed["id"]);
    }
    let later = rig.fired("good").await;
    assert_eq!(
        runs(&mut again, 1).await[0].1["run"]["id"],
        later["id"],
        "and goes on"
    );

    let mut lost = follow("?class=lost&after=0", "").send().await.unwrap();
    assert_eq!(
        runs(&mut lost, 1).await[0].1["run"]["id"],
        missed[1]["id"],
        "only what was asked for"
    );
    problem(follow("", "x").send().await.unwrap(), 400).await;
    problem(rig.get("/api/v1/runs/follow?after=-1").await, 400).await;
    problem(rig.get("/api/v1/runs/follow?since=1").await, 400).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_followers_are_told_so() {
    let rig = Rig::start().await;
    let mut held = Vec::new();
    for _ in 0..64 {
        let one = rig.get("/api/v1/runs/follow").await;
        assert_eq!(one.status(), 200);
        held.push(one);
    }
    let said = problem(rig.get("/api/v1/runs/follow").await, 503).await;
    assert!(said["detail"].as_str().unwrap().contains("64"), "{said}");
    assert_eq!(
        rig.json("/api/v1/status").await["ready"],
        json!(true),
        "others are answered"
    );
}
