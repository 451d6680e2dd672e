use super::*;
use crate::model::{Class, Moment};
use crate::sandbox::draw::choose;
use crate::sandbox::ledger::Entry;
use crate::sandbox::message::NewMessage;
use crate::sandbox::script::Script;
use crate::sandbox::truth::{Limits, expected};

const ALL: Wanted = Wanted {
    webhook: true,
    mail: true,
    row: true,
};

fn draw(n: u64) -> Draw<'static> {
    Draw {
        seed: 7,
        route: "alpha",
        n,
    }
}

fn message(text: &str) -> NewMessage {
    NewMessage {
        reference: String::from("r"),
        to: None,
        text: text.to_owned(),
        webhook: None,
    }
}

#[test]
fn every_fault_deserves_the_verdict_that_its_list_states() {
    for fault in FaultKind::ALL {
        for n in 1..200 {
            let plan = Plan::new(&Rule::always(*fault), &RouteScript::default(), ALL, &draw(n));
            let entry = Entry::new("id", "r", "alpha", Moment(0), &plan);
            let verdict = expected(&entry, &Limits::demo());
            assert_eq!(verdict.class, fault.says(), "{fault}, message {n}");
        }
    }
}

#[test]
fn scripted_times_keep_clear_of_every_limit() {
    let limits = Limits::demo();
    for fault in FaultKind::ALL {
        for n in 1..200 {
            let plan = Plan::new(&Rule::always(*fault), &RouteScript::default(), ALL, &draw(n));
            for outcome in plan.outcomes.iter().filter(|o| o.event == Event::Delivered) {
                let window = limits.channels[&outcome.channel];
                for limit in [window.within, window.within + window.grace] {
                    let distance = outcome.after.abs_diff(limit);
                    assert!(
                        distance >= ms(300),
                        "{fault}: {:?} is {distance:?} from a limit",
                        outcome.after
                    );
                }
            }
        }
    }
}

#[test]
fn the_same_seed_decides_the_same_and_another_does_not() {
    let script = Script::every_fault();
    let decide = |seed| {
        let plan = |n| {
            let draw = Draw {
                seed,
                route: "beta",
                n,
            };
            let rule = choose(&script, &message("x"), &draw);
            Plan::new(&rule, script.route("beta"), ALL, &draw)
        };
        (1..100).map(plan).collect::<Vec<_>>()
    };
    assert_eq!(decide(1), decide(1));
    assert_ne!(decide(1), decide(2));
}

#[test]
fn every_fault_is_drawn_and_about_as_often() {
    let script = Script::every_fault();
    let mut counts = std::collections::BTreeMap::<FaultKind, u32>::new();
    for n in 1..=20_000 {
        let rule = choose(&script, &message("x"), &draw(n));
        *counts.entry(rule.fault).or_default() += 1;
    }
    assert_eq!(counts.len(), FaultKind::ALL.len());
    // 20,000 × 0.75 / 28 faults; five standard deviations to each side.
    for (fault, count) in counts.iter().filter(|(fault, _)| **fault != FaultKind::None) {
        assert!((420..=650).contains(count), "{fault}: {count}");
    }
}

#[test]
fn the_demo_shows_every_class_that_a_system_can_cause() {
    let script = Script::demo();
    let mut classes = std::collections::BTreeSet::new();
    for route in ["alpha", "beta", "gamma"] {
        for n in 1..=12 {
            let draw = Draw { seed: 1, route, n };
            let rule = choose(&script, &message("x"), &draw);
            let plan = Plan::new(&rule, script.route(route), ALL, &draw);
            let entry = Entry::new("id", "r", route, Moment(0), &plan);
            classes.insert(expected(&entry, &Limits::demo()).class);
        }
    }
    let can: std::collections::BTreeSet<_> = Class::ALL
        .into_iter()
        .filter(|c| *c != Class::Unobserved)
        .collect();
    assert_eq!(classes, can);
}

#[test]
fn a_message_may_name_its_fault_unless_the_script_forbids_it() {
    let mut script = Script::default();
    assert_eq!(
        choose(&script, &message("x fault:drop"), &draw(1)).fault,
        FaultKind::Drop
    );
    assert_eq!(
        choose(&script, &message("default:drop"), &draw(1)).fault,
        FaultKind::None
    );
    assert_eq!(
        choose(&script, &message("fault:nope"), &draw(1)).fault,
        FaultKind::None
    );
    script.by_name = false;
    assert_eq!(
        choose(&script, &message("x fault:drop"), &draw(1)).fault,
        FaultKind::None
    );
}

#[test]
fn a_channel_that_is_not_asked_for_gets_nothing() {
    let wanted = Wanted {
        webhook: false,
        mail: true,
        row: false,
    };
    for fault in FaultKind::ALL {
        let plan = Plan::new(&Rule::always(*fault), &RouteScript::default(), wanted, &draw(1));
        assert!(
            plan.outcomes.iter().all(|o| o.channel == Channel::Mail),
            "{fault}"
        );
    }
}

#[test]
fn parameters_are_honoured() {
    let plan = |text: &str| {
        let rule: Rule = serde_saphyr::from_str(text).unwrap();
        Plan::new(&rule, &RouteScript::default(), ALL, &draw(1))
    };
    let count = |plan: &Plan, channel| {
        let of_channel = |o: &&Planned| o.channel == channel && o.event == Event::Delivered;
        plan.outcomes.iter().filter(of_channel).count()
    };
    let one = plan("{ fault: drop, channel: mail }");
    assert_eq!(
        (
            count(&one, Channel::Mail),
            count(&one, Channel::Webhook),
            count(&one, Channel::Row)
        ),
        (0, 1, 1)
    );
    let copies = plan("{ fault: duplicate, channel: webhook, times: 3 }");
    assert_eq!(
        (count(&copies, Channel::Webhook), count(&copies, Channel::Mail)),
        (4, 1)
    );
    let at = plan("{ fault: delay, at: 1s, channel: row }");
    assert!(
        at.outcomes
            .iter()
            .any(|o| o.channel == Channel::Row && o.after == ms(1_000))
    );
    assert_eq!(
        plan("{ fault: refuse, status: 418 }").answer.how,
        How::Status(418, None)
    );
    assert_eq!(
        plan("{ fault: throttle, delay: 30s }").answer.how,
        How::Status(429, Some(30))
    );
}

#[test]
fn the_gateway_says_what_it_does_or_lies_as_scripted() {
    let says = |fault| {
        let plan = Plan::new(&Rule::always(fault), &RouteScript::default(), ALL, &draw(1));
        assert!(plan.reported.is_sorted_by_key(|(at, _)| *at), "{fault}");
        plan.reported.last().map(|(_, event)| *event)
    };
    assert_eq!(says(FaultKind::None), Some(Event::Delivered));
    assert_eq!(says(FaultKind::Drop), Some(Event::Delivered), "a lie");
    assert_eq!(says(FaultKind::Fail), Some(Event::Failed));
    assert_eq!(says(FaultKind::FalseFailure), Some(Event::Failed), "a lie");
    assert_eq!(says(FaultKind::FailSilently), Some(Event::Sent));
    assert_eq!(says(FaultKind::RefuseAndDeliver), None, "a lie");
}

#[test]
fn the_edge_script_puts_outcomes_on_the_limits_and_close_to_them() {
    let script = Script::edge(&Limits::demo());
    let mut seen = std::collections::BTreeSet::new();
    for n in 1..=20 {
        let rule = choose(&script, &message("x"), &draw(n));
        let plan = Plan::new(&rule, script.route("alpha"), ALL, &draw(n));
        let mut delivered = plan.outcomes.iter().filter(|o| o.event == Event::Delivered);
        let at = delivered.next().unwrap().after;
        assert!(delivered.all(|o| o.after == at));
        seen.insert(at.as_millis());
    }
    let edges: std::collections::BTreeSet<_> = [1_000, 2_000]
        .iter()
        .flat_map(|at| [at - 20, at - 2, *at, at + 2, at + 20])
        .collect();
    assert_eq!(seen, edges);
}
