//! `landfall.yaml`, checked.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use serde_json::{Map, Value};

use crate::definition::check;
use crate::definition::probe::{ApiToken, Otlp};
use crate::definition::raw::{RawWorkspace, StoreText};
use crate::diag::{Code, Problems};
use crate::lifecycle::schedule::Window;
use crate::model::{Span, Spanned};
use crate::store;

const LISTEN: SocketAddr = SocketAddr::V4(std::net::SocketAddrV4::new(std::net::Ipv4Addr::LOCALHOST, 4747));

/// Longer than most outcomes take, shorter than service managers wait before they kill.
const STOP_GRACE: Duration = Duration::from_secs(30);

/// What a workspace is besides its probes and channels.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) store: store::Location,
    pub(crate) retention: store::Retention,
    pub(crate) listen: SocketAddr,
    pub(crate) admin: Option<SocketAddr>,
    pub(crate) public_url: Option<String>,
    pub(crate) api_tokens: Vec<ApiToken>,
    pub(crate) proxies: Vec<IpNet>,
    pub(crate) telemetry: Option<Otlp>,
    pub(crate) trace_url: Option<String>,
    pub(crate) location: Arc<str>,
    pub(crate) stop_grace: Duration,
    pub(crate) maintenance: Vec<Window>,
    pub(crate) vars: Map<String, Value>,
    /// Names given on the command line.
    pub(crate) overridden: Vec<String>,
}

/// Checks everything of `landfall.yaml` but its channels.
pub(crate) fn settings(
    raw: &RawWorkspace,
    root: &Path,
    overrides: &[(String, String)],
    file: Span,
    problems: &mut Problems,
) -> Settings {
    check::workspace_names(raw, problems);
    for (key, time) in [
        ("within", &raw.defaults.within),
        ("grace", &raw.defaults.grace),
        ("settle", &raw.defaults.settle),
        ("timeout", &raw.defaults.timeout),
    ] {
        if let Some(time) = time {
            check::lapse(key, time, problems);
        }
    }
    let listen = raw
        .listen
        .as_ref()
        .and_then(|at| address("listen", at, problems))
        .unwrap_or(LISTEN);
    let admin = raw.admin.as_ref().and_then(|at| address("admin", at, problems));
    if let (Some(at), Some(_)) = (
        &raw.admin,
        admin.filter(|admin| *admin == listen && admin.port() != 0),
    ) {
        problems
            .error(
                Code::Setting,
                at.span,
                "`admin` is the address of `listen`",
                "two listeners cannot share it",
            )
            .help("leave `admin` out to serve both from `listen`");
    }
    Settings {
        retention: check::retention(&raw.retention, problems),
        store: store_location(raw.store.as_ref(), root),
        listen,
        admin,
        public_url: raw.public_url.as_ref().and_then(|at| public_url(at, problems)),
        api_tokens: check::tokens(&raw.api, problems),
        telemetry: check::telemetry(&raw.telemetry, problems),
        trace_url: check::trace_url(&raw.telemetry, problems),
        proxies: raw
            .proxies
            .iter()
            .filter_map(|net| proxy(net, problems))
            .collect(),
        location: raw
            .location
            .as_ref()
            .map_or("local", |at| at.value.as_str())
            .into(),
        stop_grace: raw
            .stop_grace
            .as_ref()
            .map_or(STOP_GRACE, |time| check::lapse("stop_grace", time, problems)),
        maintenance: {
            let timezone = raw.defaults.timezone.as_ref().map(|t| t.value.as_str());
            check::windows(&raw.maintenance, timezone, problems)
        },
        vars: vars(raw, overrides, file, problems),
        overridden: overrides.iter().map(|(name, _)| name.clone()).collect(),
    }
}

/// Where records are kept, by what `store` says.
pub(crate) fn store_location(store: Option<&StoreText>, root: &Path) -> store::Location {
    match store {
        Some(StoreText::Memory) => store::Location::Memory,
        Some(StoreText::Sqlite(path)) => store::Location::Sqlite(root.join(PathBuf::from(path))),
        None => store::Location::Sqlite(root.join("landfall.db")),
    }
}

fn address(key: &str, at: &Spanned<String>, problems: &mut Problems) -> Option<SocketAddr> {
    let text = at.value.replacen("localhost:", "127.0.0.1:", 1);
    let parsed = text.parse().ok();
    if parsed.is_none() {
        problems
            .error(
                Code::BadValue,
                at.span,
                format!("`{}` is no address to listen at", at.value),
                "expected an IP address and a port",
            )
            .help(format!(
                "write `{key}: 127.0.0.1:4747`, or `0.0.0.0:4747` for every interface"
            ));
    }
    parsed
}

/// An address alone is a network of one.
fn proxy(net: &Spanned<String>, problems: &mut Problems) -> Option<IpNet> {
    let text = net.value.trim();
    let parsed = text
        .parse()
        .ok()
        .or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
    let Some(parsed) = parsed else {
        let message = format!("`{}` is no address and no network", net.value);
        problems
            .error(
                Code::BadValue,
                net.span,
                message,
                "expected the address of a proxy",
            )
            .help("write `10.0.0.7`, or `10.0.0.0/8` for all that begin so");
        return None;
    };
    if parsed.prefix_len() == 0 {
        let message = format!("`{}` would believe everybody who they say they are", net.value);
        problems
            .error(Code::BadValue, net.span, message, "every address is in it")
            .help("name the proxies alone");
        return None;
    }
    Some(parsed)
}

fn public_url(at: &Spanned<String>, problems: &mut Problems) -> Option<String> {
    let parsed = public_address(&at.value);
    if parsed.is_none() {
        problems
            .error(
                Code::BadValue,
                at.span,
                format!("`{}` is no public address", at.value),
                "expected an http or https URL without credentials, query or fragment",
            )
            .help("write `public_url: https://probes.example.com`");
    }
    parsed
}

/// An address under which the outside can reach a listener, without a final slash; `None` where it cannot be one.
pub(crate) fn public_address(text: &str) -> Option<String> {
    let url = reqwest::Url::parse(text).ok()?;
    let fit = matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    fit.then(|| text.trim_end_matches('/').to_owned())
}

fn vars(
    raw: &RawWorkspace,
    overrides: &[(String, String)],
    file: Span,
    problems: &mut Problems,
) -> Map<String, Value> {
    let mut vars: Map<String, Value> = raw
        .vars
        .0
        .iter()
        .map(|(name, value)| (name.value.clone(), value.0.clone()))
        .collect();
    for (name, text) in overrides {
        check::variable(name, file, "variable given with `--var`", problems);
        match like(vars.get(name), text) {
            Ok(value) => {
                vars.insert(name.clone(), value);
            }
            Err(expected) => {
                let at = raw
                    .vars
                    .0
                    .iter()
                    .find(|(n, _)| n.value == *name)
                    .map_or(file, |(n, _)| n.span);
                problems.error(
                    Code::Override,
                    at,
                    format!("`--var {name}={text}` does not fit"),
                    format!("expected {expected}, as here"),
                );
            }
        }
    }
    vars
}

/// Reads a text as the type that a variable has; text where it has none yet.
fn like(old: Option<&Value>, text: &str) -> Result<Value, &'static str> {
    match old {
        Some(Value::Bool(_)) => text.parse().map(Value::Bool).map_err(|_| "`true` or `false`"),
        Some(Value::Number(_)) => text.parse().map(Value::Number).map_err(|_| "a number"),
        Some(Value::Array(_) | Value::Object(_)) => {
            Err("a list or mapping, which a command line cannot give")
        }
        Some(Value::String(_) | Value::Null) | None => Ok(Value::from(text)),
    }
}
