use super::*;

fn problem(text: &str) -> String {
    Script::parse("faults.yaml", text).unwrap_err().to_string()
}

#[test]
fn an_empty_script_has_no_faults() {
    assert_eq!(Script::parse("f", "").unwrap(), Script::default());
    assert_eq!(Script::parse("f", "{}").unwrap(), Script::default());
}

#[test]
fn every_key_is_read() {
    let script = Script::parse(
        "f",
        "by_name: false
default: { provider: house }
routes:
  alpha:
    provider: north
    fallback: south
    max_in_flight: 5
    delays:
      webhook: { min: 1ms, max: 2ms }
    faults:
      - { fault: drop, every: 10, offset: 3, channel: mail }
      - { fault: late, probability: 0.05, delay: 1.5s }
      - { fault: refuse, when: urgent, from: 100, until: 200, status: 500 }
      - { fault: delay, at: 1000ms }
      - { fault: duplicate, times: 2 }
",
    )
    .unwrap();
    assert!(!script.by_name);
    assert_eq!(script.route("other").provider, "house");
    let alpha = script.route("alpha");
    assert_eq!(alpha.delays.webhook, Range::millis(1, 2));
    assert_eq!(alpha.delays.mail, Delays::default().mail);
    assert_eq!(alpha.faults[1].delay, Some(Duration::from_millis(1_500)));
    assert_eq!(alpha.faults[0].channel, Some(Channel::Mail));
    assert_eq!(script.route_of("north"), Some("alpha"));
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let rule = |text: &str| format!("routes:\n  alpha:\n    faults:\n      - {text}\n");
    for (text, words) in [
        (String::from("rotues: {}"), "rotues"),
        (rule("{ fault: dorp }"), "did you mean `drop`?"),
        (rule("{ fault: drop, evry: 3 }"), "evry"),
        (
            rule("{ fault: drop, status: 500 }"),
            "routes.alpha.faults[0] (drop): takes no `status`, only: channel",
        ),
        (
            rule("{ fault: refuse, status: 200 }"),
            "between 400 and 599, not 200",
        ),
        (rule("{ fault: drop, probability: 2 }"), "between 0 and 1, not 2"),
        (rule("{ fault: drop, every: 0 }"), "at least 1"),
        (rule("{ fault: drop, offset: 1 }"), "`offset` needs `every`"),
        (
            rule("{ fault: drop, every: 3, offset: 4 }"),
            "between 1 and 3, not 4",
        ),
        (rule("{ fault: late, delay: 5 }"), "`5` is no duration"),
        (rule("{ fault: late, delay: -5s }"), "no duration"),
        (
            rule("{ fault: late, delay: 1h }"),
            "longer than the limit of 600 s",
        ),
        (rule("{ fault: drop, channel: fax }"), "fax"),
        (String::from("routes: { a b: {} }"), "routes.a b"),
        (String::from("default: { provider: 'a b' }"), "default.provider"),
        (
            String::from("default: { delays: { row: { min: 2s, max: 1s } } }"),
            "delays.row",
        ),
        ("#".repeat(SCRIPT_LIMIT + 1), "more than"),
    ] {
        let problem = problem(&text);
        assert!(problem.starts_with("faults.yaml: "), "{problem}");
        assert!(problem.contains(words), "{text}\n{problem}");
    }
    let positioned = problem(&rule("{ fault: dorp }"));
    assert!(positioned.contains('4'), "names the line: {positioned}");
}

#[test]
fn a_rule_says_which_messages_it_is_about() {
    let rule = |text: &str| serde_saphyr::from_str::<Rule>(text).unwrap();
    let hits = |rule: &Rule| {
        (1..=12)
            .filter(|n| rule.applies(*n, "urgent x", 0.5))
            .collect::<Vec<_>>()
    };
    assert_eq!(hits(&rule("{ fault: drop, every: 4 }")), [4, 8, 12]);
    assert_eq!(hits(&rule("{ fault: drop, every: 4, offset: 1 }")), [1, 5, 9]);
    assert_eq!(hits(&rule("{ fault: drop, from: 3, until: 5 }")), [3, 4, 5]);
    assert!(hits(&rule("{ fault: drop, when: calm }")).is_empty());
    assert_eq!(hits(&rule("{ fault: drop, when: urgent, until: 1 }")), [1]);
    assert!(hits(&rule("{ fault: drop, probability: 0.5 }")).is_empty());
    assert_eq!(hits(&rule("{ fault: drop, probability: 0.6 }")).len(), 12);
}

#[test]
fn the_built_in_scripts_keep_their_own_rules() {
    let limits = super::super::truth::Limits::demo();
    for script in [Script::demo(), Script::every_fault(), Script::edge(&limits)] {
        script.check().unwrap();
        assert!(script.routes.values().all(|route| !route.faults.is_empty()));
    }
}

#[test]
fn a_rule_may_be_about_one_machine_and_one_zone() {
    let rule = |text: &str| serde_saphyr::from_str::<Rule>(text).unwrap();
    let one = rule("{ fault: drop, node: 2, zone: b }");
    assert!(one.is_of(2, "b") && !one.is_of(1, "b") && !one.is_of(2, "c"));
    assert!(rule("{ fault: drop }").is_of(3, "d"));
    for (wrong, words) in [
        ("node: 4", "`node` must be between 1 and 3, not 4"),
        ("zone: x", "`zone` must be one of a, b, c, d, not `x`"),
    ] {
        let text = format!("default: {{ faults: [{{ fault: drop, {wrong} }}] }}");
        let said = Script::parse("faults.yaml", &text).unwrap_err().to_string();
        assert!(said.contains(words), "{said}");
    }
}
