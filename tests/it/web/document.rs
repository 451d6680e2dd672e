//! The OpenAPI document.

use serde_json::Value;

use super::Rig;
use crate::support::process::{ended, landfall};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_served_is_what_is_printed_and_holds_together() {
    let rig = Rig::start().await;
    let served = rig.json("/api/v1/openapi.json").await;
    let mut command = landfall(rig.dir.path(), &[]);
    command.args(["schema", "openapi"]);
    let printed: Value = serde_json::from_str(&ended(command).1).unwrap();
    assert_eq!(served, printed);
    assert!(served["openapi"].as_str().unwrap().starts_with("3.1"));
    let mut references = Vec::new();
    collect(&served, &mut references);
    assert!(references.len() > 20);
    for reference in references {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(served.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
    for (path, operations) in served["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            assert!(
                !operation["summary"].as_str().unwrap_or_default().is_empty(),
                "{method} {path}"
            );
            assert!(operation["responses"]["401"].is_object(), "{method} {path}");
        }
    }
}

fn collect(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::Object(entries) => {
            if let Some(Value::String(reference)) = entries.get("$ref") {
                into.push(reference.clone());
            }
            entries.values().for_each(|v| collect(v, into));
        }
        Value::Array(items) => items.iter().for_each(|v| collect(v, into)),
        _ => {}
    }
}
