//! Reads a request's body within its limit, as it comes in.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};

use super::Word;

/// How many bytes of bodies are held at once.
#[derive(Debug)]
pub(super) struct Pool {
    limit: usize,
    held: AtomicUsize,
}

/// A share of the pool; gives it back when dropped.
#[derive(Debug)]
pub(super) struct Held {
    pool: Arc<Pool>,
    bytes: usize,
}

impl Pool {
    pub(super) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self {
            limit,
            held: AtomicUsize::new(0),
        })
    }

    pub(super) fn hold(self: &Arc<Self>) -> Held {
        Held {
            pool: Arc::clone(self),
            bytes: 0,
        }
    }
}

impl Held {
    fn grow(&mut self, bytes: usize) -> bool {
        let before = self.pool.held.fetch_add(bytes, Ordering::Relaxed);
        self.bytes += bytes;
        before.saturating_add(bytes) <= self.pool.limit
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.pool.held.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// The whole body, or the word of the limit that it broke.
pub(super) async fn read(mut body: Incoming, limit: usize, held: &mut Held) -> Result<Bytes, Word> {
    // What is announced is believed where it is too much, and never where memory would be set aside for it.
    if body.size_hint().lower() > limit as u64 {
        return Err(Word::BodyTooLarge);
    }
    let mut only: Option<Bytes> = None;
    let mut all = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| match error.is_parse_too_large() {
            true => Word::BodyTooLarge,
            false => Word::Aborted,
        })?;
        let Ok(chunk) = frame.into_data() else { continue };
        let so_far = all.len() + only.as_ref().map_or(0, Bytes::len);
        if so_far + chunk.len() > limit {
            return Err(Word::BodyTooLarge);
        }
        if !held.grow(chunk.len()) {
            return Err(Word::BodyBytes);
        }
        // A callback mostly comes in one piece, which is then not copied.
        match only.take() {
            None if all.is_empty() => only = Some(chunk),
            first => {
                all.extend_from_slice(&first.unwrap_or_default());
                all.extend_from_slice(&chunk);
            }
        }
    }
    Ok(only.unwrap_or_else(|| all.freeze()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_is_given_back() {
        let pool = Pool::new(10);
        let mut one = pool.hold();
        assert!(one.grow(6));
        let mut other = pool.hold();
        assert!(!other.grow(6));
        drop(other);
        assert!(one.grow(4));
        drop(one);
        assert_eq!(pool.held.load(Ordering::Relaxed), 0);
    }
}
