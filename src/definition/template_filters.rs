//! What templates can do to a value: a small set, each bounded in what it makes.
//!
#![doc = include_str!("reference/templates.md")]

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Kwargs, Rest, Value, ValueKind};
use minijinja::{
    AutoEscape, Environment, Error, ErrorKind, State, UndefinedBehavior, filters, functions, tests,
};
use serde_json::Value as Json;

use super::template_values::{NODES, to_json, to_text};

/// Steps of one rendering.
pub(super) const FUEL: u64 = 50_000;
/// Bytes that a rendering, or one filter in it, may make.
pub(super) const OUTPUT_LIMIT: usize = 1 << 20;

/// The names that are functions, not values.
pub(super) const FUNCTIONS: [&str; 1] = ["range"];

/// Every filter of the table above.
pub(super) const FILTERS: [&str; 23] = [
    "lower",
    "upper",
    "trim",
    "reverse",
    "replace",
    "split",
    "join",
    "first",
    "last",
    "length",
    "min",
    "max",
    "sort",
    "items",
    "round",
    "abs",
    "int",
    "float",
    "string",
    "default",
    "tojson",
    "urlencode",
    "base64",
];

/// Every test.
pub(super) const TESTS: [&str; 7] = [
    "defined", "none", "string", "number", "boolean", "sequence", "mapping",
];

/// The environment that all templates start from.
pub(super) fn environment() -> Environment<'static> {
    let mut env = Environment::empty();
    env.set_undefined_behavior(UndefinedBehavior::Strict);
    env.set_auto_escape_callback(|_| AutoEscape::None);
    // The default syntax with one change cannot fail to build.
    if let Ok(syntax) = SyntaxConfig::builder().keep_trailing_newline(true).build() {
        env.set_syntax(syntax);
    }
    env.set_fuel(Some(FUEL));
    env.set_debug(true);
    env.set_formatter(|out, _, value| out.write_str(&to_text(value)?).map_err(|_| over_output()));
    env.add_function("range", functions::range);
    add_filters(&mut env);
    env.add_test("defined", tests::is_defined);
    env.add_test("none", tests::is_none);
    env.add_test("string", tests::is_string);
    env.add_test("number", tests::is_number);
    env.add_test("boolean", tests::is_boolean);
    env.add_test("sequence", tests::is_sequence);
    env.add_test("mapping", tests::is_mapping);
    env
}

fn add_filters(env: &mut Environment<'static>) {
    env.add_filter("lower", |text: String| bounded(text.to_lowercase()));
    env.add_filter("upper", |text: String| bounded(text.to_uppercase()));
    env.add_filter("trim", |text: String| text.trim().to_owned());
    env.add_filter("reverse", filters::reverse);
    env.add_filter("replace", replace);
    env.add_filter("split", filters::split);
    env.add_filter("join", join);
    env.add_filter("first", filters::first);
    env.add_filter("last", filters::last);
    env.add_filter("length", filters::length);
    env.add_filter("min", filters::min);
    env.add_filter("max", filters::max);
    env.add_filter("sort", |state: &State, value: Value, args: Kwargs| {
        few(&value)?;
        filters::sort(state, value, args)
    });
    env.add_filter("items", filters::items);
    env.add_filter("round", filters::round);
    env.add_filter("abs", filters::abs);
    env.add_filter("int", filters::int);
    env.add_filter("float", filters::float);
    env.add_filter("string", |value: &Value| {
        to_text(value).map(Cow::into_owned).and_then(bounded)
    });
    env.add_filter("default", |state: &State, value: &Value, args: Rest<Value>| {
        filters::default(state, value, args)
    });
    env.add_filter("tojson", |value: &Value| bounded(to_json(value)?.to_string()));
    env.add_filter("urlencode", |value: &Value| bounded(urlencode(&to_json(value)?)?));
    env.add_filter("base64", |text: String| bounded(STANDARD.encode(text)));
}

fn bounded(text: String) -> Result<String, Error> {
    if text.len() > OUTPUT_LIMIT {
        return Err(over_output());
    }
    Ok(text)
}

/// The error of a text that grows past [`OUTPUT_LIMIT`].
pub(super) fn over_output() -> Error {
    Error::new(
        ErrorKind::WriteFailure,
        format!("the text grows past the template output limit of {OUTPUT_LIMIT} bytes"),
    )
}

/// Lists are sorted and written out whole: refuse what repetition has made long.
fn few(value: &Value) -> Result<(), Error> {
    match value.len() {
        Some(len) if value.kind() != ValueKind::String && len > NODES => Err(Error::new(
            ErrorKind::InvalidOperation,
            format!("a list of {len} entries is over the limit of {}", NODES),
        )),
        _ => Ok(()),
    }
}

fn replace(text: String, from: String, to: String) -> Result<String, Error> {
    let times = text.matches(&from).count();
    if text.len().saturating_add(times.saturating_mul(to.len()))
        > OUTPUT_LIMIT.saturating_add(times * from.len())
    {
        return Err(over_output());
    }
    Ok(text.replace(&from, &to))
}

fn join(value: &Value, by: Option<String>) -> Result<String, Error> {
    few(value)?;
    let by = by.unwrap_or_default();
    let mut joined = String::new();
    for (i, item) in value.try_iter()?.enumerate() {
        if i > 0 {
            joined.push_str(&by);
        }
        joined.push_str(&to_text(&item)?);
        if joined.len() > OUTPUT_LIMIT {
            return Err(over_output());
        }
    }
    Ok(joined)
}

fn urlencode(value: &Json) -> Result<String, Error> {
    match value {
        Json::Object(map) => {
            let mut query = String::new();
            for (name, value) in map.iter().filter(|(_, value)| !value.is_null()) {
                if !query.is_empty() {
                    query.push('&');
                }
                query.push_str(&percent(name));
                query.push('=');
                query.push_str(&urlencode(value)?);
            }
            Ok(query)
        }
        Json::Array(_) => Err(Error::new(
            ErrorKind::InvalidOperation,
            "a list cannot be URL-encoded; join it first",
        )),
        Json::String(text) => Ok(percent(text)),
        Json::Null => Ok(String::new()),
        other => Ok(percent(&other.to_string())),
    }
}

fn percent(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes()
        .fold(String::with_capacity(text.len()), |mut out, byte| {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                out.push(char::from(byte));
            } else {
                // Writing to a string cannot fail.
                let _infallible = write!(out, "%{byte:02X}");
            }
            out
        })
}
