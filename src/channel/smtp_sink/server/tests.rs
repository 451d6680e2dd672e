//! A system without descriptors, and a session that breaks: neither ends the sink.

use std::sync::Mutex;

use futures::future::BoxFuture;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::super::config::SmtpSinkConfig;
use super::super::policy::Policy;
use super::super::recorder::Recorder;
use super::*;
use crate::channel::ObservationSink;
use crate::clock::SystemClock;
use crate::model::{Moment, ObservationId, Sighting, Token, TokenKey};

/// Fails as a system does that has no more descriptors, then accepts.
struct Starved {
    failures: u32,
    listener: TcpListener,
}

impl Accept for Starved {
    async fn accept(&mut self) -> std::io::Result<(TcpStream, SocketAddr)> {
        if self.failures > 0 {
            self.failures -= 1;
            return Err(std::io::Error::from_raw_os_error(24));
        }
        TcpListener::accept(&self.listener).await
    }
}

/// Breaks on the first mail.
#[derive(Default)]
struct Breaks {
    mails: Mutex<u32>,
    said: Mutex<Vec<String>>,
}

impl ObservationSink for Breaks {
    fn send(&self, _: Sighting) -> BoxFuture<'_, Result<ObservationId, Fault>> {
        Box::pin(async move {
            let count = {
                let mut mails = self.mails.lock().unwrap();
                *mails += 1;
                *mails
            };
            assert!(count > 1, "injected");
            Ok(ObservationId(u64::from(count)))
        })
    }
    fn down(&self, _: Moment, fault: Fault) {
        self.said.lock().unwrap().push(format!("down: {fault}"));
    }
    fn up(&self, closed: bool) {
        self.said.lock().unwrap().push(format!("up: {closed}"));
    }
    fn dropped(&self, what: &str, _: &[Token]) {
        self.said.lock().unwrap().push(format!("dropped: {what}"));
    }
    fn refused(&self, what: &str) {
        self.said.lock().unwrap().push(format!("refused: {what}"));
    }
}

/// Mails in one breath and without reading between; what was said until the sink hung up.
async fn mail(at: SocketAddr) -> String {
    let mut tcp = TcpStream::connect(at).await.unwrap();
    for step in [
        "HELO x\r\n",
        "MAIL FROM:<a@b>\r\n",
        "RCPT TO:<a@whole.test>\r\n",
        "DATA\r\n",
    ] {
        let mut chunk = [0; 512];
        assert!(tcp.read(&mut chunk).await.unwrap() > 0);
        tcp.write_all(step.as_bytes()).await.unwrap();
    }
    tcp.write_all(b"Subject: x\r\n\r\nx\r\n.\r\nQUIT\r\n")
        .await
        .unwrap();
    let mut rest = String::new();
    let _reset = tcp.read_to_string(&mut rest).await.is_err();
    rest
}

/// reliability.md S9 and S39.
#[tokio::test]
async fn neither_starvation_nor_a_broken_session_ends_the_sink() {
    let config: SmtpSinkConfig =
        serde_json::from_value(serde_json::json!({ "addresses": ["*@whole.test"] })).unwrap();
    let sink = Arc::new(Breaks::default());
    let shared = Arc::new(Shared {
        policy: Arc::new(Policy::new(&config, None, TokenKey::new([7; 32])).unwrap()),
        recorder: Recorder::new(Arc::clone(&sink) as Arc<dyn ObservationSink>),
        sink: Arc::clone(&sink) as Arc<dyn ObservationSink>,
        clock: Arc::new(SystemClock::start()),
        identity: None,
        idle: Duration::from_secs(10),
        session: Duration::from_secs(10),
        greeting_delay: Duration::ZERO,
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let (admission, stop) = (Arc::new(Admission::default()), CancellationToken::new());
    let starved = Starved {
        failures: 2,
        listener,
    };
    let driver = tokio::spawn(run(starved, shared, Arc::clone(&admission), stop.clone()));

    assert!(
        !mail(at).await.contains("250 2.0.0"),
        "a mail was acknowledged by a session that broke"
    );
    assert!(
        mail(at).await.contains("250 2.0.0 recorded"),
        "the sink serves no more"
    );
    stop.cancel();
    driver.await.unwrap();
    assert_eq!(admission.open(), 0);
    let said = sink.said.lock().unwrap().clone();
    assert!(
        said[0].starts_with("down: smtp_sink cannot accept connections"),
        "{said:?}"
    );
    assert_eq!(
        said[1..],
        ["up: false", "dropped: a session that broke (a bug of landfall's)"],
        "told once each"
    );
}
