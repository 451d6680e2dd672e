//! What pages and API may do.

use std::sync::Arc;

use super::{Desk, views};
use crate::definition::Probe;
use crate::lifecycle::agenda::PauseOf;
use crate::model::{Mark, MarkId};
use crate::web::daemon::{Event, Fire, Fired, NewMark, Pause, PauseView, Refused, Resumed, Target};

pub(super) async fn fire(desk: &Desk, ask: Fire) -> Result<Fired, Refused> {
    let probe = probe(desk, &ask.probe)?;
    known("route", "/routes", &ask.routes, &views::routes(&probe))?;
    if !probe.enabled {
        let why = "is disabled in its definition: set `enabled: true` to fire it";
        return Err(Refused::Conflict(format!("probe `{}` {why}", probe.name)));
    }
    let fired = desk.ticker.fire(&ask.probe, &ask.routes).await?;
    Ok(Fired {
        probe: ask.probe,
        tick: fired.tick.to_rfc3339_nanos(),
        runs: u32::try_from(fired.runs).unwrap_or(u32::MAX),
    })
}

pub(super) async fn pause(desk: &Desk, ask: Pause) -> Result<PauseView, Refused> {
    let what = target(desk, &ask.target)?;
    let note = note(&ask);
    desk.ticker.pause(what.clone(), &note).await?;
    desk.bell.ring(Event::Changed);
    let pauses = desk.ticker.pauses();
    let kept = pauses.iter().find(|(of, _)| **of == what).map(|(_, pause)| pause);
    kept.map(views::pause)
        .ok_or_else(|| Refused::Conflict(String::from("somebody else has resumed it meanwhile")))
}

pub(super) async fn resume(desk: &Desk, ask: Target) -> Result<Resumed, Refused> {
    let what = target(desk, &ask)?;
    let was = desk.ticker.resume(&what).await?;
    desk.bell.ring(Event::Changed);
    Ok(Resumed { was })
}

pub(super) async fn mark(desk: &Desk, new: NewMark) -> Result<Mark, Refused> {
    let now = desk.clock.now();
    let mut random = [0; 10];
    random.copy_from_slice(&desk.random.bytes()[..10]);
    let millis = u64::try_from(now.0 / 1_000_000).unwrap_or(0);
    let mark = Mark {
        id: MarkId(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()),
        at: new.at.unwrap_or(now),
        text: new.text,
        kind: new.kind,
        labels: new.labels,
        until: new.until,
    };
    mark.check().map_err(|fault| Refused::Invalid {
        pointer: String::new(),
        detail: fault.message,
    })?;
    desk.store.mark(mark.clone()).await?;
    tracing::info!(mark = %mark.id, text = mark.text, by = new.by, "marked");
    desk.bell.ring(Event::Changed);
    Ok(mark)
}

pub(super) fn probe(desk: &Desk, name: &str) -> Result<Arc<Probe>, Refused> {
    let force = desk.force.now();
    let probes = &force.probes;
    probes
        .iter()
        .find(|probe| probe.name.as_ref() == name)
        .cloned()
        .ok_or_else(|| Refused::Unknown {
            what: "probe",
            name: name.to_owned(),
            near: near(name, probes.iter().map(|probe| probe.name.as_ref())),
        })
}

fn target(desk: &Desk, target: &Target) -> Result<PauseOf, Refused> {
    let probe = probe(desk, &target.probe)?;
    match &target.route {
        None => Ok(PauseOf::Probe(target.probe.clone())),
        Some(route) => {
            known(
                "route",
                "/route",
                std::slice::from_ref(route),
                &views::routes(&probe),
            )?;
            Ok(PauseOf::Route(target.probe.clone(), route.clone()))
        }
    }
}

/// Whether each name is one of those there are.
pub(super) fn known(
    what: &'static str,
    pointer: &str,
    asked: &[String],
    there: &[&str],
) -> Result<(), Refused> {
    for (n, name) in asked.iter().enumerate() {
        if there.contains(&name.as_str()) {
            continue;
        }
        let hint = near(name, there.iter().copied()).map_or_else(
            || format!("there are: {}", there.join(", ")),
            |near| format!("did you mean `{near}`?"),
        );
        return Err(Refused::Invalid {
            pointer: if pointer == "/route" {
                String::from(pointer)
            } else {
                format!("{pointer}/{n}")
            },
            detail: format!("there is no {what} `{name}`; {hint}"),
        });
    }
    Ok(())
}

pub(super) fn near<'a>(name: &str, there: impl Iterator<Item = &'a str>) -> Option<String> {
    there
        .map(|other| (strsim::jaro(other, name), other))
        .filter(|(likeness, _)| *likeness > 0.7)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, other)| other.to_owned())
}

/// Who asked, and why.
fn note(ask: &Pause) -> String {
    if ask.reason.is_empty() {
        format!("by {}", ask.by)
    } else {
        format!("by {}: {}", ask.by, ask.reason)
    }
}
