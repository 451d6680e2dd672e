//! A message with nothing wrong.

use landfall::sandbox::{Channel, Event, FaultKind};
use serde_json::json;

use super::Bench;
use crate::support::channel::eventually;

#[tokio::test]
async fn a_message_reaches_webhook_mail_and_row() {
    let bench = Bench::start().await;
    let response = bench.post("alpha", "r1", "Hello, Welt: 100 €").await;
    assert_eq!(response.status(), 202);
    assert_eq!(response.headers()["x-provider"], "main");
    assert_eq!(response.headers()["x-route"], "alpha");
    assert!(
        response.headers()["x-served-by"]
            .to_str()
            .unwrap()
            .starts_with("main-")
    );
    let answer: serde_json::Value = response.json().await.unwrap();
    let id = answer["id"].as_str().unwrap().to_owned();
    assert_eq!(answer, json!({ "id": id, "ref": "r1", "status": "queued" }));

    let truth = bench.settled("r1").await;
    bench.assert_agrees(&truth);
    assert_eq!(
        (truth.entry.fault, truth.entry.id.as_str()),
        (FaultKind::None, id.as_str())
    );

    let event = bench.hooks.of("r1").remove(0);
    assert_eq!(event.path, "/c/secret/r1");
    let body = event.json();
    assert!(body["at"].as_str().unwrap().ends_with('Z'));
    for (key, value) in [
        ("event", "message.delivered"),
        ("id", &id),
        ("text", "Hello, Welt: 100 €"),
        ("route", "alpha"),
        ("provider", "main"),
    ] {
        assert_eq!(body[key], value, "{key}");
    }
    let mail = bench.mail.of("r1").remove(0);
    assert_eq!(mail.text(), "Hello, Welt: 100 €");
    assert!(mail.content.contains("X-Provider: main\r\n"));
    let row = bench.rows("r1").remove(0);
    assert_eq!(
        row[1..],
        ["delivered", "queued sent delivered", "Hello, Welt: 100 €"]
    );

    let (status, view) = bench.get(&format!("/v1/messages/{id}")).await;
    assert_eq!(
        (status, &view["status"], &view["provider"]),
        (200, &json!("delivered"), &json!("main"))
    );
    let steps = view["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["step"].clone());
    assert_eq!(steps.collect::<Vec<_>>(), ["queued", "sent", "delivered"]);
}

#[tokio::test]
async fn what_is_asked_for_chooses_the_channels() {
    let bench = Bench::start().await;
    for (reference, fields) in [
        ("only-row", json!({})),
        ("only-hook", json!({ "webhook": bench.hooks.url("/h") })),
        ("only-mail", json!({ "to": "only-mail@landfall.test" })),
    ] {
        let mut message = json!({ "ref": reference, "text": "x" });
        message
            .as_object_mut()
            .unwrap()
            .extend(fields.as_object().unwrap().clone());
        let request = bench.client.post(bench.url("/v1/messages")).json(&message);
        assert_eq!(request.send().await.unwrap().status(), 202);
        let truth = bench.settled(reference).await;
        bench.assert_agrees(&truth);
        assert_eq!(truth.entry.route, "default");
        let channels: std::collections::BTreeSet<_> =
            truth.entry.outcomes.iter().map(|o| o.channel).collect();
        let expected = match reference {
            "only-row" => vec![Channel::Row],
            "only-hook" => vec![Channel::Webhook, Channel::Row],
            _ => vec![Channel::Mail, Channel::Row],
        };
        assert_eq!(channels.into_iter().collect::<Vec<_>>(), expected);
    }
}

#[tokio::test]
async fn events_are_signed_where_a_secret_is_set() {
    use base64::Engine as _;
    use hmac::{KeyInit as _, Mac as _};
    let bench = Bench::with(|options| landfall::sandbox::Options {
        webhook_secret: Some(String::from("whsec_c2VjcmV0")),
        ..options
    })
    .await;
    bench.post("alpha", "r1", "x").await;
    bench.settled("r1").await;
    let event = bench.hooks.of("r1").remove(0);
    let header = |name: &str| event.headers[name].to_str().unwrap().to_owned();
    let mut mac = hmac::Hmac::<sha2::Sha256>::new_from_slice(b"secret").unwrap();
    mac.update(format!("{}.{}.", event.id(), header("webhook-timestamp")).as_bytes());
    mac.update(&event.body);
    let signature = base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes());
    assert_eq!(header("webhook-signature"), format!("v1,{signature}"));
}

#[tokio::test]
async fn a_receiver_that_refuses_is_tried_again_under_the_same_id() {
    let bench = Bench::start().await;
    bench.hooks.answer_first(&[503, 500]);
    bench.mail.refuse_first(1);
    bench.post("alpha", "r1", "x").await;
    let truth = bench.settled("r1").await;
    let events = bench.hooks.of("r1");
    assert_eq!(events.len(), 3);
    assert!(events.iter().all(|event| event.id() == events[0].id()));
    let of = |channel| {
        let found = truth.entry.outcomes.iter().position(|o| o.channel == channel);
        truth.sent[found.unwrap()]
            .iter()
            .map(|a| a.error.clone())
            .collect::<Vec<_>>()
    };
    let refused = |status| Some(format!("answered {status}"));
    assert_eq!(of(Channel::Webhook), [refused(503), refused(500), None]);
    let mail = of(Channel::Mail);
    assert!(mail[0].as_ref().unwrap().contains("452 come again"), "{mail:?}");
    assert_eq!(mail[1..], [None]);
    let first = truth.first(Channel::Webhook, Event::Delivered).unwrap();
    assert!(
        events[1].at < first && first <= events[2].at,
        "the first that was taken counts"
    );
}

#[tokio::test]
async fn a_deleted_message_is_forgotten_with_its_rows() {
    let bench = Bench::start().await;
    bench.post("alpha", "r1", "x").await;
    bench.settled("r1").await;
    assert_eq!(bench.get("/v1/messages/r1").await.0, 200, "by its reference too");
    for _ in 0..2 {
        let deleted = bench
            .client
            .delete(bench.url("/v1/messages/r1"))
            .send()
            .await
            .unwrap();
        assert_eq!(deleted.status(), 204);
    }
    assert_eq!(bench.get("/v1/messages/r1").await.0, 404);
    eventually("the row to go", || bench.rows("r1").is_empty().then_some(())).await;
}

#[tokio::test]
async fn a_row_does_not_come_back_after_its_message_was_deleted() {
    let bench = Bench::scripted("default: { faults: [{ fault: delay, delay: 400ms }] }").await;
    bench.post("alpha", "r1", "x").await;
    eventually("the row", || (!bench.rows("r1").is_empty()).then_some(())).await;
    bench
        .client
        .delete(bench.url("/v1/messages/r1"))
        .send()
        .await
        .unwrap();
    let truth = bench.settled("r1").await;
    assert_eq!(bench.hooks.of("r1").len(), 1, "events go out all the same");
    let errors: Vec<_> = truth
        .sent
        .iter()
        .flatten()
        .filter_map(|a| a.error.as_deref())
        .collect();
    assert!(errors.contains(&"the message was deleted"), "{errors:?}");
    eventually("no row", || bench.rows("r1").is_empty().then_some(())).await;
}
