use serde_json::{Value, json};

use super::{DEPTH_LIMIT, HEADER_BYTES_LIMIT, TEXT_LIMIT, decode};

fn mail(text: &str) -> Vec<u8> {
    text.replace('\n', "\r\n").into_bytes()
}

#[test]
fn decodes_subject_addresses_and_body() {
    let raw = mail(
        "Message-ID: <a@b>\nFrom: =?utf-8?q?J=C3=BCrgen?= <j@example.com>\nTo: Canary <canary+abc@example.com>, x@example.com\n\
         Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\nX-Tag: one\nX-Tag: two\nDate: Sat, 21 Nov 2026 10:00:00 +0100\n\
         Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\nH=C3=A4lt=\n z\n",
    );
    let mail = decode(&raw);
    assert_eq!(mail.refused, None);
    assert_eq!(mail.message_id.as_deref(), Some("a@b"));
    assert_eq!(mail.keys, ["abc"]);
    assert_eq!(mail.seen["subject"], "Grüße");
    assert_eq!(mail.seen["from"], "j@example.com");
    assert_eq!(
        mail.seen["to"],
        json!(["canary+abc@example.com", "x@example.com"])
    );
    assert_eq!(mail.seen["headers"]["x-tag"], "one, two");
    assert_eq!(mail.seen["date"], "2026-11-21T10:00:00+01:00");
    assert_eq!(mail.seen["text"].as_str().unwrap().trim(), "Hält z");
    assert_eq!(mail.summary, "Grüße (from j@example.com)");
    assert!(!mail.automatic);
}

#[test]
fn derives_text_from_html_and_reads_json() {
    let html = decode(&mail(
        "Subject: s\nContent-Type: text/html\n\n<p>Your <b>order</b> tok&#101;n</p>\n",
    ));
    assert!(
        html.seen["text"].as_str().unwrap().contains("Your order token"),
        "{:?}",
        html.seen
    );
    assert!(html.seen["html"].as_str().unwrap().contains("<b>order</b>"));
    let json = decode(&mail(
        "Subject: s\nContent-Transfer-Encoding: base64\n\neyJhIjogMX0=\n",
    ));
    assert_eq!(json.seen["json"], json!({ "a": 1 }));
    assert!(!json.seen.contains_key("html"));
}

#[test]
fn reads_japanese_in_its_old_charset() {
    let mut raw = mail("Subject: s\nContent-Type: text/plain; charset=shift_jis\n\n");
    raw.extend_from_slice(&[0x93, 0xfa, 0x96, 0x7b]);
    assert_eq!(decode(&raw).seen["text"], "日本");
}

#[test]
fn lists_hops_oldest_first() {
    let raw = mail(
        "Received: from relay.example (relay.example [192.0.2.1]) by mx.example (Postfix) with ESMTP id 2;\n\
         \tSat, 21 Nov 2026 10:00:07 +0000\n\
         Received: from app.example by relay.example with ESMTPS id 1; Sat, 21 Nov 2026 10:00:05 +0000\n\
         Subject: s\n\nx\n",
    );
    let seen = decode(&raw).seen;
    assert_eq!(
        seen["received"],
        json!([
            { "from": "app.example", "by": "relay.example", "with": "ESMTPS", "at": "2026-11-21T10:00:05Z", "seconds": null },
            { "from": "relay.example", "by": "mx.example", "with": "ESMTP", "at": "2026-11-21T10:00:07Z", "seconds": 2 },
        ])
    );
}

#[test]
fn believes_the_last_server_alone_about_authentication() {
    let raw = mail(
        "Authentication-Results: mx.example (v1; \"x\") 1; spf=PASS smtp.mailfrom=a.example; dkim=fail (bad; key)\n header.d=a; dkim=pass header.d=b\n\
         Authentication-Results: forged.example; dmarc=pass\nSubject: s\n\nx\n",
    );
    let seen = decode(&raw).seen;
    assert_eq!(
        seen["auth"],
        json!({ "server": "mx.example", "spf": "pass", "dkim": "pass" })
    );
}

const BOUNCE: &str = "Return-Path: <>\nFrom: MAILER-DAEMON@mx.example\nTo: sender@example.com\nAuto-Submitted: auto-replied\n\
Subject: Undelivered\nMessage-ID: <dsn@mx>\nContent-Type: multipart/report; report-type=delivery-status; boundary=\"B\"\n\n\
--B\nContent-Type: text/plain\n\nIt failed.\n--B\nContent-Type: message/delivery-status\n\n\
Reporting-MTA: dns; mx.example\n\nFinal-Recipient: rfc822; canary+tok@example.com\nAction: Failed\nStatus: 5.1.1\n\
Diagnostic-Code: smtp; 550 no\n such user\n\n--B\nContent-Type: message/rfc822\n\n\
To: canary+tok@example.com\nSubject: quoted-canary\nContent-Transfer-Encoding: base64\n\naGlkZGVuLXRva2Vu\n--B--\n";

#[test]
fn a_bounce_is_automatic_and_says_why_and_whose() {
    let mail = decode(&mail(BOUNCE));
    assert!(mail.automatic);
    assert_eq!(mail.refused, None);
    assert_eq!(
        mail.seen["dsn"],
        json!({ "action": "failed", "status": "5.1.1", "recipient": "canary+tok@example.com", "diagnostic": "550 no such user" })
    );
    let quoted = mail.seen["attachments"].to_string();
    assert!(
        quoted.contains("quoted-canary") && quoted.contains("hidden-token"),
        "{quoted}"
    );
}

#[test]
fn automatic_answers_are_told_from_automatic_mail() {
    let automatic = |header: &str| decode(&mail(&format!("{header}\nSubject: s\n\nx\n"))).automatic;
    assert!(automatic("Auto-Submitted: auto-replied (vacation)"));
    assert!(automatic("Auto-Submitted: auto-notified; owner-email=\"a@b\""));
    assert!(automatic("Return-Path: <>\nAuto-Submitted: auto-generated"));
    assert!(automatic("Precedence: auto_reply"));
    assert!(automatic("X-Autoreply: yes"));
    assert!(!automatic("Auto-Submitted: auto-generated"));
    assert!(!automatic("Auto-Submitted: no"));
    assert!(!automatic("Precedence: bulk"));
}

#[test]
fn attachments_have_name_type_size_and_small_text() {
    let raw = mail(
        "Subject: s\nContent-Type: multipart/mixed; boundary=B\n\n--B\n\nbody\n--B\n\
         Content-Type: text/csv; name=a.csv\nContent-Disposition: attachment; filename=\"a.csv\"\n\n1,2\n--B\n\
         Content-Type: application/pdf\nContent-Disposition: attachment; filename=b.pdf\nContent-Transfer-Encoding: base64\n\nAAEC\n--B--\n",
    );
    let seen = decode(&raw).seen;
    assert_eq!(
        seen["attachments"],
        json!([
            { "name": "a.csv", "content_type": "text/csv", "size": 3, "text": "1,2" },
            { "name": "b.pdf", "content_type": "application/pdf", "size": 3 },
        ])
    );
    assert_eq!(seen["text"].as_str().unwrap().trim(), "body");
}

#[test]
fn ten_thousand_headers_are_cut_and_the_body_is_read() {
    let header: String = (0..10_000).map(|n| format!("X-{n}: value\n")).collect();
    let mail = decode(&mail(&format!("Subject: s\n{header}\nthe body\n")));
    assert_eq!(mail.seen["subject"], "s");
    assert_eq!(mail.seen["text"].as_str().unwrap().trim(), "the body");
    assert!(mail.refused.unwrap().contains("1000 fields"));
}

#[test]
fn one_huge_header_is_cut() {
    let long = "x".repeat(HEADER_BYTES_LIMIT);
    let mail = decode(&mail(&format!(
        "Subject: s\nX-Long: {long}\nX-After: y\n\nbody\n"
    )));
    assert_eq!(mail.seen["subject"], "s");
    assert_eq!(mail.seen["text"].as_str().unwrap().trim(), "body");
    assert!(mail.refused.unwrap().contains("65536 bytes"));
}

#[test]
fn a_long_text_is_cut_at_a_character() {
    let mail = decode(&mail(&format!("Subject: s\n\nx{}", "ü".repeat(TEXT_LIMIT))));
    assert_eq!(mail.seen["text"].as_str().unwrap().len(), TEXT_LIMIT - 1);
    assert!(mail.refused.unwrap().contains("the text over"));
}

#[test]
fn mime_bombs_are_refused_and_their_raw_text_is_kept() {
    let parts = format!(
        "Subject: s\nContent-Type: multipart/mixed; boundary=B\n\n{}",
        "--B\n\ntoken-in-raw\n".repeat(5_000)
    );
    let nested = format!(
        "Subject: s\nContent-Type: message/rfc822\n\n{}token-in-raw",
        "Content-Type: message/rfc822\n\n".repeat(50_000)
    );
    let encoded =
        "Subject: s\nContent-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\ntoken-in-raw\n";
    let indented = nested.replace("\n\nContent", "\n\n  Content");
    for raw in [parts.as_str(), &nested, &indented, encoded] {
        let mail = decode(&mail(raw));
        assert!(mail.refused.is_some());
        assert_eq!(mail.seen["subject"], "s");
    }
    assert!(
        decode(&mail(&parts)).seen["text"]
            .as_str()
            .unwrap()
            .contains("token-in-raw")
    );
}

#[test]
fn nesting_is_looked_into_down_to_the_limit() {
    let raw = format!(
        "Subject: s\nContent-Type: message/rfc822\n\n{}Subject: innermost\n\nx\n",
        "Content-Type: message/rfc822\n\n".repeat(DEPTH_LIMIT + 30)
    );
    let mail = decode(&mail(&raw));
    assert!(mail.refused.unwrap().contains("nested deeper than 20"));
}

#[test]
fn hostile_bytes_do_no_harm() {
    for raw in [
        &b""[..],
        b"\n",
        b"\0\0\0",
        b"\xff\xfe: \xff\r\n\r\n\xff",
        b"no header at all",
        b"Content-Type: multipart/mixed; boundary=\r\n\r\n--\r\n--\r\n",
        b"Content-Type: multipart/report; boundary=\"\"\r\n\r\n",
        b"Subject: =?utf-8?b?/////w==?=\r\nReceived: ;;;; \xf0\r\nDate: 99999999999\r\n\r\n",
    ] {
        let mail = decode(raw);
        assert!(mail.seen["text"].is_string(), "{raw:?}");
        assert!(mail.seen["headers"].is_object(), "{raw:?}");
        assert!(mail.seen.get("json").is_some_and(Value::is_null), "{raw:?}");
    }
}
