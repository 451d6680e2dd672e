//! HMAC over the algorithms that a definition may name. Which one is fixed by the definition, never by the message.

use hmac::{Hmac, KeyInit, Mac as _};
use sha1::Sha1;
use sha2::{Sha256, Sha512};

use super::Algorithm;
use crate::model::{Fault, Reason};

/// A key, ready to start from.
#[derive(Clone)]
pub(super) struct Key(Mac);

/// An HMAC under way.
#[derive(Clone)]
pub(super) enum Mac {
    Sha1(Hmac<Sha1>),
    Sha256(Hmac<Sha256>),
    Sha512(Hmac<Sha512>),
}

impl Key {
    pub(super) fn new(algorithm: Algorithm, bytes: &[u8]) -> Result<Self, Fault> {
        if bytes.is_empty() {
            return Err(Fault::new(
                Reason::Input,
                "a secret of `signature` is empty: anyone could sign; is its environment variable set?",
            ));
        }
        let mac = match algorithm {
            Algorithm::Sha1 => Hmac::new_from_slice(bytes).map(Mac::Sha1),
            Algorithm::Sha256 => Hmac::new_from_slice(bytes).map(Mac::Sha256),
            Algorithm::Sha512 => Hmac::new_from_slice(bytes).map(Mac::Sha512),
        };
        mac.map(Self).map_err(|error| {
            Fault::new(
                Reason::Input,
                format!("a secret of `signature` is no key: {error}"),
            )
        })
    }

    pub(super) fn start(&self) -> Mac {
        self.0.clone()
    }
}

impl Mac {
    pub(super) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha1(mac) => mac.update(bytes),
            Self::Sha256(mac) => mac.update(bytes),
            Self::Sha512(mac) => mac.update(bytes),
        }
    }

    pub(super) fn finish(self) -> Vec<u8> {
        match self {
            Self::Sha1(mac) => mac.finalize().into_bytes().to_vec(),
            Self::Sha256(mac) => mac.finalize().into_bytes().to_vec(),
            Self::Sha512(mac) => mac.finalize().into_bytes().to_vec(),
        }
    }
}
