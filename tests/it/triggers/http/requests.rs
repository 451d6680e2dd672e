//! What leaves: method, address, headers, credentials; and what is refused before anything does.

use std::path::Path;

use landfall::definition::{LoadOptions, ProcessEnvironment, load};
use landfall::model::Reason;
use serde_json::json;

use super::peer::Peer;
use super::{open, prepare, response, said};
use crate::support::polled::TestScope;

#[tokio::test]
async fn a_request_without_a_body_is_a_get() {
    let peer = Peer::pleased().await;
    response(json!({
        "url": peer.url("/a?x=1#part"),
        "query": { "via": "{{ token }}/&" },
        "headers": { "X-Canary": "yes, {{ token }}", "x-name": "Zoë" },
    }))
    .await;
    let taken = peer.only();
    assert_eq!(taken.line(), "GET /a?x=1&via=t0ken%2F%26 HTTP/1.1");
    assert_eq!(taken.header("host").unwrap(), peer.at.to_string());
    assert_eq!(taken.header("x-canary"), Some("yes, t0ken"));
    assert_eq!(taken.header("x-name"), Some("Zoë"));
    let agent = taken.header("user-agent").unwrap();
    assert!(agent.starts_with("landfall/"), "{agent}");
    for absent in [
        "content-length",
        "content-type",
        "transfer-encoding",
        "authorization",
        "referer",
    ] {
        assert_eq!(taken.header(absent), None, "{absent}");
    }
}

/// A run's id is its trace's, and what the definition says stands.
#[test]
fn a_canary_says_that_it_is_one_unless_told_not_to() {
    const RUN: &str = "0192b3c4-d5e6-7000-8000-0123456789ab";
    let shown = |more: serde_json::Value| {
        let mut config = json!({ "url": "http://127.0.0.1/" });
        config
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let trigger = open(Path::new("."), config).unwrap();
        let scope = TestScope::of(&[("run", json!(RUN))]);
        trigger.prepare(&*scope).unwrap().shown["headers"].clone()
    };
    let marked = shown(json!({}));
    let trace = marked["traceparent"].as_str().unwrap();
    let parts: Vec<&str> = trace.split('-').collect();
    assert_eq!(
        (parts[0], parts[1], parts[3]),
        ("00", "0192b3c4d5e6700080000123456789ab", "01")
    );
    assert_eq!(parts[2].len(), 16, "{trace}");
    assert_eq!(marked["baggage"], "user_agent.synthetic.type=test");
    assert_eq!(marked["x-landfall-run"], RUN);
    let own = shown(json!({ "headers": { "Baggage": "tenant=7" } }));
    assert_eq!(own["baggage"], "tenant=7");
    let bare = shown(json!({ "marks": false }));
    assert_eq!(bare, json!({}));
}

#[tokio::test]
async fn the_method_is_the_one_given_in_any_case() {
    for (method, line) in [("delete", "DELETE / HTTP/1.1"), ("PURGE", "PURGE / HTTP/1.1")] {
        let peer = Peer::pleased().await;
        response(json!({ "url": peer.url("/"), "method": method })).await;
        assert_eq!(peer.only().line(), line);
    }
}

#[tokio::test]
async fn credentials_leave_and_are_never_shown() {
    for (auth, sent) in [
        (
            json!({ "basic": { "user": "me", "password": "{{ password }}" } }),
            "Basic bWU6aHVudGVyMjI=",
        ),
        (json!({ "bearer": "{{ password }}" }), "Bearer hunter22"),
    ] {
        let peer = Peer::pleased().await;
        let value = json!({
            "url": peer.url("/"), "auth": auth, "headers": { "X-Api-Key": "{{ password }}", "cookie": "a=b" },
        });
        let trigger = open(Path::new("."), value).unwrap();
        let shown = prepare(&*trigger).unwrap().shown;
        for name in ["authorization", "x-api-key", "cookie"] {
            assert_eq!(shown["headers"][name], "***", "{shown}");
        }
        assert!(
            !shown.to_string().contains("hunter22") && !shown.to_string().contains("bWU6"),
            "{shown}"
        );
        super::shoot(&*trigger).await.0.outcome.unwrap();
        assert_eq!(peer.only().header("authorization"), Some(sent));
        assert_eq!(peer.only().header("x-api-key"), Some("hunter22"));
    }
}

/// reliability.md S19: a value that would end a header's line never leaves.
#[tokio::test]
async fn a_line_break_in_a_header_or_its_credentials_is_refused() {
    for value in [
        json!({ "headers": { "x-ref": "{{ evil }}" } }),
        json!({ "auth": { "bearer": "{{ evil }}" } }),
    ] {
        let mut value = value;
        value["url"] = json!("http://127.0.0.1:1/");
        let trigger = open(Path::new("."), value).unwrap();
        let fault = prepare(&*trigger).err().unwrap();
        assert_eq!(fault.reason, Reason::Input);
        assert!(fault.message.contains("holds a line break"), "{fault}");
        assert!(!fault.message.contains("x-evil"), "{fault}");
    }
    // In a query it is encoded.
    let peer = Peer::pleased().await;
    response(json!({ "url": peer.url("/"), "query": { "q": "{{ evil }}" } })).await;
    assert_eq!(peer.only().line(), "GET /?q=a%0D%0Ax-evil%3A+yes HTTP/1.1");
    assert_eq!(peer.only().header("x-evil"), None);
}

#[test]
fn what_is_no_address_is_refused_before_anything_leaves() {
    for (url, wanted) in [
        ("ftp://host/", "begins with neither http:// nor https://"),
        ("no url", "is no URL"),
        ("http://me:hunter22@host/", "write them under `auth:"),
    ] {
        let trigger = open(Path::new("."), json!({ "url": url })).unwrap();
        let fault = prepare(&*trigger).err().unwrap();
        assert_eq!(fault.reason, Reason::Input);
        assert!(fault.message.contains(wanted), "{fault}");
        assert!(!fault.message.contains("hunter22"), "{fault}");
    }
}

#[test]
fn what_cannot_be_honoured_is_said_at_load() {
    let with = |more: serde_json::Value| {
        let mut value = json!({ "url": "http://host/" });
        value
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        said(value)
    };
    assert_eq!(with(json!({ "redirects": 5, "method": "POST", "json": {} })), "");
    for (more, wanted) in [
        (json!({ "json": {}, "body": "x" }), "this one has json and body"),
        (json!({ "method": "GET IT" }), "`GET IT` is no HTTP method"),
        (json!({ "method": "CONNECT" }), "asks for a tunnel"),
        (json!({ "redirects": 6 }), "expected 0 to 5"),
        (json!({ "body_limit": 100_000_000 }), "expected at most 67108864"),
        (json!({ "timeout": "0s" }), "nothing can ever answer"),
        (json!({ "headers": { "a b": "x" } }), "`a b` is no header name"),
        (
            json!({ "headers": { "Content-Length": "3" } }),
            "follows from the body",
        ),
        (json!({ "headers": { "X-A": "1", "x-a": "2" } }), "is given twice"),
        (
            json!({ "headers": { "Authorization": "x" }, "auth": { "bearer": "y" } }),
            "has both `auth`",
        ),
        (
            json!({ "auth": { "basic": { "user": "a:b", "password": "c" } } }),
            "holds a colon",
        ),
        (json!({ "proxy": "http://{{ vars.p }}:1" }), "takes no template"),
        (
            json!({ "tls": { "cert": "a.pem" } }),
            "needs both `tls.cert` and `tls.key`",
        ),
        (
            json!({ "tls": { "ca": "a.pem", "insecure": true } }),
            "trusts anybody",
        ),
        (
            json!({ "multipart": [{ "name": "a" }] }),
            "has neither of `text` and `file`",
        ),
        (
            json!({ "multipart": [{ "name": "a", "text": "x", "content_type": "x" }] }),
            "`x` is no content type",
        ),
    ] {
        let said = with(more);
        assert!(
            said.contains(wanted) && said.lines().count() == 1,
            "{wanted}: {said}"
        );
    }
}

#[test]
fn the_example_of_the_reference_loads() {
    let facts = landfall::trigger::FACTS
        .iter()
        .find(|f| f.name == "http")
        .unwrap();
    let example: String = facts.example.lines().map(|l| format!("    {l}\n")).collect();
    let root = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(root.path().join(name), text).unwrap();
    std::fs::create_dir(root.path().join("probes")).unwrap();
    write(
        "landfall.yaml",
        "vars: { base: https://api.example.com }\nchannels: { hooks: { callback: {} } }\n",
    );
    let probe = format!(
        "name: example\nroutes: {{ a: {{ vars: {{ via: b }} }} }}\ninput: {{ amount: 100 }}\n\
         request:\n  http:\n{example}outcome: [{{ in: hooks, within: 30s }}]\n"
    );
    write("probes/example.yaml", &probe);
    let options = LoadOptions {
        dir: Some(root.path().to_owned()),
        vars: Vec::new(),
    };
    let loaded = load(&options, &ProcessEnvironment);
    let said = loaded.problems.render(&loaded.sources, false);
    assert!(loaded.workspace.is_some() && said.is_empty(), "{said}");
}
