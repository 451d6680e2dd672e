//! Tests of a run's scope.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::probe::{LegDef, RequestDef};
use super::scope::RunScope;
use crate::model::{
    Expr, Free, Leg, Moment, Reason, Response, RunId, Scope, Spanned, Template, TokenFormat, TokenKey,
};
use crate::trigger::TriggerConfig;

fn leg(input: Free) -> Arc<LegDef> {
    let trigger: TriggerConfig = serde_saphyr::from_str(&format!(
        "http:\n{}",
        crate::trigger::FACTS[0]
            .example
            .lines()
            .map(|l| format!("  {l}\n"))
            .collect::<String>()
    ))
    .unwrap();
    Arc::new(LegDef {
        leg: Arc::new(Leg {
            probe: "order".into(),
            revision: "r1".into(),
            route: "eu".into(),
            input: "default".into(),
            location: "local".into(),
            expectations: Vec::new(),
            settle: Duration::ZERO,
        }),
        route: Map::from_iter([("name".into(), json!("eu")), ("via".into(), json!("stripe"))]),
        input,
        request: RequestDef { trigger },
        capture: Vec::new(),
        accepted: None,
        checks: Vec::new(),
        fingerprint: None,
        attributes: Vec::new(),
        path: Vec::new(),
        cleanup: Vec::new(),
        labels: BTreeMap::new(),
        channel_names: BTreeMap::new(),
    })
}

fn text(source: &str) -> Free {
    Free::Text(Template::of(source))
}

fn map(entries: Vec<(&str, Free)>) -> Free {
    let spanned = |name: &str| Spanned::new(name.to_owned(), crate::model::Span::default());
    Free::Map(
        entries
            .into_iter()
            .map(|(name, value)| (spanned(name), value))
            .collect(),
    )
}

fn vars() -> Map<String, Value> {
    Map::from_iter([
        ("base".into(), json!("https://api.example.com")),
        ("n".into(), json!(3)),
    ])
}

fn scope(input: Free) -> Result<RunScope, crate::model::Fault> {
    let token = TokenKey::new([7; 32]).issue(TokenFormat::Text, [1; 32]);
    let channels = Map::from_iter([("hooks".into(), json!({ "url": "http://127.0.0.1/c/s/t" }))]);
    RunScope::new(
        &leg(input),
        &vars(),
        RunId(uuid::Uuid::nil()),
        Moment(1_500_000_000),
        &token,
        channels,
    )
}

fn simple() -> RunScope {
    scope(map(vec![
        ("ref", text("{{ token }}-{{ route.via }}")),
        ("amount", Free::Number(100.into())),
        ("n", text("{{ vars.n }}")),
        (
            "list",
            Free::List(vec![text("{{ probe }}"), Free::Null, Free::Bool(true)]),
        ),
    ]))
    .unwrap()
}

#[test]
fn a_run_knows_its_names() {
    let scope = simple();
    let token = TokenKey::new([7; 32]).issue(TokenFormat::Text, [1; 32]);
    for (template, expected) in [
        ("{{ token }}", json!(token.as_str())),
        ("{{ run }}", json!("00000000-0000-0000-0000-000000000000")),
        ("{{ tick }}", json!("1970-01-01T00:00:01.500Z")),
        ("{{ probe }}", json!("order")),
        ("{{ route.name }}", json!("eu")),
        ("{{ route }}", json!({ "name": "eu", "via": "stripe" })),
        ("{{ input.ref }}", json!(format!("{token}-stripe"))),
        ("{{ input.n }}", json!(3)),
        ("{{ input.list }}", json!(["order", null, true])),
        ("{{ channels.hooks.url }}", json!("http://127.0.0.1/c/s/t")),
        ("{{ vars }}", json!({ "base": "https://api.example.com", "n": 3 })),
    ] {
        assert_eq!(scope.json(&text(template)), Ok(expected), "{template}");
    }
    assert!(
        scope
            .text(&Template::of("{{ response.status }}"))
            .unwrap_err()
            .message
            .contains("`response.status` is undefined")
    );
}

#[test]
fn an_input_is_rendered_once_and_before_itself() {
    let fault = scope(map(vec![("a", text("{{ input.b }}"))])).err().unwrap();
    assert_eq!(fault.reason, Reason::Input);
    assert!(
        fault.message.contains("`input.b` is undefined"),
        "{}",
        fault.message
    );
    // What a value holds is never a template again.
    let scope = simple().with("order", json!("{{ token }}"));
    assert_eq!(scope.text(&Template::of("{{ order }}")).unwrap(), "{{ token }}");
}

#[test]
fn a_scope_grows_without_changing_its_elders() {
    let first = simple();
    let second = first.with_response(&Response {
        status: 202,
        headers: BTreeMap::from([("X-Provider".into(), "p".into())]),
        body: "{}".into(),
        json: json!({ "id": "o1" }),
        seconds: 0.25,
    });
    let third = second.with("order", json!("o1")).with("order", json!("o2"));
    let none = Map::new();
    assert_eq!(first.value(&Expr::of("vars.n"), &none), Ok(Some(json!(3))));
    assert!(first.value(&Expr::of("response.status"), &none).is_err());
    assert_eq!(
        second.value(&Expr::of("response.status in [200, 202]"), &none),
        Ok(Some(json!(true)))
    );
    assert_eq!(
        second.value(&Expr::of("response.headers['x-provider']"), &none),
        Ok(Some(json!("p")))
    );
    assert_eq!(
        third.value(&Expr::of("response.json.id + order"), &none),
        Ok(Some(json!("o1o2")))
    );
    assert!(
        third
            .holds(&Expr::of("seen.id == response.json.id"), &json!({ "id": "o1" }))
            .unwrap()
    );
}

#[test]
fn a_url_may_not_be_led_away() {
    let scope = simple().with("order", json!("@evil.example/"));
    let url = |source: &str| scope.url(&Template::of(source));
    assert_eq!(
        url("{{ vars.base }}/orders/{{ order }}?via={{ route.via }}").unwrap(),
        "https://api.example.com/orders/@evil.example/?via=stripe"
    );
    assert!(
        url("{{ vars.base }}{{ order }}")
            .unwrap_err()
            .message
            .contains("changes its host, here to `evil.example`")
    );
    assert!(url("{{ channels.hooks.url }}").is_err());
}

#[test]
fn vars_are_shared_between_runs() {
    let (a, b) = (simple(), simple());
    assert!(a.shares_vars(&b));
    assert!(!a.shares_vars(&RunScope::of_vars(&Map::new())));
}
