use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::oneshot;

use super::*;
use crate::model::{Expr, Free, Template, TokenFormat, TokenKey};

struct Nothing;

impl Scope for Nothing {
    fn text(&self, template: &Template) -> Result<String, Fault> {
        Ok(template.source.clone())
    }
    fn json(&self, _: &Free) -> Result<Value, Fault> {
        Ok(Value::Null)
    }
    fn holds(&self, _: &Expr, _: &Value) -> Result<bool, Fault> {
        Ok(true)
    }
}

const PACE: Pace = Pace {
    every: Duration::from_millis(250),
    batch: 3,
    lanes: 1,
    one_peer: true,
    timeout: Duration::from_secs(5),
};

fn run(n: u8) -> RunId {
    RunId(uuid::Uuid::from_u128(u128::from(n)))
}

fn watch(n: u8) -> Watch {
    Watch {
        run: run(n),
        token: TokenKey::new([1; 32]).issue(TokenFormat::Text, [n; 32]),
        scope: Arc::new(Nothing),
    }
}

fn at(millis: i64) -> Moment {
    Moment(millis * 1_000_000)
}

fn turns(registry: &mut Registry, now: Moment) -> Vec<Turn> {
    match registry.step(now, &PACE) {
        Step::Ask(turns) => turns,
        Step::Wait(_) => Vec::new(),
    }
}

fn wait(registry: &mut Registry, now: Moment) -> Option<Moment> {
    match registry.step(now, &PACE) {
        Step::Ask(_) => panic!("something is due at {now:?}"),
        Step::Wait(until) => until,
    }
}

fn cover(registry: &mut Registry, turns: &[Turn], sent: Moment) -> Vec<Notice> {
    let covered = |turn| {
        let finished = false;
        registry.done(turn, End::Covered { sent, finished }, sent, &PACE)
    };
    turns.iter().filter_map(covered).collect()
}

fn fail(registry: &mut Registry, turns: &[Turn], sent: Moment) -> Vec<Notice> {
    let down = |turn| {
        let fault = Fault::new(Reason::Reset, "gone");
        let jitter = 1.0;
        registry.done(turn, End::Down { sent, fault, jitter }, sent, &PACE)
    };
    turns.iter().filter_map(down).collect()
}

#[test]
fn nothing_is_asked_when_nothing_is_armed_and_old_waits_are_asked_for_less_often() {
    let mut registry = Registry::default();
    assert_eq!(wait(&mut registry, at(0)), None);
    assert!(
        !registry.arm(watch(1), at(0), &PACE).unwrap(),
        "a look has to follow"
    );
    assert_eq!(wait(&mut registry, at(0)), Some(at(250)));
    let first = turns(&mut registry, at(250));
    assert_eq!(wait(&mut registry, at(260)), None, "one at a time");
    cover(&mut registry, &first, at(250));
    assert_eq!(wait(&mut registry, at(260)), Some(at(500)));
    let old = turns(&mut registry, at(60_000));
    cover(&mut registry, &old, at(60_000));
    assert_eq!(wait(&mut registry, at(60_000)), Some(at(61_500)));
    let older = turns(&mut registry, at(3_600_000));
    cover(&mut registry, &older, at(3_600_000));
    assert_eq!(wait(&mut registry, at(3_600_000)), Some(at(3_605_000)));
    assert!(
        registry.arm(watch(2), at(3_601_000), &PACE).unwrap(),
        "a look 1 s ago is enough"
    );
    assert!(
        !registry.arm(watch(3), at(3_606_000), &PACE).unwrap(),
        "one 6 s ago is not"
    );
    for n in 1..=3 {
        registry.disarm(run(n));
    }
    assert_eq!(wait(&mut registry, at(3_700_000)), None);
    assert!(registry.keys.is_empty() && registry.queue.is_empty());
}

#[test]
fn a_look_during_a_question_waits_for_the_next_and_looks_share_one() {
    let mut registry = Registry::default();
    registry.arm(watch(1), at(0), &PACE).unwrap();
    let asked = turns(&mut registry, at(250));
    let (tell, mut one) = oneshot::channel();
    registry.look(None, at(255), at(255), tell);
    let (tell, mut two) = oneshot::channel();
    registry.look(Some(run(1)), at(256), at(256), tell);
    cover(&mut registry, &asked, at(250));
    assert!(
        one.try_recv().is_err(),
        "what was asked before does not answer it"
    );
    let again = turns(&mut registry, at(260));
    assert_eq!(again.len(), 1);
    cover(&mut registry, &again, at(260));
    assert_eq!(one.try_recv().unwrap(), Ok(at(255)));
    assert_eq!(two.try_recv().unwrap(), Ok(at(256)));
    let (tell, mut three) = oneshot::channel();
    registry.look(None, at(258), at(270), tell);
    assert_eq!(
        three.try_recv().unwrap(),
        Ok(at(260)),
        "a look that was sent since is enough"
    );
}

#[test]
fn an_outage_is_told_once_and_ends_when_all_that_failed_has_been_looked_at() {
    let mut registry = Registry::default();
    for n in 1..=4 {
        registry.arm(watch(n), at(0), &PACE).unwrap();
    }
    let three = turns(&mut registry, at(250));
    assert_eq!(three.len(), 3, "a question has a limit");
    let told = fail(&mut registry, &three, at(250));
    assert!(
        matches!(told[..], [Notice::Down(since, _)] if since == at(250)),
        "{told:?}"
    );
    assert_eq!(
        wait(&mut registry, at(251)),
        Some(at(500)),
        "a peer that is down is left alone"
    );
    let (tell, mut look) = oneshot::channel();
    registry.look(Some(run(1)), at(260), at(260), tell);
    assert_eq!(wait(&mut registry, at(261)), Some(at(500)), "even by looks");
    let rest = turns(&mut registry, at(500));
    assert!(fail(&mut registry, &rest, at(500)).is_empty(), "told already");
    assert!(look.try_recv().unwrap().is_err());
    let all: Vec<Turn> = turns(&mut registry, at(20_000));
    assert_eq!(all.len(), 3);
    assert!(
        cover(&mut registry, &all, at(20_000)).is_empty(),
        "one has not been looked at"
    );
    let last = turns(&mut registry, at(20_000));
    assert!(matches!(
        cover(&mut registry, &last, at(20_001))[..],
        [Notice::Up]
    ));
}

#[test]
fn a_pause_grows_to_a_limit_and_is_jittered() {
    let mut registry = Registry::default();
    registry.arm(watch(1), at(0), &PACE).unwrap();
    let mut now = at(250);
    let mut pauses = Vec::new();
    for _ in 0..9 {
        let asked = turns(&mut registry, now);
        fail(&mut registry, &asked, now);
        let (next, _) = *registry.queue.first().unwrap();
        pauses.push(u64::try_from(next.since(now).as_millis()).unwrap());
        now = next;
    }
    assert_eq!(pauses, [250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000, 10_000]);
}

#[test]
fn hints_make_all_due_and_share_a_question() {
    let mut registry = Registry::default();
    registry.arm(watch(1), at(0), &PACE).unwrap();
    let first = turns(&mut registry, at(250));
    registry.hint();
    cover(&mut registry, &first, at(250));
    let second = turns(&mut registry, at(251));
    assert_eq!(second.len(), 1);
    cover(&mut registry, &second, at(251));
    registry.hint();
    assert_eq!(
        wait(&mut registry, at(252)),
        Some(at(301)),
        "a flood of hints is not a flood of questions"
    );
    assert_eq!(turns(&mut registry, at(301)).len(), 1);
}

#[test]
fn keys_are_bounded_and_a_run_that_is_extended_while_asked_for_is_asked_again() {
    let mut registry = Registry::default();
    registry.arm(watch(1), at(0), &PACE).unwrap();
    let asked = turns(&mut registry, at(250));
    let keys: Vec<String> = (0..40).map(|n| n.to_string()).collect();
    let told = registry.extend(run(1), &keys, Arc::new(Nothing), at(255));
    assert!(matches!(told, Some(Notice::Dropped(what, _)) if what == "keys per run (32)"));
    cover(&mut registry, &asked, at(250));
    assert_eq!(
        registry.keys["0"].unseen_at(),
        at(0),
        "nothing of a run is there before it is armed"
    );
    let again = turns(&mut registry, at(260));
    assert_eq!(again[0].ask.keys.len(), 32);
    registry.disarm(run(1));
    cover(&mut registry, &again, at(260));
    assert!(registry.keys.is_empty());
}
