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
