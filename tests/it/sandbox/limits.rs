//! Nothing grows without a bound, and each bound is counted.

use std::sync::Arc;

use landfall::clock::SystemClock;
use landfall::sandbox::{self, Channel, FaultKind, Options, Script};
use tokio_util::sync::CancellationToken;

use super::Bench;
use crate::support::channel::eventually;

#[tokio::test]
async fn a_flood_is_answered_with_503_and_counted() {
    let faults = Script::parse("test", "default: { faults: [{ fault: delay, delay: 3s }] }").unwrap();
    let bench = Bench::with(|options| Options {
        faults,
        max_open: 20,
        ..options
    })
    .await;
    let posts = (0..200).map(|n| {
        let request = bench.request("alpha", &format!("r{n}"), "x");
        async move { request.send().await.unwrap().status().as_u16() }
    });
    let statuses = futures::future::join_all(posts).await;
    let refused = statuses.iter().filter(|status| **status == 503).count();
    assert_eq!(
        statuses.iter().filter(|status| **status == 202).count() + refused,
        200
    );
    assert!(refused >= 100, "{refused}");
    let counts = bench.sandbox.counts();
    assert_eq!((counts.messages, counts.overloaded), (200, refused as u64));
    let overloaded = bench.sandbox.truth();
    let overloaded = overloaded
        .iter()
        .filter(|t| t.entry.fault == FaultKind::Overloaded);
    assert_eq!(overloaded.count(), refused, "each has its line");
    eventually("the rest to be through", || {
        (bench.sandbox.counts().open == 0).then_some(())
    })
    .await;
    assert_eq!(bench.post("alpha", "after", "x").await.status(), 202);
}

#[tokio::test]
async fn only_so_many_messages_are_remembered() {
    let bench = Bench::with(|options| Options {
        remember: 10,
        ..options
    })
    .await;
    for n in 0..25 {
        let reference = format!("r{n}");
        bench.post("alpha", &reference, "x").await;
        bench.settled(&reference).await;
    }
    assert_eq!(bench.sandbox.truth().len(), 10);
    assert_eq!(bench.sandbox.counts().forgotten, 15);
    assert_eq!(bench.get("/v1/messages/r0").await.0, 404);
    assert_eq!(bench.get("/v1/messages/r24").await.0, 200);
    eventually("old rows to go", || bench.rows("r0").is_empty().then_some(())).await;
    assert_eq!(bench.rows("r24").len(), 1);
}

#[tokio::test]
async fn receivers_that_cannot_be_reached_are_tried_five_times_and_given_up() {
    let bench = Bench::with(|options| Options {
        // Port 1 of this machine: nobody listens.
        smtp: Some(String::from("127.0.0.1:1")),
        ..options
    })
    .await;
    let secure = format!("https://{}/c", bench.hooks.address);
    for (reference, webhook) in [("nobody", "http://127.0.0.1:1/c"), ("no-tls", &secure)] {
        let message =
            serde_json::json!({ "ref": reference, "text": "x", "webhook": webhook, "to": "a@landfall.test" });
        let request = bench.client.post(bench.url("/v1/messages")).json(&message);
        assert_eq!(request.send().await.unwrap().status(), 202);
    }
    for (reference, words) in [
        ("nobody", "cannot connect to 127.0.0.1:1"),
        ("no-tls", "no TLS with"),
    ] {
        let truth = bench.settled(reference).await;
        for (at, outcome) in truth.entry.outcomes.iter().enumerate() {
            let errors: Vec<_> = truth.sent[at].iter().filter_map(|a| a.error.clone()).collect();
            match outcome.channel {
                Channel::Row => assert!(errors.is_empty(), "{errors:?}"),
                Channel::Webhook => assert!(errors.iter().all(|e| e.contains(words)), "{errors:?}"),
                Channel::Mail => assert!(
                    errors.iter().all(|e| e.contains("mail server 127.0.0.1:1")),
                    "{errors:?}"
                ),
            }
            assert_eq!(truth.taken(at).is_some(), outcome.channel == Channel::Row);
            assert_eq!(
                truth.sent[at].len(),
                if outcome.channel == Channel::Row { 1 } else { 5 }
            );
        }
    }
}

#[tokio::test]
async fn serving_ends_with_the_token_and_tells_the_counts() {
    let clock = Arc::new(SystemClock::start());
    let stop = CancellationToken::new();
    let (told, address) = tokio::sync::oneshot::channel();
    let serving = sandbox::serve(Options::default(), clock, stop.clone(), |running| {
        told.send(running.address()).unwrap();
    });
    let using = async {
        let url = format!("http://{}/v1/messages", address.await.unwrap());
        let client = reqwest::Client::new();
        let message = serde_json::json!({ "ref": "r", "text": "x" });
        assert_eq!(
            client.post(url).json(&message).send().await.unwrap().status(),
            202
        );
        stop.cancel();
    };
    rustls::crypto::ring::default_provider().install_default().ok();
    let (counts, ()) = futures::join!(serving, using);
    assert_eq!(counts.unwrap().messages, 1);
}

#[tokio::test]
async fn what_cannot_be_used_is_said_at_the_start() {
    let bench = Bench::start().await;
    let start = async |options: Options| {
        let clock = Arc::new(SystemClock::start());
        let started = sandbox::start(options, clock, CancellationToken::new()).await;
        started.unwrap_err().to_string()
    };
    let taken = start(Options {
        listen: bench.sandbox.address(),
        ..Options::default()
    });
    let message = taken.await;
    assert!(
        message.contains(&bench.sandbox.address().to_string()) && message.contains("port 0"),
        "{message}"
    );

    let no_database = bench.dir.path().join("text");
    std::fs::write(
        &no_database,
        "no database, but long enough to be taken for one by its size alone".repeat(20),
    )
    .unwrap();
    let message = start(Options {
        database: Some(no_database.clone()),
        ..Options::default()
    });
    assert!(message.await.contains(&format!("{}", no_database.display())));

    let message = start(Options {
        ledger: sandbox::Ledger::File(bench.dir.path().join("none/ledger")),
        ..Options::default()
    });
    assert!(message.await.contains("cannot write the ledger"));
    let message = start(Options {
        webhook_secret: Some(String::from("whsec_???")),
        ..Options::default()
    });
    assert!(message.await.contains("base64"));
    let message = start(Options {
        mail_from: String::from("a@b>\r\nDATA"),
        ..Options::default()
    });
    assert!(message.await.contains("mail_from"));
}
