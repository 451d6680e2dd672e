//! What all drawings over time have in common: one axis, and what happened on it.

use super::{Axis, Frame, Hit, Layer, Scale, Unit, instant};
use crate::model::Moment;
use crate::report::course::Bucket;
use crate::report::html::words;

/// Something that happened, to be seen beside what was measured. Its words are shown as they are: text from outside has to
/// go through [`Look`](crate::report::html::Look) before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Happening {
    /// When, or when it began.
    pub at: Moment,
    /// Until when; `None` for an instant.
    pub until: Option<Moment>,
    /// `deployment`, `incident`, `note`, `alert`, `off` or `blind`: what it is drawn as.
    pub class: &'static str,
    /// A sign by which a list beside the drawing names it; empty for what needs none.
    pub sign: String,
    /// What happened, in a line.
    pub said: String,
}

/// A window with what happened in it.
#[derive(Clone, Copy, Debug)]
pub struct Timeline<'a> {
    /// Where it begins.
    pub since: Moment,
    /// Where it ends.
    pub until: Moment,
    /// What happened.
    pub happened: &'a [Happening],
}

impl Timeline<'_> {
    /// A frame of so many pixels in height over the window.
    pub(super) fn frame(&self, id: &str, title: &str, said: &str, height: f64, y: Axis) -> Frame {
        let day = words::instant(&self.since.to_rfc3339());
        let x = Axis::new(
            &format!("UTC, from {}", day.get(..16).unwrap_or(&day)),
            Scale::time(self.since, self.until),
            Unit::Instant,
        );
        Frame::new(id, title, said, height, x, Some(y))
    }

    /// The layers with what happened: stretches below them, instants above, and what is read off on top.
    pub(super) fn around(&self, frame: &Frame, layers: Vec<Layer>, hits: &[Hit]) -> Vec<Layer> {
        let mut all: Vec<Layer> = Vec::new();
        for it in self.happened {
            if let Some(until) = it.until {
                all.push(frame.region(it.class, instant(it.at), instant(until), &it.said));
            }
        }
        all.extend(layers);
        for it in self
            .happened
            .iter()
            .filter(|it| it.until.is_none() || !it.sign.is_empty())
        {
            all.push(frame.mark(it.class, instant(it.at), &it.sign));
        }
        all.push(frame.hits(hits));
        all
    }
}

/// A stretch as values of a time axis.
pub(super) fn ends(bucket: &Bucket) -> (f64, f64) {
    (instant(bucket.from), instant(bucket.to))
}

/// `2026-11-22 10:00 to 10:05`: when a stretch was, for those who point at it.
pub(super) fn when(bucket: &Bucket) -> String {
    let (from, to) = (bucket.from.to_rfc3339(), bucket.to.to_rfc3339());
    let (from, to) = (words::instant(&from), words::instant(&to));
    let short = |text: &str| text.strip_suffix(":00").unwrap_or(text).to_owned();
    match from.get(..11) == to.get(..11) {
        true => format!("{} to {}", short(&from), short(to.get(11..).unwrap_or(&to))),
        false => format!("{} to {}", short(&from), short(&to)),
    }
}
