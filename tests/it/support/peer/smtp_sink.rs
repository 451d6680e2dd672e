//! Who mails to the sink.

use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use landfall::model::{Repeat, Token};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use super::{Again, Nature, Outage, Peer, Second, Stage};

#[derive(Default)]
pub(super) struct Sender {
    number: u32,
    last: Option<(String, Vec<u8>)>,
}

/// Says lines and reads the end of each reply; a sink that hangs up is no failure here.
struct Session(BufReader<TcpStream>);

impl Session {
    async fn open(offers: &Value) -> Self {
        let port = u16::try_from(offers["port"].as_u64().unwrap()).unwrap();
        let tcp = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let mut session = Self(BufReader::new(tcp));
        session.reply().await;
        session.say(b"EHLO test\r\n").await;
        session
    }

    async fn say(&mut self, bytes: &[u8]) -> String {
        drop(self.0.get_mut().write_all(bytes).await);
        self.reply().await
    }

    async fn reply(&mut self) -> String {
        loop {
            let mut line = String::new();
            let read = tokio::time::timeout(Duration::from_secs(20), self.0.read_line(&mut line));
            let count = read.await.expect("a reply within 20 s").unwrap_or(0);
            if count == 0 || line.as_bytes().get(3) != Some(&b'-') {
                return line;
            }
        }
    }

    async fn mail(&mut self, to: &str, mail: &[u8], proven: bool) {
        self.say(b"MAIL FROM:<sender@example.com>\r\n").await;
        self.say(format!("RCPT TO:<{to}>\r\n").as_bytes()).await;
        if self.say(b"DATA\r\n").await.starts_with("354") {
            self.say(&[mail, b"\r\n.\r\n"].concat()).await;
        }
        if proven {
            self.say(b"QUIT\r\n").await;
        }
    }
}

impl Peer for Sender {
    fn settings(&self) -> Value {
        json!({ "listen": "127.0.0.1:0", "addresses": ["ops@landfall.test"] })
    }

    fn nature(&self) -> Nature {
        Nature {
            places: &["recipient", "subject", "header", "text", "html", "base64"],
            again: &[
                (Again::Unproven, Repeat::Redelivery),
                (Again::Proven, Repeat::AfterAck),
            ],
            second: Second::Another,
            outage: Outage::Client,
            polled: false,
            limit: (|| json!({ "size_limit": 2000 }), "size_limit"),
            over: 4096,
            offers: &["port"],
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
        let to = match place {
            "recipient" => format!("canary+{token}@landfall.test"),
            _ => String::from("ops@landfall.test"),
        };
        let mail = super::imap::mail(self.number, place, token, content);
        self.last = Some((to.clone(), mail.clone()));
        async move {
            Session::open(offers).await.mail(&to, &mail, false).await;
        }
        .boxed()
    }

    fn again<'a>(&'a mut self, offers: &'a Value, how: Again) -> BoxFuture<'a, ()> {
        let (to, mail) = self.last.clone().unwrap();
        async move {
            let mut session = Session::open(offers).await;
            session.mail(&to, &mail, false).await;
            if how == Again::Proven {
                // In one session: the sender goes on after the 250, so it had it.
                session.mail(&to, &mail, true).await;
            }
        }
        .boxed()
    }

    /// A sender that breaks off in the middle of its mail.
    fn down<'a>(&'a mut self, stage: &'a Stage) -> BoxFuture<'a, ()> {
        async move {
            let (_, token) = stage.fresh();
            let mut session = Session::open(&stage.offers(&token)).await;
            session.say(b"MAIL FROM:<a@b>\r\n").await;
            session.say(b"RCPT TO:<ops@landfall.test>\r\n").await;
            session.say(b"DATA\r\n").await;
            drop(session.0.get_mut().write_all(b"Subject: half a ma").await);
        }
        .boxed()
    }

    fn up<'a>(&'a mut self, _: &'a Stage) -> BoxFuture<'a, ()> {
        async {}.boxed()
    }
}
