//! What lands while landfall is down is found after the start, and timed by all that it may have been.

use landfall::model::{Class, Flag};
use rusqlite::Connection;
use serde_json::json;

use super::life::{Lives, Target, token};
use crate::support::whole::http_client;

const TABLE: &str = "CREATE TABLE done (ref TEXT, status TEXT)";

fn rows(target: &Target, within: &str) -> (Lives, Connection) {
    let channels = json!({ "rows": { "sqlite": {
        "path": "outcomes.db",
        "query": "SELECT ref AS key, status FROM done WHERE ref IN (:keys)",
    } } });
    let outcome = json!({ "outcome": [{ "in": "rows", "within": within, "grace": "1s" }] });
    let lives = Lives::new(target, &channels, &outcome);
    let table = Connection::open(lives.path("outcomes.db")).unwrap();
    table.execute_batch(TABLE).unwrap();
    (lives, table)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_is_found_and_its_interval_begins_where_the_request_left() {
    let target = Target::start().await;
    let (lives, table) = rows(&target, "60s");
    lives.fire_and_end().await;
    let token = token(&target).await;
    table
        .execute("INSERT INTO done VALUES (?1, 'paid')", [&token])
        .unwrap();
    let mut life = lives.begin().await;
    let record = life.closed().await;
    assert_eq!(record.class, Class::Delivered, "{record:#?}");
    assert_eq!(record.token, token);
    let seconds = record.expectations[0].seconds.unwrap();
    assert_eq!(seconds.0, 0.0, "it may have come at any time since");
    assert!(seconds.1 > 0.0);
    assert_eq!(record.request.as_ref().unwrap()["method"], "POST");
    assert_eq!(record.response.as_ref().unwrap()["status"], 200);
    assert_eq!(target.orders().len(), 1, "fired again");
    assert_eq!(target.cleaned(), 1);
    assert_eq!(life.open().await, 0);
    life.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_may_have_come_in_time_or_late_is_unobserved() {
    let target = Target::start().await;
    let (lives, table) = rows(&target, "1ms");
    lives.fire_and_end().await;
    let token = token(&target).await;
    table
        .execute("INSERT INTO done VALUES (?1, 'paid')", [&token])
        .unwrap();
    // The look that finds it must not stand near the limit.
    tokio::task::spawn_blocking(|| std::thread::sleep(std::time::Duration::from_millis(80)))
        .await
        .unwrap();
    let mut life = lives.begin().await;
    let record = life.closed().await;
    assert_eq!(record.class, Class::Unobserved, "{record:#?}");
    life.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_never_came_is_lost_after_one_closing_look() {
    let target = Target::start().await;
    let (lives, _table) = rows(&target, "200ms");
    lives.fire_and_end().await;
    tokio::task::spawn_blocking(|| std::thread::sleep(std::time::Duration::from_millis(1300)))
        .await
        .unwrap();
    let mut life = lives.begin().await;
    let record = life.closed().await;
    assert_eq!(record.class, Class::Lost, "{record:#?}");
    assert_eq!(target.orders().len(), 1);
    life.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_was_seen_before_is_no_second_one() {
    let target = Target::start().await;
    let (lives, table) = rows(&target, "60s");
    // Two of them: the first is seen in the first life.
    lives.rewrite("probes/probe.yaml", |probe| {
        probe["outcome"][0]["times"] = json!(2);
    });
    let mut life = lives.begin().await;
    life.whole.tick().await;
    let token = token(&target).await;
    let insert = |status: &str| {
        table
            .execute("INSERT INTO done VALUES (?1, ?2)", [token.as_str(), status])
            .unwrap();
    };
    insert("one");
    let store = Connection::open(lives.path("landfall.db")).unwrap();
    crate::support::channel::eventually("the first row to be on record", || {
        let count: i64 = store
            .query_row("SELECT count(*) FROM observations", [], |row| row.get(0))
            .unwrap();
        (count == 1).then_some(())
    })
    .await;
    life.end().await;
    table
        .execute("UPDATE done SET status = 'one, changed'", [])
        .unwrap();
    life = lives.begin().await;
    insert("two");
    let record = life.closed().await;
    assert_eq!(record.class, Class::Delivered, "{record:#?}");
    assert_eq!(record.expectations[0].count, 2);
    life.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_callback_that_is_tried_again_in_time_is_delivered_and_one_that_is_not_is_unobserved() {
    for again in [true, false] {
        let target = Target::start().await;
        let channels = json!({ "hooks": { "callback": {} } });
        // Not over before the first life is, however busy the machine.
        let within = if again { "60s" } else { "5s" };
        let more = json!({
            "request": { "http": {
                "url": "{{ vars.base }}/orders",
                "json": { "ref": "{{ token }}", "webhook": "{{ channels.hooks.url }}" },
            } },
            "outcome": [{ "in": "hooks", "within": within, "grace": "10ms" }],
        });
        let lives = Lives::new(&target, &channels, &more);
        lives.fire_and_end().await;
        let webhook = target.orders()[0]["webhook"].as_str().unwrap().to_owned();
        let refused = http_client().post(&webhook).body("{}").send().await;
        assert!(refused.is_err(), "nobody listens");
        let mut life = lives.begin().await;
        if again {
            let answer = http_client().post(&webhook).body("{}").send().await.unwrap();
            assert!(answer.status().is_success());
        }
        let record = life.closed().await;
        let class = if again {
            Class::Delivered
        } else {
            Class::Unobserved
        };
        assert_eq!(record.class, class, "{record:#?}");
        assert!(!record.flags.contains(&Flag::FireUnknown));
        life.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_captured_id_is_known_again_and_what_came_under_it_unclaimed() {
    let target = Target::start().await;
    let channels = json!({ "hooks": { "callback": {} } });
    let more = json!({
        "request": { "http": {
            "url": "{{ vars.base }}/orders",
            "json": { "ref": "{{ token }}", "webhook": "{{ channels.hooks.base_url }}" },
        } },
        "capture": { "order": "response.json.id" },
        "outcome": [{ "in": "hooks", "within": "60s", "times": 2, "expect": "seen.json.order == order" }],
    });
    let lives = Lives::new(&target, &channels, &more);
    let life = lives.begin().await;
    life.whole.tick().await;
    token(&target).await;
    let webhook = target.orders()[0]["webhook"].as_str().unwrap().to_owned();
    let call = |n: u32| {
        let body = json!({ "order": "order-424243", "n": n });
        let call = http_client().post(&webhook).json(&body).send();
        async { assert!(call.await.unwrap().status().is_success()) }
    };
    // It bears no token: the store does not know whose it is.
    call(1).await;
    life.answered().await;
    life.end().await;
    let mut life = lives.begin().await;
    call(2).await;
    let record = life.closed().await;
    assert_eq!(record.class, Class::Delivered, "{record:#?}");
    assert_eq!(record.observations.len(), 2);
    life.end().await;
}
