//! Channels that come, change and go while runs are on them.

use reqwest::Method;
use rusqlite::Connection;
use serde_json::{Value, json};

use super::{Rig, Silent, probe, workspace};
use crate::support::channel::eventually;

fn callback(settings: &Value) -> Value {
    json!({ "channels": { "hooks": { "callback": settings } } })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_callback_keeps_its_address_and_what_was_fired_before_is_understood() {
    let target = Silent::start().await;
    let posts = workspace(&target.base, &callback(&json!({ "methods": ["POST"] })));
    let puts = workspace(&target.base, &callback(&json!({ "methods": ["PUT"] })));
    let rig = Rig::start(&posts, &[probe("a", &json!({}))], &["--no-watch"]).await;
    rig.fire("a").await;
    let first = target.order("a", 1).await;
    rig.write("landfall.yaml", &puts);
    let done = rig.reload().await;
    assert_eq!(
        done["channels"],
        json!([{ "name": "hooks", "change": "replaced", "why": null }])
    );
    rig.fire("a").await;
    let second = target.order("a", 2).await;
    let url = |order: &Value| order["webhook"].as_str().unwrap().to_owned();
    let base = |order: &Value| url(order).rsplit_once('/').unwrap().0.to_owned();
    assert_eq!(base(&first), base(&second), "the address is another");
    // By the settings of its own time, of ours, and of neither.
    assert_eq!(rig.call(Method::PATCH, &url(&first), &json!({})).await, 405);
    assert_eq!(rig.call(Method::POST, &url(&first), &json!({})).await, 200);
    assert_eq!(rig.call(Method::PUT, &url(&second), &json!({})).await, 200);
    for record in rig.ended("a", 2).await {
        assert_eq!(record["class"], "delivered", "{record}");
    }
    // Once the earlier run is looked for no longer, nobody understands the earlier settings.
    rig.daemon.says("is closed").await;
    rig.fire("a").await;
    let third = target.order("a", 3).await;
    assert_eq!(rig.call(Method::POST, &url(&third), &json!({})).await, 405);
    assert_eq!(rig.call(Method::PUT, &url(&third), &json!({})).await, 200);
    assert_eq!(rig.ended("a", 3).await[2]["class"], "delivered");
    assert_eq!(rig.daemon.stopped().await.code(), Some(0));
}

fn rows(target: &str, file: &str) -> Value {
    let query = "SELECT ref AS key, status FROM orders WHERE ref IN (:keys)";
    let rows = json!({ "sqlite": { "path": file, "query": query, "poll": "50ms" } });
    workspace(
        target,
        &json!({ "channels": { "rows": rows, "hooks": { "callback": {} } } }),
    )
}

fn database(rig: &Rig, file: &str) -> Connection {
    let database = Connection::open(rig.dir.path().join(file)).unwrap();
    database
        .execute_batch("CREATE TABLE IF NOT EXISTS orders (ref TEXT, status TEXT)")
        .unwrap();
    database
}

fn insert(database: &Connection, order: &Value) {
    let token = order["ref"].as_str().unwrap();
    database
        .execute("INSERT INTO orders VALUES (?1, 'paid')", [token])
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_with_other_settings_works_beside_the_one_that_open_runs_are_on() {
    let target = Silent::start().await;
    let waits = probe(
        "a",
        &json!({ "outcome": [{ "in": "rows", "within": "8s", "grace": "0s" }] }),
    );
    let rig = Rig::start(&rows(&target.base, "one.db"), &[], &["--no-watch"]).await;
    let (one, two) = (database(&rig, "one.db"), database(&rig, "two.db"));
    rig.put(&waits);
    assert_eq!(rig.reload().await["channels"][1]["change"], "opened");
    rig.fire("a").await;
    let first = target.order("a", 1).await;
    rig.write("landfall.yaml", &rows(&target.base, "two.db"));
    let done = rig.reload().await;
    assert_eq!(
        done["channels"],
        json!([{ "name": "rows", "change": "replaced", "why": null }])
    );
    rig.fire("a").await;
    let second = target.order("a", 2).await;
    // What lands where the run before was not looked for proves nothing of it.
    insert(&two, &second);
    insert(&one, &first);
    for record in rig.ended("a", 2).await {
        assert_eq!(record["class"], "delivered", "{record}");
        assert_eq!(record["observations"][0]["in"], "rows", "{record}");
    }
    rig.daemon.says("is closed").await;

    // One that is taken away is closed after its last run; which ends as it would have.
    rig.fire("a").await;
    let third = target.order("a", 3).await;
    rig.remove("a");
    let done = rig.reload().await;
    let closing = json!({ "name": "rows", "change": "closing", "why": null });
    assert!(done["channels"].as_array().unwrap().contains(&closing), "{done}");
    insert(&two, &third);
    assert_eq!(rig.ended("a", 3).await[2]["class"], "delivered");
    let listed = rig.json("/api/v1/channels").await;
    assert_eq!(listed["channels"], json!([]));
    assert_eq!(rig.daemon.stopped().await.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_needs_a_channel_that_cannot_be_opened_is_skipped_until_it_can() {
    let target = Silent::start().await;
    let rig = Rig::start(
        &workspace(&target.base, &json!({})),
        &[probe("a", &json!({}))],
        &["--no-watch"],
    )
    .await;
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let at = taken.local_addr().unwrap();
    let sink = json!({ "smtp_sink": { "listen": at.to_string(), "domain": "landfall.test" } });
    let channels = json!({ "hooks": { "callback": {} }, "mail": sink });
    rig.write(
        "landfall.yaml",
        &workspace(&target.base, &json!({ "channels": channels })),
    );
    let request = json!({ "http": {
        "url": "{{ vars.base }}/orders",
        "json": { "ref": "{{ token }}", "probe": "m", "to": "{{ channels.mail.address }}" },
    } });
    rig.put(&probe(
        "m",
        &json!({ "request": request, "outcome": [{ "in": "mail", "within": "60s" }] }),
    ));
    let done = rig.reload().await;
    let failed = &done["channels"][0];
    assert_eq!(
        (&failed["name"], &failed["change"]),
        (&json!("mail"), &json!("failed"))
    );
    assert!(
        failed["why"].as_str().unwrap().contains(&at.port().to_string()),
        "{failed}"
    );
    assert_eq!(done["added"], json!(["m"]));
    rig.daemon.says("cannot see").await;
    assert_eq!(rig.metric("landfall_channel_up{channel=\"mail\"}").await, 0.0);
    rig.fire("m").await;
    let skipped = eventually("the skip", || rig.asked("SELECT record FROM skips").pop()).await;
    assert!(
        skipped.contains("arm_failed") && skipped.contains(&at.port().to_string()),
        "{skipped}"
    );
    // The others go on.
    rig.fire("a").await;
    let order = target.order("a", 1).await;
    assert_eq!(
        rig.call(Method::POST, order["webhook"].as_str().unwrap(), &json!({}))
            .await,
        200
    );
    assert_eq!(rig.ended("a", 1).await[0]["class"], "delivered");

    drop(taken);
    rig.daemon.says("channel sees again").await;
    rig.fire("m").await;
    assert!(
        target.order("m", 1).await["to"]
            .as_str()
            .unwrap()
            .ends_with("@landfall.test")
    );
    assert_eq!(rig.metric("landfall_channel_up{channel=\"mail\"}").await, 1.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_sink_on_its_own_port_hands_port_and_runs_over() {
    let target = Silent::start().await;
    // An address that no other test takes ports of, so that this one is still free when it is bound again.
    let free = std::net::TcpListener::bind("127.0.0.9:0").unwrap();
    let at = free.local_addr().unwrap();
    drop(free);
    let sink = |limit: u32| {
        let sink = json!({ "smtp_sink": { "listen": at.to_string(), "domain": "landfall.test", "size_limit": limit } });
        workspace(&target.base, &json!({ "channels": { "mail": sink } }))
    };
    let request = json!({ "http": {
        "url": "{{ vars.base }}/orders",
        "json": { "ref": "{{ token }}", "probe": "m", "to": "{{ channels.mail.address }}" },
    } });
    let waits = probe(
        "m",
        &json!({ "request": request, "outcome": [{ "in": "mail", "within": "60s" }] }),
    );
    let rig = Rig::start(&sink(100_000), &[waits], &["--no-watch"]).await;
    rig.fire("m").await;
    let first = target.order("m", 1).await;
    rig.write("landfall.yaml", &sink(200_000));
    assert_eq!(rig.reload().await["channels"][0]["change"], "replaced");
    rig.daemon.says("channel sees again").await;
    rig.fire("m").await;
    let second = target.order("m", 2).await;
    for order in [first, second] {
        send(at, order["to"].as_str().unwrap()).await;
    }
    for record in rig.ended("m", 2).await {
        assert_eq!(record["class"], "delivered", "{record}");
    }
    assert_eq!(rig.daemon.stopped().await.code(), Some(0));
}

/// Sends a mail, as a mail system would.
async fn send(at: std::net::SocketAddr, to: &str) {
    use lettre::AsyncTransport as _;
    let transport =
        lettre::AsyncSmtpTransport::<lettre::Tokio1Executor>::builder_dangerous(at.ip().to_string())
            .port(at.port())
            .build();
    let mail = lettre::Message::builder()
        .from("system@example.com".parse().unwrap())
        .to(to.parse().unwrap())
        .subject("paid")
        .body(String::from("Thanks"))
        .unwrap();
    transport.send(mail).await.unwrap();
}
