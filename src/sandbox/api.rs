//! The gateway's API.
//!
//! | request | answer |
//! | --- | --- |
//! | `POST /v1/messages?route=NAME` with `{ref, text, to?, webhook?}` | 202 `{id, ref, status: "queued"}`, headers `x-provider`, `x-served-by`, `x-zone`, `x-route` |
//! | `GET /v1/messages/ID` | 200 `{id, ref, route, status, provider, steps: [{step, at}]}` as the gateway says it, or 404 |
//! | `DELETE /v1/messages/ID` | 204, also where there is none |
//! | `GET /healthz` | 200 `{status: "ok", …}` with the counts |
//!
//! `ID` may be the sender's `ref` too, where that needs no percent-encoding. `route` is `default` where it is left out. What is refused is answered with
//! `{error: {code, field, message}}`.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::{Method, Request, Response, StatusCode, header};
use serde_json::{Value, json};

use super::gateway::{Gateway, Taken};
use super::message::{Invalid, NewMessage};
use super::plan::How;

/// The largest request body, in bytes.
pub const BODY_LIMIT: usize = 64 * 1024;
const BODY_TIME: Duration = Duration::from_secs(10);
/// How long a request that is never answered is kept, where the client waits on.
const NEVER: Duration = Duration::from_secs(120);

/// What becomes of a request.
pub(super) enum Answer {
    Response(Response<Full<Bytes>>),
    Reset,
}

/// Answers a request.
pub(super) async fn answer(gateway: &Arc<Gateway>, request: Request<Incoming>) -> Answer {
    let path = request.uri().path().to_owned();
    let method = request.method().clone();
    let answered = match (path.as_str(), path.strip_prefix("/v1/messages/")) {
        ("/v1/messages", _) if method == Method::POST => post(gateway, request).await,
        ("/v1/messages", _) => Err(wrong_method("POST")),
        ("/healthz", _) if method == Method::GET => Ok(health(gateway)),
        ("/healthz", _) => Err(wrong_method("GET")),
        (_, Some(key)) if !key.is_empty() && !key.contains('/') => message(gateway, &method, key),
        _ => Err(Invalid::new(404, "", format!("there is nothing at `{path}`"))),
    };
    answered.unwrap_or_else(|invalid| {
        if invalid.status < 500 {
            gateway.malformed();
        }
        Answer::Response(refusal(&invalid))
    })
}

async fn post(gateway: &Arc<Gateway>, request: Request<Incoming>) -> Result<Answer, Invalid> {
    let route = route(request.uri().query().unwrap_or_default())?;
    let body = Limited::new(request.into_body(), BODY_LIMIT).collect();
    let body = tokio::time::timeout(BODY_TIME, body).await.map_err(|_| {
        Invalid::new(
            408,
            "",
            format!("the body did not come within {} s", BODY_TIME.as_secs()),
        )
    })?;
    let body = body.map_err(|e| {
        if e.is::<LengthLimitError>() {
            return Invalid::new(413, "", format!("the body has more than {BODY_LIMIT} bytes"));
        }
        Invalid::new(400, "", format!("the body broke off: {e}"))
    })?;
    let received = gateway.clock.now();
    let message = NewMessage::read(&body.to_bytes())?;
    let taken = gateway.take(&route, message, received)?;
    let due = taken.received.after(taken.answer.after);
    tokio::select! {
        () = gateway.clock.sleep_until(due) => {}
        () = gateway.stop.cancelled() => {}
    }
    Ok(match taken.answer.how {
        How::Status(status, retry_after) => Answer::Response(taken.response(status, retry_after)),
        How::Reset => Answer::Reset,
        How::Never => {
            tokio::select! {
                () = gateway.clock.sleep(NEVER) => {}
                () = gateway.stop.cancelled() => {}
            }
            Answer::Reset
        }
    })
}

/// The route of a query string; route names need no decoding.
fn route(query: &str) -> Result<String, Invalid> {
    let mut route = None;
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=') {
            Some(("route", name)) if route.is_none() => route = Some(name.to_owned()),
            Some(("route", _)) => return Err(Invalid::new(400, "route", "`route` is given twice")),
            _ => {
                let name: String = pair
                    .split('=')
                    .next()
                    .unwrap_or_default()
                    .chars()
                    .take(64)
                    .collect();
                let message = format!("unknown query parameter `{name}`: known is `route`");
                return Err(Invalid::new(400, "", message));
            }
        }
    }
    Ok(route.unwrap_or_else(|| String::from("default")))
}

fn message(gateway: &Gateway, method: &Method, key: &str) -> Result<Answer, Invalid> {
    if method == Method::DELETE {
        gateway.delete(key);
        let mut response = Response::new(Full::default());
        *response.status_mut() = StatusCode::NO_CONTENT;
        return Ok(Answer::Response(response));
    }
    if method != Method::GET {
        return Err(wrong_method("GET, DELETE"));
    }
    let view = gateway
        .view(key)
        .ok_or_else(|| Invalid::new(404, "", format!("there is no message `{key}`")))?;
    Ok(Answer::Response(respond(200, &json!(view))))
}

fn health(gateway: &Gateway) -> Answer {
    let mut body = json!(gateway.counts());
    body["status"] = json!("ok");
    Answer::Response(respond(200, &body))
}

fn wrong_method(allowed: &'static str) -> Invalid {
    Invalid::new(405, "", format!("the method must be {allowed}"))
}

fn refusal(invalid: &Invalid) -> Response<Full<Bytes>> {
    let code = match invalid.status {
        404 => "not_found",
        405 => "wrong_method",
        408 => "too_slow",
        413 => "too_large",
        500.. => "unavailable",
        _ => "invalid",
    };
    let field = Some(invalid.field).filter(|field| !field.is_empty());
    let mut response = respond(
        invalid.status,
        &json!({ "error": { "code": code, "field": field, "message": invalid.message } }),
    );
    if let Some(allowed) = invalid.message.strip_prefix("the method must be ")
        && let Ok(value) = allowed.parse()
    {
        response.headers_mut().insert(header::ALLOW, value);
    }
    if matches!(invalid.status, 408 | 413) {
        // The rest of the body has not been read.
        response
            .headers_mut()
            .insert(header::CONNECTION, header::HeaderValue::from_static("close"));
    }
    response
}

fn respond(status: u16, body: &Value) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body.to_string())));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        header::HeaderValue::from_static("application/json"),
    );
    response
}

impl Taken {
    fn response(&self, status: u16, retry_after: Option<u64>) -> Response<Full<Bytes>> {
        let body = if status < 300 {
            json!({ "id": self.id, "ref": self.reference, "status": "queued" })
        } else {
            let code = if status == 429 { "throttled" } else { "refused" };
            let message = format!("the message was not taken ({code})");
            json!({ "error": { "code": code, "field": null, "message": message } })
        };
        let mut response = respond(status, &body);
        let served_by = format!("{}-{}", self.provider, self.node);
        let zone = self.zone.to_owned();
        let retry_after = retry_after.map(|seconds| seconds.to_string());
        let headers = [
            ("x-provider", Some(&self.provider)),
            ("x-served-by", Some(&served_by)),
            ("x-zone", Some(&zone)),
            ("x-route", Some(&self.route_taken)),
            ("retry-after", retry_after.as_ref()),
        ];
        for (name, value) in headers {
            // Routes and providers are plain names, so each is a valid value.
            if let Some(value) = value.and_then(|value| value.parse().ok()) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}
