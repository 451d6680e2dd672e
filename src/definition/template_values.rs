//! A run's values as templates see them: looked up where they lie, copied only where they are used.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use minijinja::value::{Enumerator, Object, ObjectRepr, Value, ValueKind};
use minijinja::{Error, ErrorKind};
use serde_json::{Map, Value as Json};

/// Values that one rendered list or mapping may hold.
pub(super) const NODES: usize = 100_000;
/// How deep a rendered value may nest.
const DEPTH: usize = 64;

/// A value, or a mapping that is kept without its enum.
#[derive(Clone, Copy, Debug)]
pub(super) enum JsonRef<'a> {
    /// Any value.
    Value(&'a Json),
    /// A mapping.
    Map(&'a Map<String, Json>),
}

impl<'a> JsonRef<'a> {
    /// One field or entry.
    pub(super) fn step(self, step: &Step) -> Option<&'a Json> {
        match (self, step) {
            (Self::Map(map) | Self::Value(Json::Object(map)), Step::Field(name)) => map.get(&**name),
            (Self::Value(Json::Array(list)), Step::Place(place)) => list.get(*place),
            _ => None,
        }
    }

    /// Whether it has fields at all.
    pub(super) const fn has_fields(self) -> bool {
        matches!(self, Self::Map(_) | Self::Value(Json::Object(_)))
    }

    /// What it is, for messages.
    pub(super) const fn kind(self) -> &'static str {
        match self {
            Self::Map(_) | Self::Value(Json::Object(_)) => "a mapping",
            Self::Value(Json::Array(_)) => "a list",
            Self::Value(Json::String(_)) => "a text",
            Self::Value(Json::Number(_)) => "a number",
            Self::Value(Json::Bool(_)) => "true or false",
            Self::Value(Json::Null) => "null",
        }
    }

    /// A copy.
    pub(super) fn to_json(self) -> Json {
        match self {
            Self::Value(value) => value.clone(),
            Self::Map(map) => Json::Object(map.clone()),
        }
    }
}

/// One step into a value.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Field(Arc<str>),
    Place(usize),
}

/// Where values come from, by their first name.
pub(super) trait Roots: Send + Sync {
    /// The value of a name.
    fn root(&self, name: &str) -> Option<JsonRef<'_>>;
    /// Every name there is.
    fn names(&self) -> Vec<String>;
}

/// How values are shown to a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum View {
    /// As they are.
    Real,
    /// All but `vars` and `route` replaced by a placeholder of the same shape (rule S15).
    Masked,
}

/// What stands for a foreign text in a masked view.
pub(super) const PLACEHOLDER: &str = "landfall-placeholder";

/// The names of a run, as the object that a template is rendered with.
pub(super) fn context(roots: Arc<dyn Roots>, view: View) -> Value {
    Value::from_object(Names { roots, view })
}

struct Names {
    roots: Arc<dyn Roots>,
    view: View,
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the run's values")
    }
}

impl Object for Names {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        let masked = self.view == View::Masked && !matches!(key, "vars" | "route");
        let node = Node {
            roots: Arc::clone(&self.roots),
            masked,
            root: key.into(),
            path: Vec::new(),
        };
        let found = self.roots.root(key)?;
        Some(match found {
            JsonRef::Value(value) => node.value(value),
            JsonRef::Map(_) => Value::from_object(node),
        })
    }
}

/// A list or mapping inside the run's values, named by its way from the root.
#[derive(Clone)]
struct Node {
    roots: Arc<dyn Roots>,
    masked: bool,
    root: Arc<str>,
    path: Vec<Step>,
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.json().map(JsonRef::to_json).unwrap_or_default())
    }
}

impl Node {
    fn json(&self) -> Option<JsonRef<'_>> {
        let root = self.roots.root(&self.root)?;
        self.path
            .iter()
            .try_fold(root, |at, step| at.step(step).map(JsonRef::Value))
    }

    fn child(&self, step: Step) -> Option<Value> {
        let value = self.json()?.step(&step)?;
        let mut path = Vec::with_capacity(self.path.len() + 1);
        path.extend_from_slice(&self.path);
        path.push(step);
        let node = Self {
            path,
            ..self.clone_root()
        };
        Some(node.value(value))
    }

    fn clone_root(&self) -> Self {
        Self {
            roots: Arc::clone(&self.roots),
            masked: self.masked,
            root: Arc::clone(&self.root),
            path: Vec::new(),
        }
    }

    /// The value at this node: itself where it has parts, else what it is.
    fn value(self, json: &Json) -> Value {
        match json {
            Json::Object(_) | Json::Array(_) => Value::from_object(self),
            scalar if self.masked => mask(scalar),
            Json::String(text) => Value::from(text.as_str()),
            Json::Number(number) => number_value(number),
            Json::Bool(yes) => Value::from(*yes),
            Json::Null => Value::from(()),
        }
    }
}

/// A number that no port is, and a text that no host is.
fn mask(scalar: &Json) -> Value {
    match scalar {
        Json::String(_) => Value::from(PLACEHOLDER),
        Json::Number(_) => Value::from(-1),
        // Turned round and made something, so that a choice which rests on them shows.
        Json::Bool(yes) => Value::from(!yes),
        _ => Value::from(PLACEHOLDER),
    }
}

fn number_value(number: &serde_json::Number) -> Value {
    number
        .as_i64()
        .map(Value::from)
        .or_else(|| number.as_u64().map(Value::from))
        .or_else(|| number.as_f64().map(Value::from))
        .unwrap_or_default()
}

impl Object for Node {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        match self.json() {
            Some(JsonRef::Value(Json::Array(_))) => ObjectRepr::Seq,
            _ => ObjectRepr::Map,
        }
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        match key.as_str() {
            Some(name) => self.child(Step::Field(name.into())),
            None => self.child(Step::Place(key.as_usize()?)),
        }
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        self.child(Step::Field(key.into()))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        match self.json() {
            // How often a loop runs is a foreign value too.
            _ if self.masked => Enumerator::Empty,
            Some(JsonRef::Value(Json::Array(list))) => Enumerator::Seq(list.len()),
            Some(JsonRef::Map(map) | JsonRef::Value(Json::Object(map))) => {
                Enumerator::Values(map.keys().map(|key| Value::from(key.as_str())).collect())
            }
            _ => Enumerator::Empty,
        }
    }
}

/// How a value stands in a text: a text as it is, everything else as JSON.
pub(super) fn to_text(value: &Value) -> Result<Cow<'_, str>, Error> {
    match value.as_str() {
        Some(text) => Ok(Cow::Borrowed(text)),
        None => Ok(Cow::Owned(to_json(value)?.to_string())),
    }
}

/// What a template's value is in JSON. Undefined, at any depth, is an error.
pub(super) fn to_json(value: &Value) -> Result<Json, Error> {
    let mut left = NODES;
    convert(value, &mut left, DEPTH)
}

fn convert(value: &Value, left: &mut usize, depth: usize) -> Result<Json, Error> {
    let invalid = |message: String| Error::new(ErrorKind::InvalidOperation, message);
    *left = left
        .checked_sub(1)
        .ok_or_else(|| invalid(format!("the value has more than {NODES} entries, the limit")))?;
    if let Some(node) = value.downcast_object_ref::<Node>()
        && !node.masked
    {
        return Ok(node.json().map(JsonRef::to_json).unwrap_or_default());
    }
    let inner = depth
        .checked_sub(1)
        .ok_or_else(|| invalid(format!("the value nests deeper than {DEPTH}, the limit")))?;
    match value.kind() {
        ValueKind::Undefined => Err(Error::new(ErrorKind::UndefinedError, "the value is undefined")),
        ValueKind::None => Ok(Json::Null),
        ValueKind::Bool => Ok(Json::Bool(value.is_true())),
        ValueKind::Number => {
            number_json(value).ok_or_else(|| invalid(format!("`{value}` is no number that JSON can hold")))
        }
        ValueKind::String => Ok(Json::from(value.as_str().unwrap_or_default())),
        ValueKind::Seq | ValueKind::Iterable => {
            let mut list = Vec::new();
            for item in value.try_iter()? {
                list.push(convert(&item, left, inner)?);
            }
            Ok(Json::Array(list))
        }
        ValueKind::Map => {
            let mut map = Map::new();
            for key in value.try_iter()? {
                let entry = value.get_item(&key)?;
                let name = key.as_str().map_or_else(|| key.to_string(), str::to_owned);
                map.insert(name, convert(&entry, left, inner)?);
            }
            Ok(Json::Object(map))
        }
        other => Err(invalid(format!("a value of the kind {other} cannot be sent"))),
    }
}

fn number_json(value: &Value) -> Option<Json> {
    if value.is_integer() {
        return i64::try_from(value.clone())
            .map(Json::from)
            .or_else(|_| u64::try_from(value.clone()).map(Json::from))
            .ok();
    }
    f64::try_from(value.clone())
        .ok()
        .and_then(serde_json::Number::from_f64)
        .map(Json::Number)
}
