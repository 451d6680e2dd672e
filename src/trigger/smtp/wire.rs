//! Commands out, replies in.

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::clock::Clock;
use crate::model::{Fault, Moment, Reason};

/// The longest reply in bytes; RFC 5321 section 4.5.3.1.5 has 512 a line.
const REPLY_LIMIT: usize = 64 << 10;

pub(super) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// One reply.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) code: u16,
    /// Without their codes.
    pub(super) lines: Vec<String>,
}

impl Reply {
    pub(super) const fn is_positive(&self) -> bool {
        self.code / 100 == 2
    }

    /// The lines as one text.
    pub(super) fn text(&self) -> String {
        self.lines.join("\n")
    }

    /// The enhanced status code (RFC 2034) that the reply begins with.
    pub(super) fn enhanced(&self) -> Option<&str> {
        let word = self.lines.first()?.split(' ').next()?;
        let mut parts = word.split('.');
        let class = parts.next()? == (self.code / 100).to_string();
        let numbers: Vec<&str> = parts.collect();
        let number = |n: &&str| (1..=3).contains(&n.len()) && n.bytes().all(|b| b.is_ascii_digit());
        (class && numbers.len() == 2 && numbers.iter().all(number)).then_some(word)
    }

    /// The name under which the server keeps the mail, as Postfix, Exim, OpenSMTPD and Sendmail tell it.
    pub(super) fn queue_id(&self) -> Option<String> {
        let text = self.text();
        let behind = |mark: &str| {
            let at = text.find(mark)? + mark.len();
            let id: String = text[at..]
                .chars()
                .take_while(|c| c.is_ascii_alphanumeric() || "-_.".contains(*c))
                .collect();
            let id = id.trim_end_matches('.');
            (!id.is_empty()).then(|| id.to_owned())
        };
        let before = |mark: &str| {
            text[..text.find(mark)?]
                .split_whitespace()
                .last()
                .map(str::to_owned)
        };
        behind("queued as ")
            .or_else(|| behind("queued mail "))
            .or_else(|| behind(" id="))
            .or_else(|| before(" Message accepted for delivery"))
    }
}

/// A connection.
pub(super) struct Wire {
    pub(super) io: Box<dyn Io>,
    buffer: Vec<u8>,
    /// When the first byte of the last reply had come.
    pub(super) first_byte: Option<Moment>,
}

impl Wire {
    pub(super) fn new(io: Box<dyn Io>) -> Self {
        Self {
            io,
            buffer: Vec::new(),
            first_byte: None,
        }
    }

    /// Whether the server has said more than was asked.
    pub(super) fn has_unread(&self) -> bool {
        !self.buffer.is_empty()
    }

    /// Sends bytes.
    ///
    /// # Errors
    /// The connection broke.
    pub(super) async fn send(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let write = async {
            self.io.write_all(bytes).await?;
            self.io.flush().await
        };
        write.await.map_err(|e| broken(&e))
    }

    /// Reads one whole reply.
    ///
    /// # Errors
    /// The connection broke or ended, or what came is no reply.
    pub(super) async fn reply(&mut self, clock: &dyn Clock) -> Result<Reply, Fault> {
        let mut reply = Reply::default();
        let mut size = 0;
        self.first_byte = self.has_unread().then(|| clock.now());
        loop {
            while let Some(at) = self.buffer.iter().position(|b| *b == b'\n') {
                let line: Vec<u8> = self.buffer.drain(..=at).collect();
                if take_line(&mut reply, &line)? {
                    return Ok(reply);
                }
            }
            let mut chunk = [0; 4096];
            let count = self.io.read(&mut chunk).await.map_err(|e| broken(&e))?;
            if count == 0 {
                return Err(Fault::new(Reason::Reset, "the server closed the connection"));
            }
            self.first_byte.get_or_insert_with(|| clock.now());
            self.buffer.extend_from_slice(&chunk[..count]);
            size += count;
            if size > REPLY_LIMIT {
                let message = format!("a reply over {REPLY_LIMIT} bytes");
                return Err(Fault::new(Reason::Protocol, message));
            }
        }
    }
}

/// Takes one line into the reply; whether it was the last.
fn take_line(reply: &mut Reply, line: &[u8]) -> Result<bool, Fault> {
    let text = String::from_utf8_lossy(line);
    let text = text.trim_end_matches(['\r', '\n']);
    let wrong = || {
        let shown: String = text.chars().take(200).collect();
        let message = format!(
            "`{}` is no SMTP reply: expected three digits and a text",
            shown.escape_debug()
        );
        Fault::new(Reason::Protocol, message)
    };
    let digits = text
        .get(..3)
        .filter(|d| d.bytes().all(|b| b.is_ascii_digit()))
        .ok_or_else(wrong)?;
    let code: u16 = digits.parse().map_err(|_| wrong())?;
    if !(200..600).contains(&code) || !reply.lines.is_empty() && reply.code != code {
        return Err(wrong());
    }
    reply.code = code;
    let (last, rest) = match text.as_bytes().get(3) {
        None => (true, ""),
        Some(b' ') => (true, &text[4..]),
        Some(b'-') => (false, &text[4..]),
        Some(_) => return Err(wrong()),
    };
    reply.lines.push(rest.to_owned());
    Ok(last)
}

fn broken(error: &std::io::Error) -> Fault {
    use std::io::ErrorKind;
    let reason = match error.kind() {
        ErrorKind::InvalidData => Reason::Tls,
        _ => Reason::Reset,
    };
    Fault::new(reason, format!("the connection broke: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Reply, Fault> {
        let mut reply = Reply::default();
        for line in text.split_inclusive('\n') {
            if take_line(&mut reply, line.as_bytes())? {
                return Ok(reply);
            }
        }
        Err(Fault::new(Reason::Reset, "incomplete"))
    }

    #[test]
    fn replies_are_read_whole_and_nothing_else_is_taken_for_one() {
        let reply = read("250-mx\r\n250-SIZE 1\r\n250 AUTH PLAIN\r\n").unwrap();
        assert_eq!((reply.code, reply.lines.len()), (250, 3));
        assert_eq!(read("250\r\n").unwrap().lines, [""]);
        for wrong in [
            "hello\r\n",
            "25 x\r\n",
            "250_x\r\n",
            "250-a\r\n550 b\r\n",
            "099 x\r\n",
            "600 x\r\n",
            "\u{e4}\u{e4} x\r\n",
            "\r\n",
        ] {
            assert_eq!(
                read(wrong).map_err(|f| f.reason),
                Err(Reason::Protocol),
                "{wrong:?}"
            );
        }
    }

    #[test]
    fn queue_ids_and_enhanced_codes_are_found() {
        for (text, id) in [
            ("250 2.0.0 Ok: queued as 4XyZ12abc\r\n", Some("4XyZ12abc")),
            ("250 OK id=1tABcd-0001AB-2C\r\n", Some("1tABcd-0001AB-2C")),
            (
                "250 2.0.0 3FQ1x2 Message accepted for delivery\r\n",
                Some("3FQ1x2"),
            ),
            ("250 2.0.0 recorded\r\n", None),
        ] {
            assert_eq!(read(text).unwrap().queue_id().as_deref(), id, "{text}");
        }
        assert_eq!(read("550 5.7.1 no\r\n").unwrap().enhanced(), Some("5.7.1"));
        for none in [
            "250 5.7.1 no\r\n",
            "250 2.0 x\r\n",
            "250 ok\r\n",
            "250 2.0.1234 x\r\n",
        ] {
            assert_eq!(read(none).unwrap().enhanced(), None, "{none}");
        }
    }
}
