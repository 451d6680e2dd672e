//! Whatever comes: no panic, bounded memory, nothing delivered but what was framed as it should be.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use proptest::prelude::*;

use super::super::config::SmtpSinkConfig;
use super::super::lines::COMMAND_LINE;
use super::*;
use crate::model::TokenKey;

fn session(with_login: bool) -> Session {
    let config: SmtpSinkConfig = serde_json::from_value(serde_json::json!({
        "addresses": ["*@whole.test"], "size_limit": 2000, "recipients_limit": 3,
        "auth": { "user": "u", "password": "p", "without_tls": true }, "tls": "self_signed",
    }))
    .unwrap();
    let mut policy = Policy::new(&config, Some(String::from("p")), TokenKey::new([7; 32])).unwrap();
    if !with_login {
        policy.auth = None;
    }
    Session::new(Arc::new(policy), IpAddr::V4(Ipv4Addr::LOCALHOST))
}

/// Feeds bytes as the connection would; the mails that came out, and the codes that were said.
fn feed(with_login: bool, chunks: &[Vec<u8>]) -> (Vec<Letter>, Vec<u16>) {
    let (mut session, mut letters, mut codes) = (session(with_login), Vec::new(), Vec::new());
    for (at, chunk) in chunks.iter().enumerate() {
        let now = Moment(i64::try_from(at).unwrap());
        session.push(chunk);
        while let Some(action) = session.next(now) {
            match action {
                Action::Reply(reply) => codes.push(reply.code),
                Action::Close(reply) => {
                    codes.push(reply.code);
                    return (letters, codes);
                }
                Action::StartTls(_) => session.secured(String::from("TLS")),
                Action::Deliver(letter) => {
                    letters.push(*letter);
                    codes.push(session.recorded(&Ok(()), now).code);
                }
            }
        }
        assert!(session.buffer.len() < COMMAND_LINE, "the buffer grows");
    }
    (letters, codes)
}

const WORDS: [&str; 26] = [
    "EHLO x\r\n",
    "HELO x\r\n",
    "MAIL FROM:<a@b>\r\n",
    "MAIL FROM:<> SIZE=18446744073709551616\r\n",
    "RCPT TO:<x@whole.test>\r\n",
    "RCPT TO:<\"a@b\"@whole.test>\r\n",
    "DATA\r\n",
    ".\r\n",
    "..\r\n",
    "\n.\n",
    "\r.\r",
    "\r\n",
    "STARTTLS\r\n",
    "AUTH PLAIN\r\n",
    "AUTH PLAIN AHUAcA==\r\n",
    "*\r\n",
    "AUTH LOGIN\r\n",
    "dQ==\r\n",
    "RSET\r\n",
    "NOOP\r\n",
    "QUIT\r\n",
    "BDAT 99999999999999999999 LAST\r\n",
    "\0",
    "Subject: x\r\n\r\n",
    "\u{fc}\u{1b}[2J\r\n",
    "<<>>@@::  \r\n",
];

proptest! {
    #[test]
    fn words_in_any_order_never_break_it(with_login: bool, picks in prop::collection::vec(0_usize..26, 0..60)) {
        let chunks: Vec<Vec<u8>> = picks.iter().map(|p| WORDS[*p].as_bytes().to_vec()).collect();
        let (letters, codes) = feed(with_login, &chunks);
        for letter in letters {
            prop_assert!(!letter.to.is_empty() && letter.to.len() <= 3);
            prop_assert!(letter.raw.len() <= 2000);
            prop_assert!(!letter.raw.contains(&0));
        }
        prop_assert!(codes.iter().all(|c| (200..600).contains(c)));
    }

    #[test]
    fn bytes_of_any_kind_never_break_it(chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..8)) {
        let (letters, _) = feed(false, &chunks);
        prop_assert!(letters.is_empty());
    }

    /// However the bytes are cut, the same mail comes out.
    #[test]
    fn the_cuts_of_the_network_change_nothing(cuts in prop::collection::vec(1_usize..20, 1..80)) {
        let dialogue = ["EHLO x\r\n", "MAIL FROM:<a@b>\r\nRCPT TO:<c@whole.test>\r\n", "DATA\r\n"];
        let body = b"Subject: x\r\n\r\n..dot\r\n.\r\nMAIL FROM:<d@e>\r\n";
        let mut chunks: Vec<Vec<u8>> = dialogue.iter().map(|d| d.as_bytes().to_vec()).collect();
        let mut rest = &body[..];
        for cut in cuts.iter().cycle() {
            let (now, later) = rest.split_at((*cut).min(rest.len()));
            chunks.push(now.to_vec());
            rest = later;
            if rest.is_empty() {
                break;
            }
        }
        let (letters, codes) = feed(false, &chunks);
        prop_assert_eq!(letters.len(), 1);
        prop_assert_eq!(&letters[0].raw[..], b"Subject: x\r\n\r\n.dot\r\n");
        prop_assert_eq!(codes, [250, 250, 250, 354, 250, 250]);
    }
}
