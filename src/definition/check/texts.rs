//! Templates and expressions: that they compile, and that what they name is there.

use std::collections::BTreeMap;

use super::address;
use super::report::{self, Absent};
use crate::channel::{ChannelConfig, SEEN};
use crate::definition::available::{Available, Shape};
use crate::definition::build::{LegPlan, Shared};
use crate::definition::decode::{Note, NoteKind};
use crate::definition::known::NamePath;
use crate::definition::node::{Step, Tree};
use crate::definition::{expression, template};
use crate::diag::{Code, Problems};
use crate::model::{Layer, Span};

const AFTER_ANSWER: &str = "it is known only once the answer is there";
const AFTER_CAPTURE: &str = "it is captured after this is evaluated";

/// A text of a file, compiled.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub(crate) span: Span,
    pub(crate) source: String,
    /// The keys that lead to it.
    pub(crate) path: Vec<Step>,
    /// What it reads.
    pub(crate) names: Vec<NamePath>,
    /// Whether it is an expression.
    pub(crate) expr: bool,
}

/// The texts of one channel's settings.
#[derive(Debug, Default)]
pub(crate) struct ChannelTexts {
    texts: Vec<Compiled>,
    /// Names that no run which uses the channel has: text, path → what to say.
    absent: BTreeMap<(usize, NamePath), Absent>,
    used: bool,
}

/// Compiles every text of a file; what does not compile is a problem.
pub(crate) fn read(notes: Vec<Note>, tree: &Tree, text: &str, problems: &mut Problems) -> Vec<Compiled> {
    let mut out = Vec::new();
    for note in notes {
        let path: Vec<Step> = tree.path(note.node).into_iter().cloned().collect();
        if report::refused(&note, &path, text, problems) {
            continue;
        }
        let expr = note.kind == NoteKind::Expr;
        let names = if expr {
            expression::names(&note.source)
        } else {
            template::names(&note.source)
        };
        match names {
            Ok(names) => {
                let compiled = Compiled {
                    span: note.span,
                    source: note.source,
                    path,
                    names,
                    expr,
                };
                address::check(&compiled, problems);
                out.push(compiled);
            }
            Err(error) => report::does_not_compile(&note, &error, text, problems),
        }
    }
    out
}

/// The texts of channels, by channel.
pub(crate) fn channel_texts(texts: Vec<Compiled>, names: &[&str]) -> Vec<ChannelTexts> {
    let mut out: Vec<ChannelTexts> = names.iter().map(|_| ChannelTexts::default()).collect();
    for text in texts {
        let [Step::Key(section), Step::Key(name), ..] = text.path.as_slice() else {
            continue;
        };
        if section != "channels" {
            continue;
        }
        if let Some(at) = names.iter().position(|n| n == name) {
            out[at].texts.push(text);
        }
    }
    out
}

/// Checks what a probe's texts name, on every leg that uses them.
pub(crate) fn check_probe_texts(
    texts: &[Compiled],
    plans: &[LegPlan<'_>],
    shared: &mut Shared,
    text: &str,
    problems: &mut Problems,
) {
    let mut absent: BTreeMap<(usize, NamePath), Absent> = BTreeMap::new();
    for plan in plans {
        let base = base(plan, shared);
        let after = after_answer(&base, plan);
        for (index, compiled) in texts.iter().enumerate() {
            let Some(available) = available_for(compiled, plan, &base, &after, shared) else {
                continue;
            };
            for name in &compiled.names {
                if let Err(gap) = available.find(name) {
                    absent
                        .entry((index, name.clone()))
                        .or_insert_with(|| Absent::new(gap))
                        .lacks(plan);
                }
                shared.note_variable(name);
            }
        }
        check_channels(plan, &after, shared);
    }
    for ((index, name), absent) in absent {
        if let Some(compiled) = texts.get(index) {
            report::absent(compiled, &name, &absent, plans, text, problems);
        }
    }
}

impl ChannelTexts {
    /// Puts down what the channel's texts name in vain.
    pub(crate) fn finish(&mut self, vars: &Shape, text: &str, problems: &mut Problems) {
        if !self.used {
            // No probe uses it: only what every run has can be told.
            let mut any = Available::default();
            any.set("vars", vars.clone());
            for (index, compiled) in self.texts.iter().enumerate() {
                for name in compiled
                    .names
                    .iter()
                    .filter(|n| n.first().is_some_and(|root| root == "vars"))
                {
                    if let Err(gap) = any.find(name) {
                        self.absent.insert((index, name.clone()), Absent::new(gap));
                    }
                }
            }
        }
        for ((index, name), absent) in std::mem::take(&mut self.absent) {
            if let Some(compiled) = self.texts.get(index) {
                report::absent(compiled, &name, &absent, &[], text, problems);
            }
        }
    }

    /// The first names of what its texts read: for the variables in use.
    pub(crate) fn names(&self) -> impl Iterator<Item = &NamePath> {
        self.texts.iter().flat_map(|t| &t.names)
    }
}

/// What every text of a leg may name before the answer.
fn base(plan: &LegPlan<'_>, shared: &Shared) -> Available {
    let mut base = Available::default();
    for name in ["token", "run", "tick", "probe"] {
        base.set(name, Shape::Open);
    }
    let mut route: BTreeMap<String, Shape> = BTreeMap::from([(String::from("name"), Shape::Open)]);
    if let Some(raw) = plan.route_raw {
        route.extend(
            raw.vars
                .0
                .iter()
                .map(|(name, value)| (name.value.clone(), Shape::of(&value.0))),
        );
    }
    base.set("route", Shape::Fields(route));
    base.set("input", Shape::of_free(plan.input));
    base.set("vars", shared.vars.clone());
    let channels = shared.aliases(plan).map(|(alias, config)| {
        let offers = config.facts().offers.iter().map(|(name, _)| *name);
        (alias.to_owned(), Shape::open_fields(offers))
    });
    let broken = shared.broken.iter().map(|name| (name.clone(), Shape::Open));
    let channels = Shape::fields(channels.chain(broken));
    base.set("channels", if shared.open { Shape::Open } else { channels });
    base.set("response", Shape::Later(AFTER_ANSWER));
    for (name, _) in &plan.capture.0 {
        base.set(&name.value, Shape::Later(AFTER_ANSWER));
    }
    base.settled()
}

/// What is there besides once the answer is known and captured.
fn after_answer(base: &Available, plan: &LegPlan<'_>) -> Available {
    let mut after = base.clone();
    after.set("response", response());
    for (name, _) in &plan.capture.0 {
        after.set(&name.value, Shape::Open);
    }
    after
}

fn response() -> Shape {
    Shape::open_fields(["status", "headers", "body", "json", "seconds"])
}

fn seen(config: &ChannelConfig) -> Shape {
    let all = SEEN.iter().chain(config.facts().seen);
    Shape::open_fields(all.map(|(name, _)| *name))
}

/// What a text may name on a leg; `None` where the leg does not use it.
fn available_for(
    text: &Compiled,
    plan: &LegPlan<'_>,
    base: &Available,
    after: &Available,
    shared: &Shared,
) -> Option<Available> {
    let (section, rest) = own_section(text, plan)?;
    match section {
        "request" => Some(base.clone()),
        "input" | "inputs" => {
            if section == "inputs"
                && !matches!(rest.first(), Some(Step::Key(name)) if name == plan.input_name)
            {
                return None;
            }
            Some(base.with(
                "input",
                Shape::Later("templates of the input cannot name the input"),
            ))
        }
        "cleanup" => Some(after.clone()),
        "capture" => {
            let mut available = base.with("response", response());
            let own = plan
                .capture
                .0
                .iter()
                .take_while(|(name, _)| rest.first() != Some(&Step::Key(name.value.clone())));
            let known: Vec<&str> = own.map(|(name, _)| name.value.as_str()).collect();
            for (name, _) in &plan.capture.0 {
                let later = !known.contains(&name.value.as_str());
                available.set(
                    &name.value,
                    if later {
                        Shape::Later(AFTER_CAPTURE)
                    } else {
                        Shape::Open
                    },
                );
            }
            Some(available)
        }
        "accepted" => {
            let mut available = base.with("response", response());
            for (name, _) in &plan.capture.0 {
                available.set(&name.value, Shape::Later(AFTER_CAPTURE));
            }
            Some(available)
        }
        "executed" | "outcome" | "failed_when" | "receipt" => {
            let Some(Step::Item(index)) = rest.first() else {
                return None;
            };
            let layer = match section {
                "executed" => Layer::Executed,
                "outcome" => Layer::Outcome,
                "failed_when" => Layer::FailedWhen,
                _ => Layer::Receipt,
            };
            let channel = plan
                .waited()
                .into_iter()
                .filter(|w| w.layer == layer)
                .nth(*index)?
                .channel;
            let shape = shared.config(plan, &channel.value).map_or(Shape::Open, seen);
            Some(after.with("seen", shape))
        }
        "attributes" | "path" | "fingerprint" => {
            let mut available = after.clone();
            for waited in plan.waited() {
                let shape = shared
                    .config(plan, &waited.channel.value)
                    .map_or(Shape::Open, seen);
                if let Some(name) = waited.name {
                    available.set(&name.value, shape.clone());
                }
                available.set(&waited.channel.value, shape);
            }
            Some(available)
        }
        _ => None,
    }
}

/// The section that a text belongs to, if this leg uses that section of that owner.
fn own_section<'t>(text: &'t Compiled, plan: &LegPlan<'_>) -> Option<(&'t str, &'t [Step])> {
    match text.path.as_slice() {
        [Step::Key(routes), Step::Key(route), Step::Key(section), rest @ ..] if routes == "routes" => {
            (route == plan.route_name).then_some((section.as_str(), rest))
        }
        [Step::Key(section), rest @ ..] => (!plan.replaces(section)).then_some((section.as_str(), rest)),
        _ => None,
    }
}

/// Checks what the settings of the leg's channels name.
fn check_channels(plan: &LegPlan<'_>, after: &Available, shared: &mut Shared) {
    for id in shared.used_by(plan) {
        let Some(seen) = shared.channels.get(id).map(|c| seen(&c.config)) else {
            continue;
        };
        let with_seen = after.with("seen", seen);
        let Some(channel) = shared.channel_texts.get_mut(id) else {
            continue;
        };
        channel.used = true;
        for (index, compiled) in channel.texts.iter().enumerate() {
            let available = if compiled.expr { &with_seen } else { after };
            for name in &compiled.names {
                if let Err(gap) = available.find(name) {
                    channel
                        .absent
                        .entry((index, name.clone()))
                        .or_insert_with(|| Absent::new(gap))
                        .lacks(plan);
                }
            }
        }
    }
}

/// Whether a text says nothing at all.
pub(super) fn blank(text: &str) -> bool {
    text.trim().is_empty()
}

/// The code for a text that does not compile.
pub(super) const fn compile_code(kind: NoteKind) -> Code {
    match kind {
        NoteKind::Expr => Code::Expression,
        _ => Code::Template,
    }
}
