//! Who may call the admin surface: tokens, sessions of the pages, and the checks against other sites.
//!
//! Where tokens are declared every call needs one. Where none are, only a listener that nobody but this machine
//! reaches answers ([`exposed`]), and there the `Host` of a request must be a name of this machine, so that a page of
//! another site cannot have its own name resolved to it (DNS rebinding).

mod guard;
mod origin;
mod sessions;

use std::net::SocketAddr;
use std::sync::Arc;

use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

use super::budget::Budget;
use crate::clock::{Clock, Random};
use crate::model::{Access, AccessHash};

pub(super) use guard::{Turned, cookie_name, guard_api, guard_pages, harden, session_id};
pub(super) use origin::same_site;
pub(super) use sessions::{LIFETIME, Sessions};

/// Failed attempts per second, over all sources and of each; twice as many at once.
const FAILURES: (u32, u32) = (50, 5);
/// Sources whose failed attempts are counted apart.
const SOURCES: usize = 4096;

/// A declared token.
#[derive(Clone, Debug)]
pub struct Credential {
    /// What it is called: logs, pauses and marks name it.
    pub name: String,
    /// Its digest.
    pub hash: AccessHash,
    /// What its holder may do.
    pub access: Access,
}

/// Who makes a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Caller {
    /// The token's name; `local` where none was needed.
    pub(super) name: Arc<str>,
    /// What he may do.
    pub(super) access: Access,
    /// Proves that a form was made for this caller.
    pub(super) form: String,
    /// Whether he signed in to the pages, and can sign out.
    pub(super) session: bool,
    /// Whether his pages are light or dark, where he has chosen; else they follow his system.
    pub(super) theme: Option<&'static str>,
}

/// What decides who may call.
pub(super) struct Auth {
    credentials: Vec<Credential>,
    pub(super) public_url: Option<String>,
    pub(super) sessions: Sessions,
    pub(super) clock: Arc<dyn Clock>,
    failures: Budget,
    form_key: [u8; 32],
}

/// Whether others than this machine can reach a listener: it is bound to another address than loopback, or
/// `public_url` says under which name a proxy passes requests on to it.
#[must_use]
pub fn exposed(local: SocketAddr, public_url: Option<&str>) -> bool {
    !local.ip().to_canonical().is_loopback()
        || public_url.is_some_and(|url| !origin::authority_of(url).is_some_and(origin::is_local_name))
}

impl Auth {
    pub(super) fn new(
        credentials: Vec<Credential>,
        public_url: Option<String>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Self {
        Self {
            failures: Budget::new(FAILURES.0, FAILURES.1, SOURCES, clock.now()),
            form_key: random.bytes(),
            sessions: Sessions::new(random),
            credentials,
            public_url,
            clock,
        }
    }

    /// Whether calls without a credential are answered.
    pub(super) const fn open(&self) -> bool {
        self.credentials.is_empty()
    }

    /// Whether the pages are reached over https, as far as is known.
    pub(super) fn https(&self) -> bool {
        self.public_url
            .as_ref()
            .is_some_and(|url| url.starts_with("https:"))
    }

    /// Whose token this is. Every digest is compared, and each in constant time.
    pub(super) fn credential(&self, token: &str) -> Option<&Credential> {
        let hash = AccessHash::of(token);
        let mut found = u32::MAX;
        for (n, known) in (0_u32..).zip(&self.credentials) {
            let same: Choice = known.hash.bytes().ct_eq(hash.bytes());
            found.conditional_assign(&n, same);
        }
        self.credentials.get(usize::try_from(found).ok()?)
    }

    /// Counts a failed attempt; whether it is within the budget of its source.
    pub(super) fn may_fail(&self, source: std::net::IpAddr) -> bool {
        self.failures
            .take(super::source::Source::of(source), self.clock.now())
    }

    /// The text that a form bears to prove that it was made for this session.
    pub(super) fn form_of(&self, session: &str) -> String {
        blake3::keyed_hash(&self.form_key, session.as_bytes())
            .to_hex()
            .to_string()
    }

    /// Whether a form bears that text.
    pub(super) fn form_fits(caller: &Caller, presented: &str) -> bool {
        caller.form.as_bytes().ct_eq(presented.as_bytes()).into()
    }

    /// Who calls where no credential is needed.
    fn local(&self) -> Caller {
        Caller {
            name: Arc::from("local"),
            access: Access::Operate,
            form: self.form_of("local"),
            session: false,
            theme: None,
        }
    }

    fn caller_of(&self, credential: &Credential, session: Option<&str>) -> Caller {
        Caller {
            name: Arc::from(credential.name.as_str()),
            access: credential.access,
            form: self.form_of(session.unwrap_or_default()),
            session: session.is_some(),
            theme: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{SystemClock, SystemRandom};
    use crate::model::access_token;

    fn auth(credentials: Vec<Credential>) -> Auth {
        Auth::new(
            credentials,
            None,
            Arc::new(SystemClock::start()),
            Arc::new(SystemRandom),
        )
    }

    #[test]
    fn each_token_finds_its_own_and_no_other_finds_any() {
        let made: Vec<_> = (1..4_u8).map(|n| (access_token([n; 32]), n)).collect();
        let auth = auth(
            made.iter()
                .map(|(token, n)| Credential {
                    name: n.to_string(),
                    hash: AccessHash::of(token),
                    access: Access::Read,
                })
                .collect(),
        );
        for (token, n) in &made {
            assert_eq!(auth.credential(token).unwrap().name, n.to_string());
        }
        for wrong in ["", "lf_", &access_token([9; 32]), &made[0].0[..45]] {
            assert!(auth.credential(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn failures_have_a_budget_of_their_own_for_each_source() {
        let auth = auth(Vec::new());
        let one = "192.0.2.1".parse().unwrap();
        assert_eq!((0..50).filter(|_| auth.may_fail(one)).count(), 10);
        assert!(auth.may_fail("192.0.2.2".parse().unwrap()));
    }

    #[test]
    fn a_form_fits_its_session_alone() {
        let auth = auth(Vec::new());
        let local = auth.local();
        assert!(Auth::form_fits(&local, &auth.form_of("local")));
        assert!(!Auth::form_fits(&local, &auth.form_of("other")));
        assert!(!Auth::form_fits(&local, ""));
    }

    #[test]
    fn what_others_reach_is_exposed() {
        for (local, url, expected) in [
            ("127.0.0.1:4747", None, false),
            ("[::1]:4747", None, false),
            ("[::ffff:127.0.0.1]:4747", None, false),
            ("127.0.0.1:4747", Some("http://localhost:4747"), false),
            ("127.0.0.1:4747", Some("http://127.0.0.1:4747/x"), false),
            ("127.0.0.1:4747", Some("https://probes.example.com"), true),
            ("0.0.0.0:4747", None, true),
            ("192.0.2.1:80", Some("http://localhost"), true),
        ] {
            assert_eq!(exposed(local.parse().unwrap(), url), expected, "{local} {url:?}");
        }
    }
}
