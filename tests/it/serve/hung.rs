//! A target that accepts and never answers.

use serde_json::{Value, json};

use super::daemon::{Daemon, Does, Place, Target};
use crate::support::channel::eventually;

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_hangs_holds_up_no_other_probe_and_none_of_its_own_ticks() {
    let target = Target::start(Does::Deliver).await;
    let every = json!({ "every": "200ms", "allow_fast": true });
    let place = Place::new(&target, every, &json!({}));
    // The backlog takes its connections; nobody reads from them.
    let hung = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let text = std::fs::read_to_string(place.path("probes/probe.yaml")).unwrap();
    let mut probe: Value = serde_json::from_str(&text).unwrap();
    probe["name"] = "hung".into();
    probe["request"]["http"]["url"] = format!("http://{}/orders", hung.local_addr().unwrap()).into();
    probe["request"]["http"]["timeout"] = "60s".into();
    std::fs::write(place.path("probes/hung.yaml"), probe.to_string()).unwrap();
    let daemon = Daemon::start(place.dir.path(), &[], &[]);
    daemon.serving().await;
    eventually("runs of both, five that were delivered", || {
        let delivered =
            place.asked("SELECT class FROM records WHERE class = 'delivered' AND probe = 'orders'");
        let open = place.asked("SELECT hex(run) FROM claims WHERE probe = 'hung'");
        (delivered.len() >= 5 && open.len() >= 5).then_some(())
    })
    .await;
    assert_eq!(
        place.asked("SELECT class FROM records WHERE probe = 'hung'"),
        Vec::<String>::new()
    );
    drop(daemon);
    let skipped = place.asked("SELECT reason FROM skips UNION ALL SELECT reason FROM skip_spans");
    assert!(
        skipped
            .iter()
            .all(|reason| reason != "overlap" && reason != "limit"),
        "{skipped:?}"
    );
}
