//! What is sent, what is shown, and what is refused before anything leaves.

use landfall::model::Reason;
use serde_json::json;

use super::peer::{
    answer, fire, open_in, prepare, problems, response, scope, scripted, settings, until, with,
};
use crate::smtp_sink::client::{address, token};

#[tokio::test]
async fn a_mail_is_handed_over_and_its_reply_is_told() {
    let (at, heard) = scripted(until("QUIT", "221 bye")).await;
    let (answer, sent) = fire(prepare(settings(at)).unwrap()).await;
    let response = answer.outcome.unwrap();
    assert_eq!(
        (response.status, response.body.as_str()),
        (250, "2.0.0 Ok: queued as 4XyZ")
    );
    assert_eq!(response.headers["x-smtp-step"], "the final dot");
    assert_eq!(response.headers["x-smtp-enhanced"], "2.0.0");
    assert_eq!(answer.attributes["queue_id"], "4XyZ");
    assert_eq!(answer.attributes["server"], "mx.test");
    assert_eq!(answer.attributes["address"], at.to_string());
    assert_eq!(
        sent,
        Some(answer.sent_at),
        "sent is told as the first byte leaves"
    );
    let timings = answer.timings;
    assert!(timings.dns.is_some() && timings.connect.is_some());
    assert!(timings.first_byte.unwrap() <= timings.total.unwrap());

    let heard = heard.lock().unwrap().clone();
    assert_eq!(heard[0], "EHLO [127.0.0.1]");
    assert!(
        heard[1].starts_with("MAIL FROM:<canary@example.org> SIZE="),
        "{}",
        heard[1]
    );
    assert_eq!(heard[2], format!("RCPT TO:<{}>", address()));
    for line in [
        format!("Subject: Canary {}", token()),
        format!("Message-ID: <{}@example.org>", token()),
        String::from("X-Landfall-Run: 0190-run"),
        format!("token {}", token()),
    ] {
        assert!(heard.contains(&line), "{line:?} is missing in {heard:#?}");
    }
    assert!(
        !heard.iter().any(|l| l.starts_with("Auto-Submitted")),
        "a canary is no automatic answer"
    );
    assert_eq!(heard.last().unwrap(), "QUIT");
}

#[tokio::test]
async fn everyone_gets_it_once_and_bcc_is_not_told() {
    let (at, heard) = scripted(vec![
        ("", "220 mx"),
        ("EHLO", "502 no"),
        ("HELO", "250 mx"),
        ("MAIL", "250 ok"),
        ("RCPT", "250 ok"),
        ("RCPT", "251 ok"),
        ("RCPT", "250 ok"),
        ("DATA", "354 go"),
        (".", "250 ok"),
        ("QUIT", "221 bye"),
    ])
    .await;
    let more = json!({
        "to": ["a@x.test", "Bee <b@x.test>"], "cc": "A <a@x.test>", "bcc": ["c@x.test"], "envelope_from": "",
        "helo": "probe.test", "headers": { "X-Route": "r-{{ token }}", "Message-ID": "<own@x.test>" },
    });
    assert_eq!(response(with(at, more)).await.status, 250);
    let heard = heard.lock().unwrap().clone();
    assert_eq!(heard[..3], ["EHLO probe.test", "HELO probe.test", "MAIL FROM:<>"]);
    assert_eq!(
        heard[3..6],
        ["RCPT TO:<a@x.test>", "RCPT TO:<b@x.test>", "RCPT TO:<c@x.test>"]
    );
    assert!(heard.contains(&String::from("Message-ID: <own@x.test>")));
    assert!(heard.contains(&format!("X-Route: r-{}", token())));
    assert!(!heard.iter().any(|l| l.contains("Bcc") || l == "c@x.test"));
}

#[test]
fn what_would_break_out_of_a_header_is_refused() {
    let at = "127.0.0.1:1".parse().unwrap();
    for (name, value) in [
        ("subject", json!("{{ input.evil }}")),
        ("from", json!("{{ input.evil }}")),
        ("to", json!("{{ input.evil }}")),
        ("cc", json!(["a@x.test", "{{ input.evil }}"])),
        ("headers", json!({ "x-evil": "{{ input.evil }}" })),
        (
            "attachments",
            json!([{ "name": "{{ input.evil }}", "text": "x" }]),
        ),
        ("envelope_from", json!("{{ input.evil }}")),
        ("server", json!("{{ input.evil }}")),
    ] {
        let Err(fault) = prepare(with(at, json!({ name: value }))) else {
            panic!("{name} let a line break through")
        };
        assert_eq!(fault.reason, Reason::Input);
        assert!(
            fault.message.contains(name) && fault.message.contains("line break"),
            "{fault}"
        );
    }
    for (name, value, expected) in [
        ("to", json!("nobody"), "expected NAME@DOMAIN"),
        ("server", json!("mx:port"), "expected HOST:PORT"),
        (
            "attachments",
            json!([{ "name": "a", "base64": "%%%" }]),
            "expected base64",
        ),
        ("headers", json!({ "x-long": "x".repeat(2000) }), "at most 998"),
    ] {
        let Err(fault) = prepare(with(at, json!({ name: value }))) else {
            panic!("{name} was taken")
        };
        assert!(fault.message.contains(expected), "{fault}");
    }
}

#[test]
fn a_request_is_shown_whole_and_without_its_password() {
    let at = "127.0.0.1:2525".parse().unwrap();
    let more = json!({ "tls": { "mode": "starttls", "insecure": true }, "auth": { "user": "canary", "password": "s3cret" } });
    let shown = prepare(with(at, more)).unwrap().shown;
    assert_eq!(shown["server"], "127.0.0.1:2525");
    assert_eq!(
        (&shown["tls"], &shown["insecure"], &shown["user"]),
        (&json!("starttls"), &json!(true), &json!("canary"))
    );
    assert_eq!(shown["to"], json!([address()]));
    assert!(shown["mail"].as_str().unwrap().contains("Subject: Canary"));
    assert!(!shown.to_string().contains("s3cret"));
}

#[test]
fn the_same_run_makes_the_same_mail() {
    let at = "127.0.0.1:1".parse().unwrap();
    let rich = json!({ "html": "<p>x</p>", "attachments": [{ "name": "a.bin", "base64": "AAECAw==" }] });
    let strip = |shown: serde_json::Value| -> Vec<String> {
        let mail = shown["mail"].as_str().unwrap().to_owned();
        mail.lines()
            .filter(|l| !l.starts_with("Date:"))
            .map(str::to_owned)
            .collect()
    };
    let mails: Vec<_> = (0..2)
        .map(|_| strip(prepare(with(at, rich.clone())).unwrap().shown))
        .collect();
    assert_eq!(mails[0], mails[1]);
}

#[test]
fn files_are_read_at_the_beginning() {
    let at = "127.0.0.1:1".parse().unwrap();
    let root = tempfile::tempdir().unwrap();
    std::fs::write(root.path().join("note.txt"), "from a file").unwrap();
    let attach = |file: &str| {
        with(
            at,
            json!({ "attachments": [{ "name": "n", "content_type": "text/csv", "file": file }] }),
        )
    };
    let trigger = open_in(root.path(), attach("note.txt")).unwrap();
    let shown = trigger.prepare(&scope()).unwrap().shown;
    let mail = shown["mail"].as_str().unwrap();
    assert!(
        mail.contains("Content-Type: text/csv") && mail.contains("ZnJvbSBhIGZpbGU="),
        "{mail}"
    );
    let Err(fault) = open_in(root.path(), attach("missing.txt")) else {
        panic!("read a missing file")
    };
    assert!(fault.message.contains("missing.txt"), "{fault}");
    let Err(fault) = open_in(
        root.path(),
        with(at, json!({ "tls": { "mode": "starttls", "ca": "note.txt" } })),
    ) else {
        panic!("took a text for a certificate")
    };
    assert!(fault.message.contains("holds no certificate"), "{fault}");
}

#[test]
fn what_cannot_be_honoured_is_told_at_load() {
    let at = "127.0.0.1:1".parse().unwrap();
    for (more, expected) in [
        (
            json!({ "server": "{{ input.host }}:25" }),
            "`{{ input.host }}` may not choose the server",
        ),
        (json!({ "server": " " }), "`server` is empty"),
        (json!({ "to": [] }), "`to` is empty"),
        (json!({ "text": null }), "the mail has no content"),
        (
            json!({ "headers": { "Subject": "x" } }),
            "`Subject` is not set under `headers`",
        ),
        (
            json!({ "headers": { "Content-Type": "x" } }),
            "`Content-Type` is not set",
        ),
        (json!({ "headers": { "a b": "x" } }), "`a b` is no header name"),
        (
            json!({ "attachments": [{ "name": "a" }] }),
            "needs exactly one content",
        ),
        (
            json!({ "attachments": [{ "name": "a", "text": "x", "content_type": "pdf" }] }),
            "`pdf` is no content type",
        ),
        (
            json!({ "auth": { "user": "u", "password": "p" } }),
            "would send the password in the clear",
        ),
        (
            json!({ "timeout": "0s" }),
            "`timeout` of the smtp trigger is zero",
        ),
        (
            json!({ "tls": { "mode": "starttls", "insecure": true, "ca": "x" } }),
            "`tls.insecure` trusts anybody",
        ),
        (json!({ "helo": "a b" }), "`a b` is no name for EHLO"),
    ] {
        let found = problems(with(at, more.clone()));
        assert!(found.iter().any(|m| m.contains(expected)), "{more}: {found:?}");
    }
    assert_eq!(problems(settings(at)), Vec::<String>::new());
    for fine in [
        "{{ vars.host }}:25",
        "{{ route.host }}",
        "{{ channels.inbox.host }}:{{ channels.inbox.port }}",
    ] {
        assert_eq!(
            problems(with(at, json!({ "server": fine }))),
            Vec::<String>::new(),
            "{fine}"
        );
    }
}

/// A library's own choice sends NUL bytes as they are; found by the sink, which refuses them.
#[test]
fn control_characters_travel_encoded() {
    let at = "127.0.0.1:1".parse().unwrap();
    let odd = json!({ "text": "a\u{0}b", "attachments": [{ "name": "blob", "base64": "AAECAw==" }] });
    let shown = prepare(with(at, odd)).unwrap().shown;
    let mail = shown["mail"].as_str().unwrap();
    assert!(
        !mail.contains('\0') && mail.contains("AAECAw==") && mail.contains("YQBi"),
        "{mail}"
    );
}

#[tokio::test]
async fn dots_and_letters_of_all_kinds_arrive_as_they_were() {
    let (at, heard) = scripted(until("QUIT", "221 bye")).await;
    let text = json!({ "subject": "Grüße {{ token }}", "text": ".\n..two\nplain\n" });
    assert_eq!(answer(with(at, text)).await.outcome.unwrap().status, 250);
    let heard = heard.lock().unwrap().clone();
    let body: Vec<&str> = heard
        .iter()
        .skip_while(|l| !l.is_empty())
        .skip(1)
        .map(String::as_str)
        .collect();
    assert_eq!(body[..3], ["..", "...two", "plain"], "{heard:#?}");
    assert!(
        heard.iter().any(|l| l.starts_with("Subject: =?utf-8?")),
        "{heard:#?}"
    );
}
