//! What sleeps wakes as it was.

use std::sync::OnceLock;

use proptest::prelude::*;
use serde_json::{Map, Number, json};

use super::codec::{Reader, Writer};
use super::*;
use crate::definition::{LoadOptions, ProcessEnvironment, load};
use crate::engine::resume::Kept;
use crate::model::{
    ChannelId, Free, Identity, Interval, Response, Scope as _, Sighting, Template, TokenFormat, TokenKey,
};

fn def() -> Arc<LegDef> {
    static DEF: OnceLock<Arc<LegDef>> = OnceLock::new();
    let load = || {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("probes")).unwrap();
        let settings = json!({ "channels": { "hooks": { "callback": {} } } });
        let probe = json!({
            "name": "orders", "input": { "amount": 100 },
            "request": { "http": { "url": "http://127.0.0.1:1/", "json": { "ref": "{{ token }}" } } },
            "outcome": [{ "in": "hooks", "within": "1m" }],
        });
        std::fs::write(dir.path().join("landfall.yaml"), settings.to_string()).unwrap();
        std::fs::write(dir.path().join("probes/orders.yaml"), probe.to_string()).unwrap();
        let options = LoadOptions {
            dir: Some(dir.path().to_owned()),
            vars: Vec::new(),
        };
        let loaded = load(&options, &ProcessEnvironment);
        let said = loaded.problems.render(&loaded.sources, false);
        loaded.workspace.expect(&said).probes[0].legs[0].clone()
    };
    DEF.get_or_init(load).clone()
}

fn run(n: u128) -> RunId {
    RunId(uuid::Uuid::from_u128(n))
}

fn token(n: u8) -> Token {
    TokenKey::new([1; 32]).issue(TokenFormat::Text, [n; 32])
}

const START: Moment = Moment(1_800_000_000_123_456_789);

/// A run that was answered so.
fn answered(n: u8, json: Value) -> Live {
    let (def, token) = (def(), token(n));
    let channels = json!({ "hooks": { "url": format!("http://127.0.0.1:4747/c/secret/{token}") } });
    let Value::Object(channels) = channels else {
        panic!("{channels}")
    };
    let scope = RunScope::new(&def, &Map::new(), run(n.into()), START, &token, channels).unwrap();
    let response = Response {
        status: 202,
        headers: BTreeMap::from([(String::from("x-served-by"), format!("node-{n}"))]),
        body: json.to_string(),
        json: json.clone(),
        seconds: 0.012_345_678_901_234_5,
    };
    let answer = LiveAnswer {
        status: None,
        timings: Timings {
            total: Some(0.1 + 0.2),
            ..Timings::default()
        },
        attributes: BTreeMap::from([(String::from("peer"), String::from("127.0.0.1"))]),
        shown: json!({ "status": 202, "body": json }),
    };
    Live {
        token,
        def,
        scope: scope.with_response(&response).with("order", json),
        prepared: None,
        request: Arc::new(json!({ "method": "POST", "json": { "ref": token } })),
        answer: Some(Arc::new(answer)),
        observations: HashMap::new(),
        sent: Some(START.after(Duration::from_millis(3))),
        early: Vec::new(),
        sources: Arc::default(),
        probe: None,
    }
}

fn observation(id: u64, seen: Value) -> Arc<Observation> {
    let seen = Map::from_iter([(String::from("json"), seen)]);
    let sighting = Sighting::new(Interval::point(START), Identity::Event(format!("e{id}")), seen);
    Arc::new(Observation {
        id: ObservationId(id),
        channel: ChannelId(0),
        sighting,
    })
}

/// All that is held, as text: two floats that differ are two texts, and so are maps in another order.
fn told(live: &Live) -> String {
    let mut values: Vec<String> = live
        .scope
        .values()
        .into_iter()
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    values.sort();
    let mut seen: Vec<_> = live.observations.values().collect();
    seen.sort_by_key(|observation| observation.id);
    let contents: Vec<Value> = seen.iter().map(|o| serde_json::to_value(o).unwrap()).collect();
    let answer = live.answer.as_ref().unwrap();
    format!(
        "{values:?} {} {} {:?} {:?} {} {contents:?} {:?} {}",
        live.scope.vars().len(),
        live.request,
        answer.timings,
        answer.attributes,
        answer.shown,
        live.sent,
        live.token
    )
}

fn asleep(lives: &Lives, run: RunId) -> bool {
    matches!(lives.runs.get(&run), Some(Entry::Asleep(_)))
}

fn later(seconds: u64) -> Moment {
    START.after(Duration::from_secs(seconds))
}

fn number() -> impl Strategy<Value = Number> {
    let float = any::<f64>().prop_filter_map("JSON has no such number", Number::from_f64);
    let odd = [0.0, -0.0, 5e-324, 1e308, 0.1 + 0.2, 1e23, 9_007_199_254_740_993.0];
    prop_oneof![
        any::<u64>().prop_map(Number::from),
        any::<i64>().prop_map(Number::from),
        Just(u64::MAX.into()),
        Just(i64::MIN.into()),
        float,
        prop::sample::select(odd.to_vec()).prop_filter_map("finite", Number::from_f64),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        number().prop_map(Value::Number),
        any::<String>().prop_map(Value::from),
        "[a-c]{0,40}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 64, 6, |inner| {
        let map = prop::collection::vec((".{0,8}", inner.clone()), 0..6);
        prop_oneof![
            prop::collection::vec(inner, 0..6).prop_map(Value::Array),
            map.prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn a_value_comes_back_as_it_was(value in value()) {
        let mut writer = Writer::default();
        writer.value(&value);
        let mut reader = Reader(&writer.0);
        prop_assert_eq!(reader.value().map(|v| v.to_string()), Some(value.to_string()));
        prop_assert!(reader.0.is_empty());
    }

    #[test]
    fn bytes_that_nobody_wrote_are_no_value_and_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let mut reader = Reader(&bytes);
        while reader.value().is_some() {}
        Reader(&bytes).text();
    }

    #[test]
    fn a_run_wakes_as_it_fell_asleep(answers in prop::collection::vec((value(), prop::collection::vec(value(), 0..3)), 1..5)) {
        let mut lives = Lives::new(None);
        let mut before = Vec::new();
        for (n, (answer, seen)) in (1_u8..).zip(answers) {
            let mut live = answered(n, answer);
            for (id, seen) in (1..).zip(seen) {
                live.observations.insert(ObservationId(id), observation(id, seen));
            }
            before.push((run(n.into()), told(&live)));
            lives.insert(run(n.into()), live);
        }
        for round in 1..3 {
            for _ in 0..2 {
                lives.rest(later(100 * round));
            }
            for (id, before) in &before {
                prop_assert!(asleep(&lives, *id));
                prop_assert_eq!(&told(lives.get(id).unwrap()), before);
            }
        }
        prop_assert!(lives.spoilt().is_empty());
    }
}

#[test]
fn values_nested_as_deep_as_a_parser_takes_them_come_back() {
    let deep = (0..130).fold(json!("x"), |inner, _| json!([inner]));
    let mut lives = Lives::new(None);
    let live = answered(1, deep);
    let before = told(&live);
    lives.insert(run(1), live);
    lives.rest(later(1));
    assert!(asleep(&lives, run(1)));
    assert_eq!(told(lives.get(&run(1)).unwrap()), before);
}

#[test]
fn runs_of_a_leg_cost_what_tells_them_apart() {
    let mut lives = Lives::new(None);
    let mut whole = 0;
    for n in 1..=100 {
        let json =
            json!({ "id": format!("order-{n}"), "note": "the same long note for all of them".repeat(20) });
        let live = answered(n, json);
        whole = told(&live).len();
        lives.insert(run(n.into()), live);
    }
    (0..25).for_each(|_| lives.rest(later(60)));
    let packed = |n: u128| match &lives.runs[&run(n)] {
        Entry::Asleep(packed) => packed.len(),
        Entry::Awake(_) => panic!("run {n} is awake"),
    };
    let most = (2..=100).map(packed).max().unwrap();
    assert!(most < 200, "{most} bytes of {whole}");
}

#[test]
fn a_leg_whose_answers_have_changed_gets_another_pattern() {
    let mut lives = Lives::new(None);
    let text = |seed: u64, n: u64| {
        let words = (0..40_u64).map(|i| (seed ^ i).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_string());
        json!({ "words": words.collect::<Vec<_>>().join(" "), "n": n })
    };
    let mut sizes = Vec::new();
    for n in 0..200_u64 {
        let seed = if n < 100 { 1 } else { 2 << 32 };
        let live = answered(u8::try_from(n % 250).unwrap(), text(seed, n));
        lives.insert(run(n.into()), live);
        lives.rest(later(10 * (n + 1)));
        match &lives.runs[&run(n.into())] {
            Entry::Asleep(packed) => sizes.push(packed.len()),
            Entry::Awake(_) => panic!("run {n} is awake"),
        }
    }
    assert!(sizes[99] < 250, "{sizes:?}");
    assert!(sizes[100] > 500, "what nobody knew yet: {sizes:?}");
    assert!(sizes[199] < 250, "{sizes:?}");
}

#[test]
fn what_is_under_way_and_what_is_touched_stays_awake() {
    let mut lives = Lives::new(None);
    lives.rest(START);
    let mut waits = answered(1, json!(1));
    waits.answer = None;
    lives.insert(run(1), waits);
    lives.insert(run(2), answered(2, json!(2)));
    lives.insert(run(3), answered(3, json!(3)));
    lives.rest(later(2));
    assert!(lives.get(&run(2)).is_some());
    lives.rest(later(4));
    assert!(!asleep(&lives, run(1)), "its answer is still to come");
    assert!(!asleep(&lives, run(2)), "touched two seconds ago");
    assert!(asleep(&lives, run(3)));
    assert_eq!(
        lives.next_rest(),
        Some(later(7)),
        "by then the first may be at rest"
    );
    lives.rest(later(8));
    assert!(asleep(&lives, run(2)));
    assert!(!asleep(&lives, run(1)));
}

#[test]
fn of_very_many_the_oldest_sleep_sooner() {
    let mut lives = Lives::new(None);
    lives.rest(START);
    let many = AWAKE_MOST as u128 + 10;
    for n in 0..many {
        lives.insert(
            run(n),
            answered(u8::try_from(n % 250).unwrap(), json!({ "n": n as u64 })),
        );
    }
    (0..10).for_each(|_| lives.rest(later(0)));
    let sleeping = (0..many).filter(|n| asleep(&lives, run(*n))).count();
    assert_eq!(sleeping, 10);
    assert!(asleep(&lives, run(0)));
}

#[test]
fn who_sleeps_is_still_known() {
    let mut lives = Lives::new(None);
    let mut live = answered(1, json!({ "id": "order-1" }));
    live.observations
        .insert(ObservationId(7), observation(7, json!("seen")));
    lives.insert(run(1), live);
    lives.insert(run(2), answered(2, json!(0)));
    let handle = lives.handle(run(1)).unwrap();
    let render = || {
        let name = |name: &str| Free::Text(Template::of(format!("{{{{ {name} }}}}")));
        [
            "order.id",
            "response.seconds",
            "channels.hooks.url",
            "tick",
            "input.amount",
        ]
        .map(|of| handle.json(&name(of)).unwrap().to_string())
    };
    let awake = render();
    lives.rest(later(9));
    assert!(asleep(&lives, run(1)) && asleep(&lives, run(2)));
    assert_eq!(render(), awake, "a channel reads it all the same");
    assert!(asleep(&lives, run(1)), "and does not wake it");
    assert_eq!(lives.def(&run(1)).unwrap().leg.probe.as_ref(), "orders");
    assert_eq!(
        lives.shown(ObservationId(7)).unwrap(),
        observation(7, json!("seen"))
    );
    assert!(lives.shown(ObservationId(8)).is_none());
    assert_eq!(render(), awake);
    assert_eq!(lives.remove(&run(2)), Some(token(2)), "asleep");
    assert_eq!(lives.remove(&run(1)), Some(token(1)), "awake");
    assert!(lives.get(&run(1)).is_none());
}

fn left(kept: &Kept<'_>) -> (Lives, Token) {
    let (def, token) = (def(), token(9));
    let share = Arc::new(Share::new(def, Arc::new(Map::new()), Arc::default()));
    let bytes = Bytes::of_kept(token.as_str(), kept, &mut Press::default());
    let mut lives = Lives::new(None);
    lives.insert_asleep(run(9), Arc::new(Packed::left(share, bytes)));
    (lives, token)
}

#[test]
fn what_an_earlier_process_left_sleeps_until_it_is_needed() {
    let answer = json!({
        "at": START, "accepted": "yes", "keys": ["order-9"], "captured": { "order": "order-9" },
        "response": { "status": 202, "headers": {}, "body": "{}", "json": {}, "seconds": 0.25 },
    });
    let answer = answer.to_string();
    let kept = Kept {
        tick: START,
        plan: r#"{"waits":[],"channels":{"hooks":{"url":"http://x/"}}}"#,
        answer: Some(&answer),
        sent: later(1),
    };
    let (mut lives, token) = left(&kept);
    let live = lives.get(&run(9)).unwrap();
    assert_eq!(live.token, token);
    assert_eq!(live.sent, Some(later(1)));
    assert_eq!(live.scope.get("order"), Some(&json!("order-9")));
    assert_eq!(
        live.scope.get("channels"),
        Some(&json!({ "hooks": { "url": "http://x/" } }))
    );
    assert_eq!(live.scope.get("input"), Some(&json!({ "amount": 100 })));
    assert_eq!(live.scope.get("response").unwrap()["seconds"], json!(0.25));
    let before = told(live);
    lives.rest(later(60));
    assert!(asleep(&lives, run(9)));
    assert_eq!(told(lives.get(&run(9)).unwrap()), before);
}

#[test]
fn what_cannot_be_had_again_is_told_and_never_taken_for_nothing() {
    let kept = Kept {
        tick: START,
        plan: "{}",
        answer: Some(r#"{"at":1,"accepted":"yes","response":{"status":"high"}}"#),
        sent: START,
    };
    let (mut lives, token) = left(&kept);
    assert!(lives.get(&run(9)).is_none());
    assert_eq!(lives.spoilt(), [token]);
    assert_eq!(lives.remove(&run(9)), Some(token));
}
