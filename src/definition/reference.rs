//! The reference: what `landfall reference` prints and `probes/REFERENCE.md` holds.
//!
//! A page is made of what the code says of itself (schemas with their doc comments, `FACTS`, the lists of classes and
//! codes), and of the prose beside this file where a thing has no type. Text and Markdown are drawn from the same page.

mod keys;
mod markdown;
mod pages;
mod prose;
mod terminal;

use super::known::nearest;

/// One page.
#[derive(Clone, Debug)]
pub struct Page {
    /// The name it is asked for by: `channel.imap`, `route`, `classes`.
    pub name: String,
    /// Its first sentence.
    pub sentence: String,
    group: Group,
    blocks: Vec<Block>,
}

/// What kind of page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Group {
    Part,
    Trigger,
    Channel,
    Destination,
    Words,
}

#[derive(Clone, Debug)]
enum Block {
    Heading(String),
    Text(String),
    Code(String),
    Keys(Vec<Key>),
    Words(Vec<(String, String)>),
}

/// A key of a mapping.
#[derive(Clone, Debug)]
struct Key {
    /// Dotted, below the page's mapping.
    path: String,
    takes: String,
    /// `required`, `default 5s`, or empty.
    need: String,
    text: String,
    /// The words that it takes, with a sentence each.
    words: Vec<(String, String)>,
}

impl Group {
    const ALL: [Self; 5] = [
        Self::Part,
        Self::Trigger,
        Self::Channel,
        Self::Destination,
        Self::Words,
    ];

    const fn title(self) -> &'static str {
        match self {
            Self::Part => "Parts of a definition",
            Self::Trigger => "Triggers: how a request is fired",
            Self::Channel => "Channels: where outcomes are seen",
            Self::Destination => "Destinations: where alerts go",
            Self::Words => "What landfall says, and what can be written in values",
        }
    }
}

/// Every page, in the order of the reference.
#[must_use]
pub fn pages() -> Vec<Page> {
    pages::all()
}

/// The pages of a name: one, or several where a trigger and a channel share it.
///
/// # Errors
/// There is no such page; what may have been meant.
pub fn find(name: &str) -> Result<Vec<Page>, String> {
    let pages = pages();
    let asked = name.trim().to_lowercase();
    let found: Vec<Page> = pages
        .iter()
        .filter(|page| page.name == asked || page.short() == asked)
        .cloned()
        .collect();
    if !found.is_empty() {
        return Ok(found);
    }
    let known = pages.iter().flat_map(|page| [page.name.as_str(), page.short()]);
    let hint = match nearest(&asked, known) {
        Some(near) => format!("did you mean `{near}`?"),
        None => String::from("`landfall reference` lists everything"),
    };
    Err(format!("there is no `{name}` in the reference; {hint}"))
}

/// The list of all pages for a terminal, `width` columns wide.
#[must_use]
pub fn list(width: usize) -> String {
    terminal::list(&pages(), width)
}

/// All pages as one Markdown file.
#[must_use]
pub fn markdown() -> String {
    markdown::render(&pages())
}

impl Page {
    /// The page for a terminal, `width` columns wide.
    #[must_use]
    pub fn text(&self, width: usize) -> String {
        terminal::render(self, width)
    }

    /// The name without the list that a kind is in.
    fn short(&self) -> &str {
        self.name
            .split_once('.')
            .map_or(self.name.as_str(), |(_, kind)| kind)
    }
}

#[cfg(test)]
mod tests;
