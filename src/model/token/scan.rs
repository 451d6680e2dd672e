//! Finds tokens in what a channel delivers, however it is encoded.
//!
//! A text is scanned as it is; where it holds marks of an encoding, the stretches around them are decoded and scanned
//! in turn, up to [`DEPTH`] encodings deep. A text without marks is passed over once and nothing is allocated.
//!
//! Bounds, for a text of n bytes: each encoding makes a view of at most n bytes (base64 of at most 3n, since where it
//! begins is unknown), all views of one text together at most [`VIEWS`]·n + [`VIEWS_BASE`] bytes, the shallow ones
//! first; the views of the first encoding always fit. At most one keyed hash is taken per scanned byte, and only
//! where a token's whole length of its own symbols stands.

use std::collections::VecDeque;

use serde_json::Value;

use super::decode::{self, View};
use super::{DIGITS_LEN, FoundToken, TEXT_LEN, Token, TokenKey, UUID_LEN};

/// How many encodings may lie over each other.
const DEPTH: usize = 3;
/// Bytes of decoded views per byte of text,
const VIEWS: usize = 12;
/// and for every text besides.
const VIEWS_BASE: usize = 64 << 10;
/// Characters that the shortest token has in base64.
const BASE64_MIN: usize = 30;
/// The shortest text that can hold a token.
const SHORTEST: usize = TEXT_LEN;

/// A symbol of the text format, in either case.
const SYMBOL: u16 = 1;
const DIGIT: u16 = 2;
const HEX: u16 = 4;
/// Of base64, standard or URL-safe.
const BASE64: u16 = 8;
/// May begin a sequence of the first encoding of [`View::ALL`]; the others have the bits above.
const MARK: u16 = 16;

const CLASSES: [u16; 256] = classes();

const fn classes() -> [u16; 256] {
    let mut table = [0_u16; 256];
    let mut byte = 0_usize;
    while byte < 256 {
        #[expect(clippy::cast_possible_truncation, reason = "the loop ends at 255")]
        let b = byte as u8;
        let lower = b.to_ascii_lowercase();
        let mut class = 0;
        if b.is_ascii_alphanumeric() && !matches!(lower, b'0' | b'1' | b'i' | b'l' | b'o') {
            class |= SYMBOL;
        }
        if b.is_ascii_digit() {
            class |= DIGIT;
        }
        if b.is_ascii_hexdigit() {
            class |= HEX;
        }
        if b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'-' | b'_') {
            class |= BASE64;
        }
        let mut view = 0;
        while view < View::ALL.len() {
            if View::ALL[view].begins(b) {
                class |= MARK << view;
            }
            view += 1;
        }
        table[byte] = class;
        byte += 1;
    }
    table
}

/// Every token of ours in a text, each once, in order of first appearance; those of encoded stretches after those
/// that stand as they are.
#[must_use]
pub fn scan_text(key: &TokenKey, text: &str) -> Vec<FoundToken> {
    let mut scan = Scan {
        key,
        found: Vec::new(),
    };
    scan.text(text.as_bytes());
    scan.found
}

/// Every token of ours in the strings (and keys) of a value.
#[must_use]
pub fn scan_value(key: &TokenKey, value: &Value) -> Vec<FoundToken> {
    let mut scan = Scan {
        key,
        found: Vec::new(),
    };
    let mut open = vec![value];
    while let Some(value) = open.pop() {
        match value {
            Value::String(text) => scan.text(text.as_bytes()),
            Value::Array(items) => open.extend(items.iter().rev()),
            Value::Object(map) => {
                map.keys().for_each(|name| scan.text(name.as_bytes()));
                open.extend(map.values().rev());
            }
            // A number holds at most 20 digits, fewer than any token.
            Value::Number(_) | Value::Null | Value::Bool(_) => {}
        }
    }
    scan.found
}

struct Scan<'k> {
    key: &'k TokenKey,
    found: Vec<Token>,
}

impl Scan<'_> {
    fn text(&mut self, text: &[u8]) {
        if text.len() < SHORTEST {
            return;
        }
        let mut views: VecDeque<(Vec<u8>, usize)> = VecDeque::new();
        let mut left = text.len().saturating_mul(VIEWS).saturating_add(VIEWS_BASE);
        self.view(text, 0, &mut left, &mut views);
        while let Some((view, depth)) = views.pop_front() {
            self.view(&view, depth, &mut left, &mut views);
        }
    }

    /// Scans one view and queues what it decodes to.
    fn view(&mut self, bytes: &[u8], depth: usize, left: &mut usize, views: &mut VecDeque<(Vec<u8>, usize)>) {
        let seen = self.plain(bytes, depth < DEPTH);
        if depth == DEPTH {
            return;
        }
        let mut queue = |view: Vec<u8>| {
            if view.len() >= SHORTEST && view.len() <= *left {
                *left -= view.len();
                views.push_back((view, depth + 1));
            }
        };
        for (place, view) in View::ALL.into_iter().enumerate() {
            if seen.marks & (MARK << place) != 0 {
                queue(decode::around_marks(bytes, view));
            }
        }
        if !seen.base64.is_empty() {
            queue(decode::base64(bytes, &seen.base64));
        }
    }

    /// One pass over the bytes: tokens as they stand, and what else is worth a look. Every token lies in one run of
    /// base64's symbols, whose short runs are passed over.
    fn plain(&mut self, bytes: &[u8], deeper: bool) -> Seen {
        let mut seen = Seen::default();
        let mut base64 = Base64Run::default();
        let mut start = 0;
        for (at, &byte) in bytes.iter().enumerate() {
            let class = CLASSES[usize::from(byte)];
            if class & BASE64 != 0 {
                continue;
            }
            seen.marks |= class;
            if at > start {
                self.run(&bytes[start..at]);
                base64.grow(start..at);
            }
            start = at + 1;
            if deeper && base64.symbols > 0 && !Base64Run::goes_on(bytes, at) {
                seen.base64.extend(base64.end());
            }
        }
        if bytes.len() > start {
            self.run(&bytes[start..]);
            base64.grow(start..bytes.len());
        }
        if deeper {
            seen.base64.extend(base64.end());
        }
        seen
    }

    /// The tokens in one run of symbols.
    fn run(&mut self, bytes: &[u8]) {
        if bytes.len() < SHORTEST {
            return;
        }
        let (mut symbols, mut digits, mut hex) = (0_usize, 0_usize, 0_usize);
        for (at, &byte) in bytes.iter().enumerate() {
            let class = CLASSES[usize::from(byte)];
            symbols = if class & SYMBOL != 0 { symbols + 1 } else { 0 };
            digits = if class & DIGIT != 0 { digits + 1 } else { 0 };
            hex = if class & HEX != 0 { hex + 1 } else { 0 };
            if symbols >= TEXT_LEN {
                self.check(&bytes[at + 1 - TEXT_LEN..=at]);
            }
            if digits >= DIGITS_LEN {
                self.check(&bytes[at + 1 - DIGITS_LEN..=at]);
            }
            if hex >= 12 {
                self.uuid(&bytes[..=at], hex);
            }
        }
    }

    /// A UUID that ends here, with its dashes or without.
    fn uuid(&mut self, bytes: &[u8], hex: usize) {
        let end = bytes.len();
        if hex >= 32 {
            let digits = &bytes[end - 32..];
            if digits[12] == b'4' && is_variant(digits[16]) {
                let mut text = [b'-'; UUID_LEN];
                for (group, place) in [(0..8, 0), (8..12, 9), (12..16, 14), (16..20, 19), (20..32, 24)] {
                    text[place..place + group.len()].copy_from_slice(&digits[group]);
                }
                self.check(&text);
            }
        } else if hex >= 12 && end >= UUID_LEN {
            let text = &bytes[end - UUID_LEN..];
            let dashes = [8, 13, 18, 23].iter().all(|place| text[*place] == b'-');
            if dashes && text[14] == b'4' && is_variant(text[19]) {
                self.check(text);
            }
        }
    }

    fn check(&mut self, window: &[u8]) {
        let hit = std::str::from_utf8(window)
            .ok()
            .and_then(|text| self.key.verify(text));
        if let Some(token) = hit
            && !self.found.contains(&token)
        {
            self.found.push(token);
        }
    }
}

const fn is_variant(byte: u8) -> bool {
    matches!(byte, b'8' | b'9' | b'a' | b'b' | b'A' | b'B')
}

/// What one pass noticed.
#[derive(Default)]
struct Seen {
    /// The classes of all bytes outside of base64's symbols.
    marks: u16,
    base64: Vec<std::ops::Range<usize>>,
}

/// A stretch of base64, which line breaks (and the blank of a folded line) do not end.
#[derive(Default)]
struct Base64Run {
    start: usize,
    end: usize,
    symbols: usize,
}

impl Base64Run {
    const fn grow(&mut self, run: std::ops::Range<usize>) {
        if self.symbols == 0 {
            self.start = run.start;
        }
        self.symbols += run.end - run.start;
        self.end = run.end;
    }

    fn goes_on(bytes: &[u8], at: usize) -> bool {
        match bytes[at] {
            b'\r' | b'\n' => true,
            b' ' | b'\t' => at > 0 && bytes[at - 1] == b'\n',
            _ => false,
        }
    }

    fn end(&mut self) -> Option<std::ops::Range<usize>> {
        let long = self.symbols >= BASE64_MIN;
        self.symbols = 0;
        long.then_some(self.start..self.end)
    }
}
