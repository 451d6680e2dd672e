//! What commands over stored records have in common: where the stores are, how times are written, which part of history
//! is asked for, and how it is read without being held.

pub(super) mod files;
pub(super) mod filters;
mod pages;

use std::path::PathBuf;
use std::time::Duration;

use super::{Exit, output};
use crate::definition::{ProcessEnvironment, store_place};
use crate::model::{Class, Fault, Lapse, Moment, Reason};
use crate::store::Location;

pub(super) use filters::{Filters, History};
pub(super) use pages::Pages;

/// A time as people give it: an instant, a day, or how long ago.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    At(Moment),
    Ago(Duration),
}

impl When {
    /// Reads RFC 3339, a day in UTC such as `2026-11-22`, or a time that has passed such as `2h`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if let Some(at) = Moment::from_rfc3339(text) {
            return Ok(Self::At(at));
        }
        if let Some(at) = Moment::from_rfc3339(&format!("{text}T00:00:00Z")) {
            return Ok(Self::At(at));
        }
        Lapse::parse(text).map(|Lapse(time)| Self::Ago(time)).map_err(|_| {
            format!("`{text}` is no time: write how long ago (2h, 7d), a day (2026-11-22, in UTC) or an instant (2026-11-22T10:00:00Z)")
        })
    }

    pub(super) fn moment(self, now: Moment) -> Moment {
        match self {
            Self::At(at) => at,
            Self::Ago(time) => now.before(time),
        }
    }
}

/// The class of that word, for an option.
pub(super) fn class(word: &str) -> Result<Class, String> {
    Class::from_word(word).ok_or_else(|| {
        let known: Vec<_> = Class::ALL.iter().map(|class| class.word()).collect();
        format!("expected one of {}", known.join(", "))
    })
}

/// The store that `--store` or the workspace names. The definitions need not be right for it.
pub(super) fn place(dir: Option<PathBuf>, asked: Option<&str>) -> Result<Location, Exit> {
    if let (Some(text), None) = (asked, &dir) {
        // Named in full, it needs no workspace.
        return Location::parse(text, std::path::Path::new("")).map_err(|fault| failed(&fault));
    }
    let place = store_place(dir.as_deref(), &ProcessEnvironment).map_err(|wrong| {
        let (problems, sources) = *wrong;
        output::line(problems.render(&sources, output::watched()).trim_end());
        Exit::Usage
    })?;
    match asked {
        Some(text) => Location::parse(text, &place.root).map_err(|fault| failed(&fault)),
        None => Ok(place.location),
    }
}

/// Runs what blocks.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
) -> Result<T, Exit> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(Fault::new(Reason::Internal, error.to_string())))
        .map_err(|fault| failed(&fault))
}

/// Says what could not be done. What was asked for wrongly is wrong usage; else the store cannot be used.
pub(super) fn failed(fault: &Fault) -> Exit {
    output::error(&fault.message);
    match fault.reason {
        Reason::Input => Exit::Usage,
        _ => Exit::Blind,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_an_instant_a_day_or_a_while_ago() {
        let now = Moment(1_790_000_000_000_000_000);
        let read = |text| When::parse(text).map(|when| when.moment(now));
        assert_eq!(read("1h30m"), Ok(now.before(Duration::from_secs(5_400))));
        assert_eq!(read("2026-09-21"), Ok(Moment(1_789_948_800_000_000_000)));
        assert_eq!(
            read("2026-09-21T02:00:00+02:00"),
            Ok(Moment(1_789_948_800_000_000_000))
        );
        for wrong in ["", "yesterday", "5", "2026-13-01", "-2h"] {
            assert!(When::parse(wrong).unwrap_err().contains(wrong), "{wrong}");
        }
    }
}
