//! Files that change, in every way in which people and machines change them; SIGHUP.

use std::os::unix::fs::symlink;

use rustix::process::Signal;
use serde_json::json;

use super::{Rig, Silent, probe, workspace};

#[tokio::test(flavor = "multi_thread")]
async fn probes_come_change_and_go_with_their_files() {
    let target = Silent::start().await;
    let rig = Rig::start(
        &workspace(&target.base, &json!({})),
        &[probe("a", &json!({}))],
        &[],
    )
    .await;
    rig.put(&probe("b", &json!({})));
    rig.serves(&["a", "b"]).await;
    rig.fire("b").await;
    target.order("b", 1).await;

    // An editor that writes beside and renames, and changes more than one file.
    let before = rig.probes().await;
    rig.write("probes/.b.yaml.new", &probe("b", &json!({ "settle": "20ms" })));
    let at = |name: &str| rig.dir.path().join("probes").join(name);
    std::fs::rename(at(".b.yaml.new"), at("b.yaml")).unwrap();
    rig.put(&probe("c", &json!({})));
    rig.serves(&["a", "b", "c"]).await;
    let after = rig.probes().await;
    assert_eq!(after[0], before[0]);
    assert_ne!(after[1], before[1], "b has another revision");

    rig.remove("a");
    rig.serves(&["b", "c"]).await;
    let said = rig.daemon.says("removed=[\"a\"]").await;
    assert!(
        said.contains("unchanged=2") && said.contains("the files have changed"),
        "{said}"
    );
    let fired = rig.post("/api/v1/probes/a/fire", &json!({})).await;
    assert_eq!(fired.status(), 404);
    assert_eq!(rig.daemon.stopped().await.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mounted_config_map_is_followed_to_its_new_version() {
    let target = Silent::start().await;
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    for (version, settle) in [("..2026_1", "10ms"), ("..2026_2", "20ms")] {
        std::fs::create_dir_all(at("probes").join(version)).unwrap();
        let text = probe("a", &json!({ "settle": settle })).to_string();
        std::fs::write(at("probes").join(version).join("a.yaml"), text).unwrap();
    }
    std::fs::write(
        at("landfall.yaml"),
        workspace(&target.base, &json!({})).to_string(),
    )
    .unwrap();
    symlink("..2026_1", at("probes/..data")).unwrap();
    symlink("..data/a.yaml", at("probes/a.yaml")).unwrap();
    let probes = at("probes");
    let rig = Rig::on(dir, &[]).await;
    let before = rig.probes().await;

    // As the kubelet does: another link beside, renamed over the old one, and the old version removed.
    symlink("..2026_2", probes.join("..data_tmp")).unwrap();
    std::fs::rename(probes.join("..data_tmp"), probes.join("..data")).unwrap();
    std::fs::remove_dir_all(probes.join("..2026_1")).unwrap();
    rig.daemon.says("changed=[\"a\"]").await;
    assert_ne!(rig.probes().await, before);
    assert_eq!(rig.daemon.stopped().await.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_in_a_file_is_read_anew_and_told_nowhere() {
    let target = Silent::start().await;
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("probes")).unwrap();
    let key = dir.path().join("key");
    std::fs::write(&key, "first-secret-value\n").unwrap();
    std::fs::write(
        dir.path().join("landfall.yaml"),
        workspace(&target.base, &json!({})).to_string(),
    )
    .unwrap();
    let request = json!({ "http": {
        "url": "{{ vars.base }}/orders",
        "json": { "probe": "a", "key": "${file:key}", "webhook": "{{ channels.hooks.url }}" },
    } });
    let a = probe("a", &json!({ "request": request }));
    std::fs::write(dir.path().join("probes/a.yaml"), a.to_string()).unwrap();
    let rig = Rig::on(dir, &[]).await;
    rig.fire("a").await;
    let first = target.order("a", 1).await;
    assert_eq!(first["key"], "first-secret-value");
    let before = rig.probes().await;

    std::fs::write(&key, "second-secret-value\n").unwrap();
    rig.daemon.says("changed=[\"a\"]").await;
    assert_eq!(
        rig.probes().await,
        before,
        "a secret's value is no part of a revision"
    );
    rig.fire("a").await;
    assert_eq!(target.order("a", 2).await["key"], "second-secret-value");
    // What was fired before echoes the secret that it was fired with.
    for order in target.orders("a") {
        let echo = json!({ "echo": ["first-secret-value", "second-secret-value"] });
        let url = order["webhook"].as_str().unwrap();
        assert_eq!(rig.call(reqwest::Method::POST, url, &echo).await, 200);
    }
    for record in rig.ended("a", 2).await {
        assert_eq!(record["class"], "delivered");
        assert!(!record.to_string().contains("secret-value"), "{record}");
    }
    assert!(rig.daemon.said("secret-value").is_none());
    assert_eq!(rig.daemon.stopped().await.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hangup_reloads_also_where_files_are_not_watched() {
    let target = Silent::start().await;
    let workspace = workspace(&target.base, &json!({}));
    let rig = Rig::start(&workspace, &[probe("a", &json!({}))], &["--no-watch"]).await;
    rig.put(&probe("b", &json!({})));
    rig.daemon.signal(Signal::HUP);
    let said = rig.daemon.says("added=[\"b\"]").await;
    assert!(said.contains("SIGHUP"), "{said}");
    rig.serves(&["a", "b"]).await;
    rig.remove("a");
    rig.daemon.signal(Signal::HUP);
    rig.serves(&["b"]).await;
    assert!(rig.daemon.said("the files have changed").is_none());
    assert_eq!(rig.daemon.stopped().await.code(), Some(0));
}
