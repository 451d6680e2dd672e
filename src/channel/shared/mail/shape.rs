//! Measures a mail before a parser sees it, in one pass over its lines and without recursion.
//!
//! The parser keeps a message inside a message as a nested value, which is dropped recursively: what nests without
//! bound would overflow the stack, and no panic handler sees that. Hence the counts here are upper bounds of what the
//! parser can build, not estimates.

use std::borrow::Cow;

use super::{HEADER_BYTES_LIMIT, HEADER_COUNT_LIMIT, PARTS_LIMIT};

/// What the lines of a mail say about its size and structure.
#[derive(Debug, Default)]
pub(super) struct Shape {
    /// The header is longer, or has more fields, than is read: its end, and where reading stops.
    cut: Option<Cut>,
    /// Lines that begin a `Content-Type`: each level of nesting takes at least one.
    content_types: usize,
    /// Lines that could be a boundary between parts.
    delimiters: usize,
    /// An embedded message in base64 or quoted-printable, which RFC 2046 section 5.2.1 forbids: its structure cannot
    /// be measured from outside.
    encoded_message: bool,
}

/// Where a header that is too large is cut.
#[derive(Debug)]
struct Cut {
    keep: usize,
    body: usize,
    why: String,
}

/// One block of lines without an empty one: a header, or a paragraph.
#[derive(Debug, Default, Clone, Copy)]
struct Block {
    content_type: bool,
    message: bool,
    encoded: bool,
    field: Field,
}

#[derive(Debug, Default, Clone, Copy, PartialEq)]
enum Field {
    #[default]
    Other,
    ContentType,
    Encoding,
}

/// Measures a mail.
pub(super) fn measure(raw: &[u8]) -> Shape {
    let mut shape = Shape {
        cut: header_cut(raw),
        ..Shape::default()
    };
    let boundaries = boundaries(raw);
    let digest = contains(raw, b"multipart/digest");
    let mut block = Block::default();
    for line in raw.split(|b| *b == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            shape.close(block, digest);
            block = Block::default();
            continue;
        }
        if let Some(rest) = line.strip_prefix(b"--")
            && boundaries.iter().any(|b| rest.starts_with(b))
        {
            shape.delimiters += 1;
            shape.close(block, digest);
            block = Block::default();
            continue;
        }
        shape.content_types += usize::from(block.take(line));
    }
    shape.close(block, digest);
    shape
}

impl Shape {
    /// Whether the structure may be given to the parser; otherwise only the header.
    pub(super) fn readable(&self) -> bool {
        self.delimiters <= PARTS_LIMIT && self.content_types <= PARTS_LIMIT && !self.encoded_message
    }

    /// What was in the way, each limit by its name.
    pub(super) fn refusals(&self) -> Vec<String> {
        let mut refusals: Vec<String> = self.cut.iter().map(|cut| cut.why.clone()).collect();
        if self.delimiters > PARTS_LIMIT || self.content_types > PARTS_LIMIT {
            refusals.push(format!(
                "more than {PARTS_LIMIT} MIME parts; the body is kept as it came, undecoded"
            ));
        }
        if self.encoded_message {
            refusals.push(String::from(
                "an embedded message in base64 or quoted-printable (forbidden by RFC 2046); the body is kept as it came, undecoded",
            ));
        }
        refusals
    }

    /// The mail with a header of at most the limits.
    pub(super) fn bound<'a>(&self, raw: &'a [u8]) -> Cow<'a, [u8]> {
        let Some(cut) = &self.cut else {
            return Cow::Borrowed(raw);
        };
        let mut bounded = raw[..cut.keep].to_vec();
        bounded.extend_from_slice(b"\r\n");
        bounded.extend_from_slice(&raw[cut.body..]);
        Cow::Owned(bounded)
    }

    fn close(&mut self, block: Block, digest: bool) {
        // A part of a digest is a message without saying so (RFC 2046 section 5.1.5).
        self.encoded_message |= block.encoded && (block.message || digest && !block.content_type);
    }
}

impl Block {
    /// Takes one line; whether it begins a `Content-Type`.
    fn take(&mut self, line: &[u8]) -> bool {
        let begun = match line.trim_ascii_start() {
            // The parser skips white space before the first field, so an indented one counts as begun too.
            name if starts_with(name, b"content-type") => Some(Field::ContentType),
            name if starts_with(name, b"content-transfer-encoding") => Some(Field::Encoding),
            name if name.len() == line.len() => Some(Field::Other),
            _ => None,
        };
        self.field = begun.unwrap_or(self.field);
        match self.field {
            Field::ContentType => {
                self.content_type = true;
                self.message |= contains(line, b"message/");
            }
            Field::Encoding => self.encoded |= contains(line, b"base64") || contains(line, b"quoted"),
            Field::Other => {}
        }
        begun == Some(Field::ContentType)
    }
}

/// Every value of a `boundary` parameter, at most as many as there may be parts.
fn boundaries(raw: &[u8]) -> Vec<&[u8]> {
    const NAME: &[u8] = b"boundary";
    let mut found: Vec<&[u8]> = Vec::new();
    let mut at = 0;
    while let Some(next) = find(&raw[at..], NAME) {
        at += next + NAME.len();
        let value = raw[at..].trim_ascii_start();
        // `boundary*0=` and `boundary*=` are RFC 2231 forms of the same.
        let Some(equals) = value.iter().take(16).position(|b| *b == b'=') else {
            continue;
        };
        let value = value[equals + 1..].trim_ascii_start();
        let value = value.strip_prefix(b"\"").unwrap_or(value);
        let end = value
            .iter()
            .take(128)
            .position(|b| matches!(b, b'"' | b';' | b'\r' | b'\n'))
            .unwrap_or(value.len().min(128));
        let value = value[..end].trim_ascii_end();
        if !found.contains(&value) {
            found.push(value);
        }
        if found.len() > PARTS_LIMIT {
            break;
        }
    }
    found
}

/// Where the body begins: after the first empty line.
pub(super) fn body_offset(raw: &[u8]) -> usize {
    let mut at = 0;
    for line in raw.split_inclusive(|b| *b == b'\n') {
        at += line.len();
        if line.trim_ascii().is_empty() {
            break;
        }
    }
    at
}

fn header_cut(raw: &[u8]) -> Option<Cut> {
    let (mut at, mut fields, mut keep, mut why) = (0, 0, 0, None);
    while at < raw.len() {
        let end = raw[at..]
            .iter()
            .position(|b| *b == b'\n')
            .map_or(raw.len(), |n| at + n + 1);
        let line = raw[at..end].trim_ascii_end();
        if line.is_empty() {
            break;
        }
        fields += usize::from(!raw[at].is_ascii_whitespace());
        if why.is_none() {
            if end > HEADER_BYTES_LIMIT {
                why = Some(format!("a header over {HEADER_BYTES_LIMIT} bytes was cut"));
            } else if fields > HEADER_COUNT_LIMIT {
                why = Some(format!(
                    "a header of more than {HEADER_COUNT_LIMIT} fields was cut"
                ));
            } else {
                keep = end;
            }
        }
        at = end;
    }
    let body = raw[at..]
        .iter()
        .position(|b| *b == b'\n')
        .map_or(raw.len(), |n| at + n + 1);
    why.map(|why| Cut { keep, body, why })
}

fn starts_with(line: &[u8], prefix: &[u8]) -> bool {
    line.get(..prefix.len())
        .is_some_and(|head| head.eq_ignore_ascii_case(prefix))
}

fn contains(text: &[u8], word: &[u8]) -> bool {
    find(text, word).is_some()
}

fn find(text: &[u8], word: &[u8]) -> Option<usize> {
    text.windows(word.len())
        .position(|window| window.eq_ignore_ascii_case(word))
}
