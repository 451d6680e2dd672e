//! What can be written under `tls:`.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::diag::{Code, Problems};
use crate::model::Spanned;

/// Whom landfall trusts, and who it is.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "tls")]
pub struct Tls {
    /// A PEM file of the certificates that are trusted, instead of the system's. Relative to the workspace.
    #[serde(default)]
    pub ca: Option<Spanned<String>>,
    /// A PEM file with the client's certificate and what leads to its issuer, for mutual TLS. Relative to the workspace.
    #[serde(default)]
    pub cert: Option<Spanned<String>>,
    /// A PEM file with the client's key, without a password. Relative to the workspace.
    #[serde(default)]
    pub key: Option<Spanned<String>>,
    /// Takes any certificate, also an expired one and one for another host. For test systems only: it is warned of at
    /// load, and shown with every run. Default false.
    #[serde(default)]
    pub insecure: Option<Spanned<bool>>,
    /// The lowest version spoken.
    #[serde(default)]
    pub min_version: MinVersion,
}

/// The lowest TLS version spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[schemars(rename = "tls.version")]
pub enum MinVersion {
    /// TLS 1.2.
    #[default]
    #[serde(rename = "1.2")]
    V12,
    /// TLS 1.3.
    #[serde(rename = "1.3")]
    V13,
}

impl Tls {
    /// Whether any certificate is taken.
    #[must_use]
    pub fn insecure(&self) -> bool {
        self.insecure.as_ref().is_some_and(|insecure| insecure.value)
    }

    /// Says what cannot be honoured, and warns of what protects nobody. Reads no file.
    pub fn check(&self, out: &mut Problems) {
        if let (Some(one), None) | (None, Some(one)) = (&self.cert, &self.key) {
            let message = "a client certificate needs both `tls.cert` and `tls.key`";
            out.error(Code::Setting, one.span, message, "the other is missing");
        }
        let Some(insecure) = self.insecure.as_ref().filter(|insecure| insecure.value) else {
            return;
        };
        if let Some(ca) = &self.ca {
            let message = "`tls.ca` says whom to trust, and `tls.insecure` trusts anybody";
            out.error(Code::Setting, ca.span, message, "keep one of them");
        } else {
            let message = "any certificate is taken, also a thief's";
            out.warning(Code::Setting, insecure.span, message, "`insecure: true`")
                .help("name the issuer's certificate under `tls.ca` instead");
        }
    }

    /// Says where a setting has no use, since the connection is never secured.
    pub(super) fn check_unused(&self, out: &mut Problems) {
        let insecure = self.insecure.as_ref().filter(|insecure| insecure.value);
        let files = [("ca", &self.ca), ("cert", &self.cert), ("key", &self.key)];
        let given = files
            .into_iter()
            .filter_map(|(key, file)| Some((key, file.as_ref()?.span)))
            .chain(insecure.map(|insecure| ("insecure", insecure.span)));
        for (key, span) in given {
            let message = format!("`tls.{key}` has no use where the connection is not secured");
            out.error(Code::Setting, span, message, "there is no certificate")
                .help("take it out, or write `mode: starttls`");
        }
    }
}
