//! Schemathesis against the served document: what is promised is what is answered.

use std::path::Path;
use std::process::Command;

use landfall::model::AccessHash;
use serde_json::json;

use super::Rig;

const TOKEN: &str = "lf_schemathesis-schemathesis-schemathesis-sche";

#[tokio::test(flavor = "multi_thread")]
async fn the_api_does_what_its_document_says() {
    let tool = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools/schemathesis/bin/schemathesis");
    assert!(
        tool.is_file(),
        "schemathesis is missing; run: python3 -m venv target/tools/schemathesis && target/tools/schemathesis/bin/pip install schemathesis==VERSION, the version that scripts/test names"
    );
    let more = json!({ "api": { "tokens": { "tool": { "hash": AccessHash::of(TOKEN).to_string(), "scope": "operate" } } } });
    let rig = Rig::with(&more, "").await;
    let mut command = Command::new(tool);
    command
        .arg("run")
        .arg(format!("{}/api/v1/openapi.json", rig.base))
        .args(["--header", &format!("Authorization: Bearer {TOKEN}")])
        // What follows the runs has no end. Names and times have rules beyond their schema: what fits the schema may be
        // refused.
        .args(["--checks", "all", "--exclude-checks", "positive_data_acceptance"])
        .args(["--exclude-path", "/api/v1/runs/follow"])
        .args([
            "--max-examples",
            "25",
            "--seed",
            "7",
            "--generation-database",
            "none",
        ])
        .current_dir(rig.dir.path())
        .env("NO_COLOR", "1");
    let output = tokio::task::spawn_blocking(move || command.output())
        .await
        .unwrap()
        .unwrap();
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
