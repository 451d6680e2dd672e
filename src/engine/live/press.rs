//! Bytes of many runs that are much alike, each kept as what tells it from the others.

use std::sync::Arc;

use lz4_flex::block::{compress_into_with_dict, decompress_with_dict, get_maximum_output_size};

/// Bytes of a pattern: the beginning of what one run held.
const PATTERN: usize = 16 * 1024;
/// Once in so many runs another pattern is tried: a system that was changed answers otherwise than before.
const TRIED_EACH: u32 = 64;

/// What runs of one leg have in common, as far as the first of them shows it.
#[derive(Debug, Default)]
pub(in crate::engine) struct Pattern(Box<[u8]>);

/// Presses bytes against a pattern, which follows what it is given.
#[derive(Debug, Default)]
pub(in crate::engine) struct Press {
    pattern: Option<Arc<Pattern>>,
    /// What the run before held, to be tried as the pattern.
    other: Option<Arc<Pattern>>,
    runs: u32,
    /// Kept for their room.
    dictionary: Vec<u8>,
    out: Vec<u8>,
}

impl Pattern {
    /// What is known before the first byte is read: the pattern, then the run's own token.
    fn dictionary(&self, token: &str, out: &mut Vec<u8>) {
        out.clear();
        out.extend(&self.0);
        out.extend(token.as_bytes());
    }

    /// The bytes that were pressed, of which there were so many; `None` where they are not what [`Press::press`] made.
    pub(super) fn opened(&self, pressed: &[u8], length: usize, token: &str) -> Option<Vec<u8>> {
        let mut dictionary = Vec::new();
        self.dictionary(token, &mut dictionary);
        decompress_with_dict(pressed, length, &dictionary)
            .ok()
            .filter(|bytes| bytes.len() == length)
    }
}

impl Press {
    /// The bytes pressed, where that makes them fewer, and what it takes to have them back.
    pub(super) fn press(&mut self, bytes: &[u8], token: &str) -> (Arc<Pattern>, Option<&[u8]>) {
        let of_these = || Arc::new(Pattern(bytes[..bytes.len().min(PATTERN)].into()));
        let mut pattern = self.pattern.get_or_insert_with(of_these).clone();
        let mut pressed = self.against(&pattern, bytes, token);
        if let Some(other) = self.other.take() {
            let (before, by_other) = (pressed, self.against(&other, bytes, token));
            if by_other < before / 4 * 3 {
                pattern = other;
                self.pattern = Some(Arc::clone(&pattern));
                pressed = by_other;
            } else {
                pressed = self.against(&pattern, bytes, token);
            }
        }
        self.runs = self.runs.wrapping_add(1);
        if self.runs.is_multiple_of(TRIED_EACH) {
            self.other = Some(of_these());
        }
        (pattern, (pressed < bytes.len()).then(|| &self.out[..pressed]))
    }

    /// How many bytes are left of them, which then stand in `out`.
    fn against(&mut self, pattern: &Pattern, bytes: &[u8], token: &str) -> usize {
        pattern.dictionary(token, &mut self.dictionary);
        let room = get_maximum_output_size(bytes.len());
        if self.out.len() < room {
            self.out.resize(room, 0);
        }
        // There is always room enough; were there not, they would be kept as they are.
        compress_into_with_dict(bytes, &mut self.out, &self.dictionary).unwrap_or(usize::MAX)
    }
}
