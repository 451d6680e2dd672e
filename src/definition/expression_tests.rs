//! Tests of expressions.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::expression::names;
use super::expression_explain::Explained;
use super::scope::RunScope;
use crate::model::{Expr, Reason, Scope};

fn seen() -> Value {
    json!({
        "text": "Thanks", "subject": "Thanks for\u{7} 1", "json": { "event": "order.paid", "amount": 100, "price": 1.5, "none": null,
        "items": [{ "id": 1, "tags": ["a"] }, { "id": 2, "tags": [] }], "big": u64::MAX, "ok": true },
        "row": { "status": "paid" }, "headers": { "x-provider": "p1" }, "seconds": 0.5,
    })
}

fn scope() -> RunScope {
    RunScope::of_vars(&Map::from_iter([("region".to_owned(), json!("eu"))]))
        .with("input", json!({ "amount": 100 }))
}

fn holds(source: &str) -> Result<bool, String> {
    scope().holds(&Expr::of(source), &seen()).map_err(|f| f.message)
}

fn explain(source: &str) -> Explained {
    scope().explain(&Expr::of(source), &seen())
}

#[test]
fn what_holds_and_what_does_not() {
    for source in [
        "seen.json.event == \"order.paid\"",
        "seen.json.amount == input.amount",
        "seen.json.amount == 100.0",
        "seen.json.price == 1.5",
        "seen.json.amount > 99.5",
        "seen.json.price < 2",
        "seen.json.amount in [1, 100]",
        "seen.subject.contains(\"Thanks\")",
        "seen.subject.startsWith('Tha')",
        "seen.json.event.matches('^order[.]')",
        "seen.headers[\"x-provider\"] == \"p1\"",
        "seen.json.items[1].id == 2",
        "seen.json.items.exists(x, x.id == 2)",
        "seen.json.items.all(x, x.id > 0)",
        "size(seen.json.items) == 2",
        "seen.json.items.map(x, x.id) == [1, 2]",
        "has(seen.json.event) && !has(seen.json.nope)",
        "seen.json.none == null",
        "seen.json.big == 18446744073709551615u",
        "seen.json.ok",
        "vars.region == 'eu'",
        "seen.text.lowerAscii() == 'thanks'",
        "seen.text.upperAscii() == 'THANKS'",
        "' x '.trim() == 'x'",
        "'a,b'.split(',') == ['a', 'b']",
        "'aXb'.replace('X', '-') == 'a-b'",
        "seen.seconds < 1",
        "seen.json.items.filter(x, x.id == 1)[0].tags[0] == 'a'",
        "timestamp('2026-01-01T00:00:00Z') < timestamp('2027-01-01T00:00:00Z')",
        "'event' in seen.json",
        "seen.json.items == [{'id': 1, 'tags': ['a']}, {'id': 2, 'tags': []}]",
    ] {
        assert_eq!(holds(source), Ok(true), "{source}");
    }
    for source in [
        "seen.json.event == 'other'",
        "seen.json.nope == 1",
        "seen.json.nope.deeper == 1",
        "seen.nope.deeper == 1",
        "seen.json.event.deeper == 1",
        "seen.json.none.deeper == 1",
        "seen.json.items[7].id == 1",
        "seen.json.items[0].nope == 1",
        "seen.headers['nope'] == 'x'",
        "seen.json.amount == '100'",
        "seen.json.nope",
        "!seen.json.nope",
        "seen.json.nope.contains('x')",
    ] {
        assert_eq!(holds(source), Ok(false), "{source}");
    }
}

#[test]
fn values_and_absence() {
    let extra = Map::from_iter([("hooks".to_owned(), json!({ "json": { "id": 7 } }))]);
    let value = |source: &str| scope().value(&Expr::of(source), &extra);
    assert_eq!(value("hooks.json.id"), Ok(Some(json!(7))));
    assert_eq!(value("hooks.json"), Ok(Some(json!({ "id": 7 }))));
    assert_eq!(value("hooks.json.none"), Ok(None));
    assert_eq!(value("hooks.json.none.deeper"), Ok(None));
    assert_eq!(value("hooks.json.id.deeper"), Ok(None));
    assert_eq!(value("[1, 2].map(x, x * 2)"), Ok(Some(json!([2, 4]))));
    assert!(
        value("hoks.json.id")
            .unwrap_err()
            .message
            .contains("did you mean `hooks`?")
    );
}

#[test]
fn what_is_no_boolean_is_a_fault() {
    for (source, saying) in [
        ("seen.json.amount", "expected true or false"),
        ("seen.json.event", "expected true or false"),
        ("sen.json == 1", "did you mean `seen`?"),
        ("seen.json.event > 3", "`>` does not take (string, int)"),
        ("1 / 0 == 1", "division by zero"),
        ("seen.text.matches('(')", "matches"),
    ] {
        let said = holds(source).unwrap_err();
        assert!(said.contains(saying), "{source}: {said}");
    }
}

#[test]
fn names_and_functions() {
    let found = names(
        "seen.json.items.exists(x, x.id == input.amount) && response.headers[\"x-a\"] == string(vars.b) && type(1) == int",
    );
    let found: Vec<String> = found.unwrap().iter().map(|p| p.join(".")).collect();
    assert_eq!(
        found,
        [
            "input.amount",
            "response.headers.x-a",
            "seen.json.items",
            "vars.b"
        ]
    );
    for (source, at, saying) in [
        ("seen.text.contain('x')", "contain", "did you mean `contains`?"),
        ("siz(seen.text) == 1", "siz", "did you mean `size`?"),
        ("quux(1)", "quux", "known: size"),
        ("seen.json.event = 'x'", "=", ""),
        ("seen.json.event == ", "", ""),
        ("  ", "  ", "empty"),
        ("'ü' == seen.text.nope()", "nope", "unknown function `nope`"),
    ] {
        let error = names(source).unwrap_err();
        assert_eq!(&source[error.range.clone()], at, "{source}: {error:?}");
        assert!(error.message.contains(saying), "{source}: {error:?}");
    }
}

#[test]
fn hostile_sources_are_refused_and_never_abort() {
    let deep = |open: &str, close: &str, n: usize| format!("{}1{} == 1", open.repeat(n), close.repeat(n));
    for (source, saying) in [
        (deep("(", ")", 1_000), "limit of 24"),
        (deep("[", "]", 30), "limit of 24"),
        ("true ? 1 : ".repeat(300) + "1", "limit of 24"),
        ("1 + ".repeat(300) + "1 == 1", "limit of 48"),
        ("a".repeat(5_000), "limit of 4096"),
        (format!("seen{}", ".a".repeat(500)), "limit of 48"),
    ] {
        let error = names(&source).unwrap_err();
        assert!(
            error.message.contains(saying),
            "{}: {}",
            &source[..20],
            error.message
        );
    }
    for source in [
        "!".repeat(4_000) + "true",
        "-".repeat(3_999) + "1",
        "((((((((".to_owned(),
        "\u{0}\u{1}".to_owned(),
        "'".to_owned(),
    ] {
        let _either = names(&source);
    }
}

#[test]
fn what_is_just_inside_the_limits_evaluates_on_a_small_stack() {
    let sum = "1 + ".repeat(44) + "1 == 45";
    assert_eq!(holds(&sum), Ok(true));
    let brackets = format!("{}1{} == 1", "(".repeat(24), ")".repeat(24));
    assert_eq!(holds(&brackets), Ok(true));
    let lists = format!("{}1{} == 1", "[".repeat(22), "]".repeat(22));
    assert_eq!(holds(&lists), Ok(false));
    let mut nested = String::from("true");
    for i in 0..5 {
        nested = format!("[1].all(x{i}, {nested})");
    }
    assert_eq!(holds(&nested), Ok(true));
}

#[test]
fn evaluations_are_bounded() {
    let list: Vec<i64> = (0..2_000).collect();
    let scope = scope()
        .with("list", json!(list))
        .with("huge", json!(vec![0; 10_001]))
        .with("body", json!("x".repeat(1 << 20)));
    let refused = |source: &str, saying: &str| {
        let fault = scope.holds(&Expr::of(source), &seen()).unwrap_err();
        assert!(fault.message.contains(saying), "{source}: {}", fault.message);
        fault.reason
    };
    assert_eq!(scope.holds(&Expr::of("list.all(x, x >= 0)"), &seen()), Ok(true));
    for source in [
        "list.all(x, list.all(y, list.all(z, x + y + z >= 0)))",
        "list.map(x, list).size() > 0",
        "list.all(x, list.exists(y, x == y))",
        "list.map(x, body + string(x)).size() > 0",
        "[1,2,3,4,5,6,7,8].map(a, [a] + [a] + [a] + [a] + [a] + [a] + [a] + [a] + [a] + [a] + [a] + [a] + [a] + [a] + [a] + [a] + [a] + [a]).size() > 0",
    ] {
        assert_eq!(refused(source, "limit of 200000"), Reason::Limit, "{source}");
    }
    assert_eq!(
        refused("huge.all(x, x == 0)", "10001 entries is over the limit of 10000"),
        Reason::Limit
    );
    refused("body.split('').size() > 0", "limit of 1000");
    refused("body.replace('x', body) == ''", "limit of 1048576");
}

#[test]
fn explanations_say_expected_and_actual() {
    for (source, expected, actual) in [
        ("seen.json.event == 'other'", "\"other\"", "\"order.paid\""),
        (
            "seen.json.amount == 100 && seen.json.event == 'other' && seen.json.ok",
            "\"other\"",
            "\"order.paid\"",
        ),
        ("seen.json.amount > 200", "more than 200", "100"),
        ("seen.json.amount == input.amount + 1", "101", "100"),
        ("seen.text.contains('Bye')", "contains(\"Bye\")", "\"Thanks\""),
        ("seen.json.amount in [1, 2]", "one of [1,2]", "100"),
        (
            "seen.json.event.startsWith('x')",
            "startsWith(\"x\")",
            "\"order.paid\"",
        ),
        ("seen.json.nope == 1", "1", "absent: `seen.json.nope` is missing"),
        (
            "seen.json.event.deep == 1",
            "1",
            "absent: `seen.json.event.deep` is missing: `seen.json.event` is a text",
        ),
        ("!seen.json.ok", "not to hold", "true"),
        ("seen.subject == 'x'", "\"x\"", "\"Thanks for\\u0007 1\""),
        (
            "seen.json.amount",
            "seen.json.amount",
            "100, which is neither true nor false",
        ),
        (
            "seen.json.ok && seen.json.nope",
            "seen.json.nope",
            "absent: `seen.json.nope` is missing",
        ),
    ] {
        let told = explain(source);
        assert!(!told.holds, "{source}");
        assert_eq!(
            (told.expected.as_str(), told.actual.as_str()),
            (expected, actual),
            "{source}"
        );
    }
    assert!(explain("seen.json.ok").holds);
    let mut long = String::new();
    write!(long, "'{}' == seen.text", "y".repeat(1_000)).unwrap();
    assert!(explain(&long).actual.chars().count() <= 201);
}
