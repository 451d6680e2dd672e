//! Runs by the way they took.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde_json::Value;

use super::{Delay, HopTaken, PathTaken, Paths};
use crate::model::{Class, LayerState, RunRecord};
use crate::report::words::count;
use crate::stats::attribution::exact_p;
use crate::stats::quantiles::Latencies;

/// Ways that are told apart; runs of others are counted.
pub const PATHS: usize = 10_000;
/// Characters of a hop's name that are kept.
const NAME: usize = 200;
/// Hops of a run that are kept.
const HOPS: usize = 100;
/// Runs from which a way that only bad runs took is weighed against chance.
const LEAST: u64 = 3;

/// Where a hop is from, and its name.
type Place = (String, String);

/// Takes records in, in any order.
#[derive(Debug, Default)]
pub struct PathCollector {
    ways: HashMap<Vec<Place>, Way>,
    probes: BTreeSet<String>,
    first: Option<String>,
    last: Option<String>,
    runs: u64,
    unknown: u64,
    unlisted: u64,
    bad: u64,
    good: u64,
}

#[derive(Debug, Default)]
struct Way {
    runs: u64,
    routes: BTreeMap<String, u64>,
    classes: BTreeMap<Class, u64>,
    waits: Vec<Option<f64>>,
    delays: Vec<Vec<f64>>,
}

impl PathCollector {
    /// Takes one run in.
    pub fn add(&mut self, run: &RunRecord) {
        self.runs += 1;
        if !self.probes.contains(&run.probe) {
            self.probes.insert(run.probe.clone());
        }
        if self.first.as_ref().is_none_or(|first| run.tick < *first) {
            self.first = Some(run.tick.clone());
        }
        if self.last.as_ref().is_none_or(|last| run.tick > *last) {
            self.last = Some(run.tick.clone());
        }
        match run.class {
            Class::Unobserved => {}
            Class::Delivered => self.good += 1,
            _ => self.bad += 1,
        }
        let (places, delays): (Vec<Place>, Vec<Option<f64>>) = hops(run).into_iter().take(HOPS).unzip();
        if places.is_empty() {
            self.unknown += 1;
            return;
        }
        if self.ways.len() >= PATHS && !self.ways.contains_key(&places) {
            self.unlisted += 1;
            return;
        }
        let way = self.ways.entry(places).or_default();
        way.runs += 1;
        *way.routes.entry(run.route.clone()).or_default() += 1;
        *way.classes.entry(run.class).or_default() += 1;
        if run.class != Class::Unobserved {
            let arrived = run.layers.outcome.state == LayerState::Yes;
            let took = run.layers.outcome.seconds.filter(|_| arrived);
            way.waits
                .push(took.map(|s| s.1).filter(|s| s.is_finite() && *s >= 0.0));
        }
        way.delays.resize(delays.len(), Vec::new());
        for (all, delay) in way.delays.iter_mut().zip(delays) {
            all.extend(delay);
        }
    }

    /// Runs that were taken in.
    #[must_use]
    pub fn runs(&self) -> u64 {
        self.runs
    }

    /// The ways that they took.
    #[must_use]
    pub fn finish(self) -> Paths {
        let known = Known::of(&self.ways);
        let (bad, good) = (self.bad, self.good);
        let mut paths: Vec<PathTaken> = self
            .ways
            .into_iter()
            .map(|(places, way)| way.told(places, &known, (bad, good)))
            .collect();
        paths.sort_by(|a, b| {
            let names = |p: &PathTaken| p.hops.iter().map(|h| h.hop.clone()).collect::<Vec<_>>();
            b.runs.cmp(&a.runs).then_with(|| names(a).cmp(&names(b)))
        });
        let mut said = Paths {
            probes: self.probes.into_iter().collect(),
            first: self.first,
            last: self.last,
            runs: self.runs,
            sentence: String::new(),
            paths,
            unknown: self.unknown,
            unlisted: self.unlisted,
        };
        said.sentence = sentence(&said);
        said
    }
}

/// The hops of a run, each with its delay where it is a mail's.
fn hops(run: &RunRecord) -> Vec<(Place, Option<f64>)> {
    let name = |text: &str| -> String { text.chars().take(NAME).collect() };
    let mut hops: Vec<(Place, Option<f64>)> = Vec::new();
    let mut mail = false;
    for hop in &run.path {
        let received = hop.source.ends_with("received");
        mail |= received;
        let delay = hop.seconds.filter(|s| received && s.is_finite());
        hops.push(((hop.source.clone(), name(&hop.hop)), delay));
    }
    let mut mails = run.observations.iter().filter(|o| !o.automatic);
    let received = mails.find_map(|o| Some((&o.channel, o.seen.get("received")?.as_array()?)));
    if let Some((channel, received)) = received.filter(|_| !mail) {
        for hop in received {
            let by = hop.get("by").and_then(Value::as_str);
            if let Some(by) = by.or_else(|| hop.get("from").and_then(Value::as_str)) {
                let delay = hop.get("seconds").and_then(Value::as_f64);
                hops.push(((format!("{channel}.received"), name(by)), delay));
            }
        }
    }
    hops
}

/// The sources of a way.
fn sources(places: &[Place]) -> BTreeSet<&str> {
    places.iter().map(|(source, _)| source.as_str()).collect()
}

/// What of a way is from these sources.
fn part<'a>(places: &'a [Place], sources: &BTreeSet<&str>) -> Vec<&'a Place> {
    places
        .iter()
        .filter(|(source, _)| sources.contains(source.as_str()))
        .collect()
}

/// What good runs took, by the sources of the ways that only bad runs took.
struct Known {
    good: HashMap<BTreeSet<String>, HashSet<Vec<Place>>>,
}

impl Known {
    fn of(ways: &HashMap<Vec<Place>, Way>) -> Self {
        let mut good: HashMap<BTreeSet<String>, HashSet<Vec<Place>>> = HashMap::new();
        for places in ways
            .iter()
            .filter(|(_, way)| way.good() == 0)
            .map(|(places, _)| places)
        {
            let own = sources(places);
            let key = own.iter().map(|&s| s.to_owned()).collect();
            good.entry(key).or_insert_with(|| {
                let taken = ways.iter().filter(|(_, way)| way.good() > 0);
                taken
                    .map(|(places, _)| part(places, &own).into_iter().cloned().collect())
                    .collect()
            });
        }
        Self { good }
    }

    /// Whether a good run took a way that agrees with this one in all that is known of it.
    fn went_on(&self, places: &[Place]) -> bool {
        let key: BTreeSet<String> = sources(places).into_iter().map(str::to_owned).collect();
        self.good.get(&key).is_some_and(|taken| taken.contains(places))
    }
}

impl Way {
    fn good(&self) -> u64 {
        self.classes.get(&Class::Delivered).copied().unwrap_or(0)
    }

    fn told(mut self, places: Vec<Place>, known: &Known, (all_bad, all_good): (u64, u64)) -> PathTaken {
        let observed = self.waits.len() as u64;
        let bad = observed - self.good();
        let share = |class| {
            let n = self.classes.get(&class).copied().unwrap_or(0);
            (observed > 0).then(|| n as f64 / observed as f64)
        };
        let none_good = self.good() == 0 && bad > 0;
        let ends_early = none_good && known.went_on(&places);
        let only_bad = none_good && !ends_early;
        // Where the tables are too many for an exact p, runs are so many that none is needed.
        let weighed = only_bad && bad >= LEAST && all_good > 0;
        let p = weighed.then(|| exact_p(&[(bad, 0), (all_bad - bad, all_good)]).unwrap_or(0.0));
        let waits = Latencies::from_options(std::mem::take(&mut self.waits)).ok();
        let quantile = |q| waits.as_ref().and_then(|w| w.quantile(q).ok().flatten());
        let delays = self.delays.into_iter().map(Some).chain(std::iter::repeat(None));
        let hops = places
            .into_iter()
            .zip(delays)
            .map(|((source, hop), delays)| HopTaken {
                hop,
                source,
                delay: delays.and_then(delay),
            });
        PathTaken {
            hops: hops.collect(),
            runs: self.runs,
            bad,
            lost: share(Class::Lost),
            late: share(Class::Late),
            p50: quantile(0.5),
            p95: quantile(0.95),
            observed,
            ends_early,
            only_bad,
            p,
            routes: self.routes,
            classes: self.classes,
        }
    }
}

fn delay(mut all: Vec<f64>) -> Option<Delay> {
    all.sort_unstable_by(f64::total_cmp);
    Some(Delay {
        p50: *all.get(all.len().checked_sub(1)? / 2)?,
        max: *all.last()?,
        runs: all.len() as u64,
    })
}

fn sentence(of: &Paths) -> String {
    if of.runs == 0 {
        return String::from("no runs are on record: there are no paths to tell of");
    }
    if of.paths.is_empty() {
        return format!(
            "of {} no hop is known: name some under `path:`, such as `response.headers[\"x-served-by\"]` or a mail's `received`",
            count(of.runs, "run")
        );
    }
    let ways = count(of.paths.len() as u64, "path");
    let mut said = format!("{} took {ways}", count(of.runs - of.unknown, "run"));
    let only_bad: Vec<&PathTaken> = of.paths.iter().filter(|p| p.only_bad).collect();
    if let Some(worst) = only_bad.iter().max_by_key(|p| p.runs) {
        let names: Vec<String> = worst
            .hops
            .iter()
            .map(|h| crate::report::words::clip(&h.hop, 60))
            .collect();
        said.push_str(&format!(
            "; only bad runs took {} ({})",
            names.join(" → "),
            count(worst.runs, "run")
        ));
    }
    said
}
