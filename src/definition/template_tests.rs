//! Tests of templates.

use std::sync::Arc;

use serde_json::{Value, json};

use super::known::TextError;
use super::template::{names, text, value};
use super::template_url::url;
use super::template_values::{JsonRef, Roots, View};
use crate::model::{Fault, Reason, Template};

struct Fixed(Value);

impl Roots for Fixed {
    fn root(&self, name: &str) -> Option<JsonRef<'_>> {
        self.0.get(name).map(JsonRef::Value)
    }
    fn names(&self) -> Vec<String> {
        self.0.as_object().unwrap().keys().cloned().collect()
    }
}

fn roots() -> Arc<dyn Roots> {
    Arc::new(Fixed(json!({
        "token": "k7p2",
        "vars": { "base": "https://api.example.com", "port": 8443, "user": "ann", "empty": "" },
        "route": { "name": "eu", "host": "eu.example.com" },
        "input": {
            "amount": 100, "price": 1.5, "big": u64::MAX, "ok": true, "none": null, "word": "a b/ü\"",
            "list": [1, "two", { "x": 3 }], "evil": "@evil.com", "host": "evil.com", "path": "orders",
            "dots": ".evil.com", "crlf": "a\r\nHost: evil", "back": "\\evil.com", "port": 8443, "long": "x".repeat(70_000),
        },
    })))
}

fn render(source: &str) -> Result<String, Fault> {
    text(&roots(), source, View::Real)
}

fn typed(source: &str) -> Result<Value, Fault> {
    value(&roots(), source)
}

fn to(source: &str) -> Result<String, Fault> {
    url(&roots(), &Template::of(source))
}

#[track_caller]
fn refused(source: &str, saying: &str) {
    let fault = render(source).unwrap_err();
    assert!(fault.message.contains(saying), "{source}: {}", fault.message);
    let fault = typed(source).unwrap_err();
    assert!(fault.message.contains(saying), "{source}: {}", fault.message);
}

#[test]
fn texts_are_filled_and_plain_ones_left_alone() {
    for (source, expected) in [
        ("plain { text } % }}", "plain { text } % }}"),
        ("{{ token }}", "k7p2"),
        ("a-{{ token }}-b\n", "a-k7p2-b\n"),
        (
            "{{ vars.base }}/orders?via={{ route.name }}",
            "https://api.example.com/orders?via=eu",
        ),
        ("{{ input.word|urlencode }}", "a%20b%2F%C3%BC%22"),
        ("{{ input.word|base64 }}", "YSBiL8O8Ig=="),
        ("{{ input.word|tojson }}", "\"a b/ü\\\"\""),
        ("{{ input.list|tojson }}", "[1,\"two\",{\"x\":3}]"),
        ("{{ input.list[2].x }}{{ input.list[1] }}", "3two"),
        ("{{ input.list|length }}", "3"),
        ("{{ token|upper|replace('K', 'q') }} {{ ' x '|trim }}", "q7P2 x"),
        ("{{ 2.345|round(1) }}", "2.3"),
        ("{% if input.ok %}yes{% else %}no{% endif %}", "yes"),
        (
            "{% for x in input.list[:2] %}{{ loop.index }}={{ x }};{% endfor %}",
            "1=1;2=two;",
        ),
        ("{% for i in range(3) %}{{ i }}{% endfor %}", "012"),
        (
            "{% for k, v in input.list[2]|items %}{{ k }}{{ v }}{% endfor %}",
            "x3",
        ),
        ("{% raw %}{{ not }}{% endraw %}{# gone #}", "{{ not }}"),
        ("{{ vars.region|default('none') }}", "none"),
        ("{{ ['a', 'b']|join('-') }}", "a-b"),
        (
            "{{ input.list }}|{{ input.none }}|{{ input.ok }}",
            "[1,\"two\",{\"x\":3}]|null|true",
        ),
        ("<{{ '<&>' }}>", "<<&>>"),
    ] {
        assert_eq!(render(source).as_deref(), Ok(expected), "{source}");
    }
}

#[test]
fn a_lone_expression_keeps_its_type() {
    for (source, expected) in [
        ("{{ input.amount }}", json!(100)),
        ("{{ input.amount * 2 }}", json!(200)),
        ("{{ input.price }}", json!(1.5)),
        ("{{ input.big }}", json!(u64::MAX)),
        ("{{- input.ok -}}", json!(true)),
        ("{{ input.none }}", json!(null)),
        ("{{ input.list }}", json!([1, "two", { "x": 3 }])),
        (
            "{{ {'a': {'b': [input.amount]}} }}",
            json!({ "a": { "b": [100] } }),
        ),
        ("{{ input.amount }} ", json!("100 ")),
        ("{{ input.amount }}{{ input.amount }}", json!("100100")),
        ("{{ '}}' }}", json!("}}")),
        ("plain", json!("plain")),
    ] {
        assert_eq!(typed(source), Ok(expected), "{source}");
    }
}

#[test]
fn what_is_undefined_is_an_error_everywhere() {
    refused("{{ tokn }}", "did you mean `token`?");
    refused("{{ tokn|default('x') }}", "`tokn` is undefined");
    refused("{% if tokn is defined %}x{% endif %}", "`tokn` is undefined");
    refused("{% if false %}{{ tokn }}{% endif %}", "`tokn` is undefined");
    refused("{{ vars.bse }}", "undefined");
    refused("x{{ vars.bse }}", "undefined");
    refused("{{ vars.a.b }}", "undefined");
    refused("{{ [vars.bse] }}", "undefined");
    refused("{{ {'a': vars.bse}|tojson }}", "undefined");
    refused("{% for x in vars.bse %}{% endfor %}", "undefined");
    refused("{% if vars.bse %}{% endif %}", "undefined");
    refused("{{ input.list[7] }}", "undefined");
}

#[test]
fn limits_name_themselves() {
    let limit = |source: &str, saying: &str| {
        let fault = render(source).unwrap_err();
        assert!(fault.message.contains(saying), "{source}: {}", fault.message);
        fault.reason
    };
    let fuel = "{% for a in range(9000) %}{% for b in range(9000) %}.{% endfor %}{% endfor %}";
    assert_eq!(limit(fuel, "limit of 50000 steps"), Reason::Limit);
    let output = "{% for a in range(100) %}{{ input.long }}{% endfor %}";
    assert_eq!(limit(output, "output limit of 1048576 bytes"), Reason::Limit);
    assert_eq!(
        limit("{{ 'x' * 2000000 }}", "output limit of 1048576 bytes"),
        Reason::Limit
    );
    limit("{{ input.long|replace('x', input.long) }}", "output limit");
    let grown = format!("{{{{ '\"'{} }}}}", "|tojson".repeat(60));
    limit(&grown, "output limit");
    limit("{{ ([1] * 1000000)|sort }}", "limit of 100000");
    limit("{{ 2 * 2 * 2 * 2 }}", "its limit");
    limit(&"{{ token }}".repeat(1_000), "their limit");
    limit(
        &format!("{{{{ token }}}}{}", "x".repeat(300_000)),
        "over the limit of 262144",
    );
    limit(
        &format!("{{{{ {}1{} }}}}", "(".repeat(60), ")".repeat(60)),
        "limit of 32",
    );
    limit(
        "{% for a in range(100000000) %}.{% endfor %}",
        "over its limit of 100000",
    );
    limit("{{ range( 7, 100_008 )|length }}", "would make 100001 numbers");
    // A bound that is a value is known only at run time.
    limit(
        "{{ range(input.amount * 100000000)|length }}",
        "too many elements",
    );
    assert!(render("{{ range(100000)|length }}").is_ok());
    let nested = "{% for x in input.list %}".repeat(4) + &"{% endfor %}".repeat(4);
    limit(&nested, "loops nest deeper than the limit of 3");
}

#[test]
fn nothing_but_the_values_can_be_reached() {
    for source in [
        "{% include 'x' %}",
        "{% import 'x' as y %}",
        "{% from 'x' import y %}",
        "{% extends 'x' %}",
        "{% set x = 1 %}",
        "{% macro m() %}{% endmacro %}",
        "{% block b %}{% endblock %}",
        "{%- set x = 1 %}",
        "{% with a = 1 %}{% endwith %}",
    ] {
        assert!(
            names(source).unwrap_err().message.contains("not available"),
            "{source}"
        );
    }
    for source in [
        "{{ debug() }}",
        "{{ namespace() }}",
        "{{ dict() }}",
        "{{ token|pprint }}",
        "{{ self }}",
    ] {
        assert!(render(source).is_err(), "{source}");
    }
    for source in [
        "{% for x in [token ~ token] %}{% endfor %}",
        "{% for x in ['a', 'b'] %}{% endfor %}",
        "{% for x in token ~ token %}{% endfor %}",
        "{% for x in input.list|join %}{% endfor %}",
        "{% for x in input.list recursive %}{% endfor %}",
    ] {
        assert!(
            names(source).unwrap_err().message.contains("a loop may not"),
            "{source}"
        );
    }
}

#[test]
fn names_are_dotted_and_free() {
    let found = names(
        "{{ vars.base }}/{% for x in input.list %}{{ x.y }}{{ loop.index }}{% endfor %}{{ token|upper }}{{ range(3) }}",
    );
    let expected: Vec<Vec<String>> = [&["input", "list"][..], &["token"], &["vars", "base"]]
        .iter()
        .map(|path| path.iter().map(|s| (*s).to_owned()).collect())
        .collect();
    assert_eq!(found, Ok(expected));
    assert_eq!(
        names("{{ vars.base }}"),
        Ok(vec![vec!["vars".into(), "base".into()]])
    );
    assert_eq!(names("plain {text}"), Ok(vec![]));
}

#[test]
fn errors_have_their_place() {
    let place = |source: &str| -> (String, String) {
        let TextError { range, message } = names(source).unwrap_err();
        (source[range].to_owned(), message)
    };
    assert_eq!(place("ab {{ token").0, "{{");
    assert_eq!(place("ab {% fro x in y %}").0, "fro");
    assert!(place("ab {% fro x in y %}").1.contains("did you mean `for`?"));
    let (at, message) = place("{{ token +* 2 }}");
    assert!(at.len() < 16 && !message.is_empty(), "{at} {message}");
    assert_eq!(
        place("a {{ token | uper }}"),
        (
            "uper".into(),
            "unknown filter `uper`; did you mean `upper`?".into()
        )
    );
    assert_eq!(place("{{ token.upper() }}").0, "upper");
    assert_eq!(place("{% if token is not stringy %}{% endif %}").0, "stringy");
    assert_eq!(
        names("{% if token is not string and 'is bad' == '|nope' %}{% endif %}"),
        Ok(vec![vec!["token".into()]])
    );
    assert!(
        place("a {{ token|nope }}").1.contains("nope"),
        "{}",
        place("a {{ token|nope }}").1
    );
}

#[test]
fn foreign_values_fill_paths_and_queries_only() {
    for (source, expected) in [
        (
            "{{ vars.base }}/o/{{ token }}?a={{ input.path }}#{{ input.amount }}",
            "https://api.example.com/o/k7p2?a=orders#100",
        ),
        (
            "https://{{ route.host }}:{{ vars.port }}/{{ input.evil }}",
            "https://eu.example.com:8443/@evil.com",
        ),
        (
            "https://{{ vars.user }}@{{ route.host }}/",
            "https://ann@eu.example.com/",
        ),
        ("http://127.0.0.1/x", "http://127.0.0.1/x"),
        (
            "https://h.example{% if input.ok %}/a{% endif %}",
            "https://h.example/a",
        ),
        (
            "{{ vars.base }}/{{ input.list[1] }}/{{ input.none }}",
            "https://api.example.com/two/null",
        ),
        (
            "{{ vars.base }}//{{ input.host }}/",
            "https://api.example.com//evil.com/",
        ),
        (
            "{{ vars.base }}/%2f{{ input.back }}",
            "https://api.example.com/%2f\\evil.com",
        ),
    ] {
        assert_eq!(to(source).as_deref(), Ok(expected), "{source}");
    }
}

#[test]
fn foreign_values_choose_no_host() {
    for source in [
        "{{ vars.base }}{{ input.evil }}",
        "{{ vars.base }}{{ input.dots }}",
        "{{ input.host }}",
        "https://{{ input.host }}/",
        "https:{{ input.back }}/x",
        "https://{{ input.host }}",
        "https://{{ route.host }}:{{ input.port }}/",
        "https://{{ token }}@{{ route.host }}/",
        "https://{{ vars.user }}:{{ token }}@{{ route.host }}/",
        "{{ input.path }}://{{ route.host }}/",
        "{{ vars.base }}/{{ input.crlf }}",
        "https://{{ token }}.example.com/",
        "{% if input.path == 'orders' %}https://a.example{% else %}https://b.example{% endif %}/",
        "https://{{ input.list[1] }}",
        "not a url {{ token }}",
        "/relative/{{ token }}",
        "{% if input.ok %}https://a.example{% else %}https://b.example{% endif %}/",
        "{% if input.none %}https://a.example{% else %}https://b.example{% endif %}/",
        "{{ vars.base }}{% for x in input.list %}.evil{% endfor %}",
    ] {
        let fault = to(source).unwrap_err();
        assert_eq!(fault.reason, Reason::Input, "{source}");
        assert!(
            fault.message.contains("is refused"),
            "{source}: {}",
            fault.message
        );
    }
}

#[test]
fn hosts_in_disguise_are_seen_through() {
    // Each would lead elsewhere, written as a value of the input after a host of the author's.
    for value in [
        "@evil.com",
        ":80@evil.com/",
        ".evil.com",
        "\\@evil.com",
        "\u{3002}evil.com",
        "%2eevil.com",
        "xn--80ak6aa92e.com",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "\u{ff0e}evil",
        ":8080",
        "-x.evil",
        "#@evil.com",
        "?@evil.com",
        "\r\n",
        "\t.evil",
        "\u{0}",
    ] {
        let roots: Arc<dyn Roots> = Arc::new(Fixed(
            json!({ "input": { "v": value }, "vars": { "h": "api.example.com" } }),
        ));
        let after = url(&roots, &Template::of("https://{{ vars.h }}{{ input.v }}"));
        assert!(after.is_err(), "{value:?}: {after:?}");
        let whole = url(&roots, &Template::of("https://{{ input.v }}/"));
        assert!(whole.is_err(), "{value:?}: {whole:?}");
        let path = url(
            &roots,
            &Template::of("https://{{ vars.h }}/p/{{ input.v|urlencode }}"),
        );
        assert!(path.is_ok(), "{value:?}: {path:?}");
    }
}
