//! A run's values as CEL sees them: looked up by their dotted name, so that only what an expression reads is converted,
//! and texts are lent, not copied.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use cel::common::types::{
    CelBool, CelDouble, CelInt, CelList, CelMap, CelMapKey, CelNull, CelString, CelUInt,
};
use cel::common::value::{CowVal, Val};
use cel::context::VariableResolver;
use cel::{DeclarationError, Env, ExecutionError};
use serde_json::Value as Json;

use super::template_values::{JsonRef, Roots, Step};

/// Bytes that `replace` may make, and entries that `split` may.
pub(super) const TEXT_LIMIT: usize = 1 << 20;
pub(super) const SPLIT_LIMIT: usize = 1_000;

/// The names that landfall adds to CEL's own, all methods of texts, as the strings extension of cel-go defines them:
/// `lowerAscii()`, `upperAscii()`, `trim()`, `replace(old, new)`, `split(separator)`.
pub(super) const ADDED: [&str; 5] = ["lowerAscii", "upperAscii", "trim", "replace", "split"];

/// Standard CEL and [`ADDED`].
pub(super) static ENV: LazyLock<Arc<Env>> = LazyLock::new(|| {
    let mut env = Env::stdlib();
    let added = env.add_extension(extension);
    debug_assert!(added.is_ok(), "the added functions clash with CEL's own");
    Arc::new(env)
});

fn extension(env: &mut Env) -> Result<(), DeclarationError> {
    cel::add_member_overload!(env, fn lower_ascii: (CelString) -> CelString)?;
    cel::add_member_overload!(env, fn upper_ascii: (CelString) -> CelString)?;
    cel::add_member_overload!(env, fn trim: (CelString) -> CelString)?;
    cel::add_member_overload!(env, fn replace: (CelString, CelString, CelString) -> Result<CelString>)?;
    cel::add_member_overload!(env, fn split: (CelString, CelString) -> Result<CelList>)?;
    Ok(())
}

fn lower_ascii(this: &CelString<'_>) -> CelString<'static> {
    this.to_ascii_lowercase().into()
}

fn upper_ascii(this: &CelString<'_>) -> CelString<'static> {
    this.to_ascii_uppercase().into()
}

fn trim(this: &CelString<'_>) -> CelString<'static> {
    str::trim(this).to_owned().into()
}

fn replace(
    this: &CelString<'_>,
    old: &CelString<'_>,
    new: &CelString<'_>,
) -> Result<CelString<'static>, ExecutionError> {
    let (this, old, new): (&str, &str, &str) = (this, old, new);
    let grown = this.matches(old).count().saturating_mul(new.len());
    if this.len().saturating_add(grown) > TEXT_LIMIT {
        return Err(ExecutionError::function_error(
            "replace",
            format!("the text could grow past the limit of {TEXT_LIMIT} bytes"),
        ));
    }
    Ok(str::replace(this, old, new).into())
}

fn split(this: &CelString<'_>, separator: &CelString<'_>) -> Result<CelList<'static>, ExecutionError> {
    let (this, separator): (&str, &str) = (this, separator);
    let parts: Vec<Box<dyn Val>> = this
        .split(separator)
        .take(SPLIT_LIMIT + 1)
        .map(|part| Box::new(CelString::from(part.to_owned())) as Box<dyn Val>)
        .collect();
    if parts.len() > SPLIT_LIMIT {
        return Err(ExecutionError::function_error(
            "split",
            format!("the text has more parts than the limit of {SPLIT_LIMIT}"),
        ));
    }
    Ok(parts.into())
}

/// The names that one evaluation knows: what is bound for it alone, then the run's.
#[derive(Clone, Copy)]
pub(super) struct Names<'a> {
    pub(super) roots: &'a dyn Roots,
    /// `seen`, where there is one.
    pub(super) seen: Option<&'a Json>,
    /// Names bound for this evaluation alone.
    pub(super) extra: Option<&'a serde_json::Map<String, Json>>,
}

impl<'a> Names<'a> {
    /// The value of a first name.
    pub(super) fn root(&self, name: &str) -> Option<JsonRef<'a>> {
        match self.seen {
            Some(seen) if name == "seen" => Some(JsonRef::Value(seen)),
            _ => self
                .extra
                .and_then(|extra| extra.get(name))
                .map(JsonRef::Value)
                .or_else(|| self.roots.root(name)),
        }
    }

    /// The value at a dotted name.
    pub(super) fn at(&self, dotted: &str) -> Option<JsonRef<'a>> {
        let mut parts = dotted.split('.');
        let root = self.root(parts.next()?)?;
        parts.try_fold(root, |at, part| {
            at.step(&Step::Field(part.into())).map(JsonRef::Value)
        })
    }

    /// The value at a name in parts, which may hold dots.
    pub(super) fn at_path(&self, path: &[String]) -> Option<JsonRef<'a>> {
        let (root, rest) = path.split_first()?;
        rest.iter().try_fold(self.root(root)?, |at, part| {
            at.step(&Step::Field(part.as_str().into())).map(JsonRef::Value)
        })
    }

    /// Every first name there is.
    pub(super) fn names(&self) -> Vec<String> {
        let mut names = self.roots.names();
        names.extend(self.extra.into_iter().flat_map(|extra| extra.keys().cloned()));
        names.extend(self.seen.map(|_| String::from("seen")));
        names
    }
}

impl VariableResolver for Names<'_> {
    fn resolve<'b>(&'b self, variable: &str) -> Option<CowVal<'b, 'b>> {
        self.at(variable).map(|found| CowVal::Owned(convert(found)))
    }
}

/// JSON as CEL has it: whole numbers are `int` (`uint` past its end), others `double`.
fn convert<'v>(json: JsonRef<'v>) -> Box<dyn Val + 'v> {
    match json {
        JsonRef::Map(map) | JsonRef::Value(Json::Object(map)) => {
            let entries: HashMap<CelMapKey<'v>, Box<dyn Val + 'v>> = map
                .iter()
                .map(|(name, value)| (CelMapKey::from(name.as_str()), convert(JsonRef::Value(value))))
                .collect();
            Box::new(CelMap::from(entries))
        }
        JsonRef::Value(Json::Array(list)) => {
            let entries: Vec<Box<dyn Val + 'v>> = list.iter().map(|v| convert(JsonRef::Value(v))).collect();
            Box::new(CelList::from(entries))
        }
        JsonRef::Value(Json::String(text)) => Box::new(CelString::from(text.as_str())),
        JsonRef::Value(Json::Bool(yes)) => Box::new(CelBool::from(*yes)),
        JsonRef::Value(Json::Null) => Box::new(CelNull),
        JsonRef::Value(Json::Number(number)) => match (number.as_i64(), number.as_u64()) {
            (Some(int), _) => Box::new(CelInt::from(int)),
            (None, Some(uint)) => Box::new(CelUInt::from(uint)),
            (None, None) => Box::new(CelDouble::from(number.as_f64().unwrap_or(f64::NAN))),
        },
    }
}
