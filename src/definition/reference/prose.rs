//! Pages, and parts of pages, that are written by hand: Markdown with paragraphs, tables of two columns, and code.

use super::Block;

/// The blocks of a text.
pub(super) fn blocks(markdown: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    for part in markdown.trim().split("\n\n") {
        let block = match part
            .strip_prefix("```yaml\n")
            .and_then(|code| code.strip_suffix("```"))
        {
            Some(code) => Block::Code(code.to_owned()),
            None if part.starts_with('|') => Block::Words(rows(part)),
            None => Block::Text(part.replace('\n', " ")),
        };
        blocks.push(block);
    }
    blocks
}

/// The rows of a table below its head. Backticks around the whole first column are the drawing's to set.
pub(super) fn rows(table: &str) -> Vec<(String, String)> {
    let lines = table.trim().lines().skip(2);
    lines
        .filter_map(|line| line.trim_matches(['|', ' ']).split_once(" | "))
        .map(|(word, said)| (word.replace('`', ""), said.to_owned()))
        .collect()
}
