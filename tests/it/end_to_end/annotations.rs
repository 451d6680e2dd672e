//! Annotations name files as the repository does, wherever the workspace lies in it.

use std::path::Path;

use serde_json::json;

use super::system;
use crate::support::process::{ended, landfall};
use crate::support::whole;

async fn workspace(dir: &Path) {
    let workspace = json!({
        "store": "memory", "listen": "127.0.0.1:0",
        "vars": { "base": system::start().await },
        "channels": { "hooks": { "callback": {} } },
    });
    let probe = json!({
        "name": "orders",
        "input": {},
        "request": { "http": {
            "url": "{{ vars.base }}/orders",
            "json": {
                "ref": "{{ token }}", "how": "delivered",
                "hook": "{{ channels.hooks.url }}", "base": "{{ channels.hooks.base_url }}",
            },
        } },
        "outcome": [{ "in": "hooks", "expect": "seen.json.event == \"refunded\"", "within": "2s", "grace": "0s" }],
        "settle": "0s",
    });
    whole::write(dir, &workspace, &probe);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_named_from_the_root_of_the_repository() {
    let repository = tempfile::tempdir().unwrap();
    let root = repository.path().to_str().unwrap();
    let inside = repository.path().join("ops/canaries");
    workspace(&inside).await;
    let elsewhere = tempfile::tempdir().unwrap();
    for (folder, variables, wanted) in [
        (repository.path(), vec![], "file=ops/canaries/probes/probe.yaml,"),
        (inside.as_path(), vec![], "file=probes/probe.yaml,"),
        // In a workflow the step may stand anywhere.
        (
            inside.as_path(),
            vec![("GITHUB_WORKSPACE", root)],
            "file=ops/canaries/probes/probe.yaml,",
        ),
        // A workspace from outside keeps the names that it has itself.
        (elsewhere.path(), vec![], "file=probes/probe.yaml,"),
    ] {
        let mut command = landfall(folder, &variables);
        command.args(["run", "--format", "github", "-w"]).arg(&inside);
        let (code, out, err) = tokio::task::spawn_blocking(|| ended(command)).await.unwrap();
        assert_eq!(code, 1, "{out}{err}");
        assert!(out.contains(wanted), "{wanted}: {out}");
    }
}
