//! What an expression refers to: names of the run, and functions, which must exist.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::LazyLock;

use cel::Program;
use cel::common::ast::{CallExpr, EntryExpr, Expr, IdedEntryExpr, IdedExpr, LiteralValue, operators};

use super::expression_values::ADDED;
use super::known::{NamePath, TextError, nearest};

/// Functions of standard CEL as landfall offers them, its macros included.
const STANDARD: [&str; 38] = [
    "size",
    "contains",
    "endsWith",
    "startsWith",
    "matches",
    "int",
    "uint",
    "double",
    "string",
    "bool",
    "bytes",
    "type",
    "dyn",
    "duration",
    "timestamp",
    "has",
    "all",
    "exists",
    "exists_one",
    "map",
    "filter",
    "getFullYear",
    "getMonth",
    "getDate",
    "getDayOfMonth",
    "getDayOfWeek",
    "getDayOfYear",
    "getHours",
    "getMinutes",
    "getSeconds",
    "getMilliseconds",
    "optional.of",
    "optional.none",
    "optional.ofNonZeroValue",
    "hasValue",
    "value",
    "or",
    "orValue",
];

/// Types, which are names that mean themselves.
const TYPES: [&str; 11] = [
    "int",
    "uint",
    "double",
    "bool",
    "string",
    "bytes",
    "list",
    "map",
    "null_type",
    "type",
    "optional_type",
];

/// Every function name, for messages and checks.
static KNOWN: LazyLock<Vec<&'static str>> = LazyLock::new(|| STANDARD.into_iter().chain(ADDED).collect());

/// The dotted names that a program reads, sorted, each once, at their full length.
pub(super) fn references(program: &Program) -> Vec<NamePath> {
    let mut found = BTreeSet::new();
    walk(program.expression(), &mut Vec::new(), &mut |name| {
        found.insert(name);
    });
    found.into_iter().collect()
}

/// Hands every free dotted name to `take`; `bound` holds the macros' own variables.
fn walk(expr: &IdedExpr, bound: &mut Vec<String>, take: &mut dyn FnMut(NamePath)) {
    if let Some(path) = dotted(expr) {
        let own = bound.contains(&path[0]) || path[0].starts_with('@');
        let is_type = path.len() == 1 && TYPES.contains(&path[0].as_str());
        if !own && !is_type {
            take(path);
        }
        return;
    }
    match &expr.expr {
        Expr::Comprehension(loop_) => {
            walk(&loop_.iter_range, bound, take);
            walk(&loop_.accu_init, bound, take);
            let before = bound.len();
            bound.push(loop_.iter_var.clone());
            bound.extend(loop_.iter_var2.clone());
            bound.push(loop_.accu_var.clone());
            walk(&loop_.loop_cond, bound, take);
            walk(&loop_.loop_step, bound, take);
            walk(&loop_.result, bound, take);
            bound.truncate(before);
        }
        _ => parts(expr).into_iter().for_each(|part| walk(part, bound, take)),
    }
}

/// The expressions that an expression is made of.
pub(super) fn parts(expr: &IdedExpr) -> Vec<&IdedExpr> {
    match &expr.expr {
        Expr::Call(call) => call.target.as_deref().into_iter().chain(&call.args).collect(),
        Expr::Comprehension(c) => vec![&c.iter_range, &c.accu_init, &c.loop_cond, &c.loop_step, &c.result],
        Expr::List(list) => list.elements.iter().collect(),
        Expr::Map(map) => map.entries.iter().flat_map(entry_parts).collect(),
        Expr::Struct(s) => s.entries.iter().flat_map(entry_parts).collect(),
        Expr::Select(select) => vec![&select.operand],
        Expr::Ident(_) | Expr::Literal(_) | Expr::Unspecified => Vec::new(),
    }
}

fn entry_parts(entry: &IdedEntryExpr) -> Vec<&IdedExpr> {
    match &entry.expr {
        EntryExpr::StructField(field) => vec![&field.value],
        EntryExpr::MapEntry(entry) => vec![&entry.key, &entry.value],
    }
}

/// `a.b.c` as its parts; anything but a name and its fields is none. A text as an index counts as a field.
pub(super) fn dotted(expr: &IdedExpr) -> Option<NamePath> {
    match &expr.expr {
        Expr::Ident(name) => Some(vec![name.trim_start_matches('.').to_owned()]),
        Expr::Select(select) => {
            let mut path = dotted(&select.operand)?;
            path.push(select.field.clone());
            Some(path)
        }
        Expr::Call(call) if call.func_name == operators::INDEX => match call.args.as_slice() {
            [
                value,
                IdedExpr {
                    expr: Expr::Literal(LiteralValue::String(field)),
                    ..
                },
            ] => {
                let mut path = dotted(value)?;
                path.push(field.inner().to_owned());
                Some(path)
            }
            _ => None,
        },
        _ => None,
    }
}

/// Refuses a call of a function that does not exist: CEL itself would tell only when it is evaluated.
pub(super) fn check_functions(program: &Program, source: &str) -> Result<(), TextError> {
    let mut open = vec![program.expression()];
    while let Some(expr) = open.pop() {
        if let Expr::Call(call) = &expr.expr
            && is_name(&call.func_name)
            && !known(call)
        {
            return Err(unknown(&call.func_name, source));
        }
        open.extend(parts(expr));
    }
    Ok(())
}

/// Operators have names such as `_==_` and `@in`.
fn is_name(function: &str) -> bool {
    function.starts_with(|c: char| c.is_ascii_alphabetic())
}

fn known(call: &CallExpr) -> bool {
    let qualified = call
        .target
        .as_ref()
        .and_then(|target| dotted(target))
        .map(|path| format!("{}.{}", path.join("."), call.func_name));
    KNOWN.contains(&call.func_name.as_str()) || qualified.is_some_and(|name| KNOWN.contains(&name.as_str()))
}

fn unknown(function: &str, source: &str) -> TextError {
    let hint = match nearest(function, KNOWN.iter().copied()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("known: {}", KNOWN.join(", ")),
    };
    TextError::new(
        call_place(function, source),
        format!("unknown function `{function}`; {hint}"),
    )
}

/// Where a function is called: the name before a bracket, outside of texts.
fn call_place(function: &str, source: &str) -> Range<usize> {
    source
        .match_indices(function)
        .map(|(at, name)| at..at + name.len())
        .find(|range| {
            let before = source[..range.start].chars().next_back();
            source[range.end..].trim_start().starts_with('(')
                && !before.is_some_and(|c| c.is_alphanumeric() || c == '_')
        })
        .unwrap_or(0..source.len())
}
