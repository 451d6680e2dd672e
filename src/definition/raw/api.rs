//! `api:` of `landfall.yaml`.

use schemars::JsonSchema;
use serde::Deserialize;

use super::Named;
use crate::model::{Access, Spanned};

/// Who may use the pages and the API.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawApi {
    /// Tokens by name, kept as hashes; `landfall token new` makes one. Where one is declared every call needs one.
    /// Where none is, `landfall serve` serves pages and API only to this machine.
    #[serde(default)]
    pub tokens: Named<RawApiToken>,
}

/// One token.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawApiToken {
    /// `blake3:` and 64 hexadecimal digits: the digest of the token, never the token itself.
    pub hash: Spanned<String>,
    /// `read` looks at everything; `operate` also fires, pauses, mutes, marks and reloads. Default `read`.
    #[serde(default = "read")]
    pub scope: Access,
}

const fn read() -> Access {
    Access::Read
}
