//! An inbox on Dovecot.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::FutureExt;
use futures::future::BoxFuture;
use landfall::model::{Repeat, Token};
use serde_json::{Value, json};

use super::super::dovecot::{Dovecot, PASSWORD};
use super::{Again, Nature, Outage, Peer, Second, Stage};

pub(super) struct Inbox {
    dovecot: Dovecot,
    number: u32,
    last: Vec<u8>,
}

/// A mail with CRLF at the end of each of its own lines, that bears the token at the place.
pub(super) fn mail(number: u32, place: &str, token: &Token, content: &[u8]) -> Vec<u8> {
    let (mut head, mut body) = (
        format!("Message-ID: <{number}@test>\r\nFrom: a@example.com\r\n"),
        Vec::new(),
    );
    let mut kind = "text/plain; charset=utf-8";
    match place {
        "recipient" => head += &format!("To: canary+{token}@landfall.test\r\n"),
        "subject" => head += &format!("To: ops@landfall.test\r\nSubject: order {token} paid\r\n"),
        "header" => head += &format!("To: ops@landfall.test\r\nX-Order: {token}\r\n"),
        "html" => {
            kind = "text/html";
            body = format!("<p>order <b>{token}</b></p>").into_bytes();
        }
        "base64" => {
            head += "Content-Transfer-Encoding: base64\r\n";
            body = STANDARD.encode(format!("Thanks for {token}.")).into_bytes();
        }
        _ => body = format!("Thanks for {token}.\r\n").into_bytes(),
    }
    if place != "base64" {
        body.extend_from_slice(content);
    }
    let head = format!("{head}MIME-Version: 1.0\r\nContent-Type: {kind}\r\n\r\n");
    [head.as_bytes(), &body].concat()
}

impl Inbox {
    pub(super) fn start() -> Self {
        Self {
            dovecot: Dovecot::start(),
            number: 0,
            last: Vec::new(),
        }
    }
}

impl Peer for Inbox {
    fn settings(&self) -> Value {
        json!({
            "host": "127.0.0.1", "port": self.dovecot.imap, "tls": "none", "user": "canary", "password": PASSWORD,
        })
    }

    fn nature(&self) -> Nature {
        Nature {
            places: &["recipient", "subject", "header", "text", "html", "base64"],
            again: &[(Again::Proven, Repeat::AfterAck)],
            second: Second::Another,
            outage: Outage::Covered,
            polled: true,
            limit: (|| json!({ "max_size": 262_144 }), "max_size"),
            over: 300_000,
            offers: &[],
        }
    }

    fn put<'a>(
        &'a mut self,
        offers: &'a Value,
        place: &'static str,
        token: &'a Token,
        content: &'a [u8],
    ) -> BoxFuture<'a, ()> {
        self.number += 1;
        self.last = mail(self.number, place, token, content);
        self.again(offers, Again::Proven)
    }

    fn again<'a>(&'a mut self, _: &'a Value, _: Again) -> BoxFuture<'a, ()> {
        self.dovecot.deliver_raw("canary@example.com", &self.last);
        async {}.boxed()
    }

    fn down<'a>(&'a mut self, _: &'a Stage) -> BoxFuture<'a, ()> {
        self.dovecot.stop();
        async {}.boxed()
    }

    fn up<'a>(&'a mut self, _: &'a Stage) -> BoxFuture<'a, ()> {
        self.dovecot.launch();
        async {}.boxed()
    }
}
