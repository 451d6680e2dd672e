//! Expressions in CEL: compiled once, held to limits before they are compiled and before they are evaluated.
//!
//! A missing field means 'does not hold'. Functions beyond standard CEL: `lowerAscii()`, `upperAscii()`, `trim()`,
//! `replace(old, new)` and `split(separator)` of texts.

use std::cell::Cell;
use std::panic::catch_unwind;
use std::sync::{Arc, LazyLock};

use cel::objects::Value as CelValue;
use cel::{Context, ExecutionError, ParseErrors, Program};
use serde_json::Value as Json;

use super::expression_cost::{Loops, check, loops};
use super::expression_names::{check_functions, dotted, parts, references};
use super::expression_values::{ENV, Names};
use super::known::{NamePath, TextError, nearest};
use super::template::cut;
use super::template_cache::Cache;
use crate::model::{Fault, Reason};

/// Bytes of one expression.
pub const SOURCE_LIMIT: usize = 4_096;
/// How deep its brackets may nest.
pub const BRACKET_LIMIT: usize = 24;
/// How deep the compiled expression may nest: also a chain of operators without brackets is deep.
const DEPTH_LIMIT: usize = 48;
/// The parser needs up to 200 kB a level in a debug build and stops by itself at 96 levels (cel-rust #212, #272).
pub(super) const COMPILE_STACK: usize = 64 << 20;

static COMPILED: LazyLock<Cache<Compiled>> = LazyLock::new(Cache::new);

thread_local! {
    /// Whether the stack of this thread is large enough to compile on.
    static ROOMY: Cell<bool> = const { Cell::new(false) };
}

/// A compiled expression.
pub(super) struct Compiled {
    pub(super) program: Program,
    names: Vec<NamePath>,
    loops: Loops,
}

impl Compiled {
    /// A part of the expression as it was written, where its place is known; else the whole.
    pub(super) fn source_text(&self, part: &cel::IdedExpr, source: &str) -> String {
        if std::ptr::eq(part, self.program.expression()) {
            return source.to_owned();
        }
        if let Some(path) = dotted(part) {
            return path.join(".");
        }
        // The parser knows where a node's own mark stands, not how far its operands reach.
        let mut from = usize::MAX;
        let mut to = 0;
        let mut open = vec![part];
        while let Some(expr) = open.pop() {
            if let Some((start, stop)) = self.program.source_info().offset_for(expr.id) {
                from = from.min(start as usize);
                to = to.max(stop as usize);
            }
            open.extend(parts(expr));
        }
        source
            .get(from..to.saturating_add(1).min(source.len()))
            .unwrap_or(source)
            .to_owned()
    }
}

/// Why there is no value.
#[derive(Debug)]
pub(super) enum Miss {
    /// A field that the expression names is not there; the text says which.
    Missing(String),
    /// It cannot be evaluated.
    Fault(Fault),
}

/// The dotted names that an expression reads, sorted, each once, at their full length.
///
/// # Errors
/// An expression that is empty, does not compile, exceeds a limit or calls a function that does not exist, with the
/// place inside `source`.
pub fn names(source: &str) -> Result<Vec<NamePath>, TextError> {
    Ok(compiled(source)?.names.clone())
}

pub(super) fn compiled(source: &str) -> Result<Arc<Compiled>, TextError> {
    COMPILED.get(source, || {
        guard(source)?;
        let compiled = if ROOMY.get() {
            catch_unwind(|| compile(source))
        } else {
            compile_elsewhere(source)?
        };
        compiled.unwrap_or_else(|_| {
            Err(TextError::new(
                0..source.len(),
                "the compiler of expressions failed on this text",
            ))
        })
    })
}

/// On a stack of its own: the parser recurses, and an overflow cannot be caught.
fn compile_elsewhere(source: &str) -> Result<std::thread::Result<Result<Compiled, TextError>>, TextError> {
    let text = source.to_owned();
    let thread = std::thread::Builder::new()
        .name(String::from("expression"))
        .stack_size(COMPILE_STACK)
        .spawn(move || compile(&text))
        .map_err(|e| TextError::new(0..source.len(), format!("no thread to compile it on: {e}")))?;
    Ok(thread.join())
}

/// Runs what compiles many expressions, on a thread that has at least [`COMPILE_STACK`] left: making a thread for each
/// of them would cost more than most take to compile.
pub(super) fn with_room<T>(work: impl FnOnce() -> T) -> T {
    ROOMY.set(true);
    let done = work();
    ROOMY.set(false);
    done
}

/// What would be dangerous to compile.
fn guard(source: &str) -> Result<(), TextError> {
    if source.trim().is_empty() {
        return Err(TextError::new(0..source.len(), "the expression is empty"));
    }
    if source.len() > SOURCE_LIMIT {
        let message = format!(
            "an expression of {} bytes is over the limit of {SOURCE_LIMIT}",
            source.len()
        );
        return Err(TextError::new(0..source.len(), message));
    }
    let mut depth = 0_usize;
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in source.char_indices() {
        match (quote, c) {
            (Some(_), _) if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(mark), _) if mark == c => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            // Ternaries nest like brackets, and never close.
            (None, '(' | '[' | '{' | '?') => {
                depth += 1;
                if depth > BRACKET_LIMIT {
                    let message =
                        format!("brackets and conditions nest deeper than the limit of {BRACKET_LIMIT}");
                    return Err(TextError::new(at..at + 1, message));
                }
            }
            (None, ')' | ']' | '}') => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    Ok(())
}

fn compile(source: &str) -> Result<Compiled, TextError> {
    let program = ENV.compile(source).map_err(|e| parse_error(&e, source))?;
    let depth = depth(program.expression());
    if depth > DEPTH_LIMIT {
        let message = format!(
            "the expression nests {depth} operations deep, over the limit of {DEPTH_LIMIT}: split it"
        );
        return Err(TextError::new(0..source.len(), message));
    }
    check_functions(&program, source)?;
    let names = references(&program);
    let loops = loops(program.expression());
    Ok(Compiled {
        program,
        names,
        loops,
    })
}

fn depth(root: &cel::IdedExpr) -> usize {
    let mut deepest = 0;
    let mut open = vec![(root, 1)];
    while let Some((expr, depth)) = open.pop() {
        deepest = deepest.max(depth);
        open.extend(parts(expr).into_iter().map(|part| (part, depth + 1)));
    }
    deepest
}

/// The first error of the parser, which counts lines and characters from 1.
fn parse_error(errors: &ParseErrors, source: &str) -> TextError {
    let Some(error) = errors.errors.first() else {
        return TextError::new(0..source.len(), "the expression does not compile");
    };
    let line = usize::try_from(error.pos.0).unwrap_or(1).max(1) - 1;
    let column = usize::try_from(error.pos.1).unwrap_or(1).max(1) - 1;
    let line_start = source
        .split_inclusive('\n')
        .take(line)
        .map(str::len)
        .sum::<usize>();
    let rest = source.get(line_start..).unwrap_or("");
    let at = line_start + rest.char_indices().nth(column).map_or(rest.len(), |(at, _)| at);
    let end = at + source[at..].chars().next().map_or(0, char::len_utf8);
    let message = error
        .msg
        .lines()
        .next()
        .unwrap_or("")
        .trim_start_matches("Syntax error: ")
        .to_owned();
    TextError::new(at..end, message)
}

/// Evaluates an expression. `seen` and `extra` are bound in `names`.
pub(super) fn value(source: &str, names: &Names<'_>) -> Result<CelValue, Miss> {
    let compiled = usable(source).map_err(Miss::Fault)?;
    check(compiled.program.expression(), &compiled.loops, names)
        .map_err(|f| Miss::Fault(about(source, f.reason, &f.message)))?;
    run(compiled.program.expression(), source, names)
}

pub(super) fn usable(source: &str) -> Result<Arc<Compiled>, Fault> {
    compiled(source).map_err(|e| {
        about(
            source,
            Reason::Input,
            &format!("it does not compile: {}", e.message),
        )
    })
}

/// Evaluates a part of an expression whose whole has been checked.
pub(super) fn run(expr: &cel::IdedExpr, source: &str, names: &Names<'_>) -> Result<CelValue, Miss> {
    let mut context = Context::with_env(Arc::clone(&ENV));
    context.set_variable_resolver(names);
    CelValue::resolve(expr, &context).map_err(|error| miss(&error, expr, source, names))
}

fn miss(error: &ExecutionError, expr: &cel::IdedExpr, source: &str, names: &Names<'_>) -> Miss {
    match error {
        ExecutionError::NoSuchKey(key) => Miss::Missing(missing(expr, key, names)),
        ExecutionError::IndexOutOfBounds(index) => {
            Miss::Missing(format!("there is no entry {}", plain(index)))
        }
        ExecutionError::UndeclaredReference(name) => {
            let known = names.names();
            let hint = nearest(name, known.iter().map(String::as_str)).map_or_else(
                || format!("known here: {}", known.join(", ")),
                |meant| format!("did you mean `{meant}`?"),
            );
            Miss::Fault(about(
                source,
                Reason::Input,
                &format!("`{name}` is undefined; {hint}"),
            ))
        }
        // A field of what has no fields (null, a text, a number) is a missing field.
        ExecutionError::NoSuchOverload(overload)
            if overload.function() == "_[_]" || overload.function() == "_._" =>
        {
            first_missing(expr, names).map_or_else(
                || Miss::Fault(about(source, Reason::Input, &said(error))),
                Miss::Missing,
            )
        }
        _ => match first_missing(expr, names) {
            Some(message) if is_shape(error) => Miss::Missing(message),
            _ => Miss::Fault(about(source, Reason::Input, &said(error))),
        },
    }
}

fn is_shape(error: &ExecutionError) -> bool {
    matches!(
        error,
        ExecutionError::UnexpectedType { .. }
            | ExecutionError::NoSuchOverload(_)
            | ExecutionError::UnsupportedIndex(..)
    )
}

/// Which of the names was missing, at its full length where it is known.
fn missing(expr: &cel::IdedExpr, key: &str, names: &Names<'_>) -> String {
    first_missing(expr, names).unwrap_or_else(|| format!("`{key}` is missing"))
}

fn first_missing(expr: &cel::IdedExpr, names: &Names<'_>) -> Option<String> {
    let mut open = vec![expr];
    while let Some(expr) = open.pop() {
        match dotted(expr) {
            Some(path) if names.root(&path[0]).is_some() => {
                let there = (1..=path.len())
                    .take_while(|n| names.at_path(&path[..*n]).is_some())
                    .count();
                if there < path.len() {
                    let what = path[..=there].join(".");
                    return Some(match names.at_path(&path[..there]) {
                        Some(found) if !found.has_fields() => {
                            format!(
                                "`{what}` is missing: `{}` is {}",
                                path[..there].join("."),
                                found.kind()
                            )
                        }
                        _ => format!("`{what}` is missing"),
                    });
                }
            }
            Some(_) => {}
            None => open.extend(parts(expr).into_iter().rev()),
        }
    }
    None
}

fn about(source: &str, reason: Reason, what: &str) -> Fault {
    Fault::new(reason, format!("the expression `{}`: {what}", cut(source)))
}

/// An error in a few words: CEL's own may print whole values.
fn said(error: &ExecutionError) -> String {
    match error {
        ExecutionError::NoSuchOverload(overload) => format!(
            "`{}` does not take ({})",
            operator(overload.function()),
            overload.argument_types().join(", ")
        ),
        ExecutionError::ValuesNotComparable(a, b) => {
            format!("{} and {} cannot be compared", kind(a), kind(b))
        }
        ExecutionError::UnsupportedBinaryOperator(op, a, b) => {
            format!("`{}` does not take ({}, {})", operator(op), kind(a), kind(b))
        }
        ExecutionError::FunctionError { function, message } => format!("`{function}`: {message}"),
        ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => {
            String::from("division by zero")
        }
        ExecutionError::Overflow(op, ..) => format!("`{op}` overflows"),
        other => cut(&other.to_string()),
    }
}

/// `_==_` as people write it.
fn operator(name: &str) -> &str {
    match name {
        "@in" => "in",
        other if other.starts_with(|c: char| c.is_ascii_alphabetic()) => other,
        other => other.trim_matches('_'),
    }
}

pub(super) fn kind(value: &CelValue) -> String {
    format!("{:?}", value.type_of()).to_lowercase()
}

/// A value as people write it.
pub(super) fn plain(value: &CelValue) -> String {
    value
        .json()
        .map_or_else(|_| format!("{value:?}"), |json| json.to_string())
}

/// A value as the record keeps it.
pub(super) fn to_json(value: &CelValue, source: &str) -> Result<Json, Fault> {
    value.json().map_err(|_| {
        about(
            source,
            Reason::Input,
            &format!("a value of the type {} cannot be kept", kind(value)),
        )
    })
}
