//! `landfall reference`.

use super::{Exit, args, output};
use crate::definition::reference;

/// Wider lines are hard to read.
const WIDEST: u16 = 100;
/// Narrower than this, words alone fill a line.
const NARROWEST: u16 = 40;

/// Runs the command.
pub(super) fn run(args: &args::Reference) -> Exit {
    let width = usize::from(output::width().clamp(NARROWEST, WIDEST));
    let Some(name) = &args.kind else {
        output::data(&reference::list(width));
        return Exit::Fine;
    };
    match reference::find(name) {
        Ok(pages) => {
            let pages: Vec<String> = pages.iter().map(|page| page.text(width)).collect();
            output::data(&pages.join("\n\n"));
            Exit::Fine
        }
        Err(message) => {
            output::error(&message);
            Exit::Usage
        }
    }
}
