//! One run as templates and expressions see it.

use std::sync::{Arc, Mutex, PoisonError};

use cel::objects::Value as CelValue;
use serde_json::{Map, Value};

use super::LegDef;
use super::expression::{self, Miss};
use super::expression_explain;
use super::expression_values::Names;
use super::template;
use super::template_url;
use super::template_values::{JsonRef, Roots, View};
use crate::model::{Expr, Fault, Free, Moment, Reason, Response, RunId, Scope, Template, Token};

pub use super::expression_explain::Explained;

/// Copies of `vars` that are kept to be shared; one workspace has one.
const VARS_KEPT: usize = 4;

/// The values of one run: `token`, `run`, `tick`, `probe`, `route`, `input`, `channels`, `vars`, then `response` and
/// the captured names. Cheap to clone and to extend: what was there is shared, never copied.
#[derive(Clone)]
pub struct RunScope {
    leg: Option<Arc<LegDef>>,
    run: Option<RunId>,
    vars: Arc<Map<String, Value>>,
    /// Everything else, the newest first.
    newest: Option<Arc<Layer>>,
}

struct Layer {
    values: Map<String, Value>,
    older: Option<Arc<Layer>>,
}

impl RunScope {
    /// The values a run starts with, [`RunScope::with_input`] among them.
    ///
    /// # Errors
    /// A template of the input that does not render.
    pub fn new(
        leg: &Arc<LegDef>,
        vars: &Map<String, Value>,
        run: RunId,
        tick: Moment,
        token: &Token,
        channels: Map<String, Value>,
    ) -> Result<Self, Fault> {
        Self::start(leg, vars, run, tick, token, channels).with_input()
    }

    /// The values a run starts with but for `input`.
    #[must_use]
    pub fn start(
        leg: &Arc<LegDef>,
        vars: &Map<String, Value>,
        run: RunId,
        tick: Moment,
        token: &Token,
        channels: Map<String, Value>,
    ) -> Self {
        let mut values = Map::new();
        values.insert("token".into(), token.as_str().into());
        values.insert("run".into(), run.to_string().into());
        values.insert("tick".into(), tick.to_rfc3339().into());
        values.insert("probe".into(), (*leg.leg.probe).into());
        values.insert("channels".into(), Value::Object(channels));
        if !leg.route.contains_key("name") {
            let mut route = leg.route.clone();
            route.insert("name".into(), (*leg.leg.route).into());
            values.insert("route".into(), Value::Object(route));
        }
        Self {
            leg: Some(Arc::clone(leg)),
            run: Some(run),
            vars: shared(vars),
            newest: None,
        }
        .over(values)
    }

    /// The same with `input`, rendered here, since it may hold templates (never the other way).
    ///
    /// # Errors
    /// A template of the input that does not render.
    pub fn with_input(&self) -> Result<Self, Fault> {
        let input = self.leg.as_ref().map(|leg| self.json(&leg.input)).transpose()?;
        Ok(self.with("input", input.unwrap_or_default()))
    }

    /// A scope that knows `vars` alone: for channel settings.
    #[must_use]
    pub fn of_vars(vars: &Map<String, Value>) -> Self {
        Self {
            leg: None,
            run: None,
            vars: shared(vars),
            newest: None,
        }
    }

    /// The value of one of the run's own names; `None` where there is none.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.layers().find_map(|layer| layer.values.get(name))
    }

    /// The same with `response`.
    #[must_use]
    pub fn with_response(&self, response: &Response) -> Self {
        let headers = response
            .headers
            .iter()
            .map(|(name, value)| (name.to_ascii_lowercase(), Value::from(value.as_str())))
            .collect();
        let mut fields = Map::new();
        fields.insert("status".into(), response.status.into());
        fields.insert("headers".into(), Value::Object(headers));
        fields.insert("body".into(), response.body.as_str().into());
        fields.insert("json".into(), response.json.clone());
        fields.insert("seconds".into(), response.seconds.into());
        self.with("response", Value::Object(fields))
    }

    /// The same with one more name.
    #[must_use]
    pub fn with(&self, name: &str, value: Value) -> Self {
        self.over(Map::from_iter([(name.to_owned(), value)]))
    }

    /// The workspace's `vars`.
    pub(crate) const fn vars(&self) -> &Arc<Map<String, Value>> {
        &self.vars
    }

    /// The run's own values but for `vars`, each name once, as expressions see it.
    pub(crate) fn values(&self) -> Vec<(&str, &Value)> {
        let mut values: Vec<(&str, &Value)> = Vec::new();
        for (name, value) in self.layers().flat_map(|layer| &layer.values) {
            if !values.iter().any(|(known, _)| known == name) {
                values.push((name, value));
            }
        }
        values
    }

    /// The same with these names.
    pub(crate) fn with_all(&self, values: Map<String, Value>) -> Self {
        self.over(values)
    }

    fn over(&self, values: Map<String, Value>) -> Self {
        let older = self.newest.clone();
        Self {
            newest: Some(Arc::new(Layer { values, older })),
            ..self.clone()
        }
    }

    /// The value of an expression; a missing field is `None`. `extra` holds names beyond the run's own (`seen`, or
    /// the first observation of each channel by its name).
    ///
    /// # Errors
    /// An expression that fails for another reason than a missing field, or exceeds its limits.
    pub fn value(&self, expr: &Expr, extra: &Map<String, Value>) -> Result<Option<Value>, Fault> {
        let names = Names {
            roots: self,
            seen: None,
            extra: Some(extra),
        };
        match expression::value(&expr.source, &names) {
            Ok(value) => expression::to_json(&value, &expr.source).map(Some),
            Err(Miss::Missing(_)) => Ok(None),
            Err(Miss::Fault(fault)) => Err(fault),
        }
    }

    /// Whether an expression holds of `seen`, with what to show where it does not.
    #[must_use]
    pub fn explain(&self, expr: &Expr, seen: &Value) -> Explained {
        expression_explain::explain(&expr.source, &self.seeing(seen))
    }

    fn seeing<'a>(&'a self, seen: &'a Value) -> Names<'a> {
        Names {
            roots: self,
            seen: Some(seen),
            extra: None,
        }
    }

    #[cfg(test)]
    pub(super) fn shares_vars(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.vars, &other.vars)
    }

    fn as_roots(&self) -> Arc<dyn Roots> {
        Arc::new(self.clone())
    }

    fn layers(&self) -> impl Iterator<Item = &Layer> {
        std::iter::successors(self.newest.as_deref(), |layer| layer.older.as_deref())
    }
}

impl Roots for RunScope {
    fn root(&self, name: &str) -> Option<JsonRef<'_>> {
        if name == "vars" {
            return Some(JsonRef::Map(&self.vars));
        }
        self.layers()
            .find_map(|layer| layer.values.get(name))
            .map(JsonRef::Value)
            .or_else(|| {
                self.leg
                    .as_ref()
                    .filter(|_| name == "route")
                    .map(|leg| JsonRef::Map(&leg.route))
            })
    }

    fn names(&self) -> Vec<String> {
        let mut names = vec![String::from("vars")];
        names.extend(self.leg.as_ref().map(|_| String::from("route")));
        names.extend(self.layers().flat_map(|layer| layer.values.keys().cloned()));
        names.sort();
        names.dedup();
        names
    }
}

/// The workspace's `vars` behind one pointer: every run of a process is given the same, so they are copied once.
fn shared(vars: &Map<String, Value>) -> Arc<Map<String, Value>> {
    static KEPT: Mutex<Vec<Arc<Map<String, Value>>>> = Mutex::new(Vec::new());
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(found) = kept.iter().find(|kept| ***kept == *vars) {
        return Arc::clone(found);
    }
    let copy = Arc::new(vars.clone());
    if kept.len() == VARS_KEPT {
        kept.remove(0);
    }
    kept.push(Arc::clone(&copy));
    copy
}

impl Scope for RunScope {
    fn run(&self) -> Option<RunId> {
        self.run
    }

    fn text(&self, template: &Template) -> Result<String, Fault> {
        template::text(&self.as_roots(), &template.source, View::Real)
    }

    fn json(&self, value: &Free) -> Result<Value, Fault> {
        render(&self.as_roots(), value)
    }

    fn holds(&self, expr: &Expr, seen: &Value) -> Result<bool, Fault> {
        match expression::value(&expr.source, &self.seeing(seen)) {
            Ok(CelValue::Bool(holds)) => Ok(holds),
            Ok(other) => Err(Fault::new(
                Reason::Input,
                format!(
                    "the expression `{}` gave a value of the type {}: expected true or false",
                    template::cut(&expr.source),
                    expression::kind(&other)
                ),
            )),
            Err(Miss::Missing(_)) => Ok(false),
            Err(Miss::Fault(fault)) => Err(fault),
        }
    }

    fn url(&self, template: &Template) -> Result<String, Fault> {
        template_url::url(&self.as_roots(), template)
    }

    fn pick(&self, expr: &Expr, seen: &Value) -> Result<Option<Value>, Fault> {
        let seen = Map::from_iter([(String::from("seen"), seen.clone())]);
        self.value(expr, &seen)
    }
}

fn render(roots: &Arc<dyn Roots>, value: &Free) -> Result<Value, Fault> {
    Ok(match value {
        Free::Null => Value::Null,
        Free::Bool(yes) => Value::Bool(*yes),
        Free::Number(number) => Value::Number(number.clone()),
        Free::Text(template) => template::value(roots, &template.source)?,
        Free::List(items) => Value::Array(
            items
                .iter()
                .map(|item| render(roots, item))
                .collect::<Result<_, _>>()?,
        ),
        Free::Map(entries) => {
            let rendered = entries
                .iter()
                .map(|(name, value)| Ok((name.value.clone(), render(roots, value)?)))
                .collect::<Result<_, Fault>>()?;
            Value::Object(rendered)
        }
    })
}
