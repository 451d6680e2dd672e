//! Which run is meant: by its id, the beginning of one, or its token.

use super::history::History;
use super::sweep::sweep;
use super::{Exit, output};
use crate::diag::escape;
use crate::model::{Moment, RunId, RunRecord};
use crate::store::{Order, RunFilter};

/// Matches that are listed where a beginning is of several ids.
const LISTED: usize = 5;
/// An id is made this long around its tick, as a rule: looked at first.
const AROUND: i64 = 3_600_000_000_000;

/// The run of that id, beginning of an id, or token.
pub(super) async fn pick(history: &History, text: &str) -> Result<RunRecord, Exit> {
    let wanted = text.trim().to_ascii_lowercase();
    if wanted.is_empty() {
        output::error("a run is named by its id, the beginning of one, or its token");
        return Err(Exit::Usage);
    }
    if let Ok(id) = wanted.parse::<uuid::Uuid>() {
        for store in history.stores() {
            let found = store.run(RunId(id)).await;
            if let Some(run) = found.map_err(|fault| super::history::failed(&fault))? {
                return Ok(run);
            }
        }
        return Err(unknown(text));
    }
    let mut found = Found::new(&wanted);
    if let Some((since, until)) = window(&wanted) {
        let filter = RunFilter {
            since: Some(since),
            until: Some(until),
            order: Order::Oldest,
            ..RunFilter::default()
        };
        let mut pages = history.pages(filter);
        loop {
            let page = pages.next().await?;
            if page.is_empty() {
                break;
            }
            page.iter().for_each(|run| found.take(run));
        }
    }
    if found.runs.is_empty() {
        sweep(history, RunFilter::default(), |run| found.take(run)).await?;
    }
    found.one(text)
}

struct Found<'a> {
    wanted: &'a str,
    /// By their ids without dashes too.
    plain: String,
    runs: Vec<RunRecord>,
    more: u64,
}

impl<'a> Found<'a> {
    fn new(wanted: &'a str) -> Self {
        Self {
            wanted,
            plain: wanted.replace('-', ""),
            runs: Vec::new(),
            more: 0,
        }
    }

    fn take(&mut self, run: &RunRecord) {
        let id = run.id.to_string();
        let meant = id.starts_with(self.wanted)
            || !self.plain.is_empty() && run.id.trace_id().starts_with(&self.plain)
            || run.token.eq_ignore_ascii_case(self.wanted);
        if !meant || self.runs.iter().any(|known| known.id == run.id) {
            return;
        }
        if self.runs.len() < LISTED {
            self.runs.push(run.clone());
        } else {
            self.more += 1;
        }
    }

    fn one(mut self, text: &str) -> Result<RunRecord, Exit> {
        match (self.runs.len(), self.runs.pop()) {
            (1, Some(run)) => Ok(run),
            (_, Some(last)) => {
                let all = self.runs.len() as u64 + 1 + self.more;
                self.runs.push(last);
                let mut said = format!("`{text}` is the beginning of {all} ids: name more of one");
                for run in &self.runs {
                    said.push_str(&format!(
                        "\n  {}  {}  {}  {}/{}",
                        run.id,
                        run.tick,
                        run.class.word(),
                        run.probe,
                        run.route
                    ));
                }
                if self.more > 0 {
                    said.push_str(&format!("\n  … and {} more", self.more));
                }
                let lines: Vec<_> = said.lines().map(escape).collect();
                output::error(&lines.join("\n"));
                Err(Exit::Usage)
            }
            (_, None) => Err(unknown(text)),
        }
    }
}

fn unknown(text: &str) -> Exit {
    output::error(&escape(&format!(
        "no run `{text}` is on record: name its id, the beginning of one, or its token; `landfall runs` lists them"
    )));
    Exit::Usage
}

/// When a run with such an id was made, with an hour on either side: the first 48 bits of a UUIDv7 are milliseconds
/// (RFC 9562, section 5.7). `None` where the text says too little.
fn window(text: &str) -> Option<(Moment, Moment)> {
    let digits: String = text.chars().filter(|c| *c != '-').take(12).collect();
    if digits.len() < 6 || !digits.chars().all(|c| c.is_ascii_hexdigit()) {
        return None;
    }
    let millis = |fill: char| {
        let whole: String = digits.chars().chain(std::iter::repeat(fill)).take(12).collect();
        i64::from_str_radix(&whole, 16).ok()?.checked_mul(1_000_000)
    };
    Some((
        Moment(millis('0')?.saturating_sub(AROUND)),
        Moment(millis('f')?.saturating_add(AROUND)),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_of_an_id_says_when_it_was_made() {
        let at = Moment::from_rfc3339("2026-11-22T10:00:00Z").unwrap();
        let id = format!("{:012x}", at.0 / 1_000_000);
        let (since, until) = window(&format!("{}-{}", &id[..8], &id[8..10])).unwrap();
        assert!(since < at && at < until && (until.0 - since.0) < 3 * AROUND);
        assert_eq!(window("019"), None);
        assert_eq!(window("k7m2p9q4r8"), None);
    }
}
