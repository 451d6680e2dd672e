//! What a run holds, as bytes and back.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde_json::Map;

use super::codec::{Reader, Writer};
use super::packed::Share;
use super::{Live, LiveAnswer};
use crate::definition::RunScope;
use crate::model::{ChannelId, Moment, Observation, ObservationId, RunId, Timings, Token};

/// Whose contents they are.
#[derive(Clone, Copy)]
pub(super) struct Whose {
    pub(super) run: RunId,
    pub(super) token: Token,
}

impl Whose {
    /// The values that every run of the leg starts with.
    fn start(self, share: &Share) -> RunScope {
        // The tick is among the values that are written.
        let tick = Moment(0);
        RunScope::start(&share.def, &share.vars, self.run, tick, &self.token, Map::new())
    }
}

/// All of it but what follows from whose it is and from its leg.
pub(super) fn write(live: &Live, whose: Whose, share: &Share, out: &mut Writer) {
    let start = whose.start(share);
    let mut values = live.scope.values();
    values.retain(|(name, value)| start.get(name) != Some(*value));
    out.length(values.len());
    for (name, value) in values {
        out.text(name);
        out.value(value);
    }
    out.byte(u8::from(live.sent.is_some()));
    if let Some(sent) = live.sent {
        out.signed(sent.0);
    }
    out.value(&live.request);
    out.byte(u8::from(live.answer.is_some()));
    if let Some(answer) = &live.answer {
        write_answer(answer, out);
    }
    let mut observations: Vec<_> = live.observations.values().collect();
    observations.sort_unstable_by_key(|observation| observation.id);
    out.length(observations.len());
    for observation in observations {
        out.number(observation.id.0);
        out.number(observation.channel.0.into());
        // Its parts are plain data: there is none that JSON cannot hold.
        out.value(&serde_json::to_value(&observation.sighting).unwrap_or_default());
    }
}

fn write_answer(answer: &LiveAnswer, out: &mut Writer) {
    let Timings {
        dns,
        connect,
        tls,
        first_byte,
        total,
    } = answer.timings;
    for part in [dns, connect, tls, first_byte, total] {
        out.maybe_float(part);
    }
    out.length(answer.attributes.len());
    for (name, value) in &answer.attributes {
        out.text(name);
        out.text(value);
    }
    out.value(&answer.shown);
}

/// What [`write()`] wrote.
pub(super) fn read(from: &mut Reader<'_>, whose: Whose, share: &Share) -> Option<Live> {
    let scope = read_scope(from, whose, share)?;
    let sent = match from.byte()? {
        0 => None,
        _ => Some(Moment(from.signed()?)),
    };
    let request = Arc::new(from.value()?);
    let answer = match from.byte()? {
        0 => None,
        _ => Some(Arc::new(read_answer(from)?)),
    };
    let mut observations = HashMap::new();
    for _ in 0..from.length()? {
        let id = ObservationId(from.number()?);
        let observation = Observation {
            id,
            channel: ChannelId(u16::try_from(from.number()?).ok()?),
            sighting: serde_json::from_value(from.value()?).ok()?,
        };
        observations.insert(id, Arc::new(observation));
    }
    Some(Live {
        token: whose.token,
        def: share.def.clone(),
        scope,
        prepared: None,
        request,
        answer,
        observations,
        sent,
        early: Vec::new(),
        sources: share.sources.clone(),
        probe: None,
    })
}

/// The scope alone, with which [`write()`] begins.
pub(super) fn read_scope(from: &mut Reader<'_>, whose: Whose, share: &Share) -> Option<RunScope> {
    let mut values = Map::new();
    for _ in 0..from.length()? {
        let name = from.text()?;
        values.insert(name, from.value()?);
    }
    Some(whose.start(share).with_all(values))
}

fn read_answer(from: &mut Reader<'_>) -> Option<LiveAnswer> {
    let timings = Timings {
        dns: from.maybe_float()?,
        connect: from.maybe_float()?,
        tls: from.maybe_float()?,
        first_byte: from.maybe_float()?,
        total: from.maybe_float()?,
    };
    let mut attributes = BTreeMap::new();
    for _ in 0..from.length()? {
        let name = from.text()?;
        attributes.insert(name, from.text()?);
    }
    Some(LiveAnswer {
        status: None,
        timings,
        attributes,
        shown: from.value()?,
    })
}
