//! What refuses, breaks or never answers, and whether the mail may have been taken all the same.

use std::path::Path;

use landfall::model::Reason;
use serde_json::json;
use tokio::net::TcpListener;

use super::peer::{
    CLOSE, HANG, answer, failure, fire, open_in, response, scope, scripted, settings, until, with,
};

/// A step that is refused decides; its code is the status.
#[tokio::test]
async fn each_step_can_be_refused() {
    for (step, reply, status) in [
        ("", "554 5.3.2 go away", 554),
        ("EHLO", "550 5.7.1 not you", 550),
        ("MAIL", "451 4.7.1 greylisted", 451),
        ("RCPT", "550 5.1.1 nobody", 550),
        ("DATA", "554 5.5.1 no", 554),
        (".", "550 5.7.1 spam", 550),
    ] {
        let (at, _) = scripted(until(step, reply)).await;
        let response = response(settings(at)).await;
        assert_eq!(response.status, status, "{step}");
        assert_eq!(response.headers["x-smtp-reply"], reply);
        assert_eq!(response.headers["x-smtp-enhanced"], &reply[4..9]);
        let trigger = open_in(Path::new("."), settings(at)).unwrap();
        assert!(!trigger.accepts(&response), "{step}");
    }
}

/// Only what breaks behind the final dot is in doubt.
#[tokio::test]
async fn only_behind_the_final_dot_is_there_doubt() {
    for (step, in_doubt) in [
        ("", false),
        ("EHLO", false),
        ("MAIL", false),
        ("RCPT", false),
        ("DATA", false),
        (".", true),
    ] {
        let (at, _) = scripted(until(step, CLOSE)).await;
        let failed = failure(settings(at)).await;
        assert_eq!(
            (failed.fault.reason, failed.in_doubt),
            (Reason::Reset, in_doubt),
            "{step}: {}",
            failed.fault
        );
        assert!(failed.fault.message.contains(&at.to_string()), "{}", failed.fault);

        let (at, _) = scripted(until(step, HANG)).await;
        let failed = failure(with(at, json!({ "timeout": "200ms" }))).await;
        assert_eq!(
            (failed.fault.reason, failed.in_doubt),
            (Reason::Timeout, in_doubt),
            "{step}: {}",
            failed.fault
        );
        assert!(failed.fault.message.contains("200ms"), "{}", failed.fault);
    }
}

#[tokio::test]
async fn what_is_no_smtp_is_said_to_be_none() {
    for (step, reply) in [
        ("", "HTTP/1.1 400 Bad Request"),
        ("EHLO", "354 what"),
        ("MAIL", "250_x"),
        ("DATA", "250 no"),
    ] {
        let (at, _) = scripted(until(step, reply)).await;
        let failed = failure(settings(at)).await;
        assert_eq!(
            (failed.fault.reason, failed.in_doubt),
            (Reason::Protocol, false),
            "{step}: {}",
            failed.fault
        );
    }
    let endless = Box::leak(format!("220-{}", "x".repeat(70_000)).into_boxed_str());
    let (at, _) = scripted(vec![("", endless)]).await;
    let failed = failure(settings(at)).await;
    assert!(
        failed.fault.message.contains("a reply over 65536 bytes"),
        "{}",
        failed.fault
    );
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unreachable_or_unknown() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = closed.local_addr().unwrap();
    drop(closed);
    let prepared = open_in(Path::new("."), settings(at))
        .unwrap()
        .prepare(&scope())
        .unwrap();
    let (answer, sent) = fire(prepared).await;
    assert_eq!(sent, None, "nothing was sent");
    let failed = answer.outcome.unwrap_err();
    assert_eq!(
        (failed.fault.reason, failed.in_doubt),
        (Reason::Unreachable, false)
    );
    assert!(failed.fault.message.contains(&at.to_string()), "{}", failed.fault);

    let failed = failure(with(at, json!({ "server": "no-such-host.invalid:25" }))).await;
    assert_eq!(
        (failed.fault.reason, failed.in_doubt),
        (Reason::Dns, false),
        "{}",
        failed.fault
    );
}

#[tokio::test]
async fn tls_is_never_left_out_in_silence() {
    let (at, heard) = scripted(until("QUIT", "221 bye")).await;
    let failed = failure(with(
        at,
        json!({ "tls": { "mode": "starttls", "insecure": true } }),
    ))
    .await;
    assert_eq!(failed.fault.reason, Reason::Tls);
    assert!(
        failed.fault.message.contains("does not offer STARTTLS"),
        "{}",
        failed.fault
    );
    assert!(!heard.lock().unwrap().iter().any(|l| l.starts_with("MAIL")));

    let (at, _) = scripted(until("QUIT", "221 bye")).await;
    let taken = answer(with(
        at,
        json!({ "tls": { "mode": "opportunistic", "insecure": true } }),
    ))
    .await;
    assert_eq!(
        taken.attributes["tls"], "none",
        "an open connection is told as one"
    );
    assert_eq!(taken.outcome.unwrap().status, 250);

    // An answer that was put in before the handshake is not taken for one of after it.
    let injected = "220 go ahead\r\n250 you are welcome";
    let (at, _) = scripted(vec![
        ("", "220 mx"),
        ("EHLO", "250-mx\r\n250 STARTTLS"),
        ("STARTTLS", injected),
    ])
    .await;
    let failed = failure(with(
        at,
        json!({ "tls": { "mode": "starttls", "insecure": true } }),
    ))
    .await;
    assert_eq!(failed.fault.reason, Reason::Protocol, "{}", failed.fault);
}

#[tokio::test]
async fn a_login_that_fails_is_told_without_its_password() {
    let auth = json!({ "auth": { "user": "canary", "password": "s3cret", "without_tls": true } });
    let (at, _) = scripted(vec![
        ("", "220 mx"),
        ("EHLO", "250-mx\r\n250 AUTH PLAIN"),
        ("AUTH PLAIN", "535 5.7.8 wrong"),
    ])
    .await;
    let failed = failure(with(at, auth.clone())).await;
    assert_eq!((failed.fault.reason, failed.in_doubt), (Reason::Auth, false));
    assert!(failed.fault.message.contains("canary") && failed.fault.message.contains("535 5.7.8 wrong"));
    assert!(!failed.fault.message.contains("s3cret"));

    let (at, _) = scripted(vec![("", "220 mx"), ("EHLO", "250-mx\r\n250 AUTH CRAM-MD5")]).await;
    assert!(
        failure(with(at, auth))
            .await
            .fault
            .message
            .contains("neither PLAIN nor LOGIN")
    );

    // Over an open connection the password stays here, whatever the server offers.
    let (at, heard) = scripted(vec![("", "220 mx"), ("EHLO", "250-mx\r\n250 AUTH PLAIN")]).await;
    let guarded = json!({ "tls": { "mode": "opportunistic", "insecure": true }, "auth": { "user": "u", "password": "p" } });
    assert_eq!(failure(with(at, guarded)).await.fault.reason, Reason::Auth);
    assert!(!heard.lock().unwrap().iter().any(|l| l.starts_with("AUTH")));
}

#[tokio::test]
async fn a_server_that_cannot_take_the_address_is_not_asked_to() {
    let (at, heard) = scripted(until("QUIT", "221 bye")).await;
    let failed = failure(with(at, json!({ "to": "grüße@example.org" }))).await;
    assert!(failed.fault.message.contains("SMTPUTF8"), "{}", failed.fault);
    assert!(!failed.in_doubt);
    assert!(!heard.lock().unwrap().iter().any(|l| l.starts_with("MAIL")));
}
