//! All pages as one Markdown file.

use super::{Block, Group, Key, Page};

/// The file, its contents first.
pub(super) fn render(pages: &[Page]) -> String {
    let mut out = String::from(
        "# The reference\n\nGenerated from the code: `landfall reference NAME` prints the same. The schemas for editors \
         are [probe.schema.json](probe.schema.json), [workspace.schema.json](workspace.schema.json) and, for what \
         `--format json` prints, [results.schema.json](results.schema.json).\n",
    );
    for group in Group::ALL {
        out.push_str(&format!("\n**{}**\n\n", group.title()));
        for page in pages.iter().filter(|page| page.group == group) {
            out.push_str(&format!(
                "- [`{}`](#{}): {}\n",
                page.name,
                anchor(&page.name),
                page.sentence
            ));
        }
    }
    for page in pages {
        out.push_str(&format!("\n## {}\n", page.name));
        page.blocks.iter().for_each(|block| self::block(&mut out, block));
    }
    out
}

/// How a heading is linked to: lower case, without dots.
fn anchor(name: &str) -> String {
    name.replace('.', "")
}

fn block(out: &mut String, block: &Block) {
    out.push('\n');
    match block {
        Block::Heading(title) => out.push_str(&format!("### {title}\n")),
        Block::Text(text) => out.push_str(&format!("{}\n", escaped(text))),
        Block::Code(text) => out.push_str(&format!("```yaml\n{}\n```\n", text.trim_end())),
        Block::Keys(keys) => keys.iter().for_each(|key| self::key(out, key)),
        Block::Words(words) => {
            for (word, said) in words {
                out.push_str(&format!("- `{word}`: {}\n", escaped(said)));
            }
        }
    }
}

fn key(out: &mut String, key: &Key) {
    let need = if key.need.is_empty() {
        String::new()
    } else {
        format!("; {}", key.need)
    };
    let text = escaped(&key.text).replace("\n\n", "\n\n  ");
    out.push_str(&format!("- `{}` ({}{need}): {text}\n", key.path, key.takes));
    for (word, said) in &key.words {
        out.push_str(&format!("  - `{word}`: {}\n", escaped(said)));
    }
}

/// What outside of code would be taken for a tag, or a list.
fn escaped(text: &str) -> String {
    let parts = text.split('`').enumerate();
    parts
        .map(|(at, part)| {
            if at % 2 == 0 {
                part.replace('<', "&lt;").replace('*', "\\*")
            } else {
                part.to_owned()
            }
        })
        .collect::<Vec<_>>()
        .join("`")
}
