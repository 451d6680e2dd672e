//! The conformance suite: every kind of channel in the list, against a real peer, by the same rules.

mod checks;
pub(crate) mod secrets;

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use landfall::channel::{self, Facts};

use crate::support::peer::{self, Peer};

/// No check takes nearly as long.
const PATIENCE: Duration = Duration::from_secs(60);

/// One rule that every kind keeps.
type Check = for<'a> fn(&'static str, &'a mut dyn Peer) -> BoxFuture<'a, ()>;

const CHECKS: &[(&str, Check)] = &[
    ("armed before it is sent", |kind, peer| {
        checks::arm(kind, peer).boxed()
    }),
    ("token anywhere", |kind, peer| {
        checks::anywhere(kind, peer).boxed()
    }),
    ("duplicate", |kind, peer| checks::duplicate(kind, peer).boxed()),
    ("redelivery", |kind, peer| checks::redelivery(kind, peer).boxed()),
    ("late", |kind, peer| checks::late(kind, peer).boxed()),
    ("oversize", |kind, peer| checks::oversize(kind, peer).boxed()),
    ("hostile content", |kind, peer| {
        checks::hostile(kind, peer).boxed()
    }),
    ("full disk", |kind, peer| checks::unkept(kind, peer).boxed()),
    ("planted secret", |kind, peer| {
        secrets::planted(kind, peer).boxed()
    }),
    ("disconnect and reconnect", |kind, peer| {
        checks::outage(kind, peer).boxed()
    }),
    ("dead peer", |kind, peer| checks::dead(kind, peer).boxed()),
    ("stop", |kind, peer| checks::stop(kind, peer).boxed()),
];

/// What of a kind does not conform.
async fn conform(facts: &'static Facts) -> Vec<String> {
    let kind = facts.name;
    let Some(mut peer) = peer::of(kind).await else {
        return vec![format!(
            "{kind}: no peer to test against; write tests/it/support/peer/{}.rs and list it there",
            facts.module
        )];
    };
    let mut failures = Vec::new();
    for (name, check) in CHECKS {
        let checked = AssertUnwindSafe(check(kind, peer.as_mut())).catch_unwind();
        let Ok(checked) = tokio::time::timeout(PATIENCE, checked).await else {
            failures.push(format!("{kind}: {name}: not over within {PATIENCE:?}"));
            continue;
        };
        // A failure ends that check alone.
        if let Err(panic) = checked {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
            failures.push(format!("{kind}: {name}: {}", text.unwrap_or("panicked")));
        }
    }
    failures
}

#[tokio::test(flavor = "multi_thread", worker_threads = 6)]
async fn every_kind_conforms() {
    let kinds = channel::FACTS.iter().map(|facts| tokio::spawn(conform(facts)));
    let kinds: Vec<_> = kinds.collect();
    let mut failures = Vec::new();
    for kind in kinds {
        failures.extend(kind.await.unwrap());
    }
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

#[tokio::test]
async fn a_kind_without_a_peer_fails() {
    static TELEGRAPH: Facts = Facts {
        name: "telegraph",
        module: "telegraph",
        example: "",
        offers: &[],
        seen: &[],
        schema: |_| schemars::Schema::default(),
    };
    let failures = conform(&TELEGRAPH).await;
    assert!(failures[0].contains("telegraph: no peer"), "{failures:?}");
}
