//! A page for a terminal.

use super::{Block, Group, Key, Page};

/// Every page with its first sentence.
pub(super) fn list(pages: &[Page], width: usize) -> String {
    let longest = pages.iter().map(|page| page.name.len()).max().unwrap_or(0);
    let mut out = String::new();
    for group in Group::ALL {
        out.push_str(&format!("{}\n", group.title()));
        for page in pages.iter().filter(|page| page.group == group) {
            let sentence = format!("{:longest$}  {}", page.name, page.sentence);
            wrap(&mut out, &sentence, 2, longest + 4, width);
        }
        out.push('\n');
    }
    wrap(
        &mut out,
        "`landfall reference NAME` prints one of them, also by its last part: `landfall reference imap`.",
        0,
        0,
        width,
    );
    out
}

/// One page.
pub(super) fn render(page: &Page, width: usize) -> String {
    let mut out = format!("{}\n", page.name);
    for block in &page.blocks {
        out.push('\n');
        match block {
            Block::Heading(title) => out.push_str(&format!("{title}\n")),
            Block::Text(text) => paragraphs(&mut out, text, 2, width),
            Block::Code(text) => code(&mut out, text),
            Block::Keys(keys) => keys.iter().for_each(|key| self::key(&mut out, key, width)),
            Block::Words(words) => words
                .iter()
                .for_each(|(word, said)| self::word(&mut out, word, said, 2, width)),
        }
    }
    out
}

fn key(out: &mut String, key: &Key, width: usize) {
    let need = if key.need.is_empty() {
        String::new()
    } else {
        format!("; {}", key.need)
    };
    wrap(out, &format!("{}  ({}{need})", key.path, key.takes), 2, 6, width);
    if !key.text.is_empty() {
        paragraphs(out, &key.text, 6, width);
    }
    for (word, said) in &key.words {
        self::word(out, word, said, 6, width);
    }
}

fn word(out: &mut String, word: &str, said: &str, indent: usize, width: usize) {
    let head = format!("{word}  ");
    wrap(out, &format!("{head}{said}"), indent, indent + 4, width);
}

fn paragraphs(out: &mut String, text: &str, indent: usize, width: usize) {
    for (at, paragraph) in text.split("\n\n").enumerate() {
        if at > 0 {
            out.push('\n');
        }
        wrap(out, paragraph, indent, indent, width);
    }
}

/// Breaks a text at blanks; the first line begins at `first`, the others at `rest`. What is too long for a line, and
/// blanks that line columns up, stay as they are.
fn wrap(out: &mut String, text: &str, first: usize, rest: usize, width: usize) {
    let mut line = " ".repeat(first);
    let mut empty = true;
    for word in text.split(' ') {
        let room = line.chars().count() + usize::from(!empty) + word.chars().count() <= width;
        if !empty && !room {
            out.push_str(line.trim_end());
            out.push('\n');
            line = " ".repeat(rest);
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        line.push_str(word);
        empty = false;
    }
    out.push_str(line.trim_end());
    out.push('\n');
}

fn code(out: &mut String, text: &str) {
    for line in text.lines() {
        out.push_str(format!("    {line}").trim_end());
        out.push('\n');
    }
}
