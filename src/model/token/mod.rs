//! The run's correlation token: random symbols, a keyed check, and how it is found in what a channel delivers.

mod decode;
mod scan;

use std::fmt;
use std::hash::{Hash, Hasher};

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use scan::{scan_text, scan_value};

/// 31 symbols without look-alikes (no 0, o, 1, i, l), safe in a mail local part, URL, header and GSM-7 SMS.
const ALPHABET: &[u8; 31] = b"23456789abcdefghjkmnpqrstuvwxyz";
const DATA: usize = 17;
const CHECK: usize = 5;
const TEXT_LEN: usize = DATA + CHECK;
const UUID_LEN: usize = 36;
const DIGITS_LEN: usize = 24;
const DIGITS_DATA: usize = 16;
/// Everything up to the last group of a UUID.
const UUID_DATA: usize = 24;
/// The longest check of any format.
const CHECK_MAX: usize = 12;
/// Bytes of a token that its hash takes in.
const HASHED: usize = 16;
const HEX: &[u8; 16] = b"0123456789abcdef";
const DIGITS: &[u8; 10] = b"0123456789";

/// How a token is written. `text` carries 84 random bits; the others serve systems that constrain it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TokenFormat {
    /// 17 random symbols and 5 symbols of a keyed check.
    #[default]
    Text,
    /// A version 4 UUID whose last 48 bits are the keyed check: 74 random bits.
    Uuid,
    /// 16 random digits and 8 digits of a keyed check: 53 random bits.
    Digits,
}

/// The key of the check: one per installation, kept in its store.
#[derive(Clone)]
pub struct TokenKey([u8; 32]);

impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenKey(***)")
    }
}

/// A run's token, always in its canonical (lower-case) form.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Token {
    len: u8,
    bytes: [u8; UUID_LEN],
}

/// A token found in a payload.
pub type FoundToken = Token;

impl Token {
    /// The token as it is sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Only ASCII is ever stored.
        std::str::from_utf8(&self.bytes[..usize::from(self.len)]).unwrap_or("")
    }

    /// Takes a string that has a token's length without checking its key: for records of our own.
    #[must_use]
    pub fn from_record(text: &str) -> Option<Self> {
        matches!(text.len(), TEXT_LEN | UUID_LEN | DIGITS_LEN).then(|| Self::from_ascii(text.as_bytes()))?
    }

    fn from_ascii(text: &[u8]) -> Option<Self> {
        if !text.is_ascii() || text.len() > UUID_LEN {
            return None;
        }
        let mut bytes = [0; UUID_LEN];
        bytes[..text.len()].copy_from_slice(text);
        bytes.make_ascii_lowercase();
        Some(Self {
            len: u8::try_from(text.len()).ok()?,
            bytes,
        })
    }
}

impl Hash for Token {
    /// The first symbols alone: they are random in every format, and a map by tokens is asked for each observation.
    fn hash<H: Hasher>(&self, state: &mut H) {
        let (start, _) = self.bytes.as_chunks::<HASHED>();
        state.write(&start[0]);
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({})", self.as_str())
    }
}

impl Serialize for Token {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Token {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::from_record(&text).ok_or_else(|| serde::de::Error::custom("not a token"))
    }
}

impl TokenKey {
    /// A key from 32 secret bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The secret bytes, for the store.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Makes a token from 32 random bytes.
    #[must_use]
    pub fn issue(&self, format: TokenFormat, random: [u8; 32]) -> Token {
        let mut reader = blake3::Hasher::new().update(&random).finalize_xof();
        let mut draw = |bound: u8| symbol(&mut reader, bound);
        let mut text = Vec::with_capacity(UUID_LEN);
        match format {
            TokenFormat::Text => {
                text.extend((0..DATA).map(|_| ALPHABET[usize::from(draw(31))]));
                text.extend(&self.check(&text, ALPHABET, CHECK)[..CHECK]);
            }
            TokenFormat::Digits => {
                text.extend((0..DIGITS_DATA).map(|_| b'0' + draw(10)));
                text.extend(&self.check(&text, DIGITS, DIGITS_LEN - DIGITS_DATA)[..DIGITS_LEN - DIGITS_DATA]);
            }
            TokenFormat::Uuid => {
                for i in 0..UUID_DATA {
                    if matches!(i, 8 | 13 | 18 | 23) {
                        text.push(b'-');
                    } else if i == 14 {
                        text.push(b'4');
                    } else if i == 19 {
                        text.push(HEX[usize::from(8 + draw(4))]);
                    } else {
                        text.push(HEX[usize::from(draw(16))]);
                    }
                }
                text.extend(&self.check(&text, HEX, UUID_LEN - UUID_DATA)[..UUID_LEN - UUID_DATA]);
            }
        }
        Token::from_ascii(&text).unwrap_or(Token {
            len: 0,
            bytes: [0; UUID_LEN],
        })
    }

    /// The token, if the text has a token's shape and its check is ours. Nothing but arithmetic: a made-up token costs
    /// one keyed hash and no look into any store.
    #[must_use]
    pub fn verify(&self, text: &str) -> Option<Token> {
        let token = Token::from_record(text)?;
        let bytes = token.as_str().as_bytes();
        let (data, check, alphabet): (_, _, &[u8]) = match bytes.len() {
            TEXT_LEN => (&bytes[..DATA], &bytes[DATA..], ALPHABET),
            DIGITS_LEN => (&bytes[..DIGITS_DATA], &bytes[DIGITS_DATA..], DIGITS),
            UUID_LEN => (&bytes[..UUID_DATA], &bytes[UUID_DATA..], HEX),
            _ => return None,
        };
        if !check.iter().all(|symbol| alphabet.contains(symbol)) {
            return None;
        }
        let expected = self.check(data, alphabet, check.len());
        bool::from(subtle::ConstantTimeEq::ct_eq(&expected[..check.len()], check)).then_some(token)
    }

    /// 22 symbols that nobody can guess and that are the same each time for the same label: a part of an address that
    /// must not be found by trying. Never a token of this key.
    #[must_use]
    pub fn derive(&self, label: &str) -> String {
        let key = blake3::derive_key("landfall address part, version 1", &self.0);
        let mut reader = blake3::Hasher::new_keyed(&key)
            .update(label.as_bytes())
            .finalize_xof();
        loop {
            let mut draw = || symbol(&mut reader, 31);
            let part: String = (0..TEXT_LEN)
                .map(|_| char::from(ALPHABET[usize::from(draw())]))
                .collect();
            if self.verify(&part).is_none() {
                return part;
            }
        }
    }

    /// The keyed check of a format, `symbols` long and followed by zeros. 64 bits of the hash leave less than one part
    /// in 10^11 of bias even for eight digits.
    fn check(&self, data: &[u8], alphabet: &[u8], symbols: usize) -> [u8; CHECK_MAX] {
        let hash = blake3::keyed_hash(&self.0, data);
        let mut number = hash
            .as_bytes()
            .iter()
            .take(8)
            .fold(0_u64, |n, b| n << 8 | u64::from(*b));
        let base = alphabet.len() as u64;
        let mut check = [0; CHECK_MAX];
        for symbol in check.iter_mut().take(symbols) {
            *symbol = alphabet[usize::try_from(number % base).unwrap_or(0)];
            number /= base;
        }
        check
    }
}

/// A number below `bound`, each equally likely: bytes past the last whole multiple are drawn again.
fn symbol(reader: &mut blake3::OutputReader, bound: u8) -> u8 {
    loop {
        let mut byte = [0];
        reader.fill(&mut byte);
        if byte[0] < u8::MAX - u8::MAX % bound {
            return byte[0] % bound;
        }
    }
}
