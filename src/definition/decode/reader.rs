//! The serde reader over a tree: strict about types, generous with places.

use std::cell::RefCell;
use std::collections::HashSet;

use serde::de::{Deserializer, Visitor};
use serde::forward_to_deserialize_any;

use super::access::{Entries, Items, Positioned, Variant};
use super::error::{Failure, What};
use super::{Note, NoteKind};
use crate::definition::node::{Data, Key, Node, Text};
use crate::model::{Expr, Free, Secret, Spanned, Template};

/// What one pass over a tree shares.
pub(super) struct Pass<'t> {
    /// Nodes that earlier passes found wrong: as if they were not there.
    pub(super) gone: &'t HashSet<u32>,
    /// Texts met on the way.
    pub(super) notes: RefCell<Vec<Note>>,
}

/// How a string is to be read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Plain,
    /// What came from a secret is not read as a template.
    Templated,
    /// Inside [`Free`]: a string goes on to [`Template`].
    Free,
}

/// Reads one node.
#[derive(Clone, Copy)]
pub(super) struct Reader<'t> {
    pub(super) node: &'t Node,
    pass: &'t Pass<'t>,
    mode: Mode,
}

impl<'t> Reader<'t> {
    pub(super) fn new(node: &'t Node, pass: &'t Pass<'t>) -> Self {
        Self {
            node,
            pass,
            mode: Mode::Plain,
        }
    }

    fn with(self, mode: Mode) -> Self {
        Self { mode, ..self }
    }

    fn text(&self, text: &'t Text) -> &'t str {
        match (&text.resolved, self.mode) {
            (None, _) => &text.written,
            (Some(resolved), Mode::Plain) => &resolved.plain,
            (Some(resolved), _) => &resolved.template,
        }
    }

    fn note(&self, kind: NoteKind, text: &str) {
        self.pass.notes.borrow_mut().push(Note {
            kind,
            node: self.node.id,
            span: self.node.span,
            source: text.to_owned(),
        });
    }

    fn note_plain(&self, text: &str) {
        if self.mode == Mode::Plain && (text.contains("{{") || text.contains("{%") || text.contains("{#")) {
            self.note(NoteKind::Plain, text);
        }
    }

    fn wrong<T>(&self, expected: &str) -> Result<T, Failure> {
        Err(Failure::expected(expected, self.node.id))
    }

    fn visit_map_of<V: Visitor<'t>>(
        self,
        entries: &'t [(Key, Node)],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        visitor
            .visit_map(Entries {
                entries: entries.iter(),
                value: None,
                pass: self.pass,
            })
            .map_err(|e| e.at(self.node.id, false))
    }

    /// Answers the protocol of `Spanned` and its kin.
    fn positioned<V: Visitor<'t>>(self, mode: Mode, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_seq(Positioned {
            reader: self.with(mode),
            part: 0,
        })
    }
}

impl<'t> Deserializer<'t> for Reader<'t> {
    type Error = Failure;

    fn deserialize_any<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Failure> {
        let id = self.node.id;
        let result = match &self.node.data {
            Data::Null => visitor.visit_unit(),
            Data::Bool(v) => visitor.visit_bool(*v),
            Data::Int(v) => match u64::try_from(*v) {
                Ok(v) => visitor.visit_u64(v),
                Err(_) => visitor.visit_i64(*v),
            },
            Data::UInt(v) => visitor.visit_u64(*v),
            Data::Float(v) => visitor.visit_f64(*v),
            Data::Text(_) if self.mode == Mode::Free => visitor.visit_newtype_struct(self.with(Mode::Plain)),
            Data::Text(text) => {
                let text = self.text(text);
                self.note_plain(text);
                visitor.visit_borrowed_str(text)
            }
            Data::List(items) => visitor.visit_seq(Items {
                items: items.iter(),
                pass: self.pass,
            }),
            Data::Map(entries) => self.visit_map_of(entries, visitor),
        };
        result.map_err(|e| e.at(id, false))
    }

    fn deserialize_str<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Failure> {
        match &self.node.data {
            Data::Text(_) => self.deserialize_any(visitor),
            _ => self.wrong("text"),
        }
    }

    fn deserialize_string<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Failure> {
        self.deserialize_str(visitor)
    }

    fn deserialize_char<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Failure> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bool<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Failure> {
        match &self.node.data {
            Data::Bool(_) => self.deserialize_any(visitor),
            _ => self.wrong("`true` or `false`"),
        }
    }

    fn deserialize_option<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Failure> {
        // A key with nothing after it is never taken for a key that was left out: the type inside says what is missing.
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'t>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        let id = self.node.id;
        let kind = match name {
            Spanned::<()>::NEWTYPE => {
                return self.positioned(self.mode, visitor).map_err(|e| e.at(id, false));
            }
            Free::NEWTYPE => return visitor.visit_newtype_struct(self.with(Mode::Free)),
            Template::NEWTYPE => NoteKind::Template,
            Expr::NEWTYPE => NoteKind::Expr,
            Secret::NEWTYPE => NoteKind::Secret,
            _ => return visitor.visit_newtype_struct(self).map_err(|e| e.at(id, false)),
        };
        let Data::Text(text) = &self.node.data else {
            return self.wrong(if kind == NoteKind::Expr {
                "an expression"
            } else {
                "text"
            });
        };
        self.note(kind, self.with(Mode::Templated).text(text));
        self.positioned(Mode::Templated, visitor)
            .map_err(|e| e.at(id, false))
    }

    fn deserialize_seq<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Failure> {
        match &self.node.data {
            Data::List(_) => self.deserialize_any(visitor),
            _ => self.wrong("a list"),
        }
    }

    fn deserialize_tuple<V: Visitor<'t>>(self, _: usize, visitor: V) -> Result<V::Value, Failure> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'t>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Failure> {
        match &self.node.data {
            Data::Map(_) => self.deserialize_any(visitor),
            _ => self.wrong("a mapping"),
        }
    }

    fn deserialize_struct<V: Visitor<'t>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        match &self.node.data {
            Data::Map(_) => self.deserialize_any(visitor),
            _ => self.wrong(&format!("a mapping with {}", super::listed(fields, "and"))),
        }
    }

    fn deserialize_enum<V: Visitor<'t>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        let id = self.node.id;
        let one_of = || format!("one of {}", super::listed(variants, "or"));
        match &self.node.data {
            Data::Text(text) => {
                self.note_plain(&text.written);
                visitor.visit_enum(Variant {
                    name: &text.written,
                    node: self.node,
                    value: None,
                    pass: self.pass,
                })
            }
            Data::Map(entries) => {
                let mut left = entries.iter().filter(|(_, n)| !self.pass.gone.contains(&n.id));
                match (left.next(), left.next()) {
                    (Some((key, value)), None) => visitor.visit_enum(Variant {
                        name: &key.text,
                        node: value,
                        value: Some(value),
                        pass: self.pass,
                    }),
                    _ => Err(Failure::new(What::Value(format!(
                        "exactly one kind stands here: {}",
                        one_of()
                    )))),
                }
            }
            _ => return self.wrong(&one_of()),
        }
        .map_err(|e| e.at(id, false))
    }

    fn deserialize_ignored_any<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! { <V: Visitor<'t>>
        i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 bytes byte_buf unit unit_struct identifier
    }
}
