//! What figures need of a run: a tenth of its record, read without building the rest.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{Class, ExpectationState, Flag, Layer, LayerState, Layers, Moment, RunId, RunRecord, Seconds};

/// The longest reason that an ending is told apart by, in characters.
const REASON: usize = 40;

/// How a run ended, for those who count many.
#[derive(Clone, Debug, PartialEq)]
pub struct Ending {
    /// The run.
    pub id: RunId,
    /// The scheduled instant.
    pub tick: Moment,
    /// The probe's name.
    pub probe: String,
    /// Digest of the probe's definition.
    pub revision: String,
    /// The route's name.
    pub route: String,
    /// The input's name.
    pub input: String,
    /// Where landfall ran.
    pub location: String,
    /// The verdict.
    pub class: Class,
    /// Facts beside it.
    pub flags: Vec<Flag>,
    /// Seconds from the scheduled instant to the first byte sent.
    pub lag: Option<f64>,
    /// The three layers.
    pub layers: Layers,
    /// What each layer says, in words by which runs that ended alike are known: no times, ids or contents. Empty for a
    /// layer of which the probe says nothing.
    pub said: [String; 3],
    /// Digest of what 'the same outcome' means for the probe; `None` where it declares no `fingerprint`.
    pub fingerprint: Option<String>,
    /// For how many seconds from the first byte landfall would have waited for the outcome: the longest `within` and
    /// `grace`. `None` where nothing says.
    pub watched: Option<f64>,
    /// When a receipt said that it was delivered, seconds since the first byte.
    pub claimed: Option<Seconds>,
    /// When the system said that it failed.
    pub disclaimed: Option<Seconds>,
}

/// The parts of a record of which an ending is made.
#[derive(Deserialize)]
struct Lean<'a> {
    id: RunId,
    #[serde(borrow)]
    probe: Cow<'a, str>,
    #[serde(borrow)]
    revision: Cow<'a, str>,
    #[serde(borrow)]
    route: Cow<'a, str>,
    #[serde(borrow)]
    input: Cow<'a, str>,
    #[serde(borrow)]
    location: Cow<'a, str>,
    class: Class,
    #[serde(borrow)]
    reason: Cow<'a, str>,
    flags: Vec<Flag>,
    lag: Option<f64>,
    layers: Layers,
    #[serde(borrow)]
    stopped_after: Option<Cow<'a, str>>,
    #[serde(borrow)]
    expectations: Vec<LeanExpectation<'a>>,
    #[serde(borrow)]
    fingerprint: Option<Cow<'a, str>>,
    response: Status,
}

#[derive(Deserialize)]
struct LeanExpectation<'a> {
    layer: Layer,
    #[serde(borrow)]
    name: Cow<'a, str>,
    state: ExpectationState,
    count: u32,
    seconds: Option<Seconds>,
    within: f64,
    grace: f64,
}

/// The number under `status` of whatever an answer is.
#[derive(Clone, Copy, Default)]
struct Status(Option<u64>);

impl Ending {
    /// Reads the JSON of a record, of this tick.
    ///
    /// # Errors
    /// It is no record.
    pub fn read(tick: Moment, record: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str::<Lean<'_>>(record).map(|lean| lean.ending(tick))
    }

    /// That of a record. A tick that cannot be read is the beginning of time.
    #[must_use]
    pub fn of(record: &RunRecord) -> Self {
        let status = record.response.as_ref().and_then(|answer| answer.get("status"));
        let lean = Lean {
            id: record.id,
            probe: Cow::Borrowed(&record.probe),
            revision: Cow::Borrowed(&record.revision),
            route: Cow::Borrowed(&record.route),
            input: Cow::Borrowed(&record.input),
            location: Cow::Borrowed(&record.location),
            class: record.class,
            reason: Cow::Borrowed(&record.reason),
            flags: record.flags.clone(),
            lag: record.lag,
            layers: record.layers,
            stopped_after: record.stopped_after.as_deref().map(Cow::Borrowed),
            expectations: record
                .expectations
                .iter()
                .map(|e| LeanExpectation {
                    layer: e.layer,
                    name: Cow::Borrowed(&e.name),
                    state: e.state,
                    count: e.count,
                    seconds: e.seconds,
                    within: e.within,
                    grace: e.grace,
                })
                .collect(),
            fingerprint: record.fingerprint.as_deref().map(Cow::Borrowed),
            response: Status(status.and_then(serde_json::Value::as_u64)),
        };
        lean.ending(Moment::from_rfc3339(&record.tick).unwrap_or(Moment(i64::MIN)))
    }

    /// Accepted, and landfall could see: what the rate of silent failures is over.
    #[must_use]
    pub fn judged(&self) -> bool {
        self.layers.accepted.state == LayerState::Yes && self.class != Class::Unobserved
    }

    /// Accepted, and lost or mismatched.
    #[must_use]
    pub fn silent(&self) -> bool {
        self.judged() && matches!(self.class, Class::Lost | Class::Mismatched)
    }
}

impl Lean<'_> {
    fn ending(self, tick: Moment) -> Ending {
        let outcomes = || self.expectations.iter().filter(|e| e.layer == Layer::Outcome);
        let watched = outcomes()
            .map(|e| e.within + e.grace)
            .filter(|seconds| seconds.is_finite() && *seconds > 0.0)
            .max_by(f64::total_cmp);
        let first = |layer| {
            let met = self.expectations.iter().filter(move |e| e.layer == layer);
            met.filter_map(|e| e.seconds).min_by(|a, b| a.1.total_cmp(&b.1))
        };
        Ending {
            said: [self.accepted(), self.executed(), self.outcome()],
            claimed: first(Layer::Receipt),
            disclaimed: first(Layer::FailedWhen),
            watched,
            id: self.id,
            tick,
            probe: self.probe.into_owned(),
            revision: self.revision.into_owned(),
            route: self.route.into_owned(),
            input: self.input.into_owned(),
            location: self.location.into_owned(),
            class: self.class,
            flags: self.flags,
            lag: self.lag,
            layers: self.layers,
            fingerprint: self.fingerprint.map(Cow::into_owned),
        }
    }

    /// `accepted 2xx`, `refused 5xx`, `refused: unreachable`.
    fn accepted(&self) -> String {
        let word = match self.layers.accepted.state {
            LayerState::Yes => "accepted",
            LayerState::No => "refused",
            LayerState::Unknown => "in doubt",
            LayerState::Undeclared => return String::new(),
        };
        match self.response.0 {
            Some(status @ 100..=599) => format!("{word} {}xx", status / 100),
            Some(status) => format!("{word} {status}"),
            None if self.layers.accepted.state == LayerState::No => {
                let why = self.reason.split(':').next().unwrap_or_default();
                format!("{word}: {}", why.chars().take(REASON).collect::<String>())
            }
            None => word.to_owned(),
        }
    }

    /// `executed`, `stopped after 'queued'`.
    fn executed(&self) -> String {
        match (self.layers.executed.state, &self.stopped_after) {
            (LayerState::Undeclared, _) => String::new(),
            (LayerState::Yes, _) => String::from("executed"),
            (LayerState::No, Some(step)) => format!("stopped after '{step}'"),
            (LayerState::No, None) => String::from("not executed"),
            (LayerState::Unknown, _) => String::from("execution unknown"),
        }
    }

    /// The class, and every channel on which it did not simply arrive once: `late (inbox late)`.
    fn outcome(&self) -> String {
        let mut parts: Vec<String> = self
            .expectations
            .iter()
            .filter(|e| e.layer == Layer::Outcome)
            .filter(|e| e.state != ExpectationState::Met || e.count > 1)
            .map(|e| match e.count {
                0 | 1 => format!("{} {}", e.name, e.state.word()),
                _ => format!("{} {} 2+", e.name, e.state.word()),
            })
            .collect();
        parts.sort_unstable();
        match parts.is_empty() {
            true => self.class.word().to_owned(),
            false => format!("{} ({})", self.class.word(), parts.join(", ")),
        }
    }
}

impl<'de> Deserialize<'de> for Status {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Anything;
        impl<'de> Visitor<'de> for Anything {
            type Value = Status;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("any JSON")
            }
            fn visit_u64<E>(self, number: u64) -> Result<Status, E> {
                Ok(Status(Some(number)))
            }
            fn visit_i64<E>(self, _: i64) -> Result<Status, E> {
                Ok(Status(None))
            }
            fn visit_f64<E>(self, _: f64) -> Result<Status, E> {
                Ok(Status(None))
            }
            fn visit_bool<E>(self, _: bool) -> Result<Status, E> {
                Ok(Status(None))
            }
            fn visit_str<E>(self, _: &str) -> Result<Status, E> {
                Ok(Status(None))
            }
            fn visit_unit<E>(self) -> Result<Status, E> {
                Ok(Status(None))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Status, A::Error> {
                while items.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Status(None))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Status, A::Error> {
                let mut found = Status(None);
                while let Some(key) = map.next_key::<Cow<'de, str>>()? {
                    if key == "status" {
                        found = map.next_value()?;
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(found)
            }
        }
        from.deserialize_any(Anything)
    }
}
