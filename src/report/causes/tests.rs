mod lacks;

use std::time::Duration;

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde_json::json;

use super::*;
use crate::model::{
    Amendment, ExpectationRecord, ExpectationState, Hop, Layer, LayerRecord, Layers, MarkId, MarkKind,
    Moment, ObservationRecord, RunId, Seconds, Timings,
};
use crate::report::Style;

const START: Moment = Moment(1_790_000_000_000_000_000);
const STYLE: Style = Style {
    colour: false,
    width: 80,
};

/// The `n`th run, a minute after the one before, delivered.
fn run(n: u64) -> RunRecord {
    let tick = START.after(Duration::from_secs(60 * n));
    let layer = |state, seconds: Option<f64>| LayerRecord {
        state,
        seconds: seconds.map(|s| Seconds(s, s)),
    };
    RunRecord {
        id: RunId(uuid::Uuid::from_u128(u128::from(n) + 1)),
        probe: String::from("orders"),
        revision: String::from("r1"),
        route: String::from("main"),
        input: String::from("default"),
        location: String::from("eu"),
        tick: tick.to_rfc3339(),
        token: format!("token{n}"),
        sent: None,
        class: Class::Delivered,
        reason: String::new(),
        flags: Vec::new(),
        lag: None,
        timings: Timings::default(),
        layers: Layers {
            accepted: layer(LayerState::Yes, Some(0.1)),
            executed: layer(LayerState::Undeclared, None),
            outcome: layer(LayerState::Yes, Some(1.0)),
        },
        stopped_after: None,
        expectations: vec![met("mail", Layer::Outcome, Some(1.0))],
        observations: vec![seen(
            "inbox",
            "mail",
            json!({ "folder": "INBOX", "subject": "x" }),
        )],
        path: Vec::new(),
        attributes: Default::default(),
        fingerprint: None,
        amendments: Vec::<Amendment>::new(),
        request: None,
        response: Some(json!({ "status": 202, "headers": { "x-zone": "a", "x-request-id": n.to_string() } })),
        labels: Default::default(),
    }
}

fn met(name: &str, layer: Layer, at: Option<f64>) -> ExpectationRecord {
    ExpectationRecord {
        layer,
        name: name.to_owned(),
        step: None,
        channel: String::from("inbox"),
        state: if at.is_some() {
            ExpectationState::Met
        } else {
            ExpectationState::Lost
        },
        count: u32::from(at.is_some()),
        seconds: at.map(|s| Seconds(s, s)),
        reason: String::new(),
        within: 2.0,
        grace: 2.0,
        unmet: Vec::new(),
    }
}

fn seen(channel: &str, met: &str, content: serde_json::Value) -> ObservationRecord {
    ObservationRecord {
        channel: channel.to_owned(),
        seconds: Seconds(1.0, 1.0),
        attempts: 1,
        redelivered: false,
        summary: String::new(),
        met: vec![met.to_owned()],
        automatic: false,
        seen: content,
    }
}

/// The same run, lost: no mail came.
fn lost(mut run: RunRecord) -> RunRecord {
    run.class = Class::Lost;
    run.layers.outcome = LayerRecord {
        state: LayerState::No,
        seconds: None,
    };
    run.expectations = vec![met("mail", Layer::Outcome, None)];
    run.observations = Vec::new();
    run
}

/// The same run, refused.
fn refused(run: RunRecord) -> RunRecord {
    let mut run = lost(run);
    run.class = Class::Rejected;
    run.layers.accepted.state = LayerState::No;
    let mut response = run.response.take().unwrap();
    response["status"] = json!(503);
    response["headers"]["x-error"] = json!("overloaded");
    run.response = Some(response);
    run
}

fn with(mut run: RunRecord, attribute: &str, value: &str) -> RunRecord {
    run.attributes.insert(attribute.to_owned(), value.to_owned());
    run
}

fn answer(runs: &[RunRecord]) -> Causes {
    explain(runs, &[], &Question::default())
}

fn first(of: &Causes) -> (&str, &str) {
    (&of.causes[0].attribute, &of.causes[0].values[0].value)
}

/// Two hundred runs of which the provider beta loses many.
fn by_provider(spoil: fn(RunRecord) -> RunRecord) -> Vec<RunRecord> {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let one = |n: u64| {
        let beta = n.is_multiple_of(5);
        let name = if beta { "beta" } else { "alpha" };
        let run = with(run(n), "provider", name);
        if random.random_bool(if beta { 0.4 } else { 0.02 }) {
            spoil(run)
        } else {
            run
        }
    };
    (0..200).map(one).collect()
}

#[test]
fn a_provider_that_loses_is_named_and_what_is_missing_of_lost_runs_is_not() {
    let found = answer(&by_provider(lost));
    assert_eq!(first(&found), ("provider", "beta"), "{found:#?}");
    assert_eq!(found.causes.len(), 1);
    assert!(
        found
            .sentence
            .starts_with("12 of 40 runs with provider = beta are bad (30.0 %), elsewhere 1 of 160"),
        "{}",
        found.sentence
    );
    // What lost runs look like is told, and not as a cause.
    assert_eq!(found.signs[0].sign, "class lost");
    assert!(
        found
            .signs
            .iter()
            .any(|s| s.sign == "outcome `mail` lost" && s.good == 0)
    );
    assert!(
        found
            .ignored
            .iter()
            .any(|one| one.attribute == "header x-request-id"),
        "{:?}",
        found.ignored
    );
}

#[test]
fn a_provider_that_refuses_is_named_and_how_refusals_look_is_not() {
    let found = answer(&by_provider(refused));
    assert_eq!(first(&found), ("provider", "beta"), "{found:#?}");
    let told: Vec<&str> = found
        .causes
        .iter()
        .flat_map(|c| c.equivalents.iter().map(|e| e.attribute.as_str()))
        .collect();
    assert_eq!(
        told,
        Vec::<&str>::new(),
        "the status and the error of a refusal are the refusal"
    );
    assert!(
        found
            .signs
            .iter()
            .any(|s| s.sign == "answer status 503" && s.good == 0)
    );
    // With nothing else on record, nothing separates them.
    let bare: Vec<RunRecord> = (0..100)
        .map(|n: u64| {
            if n.is_multiple_of(7) {
                refused(run(n))
            } else {
                run(n)
            }
        })
        .collect();
    let found = answer(&bare);
    assert_eq!(found.outcome, Outcome::Nothing, "{found:#?}");
}

#[test]
fn what_only_an_arrived_mail_says_explains_only_what_arrived() {
    let spam = |n: u64| n % 4 == 1;
    let one = |n: u64| {
        let mut run = run(n);
        if n.is_multiple_of(10) {
            return lost(run);
        }
        if spam(n) {
            run.observations[0].seen["folder"] = json!("Junk");
            if n.is_multiple_of(3) {
                run.class = Class::Late;
            }
        }
        run
    };
    let runs: Vec<RunRecord> = (0..300).map(one).collect();
    let found = answer(&runs);
    assert_eq!(first(&found), ("`mail`: folder", "Junk"), "{found:#?}");
    assert_eq!(found.causes[0].among.as_deref(), Some("runs that have a value"));
    assert_eq!(
        found.causes[0].values[0].bad_elsewhere, 0,
        "lost runs have no folder"
    );
    let lost_alone = Question {
        bad: Bad::Classes([Class::Lost].into()),
        seed: 0,
    };
    let found = explain(&runs, &[], &lost_alone);
    assert_eq!(found.outcome, Outcome::Nothing, "{found:#?}");
    assert_eq!(found.left_out.classes[&Class::Late], 25);
}

#[test]
fn the_progress_of_a_run_is_no_cause_and_its_row_is() {
    let mut random = ChaCha8Rng::seed_from_u64(5);
    let row = |state: &str, shard: u64| json!({ "row": { "status": state, "shard": shard } });
    let one = |n: u64| {
        let (mut run, shard) = (run(n), n % 4);
        let bad = random.random_bool(if shard == 2 { 0.5 } else { 0.03 });
        run.expectations.push(met("queued", Layer::Executed, Some(0.2)));
        run.observations
            .push(seen("table", "queued", row("queued", shard)));
        if bad {
            run.observations.remove(0);
            run.class = Class::Lost;
        } else {
            run.observations.push(seen("table", "queued", row("done", shard)));
        }
        run
    };
    let found = answer(&(0..300).map(one).collect::<Vec<_>>());
    assert_eq!(first(&found), ("`queued`: row.shard", "2"), "{found:#?}");
    assert!(
        found.considered.iter().all(|name| !name.contains("status")),
        "{:?}",
        found.considered
    );
}

#[test]
fn a_hop_of_a_chain_is_named_where_the_chains_differ() {
    let mut random = ChaCha8Rng::seed_from_u64(6);
    let one = |n: u64| {
        let mut run = run(n);
        let (relay, tail) = (n % 3, n % 5);
        let hops = [format!("mx{relay}"), format!("store{tail}")];
        run.path = hops
            .map(|hop| Hop {
                hop,
                source: String::from("inbox.received"),
                seconds: None,
            })
            .into();
        if random.random_bool(if relay == 1 { 0.4 } else { 0.02 }) {
            run.class = Class::Late;
        }
        run
    };
    let found = answer(&(0..400).map(one).collect::<Vec<_>>());
    assert_eq!(first(&found), ("hop mx1", "on the way"), "{found:#?}");
}

#[test]
fn a_release_is_named_with_the_mark_and_the_instant() {
    let mut runs: Vec<RunRecord> = (0..240).map(run).collect();
    for (n, run) in runs.iter_mut().enumerate().skip(150) {
        run.revision = String::from("r2");
        if n.is_multiple_of(2) {
            *run = lost(run.clone());
        }
    }
    let mark = |n: u64, text: &str| Mark {
        id: MarkId(uuid::Uuid::from_u128(u128::from(n))),
        at: START.after(Duration::from_secs(60 * n - 20)),
        text: text.to_owned(),
        kind: MarkKind::Deployment,
        labels: Default::default(),
        until: None,
    };
    let found = explain(
        &runs,
        &[mark(150, "release 4.2"), mark(20, "release 4.1")],
        &Question::default(),
    );
    assert_eq!(first(&found), ("revision", "r2"), "{found:#?}");
    assert!(
        found.causes[0].equivalents[0]
            .attribute
            .starts_with("mark \"release 4.2\""),
        "{found:#?}"
    );
    let began = found.began.as_ref().unwrap();
    assert_eq!((began.bad_before, began.runs_before), (0, 150));
    assert_eq!(began.nearby[1].text, "release 4.2", "the new revision is nearer");
    assert!(found.notes[0].contains("2 revisions"), "{:?}", found.notes);
    let shown = text(&found, STYLE);
    assert!(shown.lines().all(|line| line.chars().count() <= 80), "{shown}");
    assert!(
        shown.contains("revision = r2") && shown.contains("revisions of the definition"),
        "{shown}"
    );
}
