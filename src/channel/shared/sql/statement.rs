//! One statement and its named parameters.

#[cfg(test)]
mod tests;

use std::iter::Peekable;
use std::str::CharIndices;

/// Whose rules the text follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Postgres,
    Sqlite,
}

/// A statement, taken apart at its named parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Statement {
    /// The text with the driver's parameters, without a final semicolon.
    pub(crate) text: String,
    /// What to bind, in the order of the driver's numbers, each once.
    pub(crate) names: Vec<String>,
}

/// Why a text cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wrong {
    pub(crate) message: String,
    pub(crate) label: String,
    pub(crate) help: Option<String>,
}

impl Wrong {
    fn new(message: impl Into<String>, label: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            label: label.into(),
            help: None,
        }
    }

    fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl Statement {
    /// Takes a text apart.
    pub(crate) fn parse(dialect: Dialect, text: &str) -> Result<Self, Wrong> {
        if let Some(sign) = ["{{", "{%"].into_iter().find(|s| text.contains(s)) {
            let message = format!("`{sign}` in `query`: a statement is never put together from values");
            return Err(Wrong::new(message, "no template here").help(
                "write `:keys`, `:token` or `:name` of a captured value: they are bound, not pasted \
                 (for an array literal write ARRAY[[…]])",
            ));
        }
        let mut scan = Scan::new(dialect, text);
        scan.run()?;
        let Scan { out, names, .. } = scan;
        if out.trim().is_empty() {
            return Err(Wrong::new("`query` holds no statement", "expected a SELECT"));
        }
        if names.is_empty() {
            return Err(Wrong::new(
                "`query` names neither `:keys` nor `:token`",
                "which rows are a run's?",
            )
            .help(format!(
                "for example: SELECT ref AS key, status FROM orders WHERE {}",
                dialect.example()
            )));
        }
        Ok(Self {
            text: out.trim_end().to_owned(),
            names,
        })
    }

    /// Whether it asks for all runs at once: it binds nothing that is one run's own.
    pub(crate) fn batched(&self) -> bool {
        self.names == ["keys"]
    }
}

impl Dialect {
    const fn example(self) -> &'static str {
        match self {
            Self::Postgres => "ref = ANY(:keys)",
            Self::Sqlite => "ref IN (:keys)",
        }
    }
}

struct Scan<'a> {
    dialect: Dialect,
    text: &'a str,
    chars: Peekable<CharIndices<'a>>,
    out: String,
    names: Vec<String>,
    /// The last two words or signs that count, lower case.
    before: [String; 2],
    /// Whether the character before belongs to a name, number, or closes something: `a[1:n]` has no parameter.
    joined: bool,
    ended: bool,
}

impl<'a> Scan<'a> {
    fn new(dialect: Dialect, text: &'a str) -> Self {
        Self {
            dialect,
            text,
            chars: text.char_indices().peekable(),
            out: String::with_capacity(text.len() + 16),
            names: Vec::new(),
            before: [String::new(), String::new()],
            joined: false,
            ended: false,
        }
    }

    fn run(&mut self) -> Result<(), Wrong> {
        let sqlite = self.dialect == Dialect::Sqlite;
        while let Some((at, c)) = self.chars.next() {
            let rest = &self.text[at..];
            if c.is_whitespace() {
                self.copy(at, c.len_utf8());
                self.joined = false;
                continue;
            }
            if let Some(length) = self.comment(rest)? {
                self.skip(at, length);
                // A comment parts words as a blank does.
                self.out.push(' ');
                self.joined = false;
                continue;
            }
            if self.ended {
                return Err(
                    Wrong::new("`query` holds more than one statement", "one statement, please")
                        .help("leave out what follows the first `;`"),
                );
            }
            match c {
                ';' => self.ended = true,
                '\'' => self.quoted(at, '\'', self.escapes())?,
                '"' => self.quoted(at, '"', false)?,
                '`' if sqlite => self.quoted(at, '`', false)?,
                '[' if sqlite => self.quoted(at, ']', false)?,
                ':' => self.colon(at, rest)?,
                '$' if !sqlite && !self.joined => self.dollar(at, rest)?,
                '?' | '@' | '$' if sqlite && !self.joined => return Err(own_parameter(rest)),
                c if is_word(c) => {
                    let length = rest.find(|c| !is_word(c) && c != '$').unwrap_or(rest.len());
                    self.copy(at, length);
                    self.note(rest[..length].to_lowercase());
                    self.joined = true;
                }
                c => {
                    self.copy(at, c.len_utf8());
                    self.note(c.to_string());
                    self.joined = matches!(c, ')' | ']');
                }
            }
        }
        Ok(())
    }

    /// The length of a comment that begins here.
    fn comment(&self, rest: &str) -> Result<Option<usize>, Wrong> {
        if rest.starts_with("--") {
            return Ok(Some(rest.find('\n').unwrap_or(rest.len())));
        }
        if !rest.starts_with("/*") {
            return Ok(None);
        }
        let nests = self.dialect == Dialect::Postgres;
        let (mut depth, mut at) = (1_usize, 2);
        while depth > 0 {
            let close = rest[at..].find("*/");
            let open = rest[at..].find("/*").filter(|_| nests);
            match (open, close) {
                (Some(open), Some(close)) if open < close => {
                    depth += 1;
                    at += open + 2;
                }
                (_, Some(close)) => {
                    depth -= 1;
                    at += close + 2;
                }
                (_, None) => return Err(Wrong::new("a comment in `query` does not end", "expected `*/`")),
            }
        }
        Ok(Some(at))
    }

    /// Whether a string that begins now knows backslashes: `E'…'`.
    fn escapes(&self) -> bool {
        self.dialect == Dialect::Postgres && self.joined && self.before[1] == "e"
    }

    /// Copies what is quoted; the closing quote, doubled, stands for itself.
    fn quoted(&mut self, at: usize, close: char, escapes: bool) -> Result<(), Wrong> {
        let rest = &self.text[at + 1..];
        let mut chars = rest.char_indices().peekable();
        while let Some((i, c)) = chars.next() {
            if escapes && c == '\\' {
                chars.next();
            } else if c == close {
                if close != ']' && chars.peek().is_some_and(|(_, next)| *next == close) {
                    chars.next();
                    continue;
                }
                self.copy(at, i + 2);
                self.note(String::from("''"));
                self.joined = true;
                return Ok(());
            }
        }
        let label = format!("expected a closing `{close}`");
        Err(Wrong::new("something quoted in `query` does not end", label))
    }

    fn colon(&mut self, at: usize, rest: &str) -> Result<(), Wrong> {
        let name = &rest[1..];
        if name.starts_with([':', '=']) {
            self.copy(at, 2);
            self.joined = false;
            return Ok(());
        }
        let length = name.find(|c| !is_word(c)).unwrap_or(name.len());
        let name = &name[..length];
        if self.joined || name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
            self.copy(at, 1);
            self.joined = false;
            return Ok(());
        }
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if !name.chars().all(plain) {
            let message = format!("`:{name}` is no name that a value can have");
            return Err(Wrong::new(message, "names are lower case: [a-z_][a-z0-9_]*"));
        }
        self.skip(at, 1 + length);
        self.parameter(name, &self.text[at + 1 + length..])
    }

    /// Writes the driver's own parameter.
    fn parameter(&mut self, name: &str, after: &str) -> Result<(), Wrong> {
        let known = self.names.iter().position(|n| n == name);
        let number = known.unwrap_or(self.names.len()) + 1;
        if known.is_none() {
            self.names.push(name.to_owned());
        }
        let within_in =
            self.before[0] == "in" && self.before[1] == "(" && after.trim_start().starts_with(')');
        let bare_in = self.before[1] == "in";
        let any = self.before[1] == "(" && matches!(self.before[0].as_str(), "any" | "some" | "all");
        let text = match (self.dialect, name) {
            (Dialect::Postgres, "keys") if within_in || bare_in => {
                return Err(Wrong::new(
                    "`IN (:keys)` is not how PostgreSQL takes a list",
                    "`:keys` is one text[]",
                )
                .help("write `= ANY(:keys)`"));
            }
            (Dialect::Postgres, "keys") => format!("${number}::text[]"),
            (Dialect::Postgres, _) => format!("${number}::text"),
            (Dialect::Sqlite, "keys") if any => {
                return Err(Wrong::new("SQLite has no `ANY`", "`:keys` is a list").help("write `IN (:keys)`"));
            }
            (Dialect::Sqlite, "keys") if within_in => format!("SELECT value FROM json_each(?{number})"),
            (Dialect::Sqlite, "keys") if bare_in => format!("(SELECT value FROM json_each(?{number}))"),
            (Dialect::Sqlite, _) => format!("?{number}"),
        };
        self.out.push_str(&text);
        self.note(String::from("?"));
        self.joined = true;
        Ok(())
    }

    fn dollar(&mut self, at: usize, rest: &str) -> Result<(), Wrong> {
        let tag = rest[1..].find('$').map(|end| &rest[..end + 2]);
        let tag = tag.filter(|t| t[1..t.len() - 1].chars().all(is_word));
        if rest[1..].starts_with(|c: char| c.is_ascii_digit()) {
            return Err(own_parameter(rest));
        }
        let Some(tag) = tag else {
            self.copy(at, 1);
            return Ok(());
        };
        let Some(end) = rest[tag.len()..].find(tag) else {
            let label = format!("expected a closing `{tag}`");
            return Err(Wrong::new("something quoted in `query` does not end", label));
        };
        self.copy(at, tag.len() * 2 + end);
        self.note(String::from("''"));
        self.joined = true;
        Ok(())
    }

    /// Copies `length` bytes from `at`, of which the first character is already consumed.
    fn copy(&mut self, at: usize, length: usize) {
        self.out.push_str(&self.text[at..at + length]);
        self.skip(at, length);
    }

    fn skip(&mut self, at: usize, length: usize) {
        while self.chars.next_if(|(i, _)| *i < at + length).is_some() {}
    }

    fn note(&mut self, word: String) {
        self.before.rotate_left(1);
        self.before[1] = word;
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn own_parameter(rest: &str) -> Wrong {
    let shown: String = rest.chars().take(2).collect();
    Wrong::new(
        format!("`{shown}` in `query`: parameters are named"),
        "write `:keys`, `:token` or `:name`",
    )
}
