//! What an author writes inside values: templates, expressions, secrets, free values; each knows its place.
//!
//! These types only hold the text. Decoding goes through named newtypes (`NEWTYPE`) by which the definition reader
//! hands in positions and notes every template and expression it meets; rendering and evaluating is what a
//! [`Scope`] does, so that a kind needs to know neither engine.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::Fault;

/// A place in a file: byte offsets into it. `file` indexes the workspace's list of sources.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Span {
    /// Which source.
    pub file: u16,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// The very start of a source: the place of what concerns a file as a whole.
    pub const fn start_of(file: u16) -> Self {
        Self {
            file,
            start: 0,
            end: 0,
        }
    }
}

/// A value with its place.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub span: Span,
}

impl<T> Spanned<T> {
    /// The newtype name by which a reader that knows positions recognises the type. It answers `visit_seq` with
    /// `[file, start, end, value]`.
    pub const NEWTYPE: &'static str = "$landfall::Spanned";

    /// A value at a place.
    pub const fn new(value: T, span: Span) -> Self {
        Self { value, span }
    }
}

impl<T> std::ops::Deref for Spanned<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.value
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Spanned<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserialize_at(deserializer, Self::NEWTYPE)
    }
}

/// Decodes by the protocol of [`Spanned::NEWTYPE`]; a reader without positions gives the value alone.
fn deserialize_at<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
    newtype: &'static str,
) -> Result<Spanned<T>, D::Error> {
    struct At<T>(std::marker::PhantomData<T>);
    impl<'de, T: Deserialize<'de>> Visitor<'de> for At<T> {
        type Value = Spanned<T>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a value")
        }
        fn visit_newtype_struct<D: Deserializer<'de>>(
            self,
            deserializer: D,
        ) -> Result<Self::Value, D::Error> {
            Ok(Spanned::new(T::deserialize(deserializer)?, Span::default()))
        }
        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
            let missing = || de::Error::custom("a position of four parts");
            let file = seq.next_element()?.ok_or_else(missing)?;
            let start = seq.next_element()?.ok_or_else(missing)?;
            let end = seq.next_element()?.ok_or_else(missing)?;
            let value = seq.next_element()?.ok_or_else(missing)?;
            Ok(Spanned::new(value, Span { file, start, end }))
        }
    }
    deserializer.deserialize_newtype_struct(newtype, At(std::marker::PhantomData))
}

/// As the value alone, so that schemas can state defaults.
impl<T: Serialize> Serialize for Spanned<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(serializer)
    }
}

impl<T: JsonSchema> JsonSchema for Spanned<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        T::schema_name()
    }
    fn schema_id() -> std::borrow::Cow<'static, str> {
        T::schema_id()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident, $newtype:literal, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
        pub struct $name {
            /// The text as written, secrets resolved.
            pub source: String,
            /// Where it stands.
            pub span: Span,
        }

        impl $name {
            /// The newtype name by which the definition reader notes every value of this type.
            pub const NEWTYPE: &'static str = $newtype;

            /// A text without a place, for tests and defaults.
            pub fn of(source: impl Into<String>) -> Self {
                Self { source: source.into(), span: Span::default() }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let at = deserialize_at::<D, String>(deserializer, Self::NEWTYPE)?;
                Ok(Self { source: at.value, span: at.span })
            }
        }

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "format": $what })
            }
        }
    };
}

text_type!(
    /// Text in which `{{ … }}` is replaced when a run fires. Undefined names are errors.
    Template, "$landfall::Template", "template"
);
text_type!(
    /// An expression in CEL.
    Expr, "$landfall::Expr", "cel"
);

/// A value that must never be shown. It may hold a template.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(pub Template);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Secret {
    /// The newtype name by which the definition reader marks the value as secret, wherever it came from.
    pub const NEWTYPE: &'static str = "$landfall::Secret";
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let at = deserialize_at::<D, String>(deserializer, Self::NEWTYPE)?;
        Ok(Self(Template {
            source: at.value,
            span: at.span,
        }))
    }
}

impl JsonSchema for Secret {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Secret".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "secret", "description": "Write it as ${env:NAME} or ${file:PATH}." })
    }
}

/// Any YAML value; strings in it are templates, and one that is a lone `{{ expression }}` keeps its type.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Free {
    /// `null`
    #[default]
    Null,
    /// `true`, `false`
    Bool(bool),
    /// A number as JSON holds it.
    Number(serde_json::Number),
    /// A string.
    Text(Template),
    /// A list.
    List(Vec<Free>),
    /// A mapping, in the order written.
    Map(Vec<(Spanned<String>, Free)>),
}

impl Free {
    /// The newtype name by which the definition reader hands strings on to [`Template`], with their places.
    pub const NEWTYPE: &'static str = "$landfall::Free";
}

impl<'de> Deserialize<'de> for Free {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Outer;
        impl<'de> Visitor<'de> for Outer {
            type Value = Free;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("any value")
            }
            fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Free, D::Error> {
                deserializer.deserialize_any(Any)
            }
        }
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Free;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("any value")
            }
            fn visit_unit<E>(self) -> Result<Free, E> {
                Ok(Free::Null)
            }
            fn visit_bool<E>(self, v: bool) -> Result<Free, E> {
                Ok(Free::Bool(v))
            }
            fn visit_i64<E>(self, v: i64) -> Result<Free, E> {
                Ok(Free::Number(v.into()))
            }
            fn visit_u64<E>(self, v: u64) -> Result<Free, E> {
                Ok(Free::Number(v.into()))
            }
            fn visit_f64<E: de::Error>(self, v: f64) -> Result<Free, E> {
                serde_json::Number::from_f64(v)
                    .map(Free::Number)
                    .ok_or_else(|| E::custom("a number that JSON can hold: neither infinite nor NaN"))
            }
            fn visit_str<E>(self, v: &str) -> Result<Free, E> {
                Ok(Free::Text(Template::of(v)))
            }
            fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Free, D::Error> {
                // A reader that knows positions hands a string on here.
                Template::deserialize(deserializer).map(Free::Text)
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Free, A::Error> {
                let mut list = Vec::new();
                while let Some(item) = seq.next_element()? {
                    list.push(item);
                }
                Ok(Free::List(list))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Free, A::Error> {
                let mut entries = Vec::new();
                while let Some(key) = map.next_key()? {
                    entries.push((key, map.next_value()?));
                }
                Ok(Free::Map(entries))
            }
        }
        deserializer.deserialize_newtype_struct(Self::NEWTYPE, Outer)
    }
}

impl JsonSchema for Free {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Free".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!(true)
    }
}

/// What gives templates and expressions their values: one run as it stands. Handed to kinds with every shot and watch.
pub trait Scope: Send + Sync {
    /// Renders a template to text.
    ///
    /// # Errors
    /// [`super::Reason::Input`] for an undefined name or a template that runs out of fuel.
    fn text(&self, template: &Template) -> Result<String, Fault>;

    /// Renders every string inside; a lone expression keeps its type.
    ///
    /// # Errors
    /// As [`Scope::text`].
    fn json(&self, value: &Free) -> Result<Value, Fault>;

    /// Evaluates an expression with `seen` bound to the given value; a missing field is `false` with its reason lost.
    ///
    /// # Errors
    /// [`super::Reason::Input`] for anything but a boolean, and where the expression exceeds its limits.
    fn holds(&self, expr: &Expr, seen: &Value) -> Result<bool, Fault>;

    /// The value of an expression with `seen` bound to the given value; a missing field is `None`.
    ///
    /// # Errors
    /// [`super::Reason::Input`] where the expression fails for another reason, exceeds its limits, or where this scope
    /// evaluates no expressions.
    fn pick(&self, expr: &Expr, _seen: &Value) -> Result<Option<Value>, Fault> {
        Err(Fault::new(
            super::Reason::Input,
            format!("`{}` cannot be evaluated here", expr.source),
        ))
    }

    /// The run that this is the scope of; none for a scope of channel settings.
    fn run(&self) -> Option<super::RunId> {
        None
    }

    /// Renders a URL. Values other than `vars` and `route` may fill its path, query and fragment only (rule S15).
    ///
    /// # Errors
    /// As [`Scope::text`], what is no absolute URL, and a value that would change its scheme, host, port or
    /// credentials. A scope that cannot tell foreign values apart refuses every template.
    fn url(&self, template: &Template) -> Result<String, Fault> {
        let text = self.text(template)?;
        if text == template.source {
            return Ok(text);
        }
        Err(Fault::new(
            super::Reason::Input,
            "the URL holds a template, and this scope cannot check where it leads",
        ))
    }

    /// The text of a secret, rendered.
    ///
    /// # Errors
    /// As [`Scope::text`].
    fn secret(&self, secret: &Secret) -> Result<String, Fault> {
        self.text(&secret.0)
    }
}
