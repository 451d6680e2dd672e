//! What a person is told of an expression: what it expected, and what was there.

use cel::IdedExpr;
use cel::common::ast::{Expr, operators};
use cel::objects::Value as CelValue;

use super::expression::{Miss, kind, plain, run, usable, value};
use super::expression_values::Names;

/// Characters of one shown value.
const SHOWN: usize = 200;

/// What became of an expression, to be shown to a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained {
    /// Whether it held.
    pub holds: bool,
    /// What the other side of the comparison is, with its value; else the expression itself.
    pub expected: String,
    /// What was there.
    pub actual: String,
}

/// Evaluates an expression and, where it does not hold, the part of it that decided.
pub(super) fn explain(source: &str, names: &Names<'_>) -> Explained {
    let outcome = value(source, names);
    if matches!(outcome, Ok(CelValue::Bool(true))) {
        return Explained {
            holds: true,
            expected: shown(source),
            actual: String::from("true"),
        };
    }
    let failed = |actual: String| Explained {
        holds: false,
        expected: shown(source),
        actual,
    };
    let compiled = match (usable(source), outcome) {
        (Err(fault), _) | (_, Err(Miss::Fault(fault))) => return failed(shown(&fault.message)),
        (Ok(_), Ok(other)) if !matches!(other, CelValue::Bool(_)) => {
            return failed(format!("{}, which is neither true nor false", of(&other)));
        }
        (Ok(compiled), _) => compiled,
    };
    let part = failing(compiled.program.expression(), source, names);
    let text = compiled.source_text(part, source);
    Teller { source, names }.tell(part, text)
}

/// The first conjunct that does not hold, as deep as `&&` goes.
fn failing<'e>(expr: &'e IdedExpr, source: &str, names: &Names<'_>) -> &'e IdedExpr {
    match &expr.expr {
        Expr::Call(call) if call.func_name == operators::LOGICAL_AND => call
            .args
            .iter()
            .find(|part| !matches!(run(part, source, names), Ok(CelValue::Bool(true))))
            .map_or(expr, |part| failing(part, source, names)),
        _ => expr,
    }
}

struct Teller<'a> {
    source: &'a str,
    names: &'a Names<'a>,
}

impl Teller<'_> {
    fn tell(&self, part: &IdedExpr, text: String) -> Explained {
        let failed = |expected: String, actual: String| Explained {
            holds: false,
            expected,
            actual,
        };
        if let Expr::Call(call) = &part.expr {
            let function = call.func_name.as_str();
            match (call.target.as_deref(), call.args.as_slice(), word(function)) {
                (None, [left, right], Some(word)) => {
                    let expected = format!("{word}{}", self.side(right));
                    return failed(expected, self.side(left));
                }
                (Some(receiver), arguments, _) => {
                    let arguments: Vec<String> = arguments.iter().map(|a| self.side(a)).collect();
                    return failed(
                        format!("{function}({})", arguments.join(", ")),
                        self.side(receiver),
                    );
                }
                (None, [inner], _) if function == operators::LOGICAL_NOT => {
                    return failed(String::from("not to hold"), self.side(inner));
                }
                _ => {}
            }
        }
        let actual = self.side(part);
        failed(text, actual)
    }

    /// A side of a comparison: its value, or what is missing.
    fn side(&self, expr: &IdedExpr) -> String {
        match run(expr, self.source, self.names) {
            Ok(value) => of(&value),
            Err(Miss::Missing(what)) => format!("absent: {what}"),
            Err(Miss::Fault(fault)) => shown(&fault.message),
        }
    }
}

/// What stands before the expected side.
fn word(function: &str) -> Option<&'static str> {
    Some(match function {
        operators::EQUALS => "",
        operators::NOT_EQUALS => "not ",
        operators::LESS => "less than ",
        operators::LESS_EQUALS => "at most ",
        operators::GREATER => "more than ",
        operators::GREATER_EQUALS => "at least ",
        operators::IN => "one of ",
        _ => return None,
    })
}

fn of(value: &CelValue) -> String {
    match value {
        CelValue::Timestamp(_) | CelValue::Duration(_) => shown(&format!("{value:?}")),
        CelValue::Function(..) => kind(value),
        _ => shown(&plain(value)),
    }
}

/// One line of at most [`SHOWN`] characters, control characters escaped.
fn shown(text: &str) -> String {
    let mut line = String::new();
    let mut count = 0;
    for c in text.chars() {
        let escaped: String = if c.is_control()
            || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        {
            c.escape_unicode().collect()
        } else {
            c.to_string()
        };
        count += escaped.chars().count();
        if count > SHOWN {
            line.push('…');
            break;
        }
        line.push_str(&escaped);
    }
    line
}
