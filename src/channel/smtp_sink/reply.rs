//! What the sink says.

/// One reply: a code, an enhanced status code (RFC 3463) as the text's first word, and one line or more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reply {
    /// The three digits.
    pub(super) code: u16,
    /// Lines parted by `\n`.
    pub(super) text: String,
}

impl Reply {
    pub(super) fn new(code: u16, text: impl Into<String>) -> Self {
        Self {
            code,
            text: text.into(),
        }
    }

    /// Reads `451 4.7.1 come back later`, as scripted replies are written.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (code, rest) = text.trim().split_at_checked(3)?;
        let code: u16 = code.parse().ok()?;
        let plain = rest.is_empty() || rest.starts_with(' ');
        let printable = rest.chars().all(|c| c == ' ' || c.is_ascii_graphic());
        (plain && printable && (400..600).contains(&code)).then(|| Self::new(code, rest.trim()))
    }

    /// The bytes that go out. Control characters that came in with a command never leave in a reply.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.text.len() + 8);
        let mut lines = self.text.split('\n').peekable();
        while let Some(line) = lines.next() {
            let separator = if lines.peek().is_some() { '-' } else { ' ' };
            let clean: String = line
                .chars()
                .map(|c| if c.is_control() { '?' } else { c })
                .collect();
            out.extend_from_slice(format!("{}{separator}{clean}\r\n", self.code).as_bytes());
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_lines_are_joined_by_dashes_and_bear_no_control_characters() {
        let bytes = Reply::new(250, "first\nse\rcond\u{7}").to_bytes();
        assert_eq!(String::from_utf8(bytes).unwrap(), "250-first\r\n250 se?cond?\r\n");
    }

    #[test]
    fn a_scripted_reply_must_refuse() {
        assert_eq!(
            Reply::parse("451 4.7.1 later"),
            Some(Reply::new(451, "4.7.1 later"))
        );
        for wrong in ["", "250 ok", "45", "4511 x", "600 x", "451 a\r\n250 b"] {
            assert_eq!(Reply::parse(wrong), None, "{wrong}");
        }
    }
}
