//! Who has signed in to the pages. Sessions live in memory: a restart signs everybody out.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::Credential;
use crate::clock::Random;
use crate::model::Moment;

/// A session ends so long after it began.
pub(in crate::web) const LIFETIME: Duration = Duration::from_secs(12 * 3600);
/// So many people are signed in at once; the one who signed in first makes room for one more.
const MOST: usize = 1024;

/// Sessions by the digest of their id, so that what is in memory opens nothing.
pub(in crate::web) struct Sessions {
    random: Arc<dyn Random>,
    open: Mutex<HashMap<blake3::Hash, Session>>,
}

#[derive(Clone)]
struct Session {
    credential: Credential,
    ends: Moment,
}

impl Sessions {
    pub(super) fn new(random: Arc<dyn Random>) -> Self {
        Self {
            random,
            open: Mutex::default(),
        }
    }

    /// Begins a session; the id is for the cookie alone.
    pub(in crate::web) fn begin(&self, credential: &Credential, now: Moment) -> String {
        let id = URL_SAFE_NO_PAD.encode(self.random.bytes());
        let mut open = self.lock();
        open.retain(|_, session| session.ends > now);
        if open.len() >= MOST
            && let Some(oldest) = open.iter().min_by_key(|(_, s)| s.ends).map(|(key, _)| *key)
        {
            open.remove(&oldest);
        }
        let session = Session {
            credential: credential.clone(),
            ends: now.after(LIFETIME),
        };
        open.insert(blake3::hash(id.as_bytes()), session);
        id
    }

    /// Whose session this is.
    pub(super) fn holder(&self, id: &str, now: Moment) -> Option<Credential> {
        let open = self.lock();
        let session = open.get(&blake3::hash(id.as_bytes()))?;
        (session.ends > now).then(|| session.credential.clone())
    }

    /// Ends a session.
    pub(in crate::web) fn end(&self, id: &str) {
        self.lock().remove(&blake3::hash(id.as_bytes()));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<blake3::Hash, Session>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemRandom;
    use crate::model::{Access, AccessHash};

    #[test]
    fn a_session_ends_by_itself_by_hand_and_for_want_of_room() {
        let sessions = Sessions::new(Arc::new(SystemRandom));
        let who = Credential {
            name: String::from("ops"),
            hash: AccessHash::of("lf_x"),
            access: Access::Operate,
        };
        let start = Moment(0);
        let id = sessions.begin(&who, start);
        assert_eq!(sessions.holder(&id, start).unwrap().name, "ops");
        assert!(sessions.holder("other", start).is_none());
        assert!(sessions.holder(&id, start.after(LIFETIME)).is_none());
        sessions.end(&id);
        assert!(sessions.holder(&id, start).is_none());
        let first = sessions.begin(&who, start);
        for n in 0..1024 {
            sessions.begin(&who, Moment(1 + n));
        }
        assert!(sessions.holder(&first, start).is_none());
        assert_eq!(sessions.lock().len(), MOST);
    }
}
