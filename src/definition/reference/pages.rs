//! Which pages there are, and what is on each.

use serde_json::{Map, Value};

use super::keys::{Reader, described};
use super::{Block, Group, Page, prose};
use crate::alert::destination;
use crate::definition::known::ROOTS;
use crate::definition::schema::{SchemaKind, kinds, words};
use crate::diag::Code;
use crate::model::{Class, ExpectationState, Flag, LayerState, Reason, SkipReason};
use crate::{channel, trigger};

/// The parts of a definition that have a page, with an example as it stands in its file. All but the first two are
/// named as in the schema.
pub(super) const PARTS: [(&str, &str); 11] = [
    ("probe", include_str!("probe.yaml")),
    ("workspace", include_str!("workspace.yaml")),
    (
        "route",
        "routes:\n  stripe: { vars: { via: stripe } }\n  adyen: { vars: { via: adyen }, accepted: response.status == 202 }\n",
    ),
    (
        "schedule",
        "schedule: { cron: \"*/5 * * * *\", timezone: Europe/Amsterdam }\n",
    ),
    (
        "expectation",
        "outcome:\n  - in: hooks\n    where: seen.json.event == \"order.paid\"\n    expect:\n      - seen.json.amount == input.amount\n    within: 30s\n    grace: 5m\n    times: { min: 1, max: 3 }\n",
    ),
    (
        "step",
        "executed:\n  - step: paid\n    in: orders\n    where: seen.row.status == \"paid\"\n    within: 5s\n",
    ),
    ("limits", "limits: { per_day: 3000, in_flight: 50 }\n"),
    (
        "objective",
        "objective: { on_time: 99.5%, p95: 10s, consistency: 99%, window: 7d }\n",
    ),
    (
        "alerts",
        "alerts: { to: [oncall], in_a_row: 3, at_once: [phantom, mismatched], no_data: 15m, labels: { tier: gold } }\n",
    ),
    ("token", "token: { format: uuid }\n"),
    (
        "defaults",
        "defaults:\n  within: 20s\n  limits: { per_day: 3000 }\n  labels: { stage: production }\n",
    ),
];

/// Every page.
pub(super) fn all() -> Vec<Page> {
    let schemas = Schemas::read();
    let mut pages: Vec<Page> = PARTS
        .iter()
        .map(|(name, example)| schemas.part(name, example))
        .collect();
    pages.extend(kinds().map(|(list, kind)| schemas.kind(list, kind)));
    pages.extend([
        listed::<Class>("classes", "What a run ends as: its one verdict."),
        listed::<Flag>("flags", "Facts about a run that do not change its class."),
        listed::<LayerState>(
            "layers",
            "What each of the three layers (accepted, executed, outcome) says of a run.",
        ),
        listed::<ExpectationState>("states", "What became of one expectation."),
        listed::<SkipReason>("skips", "Why a tick did not fire on a route."),
        listed::<Reason>(
            "reasons",
            "Why something could not be done: the first word of the reason of a rejected run.",
        ),
        codes(),
        names(),
        written("templates", include_str!("templates.md")),
        written("expressions", include_str!("expressions.md")),
    ]);
    pages
}

/// Both schemas, whose definitions are named alike.
struct Schemas {
    probe: Value,
    workspace: Value,
    definitions: Map<String, Value>,
    pages: Vec<String>,
}

impl Schemas {
    fn read() -> Self {
        let (probe, workspace) = (SchemaKind::Probe.schema(), SchemaKind::Workspace.schema());
        let both = [&probe, &workspace]
            .into_iter()
            .filter_map(|s| s["$defs"].as_object());
        let definitions: Map<String, Value> = both.flatten().map(|(k, v)| (k.clone(), v.clone())).collect();
        let mut pages: Vec<String> = PARTS.iter().map(|(name, _)| (*name).to_owned()).collect();
        pages.extend(kinds().map(|(list, kind)| format!("{list}.{kind}")));
        Self {
            probe,
            workspace,
            definitions,
            pages,
        }
    }

    fn part(&self, name: &str, example: &str) -> Page {
        let schema = match name {
            "probe" => &self.probe,
            "workspace" => &self.workspace,
            _ => &self.definitions[name],
        };
        let blocks = vec![
            Block::Text(described(schema)),
            Block::Heading(String::from("Keys")),
            self.keys(schema),
            Block::Heading(String::from("Example")),
            Block::Code(example.to_owned()),
        ];
        Page {
            name: name.to_owned(),
            sentence: sentence(&described(schema)),
            group: Group::Part,
            blocks,
        }
    }

    fn kind(&self, list: &str, kind: &str) -> Page {
        let name = format!("{list}.{kind}");
        let schema = &self.definitions[&name];
        let said = described(&self.definitions[list]["properties"][kind]);
        let mut blocks = vec![
            Block::Text(described(schema)),
            Block::Heading(String::from("Keys")),
            self.keys(schema),
        ];
        if let Some(facts) = channel::FACTS
            .iter()
            .find(|f| list == "channel" && f.name == kind)
        {
            blocks.push(Block::Heading(String::from("What `channels.NAME` offers")));
            blocks.push(Block::Words(owned(facts.offers)));
            blocks.push(Block::Heading(String::from("What `seen` holds")));
            let mut seen = owned(channel::SEEN);
            seen.extend(owned(facts.seen));
            blocks.push(Block::Words(seen));
        }
        blocks.push(Block::Heading(String::from("Example")));
        blocks.push(Block::Code(example(list, kind)));
        let group = match list {
            "trigger" => Group::Trigger,
            "channel" => Group::Channel,
            _ => Group::Destination,
        };
        Page {
            name,
            sentence: sentence(&said),
            group,
            blocks,
        }
    }

    fn keys(&self, schema: &Value) -> Block {
        Block::Keys(Reader::new(&self.definitions, &self.pages).keys(schema))
    }
}

fn listed<T: schemars::JsonSchema>(name: &str, said: &str) -> Page {
    words_page(name, said, words::<T>())
}

fn codes() -> Page {
    let words = Code::ALL
        .iter()
        .map(|code| (code.word().to_owned(), code.sentence().to_owned()));
    words_page(
        "codes",
        "The stable names of problems in definitions.",
        words.collect(),
    )
}

fn words_page(name: &str, said: &str, words: Vec<(String, String)>) -> Page {
    Page {
        name: name.to_owned(),
        sentence: said.to_owned(),
        group: Group::Words,
        blocks: vec![Block::Text(said.to_owned()), Block::Words(words)],
    }
}

/// What can be named, with the words of the list that the checks use.
fn names() -> Page {
    let mut page = written("names", include_str!("names.md"));
    let first = page.blocks.len().min(1);
    page.blocks.insert(first, Block::Words(owned(ROOTS)));
    page
}

fn written(name: &str, markdown: &str) -> Page {
    Page {
        name: name.to_owned(),
        sentence: sentence(&markdown.replace('\n', " ")),
        group: Group::Words,
        blocks: prose::blocks(markdown),
    }
}

fn owned(words: &[(&str, &str)]) -> Vec<(String, String)> {
    words
        .iter()
        .map(|(word, said)| ((*word).to_owned(), (*said).to_owned()))
        .collect()
}

/// The example of a kind where it stands in its file.
fn example(list: &str, kind: &str) -> String {
    let (facts, above) = match list {
        "trigger" => (
            trigger::FACTS.iter().find(|f| f.name == kind).map(|f| f.example),
            "request:\n",
        ),
        "destination" => (
            destination::FACTS
                .iter()
                .find(|f| f.name == kind)
                .map(|f| f.example),
            "alerts:\n  some_name:\n",
        ),
        _ => (
            channel::FACTS.iter().find(|f| f.name == kind).map(|f| f.example),
            "channels:\n  some_name:\n",
        ),
    };
    let depth = if list == "trigger" { "  " } else { "    " };
    let lines = facts
        .unwrap_or_default()
        .lines()
        .map(|line| format!("{depth}  {line}\n"));
    format!("{above}{depth}{kind}:\n{}", lines.collect::<String>())
}

/// Up to the first full stop, colon list or paragraph.
fn sentence(text: &str) -> String {
    let first = text.split("\n\n").next().unwrap_or_default();
    let end = first.match_indices(". ").map(|(at, _)| at + 1).next();
    first[..end.unwrap_or(first.len())].to_owned()
}
