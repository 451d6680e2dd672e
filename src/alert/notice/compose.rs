//! A message made of a decision and what is known of the probe.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::{
    About, AlertState, Links, MarkNotice, Notice, RouteNotice, RuleNotice, Severity, Summary, Topic, Usual,
    VERSION,
};
use crate::alert::policy::{Rule, length, often};
use crate::alert::rules::{Broken, Decision, Episode, Event, Member, State, rank};
use crate::alert::{evidence, words};
use crate::model::{Mark, Moment};

/// Routes that are listed; the rest is counted.
const ROUTES: usize = 20;
/// Routes of which the whole evidence is told.
const EXPLAINED: usize = 3;
/// What a link shows before the first bad run, and after the last.
const AROUND: Duration = Duration::from_hours(1);
/// Marks that are listed.
const MARKS: usize = 5;

impl Notice {
    /// What a decision says.
    #[must_use]
    pub fn of(about: &About, state: &State, decision: &Decision, marks: &[Mark]) -> Self {
        let Decision {
            event,
            topic,
            at,
            was,
            episode,
        } = decision;
        let ended = matches!(event, Event::Resolved).then_some(*at);
        let alert = alert_id(about, *topic, episode);
        let (routes, more_routes) = routes(about, state, episode);
        let links = about.links(&routes, (episode.since, ended));
        let severity = episode.severity();
        let mut notice = Self {
            version: VERSION,
            id: format!("{alert}-{}", episode.messages),
            alert,
            event: *event,
            state: if ended.is_some() {
                AlertState::Resolved
            } else {
                AlertState::Firing
            },
            severity,
            was: *was,
            topic: *topic,
            title: String::new(),
            text: String::new(),
            probe: about.probe.clone(),
            description: about.description.clone(),
            location: about.location.clone(),
            labels: about.labels.clone(),
            at: at.to_rfc3339(),
            since: episode.since.to_rfc3339(),
            opened: episode.opened.to_rfc3339(),
            ended: ended.map(Moment::to_rfc3339),
            seconds: at.seconds_since(episode.since).max(0.0),
            late_after_all: episode.members.values().map(|m| m.late_after_all).sum(),
            routes,
            more_routes,
            cause: None,
            marks: marks_of(marks),
            facts: Vec::new(),
            links,
            summary: None,
        };
        notice.title = words::title(&notice);
        notice.facts = words::facts(&notice);
        notice.text = words::text(&notice);
        notice
    }

    /// The same, which also tells what separates bad runs from good.
    #[must_use]
    pub fn because(mut self, cause: Option<String>) -> Self {
        self.cause = cause.map(|cause| evidence::piece(&cause));
        self.facts = words::facts(&self);
        self.text = words::text(&self);
        self
    }

    /// A trial, to see whether a destination takes it.
    #[must_use]
    pub fn trial(location: &str, pages: Option<&str>, at: Moment, id: &str) -> Self {
        let now = at.to_rfc3339();
        let mut notice = Self {
            version: VERSION,
            id: format!("test-{id}"),
            alert: format!("test-{id}"),
            event: Event::Test,
            state: AlertState::Firing,
            severity: Severity::Ticket,
            was: None,
            topic: Topic::Outcome,
            title: String::from("landfall: a trial of this destination"),
            text: String::from(
                "Somebody ran `landfall alerts test`. Nothing is wrong, and nothing has to be done.\n",
            ),
            probe: String::from("landfall"),
            description: String::new(),
            location: location.to_owned(),
            labels: BTreeMap::new(),
            at: now.clone(),
            since: now.clone(),
            opened: now,
            ended: None,
            seconds: 0.0,
            routes: Vec::new(),
            more_routes: 0,
            late_after_all: 0,
            cause: None,
            marks: Vec::new(),
            facts: Vec::new(),
            links: Links {
                any: pages.unwrap_or_default().to_owned(),
                ..Links::default()
            },
            summary: None,
        };
        notice.facts = words::facts(&notice);
        notice
    }

    /// The one message that stands for several.
    #[must_use]
    pub fn summed(last: &Self, summary: Summary, id: String) -> Self {
        let open = summary.alerts.iter().any(|a| a.state == AlertState::Firing);
        let mut notice = Self {
            id: id.clone(),
            alert: id,
            event: Event::Summary,
            state: if open {
                AlertState::Firing
            } else {
                AlertState::Resolved
            },
            was: None,
            description: String::new(),
            routes: Vec::new(),
            more_routes: 0,
            late_after_all: 0,
            cause: None,
            marks: Vec::new(),
            since: summary.from.clone(),
            ended: (!open).then(|| summary.until.clone()),
            summary: Some(summary),
            ..last.clone()
        };
        notice.title = words::title(&notice);
        notice.facts = words::facts(&notice);
        notice.text = words::text(&notice);
        notice
    }

    /// The instant of `at`.
    #[must_use]
    pub fn moment(&self) -> Option<Moment> {
        Moment::from_rfc3339(&self.at)
    }
}

impl About {
    /// The page of the probe as it was around the first bad run: until now while the alert is open, else until some time
    /// after its end.
    fn links(&self, routes: &[RouteNotice], (since, ended): (Moment, Option<Moment>)) -> Links {
        let second = |at: Moment| {
            let text = at.to_rfc3339();
            text.get(..19).unwrap_or(&text).to_owned()
        };
        let to = ended.map_or_else(String::new, |ended| {
            format!("&to={}Z", second(ended.after(AROUND)))
        });
        let probe = self.pages.as_ref().map(|pages| {
            let from = second(since.before(AROUND));
            format!("{pages}/probes/{}?from={from}Z{to}", self.probe)
        });
        Links {
            any: probe.clone().unwrap_or_default(),
            probe,
            run: routes.first().and_then(|r| r.url.clone()),
        }
    }
}

/// The same for the same records, also where they are gone through again after a crash.
#[must_use]
pub fn alert_id(about: &About, topic: Topic, episode: &Episode) -> String {
    let mut hasher = blake3::Hasher::new_derive_key("landfall alert id");
    let topic = match topic {
        Topic::Outcome => "outcome",
        Topic::Sight => "sight",
    };
    for part in [about.location.as_str(), about.probe.as_str(), topic] {
        hasher.update(&part.len().to_le_bytes()).update(part.as_bytes());
    }
    hasher.update(&episode.anchor.0.to_le_bytes());
    hasher.update(&episode.number.to_le_bytes());
    hasher.finalize().to_hex().chars().take(16).collect()
}

fn routes(about: &About, state: &State, episode: &Episode) -> (Vec<RouteNotice>, usize) {
    let mut members: Vec<(&String, &Member)> = episode.members.iter().filter(|(_, m)| !m.quiet).collect();
    members.sort_by_key(|(_, m)| {
        (
            std::cmp::Reverse(m.open),
            std::cmp::Reverse(m.severity()),
            std::cmp::Reverse(rank(m.class())),
        )
    });
    let more = members.len().saturating_sub(ROUTES);
    let told = members
        .into_iter()
        .take(ROUTES)
        .enumerate()
        .filter_map(|(at, (key, member))| route(about, state, key, member, at < EXPLAINED))
        .collect();
    (told, more)
}

fn route(about: &About, state: &State, key: &str, member: &Member, whole: bool) -> Option<RouteNotice> {
    let series = state.series.get(key)?;
    let (bad, runs) = series.usual_bad(&about.rules);
    let mut evidence = series.evidence.as_deref().cloned();
    if let Some(evidence) = evidence.as_mut().filter(|_| !whole) {
        evidence.expected.clear();
    }
    let worst = member.broken.values().max_by_key(|b| (b.bad, b.of));
    let since = member.broken.values().map(|b| b.since).min();
    #[expect(clippy::cast_precision_loss, reason = "counts of runs are far below 2^53")]
    let share = (runs > 0).then(|| bad as f64 / runs as f64);
    Some(RouteNotice {
        route: series.route.clone(),
        input: series.input.clone(),
        open: member.open,
        class: member.class(),
        since: since.map(Moment::to_rfc3339).unwrap_or_default(),
        bad: worst.map_or(0, |b| b.bad),
        of: worst.map_or(0, |b| b.of),
        rules: member
            .broken
            .iter()
            .map(|(rule, broken)| about.rule(*rule, broken))
            .collect(),
        usual: Usual {
            bad_share: share,
            runs,
            seconds: series.usual_wait(),
        },
        url: evidence
            .as_ref()
            .zip(about.pages.as_ref())
            .map(|(e, pages)| format!("{pages}/runs/{}", e.run)),
        evidence,
    })
}

impl About {
    fn rule(&self, rule: Rule, broken: &Broken) -> RuleNotice {
        let burn = self.rules.burns.iter().find(|(name, _)| *name == rule);
        let false_alarms = match rule {
            Rule::InARow => self.rules.in_a_row.map(|(_, f)| f),
            _ => burn.map(|(_, b)| b.false_alarms),
        };
        let chance = false_alarms.map_or_else(String::new, |f| format!("; by chance {}", often(f)));
        let text = match (rule, burn) {
            (Rule::InARow, _) => {
                let least = self.rules.in_a_row.map_or(0, |(least, _)| least);
                format!("{least} bad runs in a row{chance}")
            }
            (Rule::AtOnce, _) => String::from("at its first occurrence; told once a day"),
            (Rule::NoData, _) => self.rules.no_data.map_or_else(String::new, |after| {
                format!("no run was decided for {}", length(after.as_secs_f64()))
            }),
            (Rule::Blind, _) => format!(
                "{} of {} runs were not observed: landfall says nothing about the rest",
                broken.bad, broken.of
            ),
            (_, Some((_, burn))) => format!(
                "{} bad of {} runs ({}), {} times what the objective allows{chance}",
                burn.bad,
                burn.ticks,
                length(burn.window.seconds),
                burn.window.burn
            ),
            (_, None) => String::from("a rule that is not in force any more"),
        };
        RuleNotice {
            rule,
            text,
            false_alarms,
        }
    }
}

fn marks_of(marks: &[Mark]) -> Vec<MarkNotice> {
    let said: BTreeSet<(Moment, String)> = marks
        .iter()
        .map(|mark| (mark.at, evidence::piece(&mark.text)))
        .collect();
    said.into_iter()
        .rev()
        .take(MARKS)
        .map(|(at, text)| MarkNotice {
            at: at.to_rfc3339(),
            text,
        })
        .collect()
}
