//! Lines, strictly: only CRLF ends a line, only CRLF.CRLF ends a mail (RFC 5321 section 2.3.8; CVE-2023-51764,
//! -51765 and -51766 are what laxness leads to).

use bytes::{Buf, Bytes, BytesMut};

/// The longest command line, CRLF included: the 512 of RFC 5321 section 4.5.3.1.4 and room for extensions.
pub(super) const COMMAND_LINE: usize = 4096;
/// The longest line of a mail, CRLF included (RFC 5321 section 4.5.3.1.6).
pub(super) const TEXT_LINE: usize = 1000;

/// How the rules of lines were broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Breach {
    /// A line feed without a carriage return before it.
    BareLf,
    /// A carriage return without a line feed behind it.
    BareCr,
    /// A NUL byte.
    Nul,
    /// A line over its limit.
    LongLine,
    /// More bytes than the size limit.
    TooBig,
}

impl Breach {
    /// For counting and for replies.
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::BareLf => "bare LF: lines end with CRLF",
            Self::BareCr => "bare CR: lines end with CRLF",
            Self::Nul => "NUL byte",
            Self::LongLine => "line over its limit",
            Self::TooBig => "mail over size_limit",
        }
    }
}

/// Takes the first whole line off the buffer, without its CRLF; `None` until there is one.
pub(super) fn take_command(buffer: &mut BytesMut) -> Option<Result<Bytes, Breach>> {
    let mut after_cr = false;
    for (at, byte) in buffer.iter().copied().enumerate().take(COMMAND_LINE) {
        match (after_cr, byte) {
            (true, b'\n') => {
                let mut line = buffer.split_to(at + 1);
                line.truncate(at - 1);
                return Some(Ok(line.freeze()));
            }
            (true, _) => return Some(Err(Breach::BareCr)),
            (false, b'\n') => return Some(Err(Breach::BareLf)),
            (false, 0) => return Some(Err(Breach::Nul)),
            (false, _) => after_cr = byte == b'\r',
        }
    }
    (buffer.len() >= COMMAND_LINE).then_some(Err(Breach::LongLine))
}

/// What a mail's bytes amount to so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// The final dot has not come.
    More,
    /// The final dot has come; what it ended broke a rule where one is named.
    End(Option<Breach>),
    /// Where the mail ends can no longer be told, or too much came after a limit: nothing that follows is read.
    Broken(Breach),
}

/// Collects what follows DATA, dots unstuffed.
#[derive(Debug)]
pub(super) struct DataReader {
    body: Vec<u8>,
    limit: usize,
    received: usize,
    line: usize,
    dot: bool,
    after_cr: bool,
    breach: Option<Breach>,
}

impl DataReader {
    pub(super) const fn new(limit: usize) -> Self {
        Self {
            body: Vec::new(),
            limit,
            received: 0,
            line: 0,
            dot: false,
            after_cr: false,
            breach: None,
        }
    }

    /// The mail, once the final dot has come.
    pub(super) fn into_body(self) -> Vec<u8> {
        self.body
    }

    /// Takes bytes off the buffer, up to the final dot at most.
    pub(super) fn feed(&mut self, buffer: &mut BytesMut) -> Progress {
        let mut taken = 0;
        let mut progress = Progress::More;
        while taken < buffer.len() && progress == Progress::More {
            progress = self.byte(buffer[taken]);
            taken += 1;
        }
        buffer.advance(taken);
        self.received = self.received.saturating_add(taken);
        // After the limit the rest is read only to answer where the sender listens, and not without end.
        if progress == Progress::More && self.received > self.limit.saturating_mul(2).saturating_add(1 << 20)
        {
            return Progress::Broken(Breach::TooBig);
        }
        progress
    }

    fn byte(&mut self, byte: u8) -> Progress {
        if self.after_cr {
            return self.line_end(byte);
        }
        match byte {
            b'\n' => return Progress::Broken(Breach::BareLf),
            b'\r' => {
                self.after_cr = true;
                return Progress::More;
            }
            0 => self.note(Breach::Nul),
            _ => {}
        }
        self.line += 1;
        if self.line + 2 > TEXT_LINE {
            self.note(Breach::LongLine);
        }
        if self.line == 1 && byte == b'.' {
            self.dot = true;
        } else {
            self.dot = false;
            self.keep(byte);
        }
        Progress::More
    }

    fn line_end(&mut self, byte: u8) -> Progress {
        if byte != b'\n' {
            return Progress::Broken(Breach::BareCr);
        }
        self.after_cr = false;
        if self.dot {
            return Progress::End(self.breach);
        }
        self.line = 0;
        self.keep(b'\r');
        self.keep(b'\n');
        Progress::More
    }

    fn keep(&mut self, byte: u8) {
        if self.breach.is_some() {
            return;
        }
        if self.body.len() < self.limit {
            self.body.push(byte);
        } else {
            self.note(Breach::TooBig);
        }
    }

    /// The first breach is the one that is told; what was collected until then is let go.
    fn note(&mut self, breach: Breach) {
        if self.breach.is_none() {
            self.breach = Some(breach);
            self.body = Vec::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8], step: usize) -> (Progress, Vec<u8>, usize) {
        let mut reader = DataReader::new(10_000);
        let mut rest = bytes;
        loop {
            let (now, later) = rest.split_at(step.min(rest.len()));
            let mut buffer = BytesMut::from(now);
            let progress = reader.feed(&mut buffer);
            rest = later;
            if progress != Progress::More || rest.is_empty() {
                return (progress, reader.into_body(), buffer.len() + rest.len());
            }
        }
    }

    /// Every way to write an end of data that some server has taken for one.
    #[test]
    fn only_crlf_dot_crlf_ends_a_mail() {
        let end = Progress::End(None);
        let lf = Progress::Broken(Breach::BareLf);
        let cr = Progress::Broken(Breach::BareCr);
        for (bytes, expected, body) in [
            (&b"a\r\n.\r\n"[..], end, &b"a\r\n"[..]),
            (b".\r\n", end, b""),
            (b"a\r\n..\r\n.\r\n", end, b"a\r\n.\r\n"),
            (b"..a\r\n.b\r\n.\r\n", end, b".a\r\nb\r\n"),
            (b"a.\r\n.\r\n", end, b"a.\r\n"),
            (b"a\n.\n", lf, b"a"),
            (b"a\n.\r\n", lf, b"a"),
            (b"a\r\n.\n", lf, b"a\r\n"),
            (b"a\r.\r\n", cr, b"a"),
            (b"a\r\n.\r", Progress::More, b"a\r\n"),
            (b"a\r\n.\rb", cr, b"a\r\n"),
            (b"a\r.\r", cr, b"a"),
            (b"a\r\r\n.\r\n", cr, b"a"),
            (b"a\r\n\r.\r\n", cr, b"a\r\n"),
            (b"a\r\n. \r\n", Progress::More, b"a\r\n \r\n"),
            (b"a\r\n.", Progress::More, b"a\r\n"),
        ] {
            for step in [1, 2, 3, bytes.len()] {
                let (progress, read, _) = read(bytes, step);
                let text = String::from_utf8_lossy(bytes);
                assert_eq!(progress, expected, "{text:?} by {step}");
                assert_eq!(read, body, "{text:?} by {step}");
            }
        }
    }

    #[test]
    fn what_follows_the_final_dot_stays() {
        assert_eq!(read(b"a\r\n.\r\nQUIT\r\n", 64).2, 6);
    }

    #[test]
    fn breaches_are_told_at_the_final_dot() {
        let long = [&vec![b'x'; TEXT_LINE - 1][..], b"\r\n.\r\n"].concat();
        assert_eq!(read(&long, 64).0, Progress::End(Some(Breach::LongLine)));
        let fits = [&vec![b'x'; TEXT_LINE - 2][..], b"\r\n.\r\n"].concat();
        assert_eq!(read(&fits, 64).0, Progress::End(None));
        assert_eq!(read(b"a\0b\r\n.\r\n", 64).0, Progress::End(Some(Breach::Nul)));
        let big = [b"x\r\n".repeat(4_000), b".\r\n".to_vec()].concat();
        let (progress, body, _) = read(&big, 512);
        assert_eq!(progress, Progress::End(Some(Breach::TooBig)));
        assert!(body.is_empty());
        assert_eq!(
            read(&b"x\r\n".repeat(600_000), 4096).0,
            Progress::Broken(Breach::TooBig)
        );
    }

    #[test]
    fn a_command_line_is_held_to_the_same_rules() {
        let take = |bytes: &[u8]| take_command(&mut BytesMut::from(bytes));
        assert_eq!(take(b"NOOP\r\nQUIT\r\n"), Some(Ok(Bytes::from_static(b"NOOP"))));
        assert_eq!(take(b"NOOP\r"), None);
        assert_eq!(take(b"NOOP\n"), Some(Err(Breach::BareLf)));
        assert_eq!(take(b"NO\rOP\r\n"), Some(Err(Breach::BareCr)));
        assert_eq!(take(b"NO\0OP\r\n"), Some(Err(Breach::Nul)));
        assert_eq!(take(&[b'x'; COMMAND_LINE]), Some(Err(Breach::LongLine)));
    }
}
