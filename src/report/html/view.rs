//! What every view is given besides its data.

use crate::model::RunId;

use super::Look;

/// How a view may show text, where its links lead, and when it is shown.
pub struct View {
    /// How text from outside may be shown.
    pub look: Look,
    /// Where links lead.
    pub links: Links,
    /// When it is shown, RFC 3339 in UTC.
    pub now: String,
}

/// Where links lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Links {
    /// To other pages of the daemon.
    Site,
    /// To places in the same file; what the file does not hold has no link.
    File,
}

impl Links {
    /// One run.
    #[must_use]
    pub fn run(self, id: RunId) -> String {
        match self {
            Self::Site => format!("/runs/{id}"),
            Self::File => format!("#run-{id}"),
        }
    }

    /// One probe.
    #[must_use]
    pub fn probe(self, name: &str) -> String {
        let name = segment(name);
        match self {
            Self::Site => format!("/probes/{name}"),
            Self::File => format!("#probe-{name}"),
        }
    }

    /// The alerts, which only the daemon knows.
    #[must_use]
    pub const fn alerts(self) -> Option<&'static str> {
        match self {
            Self::Site => Some("/alerts"),
            Self::File => None,
        }
    }
}

/// A name as one segment of an address: all but unreserved characters are percent-encoded (RFC 3986, section 2.3).
#[must_use]
pub fn segment(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_segment() {
        assert_eq!(Links::Site.probe("mail/a b?é"), "/probes/mail%2Fa%20b%3F%C3%A9");
        assert_eq!(Links::File.probe("mail-1.x"), "#probe-mail-1.x");
    }
}
