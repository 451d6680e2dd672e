//! Templates: compiled once, rendered strictly, within limits that name themselves.
//!
//! An undefined name is an error wherever it stands, a branch that is not taken and a lone expression included. A
//! template sees the values of its run and nothing else: no files, no other templates, no clock, no environment.

use std::io;
use std::sync::{Arc, LazyLock};

use minijinja::{Environment, Error, ErrorKind, Expression};
use serde_json::Value as Json;

use super::known::{NamePath, TextError, nearest};
use super::template_cache::Cache;
use super::template_filters::{FUEL, FUNCTIONS, OUTPUT_LIMIT, environment, over_output};
use super::template_scan::{Shape, is_plain, scan};
use super::template_values::{Roots, View, context, to_json, to_text};
use crate::model::{Fault, Reason};

static BASE: LazyLock<Environment<'static>> = LazyLock::new(environment);
static COMPILED: LazyLock<Cache<Compiled>> = LazyLock::new(Cache::new);
const NAME: &str = "template";

/// A template that has tags.
struct Compiled {
    body: Body,
    /// The dotted names that it reads, sorted.
    names: Vec<NamePath>,
}

enum Body {
    /// A lone expression, and where it begins in the source.
    Lone(Expression<'static, 'static>, usize),
    /// An environment of its own that holds the one template.
    Mixed(Box<Environment<'static>>),
}

/// The dotted names that a template reads from its run, sorted, each once; empty for a plain text.
///
/// # Errors
/// A template that does not compile or exceeds a limit, with the place inside `source`.
pub fn names(source: &str) -> Result<Vec<NamePath>, TextError> {
    if is_plain(source) {
        return Ok(Vec::new());
    }
    Ok(compiled(source)?.names.clone())
}

/// Renders to text.
pub(super) fn text(roots: &Arc<dyn Roots>, source: &str, view: View) -> Result<String, Fault> {
    if is_plain(source) {
        return Ok(source.to_owned());
    }
    let compiled = usable(roots.as_ref(), source)?;
    let values = context(Arc::clone(roots), view);
    let mut out = Bounded(Vec::new());
    match &compiled.body {
        Body::Lone(expression, at) => {
            let value = expression.eval(values).map_err(|e| fault(&e, source, *at))?;
            if value.is_undefined() {
                return Err(undefined(source));
            }
            let shown = write_value(&mut out, &value);
            shown.map_err(|e| fault(&e, source, *at))?;
        }
        Body::Mixed(env) => {
            env.get_template(NAME)
                .and_then(|template| template.render_captured_to(values, &mut out))
                .map_err(|e| if out.full() { over_output() } else { e })
                .map_err(|e| fault(&e, source, 0))?;
        }
    }
    String::from_utf8(out.0)
        .map_err(|_| Fault::new(Reason::Internal, "a template rendered to bytes that are no text"))
}

/// Renders to a value: a lone expression keeps its type.
pub(super) fn value(roots: &Arc<dyn Roots>, source: &str) -> Result<Json, Fault> {
    if is_plain(source) {
        return Ok(Json::from(source));
    }
    let compiled = usable(roots.as_ref(), source)?;
    match &compiled.body {
        Body::Lone(expression, at) => {
            let found = expression
                .eval(context(Arc::clone(roots), View::Real))
                .map_err(|e| fault(&e, source, *at))?;
            if found.is_undefined() {
                return Err(undefined(source));
            }
            to_json(&found).map_err(|e| fault(&e, source, *at))
        }
        Body::Mixed(_) => text(roots, source, View::Real).map(Json::from),
    }
}

fn compiled(source: &str) -> Result<Arc<Compiled>, TextError> {
    COMPILED.get(source, || compile(source))
}

fn compile(source: &str) -> Result<Compiled, TextError> {
    let shape = scan(source)?;
    let (body, found) = match shape {
        Shape::Lone(range) => {
            let expression = BASE
                .compile_expression_owned(source[range.clone()].to_owned())
                .map_err(|e| text_error(&e, source, range.start))?;
            let found = expression.undeclared_variables(true);
            (Body::Lone(expression, range.start), found)
        }
        Shape::Plain | Shape::Mixed => {
            let mut env = Box::new(BASE.clone());
            env.add_template_owned(NAME, source.to_owned())
                .map_err(|e| text_error(&e, source, 0))?;
            let found = env
                .get_template(NAME)
                .map_err(|e| text_error(&e, source, 0))?
                .undeclared_variables(true);
            (Body::Mixed(env), found)
        }
    };
    let mut names: Vec<NamePath> = found
        .iter()
        .filter(|name| !FUNCTIONS.contains(&name.as_str()))
        .map(|name| name.split('.').map(str::to_owned).collect())
        .collect();
    names.sort();
    Ok(Compiled { body, names })
}

/// The compiled template, once every name that it reads is known to exist.
fn usable(roots: &dyn Roots, source: &str) -> Result<Arc<Compiled>, Fault> {
    let compiled = compiled(source).map_err(|e| {
        Fault::new(
            Reason::Input,
            format!("the template `{}` does not compile: {}", cut(source), e.message),
        )
    })?;
    match compiled.names.iter().find(|path| roots.root(&path[0]).is_none()) {
        None => Ok(compiled),
        Some(path) => Err(unknown(roots, source, path)),
    }
}

fn unknown(roots: &dyn Roots, source: &str, path: &NamePath) -> Fault {
    let known = roots.names();
    let hint = nearest(&path[0], known.iter().map(String::as_str)).map_or_else(
        || format!("known here: {}", known.join(", ")),
        |meant| format!("did you mean `{meant}`?"),
    );
    Fault::new(
        Reason::Input,
        format!(
            "`{}` is undefined in the template `{}`; {hint}",
            path.join("."),
            cut(source)
        ),
    )
}

fn undefined(source: &str) -> Fault {
    Fault::new(
        Reason::Input,
        format!(
            "the template `{}` is undefined: a field that it names does not exist",
            cut(source)
        ),
    )
}

fn fault(error: &Error, source: &str, offset: usize) -> Fault {
    if error.kind() == ErrorKind::OutOfFuel {
        let message = format!(
            "the template `{}` runs past the limit of {FUEL} steps",
            cut(source)
        );
        return Fault::new(Reason::Limit, message);
    }
    let reason = if error.kind() == ErrorKind::WriteFailure {
        Reason::Limit
    } else {
        Reason::Input
    };
    let place = error
        .range()
        .and_then(|r| source.get(r.start + offset..r.end + offset))
        .filter(|at| !at.is_empty() && at.len() < source.len())
        .map_or_else(String::new, |at| format!(" at `{}`", cut(at)));
    Fault::new(
        reason,
        format!(
            "the template `{}` does not render: {}{place}",
            cut(source),
            said(error)
        ),
    )
}

fn text_error(error: &Error, source: &str, offset: usize) -> TextError {
    let range = error
        .range()
        .map(|r| r.start + offset..r.end + offset)
        .filter(|r| r.end <= source.len() && r.start <= r.end)
        .unwrap_or(0..source.len());
    TextError::new(range, said(error))
}

/// The engine's words without its picture of the source, which the caller draws better.
fn said(error: &Error) -> String {
    match error.detail() {
        Some(detail) if error.kind() == ErrorKind::UndefinedError => format!("undefined value: {detail}"),
        Some(detail) => detail.to_owned(),
        None => error.kind().to_string(),
    }
}

/// A template as messages show it.
pub(super) fn cut(source: &str) -> String {
    let line = source.escape_debug().take(121).collect::<String>();
    if line.chars().count() > 120 {
        return format!("{}…", line.chars().take(119).collect::<String>());
    }
    line
}

fn write_value(out: &mut Bounded, value: &minijinja::Value) -> Result<(), Error> {
    use io::Write as _;
    out.write_all(to_text(value)?.as_bytes())
        .map_err(|_| over_output())
}

/// Takes [`OUTPUT_LIMIT`] bytes and refuses the next.
struct Bounded(Vec<u8>);

impl Bounded {
    fn full(&self) -> bool {
        self.0.len() >= OUTPUT_LIMIT
    }
}

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = OUTPUT_LIMIT - self.0.len();
        self.0.extend_from_slice(&bytes[..bytes.len().min(room)]);
        if bytes.len() > room {
            return Err(io::Error::other("template output limit"));
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
