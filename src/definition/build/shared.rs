//! What all probes of a workspace share while they are checked.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::plan::LegPlan;
use super::revision::{Contents, canonical, settings_digest};
use super::workspace::Settings;
use crate::channel::ChannelConfig;
use crate::definition::available::Shape;
use crate::definition::check::ChannelTexts;
use crate::definition::known::NamePath;
use crate::definition::node::{Node, Tree};
use crate::definition::probe::{ChannelDef, DestinationDef};
use crate::definition::raw::{RawDefaults, RawWorkspace};
use crate::lifecycle::schedule::Window;
use crate::model::{ChannelId, Span};

/// Channels, variables and defaults.
pub(crate) struct Shared {
    pub(crate) channels: Vec<ChannelDef>,
    pub(crate) destinations: Vec<DestinationDef>,
    /// Destinations that `landfall.yaml` defines, though their settings are wrong.
    broken_destinations: HashSet<String>,
    /// By name.
    pub(crate) ids: HashMap<String, usize>,
    /// Names that `landfall.yaml` defines, though their settings are wrong.
    pub(crate) broken: HashSet<String>,
    /// Whether what `landfall.yaml` defines is unknown, because it cannot be read.
    pub(crate) open: bool,
    pub(crate) channel_texts: Vec<ChannelTexts>,
    /// Each channel as it is written, for revisions.
    pub(crate) written: Vec<String>,
    pub(crate) vars: Shape,
    /// Each variable as it is written, for revisions.
    pub(crate) written_vars: BTreeMap<String, String>,
    /// The same with its secrets, to tell whether anything is another.
    pub(super) contents: Contents,
    pub(crate) defaults: RawDefaults,
    pub(crate) allow_exec: bool,
    pub(crate) location: Arc<str>,
    pub(crate) maintenance: Vec<Window>,
    /// Variables that something names.
    pub(crate) used_vars: BTreeSet<String>,
    /// The names of probes, with their places.
    pub(crate) probes: HashMap<String, Span>,
}

impl Shared {
    /// What a workspace defines. `open`: that is unknown, because it cannot be read.
    pub(crate) fn new(raw: &RawWorkspace, tree: Option<&Tree>, settings: &Settings, open: bool) -> Self {
        let mut channels: Vec<ChannelDef> = raw
            .channels
            .0
            .iter()
            .map(|(name, config)| ChannelDef {
                name: name.clone(),
                config: config.clone(),
                written: "".into(),
                digest: [0; 32],
            })
            .collect();
        let ids: HashMap<String, usize> = channels
            .iter()
            .enumerate()
            .map(|(at, channel)| (channel.name.value.clone(), at))
            .collect();
        let section = |key: &str| {
            tree.and_then(|t| t.root.get(key))
                .map(Node::entries)
                .unwrap_or_default()
        };
        let written: HashMap<&str, String> = section("channels")
            .iter()
            .map(|(key, value)| (key.text.as_str(), canonical(value)))
            .collect();
        let mut written_vars: BTreeMap<String, String> = section("vars")
            .iter()
            .map(|(key, value)| (key.text.clone(), canonical(value)))
            .collect();
        for name in &settings.overridden {
            if let Some(value) = settings.vars.get(name) {
                written_vars.insert(name.clone(), value.to_string());
            }
        }
        let broken: HashSet<String> = section("channels")
            .iter()
            .map(|(key, _)| key.text.clone())
            .filter(|name| !ids.contains_key(name))
            .collect();
        let mut destinations: Vec<DestinationDef> = raw
            .alerts
            .0
            .iter()
            .map(|(name, config)| DestinationDef {
                name: name.clone(),
                config: config.clone(),
                digest: [0; 32],
            })
            .collect();
        let broken_destinations = section("alerts")
            .iter()
            .map(|(key, _)| key.text.clone())
            .collect();
        let vars = Shape::fields(
            settings
                .vars
                .iter()
                .map(|(name, value)| (name.clone(), Shape::of(value))),
        );
        let written: Vec<String> = channels
            .iter()
            .map(|c| written.get(c.name.value.as_str()).cloned().unwrap_or_default())
            .collect();
        let overridden = settings.overridden.iter();
        let overridden =
            overridden.filter_map(|name| Some((name.clone(), settings.vars.get(name)?.to_string())));
        let contents = Contents::new(tree.map(|tree| &tree.root), overridden);
        let node = |section: &str, name: &str| tree.and_then(|tree| tree.root.get(section)?.get(name));
        for (channel, written) in channels.iter_mut().zip(&written) {
            channel.written = written.as_str().into();
            channel.digest = settings_digest(node("channels", &channel.name.value), &contents);
        }
        for destination in &mut destinations {
            destination.digest = settings_digest(node("alerts", &destination.name.value), &contents);
        }
        Self {
            channels,
            destinations,
            broken_destinations,
            ids,
            broken,
            open,
            channel_texts: Vec::new(),
            written,
            vars: if open { Shape::Open } else { vars },
            written_vars,
            contents,
            defaults: raw.defaults.clone(),
            allow_exec: raw.allow_exec,
            location: Arc::clone(&settings.location),
            maintenance: settings.maintenance.clone(),
            used_vars: BTreeSet::new(),
            probes: HashMap::new(),
        }
    }

    /// The place of a channel by the name that a leg uses for it.
    pub(crate) fn id(&self, plan: &LegPlan<'_>, alias: &str) -> Option<usize> {
        let swapped = plan.route_raw.and_then(|route| route.channels.get(alias));
        self.ids
            .get(swapped.map_or(alias, |name| name.value.as_str()))
            .copied()
    }

    /// The settings of a channel by the name that a leg uses for it.
    pub(crate) fn config(&self, plan: &LegPlan<'_>, alias: &str) -> Option<&ChannelConfig> {
        self.channels.get(self.id(plan, alias)?).map(|c| &c.config)
    }

    /// Every channel as a leg calls it. A channel whose settings are wrong is left out.
    pub(crate) fn aliases(&self, plan: &LegPlan<'_>) -> impl Iterator<Item = (&str, &ChannelConfig)> {
        let plan = *plan;
        self.channels.iter().filter_map(move |channel| {
            let alias = channel.name.value.as_str();
            self.config(&plan, alias).map(|config| (alias, config))
        })
    }

    /// The channels that a leg waits on, or names in a template (`named`), with the places they stand for.
    pub(super) fn names(&self, plan: &LegPlan<'_>, named: &BTreeSet<String>) -> BTreeMap<String, ChannelId> {
        let waited = plan.waited();
        let aliases = waited
            .iter()
            .map(|w| w.channel.value.as_str())
            .chain(named.iter().map(String::as_str));
        aliases
            .filter_map(|alias| {
                let id = u16::try_from(self.id(plan, alias)?).ok()?;
                Some((alias.to_owned(), ChannelId(id)))
            })
            .collect()
    }

    /// The channels that a leg waits on.
    pub(crate) fn used_by(&self, plan: &LegPlan<'_>) -> BTreeSet<usize> {
        plan.waited()
            .iter()
            .filter_map(|w| self.id(plan, &w.channel.value))
            .collect()
    }

    /// Whether a name may be a channel, as far as is known.
    pub(crate) fn may_be_channel(&self, name: &str) -> bool {
        self.open || self.ids.contains_key(name) || self.broken.contains(name)
    }

    /// Whether a name may be a destination, as far as is known.
    pub(crate) fn may_be_destination(&self, name: &str) -> bool {
        self.open
            || self.destinations.iter().any(|d| d.name.value == name)
            || self.broken_destinations.contains(name)
    }

    /// Every variable that a probe or a channel names.
    pub(crate) fn used_variables(&self) -> impl Iterator<Item = String> {
        let of_channels = self.channel_texts.iter().flat_map(ChannelTexts::names);
        let of_channels = of_channels.filter(|name| name.first().is_some_and(|root| root == "vars"));
        self.used_vars
            .iter()
            .cloned()
            .chain(of_channels.filter_map(|name| name.get(1).cloned()))
    }

    /// Remembers that a variable is in use.
    pub(crate) fn note_variable(&mut self, name: &NamePath) {
        if let [root, variable, ..] = name.as_slice()
            && root == "vars"
            && !self.used_vars.contains(variable)
        {
            self.used_vars.insert(variable.clone());
        }
    }
}
