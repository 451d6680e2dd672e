//! Decoded views of a payload. A view holds the stretches around the marks of one encoding, decoded; stretches are
//! apart by a zero byte, which is part of no token. What lies far from any mark has been scanned as it stands.

use std::ops::Range;

/// Bytes around a mark that are taken along: more than the longest token takes in the widest encoding below, six
/// bytes a symbol, so that a further encoding under this one is seen whole.
const AROUND: usize = 320;
/// The longest tag that is left out.
const TAG: usize = 1_024;
/// The most blanks of one fold.
const BLANKS: usize = 80;
/// The longest entity.
const ENTITY: usize = 24;

/// An encoding told by its marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum View {
    /// `%61` (RFC 3986).
    Percent,
    /// `=61`, and `=` at the end of a line (RFC 2045).
    QuotedPrintable,
    /// Entities, tags, and characters without width.
    Html,
    /// `\u0061`, `\x61`, `\/` and the like.
    Escapes,
    /// A line break before a blank (RFC 5322).
    Folded,
}

impl View {
    pub(super) const ALL: [Self; 5] = [
        Self::Percent,
        Self::QuotedPrintable,
        Self::Html,
        Self::Escapes,
        Self::Folded,
    ];

    /// Whether a byte may begin a sequence of this encoding.
    pub(super) const fn begins(self, byte: u8) -> bool {
        match self {
            Self::Percent => byte == b'%',
            Self::QuotedPrintable => byte == b'=',
            Self::Html => matches!(byte, b'&' | b'<' | 0xc2 | 0xe2 | 0xef),
            Self::Escapes => byte == b'\\',
            Self::Folded => byte == b'\n' || byte == b'\r',
        }
    }

    /// The sequence at the start of `rest`: its length, and what it stands for.
    fn sequence(self, rest: &[u8]) -> Option<(usize, Meaning)> {
        match (self, rest[0]) {
            (Self::Percent, b'%') | (Self::QuotedPrintable, b'=') if rest.len() > 2 => hex(&rest[1..3])
                .map(|byte| (3, Meaning::Byte(byte)))
                .or_else(|| self.soft_break(rest)),
            (Self::QuotedPrintable, b'=') => self.soft_break(rest),
            (Self::Html, b'&') => entity(rest),
            (Self::Html, b'<') => tag(rest),
            (Self::Html, 0xc2 | 0xe2 | 0xef) => widthless(rest),
            (Self::Escapes, b'\\') => escape(rest),
            (Self::Folded, b'\n' | b'\r') => fold(rest).map(|len| (len, Meaning::Nothing)),
            _ => None,
        }
    }

    /// `=`, blanks that a mailer added, and the end of the line.
    fn soft_break(self, rest: &[u8]) -> Option<(usize, Meaning)> {
        if self != Self::QuotedPrintable {
            return None;
        }
        let blanks = blanks(&rest[1..]);
        line_break(&rest[1 + blanks..]).map(|len| (1 + blanks + len, Meaning::Nothing))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    Byte(u8),
    Char(char),
    Nothing,
}

/// The stretches around the marks of an encoding, decoded; empty where there is no mark.
pub(super) fn around_marks(bytes: &[u8], view: View) -> Vec<u8> {
    let mut out = Vec::new();
    let mut stretch: Option<Range<usize>> = None;
    let mut at = 0;
    while let Some(next) = bytes[at..].iter().position(|byte| view.begins(*byte)) {
        at += next;
        let Some((len, _)) = view.sequence(&bytes[at..]) else {
            at += 1;
            continue;
        };
        let from = at.saturating_sub(AROUND);
        let to = (at + len + AROUND).min(bytes.len());
        stretch = match stretch {
            Some(open) if from <= open.end => Some(open.start..to),
            Some(done) => {
                decode(&bytes[done], view, &mut out);
                Some(from..to)
            }
            None => Some(from..to),
        };
        at += len;
    }
    if let Some(last) = stretch {
        decode(&bytes[last], view, &mut out);
    }
    out
}

fn decode(stretch: &[u8], view: View, out: &mut Vec<u8>) {
    let mut at = 0;
    while at < stretch.len() {
        match view.sequence(&stretch[at..]) {
            Some((len, meaning)) => {
                match meaning {
                    Meaning::Byte(byte) => out.push(byte),
                    Meaning::Char(c) => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
                    Meaning::Nothing => {}
                }
                at += len;
            }
            None => {
                out.push(stretch[at]);
                at += 1;
            }
        }
    }
    out.push(0);
}

/// Every run of base64, decoded from each of the four places where a group can begin.
pub(super) fn base64(bytes: &[u8], runs: &[Range<usize>]) -> Vec<u8> {
    let mut out = Vec::new();
    for run in runs {
        for skip in 0..4 {
            let (mut bits, mut held) = (0_u32, 0_u32);
            for value in bytes[run.clone()].iter().filter_map(|b| sextet(*b)).skip(skip) {
                bits = bits << 6 | u32::from(value);
                held += 6;
                if held >= 8 {
                    held -= 8;
                    out.push(u8::try_from(bits >> held & 0xff).unwrap_or(0));
                }
            }
            out.push(0);
        }
    }
    out
}

fn sextet(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    }
}

fn hex(digits: &[u8]) -> Option<u8> {
    let value = |b: u8| char::from(b).to_digit(16).and_then(|v| u8::try_from(v).ok());
    match digits {
        [high, low] => Some(value(*high)? << 4 | value(*low)?),
        _ => None,
    }
}

/// How many blanks `rest` begins with, as far as it is worth looking.
fn blanks(rest: &[u8]) -> usize {
    rest.iter()
        .take(BLANKS)
        .take_while(|b| matches!(b, b' ' | b'\t'))
        .count()
}

/// The length of a line break with the blanks that make it a fold.
fn fold(rest: &[u8]) -> Option<usize> {
    let line = line_break(rest)?;
    let blanks = blanks(&rest[line..]);
    (blanks > 0).then_some(line + blanks)
}

fn line_break(rest: &[u8]) -> Option<usize> {
    match rest {
        [b'\r', b'\n', ..] => Some(2),
        [b'\n', ..] => Some(1),
        _ => None,
    }
}

/// `\u0061`, `\u{61}`, `\x61` and the escapes of one letter.
fn escape(rest: &[u8]) -> Option<(usize, Meaning)> {
    let byte = |b: u8| Some((2, Meaning::Byte(b)));
    match rest.get(1)? {
        b'u' if rest.get(2) == Some(&b'{') => {
            let len = rest.iter().take(11).position(|b| *b == b'}')?;
            Some((len + 1, Meaning::Char(code(&rest[3..len], 16)?)))
        }
        b'u' => Some((6, Meaning::Char(code(rest.get(2..6)?, 16)?))),
        b'x' => Some((4, Meaning::Byte(hex(rest.get(2..4)?)?))),
        b @ (b'/' | b'\\' | b'"' | b'\'') => byte(*b),
        b'n' => byte(b'\n'),
        b'r' => byte(b'\r'),
        b't' => byte(b'\t'),
        _ => None,
    }
}

fn code(digits: &[u8], radix: u32) -> Option<char> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let digits = std::str::from_utf8(digits).ok()?;
    char::from_u32(u32::from_str_radix(digits, radix).ok()?)
}

/// `&#97;`, `&#x61;` and the named ones that can matter; what has no width stands for nothing.
fn entity(rest: &[u8]) -> Option<(usize, Meaning)> {
    let inside = |b: &u8| b.is_ascii_alphanumeric() || *b == b'#';
    let end = 1 + rest[1..].iter().take(ENTITY).take_while(|b| inside(b)).count();
    if rest.get(end) != Some(&b';') {
        return None;
    }
    let name = &rest[1..end];
    let meaning = match name {
        [b'#', b'x' | b'X', digits @ ..] => character(code(digits, 16)?),
        [b'#', digits @ ..] => character(code(digits, 10)?),
        _ => named(name)?,
    };
    Some((end + 1, meaning))
}

fn named(name: &[u8]) -> Option<Meaning> {
    Some(match name {
        b"amp" | b"AMP" => Meaning::Byte(b'&'),
        b"lt" | b"LT" => Meaning::Byte(b'<'),
        b"gt" | b"GT" => Meaning::Byte(b'>'),
        b"quot" | b"QUOT" => Meaning::Byte(b'"'),
        b"apos" => Meaning::Byte(b'\''),
        b"nbsp" => Meaning::Byte(b' '),
        b"NewLine" => Meaning::Byte(b'\n'),
        b"Tab" => Meaning::Byte(b'\t'),
        b"percnt" => Meaning::Byte(b'%'),
        b"equals" => Meaning::Byte(b'='),
        b"num" => Meaning::Byte(b'#'),
        b"semi" => Meaning::Byte(b';'),
        b"bsol" => Meaning::Byte(b'\\'),
        b"sol" => Meaning::Byte(b'/'),
        b"plus" => Meaning::Byte(b'+'),
        b"lowbar" => Meaning::Byte(b'_'),
        b"shy" | b"zwj" | b"zwnj" | b"ZeroWidthSpace" | b"NoBreak" => Meaning::Nothing,
        _ => return None,
    })
}

const fn character(c: char) -> Meaning {
    if has_no_width(c) {
        Meaning::Nothing
    } else {
        Meaning::Char(c)
    }
}

const fn has_no_width(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}')
}

/// The UTF-8 of a character without width.
fn widthless(rest: &[u8]) -> Option<(usize, Meaning)> {
    let len = if rest[0] == 0xc2 { 2 } else { 3 };
    let c = std::str::from_utf8(rest.get(..len)?).ok()?.chars().next()?;
    has_no_width(c).then_some((len, Meaning::Nothing))
}

/// A tag or a comment.
fn tag(rest: &[u8]) -> Option<(usize, Meaning)> {
    if !rest
        .get(1)
        .is_some_and(|b| b.is_ascii_alphabetic() || matches!(b, b'/' | b'!'))
    {
        return None;
    }
    // A further `<` means that this one opened nothing; so no byte is looked at twice.
    let end = rest
        .iter()
        .take(TAG)
        .skip(1)
        .position(|b| matches!(b, b'>' | b'<'))?
        + 1;
    (rest[end] == b'>').then_some((end + 1, Meaning::Nothing))
}
