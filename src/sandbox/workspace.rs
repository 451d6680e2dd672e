//! A workspace that probes the sandbox: what `landfall sandbox --print-workspace DIR` writes and `demo` runs.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::Error;
use super::scripts::ROUTES;

/// Where the workspace finds the sandbox, and the sandbox the workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoints {
    /// The sandbox's API.
    pub gateway: SocketAddr,
    /// Where landfall listens for callbacks.
    pub listen: SocketAddr,
    /// Where landfall's mail sink listens: the sandbox's `smtp`.
    pub mail: SocketAddr,
    /// The sandbox's database, as the workspace names it: a relative path starts at the workspace.
    pub database: PathBuf,
}

/// Writes `landfall.yaml` and `probes/*.yaml`; the result is what was written.
///
/// # Errors
/// A file that exists already, or cannot be written.
pub fn write(dir: &Path, endpoints: &Endpoints) -> Result<Vec<PathBuf>, Error> {
    let files = files(endpoints);
    for (name, _) in &files {
        let path = dir.join(name);
        if path.exists() {
            let path = path.display();
            return Err(Error::Setting(format!(
                "`{path}` exists already: name an empty folder"
            )));
        }
    }
    let failed =
        |path: &Path, e: &io::Error| Error::Setting(format!("cannot write `{}`: {e}", path.display()));
    let probes = dir.join("probes");
    std::fs::create_dir_all(&probes).map_err(|e| failed(&probes, &e))?;
    files
        .into_iter()
        .map(|(name, text)| {
            let path = dir.join(name);
            std::fs::write(&path, text).map_err(|e| failed(&path, &e))?;
            Ok(path)
        })
        .collect()
}

/// The files of the workspace, by their paths in it.
#[must_use]
pub fn files(endpoints: &Endpoints) -> Vec<(&'static str, String)> {
    vec![
        ("landfall.yaml", landfall_yaml(endpoints)),
        ("probes/message.yaml", message_yaml()),
        ("probes/named.yaml", named_yaml()),
    ]
}

fn landfall_yaml(endpoints: &Endpoints) -> String {
    let Endpoints {
        gateway,
        listen,
        mail,
        database,
    } = endpoints;
    // A JSON string is a YAML string, whatever the path holds.
    let database = serde_json::Value::from(database.to_string_lossy().as_ref());
    format!(
        r#"# Probes the sandbox: landfall sandbox --listen {gateway}
store: sqlite:landfall.db
listen: {listen}
location: sandbox
vars:
  base: "http://{gateway}"
channels:
  hooks: {{ callback: {{}} }}
  inbox:
    smtp_sink:
      listen: "{mail}"
      domain: landfall.test
  messages:
    sqlite:
      path: {database}
      query: "SELECT ref AS key, id, provider, status, steps, text FROM messages WHERE ref IN (:keys)"
"#
    )
}

fn message_yaml() -> String {
    let routes: String = ROUTES
        .iter()
        .map(|(name, ..)| format!("  {name}: {{}}\n"))
        .collect();
    format!(
        "name: message
description: A message that the gateway takes reaches its receiver by webhook, by mail and in the table.

schedule: {{ every: 10s }}

routes:
{routes}
input:
  text: The invoice over 100 euro is paid

{EXPECTATIONS}
objective: {{ on_time: 99%, p95: 1s, window: 1h }}
labels: {{ team: sandbox, kind: demo }}
"
    )
}

/// For each class a message that names its fault, whatever the sandbox's script says.
const NAMED: [(&str, &str); 9] = [
    ("delivered", "none"),
    ("late", "late"),
    ("duplicate", "duplicate"),
    ("mismatched", "alter"),
    ("unwanted", "extra"),
    ("failed", "fail"),
    ("lost", "drop"),
    ("rejected", "refuse"),
    ("phantom", "refuse_and_deliver"),
];

fn named_yaml() -> String {
    let inputs: String = NAMED
        .iter()
        .map(|(class, fault)| format!("  {class}: {{ text: \"Please do fault:{fault}\" }}\n"))
        .collect();
    format!(
        "name: named
description: Messages that name the fault which the sandbox is to show; each input is called by the class it ends as.

schedule: {{ every: 1m }}

routes:
  named: {{}}

inputs:
{inputs}
{EXPECTATIONS}
labels: {{ team: sandbox, kind: named }}
"
    )
}

const EXPECTATIONS: &str = r#"request:
  http:
    method: POST
    url: "{{ vars.base }}/v1/messages?route={{ route.name }}"
    json:
      ref: "{{ token }}"
      to: "{{ channels.inbox.address }}"
      text: "{{ input.text }}"
      webhook: "{{ channels.hooks.url }}"
    timeout: 1s
capture:
  message: response.json.id

accepted: response.status == 202

executed:
  - step: queued
    in: messages
    where: seen.row.steps.contains("queued")
    within: 1s
    grace: 1s
  - step: sent
    in: messages
    where: seen.row.steps.contains("sent")
    within: 1s
    grace: 1s

outcome:
  - name: event
    in: hooks
    where: seen.json.event == "message.delivered"
    expect: seen.json.text == input.text
    within: 1s
    grace: 1s
  - name: complaint
    in: hooks
    where: seen.json.event == "message.complaint"
    times: 0
    within: 1s
    grace: 1s
  - name: mail
    in: inbox
    expect: seen.text.contains(input.text)
    within: 1s
    grace: 1s
  - name: row
    in: messages
    where: seen.row.status == "delivered"
    expect: seen.row.text == input.text
    within: 1s
    grace: 1s

failed_when:
  - name: failure
    in: hooks
    where: seen.json.event == "message.failed"

receipt:
  - name: receipt
    in: hooks
    where: seen.json.event == "message.receipt"

settle: 500ms
fingerprint:
  - hooks.json.event
  - hooks.json.text
  - messages.row.status
attributes:
  provider: response.headers["x-provider"]
  route: response.headers["x-route"]
path:
  - response.headers["x-served-by"]
  - hooks.json.provider
  - inbox.received
cleanup:
  - http: { method: DELETE, url: "{{ vars.base }}/v1/messages/{{ token }}" }
"#;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::{FaultKind, Limits};

    fn endpoints() -> Endpoints {
        Endpoints {
            gateway: "127.0.0.1:8025".parse().unwrap(),
            listen: "127.0.0.1:4747".parse().unwrap(),
            mail: "127.0.0.1:2525".parse().unwrap(),
            database: PathBuf::from("sand \"box\".db"),
        }
    }

    #[test]
    fn every_file_is_yaml() {
        for (name, text) in files(&endpoints()) {
            let value: serde_json::Value =
                serde_saphyr::from_str(&text).unwrap_or_else(|e| panic!("{name}: {e}\n{text}"));
            assert!(value.is_object(), "{name}");
            if name == "landfall.yaml" {
                assert_eq!(value["channels"]["messages"]["sqlite"]["path"], "sand \"box\".db");
            } else {
                assert_eq!(value["outcome"].as_array().unwrap().len(), 4, "{name}");
            }
        }
    }

    #[test]
    fn the_limits_written_are_those_that_the_truth_is_judged_by() {
        for window in Limits::demo().channels.values() {
            let written = |key, value: std::time::Duration| format!("{key}: {}s", value.as_secs());
            let within = EXPECTATIONS.matches(&written("within", window.within)).count();
            assert_eq!(within, EXPECTATIONS.matches("within:").count());
            let grace = EXPECTATIONS.matches(&written("grace", window.grace)).count();
            assert_eq!(grace, EXPECTATIONS.matches("grace:").count());
        }
    }

    #[test]
    fn each_named_input_is_called_by_the_class_it_ends_as() {
        for (class, fault) in NAMED {
            assert_eq!(FaultKind::named(fault).unwrap().says().word(), class);
        }
    }

    #[test]
    fn nothing_is_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(write(dir.path(), &endpoints()).unwrap().len(), 3);
        let refused = write(dir.path(), &endpoints()).unwrap_err().to_string();
        assert!(refused.contains("exists already"), "{refused}");
    }
}
