//! Settings of the `callback` channel, and everything about them that their types cannot express.

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::Deserialize;

use super::answers::Answers;
use crate::channel::shared::signature::{Secrets, SignatureConfig};
use crate::channel::shared::units::Size;
use crate::diag::{Code, Problems};
use crate::model::{Expr, Lapse, Secret, Spanned};

/// The greatest `body_limit`.
const BODY_LIMIT: usize = 16 * 1024 * 1024;

/// An HTTP endpoint of landfall's own that the system calls. All settings may be left out: `callback: {}` takes any
/// request at an address that nobody can guess.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CallbackConfig {
    /// How senders sign. A request without a right signature is refused with 401 and is never an observation.
    #[serde(default)]
    pub signature: Option<Box<SignatureConfig>>,
    /// How old a signed timestamp may be and still count as fresh. One beyond it is still taken, since being late is
    /// what landfall looks for, but with `seen.stale` true and `seen.age_seconds`.
    #[serde(default = "tolerance")]
    pub tolerance: Lapse,
    /// What is answered, delivery by delivery of one token; the last repeats. Left out: 200 each time. A status
    /// (`503`), `close` (the connection is cut without an answer), or a mapping of `status`, `delay`, `headers` and
    /// `body`. `answers: [503, 503, 200]` refuses the first two, to see whether the sender tries again. What arrived
    /// is on record before any answer leaves. The place in the list is remembered for the latest 65,536 tokens, and
    /// starts again with landfall; requests that bear no token share one place.
    #[serde(default)]
    pub answers: Spanned<Answers>,
    /// The methods taken; others are answered 405. Left out: all.
    #[serde(default)]
    pub methods: Vec<Spanned<String>>,
    /// The most a body may have, in bytes or with a unit; more is answered 413, and the runs it may have been for are
    /// unobserved. Default `64KiB`; 16 MiB at most.
    #[serde(default = "body_limit")]
    pub body_limit: Spanned<Size>,
    /// Networks that senders come from, such as `192.0.2.0/24` or `2001:db8::1`; others are answered 403. Left out:
    /// all. Behind a proxy every sender has the address of the proxy.
    #[serde(default)]
    pub sources: Vec<Spanned<String>>,
    /// The bearer token that senders must show (`authorization: Bearer …`); a list while it is being rotated.
    #[serde(default)]
    pub bearer: Option<Secrets>,
    /// The user and password that senders must show.
    #[serde(default)]
    pub basic: Option<Basic>,
    /// Where the sender's own id of the event is: `{ header: NAME }` or `{ cel: seen.json.id }`. The same id again is
    /// a redelivery, or a duplicate where the sender provably had our answer. Left out: `webhook-id`, `svix-id`,
    /// `x-github-delivery`, `x-shopify-webhook-id`, `idempotency-key`, `ce-id`, whichever comes first. Without any,
    /// the same method, address and body with the same token count as the same event, and a request that bears no
    /// token is an event of its own.
    #[serde(default)]
    pub id: Option<IdFrom>,
    /// A readable end for the address, such as `order-paid`: it then reads `…/TOKEN/order-paid`.
    #[serde(default)]
    pub path: Option<Spanned<String>>,
}

/// User and password.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Basic {
    /// The user.
    pub user: String,
    /// The password.
    pub password: Secret,
}

/// Where an event's id is found.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum IdFrom {
    /// In this header.
    Header(Spanned<String>),
    /// The value of an expression over `seen`.
    Cel(Expr),
}

fn tolerance() -> Lapse {
    Lapse::secs(300)
}

fn body_limit() -> Spanned<Size> {
    Spanned::new(Size(64 * 1024), crate::model::Span::default())
}

impl CallbackConfig {
    pub(super) fn check(&self, out: &mut Problems) {
        if let Some(signature) = &self.signature {
            signature.check(out);
        }
        if let Some(bearer) = &self.bearer {
            bearer.check("bearer", out);
        }
        if let (Some(_), Some(basic)) = (&self.bearer, &self.basic) {
            out.error(
                Code::Setting,
                basic.password.0.span,
                "`basic` and `bearer` both read the `authorization` header, which holds one of them",
                "leave one out",
            );
        }
        self.answers.check(self.answers.span, out);
        if !(1..=BODY_LIMIT).contains(&self.body_limit.0) {
            out.error(
                Code::Setting,
                self.body_limit.span,
                format!("a body limit of {} bytes", self.body_limit.0),
                "expected from 1 byte to 16 MiB",
            );
        }
        self.check_names(out);
    }

    fn check_names(&self, out: &mut Problems) {
        for method in &self.methods {
            if hyper::Method::from_bytes(method.as_bytes()).is_err() {
                out.error(
                    Code::Setting,
                    method.span,
                    format!("`{}` is no HTTP method", **method),
                    "expected a method such as `POST`",
                );
            }
        }
        for source in &self.sources {
            if network(source).is_none() {
                out.error(
                    Code::Setting,
                    source.span,
                    format!("`{}` is no network", **source),
                    "expected an address or a network such as `192.0.2.0/24`",
                );
            }
        }
        if let Some(IdFrom::Header(name)) = &self.id
            && hyper::header::HeaderName::from_bytes(name.as_bytes()).is_err()
        {
            out.error(
                Code::Setting,
                name.span,
                format!("`{}` is no header name", **name),
                "expected a header such as `webhook-id`",
            );
        }
        if let Some(path) = &self.path {
            let plain = |c: char| c.is_ascii_alphanumeric() || "-._~/".contains(c);
            let inner = path.trim_matches('/');
            if inner.is_empty()
                || !inner.chars().all(plain)
                || inner.split('/').any(|s| matches!(s, "" | "." | ".."))
            {
                out.error(
                    Code::Setting,
                    path.span,
                    format!("`{}` is no end of an address", **path),
                    "expected letters, digits, `-`, `.`, `_`, `~`, with `/` between them",
                );
            }
        }
    }
}

/// A network, or one address.
pub(super) fn network(text: &str) -> Option<IpNet> {
    let text = text.trim();
    text.parse()
        .ok()
        .or_else(|| text.parse().ok().map(|ip: std::net::IpAddr| IpNet::from(ip)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn problems(config: serde_json::Value) -> String {
        let config: CallbackConfig = serde_json::from_value(config).unwrap();
        let mut problems = Problems::default();
        config.check(&mut problems);
        let all: Vec<String> = problems.all().iter().map(|p| p.message.clone()).collect();
        all.join("; ")
    }

    #[test]
    fn nothing_is_needed() {
        assert_eq!(problems(json!({})), "");
    }

    #[test]
    fn settings_that_cannot_be_honoured_are_refused_all_at_once() {
        let found = problems(json!({
            "methods": ["POST", "two words"], "sources": ["10.0.0.0/8", "::1", "10.0.0.0/33", "example.com"],
            "body_limit": "17MiB", "path": "../up", "id": { "header": "a b" }, "answers": [200, 99, 1000],
            "bearer": "", "basic": { "user": "u", "password": "p" },
        }));
        for expected in [
            "`two words` is no HTTP method",
            "`10.0.0.0/33` is no network",
            "`example.com` is no network",
            "a body limit of 17825792 bytes",
            "`../up` is no end of an address",
            "`a b` is no header name",
            "`99` is no final status",
            "`1000` is no final status",
            "a secret of `bearer` is empty",
            "both read the `authorization` header",
        ] {
            assert!(found.contains(expected), "{expected}: {found}");
        }
        assert!(!found.contains("`::1`"), "{found}");
    }

    #[test]
    fn answers_take_three_shapes() {
        let long = json!({ "answers": [
            503, "close", { "status": 202, "delay": "2s", "headers": { "x-a": "b" }, "body": "thanks" } ] });
        assert_eq!(problems(long), "");
        let wrong = |answer: serde_json::Value| {
            serde_json::from_value::<CallbackConfig>(json!({ "answers": [answer] }))
                .unwrap_err()
                .to_string()
        };
        assert!(wrong(json!("closed")).contains("`close`"));
        assert!(wrong(json!({ "statsu": 200 })).contains("statsu"));
        let bad = problems(json!({ "answers": [{ "delay": "5m" }, { "headers": { "a b": "c" } }] }));
        assert!(bad.contains("a delay of 300s") && bad.contains("`a b`"), "{bad}");
        assert!(problems(json!({ "answers": [] })).contains("empty"));
    }
}
