//! The definition that fired a run: the workspace's own where it is still the same, else rebuilt from what was kept of
//! its revision, so that a change never alters the verdict of a run already fired.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value};

use super::found::LegName;
use crate::definition::{LegDef, Probe, ProcessEnvironment, Texts, Workspace};
use crate::diag::Sources;
use crate::engine::drive::Shared;
use crate::engine::live::Share;
use crate::model::{ChannelId, Leg};
use crate::store::{EndedRun, Keep, Store};

/// Where texts are kept, by probe and revision.
const SPACE: &str = "revisions";

/// A leg as it was when it fired.
#[derive(Clone)]
pub(crate) struct OldLeg {
    pub(super) def: Arc<LegDef>,
    pub(super) vars: Arc<Map<String, Value>>,
    /// The files that its places are in.
    pub(super) sources: Arc<Sources>,
    /// Channels that are not those that it was armed on: what is missing there proves nothing.
    pub(super) changed: BTreeSet<ChannelId>,
}

impl OldLeg {
    /// What its runs share while they sleep.
    pub(super) fn share(&self) -> Share {
        Share::new(self.def.clone(), self.vars.clone(), self.sources.clone())
    }

    /// The channels on which its runs are watched for, each once.
    pub(super) fn watched(&self) -> BTreeSet<ChannelId> {
        let channels = self.def.leg.expectations.iter().map(|e| e.channel);
        channels.filter(|id| !self.changed.contains(id)).collect()
    }
}

/// The legs of the runs that were found open, or why one cannot be had; in the order of their names.
#[derive(Default)]
pub(crate) struct Legs(Vec<Result<OldLeg, String>>);

fn name(probe: &str, revision: &str) -> String {
    format!("{probe} {revision}")
}

impl Legs {
    /// Finds each leg.
    ///
    /// `numbers`: of the channels of an engine that runs, by name. Left out: the places of those of the workspace.
    pub(super) async fn find(
        workspace: &Arc<Workspace>,
        store: &dyn Store,
        names: &[LegName],
        numbers: Option<&HashMap<String, ChannelId>>,
    ) -> Self {
        let vars = Arc::new(workspace.vars.clone());
        let mut wanted: HashMap<(&str, &str), Vec<usize>> = HashMap::new();
        let mut legs = Vec::with_capacity(names.len());
        for (place, name) in names.iter().enumerate() {
            legs.push(match own(workspace, name) {
                Some(def) => Ok(OldLeg {
                    def,
                    vars: vars.clone(),
                    sources: workspace.sources.clone(),
                    changed: BTreeSet::new(),
                }),
                None => {
                    // Asked for once a revision.
                    wanted
                        .entry((&name.probe, &name.revision))
                        .or_default()
                        .push(place);
                    Err(String::from("it was not looked for"))
                }
            });
        }
        if wanted.is_empty() {
            return Self(legs);
        }
        let kept: HashMap<String, Value> = match store.kept(SPACE.to_owned()).await {
            Ok(kept) => kept.into_iter().collect(),
            Err(fault) => {
                tracing::error!(%fault, "earlier versions of probes cannot be read");
                HashMap::new()
            }
        };
        for ((probe, revision), places) in wanted {
            let rebuilt = rebuild(workspace, kept.get(&name(probe, revision))).await;
            for place in places {
                let leg = rebuilt
                    .as_ref()
                    .map_err(String::clone)
                    .and_then(|(probe, old)| old_leg((workspace, numbers), old, probe, &names[place]));
                legs[place] = leg;
            }
        }
        Self(legs)
    }

    /// The leg with that place among the names.
    pub(super) fn get(&self, place: usize) -> Option<&Result<OldLeg, String>> {
        self.0.get(place)
    }

    /// Channels that some leg waits on or names.
    pub(crate) fn channels(&self) -> BTreeSet<ChannelId> {
        let legs = self.0.iter().flatten();
        legs.flat_map(|leg| {
            let waited = leg.def.leg.expectations.iter().map(|e| e.channel);
            waited
                .chain(leg.def.channel_names.values().copied())
                .collect::<Vec<_>>()
        })
        .collect()
    }

    /// Whether any leg is correlated by more than its token.
    pub(crate) fn captures(&self) -> bool {
        let by_key =
            |def: &LegDef| !def.capture.is_empty() || def.checks.iter().any(|check| check.key.is_some());
        self.0.iter().flatten().any(|leg| by_key(&leg.def))
    }
}

fn own(workspace: &Workspace, name: &LegName) -> Option<Arc<LegDef>> {
    let probe = workspace.probes.iter().find(|p| *p.name == *name.probe)?;
    let same =
        |def: &&Arc<LegDef>| *def.leg.revision == *name.revision && is(&def.leg, &name.route, &name.input);
    probe.legs.iter().find(same).cloned()
}

fn is(leg: &Leg, route: &str, input: &str) -> bool {
    *leg.route == *route && *leg.input == *input
}

async fn rebuild(
    workspace: &Arc<Workspace>,
    kept: Option<&Value>,
) -> Result<(Arc<Probe>, Arc<Workspace>), String> {
    let kept = kept.ok_or("that version was not kept")?;
    let texts: Texts =
        serde_json::from_value(kept.clone()).map_err(|e| format!("what was kept of it: {e}"))?;
    let root = workspace.root.clone();
    let loaded = tokio::task::spawn_blocking(move || texts.load(&root, &ProcessEnvironment))
        .await
        .map_err(|e| e.to_string())?;
    let Some(old) = loaded.workspace else {
        let first = loaded.problems.all().first().map(|p| p.message.clone());
        let why = first.unwrap_or_else(|| String::from("it does not load"));
        return Err(format!(
            "that version no longer loads: {}",
            loaded.redactor.text(&why)
        ));
    };
    let old = Arc::new(old);
    let probe = old.probes.first().cloned().ok_or("that version holds no probe")?;
    Ok((probe, old))
}

/// The leg with this workspace's channels in the place of its own.
fn old_leg(
    (now, numbers): (&Workspace, Option<&HashMap<String, ChannelId>>),
    old: &Workspace,
    probe: &Probe,
    name: &LegName,
) -> Result<OldLeg, String> {
    let LegName {
        revision,
        route,
        input,
        ..
    } = name;
    let found = probe.legs.iter().find(|def| is(&def.leg, route, input));
    let found = found.ok_or("that version has no such route and input")?;
    let mut changed = BTreeSet::new();
    let mut to_now = |id: ChannelId| {
        let place = usize::from(id.0);
        let was = old.channels.get(place);
        let here = was.and_then(|was| now.channels.iter().position(|c| c.name.value == was.name.value));
        let numbered = numbers.map(|numbers| {
            let number = was.and_then(|was| numbers.get(was.name.value.as_str()));
            // Numbers are given from below: none of these is.
            let none = || ChannelId(u16::MAX - u16::try_from(place).unwrap_or(0));
            number.copied().unwrap_or_else(none)
        });
        let new = numbered.unwrap_or_else(|| {
            // One that is gone gets a number that no channel has.
            let new = here.unwrap_or(now.channels.len() + place);
            ChannelId(u16::try_from(new).unwrap_or(u16::MAX))
        });
        let text = |of: &str| now.redactor.text(of).into_owned();
        let same = here.zip(was).is_some_and(|(here, was)| {
            now.channels
                .get(here)
                .is_some_and(|c| text(&c.written) == text(&was.written))
        });
        if !same {
            changed.insert(new);
        }
        new
    };
    let mut leg = Leg::clone(&found.leg);
    leg.revision = revision.as_str().into();
    for expectation in &mut leg.expectations {
        expectation.channel = to_now(expectation.channel);
    }
    let names = found.channel_names.iter();
    let channel_names = names.map(|(name, id)| (name.clone(), to_now(*id))).collect();
    let def = LegDef {
        leg: Arc::new(leg),
        channel_names,
        ..LegDef::clone(found)
    };
    Ok(OldLeg {
        def: Arc::new(def),
        vars: Arc::new(old.vars.clone()),
        sources: old.sources.clone(),
        changed,
    })
}

/// Which revisions this process has put on record.
#[derive(Default)]
pub(crate) struct Revisions(Mutex<HashSet<String>>);

impl Revisions {
    /// Puts the texts of a probe on record before its first run is claimed; once a revision.
    pub(crate) async fn keep(&self, shared: &Shared, probe: Option<&Probe>, leg: &Leg) {
        let name = name(&leg.probe, &leg.revision);
        let fresh = {
            let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            kept.insert(name.clone())
        };
        if !fresh {
            return;
        }
        let workspace = shared.workspace();
        let texts = probe.and_then(|probe| Texts::of(&workspace, probe));
        let value = texts.and_then(|texts| serde_json::to_value(texts).ok());
        if let Some(value) = value
            && let Err(fault) = shared.store.keep(SPACE, &name, Some(value)).await
        {
            tracing::warn!(probe = %leg.probe, %fault, "this version of the probe is not kept: should it change while landfall is not running, its open runs will be unobserved");
            self.0
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .remove(&name);
        }
    }
}

/// Forgets the texts of revisions that neither the workspace nor a run has that is open or may still be amended.
pub(super) async fn prune(workspace: &Workspace, store: &dyn Store, legs: &[LegName], ended: &[EndedRun]) {
    let mut used: HashSet<String> = legs.iter().map(|leg| name(&leg.probe, &leg.revision)).collect();
    let mut last = None;
    for run in ended {
        let of = (&run.probe, &run.revision);
        // Most are of the version of the one before.
        if last.replace(of) != Some(of) {
            used.insert(name(of.0, of.1));
        }
    }
    used.extend(workspace.probes.iter().map(|p| name(&p.name, &p.revision)));
    let forget = match store.kept(SPACE.to_owned()).await {
        Ok(kept) => kept.into_iter().filter(|(name, _)| !used.contains(name)),
        Err(_) => return,
    };
    let forget: Vec<Keep> = forget.map(|(name, _)| Keep::forget(SPACE, name)).collect();
    if !forget.is_empty()
        && let Err(fault) = store.keep_all(forget).await
    {
        tracing::warn!(%fault, "texts of probes that nothing needs are still in the store");
    }
}
