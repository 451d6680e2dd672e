//! What the reader hands to serde piece by piece: items, entries, keys, places, kinds.

use serde::de::value::{StrDeserializer, U32Deserializer};
use serde::de::{self, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::error::{Failure, What};
use super::reader::{Pass, Reader};
use crate::definition::node::{Key, Node};
use crate::model::{Span, Spanned};

pub(super) struct Items<'t> {
    pub(super) items: std::slice::Iter<'t, Node>,
    pub(super) pass: &'t Pass<'t>,
}

impl<'t> SeqAccess<'t> for Items<'t> {
    type Error = Failure;

    fn next_element_seed<S: DeserializeSeed<'t>>(&mut self, seed: S) -> Result<Option<S::Value>, Failure> {
        let Some(node) = self.items.find(|n| !self.pass.gone.contains(&n.id)) else {
            return Ok(None);
        };
        seed.deserialize(Reader::new(node, self.pass))
            .map(Some)
            .map_err(|e| e.at(node.id, false))
    }
}

pub(super) struct Entries<'t> {
    pub(super) entries: std::slice::Iter<'t, (Key, Node)>,
    pub(super) value: Option<&'t Node>,
    pub(super) pass: &'t Pass<'t>,
}

impl<'t> MapAccess<'t> for Entries<'t> {
    type Error = Failure;

    fn next_key_seed<S: DeserializeSeed<'t>>(&mut self, seed: S) -> Result<Option<S::Value>, Failure> {
        let Some((key, node)) = self.entries.find(|(_, n)| !self.pass.gone.contains(&n.id)) else {
            return Ok(None);
        };
        self.value = Some(node);
        seed.deserialize(KeyReader(key))
            .map(Some)
            .map_err(|e| e.at(node.id, true))
    }

    fn next_value_seed<S: DeserializeSeed<'t>>(&mut self, seed: S) -> Result<S::Value, Failure> {
        let node = self
            .value
            .take()
            .ok_or_else(|| Failure::new(What::Value(String::from("a value is read before its key"))))?;
        seed.deserialize(Reader::new(node, self.pass))
            .map_err(|e| e.at(node.id, false))
    }
}

/// Reads a key.
struct KeyReader<'t>(&'t Key);

impl<'t> Deserializer<'t> for KeyReader<'t> {
    type Error = Failure;

    fn deserialize_any<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_borrowed_str(&self.0.text)
    }

    fn deserialize_newtype_struct<V: Visitor<'t>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        if name == Spanned::<()>::NEWTYPE {
            return visitor.visit_seq(PositionedKey { key: self.0, part: 0 });
        }
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'t>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        visitor.visit_enum(self.0.text.as_str().into_deserializer())
    }

    forward_to_deserialize_any! { <V: Visitor<'t>>
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        seq tuple tuple_struct map struct identifier ignored_any
    }
}

/// `[file, start, end, value]` of a node.
pub(super) struct Positioned<'t> {
    pub(super) reader: Reader<'t>,
    pub(super) part: u8,
}

impl<'t> SeqAccess<'t> for Positioned<'t> {
    type Error = Failure;

    fn next_element_seed<S: DeserializeSeed<'t>>(&mut self, seed: S) -> Result<Option<S::Value>, Failure> {
        self.part += 1;
        match position(self.reader.node.span, self.part) {
            Some(number) => seed.deserialize(number).map(Some),
            None => seed.deserialize(self.reader).map(Some),
        }
    }
}

/// `[file, start, end, value]` of a key.
struct PositionedKey<'t> {
    key: &'t Key,
    part: u8,
}

impl<'t> SeqAccess<'t> for PositionedKey<'t> {
    type Error = Failure;

    fn next_element_seed<S: DeserializeSeed<'t>>(&mut self, seed: S) -> Result<Option<S::Value>, Failure> {
        self.part += 1;
        match position(self.key.span, self.part) {
            Some(number) => seed.deserialize(number).map(Some),
            None => seed.deserialize(KeyReader(self.key)).map(Some),
        }
    }
}

fn position(span: Span, part: u8) -> Option<U32Deserializer<Failure>> {
    let number = match part {
        1 => u32::from(span.file),
        2 => span.start,
        3 => span.end,
        _ => return None,
    };
    Some(number.into_deserializer())
}

/// A word or `{ kind: … }`.
pub(super) struct Variant<'t> {
    pub(super) name: &'t str,
    pub(super) node: &'t Node,
    pub(super) value: Option<&'t Node>,
    pub(super) pass: &'t Pass<'t>,
}

impl<'t> de::EnumAccess<'t> for Variant<'t> {
    type Error = Failure;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'t>>(self, seed: S) -> Result<(S::Value, Self), Failure> {
        let name: StrDeserializer<'_, Failure> = self.name.into_deserializer();
        let key = self.value.is_some();
        let variant = seed.deserialize(name).map_err(|e| e.at(self.node.id, key))?;
        Ok((variant, self))
    }
}

impl<'t> Variant<'t> {
    fn content(&self) -> Result<Reader<'t>, Failure> {
        let value = self.value.ok_or_else(|| {
            let text = format!(
                "`{}` needs its settings: write `{{ {}: {{ … }} }}`",
                self.name, self.name
            );
            Failure::new(What::Value(text)).at(self.node.id, false)
        })?;
        Ok(Reader::new(value, self.pass))
    }
}

impl<'t> de::VariantAccess<'t> for Variant<'t> {
    type Error = Failure;

    fn unit_variant(self) -> Result<(), Failure> {
        match self.value {
            None => Ok(()),
            Some(value) => Err(Failure::new(What::Value(format!(
                "`{}` has no settings: write the word alone",
                self.name
            )))
            .at(value.id, false)),
        }
    }

    fn newtype_variant_seed<S: DeserializeSeed<'t>>(self, seed: S) -> Result<S::Value, Failure> {
        let id = self.node.id;
        seed.deserialize(self.content()?).map_err(|e| e.at(id, false))
    }

    fn tuple_variant<V: Visitor<'t>>(self, _: usize, visitor: V) -> Result<V::Value, Failure> {
        self.content()?.deserialize_seq(visitor)
    }

    fn struct_variant<V: Visitor<'t>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        self.content()?.deserialize_struct("", fields, visitor)
    }
}
