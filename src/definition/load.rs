//! A folder to a workspace: which files, in which order, and everything that is wrong with them.

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;

use super::ahead;
use super::build::{self, ProbeFile, Settings, Shared};
use super::decode::{self, NoteKind};
use super::files::{self, File};
use super::loaded::{LoadOptions, Loaded, discover};
use super::node::Tree;
use super::place::no_workspace;
use super::probe::{ChannelDef, DestinationDef, Probe, Workspace};
use super::raw::{RawProbe, RawWorkspace};
use super::secrets::{Environment, Resolver};
use super::texts::Texts;
use super::{check, expression, print, timeout, yaml};
use crate::diag::{Code, Problem, Problems, Sources};
use crate::model::Span;
use crate::redact::Redactor;

/// Channels that a workspace may have.
const MAX_CHANNELS: usize = 1_000;
/// Destinations of alerts that a workspace may have.
const MAX_DESTINATIONS: usize = 100;
/// For the readers of YAML, and on top of them for the compiler of expressions.
pub(super) const STACK: usize = (64 << 20) + expression::COMPILE_STACK;

/// Loads a workspace and finds everything that is wrong with it. Nothing is contacted.
#[must_use]
pub fn load(options: &LoadOptions, environment: &dyn Environment) -> Loaded {
    load_from(options, environment, &How::default())
}

/// The same with [`Loaded::expanded`], which costs as much memory as the definitions.
#[must_use]
pub fn load_expanded(options: &LoadOptions, environment: &dyn Environment) -> Loaded {
    let how = How {
        expand: true,
        ..How::default()
    };
    load_from(options, environment, &how)
}

/// The same while an earlier load is still held: files that are as they were are held once.
#[must_use]
pub fn load_after(options: &LoadOptions, environment: &dyn Environment, earlier: &Sources) -> Loaded {
    let how = How {
        earlier: Some(earlier),
        ..How::default()
    };
    load_from(options, environment, &how)
}

/// Loads what was kept of a probe instead of what stands in the folder.
pub(super) fn load_texts(options: &LoadOptions, texts: &Texts, environment: &dyn Environment) -> Loaded {
    let how = How {
        texts: Some(texts),
        ..How::default()
    };
    load_from(options, environment, &how)
}

/// What is asked for beside the folder as it is.
#[derive(Default)]
struct How<'h> {
    /// What was kept of one probe, in the place of what stands in the folder.
    texts: Option<&'h Texts>,
    earlier: Option<&'h Sources>,
    expand: bool,
}

fn load_from(options: &LoadOptions, environment: &dyn Environment, how: &How<'_>) -> Loaded {
    // Values nest within a limit, but readers of YAML use much stack for each level: they get a stack of their own.
    std::thread::scope(|scope| {
        let builder = std::thread::Builder::new()
            .name(String::from("load"))
            .stack_size(STACK);
        match builder.spawn_scoped(scope, || {
            expression::with_room(|| load_here(options, environment, how))
        }) {
            Ok(thread) => thread
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            Err(_) => load_here(options, environment, how),
        }
    })
}

fn load_here(options: &LoadOptions, environment: &dyn Environment, how: &How<'_>) -> Loaded {
    let mut problems = Problems::default();
    let mut sources = how.earlier.map(Sources::after).unwrap_or_default();
    let here = fs::canonicalize(".").unwrap_or_else(|_| PathBuf::from("."));
    let root = options.dir.clone().or_else(|| discover(&here));
    let Some(root) = root.filter(|root| how.texts.is_some() || root.join(files::WORKSPACE).is_file()) else {
        no_workspace(options.dir.as_deref(), &here, &mut sources, &mut problems);
        return Loaded {
            workspace: None,
            problems,
            sources: Arc::new(sources),
            redactor: Arc::default(),
            secret_files: Vec::new(),
            expanded: Value::Null,
        };
    };
    let root = fs::canonicalize(&root).unwrap_or(root);
    let mut loader = Loader {
        resolver: Resolver::new(environment, &root),
        root: &root,
        how,
        sources,
        problems,
        literal_secrets: Vec::new(),
    };
    let parts = loader.parts(&options.vars);
    loader.finish(parts, &options.vars)
}

/// The state of loading.
struct Loader<'l> {
    resolver: Resolver<'l>,
    root: &'l Path,
    how: &'l How<'l>,
    sources: Sources,
    problems: Problems,
    /// Values of secret fields that stand in the file itself.
    literal_secrets: Vec<String>,
}

/// What a workspace consists of.
struct Parts {
    settings: Settings,
    allow_exec: bool,
    channels: Vec<ChannelDef>,
    destinations: Vec<DestinationDef>,
    probes: Vec<Probe>,
    expanded: Value,
}

/// A file that is YAML.
struct Read {
    file: u16,
    text: String,
    tree: Tree,
}

impl Loader<'_> {
    fn parts(&mut self, overrides: &[(String, String)]) -> Parts {
        let file = files::workspace(self.root);
        let file = self
            .how
            .texts
            .map_or_else(|| file.clone(), |texts| texts.workspace_file(file.clone()));
        let workspace = self.workspace(&file);
        let unreadable = workspace.is_err();
        let (raw, tree, text, file) = match workspace {
            Ok(Some(read)) => {
                let Read { file, text, tree } = read;
                let decoded = decode::decode::<RawWorkspace>(&tree, &text, &mut self.problems);
                (Some(decoded), Some(tree), text, file)
            }
            Ok(None) => (None, None, String::new(), 0),
            Err(file) => (None, None, String::new(), file),
        };
        // What an unreadable `landfall.yaml` defines is unknown: probes are then checked for the rest.
        let open = unreadable || raw.as_ref().is_some_and(|d| d.value.is_none());
        let (raw, notes) = raw.map_or_else(Default::default, |d| (d.value.unwrap_or_default(), d.notes));
        self.keep_secrets(&notes);
        let start = Span::start_of(file);
        let settings = build::settings(&raw, self.root, overrides, start, &mut self.problems);
        let texts = tree
            .as_ref()
            .map(|tree| check::read(notes, tree, &text, &mut self.problems))
            .unwrap_or_default();
        let mut shared = Shared::new(&raw, tree.as_ref(), &settings, open);
        let names: Vec<&str> = raw
            .channels
            .0
            .iter()
            .map(|(name, _)| name.value.as_str())
            .collect();
        let (alert_texts, texts) = check::alert_texts(texts);
        shared.channel_texts = check::channel_texts(texts, &names);
        check::check_alert_texts(&alert_texts, &mut shared, &text, &mut self.problems);
        if names.len() > MAX_CHANNELS {
            self.problems.error(
                Code::Limit,
                start,
                format!("{} channels", names.len()),
                format!("more than the limit of {MAX_CHANNELS} in one workspace"),
            );
        }
        self.channels(&shared.channels);
        if shared.destinations.len() > MAX_DESTINATIONS {
            self.problems.error(
                Code::Limit,
                start,
                format!("{} destinations of alerts", shared.destinations.len()),
                format!("more than the limit of {MAX_DESTINATIONS} in one workspace"),
            );
        }
        build::destinations(&shared, &mut self.problems);
        build::alert_defaults(&shared, &mut self.problems);
        let (probes, printed) = self.probes(&mut shared);
        for at in 0..shared.channel_texts.len() {
            let vars = shared.vars.clone();
            let Some(texts) = shared.channel_texts.get_mut(at) else {
                continue;
            };
            texts.finish(&vars, &text, &mut self.problems);
        }
        let used: Vec<String> = shared.used_variables().collect();
        for name in settings.overridden.iter().filter(|name| !used.contains(name)) {
            self.problems.warning(
                Code::Override,
                start,
                format!("nothing names the variable `{name}`"),
                "given with `--var`",
            );
        }
        let expanded = match self.how.expand {
            true => print::workspace(tree.as_ref().map(|t| &t.root), &settings, printed),
            false => Value::Null,
        };
        Parts {
            settings,
            allow_exec: raw.allow_exec,
            channels: shared.channels,
            destinations: shared.destinations,
            probes,
            expanded,
        }
    }

    /// What each kind says of its own settings. A statement that holds a template is refused by its own code already.
    fn channels(&mut self, channels: &[ChannelDef]) {
        let mut found = Problems::default();
        for channel in channels {
            channel.config.check(&mut found);
        }
        let sql = |p: &&Problem| p.code == Code::SqlTemplate;
        let told: HashSet<Span> = self.problems.all().iter().filter(sql).map(|p| p.span).collect();
        for problem in found.all().iter().filter(|p| !told.contains(&p.span)) {
            self.problems.push(problem.clone());
        }
    }

    fn probes(&mut self, shared: &mut Shared) -> (Vec<Probe>, Vec<(String, Value)>) {
        let mut probes = Vec::new();
        let mut printed = Vec::new();
        let files = match self.how.texts {
            Some(texts) => vec![texts.probe_file(self.root)],
            None => files::probes(self.root, &mut self.sources, &mut self.problems),
        };
        let mut names = Vec::with_capacity(files.len());
        let mut texts = Vec::with_capacity(files.len());
        for file in files {
            if let Ok(text) = files::text(&file, &mut self.sources, &mut self.problems) {
                names.push(file.name);
                texts.push(text);
            }
        }
        let mut names = names.into_iter();
        ahead::each(&texts, |(id, text), tree| {
            let (Some(name), Ok(tree)) = (names.next(), self.read(*id, text, tree)) else {
                return;
            };
            let Some(mut tree) = tree else {
                let start = Span::start_of(*id);
                let message = format!("`{name}` is empty");
                self.problems
                    .error(Code::Empty, start, message, "a probe stands in each file");
                return;
            };
            if let Some(default) = &shared.defaults.timeout {
                timeout::add(&mut tree, default);
            }
            let decoded = decode::decode::<RawProbe>(&tree, text, &mut self.problems);
            self.keep_secrets(&decoded.notes);
            if self.how.expand {
                printed.push((name, print::value(&tree.root)));
            }
            let found = ProbeFile {
                tree: &tree,
                text,
                decoded,
            };
            probes.extend(build::probe(found, shared, &mut self.problems));
        });
        probes.sort_by(|a, b| a.name.cmp(&b.name));
        (probes, printed)
    }

    /// Takes up a file that was read as YAML. `Ok(None)`: it says nothing. The error is the file's number; the problem
    /// is put down.
    fn read(&mut self, id: u16, text: &str, tree: yaml::Reading) -> Result<Option<Tree>, u16> {
        let mut tree = match tree {
            Ok(Some(tree)) => tree,
            Ok(None) => return Ok(None),
            Err(unreadable) => {
                files::unreadable(&unreadable, text, &mut self.problems);
                return Err(id);
            }
        };
        check::file(&tree, text, &mut self.problems);
        self.resolver.resolve(&mut tree.root, &mut self.problems);
        Ok(Some(tree))
    }

    /// The same of `landfall.yaml`, with its text.
    fn workspace(&mut self, file: &File) -> Result<Option<Read>, u16> {
        let (id, text) = files::text(file, &mut self.sources, &mut self.problems)?;
        let tree = self.read(id, &text, yaml::read(&text, id))?;
        Ok(tree.map(|tree| Read { file: id, text, tree }))
    }

    fn keep_secrets(&mut self, notes: &[decode::Note]) {
        let secrets = notes
            .iter()
            .filter(|note| note.kind == NoteKind::Secret && !note.source.contains("{{"));
        self.literal_secrets
            .extend(secrets.map(|note| note.source.clone()));
    }

    fn finish(self, parts: Parts, overrides: &[(String, String)]) -> Loaded {
        let secrets: BTreeSet<String> = self
            .resolver
            .secrets
            .into_iter()
            .chain(self.literal_secrets)
            .collect();
        let redactor = Arc::new(Redactor::new(secrets));
        let mut sources = self.sources;
        sources.hide(Arc::clone(&redactor));
        let sources = Arc::new(sources);
        let mut problems = self.problems;
        problems.settle(&sources);
        let (settings, mut expanded) = (parts.settings, parts.expanded);
        redactor.value(&mut expanded);
        let vars = Arc::new(settings.vars.clone());
        let known = |probe: Probe| Probe {
            sources: Arc::clone(&sources),
            vars: Arc::clone(&vars),
            ..probe
        };
        let workspace = (!problems.has_errors()).then(|| Workspace {
            root: self.root.to_owned(),
            store: settings.store,
            retention: settings.retention,
            listen: settings.listen,
            admin: settings.admin,
            public_url: settings.public_url,
            api_tokens: settings.api_tokens,
            proxies: settings.proxies,
            telemetry: settings.telemetry,
            trace_url: settings.trace_url,
            location: settings.location,
            stop_grace: settings.stop_grace,
            allow_exec: parts.allow_exec,
            vars: settings.vars,
            overrides: overrides.to_vec(),
            channels: parts.channels,
            destinations: parts.destinations,
            probes: parts.probes.into_iter().map(known).map(Arc::new).collect(),
            sources: Arc::clone(&sources),
            redactor: Arc::clone(&redactor),
        });
        Loaded {
            workspace,
            problems,
            sources,
            redactor,
            secret_files: self.resolver.files,
            expanded,
        }
    }
}
