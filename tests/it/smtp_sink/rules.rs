//! The rules of the dialogue, one row each, and what ends a mail.

use serde_json::json;

use super::client::{Peer, address, mail, token_of};
use landfall::model::{Identity, TokenFormat, TokenKey};

/// Each row is a dialogue: what is said, and how the answer begins.
#[tokio::test]
async fn each_rule_of_the_dialogue_has_its_answer() {
    let ours = address();
    let made_up = TokenKey::new([9; 32]).issue(TokenFormat::Text, [1; 32]);
    let rcpt = |address: &str| format!("RCPT TO:<{address}>");
    let (made_up, foreign) = (
        rcpt(&format!("canary+{made_up}@landfall.test")),
        rcpt("someone@example.org"),
    );
    let (ok, fixed) = (rcpt(&ours), rcpt("OPS@landfall.test"));
    let quoted = rcpt(&format!("\"{}@example.org\"@landfall.test", token_of(1)));
    let routed = rcpt(&format!("@landfall.test:{}@example.org", token_of(1)));
    let percent = rcpt("someone%example.org@landfall.test");
    let mail_from = "MAIL FROM:<a@example.org>";
    let rows: &[&[(&str, &str)]] = &[
        &[
            ("NOOP", "250"),
            ("noop", "250"),
            ("HELP", "214"),
            ("RSET", "250"),
            ("QUIT", "221"),
            ("NOOP", ""),
        ],
        &[(mail_from, "503 5.5.1 begin with EHLO")],
        &[
            ("EHLO", "501"),
            ("HELO x", "250 landfall.test"),
            (mail_from, "250"),
        ],
        &[
            ("EHLO x", "250-"),
            (&ok, "503"),
            ("DATA", "503"),
            ("RCPT TO:x", "50"),
            ("MAIL FROM:x", "501"),
        ],
        &[
            ("EHLO x", "250-"),
            ("VRFY root", "502"),
            ("EXPN all", "502"),
            ("STARTTLS", "502"),
            ("AUTH PLAIN AAAA", "502"),
        ],
        &[
            ("EHLO x", "250-"),
            ("BDAT 5 LAST", "502"),
            ("ETRN x", "502"),
            ("LHLO x", "502"),
            ("XYZZY", "500"),
            ("", "500"),
        ],
        &[
            ("EHLO x", "250-"),
            (mail_from, "250"),
            (mail_from, "503"),
            ("DATA", "554"),
            ("RSET", "250"),
            (mail_from, "250"),
        ],
        &[
            ("EHLO x", "250-"),
            ("MAIL FROM:<>", "250"),
            (&ok, "250"),
            ("DATA", "354"),
        ],
        &[
            ("EHLO x", "250-"),
            (mail_from, "250"),
            (&foreign, "550 5.7.1 relay denied"),
            ("DATA", "554"),
        ],
        &[
            ("EHLO x", "250-"),
            (mail_from, "250"),
            (&made_up, "550 5.1.1"),
            ("RCPT TO:<>", "550"),
            ("RCPT TO:<postmaster>", "550"),
        ],
        &[
            ("EHLO x", "250-"),
            (mail_from, "250"),
            (&fixed, "250"),
            ("RCPT TO:<any@whole.test>", "250"),
            (&quoted, "250"),
        ],
        &[
            ("EHLO x", "250-"),
            (mail_from, "250"),
            (&routed, "550 5.7.1"),
            (&percent, "550 5.1.1"),
        ],
        &[
            ("EHLO x", "250-"),
            ("MAIL FROM:<a@b> BODY=8BITMIME SIZE=100 SMTPUTF8", "250"),
            ("RCPT TO:<ü@whole.test>", "250"),
        ],
        &[
            ("EHLO x", "250-"),
            ("MAIL FROM:<ü@b>", "553 5.6.7"),
            (mail_from, "250"),
            ("RCPT TO:<ü@whole.test>", "553"),
        ],
        &[
            ("EHLO x", "250-"),
            ("MAIL FROM:<a@b> BODY=BINARYMIME", "555"),
            ("MAIL FROM:<a@b> RET=FULL", "555"),
            ("MAIL FROM:<a@b> FOO=1", "5"),
        ],
        &[
            ("EHLO x", "250-"),
            (mail_from, "250"),
            (&format!("{ok} NOTIFY=NEVER"), "555"),
        ],
        &[
            ("EHLO x", "250-"),
            ("MAIL FROM:<a@b> SIZE=99999999999999999999999", "250"),
            (&ok, "552 5.3.4"),
        ],
        &[
            ("EHLO x\u{7}", "500"),
            ("NOOP \u{1b}[2J", "500"),
            ("EHLO y", "250-"),
        ],
    ];
    let peer = Peer::start(json!({ "addresses": ["ops@landfall.test", "*@whole.test"] })).await;
    for row in rows {
        let mut client = peer.client().await;
        for (line, expected) in *row {
            let reply = client.say(line).await;
            assert!(reply.starts_with(expected), "{line:?} in {row:?}: got {reply:?}");
        }
    }
    peer.refused("relay denied").await;
    peer.refused("unknown address").await;
    assert!(peer.sightings().is_empty());
}

#[tokio::test]
async fn every_extension_is_announced_and_no_other() {
    let peer = Peer::start(json!({ "tls": "self_signed", "size_limit": 5000 })).await;
    let reply = peer.client().await.say("EHLO x").await;
    assert_eq!(
        reply,
        "250-landfall.test greets you|250-PIPELINING|250-SIZE 5000|250-8BITMIME|250-SMTPUTF8|\
         250-ENHANCEDSTATUSCODES|250 STARTTLS"
    );
}

/// reliability.md S12: what some servers take for the end of a mail, and what is smuggled behind it.
#[tokio::test]
async fn nothing_but_crlf_dot_crlf_ends_a_mail() {
    let peer = Peer::start(json!({})).await;
    let smuggled = format!(
        "MAIL FROM:<evil@example.org>\r\nRCPT TO:<{}>\r\nDATA\r\nsmuggled",
        address()
    );
    for end in [
        "\n.\n",
        "\n.\r\n",
        "\r\n.\n",
        "\r.\r",
        "\r.\r\n",
        "\r\n.\r",
        "\r\n.\r\r\n",
        "\n\n.\r\n",
        "\r\n\r.\r\n",
        "\r\n\0.\r\n",
    ] {
        let mut client = peer.client().await;
        client.open_mail(&[&address()]).await;
        client
            .raw(format!("Subject: x\r\n\r\nfirst{end}{smuggled}\r\n.\r\n").as_bytes())
            .await;
        let reply = client.reply().await;
        assert!(reply.starts_with('5'), "{end:?}: {reply:?}");
        if end != "\r\n\0.\r\n" {
            assert!(client.is_over().await, "{end:?} leaves the session open");
        }
    }
    peer.refused("bare LF").await;
    peer.refused("bare CR").await;
    assert!(peer.sightings().is_empty(), "a refused mail was recorded");
}

#[tokio::test]
async fn dots_are_unstuffed_and_every_byte_but_that_is_kept() {
    let peer = Peer::start(json!({})).await;
    let mut client = peer.client().await;
    let reply = client
        .mail(&address(), "Subject: dots\r\n\r\n..one\r\n...two\r\n..")
        .await;
    assert!(reply.starts_with("250"), "{reply}");
    let text = peer.sightings()[0].seen["text"]
        .as_str()
        .unwrap()
        .replace("\r\n", "\n");
    assert_eq!(text.trim_end(), ".one\n..two\n.");
}

#[tokio::test]
async fn a_bare_line_feed_in_a_command_ends_the_session() {
    for bytes in [&b"EHLO x\nMAIL FROM:<a@b>\n"[..], b"EH\rLO x\r\n", b"NO\0OP\r\n"] {
        let peer = Peer::start(json!({})).await;
        let mut client = peer.client().await;
        client.raw(bytes).await;
        assert!(client.reply().await.starts_with("521 5.5.2"), "{bytes:?}");
        assert!(client.is_over().await);
    }
}

/// RFC 2920: a group of commands is answered in order, one reply each.
#[tokio::test]
async fn a_pipelined_group_is_answered_in_order() {
    let peer = Peer::start(json!({})).await;
    let mut client = peer.client().await;
    assert!(client.say("EHLO x").await.starts_with("250"));
    let group = format!(
        "MAIL FROM:<a@b>\r\nRCPT TO:<no@landfall.test>\r\nRCPT TO:<{}>\r\nDATA\r\n",
        address()
    );
    client.raw(group.as_bytes()).await;
    for expected in ["250 2.1.0", "550", "250 2.1.5", "354"] {
        assert!(client.reply().await.starts_with(expected), "{expected}");
    }
    client
        .raw(format!("{}\r\n.\r\nRSET\r\nNOOP\r\nQUIT\r\n", mail("p")).as_bytes())
        .await;
    for expected in [
        "250 2.0.0 recorded",
        "250 2.0.0 forgotten",
        "250 2.0.0 here",
        "221",
    ] {
        assert_eq!(&client.reply().await[..expected.len()], expected);
    }
    assert_eq!(peer.sightings().len(), 1);
}

#[tokio::test]
async fn who_talks_too_early_is_turned_away() {
    let peer = Peer::start(json!({ "greeting_delay": "2s" })).await;
    let mut client = peer.silent_client().await;
    client.raw(b"EHLO x\r\n").await;
    assert!(client.reply().await.starts_with("554 5.5.0 you spoke before"));
    assert!(client.is_over().await);
    peer.refused("talk before the greeting").await;

    let peer = Peer::start(json!({})).await;
    for group in ["EHLO x\r\nMAIL FROM:<a@b>\r\n", "HELO x\r\nNOOP\r\n"] {
        let mut client = peer.client().await;
        client.raw(group.as_bytes()).await;
        assert!(
            client.reply().await.starts_with("554 5.5.0 improper pipelining"),
            "{group:?}"
        );
        assert!(client.is_over().await);
    }
    peer.refused("talk behind EHLO").await;
}

#[tokio::test]
async fn mail_is_taken_in_utf8_and_in_8_bits() {
    let peer = Peer::start(json!({ "addresses": ["*@whole.test"] })).await;
    let mut client = peer.client().await;
    assert!(client.say("EHLO x").await.starts_with("250"));
    assert!(
        client
            .say("MAIL FROM:<ü@example.org> SMTPUTF8 BODY=8BITMIME")
            .await
            .starts_with("250")
    );
    assert!(client.say("RCPT TO:<grüße@whole.test>").await.starts_with("250"));
    assert!(client.say("DATA").await.starts_with("354"));
    client
        .raw(b"Subject: bytes\r\nMessage-ID: <8@bit>\r\n\r\n\xff\xfe caf\xe9\r\n.\r\n")
        .await;
    assert!(client.reply().await.starts_with("250"));
    let seen = &peer.sightings()[0];
    assert_eq!(seen.identity, Identity::Event(String::from("8@bit")));
    assert_eq!(seen.seen["envelope"]["to"], json!(["grüße@whole.test"]));
}
