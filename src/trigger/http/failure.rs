//! What went wrong, by the innermost cause that says so, and whether the request may have arrived all the same.

use std::error::Error as StdError;
use std::io;

use rustls::AlertDescription;

use super::connect::NoAddress;
use crate::model::{Fault, Reason};
use crate::tls::told;

/// Why there is no answer, and whether the peer's word rules out that it took the request.
pub(super) struct Failure {
    pub(super) fault: Fault,
    pub(super) refused: bool,
}

/// Names a client's error. `left`: the request had left.
pub(super) fn name(error: &reqwest::Error, place: &str, left: bool) -> Failure {
    let chain = causes(error);
    let last = chain
        .last()
        .map_or_else(|| error.to_string(), ToString::to_string);
    let fault = |reason, message: String| Failure {
        fault: Fault::new(reason, message),
        refused: false,
    };
    if let Some(missing) = chain.iter().find_map(|c| c.downcast_ref::<NoAddress>()) {
        return fault(Reason::Dns, missing.to_string());
    }
    if let Some(tls) = chain.iter().find_map(|c| c.downcast_ref::<rustls::Error>()) {
        return Failure {
            fault: Fault::new(Reason::Tls, format!("TLS with {place}: {}", told(tls))),
            refused: turned_away(tls),
        };
    }
    if says_turned_away(&last) {
        return Failure {
            fault: Fault::new(Reason::Tls, format!("TLS with {place}: {last}")),
            refused: true,
        };
    }
    if !left {
        return fault(Reason::Unreachable, format!("cannot connect to {place}: {last}"));
    }
    if chain.iter().any(|c| is_reset(*c)) {
        return fault(
            Reason::Reset,
            format!("{place} closed the connection before its answer was whole: {last}"),
        );
    }
    fault(
        Reason::Protocol,
        format!("{place} does not speak HTTP as it should: {last}"),
    )
}

/// The error's causes from the outside in. An IO error that wraps another passes over it when asked for its source.
fn causes(error: &reqwest::Error) -> Vec<&(dyn StdError + 'static)> {
    let mut chain = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        chain.push(cause);
        let wrapped = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = wrapped
            .map(|inner| inner as &(dyn StdError + 'static))
            .or_else(|| cause.source());
    }
    chain
}

/// Alerts by which a peer ends the handshake over our certificate. In TLS 1.3 the request has left by then, but a peer
/// that says so has read none of it (RFC 8446, section 4.4.2.4).
const TURNED_AWAY: [AlertDescription; 10] = [
    AlertDescription::CertificateRequired,
    AlertDescription::BadCertificate,
    AlertDescription::UnsupportedCertificate,
    AlertDescription::CertificateRevoked,
    AlertDescription::CertificateExpired,
    AlertDescription::CertificateUnknown,
    AlertDescription::UnknownCA,
    AlertDescription::AccessDenied,
    AlertDescription::DecryptError,
    AlertDescription::HandshakeFailure,
];

fn turned_away(error: &rustls::Error) -> bool {
    matches!(error, rustls::Error::AlertReceived(alert) if TURNED_AWAY.contains(alert))
}

/// HTTP/2 keeps only the text of an error below it.
fn says_turned_away(text: &str) -> bool {
    TURNED_AWAY
        .iter()
        .any(|alert| text == rustls::Error::AlertReceived(*alert).to_string())
}

fn is_reset(cause: &(dyn StdError + 'static)) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    let broken = |error: &io::Error| {
        matches!(
            error.kind(),
            ConnectionReset | ConnectionAborted | BrokenPipe | UnexpectedEof
        )
    };
    cause.downcast_ref::<io::Error>().is_some_and(broken)
        || cause
            .downcast_ref::<hyper::Error>()
            .is_some_and(|e| e.is_incomplete_message() || e.is_closed() || e.is_canceled())
}
