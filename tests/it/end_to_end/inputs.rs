//! What an input may name.

use serde_json::json;

use crate::support::process::{ended, landfall};
use crate::support::whole;

#[test]
fn an_input_may_name_an_address_and_an_address_the_input() {
    let dir = tempfile::tempdir().unwrap();
    let workspace = json!({
        "listen": "127.0.0.1:0", "store": "memory",
        "vars": { "base": "http://127.0.0.1:1" },
        "channels": { "hooks": { "callback": {} } },
    });
    let probe = json!({
        "name": "order",
        "input": { "answer_to": "{{ channels.hooks.url }}?of={{ token }}" },
        "request": { "http": { "url": "{{ vars.base }}/orders", "json": { "to": "{{ input.answer_to }}" } } },
        "outcome": [{ "in": "hooks", "within": "1s" }],
    });
    whole::write(dir.path(), &workspace, &probe);
    let mut command = landfall(dir.path(), &[]);
    command.args(["run", "--dry-run"]);
    let (code, out, said) = ended(command);
    assert_eq!(code, 0, "{said}");
    assert!(out.contains("/c/") && out.contains("?of="), "{out}");
}
