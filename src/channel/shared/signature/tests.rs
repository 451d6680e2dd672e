use serde_json::json;

use super::*;
use crate::model::{Expr, Free, Template};

struct Plain;

impl Scope for Plain {
    fn text(&self, template: &Template) -> Result<String, Fault> {
        Ok(template.source.clone())
    }
    fn json(&self, _: &Free) -> Result<serde_json::Value, Fault> {
        Ok(serde_json::Value::Null)
    }
    fn holds(&self, _: &Expr, _: &serde_json::Value) -> Result<bool, Fault> {
        Ok(false)
    }
}

fn verifier(config: serde_json::Value) -> Verifier {
    let config: SignatureConfig = serde_json::from_value(config).unwrap();
    let mut problems = crate::diag::Problems::default();
    config.check(&mut problems);
    assert_eq!(problems.all(), []);
    Verifier::new(&config, Duration::from_secs(300), &Plain).unwrap()
}

fn check(
    verifier: &Verifier,
    headers: &[(&str, &str)],
    body: &[u8],
    now: i64,
) -> Result<Option<Age>, Refusal> {
    let headers: Vec<(String, String)> = headers
        .iter()
        .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
        .collect();
    let signed = Signed {
        headers: &headers,
        method: "POST",
        url: "https://probes.example.com/c/x",
        body,
    };
    verifier.verify(&signed, Moment(now * 1_000_000_000))
}

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
const STAMP: &str = "1614265330";
const BODY: &[u8] = br#"{"test": 2432232314}"#;
/// The example of the specification's reference libraries; computed again with another HMAC implementation.
const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

fn standard(id: &str, stamp: &str, signature: &str, body: &[u8]) -> Result<Option<Age>, Refusal> {
    let headers = [
        ("webhook-id", id),
        ("webhook-timestamp", stamp),
        ("webhook-signature", signature),
    ];
    check(
        &verifier(json!({ "standard_webhooks": SECRET })),
        &headers,
        body,
        1_614_265_335,
    )
}

#[test]
fn standard_webhooks_takes_what_was_signed_and_nothing_else() {
    let fresh = Ok(Some(Age {
        seconds: 5.0,
        stale: false,
    }));
    assert_eq!(standard(ID, STAMP, SIGNATURE, BODY), fresh);
    let several = format!("v1,AAAA v1a,{} {SIGNATURE}", &SIGNATURE[3..]);
    assert_eq!(standard(ID, STAMP, &several, BODY), fresh);

    let bad = Err(Refusal::Bad);
    assert_eq!(standard("msg_other", STAMP, SIGNATURE, BODY), bad, "another id");
    assert_eq!(standard(ID, "1614265331", SIGNATURE, BODY), bad, "another time");
    assert_eq!(
        standard(ID, STAMP, SIGNATURE, br#"{"test": 2432232315}"#),
        bad,
        "another body"
    );
    assert_eq!(
        standard(ID, STAMP, &SIGNATURE.replace("v1,", "v1a,"), BODY),
        bad,
        "another algorithm"
    );
    assert_eq!(
        standard(ID, STAMP, &SIGNATURE.replace("v1,", ""), BODY),
        bad,
        "no version"
    );
    assert_eq!(standard(ID, STAMP, "v1,", BODY), bad, "an empty signature");
    assert_eq!(standard(ID, STAMP, "v1,g0hM9SsE", BODY), bad, "a cut signature");
    let crowd = format!("{}{SIGNATURE}", "v1,AAAA ".repeat(CANDIDATES));
    assert_eq!(
        standard(ID, STAMP, &crowd, BODY),
        bad,
        "more signatures than are tried"
    );
}

#[test]
fn another_key_is_refused_and_rotation_takes_both() {
    let other = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let headers = [
        ("webhook-id", ID),
        ("webhook-timestamp", STAMP),
        ("webhook-signature", SIGNATURE),
    ];
    let with = |secret| {
        check(
            &verifier(json!({ "standard_webhooks": secret })),
            &headers,
            BODY,
            1_614_265_330,
        )
    };
    assert_eq!(with(json!(other)), Err(Refusal::Bad));
    assert!(with(json!([other, SECRET])).is_ok());
    assert!(with(json!(SECRET.trim_start_matches("whsec_"))).is_ok());
    let renamed = headers.map(|(name, value)| (name.replace("webhook-", "svix-"), value));
    let renamed: Vec<(&str, &str)> = renamed.iter().map(|(n, v)| (n.as_str(), *v)).collect();
    assert!(
        check(
            &verifier(json!({ "standard_webhooks": SECRET })),
            &renamed,
            BODY,
            1_614_265_330
        )
        .is_ok()
    );
}

#[test]
fn what_is_missing_is_said_and_what_is_no_time_is_refused() {
    let verifier = verifier(json!({ "standard_webhooks": SECRET }));
    for left_out in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        let headers = [
            ("webhook-id", ID),
            ("webhook-timestamp", STAMP),
            ("webhook-signature", SIGNATURE),
        ];
        let headers: Vec<_> = headers
            .into_iter()
            .filter(|(name, _)| *name != left_out)
            .collect();
        assert_eq!(
            check(&verifier, &headers, BODY, 0),
            Err(Refusal::Missing),
            "{left_out}"
        );
    }
    for stamp in ["yesterday", "-5", "", "99999999999999999999999"] {
        let signed = Signed {
            headers: &[],
            method: "POST",
            url: "",
            body: BODY,
        };
        let form = Form::standard("webhook");
        let mac = form.mac(&verifier.keys[0], &signed, Some(stamp), Some(ID));
        let signature = format!("v1,{}", Encoding::Base64.encode(&mac));
        let headers = [
            ("webhook-id", ID),
            ("webhook-timestamp", stamp),
            ("webhook-signature", &signature),
        ];
        assert_eq!(check(&verifier, &headers, BODY, 0), Err(Refusal::Bad), "{stamp}");
    }
}

#[test]
fn an_old_signature_is_right_but_stale() {
    let three_days = 3 * 86_400;
    let age = |now: i64| {
        let headers = [
            ("webhook-id", ID),
            ("webhook-timestamp", STAMP),
            ("webhook-signature", SIGNATURE),
        ];
        check(
            &verifier(json!({ "standard_webhooks": SECRET })),
            &headers,
            BODY,
            now,
        )
        .unwrap()
        .unwrap()
    };
    assert_eq!(
        age(1_614_265_330 + three_days),
        Age {
            seconds: 259_200.0,
            stale: true
        }
    );
    assert_eq!(
        age(1_614_265_330 - 301),
        Age {
            seconds: -301.0,
            stale: true
        }
    );
    assert_eq!(
        age(1_614_265_330 + 300),
        Age {
            seconds: 300.0,
            stale: false
        }
    );
    assert!(age(i64::MAX / 2_000_000_000).stale);
}

#[test]
fn the_schemes_of_github_stripe_slack_and_shopify() {
    // GitHub's documentation, 'Validating webhook deliveries': the example it gives to test against.
    let github = verifier(json!({ "hmac": {
        "header": "X-Hub-Signature-256", "prefix": "sha256=", "secret": "It's a Secret to Everybody" } }));
    let signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    assert_eq!(
        check(
            &github,
            &[("x-hub-signature-256", signature)],
            b"Hello, World!",
            0
        ),
        Ok(None)
    );
    let upper = signature.to_uppercase().replace("SHA256=", "sha256=");
    assert_eq!(
        check(&github, &[("x-hub-signature-256", &upper)], b"Hello, World!", 0),
        Ok(None)
    );
    assert_eq!(
        check(
            &github,
            &[("x-hub-signature-256", signature)],
            b"Hello, World?",
            0
        ),
        Err(Refusal::Bad)
    );
    assert_eq!(
        check(
            &github,
            &[("x-hub-signature-256", &signature[7..])],
            b"Hello, World!",
            0
        ),
        Err(Refusal::Bad)
    );

    // Slack's documentation, 'Verifying requests from Slack': its worked example.
    let slack = verifier(json!({ "hmac": {
        "header": "x-slack-signature", "prefix": "v0=", "signed": "v0:{timestamp}:{body}",
        "timestamp": { "header": "x-slack-request-timestamp" }, "secret": "8f742231b10e8888abcd99yyyzzz85a5" } }));
    let body = b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
    let headers = [
        ("x-slack-request-timestamp", "1531420618"),
        (
            "x-slack-signature",
            "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
        ),
    ];
    assert_eq!(
        check(&slack, &headers, body, 1_531_420_618),
        Ok(Some(Age {
            seconds: 0.0,
            stale: false
        }))
    );

    for config in [
        json!({ "header": "stripe-signature", "field": "v1", "timestamp": { "field": "t" },
                "signed": "{timestamp}.{body}", "secret": "s" }),
        json!({ "header": "x-shopify-hmac-sha256", "encoding": "base64", "secret": "s" }),
        json!({ "header": "x-old", "algorithm": "sha1", "signed": "{method} {url} {body}", "secret": "s" }),
        json!({ "header": "x-new", "algorithm": "sha512", "secret": "6b6579", "secret_encoding": "hex" }),
    ] {
        let verifier = verifier(json!({ "hmac": config }));
        let url = "https://probes.example.com/c/x";
        let signed = Signed {
            headers: &[],
            method: "POST",
            url,
            body: b"{}",
        };
        let headers = verifier.sign(&signed, "id", Moment(1_000_000_000_000));
        let pairs: Vec<(&str, &str)> = headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        assert!(check(&verifier, &pairs, b"{}", 1_000).is_ok(), "{headers:?}");
        assert_eq!(
            check(&verifier, &pairs, b"{ }", 1_000),
            Err(Refusal::Bad),
            "{headers:?}"
        );
    }
    let stripe = verifier(json!({ "hmac": { "header": "stripe-signature", "field": "v1",
        "timestamp": { "field": "t" }, "signed": "{timestamp}.{body}", "secret": "s" } }));
    assert_eq!(
        check(&stripe, &[("stripe-signature", "v1=00")], b"", 0),
        Err(Refusal::Missing)
    );
}

#[test]
fn the_algorithm_is_fixed_by_the_definition() {
    let sha256 = verifier(json!({ "hmac": { "header": "x-sig", "secret": "s" } }));
    let sha1 = verifier(json!({ "hmac": { "header": "x-sig", "secret": "s", "algorithm": "sha1" } }));
    let signed = Signed {
        headers: &[],
        method: "POST",
        url: "",
        body: b"{}",
    };
    let headers = sha1.sign(&signed, "id", Moment(0));
    assert_eq!(
        check(&sha256, &[("x-sig", &headers[0].1)], b"{}", 0),
        Err(Refusal::Bad)
    );
}

#[test]
fn settings_that_cannot_be_right_are_refused() {
    let problems = |config: serde_json::Value| {
        let config: SignatureConfig = serde_json::from_value(config).unwrap();
        let mut problems = crate::diag::Problems::default();
        config.check(&mut problems);
        problems
            .all()
            .iter()
            .map(|p| p.message.clone())
            .collect::<Vec<_>>()
            .join("; ")
    };
    let hmac = |extra: serde_json::Value| {
        let mut config = json!({ "header": "x-sig", "secret": "s" });
        config
            .as_object_mut()
            .unwrap()
            .extend(extra.as_object().unwrap().clone());
        problems(json!({ "hmac": config }))
    };
    for (found, expected) in [
        (
            problems(json!({ "standard_webhooks": "not base64!" })),
            "not base64",
        ),
        (problems(json!({ "standard_webhooks": [] })), "empty list"),
        (problems(json!({ "standard_webhooks": ["", SECRET] })), "is empty"),
        (hmac(json!({ "header": "two words" })), "no header name"),
        (hmac(json!({ "signed": "{timestamp}" })), "leaves `{body}` out"),
        (
            hmac(json!({ "signed": "{timestamp}.{body}" })),
            "does not say where",
        ),
        (hmac(json!({ "signed": "{bdy}" })), "`{bdy}` is unknown"),
        (hmac(json!({ "signed": "{body" })), "without its"),
        (hmac(json!({ "timestamp": { "header": "t" } })), "proves nothing"),
        (
            hmac(json!({ "secret": "xyz", "secret_encoding": "hex" })),
            "secret_encoding",
        ),
    ] {
        assert!(found.contains(expected), "{expected}: {found}");
        assert!(
            !found.contains("not base64!") && !found.contains("xyz"),
            "{found}"
        );
    }
}
