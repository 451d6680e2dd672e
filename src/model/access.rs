//! Who may do what on the admin surface, and how a token is kept.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What every token of the API begins with, so that scanners of leaked secrets know it.
pub const TOKEN_PREFIX: &str = "lf_";
/// What the text of a hash begins with.
const ALGORITHM: &str = "blake3:";

/// What the holder of a token may do. Each includes what stands before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// Look at everything, change nothing.
    Read,
    /// Also fire, pause, mute, mark and reload.
    Operate,
}

/// What is kept of a token of the API: its BLAKE3 digest. A token has 256 bits from the system's generator, so that
/// its digest needs no salt and no slow function: there is nothing to guess from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct AccessHash([u8; 32]);

/// The text of a token made of 32 random bytes.
#[must_use]
pub fn access_token(random: [u8; 32]) -> String {
    format!("{TOKEN_PREFIX}{}", URL_SAFE_NO_PAD.encode(random))
}

impl Access {
    /// The word of the contract.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Operate => "operate",
        }
    }
}

impl AccessHash {
    /// The digest of a token as it is presented.
    #[must_use]
    pub fn of(token: &str) -> Self {
        Self(*blake3::hash(token.as_bytes()).as_bytes())
    }

    /// The digest's bytes, to be compared in constant time.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Reads `blake3:` and 64 hexadecimal digits.
    ///
    /// # Errors
    /// What is wrong with it; where it looks like a token instead of a digest, that.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text.starts_with(TOKEN_PREFIX) {
            return Err("this is a token itself, and only its hash is kept");
        }
        let digits = text
            .strip_prefix(ALGORITHM)
            .ok_or("expected `blake3:` and 64 hexadecimal digits")?;
        blake3::Hash::from_hex(digits)
            .map(|hash| Self(*hash.as_bytes()))
            .map_err(|_| "expected 64 hexadecimal digits after `blake3:`")
    }
}

impl fmt::Display for AccessHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{ALGORITHM}{}", blake3::Hash::from_bytes(self.0).to_hex())
    }
}

impl fmt::Debug for AccessHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_reads_what_it_writes_and_refuses_the_rest() {
        let token = access_token([7; 32]);
        assert!(token.starts_with("lf_") && token.len() == 46, "{token}");
        let hash = AccessHash::of(&token);
        assert_eq!(AccessHash::parse(&hash.to_string()), Ok(hash));
        assert_ne!(hash, AccessHash::of(&access_token([8; 32])));
        assert!(AccessHash::parse(&token).unwrap_err().contains("token itself"));
        for wrong in ["", "blake3:", "blake3:00", "sha256:00", &"0".repeat(64)] {
            assert!(AccessHash::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn who_may_operate_may_read() {
        assert!(Access::Operate > Access::Read);
    }
}
