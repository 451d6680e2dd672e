//! Each fault does what its sentence says.

use std::time::Duration;

use landfall::clock::Clock as _;
use landfall::model::Class;
use landfall::sandbox::{Channel, Event, FaultKind, Limits, Options, Script};

use super::Bench;
use crate::support::channel::eventually;

/// Limits under which a busy machine, which can only make things later, changes no class.
fn roomy(fault: FaultKind) -> Limits {
    let mut limits = Limits::demo();
    for window in limits.channels.values_mut() {
        if !matches!(fault, FaultKind::Late | FaultKind::TooLate) {
            window.within = Duration::from_secs(60);
        }
        if fault != FaultKind::TooLate {
            window.grace = Duration::from_secs(60);
        }
    }
    limits
}

#[tokio::test]
async fn the_ledger_agrees_with_what_was_received_for_every_fault() {
    let bench = Bench::start().await;
    let impatient = |fault| matches!(fault, FaultKind::Slow | FaultKind::NoAnswer);
    let posts = FaultKind::ALL.iter().map(|fault| {
        let patience = Duration::from_secs(if impatient(*fault) { 1 } else { 60 });
        let text = format!("Pay 100 fault:{fault}");
        let request = bench.request("alpha", fault.name(), &text).timeout(patience);
        async move {
            (
                *fault,
                request.send().await.map(|answer| answer.status().as_u16()),
            )
        }
    });
    let answers: Vec<_> = futures::future::join_all(posts).await;
    for (fault, answer) in answers {
        let truth = bench.settled(fault.name()).await;
        bench.assert_agrees(&truth);
        assert_eq!(truth.entry.fault, fault);
        assert_eq!(
            truth.expected(&roomy(fault)).class,
            fault.says(),
            "{fault}: {truth:?}"
        );
        match answer {
            Ok(status) => assert_eq!(Some(status), truth.entry.answer.status, "{fault}"),
            Err(error) => assert_eq!(error.is_timeout(), impatient(fault), "{fault}: {error}"),
        }
    }
}

#[tokio::test]
async fn a_redelivery_comes_on_a_connection_of_its_own() {
    let bench = Bench::start().await;
    let truth = bench.done(FaultKind::Redeliver).await;
    let events = bench.hooks.of("redeliver");
    assert_eq!(events[0].id(), events[1].id());
    assert_ne!(events[0].connection, events[1].connection);
    let mails = bench.mail.of("redeliver");
    assert_eq!(mails[0].id(), mails[1].id());
    assert_ne!(mails[0].connection, mails[1].connection);
    assert_eq!(truth.expected(&Limits::demo()).class, Class::Delivered);
    // Nothing may come later on the first connection: it would prove that the acknowledgement was read.
    bench.done(FaultKind::None).await;
    let all = bench.hooks.all();
    assert_eq!(
        all.iter()
            .filter(|event| event.connection == events[0].connection)
            .count(),
        1
    );
}

#[tokio::test]
async fn a_resend_comes_on_the_connection_that_was_acknowledged() {
    let bench = Bench::start().await;
    bench.done(FaultKind::Resend).await;
    let events = bench.hooks.of("resend");
    assert_eq!(events[0].id(), events[1].id());
    assert_eq!(events[0].connection, events[1].connection);
    let mails = bench.mail.of("resend");
    assert_eq!(mails[0].id(), mails[1].id());
    assert_eq!(mails[0].connection, mails[1].connection);
}

#[tokio::test]
async fn a_duplicate_has_an_id_of_its_own_everywhere() {
    let bench = Bench::start().await;
    bench.done(FaultKind::Duplicate).await;
    let events = bench.hooks.of("duplicate");
    assert_ne!(events[0].id(), events[1].id());
    assert_eq!(events[0].json()["text"], events[1].json()["text"]);
    let mails = bench.mail.of("duplicate");
    assert_ne!(mails[0].id(), mails[1].id());
    let rows = bench.rows("duplicate");
    assert_eq!(rows.len(), 2);
    assert!(rows.iter().all(|row| row[1] == "delivered"));
}

#[tokio::test]
async fn two_providers_deliver_the_same_message() {
    let bench = Bench::start().await;
    bench.done(FaultKind::Twice).await;
    let mut providers: Vec<_> = bench
        .hooks
        .of("twice")
        .iter()
        .map(|event| event.json()["provider"].as_str().unwrap().to_owned())
        .collect();
    providers.sort();
    assert_eq!(providers, ["main", "spare"]);
}

#[tokio::test]
async fn an_altered_message_says_something_else_on_every_channel() {
    let bench = Bench::start().await;
    bench.done(FaultKind::Alter).await;
    let text = "Pay 100 fault:alter";
    assert_ne!(bench.hooks.of("alter")[0].json()["text"], text);
    assert!(!bench.mail.of("alter")[0].text().contains(text));
    let rows = bench.rows("alter");
    assert!(!rows[0][3].contains(text));
}

#[tokio::test]
async fn the_steps_say_how_far_it_came() {
    let bench = Bench::start().await;
    for (fault, status, steps) in [
        (FaultKind::Drop, "queued", "queued"),
        (FaultKind::FailSilently, "sent", "queued sent"),
        (FaultKind::Fail, "failed", "queued failed"),
        (FaultKind::Reorder, "delivered", "sent queued delivered"),
    ] {
        bench.done(fault).await;
        let rows = bench.rows(fault.name());
        assert_eq!(rows[0][1..3], [status, steps], "{fault}");
    }
}

#[tokio::test]
async fn what_the_gateway_says_of_a_message_may_be_a_lie() {
    let bench = Bench::start().await;
    for (fault, says) in [
        (FaultKind::Drop, "delivered"),
        (FaultKind::FailSilently, "sent"),
        (FaultKind::Fail, "failed"),
        (FaultKind::FalseFailure, "failed"),
    ] {
        bench.done(fault).await;
        super::eventually_async("its last status", async || {
            let (_, view) = bench.get(&format!("/v1/messages/{fault}")).await;
            (view["status"] == says).then_some(())
        })
        .await;
    }
    bench.done(FaultKind::RefuseAndDeliver).await;
    let (status, _) = bench.get("/v1/messages/refuse_and_deliver").await;
    assert_eq!(status, 404, "it says that it never took it");
}

#[tokio::test]
async fn events_of_other_kinds_come_where_scripted() {
    let bench = Bench::start().await;
    for (fault, event) in [
        (FaultKind::Fail, "message.failed"),
        (FaultKind::FalseFailure, "message.failed"),
        (FaultKind::FalseReceipt, "message.receipt"),
        (FaultKind::Extra, "message.complaint"),
    ] {
        bench.done(fault).await;
        let events = bench.hooks.of(fault.name());
        assert_eq!(
            events.iter().filter(|e| e.json()["event"] == event).count(),
            1,
            "{fault}"
        );
    }
}

#[tokio::test]
async fn a_stray_has_nothing_of_the_message_in_it() {
    let bench = Bench::start().await;
    let truth = bench.done(FaultKind::Stray).await;
    let mut all = bench.hooks.all();
    all.retain(|event| event.json()["ref"] != "stray");
    assert_eq!(all.len(), 1);
    let text = format!("{} {:?} {:?}", all[0].path, all[0].headers, all[0].body);
    assert!(
        !text.contains(&truth.entry.id) && !text.contains("secret/stray"),
        "{text}"
    );
}

#[tokio::test]
async fn the_answer_can_come_after_the_outcome_or_never() {
    let bench = Bench::start().await;
    bench.done(FaultKind::Early).await;
    let answered = bench.clock.now();
    assert!(bench.hooks.of("early")[0].at < answered);
    let truth = bench.settled("early").await;
    assert!(truth.first(Channel::Webhook, Event::Delivered).unwrap() < truth.entry.answer.at);

    for fault in [FaultKind::Reset, FaultKind::ResetAndDrop] {
        let text = format!("fault:{fault}");
        let error = bench
            .request("alpha", fault.name(), &text)
            .send()
            .await
            .unwrap_err();
        let mut cause: Option<&dyn std::error::Error> = Some(&error);
        let mut reset = false;
        while let Some(error) = cause {
            let io = error.downcast_ref::<std::io::Error>();
            reset |= io.is_some_and(|e| e.kind() == std::io::ErrorKind::ConnectionReset);
            cause = error.source();
        }
        assert!(reset, "{error:?}");
        bench.settled(fault.name()).await;
        assert_eq!(
            bench.hooks.of(fault.name()).len(),
            usize::from(fault == FaultKind::Reset)
        );
    }
}

#[tokio::test]
async fn a_retry_fails_before_anything_leaves_and_then_succeeds() {
    let bench = Bench::start().await;
    let truth = bench.done(FaultKind::Retry).await;
    assert_eq!(bench.hooks.of("retry").len(), 1);
    let webhook = truth
        .entry
        .outcomes
        .iter()
        .position(|o| o.channel == Channel::Webhook);
    let attempts = &truth.sent[webhook.unwrap()];
    assert_eq!(attempts.len(), 3);
    assert!(
        attempts[..2]
            .iter()
            .all(|a| a.error.as_ref().unwrap().starts_with("injected"))
    );
}

#[tokio::test]
async fn the_fallback_takes_over_by_script_and_under_load() {
    let script = "
routes:
  alpha: { provider: north, fallback: south, max_in_flight: 2, faults: [{ fault: delay, until: 2, delay: 2s }] }
  beta: { provider: south }";
    let bench = Bench::scripted(script).await;
    let provider = async |route: &str, reference: &str, text: &str| {
        let response = bench.post(route, reference, text).await;
        let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
        (header("x-provider"), header("x-route"))
    };
    let own = (String::from("north"), String::from("alpha"));
    let other = (String::from("south"), String::from("beta"));
    assert_eq!(provider("alpha", "r1", "x").await, own);
    assert_eq!(provider("alpha", "r2", "x").await, own);
    assert_eq!(provider("alpha", "r3", "x").await, other, "two are open");
    let truth = bench.settled("r3").await;
    assert_eq!(truth.entry.fault, FaultKind::Reroute);
    assert_eq!(bench.hooks.of("r3")[0].json()["provider"], "south");
    assert_eq!(provider("alpha", "r4", "x").await, own, "none is open");
    assert_eq!(provider("alpha", "r5", "fault:reroute").await, other);
}

#[tokio::test]
async fn seeds_reproduce_faults_and_planned_times_whatever_runs_at_once() {
    let decided = async |seed: u64, at_once: bool| {
        let bench = Bench::with(|options| Options {
            seed,
            faults: Script::every_fault(),
            ..options
        })
        .await;
        let send = async |route: &str| {
            for n in 0..40 {
                let reference = format!("{route}-{n}");
                let request = bench.request(route, &reference, "x").send();
                let decided = eventually("the decision", || {
                    let truths = bench.sandbox.truth();
                    truths
                        .iter()
                        .any(|t| t.entry.reference == reference)
                        .then_some(())
                });
                // Some answers never come, so it is the decision that is waited for.
                futures::future::select(Box::pin(request), Box::pin(decided)).await;
            }
        };
        if at_once {
            futures::join!(send("alpha"), send("beta"));
        } else {
            send("beta").await;
            send("alpha").await;
        }
        let mut plans: Vec<_> = bench
            .sandbox
            .truth()
            .into_iter()
            .map(|truth| {
                let entry = truth.entry;
                let outcomes: Vec<_> = entry
                    .outcomes
                    .iter()
                    .map(|o| (o.channel, o.event, entry.due(o)))
                    .collect();
                (entry.reference, entry.fault, entry.provider, outcomes)
            })
            .collect();
        plans.sort_by(|a, b| a.0.cmp(&b.0));
        bench.stop.cancel();
        plans
    };
    let first = decided(5, true).await;
    assert_eq!(first.len(), 80);
    assert_eq!(first, decided(5, false).await);
    assert_ne!(first, decided(6, true).await);
}
