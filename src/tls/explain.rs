//! Why a handshake failed, in the words of who must do something about it.

use std::error::Error as StdError;
use std::io;

use rustls::{CertificateError, Error};

/// The words for whatever wraps an error of TLS; its own text where it wraps none.
#[must_use]
pub fn explain(error: &(dyn StdError + 'static)) -> String {
    within(error).map_or_else(|| error.to_string(), told)
}

/// The error of TLS that another wraps, if any. An IO error that wraps another passes over it when asked for its source.
#[must_use]
pub fn within<'e>(error: &'e (dyn StdError + 'static)) -> Option<&'e Error> {
    if let Some(found) = error.downcast_ref() {
        return Some(found);
    }
    let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    wrapped
        .and_then(|inner| within(inner))
        .or_else(|| error.source().and_then(within))
}

/// What people can do something about comes first, then the library's words.
#[must_use]
pub fn told(error: &Error) -> String {
    told_of(error, "`tls.ca`")
}

/// The same, where the issuer's certificate is named by another setting.
#[must_use]
pub fn told_of(error: &Error, setting: &str) -> String {
    let told = match error {
        Error::InvalidMessage(_) => "the peer does not speak TLS on this port",
        Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
            return format!(
                "the certificate is self-signed or of an unknown issuer; name the issuer's under {setting} ({error})"
            );
        }
        Error::InvalidCertificate(why) => of_certificate(why),
        _ => return error.to_string(),
    };
    format!("{told} ({error})")
}

fn of_certificate(why: &CertificateError) -> &'static str {
    match why {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "the certificate has expired",
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "the certificate is not valid yet"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "the certificate is for another host"
        }
        CertificateError::Revoked => "the certificate has been revoked",
        _ => "the certificate is not valid",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_found_in_what_wraps_it() {
        let expired = || Error::InvalidCertificate(CertificateError::Expired);
        let wrapped = io::Error::other(io::Error::new(io::ErrorKind::InvalidData, expired()));
        assert_eq!(explain(&wrapped), told(&expired()));
        assert!(told(&expired()).starts_with("the certificate has expired ("));
        assert_eq!(explain(&io::Error::other("no route")), "no route");
    }
}
