//! What the types of the settings cannot express.

use std::collections::BTreeSet;

use super::config::{Auth, HttpConfig, Part};
use super::request;
use crate::diag::{Code, Problems};
use crate::model::Span;

/// Most redirects that can be asked for.
const REDIRECTS_LIMIT: u8 = 5;
/// Most bytes of an answer that can be asked for.
pub(super) const BODY_LIMIT: u32 = 64 << 20;

/// Every problem, with its place.
pub(super) fn check(config: &HttpConfig, out: &mut Problems) {
    let span = config.url.span;
    let bodies = config.bodies();
    if bodies.len() > 1 {
        let message = format!(
            "a request has one body, and this one has {}",
            bodies.join(" and ")
        );
        let help = "keep one of `json`, `form`, `body`, `multipart`";
        out.error(Code::Setting, span, message, help);
    }
    if let Some(method) = config.method.as_ref() {
        match request::method(&method.value) {
            Err(fault) => {
                let help = "expected a word such as GET, POST or DELETE";
                out.error(Code::Setting, method.span, fault.message, help);
            }
            Ok(reqwest::Method::CONNECT) => {
                let message = "`CONNECT` asks for a tunnel, and there is nothing to send through it";
                out.error(
                    Code::Setting,
                    method.span,
                    message,
                    "use `proxy` to go through one",
                );
            }
            Ok(_) => {}
        }
    }
    if let Some(redirects) = config.redirects.as_ref().filter(|r| r.value > REDIRECTS_LIMIT) {
        let message = format!("`redirects: {}` is more than can be followed", redirects.value);
        out.error(Code::Setting, redirects.span, message, "expected 0 to 5");
    }
    if let Some(limit) = config.body_limit.as_ref().filter(|l| l.value > BODY_LIMIT) {
        let message = format!(
            "`body_limit: {}` is more than can be kept of an answer",
            limit.value
        );
        out.error(
            Code::Setting,
            limit.span,
            message,
            format!("expected at most {BODY_LIMIT}"),
        );
    }
    if config.timeout.0.is_zero() {
        let message = "with `timeout: 0s` nothing can ever answer";
        out.error(Code::Setting, span, message, "expected a duration such as 5s");
    }
    check_headers(config, out);
    config.tls.check(out);
    for part in config.multipart.iter().flatten() {
        check_part(part, span, out);
    }
}

fn check_headers(config: &HttpConfig, out: &mut Problems) {
    let mut seen = BTreeSet::new();
    for (name, value) in &config.headers {
        let lower = name.to_ascii_lowercase();
        let wrong = if let Err(fault) = request::header_name(name) {
            Some((fault.message, "expected letters, digits and dashes"))
        } else if matches!(lower.as_str(), "content-length" | "transfer-encoding") {
            let message = format!("`{name}` follows from the body and cannot be set");
            Some((message, "leave it out"))
        } else if lower == "authorization" && config.auth.is_some() {
            let message = String::from("the request has both `auth` and an `authorization` header");
            Some((message, "keep one of them"))
        } else if !seen.insert(lower) {
            let message = format!("header `{name}` is given twice, in different spelling");
            Some((message, "header names are the same in any case"))
        } else {
            None
        };
        if let Some((message, help)) = wrong {
            out.error(Code::Setting, value.span, message, help);
        }
    }
    if let Some(Auth::Basic(basic)) = &config.auth
        && basic.user.source.contains(':')
        && !basic.user.source.contains("{{")
    {
        let message = "`auth.basic.user` holds a colon, which would end it";
        out.error(
            Code::Setting,
            basic.user.span,
            message,
            "expected a user without a colon",
        );
    }
    if let Some(proxy) = config.proxy.as_ref().filter(|p| p.0.source.contains("{{")) {
        let message = "`proxy` is one for all runs and takes no template";
        out.error(
            Code::Setting,
            proxy.0.span,
            message,
            "write it out, or use `${env:NAME}`",
        );
    }
}

fn check_part(part: &Part, span: Span, out: &mut Problems) {
    if part.text.is_some() == part.file.is_some() {
        let given = if part.text.is_some() { "both" } else { "neither" };
        let message = format!(
            "part `{}` of `multipart` has {given} of `text` and `file`",
            part.name
        );
        let at = part.text.as_ref().map_or(span, |text| text.span);
        out.error(Code::Setting, at, message, "expected one of them");
    }
    if let Some(kind) = &part.content_type
        && reqwest::multipart::Part::text("").mime_str(kind).is_err()
    {
        let message = format!("`{kind}` is no content type");
        out.error(Code::Setting, span, message, "expected one such as text/csv");
    }
}
