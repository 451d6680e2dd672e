//! `api:` of `landfall.yaml`, checked.

use crate::definition::probe::ApiToken;
use crate::definition::raw::RawApi;
use crate::diag::{Code, Problems};
use crate::model::AccessHash;

/// So many tokens may be declared; every call is compared with each.
const MOST: usize = 100;

/// The declared tokens whose hashes can be read.
pub(crate) fn tokens(raw: &RawApi, problems: &mut Problems) -> Vec<ApiToken> {
    let mut tokens: Vec<ApiToken> = Vec::new();
    if let Some((name, _)) = raw.tokens.0.get(MOST) {
        let what = format!("{} tokens are declared", raw.tokens.0.len());
        problems.error(Code::Setting, name.span, what, format!("{MOST} is the limit"));
    }
    for (name, token) in &raw.tokens.0 {
        super::names::dashed(name, "token", problems);
        let hash = match AccessHash::parse(&token.hash.value) {
            Ok(hash) => hash,
            Err(label) => {
                // What stands there may be the token itself, which is not repeated in a message.
                problems
                    .error(
                        Code::BadValue,
                        token.hash.span,
                        format!("`hash` of token `{}` is no hash", name.value),
                        label,
                    )
                    .help("`landfall token new` makes a token and prints the hash to write here");
                continue;
            }
        };
        if let Some(same) = tokens.iter().find(|other| other.hash == hash) {
            let what = format!("`{}` and `{}` are the same token", same.name, name.value);
            problems
                .error(
                    Code::Setting,
                    token.hash.span,
                    what,
                    "nobody could tell who called",
                )
                .help("make a token for each: `landfall token new`");
        }
        tokens.push(ApiToken {
            name: name.value.clone(),
            hash,
            access: token.scope,
        });
    }
    tokens
}
