//! JSON values as bytes and back, each value exactly the one that it was: the bits of a float, the order of keys, a
//! nesting of any depth that memory held. JSON text promises none of these.

use serde_json::{Map, Number, Value};

/// Appends values to bytes.
#[derive(Default)]
pub(super) struct Writer(pub(super) Vec<u8>);

/// Takes them off again, in the same order; `None` where the bytes are not what a [`Writer`] wrote.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

/// What a value begins with.
mod tag {
    pub(super) const NULL: u8 = 0;
    pub(super) const FALSE: u8 = 1;
    pub(super) const TRUE: u8 = 2;
    pub(super) const UNSIGNED: u8 = 3;
    pub(super) const NEGATIVE: u8 = 4;
    pub(super) const FLOAT: u8 = 5;
    pub(super) const TEXT: u8 = 6;
    pub(super) const LIST: u8 = 7;
    pub(super) const MAP: u8 = 8;
}

impl Writer {
    pub(super) fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    /// Seven bits a byte, the lowest first.
    pub(super) fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push(number.to_le_bytes()[0] | 0x80);
            number >>= 7;
        }
        self.0.push(number.to_le_bytes()[0]);
    }

    pub(super) fn length(&mut self, length: usize) {
        self.number(length as u64);
    }

    pub(super) fn signed(&mut self, number: i64) {
        self.0.extend(number.to_le_bytes());
    }

    pub(super) fn text(&mut self, text: &str) {
        self.length(text.len());
        self.0.extend(text.as_bytes());
    }

    pub(super) fn float(&mut self, float: f64) {
        self.0.extend(float.to_bits().to_le_bytes());
    }

    pub(super) fn maybe_float(&mut self, float: Option<f64>) {
        self.byte(u8::from(float.is_some()));
        if let Some(float) = float {
            self.float(float);
        }
    }

    pub(super) fn value(&mut self, value: &Value) {
        match value {
            Value::Null => self.byte(tag::NULL),
            Value::Bool(false) => self.byte(tag::FALSE),
            Value::Bool(true) => self.byte(tag::TRUE),
            Value::Number(number) => self.json_number(number),
            Value::String(text) => {
                self.byte(tag::TEXT);
                self.text(text);
            }
            Value::Array(items) => {
                self.byte(tag::LIST);
                self.length(items.len());
                items.iter().for_each(|item| self.value(item));
            }
            Value::Object(map) => {
                self.byte(tag::MAP);
                self.length(map.len());
                for (name, value) in map {
                    self.text(name);
                    self.value(value);
                }
            }
        }
    }

    fn json_number(&mut self, number: &Number) {
        if let Some(unsigned) = number.as_u64() {
            self.byte(tag::UNSIGNED);
            self.number(unsigned);
        } else if let Some(negative) = number.as_i64() {
            self.byte(tag::NEGATIVE);
            self.signed(negative);
        } else {
            self.byte(tag::FLOAT);
            // A number that is no integer is a float.
            self.float(number.as_f64().unwrap_or_default());
        }
    }
}

impl<'a> Reader<'a> {
    pub(super) fn bytes(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*taken)
    }

    pub(super) fn byte(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(super) fn number(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    /// Of things of which each takes a byte at least: so no length makes room for more than there can be.
    pub(super) fn length(&mut self) -> Option<usize> {
        let length = usize::try_from(self.number()?).ok()?;
        (length <= self.0.len()).then_some(length)
    }

    pub(super) fn signed(&mut self) -> Option<i64> {
        self.array().map(i64::from_le_bytes)
    }

    pub(super) fn text(&mut self) -> Option<String> {
        let length = self.length()?;
        std::str::from_utf8(self.bytes(length)?).ok().map(str::to_owned)
    }

    pub(super) fn float(&mut self) -> Option<f64> {
        self.array().map(|bits| f64::from_bits(u64::from_le_bytes(bits)))
    }

    pub(super) fn maybe_float(&mut self) -> Option<Option<f64>> {
        match self.byte()? {
            0 => Some(None),
            _ => self.float().map(Some),
        }
    }

    pub(super) fn value(&mut self) -> Option<Value> {
        Some(match self.byte()? {
            tag::NULL => Value::Null,
            tag::FALSE => Value::Bool(false),
            tag::TRUE => Value::Bool(true),
            tag::UNSIGNED => self.number()?.into(),
            tag::NEGATIVE => self.signed()?.into(),
            tag::FLOAT => Value::Number(Number::from_f64(self.float()?)?),
            tag::TEXT => Value::String(self.text()?),
            tag::LIST => {
                let length = self.length()?;
                Value::Array((0..length).map(|_| self.value()).collect::<Option<_>>()?)
            }
            tag::MAP => {
                let length = self.length()?;
                let mut map = Map::with_capacity(length);
                for _ in 0..length {
                    let name = self.text()?;
                    map.insert(name, self.value()?);
                }
                Value::Object(map)
            }
            _ => return None,
        })
    }
}
