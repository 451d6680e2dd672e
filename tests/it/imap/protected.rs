//! Connections under TLS.

use std::sync::Arc;

use landfall::model::Reason;
use serde_json::{Value, json};

use super::rig::{Rig, TokenScope, mail, try_open};
use crate::support::certificates::{Authority, put};
use crate::support::channel::{NoListener, context};
use crate::support::dovecot::{Dovecot, Options};

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_counts_if_its_authority_is_named_or_none_is_asked_for() {
    let authority = Authority::new("landfall tests");
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "ca.pem", &authority.pem);
    let dovecot = Dovecot::start_with(Options {
        tls: Some(authority.sign(&["127.0.0.1"], 2999)),
        ..Options::default()
    });
    let ca = folder.path().join("ca.pem");
    for (port, settings) in [
        (dovecot.imaps, json!({ "tls": { "ca": ca } })),
        (dovecot.imap, json!({ "tls": { "mode": "starttls", "ca": ca } })),
        (dovecot.imaps, json!({ "tls": { "insecure": true } })),
    ] {
        let rig = Rig::on(port, settings.clone()).await;
        let (_, token) = rig.arm().await;
        dovecot.deliver("canary@example.com", &mail(token.as_str(), token));
        let seen = rig.sees(token.as_str()).await;
        assert_eq!(seen.seen["folder"], Value::from("INBOX"), "{settings}");
    }
    for (port, tls) in [(dovecot.imaps, "implicit"), (dovecot.imap, "starttls")] {
        let rig = Rig::on(port, json!({ "tls": tls })).await;
        let fault = rig.try_arm(rig.token()).await.unwrap_err();
        assert_eq!(fault.reason, Reason::Tls, "{fault}");
        assert!(
            fault.message.contains("certificate") && fault.message.contains("`tls.ca`"),
            "{fault}"
        );
    }
}

#[tokio::test]
async fn an_authority_that_cannot_be_read_is_named_when_the_channel_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let mut context = context(folder.path(), Arc::default(), Arc::new(NoListener));
    context.scope = Arc::new(TokenScope(String::new()));
    let settings = json!({ "tls": { "ca": "no-such.pem" } });
    let fault = try_open(1, settings, context).await.err().unwrap();
    assert_eq!(fault.reason, Reason::Input, "{fault}");
    assert!(fault.message.contains("no-such.pem"), "{fault}");
}
