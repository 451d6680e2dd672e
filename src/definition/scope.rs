//! One run as templates and expressions see it.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::LegDef;
use crate::model::{Expr, Fault, Free, Moment, Reason, Response, RunId, Scope, Template, Token};

/// The values of one run: `token`, `run`, `tick`, `probe`, `route`, `input`, `channels`, `vars`, then `response` and
/// the captured names. Cheap to clone; extended by copying.
#[derive(Clone)]
pub struct RunScope {
    values: Arc<Map<String, Value>>,
}

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

impl RunScope {
    /// The values a run starts with. `input` is rendered here, since it may hold templates (never the other way).
    ///
    /// # Errors
    /// A template of the input that does not render.
    pub fn new(
        _leg: &Arc<LegDef>,
        _vars: &Map<String, Value>,
        _run: RunId,
        _tick: Moment,
        _token: &Token,
        _channels: Map<String, Value>,
    ) -> Result<Self, Fault> {
        Err(Fault::new(Reason::Internal, "not yet"))
    }

    /// A scope that knows `vars` alone: for channel settings.
    #[must_use]
    pub fn of_vars(vars: &Map<String, Value>) -> Self {
        let values = Map::from_iter([(String::from("vars"), Value::Object(vars.clone()))]);
        Self {
            values: Arc::new(values),
        }
    }

    /// The same with `response`.
    #[must_use]
    pub fn with_response(&self, _response: &Response) -> Self {
        self.clone()
    }

    /// The same with one more name.
    #[must_use]
    pub fn with(&self, name: &str, value: Value) -> Self {
        let mut values = Map::clone(&self.values);
        values.insert(name.to_owned(), value);
        Self {
            values: Arc::new(values),
        }
    }

    /// The value of an expression; a missing field is `None`. `extra` holds names beyond the run's own (`seen`, or
    /// the first observation of each channel by its name).
    ///
    /// # Errors
    /// An expression that fails for another reason than a missing field, or exceeds its limits.
    pub fn value(&self, _expr: &Expr, _extra: &Map<String, Value>) -> Result<Option<Value>, Fault> {
        Err(Fault::new(Reason::Internal, "not yet"))
    }

    /// Whether an expression holds of `seen`, with what to show where it does not.
    #[must_use]
    pub fn explain(&self, _expr: &Expr, _seen: &Value) -> Explained {
        Explained {
            holds: false,
            expected: String::new(),
            actual: String::new(),
        }
    }
}

impl Scope for RunScope {
    fn text(&self, _template: &Template) -> Result<String, Fault> {
        Err(Fault::new(Reason::Internal, "not yet"))
    }

    fn json(&self, _value: &Free) -> Result<Value, Fault> {
        Err(Fault::new(Reason::Internal, "not yet"))
    }

    fn holds(&self, _expr: &Expr, _seen: &Value) -> Result<bool, Fault> {
        Err(Fault::new(Reason::Internal, "not yet"))
    }

    fn pick(&self, expr: &Expr, seen: &Value) -> Result<Option<Value>, Fault> {
        let seen = Map::from_iter([(String::from("seen"), seen.clone())]);
        self.value(expr, &seen)
    }
}
