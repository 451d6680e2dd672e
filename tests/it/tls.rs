//! Whom each kind trusts that connects by TLS: the same settings, the same words, against real servers.

use std::path::Path;

use landfall::model::{Fault, Reason};
use serde_json::{Value, json};

use crate::support::certificates::{Authority, Signed, put};

/// Settings, and how the refusal begins; none: the certificate is taken.
type Case = (Value, Option<&'static str>);

/// The certificates that servers show, and a folder with the authorities that a workspace can name.
struct Shown {
    authority: Authority,
    good: Signed,
    expired: Signed,
    early: Signed,
    elsewhere: Signed,
    root: tempfile::TempDir,
}

impl Shown {
    fn new() -> Self {
        let authority = Authority::new("landfall tests");
        let root = tempfile::tempdir().unwrap();
        put(root.path(), "ca.pem", &authority.pem);
        put(root.path(), "others.pem", &Authority::new("others").pem);
        Self {
            good: authority.sign(&["127.0.0.1"], 2999),
            expired: authority.sign(&["127.0.0.1"], 2001),
            early: authority.sign_between(&["127.0.0.1"], 2998, 2999),
            elsewhere: authority.sign(&["other.example"], 2999),
            authority,
            root,
        }
    }

    /// Each certificate with the settings to try on it.
    fn cases(&self) -> [(&Signed, Vec<Case>); 4] {
        let (ca, anybody) = (json!({ "ca": "ca.pem" }), json!({ "insecure": true }));
        let unknown =
            Some("the certificate is self-signed or of an unknown issuer; name the issuer's under `tls.ca`");
        let good = vec![
            (ca.clone(), None),
            (anybody.clone(), None),
            (json!({}), unknown),
            (json!({ "ca": "others.pem" }), unknown),
        ];
        let refused = |why| vec![(ca.clone(), Some(why)), (anybody.clone(), None)];
        [
            (&self.good, good),
            (&self.expired, refused("the certificate has expired")),
            (&self.early, refused("the certificate is not valid yet")),
            (&self.elsewhere, refused("the certificate is for another host")),
        ]
    }
}

fn judged(kind: &str, tls: &Value, got: Result<(), Fault>, wanted: Option<&str>) {
    match (got, wanted) {
        (Ok(()), None) => {}
        (Err(fault), Some(why)) => {
            assert_eq!(fault.reason, Reason::Tls, "{kind}, {tls}: {fault}");
            assert!(fault.message.contains(why), "{kind}, {tls}: {fault}");
        }
        (got, wanted) => panic!("{kind}, {tls}: {got:?}, and expected {wanted:?}"),
    }
}

mod http {
    use super::*;
    use crate::support::channel::eventually;
    use crate::support::https::Server;
    use crate::support::polled::{Rig, watch};
    use crate::triggers::http::fire_in;

    async fn fired(server: &Server, root: &Path, tls: &Value) -> Result<(), Fault> {
        let answer = fire_in(root, json!({ "url": server.url("/"), "tls": tls })).await;
        answer.outcome.map(drop).map_err(|failed| failed.fault)
    }

    async fn asked(server: &Server, root: &Path, tls: &Value) -> Result<(), Fault> {
        let url = server.url("/{{ token }}");
        let rig = Rig::open(json!({ "http": { "url": url, "tls": tls } }), root).await;
        let armed = rig.channel.arm(watch(1, &[])).await;
        rig.end().await;
        armed
    }

    #[tokio::test]
    async fn the_trigger_and_the_channel_trust_as_they_are_told() {
        let shown = Shown::new();
        let root = shown.root.path();
        for (signed, cases) in shown.cases() {
            let server = Server::with(&shown.authority, signed, rustls::ALL_VERSIONS, None).await;
            for (tls, wanted) in cases {
                judged("http trigger", &tls, fired(&server, root, &tls).await, wanted);
                judged("http channel", &tls, asked(&server, root, &tls).await, wanted);
            }
        }
    }

    #[tokio::test]
    async fn a_certificate_that_runs_out_blinds_and_what_came_meanwhile_is_found() {
        let shown = Shown::new();
        let server = Server::with(&shown.authority, &shown.good, rustls::ALL_VERSIONS, None).await;
        let (url, tls) = (server.url("/{{ token }}"), json!({ "ca": "ca.pem" }));
        let config = json!({ "url": url, "tls": tls, "poll": "20ms", "found": "seen.status == 200" });
        let rig = Rig::open(json!({ "http": config }), shown.root.path()).await;
        server.answers(503);
        let token = rig.arm().await;
        assert!(rig.of(&token).is_empty(), "a 503 is the target's own not yet");

        server.shows(&shown.expired);
        let fault = eventually("blindness", || rig.sink.downs.lock().unwrap().first().cloned()).await;
        assert_eq!(fault.reason, Reason::Tls, "{fault}");
        assert!(fault.message.contains("the certificate has expired"), "{fault}");
        assert!(rig.look().await.is_err());
        server.answers(200);
        assert!(rig.of(&token).is_empty());

        server.shows(&shown.good);
        let seen = eventually("the answer", || rig.of(&token).first().cloned()).await;
        assert!(seen.widened, "the outage lies in its interval: {seen:?}");
        assert_eq!(*rig.sink.ups.lock().unwrap(), [true], "the look closed the gap");
        assert_eq!(rig.sink.downs.lock().unwrap().len(), 1, "an outage is told once");
        rig.end().await;
    }

    #[tokio::test]
    async fn a_name_that_does_not_resolve_blinds_and_a_refused_connection_does_not() {
        let refused = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        for (host, blind) in [
            (String::from("no-such-host.invalid"), true),
            (refused.to_string(), false),
        ] {
            let config = json!({ "url": format!("http://{host}/{{{{ token }}}}"), "poll": "20ms" });
            let rig = Rig::open(json!({ "http": config }), Path::new("/")).await;
            let armed = rig.channel.arm(watch(1, &[])).await;
            let downs: Vec<Reason> = rig.sink.downs.lock().unwrap().iter().map(|f| f.reason).collect();
            if blind {
                assert_eq!(armed.unwrap_err().reason, Reason::Dns);
                assert_eq!(downs, [Reason::Dns]);
            } else {
                armed.unwrap();
                assert_eq!(downs, []);
            }
            rig.end().await;
        }
    }
}

mod smtp {
    use super::*;
    use crate::smtp_sink::client::Peer;
    use crate::triggers::smtp::peer::{fire, open_in, scope, with};

    async fn mailed(peer: &Peer, root: &Path, tls: &Value) -> Result<(), Fault> {
        let mut tls = tls.clone();
        tls["mode"] = json!("starttls");
        let trigger = open_in(root, with(peer.at, json!({ "tls": tls })))?;
        let answer = fire(trigger.prepare(&scope())?).await.0;
        answer.outcome.map(drop).map_err(|failed| failed.fault)
    }

    #[tokio::test]
    async fn the_trigger_trusts_as_it_is_told() {
        let shown = Shown::new();
        let root = shown.root.path();
        for (signed, cases) in shown.cases() {
            put(root, "cert.pem", &signed.certificate);
            put(root, "key.pem", &signed.key);
            let files = json!({ "cert": root.join("cert.pem"), "key": root.join("key.pem") });
            let peer = Peer::start(json!({ "tls": { "files": files } })).await;
            let mut taken = 0;
            for (tls, wanted) in cases {
                judged("smtp trigger", &tls, mailed(&peer, root, &tls).await, wanted);
                taken += usize::from(wanted.is_none());
                assert_eq!(peer.sightings().len(), taken, "{tls}");
            }
        }
    }
}

mod imap {
    use super::*;
    use crate::imap::rig::Rig;
    use crate::support::dovecot::{Dovecot, Options};

    async fn watched(port: u16, mode: &str, root: &Path, tls: &Value) -> Result<(), Fault> {
        let mut tls = tls.clone();
        if let Some(ca) = tls["ca"].as_str() {
            tls["ca"] = json!(root.join(ca));
        }
        tls["mode"] = json!(mode);
        let mut rig = Rig::on(port, json!({ "tls": tls })).await;
        let armed = rig.try_arm(rig.token()).await.map(drop);
        rig.stop().await;
        armed
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_channel_trusts_as_it_is_told() {
        let shown = Shown::new();
        for (signed, cases) in shown.cases() {
            let dovecot = Dovecot::start_with(Options {
                tls: Some(signed.clone()),
                ..Options::default()
            });
            for (tls, wanted) in cases {
                for (port, mode) in [(dovecot.imaps, "implicit"), (dovecot.imap, "starttls")] {
                    let got = watched(port, mode, shown.root.path(), &tls).await;
                    judged(mode, &tls, got, wanted);
                }
            }
        }
    }
}

mod postgres {
    use super::*;
    use crate::support::channel::eventually;
    use crate::support::polled::{Rig, watch};
    use crate::support::postgres::Server;

    async fn rig(server: &Server, more: &str) -> Rig {
        let url = server.url().replace("sslmode=disable", more);
        let query = "SELECT ref AS key, status FROM orders WHERE ref = ANY(:keys)";
        let config = json!({ "url": url, "query": query, "poll": "50ms", "notify": "orders_changed" });
        Rig::open(json!({ "postgres": config }), Path::new("/")).await
    }

    #[tokio::test]
    async fn the_channel_trusts_as_its_address_says_and_sees_rows_over_tls() {
        let shown = Shown::new();
        let server = Server::start().await;
        server.sql("CREATE TABLE orders (ref text, status text)").await;
        let (ca, others) = (
            shown.root.path().join("ca.pem"),
            shown.root.path().join("others.pem"),
        );
        let full = |ca: &Path| format!("sslmode=verify-full&sslrootcert={}", ca.display());
        for (signed, settings, taken) in [
            (&shown.good, full(&ca), true),
            (&shown.good, full(&others), false),
            (&shown.expired, full(&ca), false),
            (&shown.elsewhere, full(&ca), false),
            (&shown.elsewhere, String::from("sslmode=require"), true),
        ] {
            server.secure(signed).await;
            let rig = rig(&server, &settings).await;
            if taken {
                let token = rig.arm().await;
                server
                    .sql(&format!(
                        "INSERT INTO orders VALUES ('{token}', 'paid'); NOTIFY orders_changed"
                    ))
                    .await;
                eventually("the row", || (!rig.of(&token).is_empty()).then_some(())).await;
            } else {
                let fault = rig.channel.arm(watch(1, &[])).await.unwrap_err();
                assert_eq!(fault.reason, Reason::Tls, "{settings}: {fault}");
                assert!(fault.message.contains("certificate"), "{settings}: {fault}");
            }
            rig.end().await;
        }
        server.plain().await;
        let rig = rig(&server, &full(&ca)).await;
        let fault = rig.channel.arm(watch(1, &[])).await.unwrap_err();
        assert_eq!(fault.reason, Reason::Tls, "{fault}");
        rig.end().await;
    }
}
