//! AUTH PLAIN and LOGIN (RFC 4954, RFC 4616): what the client sends, and whether it is right.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use smtp_proto::{AUTH_LOGIN, AUTH_PLAIN};
use subtle::ConstantTimeEq;

use super::policy::Credentials;
use super::reply::Reply;

/// A login under way: what the client is to send next.
#[derive(Debug)]
pub(super) enum Exchange {
    Plain,
    LoginUser,
    LoginPassword(String),
}

/// What follows from a line of a login.
pub(super) enum Outcome {
    /// Say this and wait for the next line.
    Ask(Reply, Exchange),
    /// The credentials are whole; whether they are right.
    Decided(bool),
    /// The login is given up.
    Refused(Reply),
}

/// Begins a login.
pub(super) fn begin(mechanism: u64, initial: &str, credentials: &Credentials) -> Outcome {
    let exchange = match mechanism {
        AUTH_PLAIN => Exchange::Plain,
        AUTH_LOGIN => Exchange::LoginUser,
        _ => return Outcome::Refused(Reply::new(504, "5.5.4 PLAIN and LOGIN only")),
    };
    match (initial, exchange) {
        ("", Exchange::Plain) => Outcome::Ask(Reply::new(334, ""), Exchange::Plain),
        ("", _) => Outcome::Ask(Reply::new(334, STANDARD.encode("Username:")), Exchange::LoginUser),
        ("=", exchange) => next(exchange, "", credentials),
        (text, exchange) => next(exchange, text, credentials),
    }
}

/// Goes on with a login.
pub(super) fn next(exchange: Exchange, line: &str, credentials: &Credentials) -> Outcome {
    if line == "*" {
        return Outcome::Refused(Reply::new(501, "5.7.0 login cancelled"));
    }
    let Some(bytes) = STANDARD.decode(line).ok().and_then(|b| String::from_utf8(b).ok()) else {
        return Outcome::Refused(Reply::new(501, "5.5.2 expected base64"));
    };
    match exchange {
        Exchange::Plain => {
            let mut parts = bytes.split('\0');
            let (_as_whom, user, password) = (parts.next(), parts.next(), parts.next());
            match (user, password, parts.next()) {
                (Some(user), Some(password), None) => Outcome::Decided(right(credentials, user, password)),
                _ => Outcome::Refused(Reply::new(
                    501,
                    "5.5.2 expected authorization NUL user NUL password",
                )),
            }
        }
        Exchange::LoginUser => {
            let ask = Reply::new(334, STANDARD.encode("Password:"));
            Outcome::Ask(ask, Exchange::LoginPassword(bytes))
        }
        Exchange::LoginPassword(user) => Outcome::Decided(right(credentials, &user, &bytes)),
    }
}

/// Compares digests, so that neither time nor length tells how much was right.
fn right(credentials: &Credentials, user: &str, password: &str) -> bool {
    let same = |a: &str, b: &str| {
        let (a, b) = (blake3::hash(a.as_bytes()), blake3::hash(b.as_bytes()));
        a.as_bytes().ct_eq(b.as_bytes())
    };
    bool::from(same(&credentials.user, user) & same(&credentials.password, password))
}
