//! What loads.

use std::fs;
use std::path::Path;
use std::time::Duration;

use landfall::definition::{Fingerprint, LoadOptions, discover, load};
use landfall::model::{Layer, Times};
use landfall::store::Location;
use serde_json::{Value, json};

use super::{cases, folder, load_dir, said, usual, write};

const HOOKS: &str = "channels: { hooks: { callback: {} } }\n";
const PROBE: &str =
    "name: one\nrequest: { http: { url: \"http://127.0.0.1:1/\" } }\noutcome: [{ in: hooks }]\n";

#[test]
fn every_good_workspace_loads_without_a_word() {
    let mut loaded_any = false;
    for entry in fs::read_dir(cases("good")).expect("the cases").flatten() {
        let loaded = load_dir(&entry.path());
        let said = loaded.problems.render(&loaded.sources, false);
        assert_eq!(said, "", "{}", entry.path().display());
        assert!(loaded.workspace.is_some());
        loaded_any = true;
    }
    assert!(loaded_any);
}

#[test]
fn every_key_arrives_where_it_belongs() {
    let loaded = load_dir(&cases("good").join("order-paid"));
    let workspace = loaded.workspace.expect("loads");
    assert!(matches!(workspace.store, Location::Sqlite(ref path) if path.ends_with("landfall.db")));
    assert_eq!(
        workspace.public_url.as_deref(),
        Some("https://probes.example.com")
    );
    assert_eq!(workspace.location.as_ref(), "eu-west");
    assert_eq!(workspace.vars["key"], json!("k3y-of-the-api"));
    assert_eq!(
        workspace
            .probes
            .iter()
            .map(|p| p.name.as_ref())
            .collect::<Vec<_>>(),
        ["nightly", "order-paid"]
    );

    let nightly = &workspace.probes[0];
    assert!(!nightly.enabled && nightly.schedule.is_some());
    assert!(
        matches!(&nightly.legs[0].fingerprint, Some(Fingerprint::All { except }) if except == &["hooks.json.sent_at"])
    );
    assert_eq!(nightly.limits.per_day, Some(100_000), "from the defaults");

    let probe = &workspace.probes[1];
    let legs: Vec<_> = probe
        .legs
        .iter()
        .map(|l| (l.leg.route.as_ref(), l.leg.input.as_ref()))
        .collect();
    assert_eq!(
        legs,
        [
            ("stripe", "plain"),
            ("stripe", "unicode"),
            ("adyen", "plain"),
            ("adyen", "unicode")
        ]
    );
    let stripe = &probe.legs[0];
    assert_eq!(stripe.leg.settle, Duration::from_secs(2));
    assert_eq!(stripe.leg.probe.as_ref(), "order-paid");
    assert_eq!(stripe.route["via"], "stripe");
    let layers: Vec<_> = stripe
        .leg
        .expectations
        .iter()
        .map(|e| (e.layer, e.name.as_str(), e.channel.0))
        .collect();
    assert_eq!(
        layers,
        [
            (Layer::Executed, "paid", 3),
            (Layer::Outcome, "hooks", 0),
            (Layer::Outcome, "thanks", 1),
            (Layer::Outcome, "spam", 1),
            (Layer::FailedWhen, "hooks", 0),
            (Layer::Receipt, "hooks", 0),
        ]
    );
    assert_eq!(stripe.checks.len(), 6);
    let hooks = &stripe.leg.expectations[1];
    assert_eq!(
        (hooks.within, hooks.grace),
        (Duration::from_secs(30), Duration::from_secs(300))
    );
    let thanks = &stripe.leg.expectations[2];
    assert_eq!(
        (thanks.within, thanks.grace),
        (Duration::from_secs(20), Duration::from_secs(20))
    );
    assert_eq!(thanks.times, Times { min: 1, max: 3 });
    let failed = &stripe.leg.expectations[4];
    assert_eq!(
        failed.within + failed.grace,
        Duration::from_secs(330),
        "as long as outcomes are waited for"
    );

    let adyen = &probe.legs[2];
    assert_eq!(adyen.leg.expectations[2].channel_name, "spare");
    assert_eq!(
        adyen.accepted.as_ref().map(|e| e.source.as_str()),
        Some("response.status == 202")
    );
    assert_eq!(adyen.channel_names["inbox"].0, 2);
    let objective = probe.objective.as_ref().expect("an objective");
    assert_eq!(
        (objective.on_time, objective.window),
        (Some(0.995), 30.0 * 86_400.0)
    );
    assert_eq!(probe.labels.iter().collect::<Vec<_>>().len(), 2);
}

#[test]
fn the_expanded_set_has_no_secret_and_its_defaults() {
    let loaded = load_dir(&cases("good").join("order-paid"));
    let printed = serde_json::to_string(loaded.expanded()).expect("JSON");
    assert!(!printed.contains("k3y-of-the-api"), "{printed}");
    assert_eq!(loaded.expanded()["workspace"]["vars"]["key"], "***");
    let request = &loaded.expanded()["probes"]["probes/order-paid.yaml"]["request"]["http"];
    assert_eq!(request["headers"]["authorization"], "Bearer ***");
    assert_eq!(request["timeout"], "7s", "from the defaults");
    let debug = format!("{:?}", loaded.redactor);
    assert!(!debug.contains("k3y"), "{debug}");
}

#[test]
fn a_revision_follows_meaning_and_nothing_else() {
    let revision = |workspace: &str, probe: &str| {
        let dir = folder(&[("landfall.yaml", workspace), ("probes/one.yaml", probe)]);
        let loaded = load_dir(dir.path());
        let said = loaded.problems.render(&loaded.sources, false);
        loaded.workspace.unwrap_or_else(|| panic!("{said}")).probes[0]
            .revision
            .to_string()
    };
    let first = revision(HOOKS, PROBE);
    assert_eq!(first, revision(HOOKS, PROBE), "the same text");
    let mut lines: Vec<&str> = PROBE.lines().collect();
    lines.reverse();
    assert_eq!(first, revision(HOOKS, &lines.join("\n")), "another order of keys");
    assert_eq!(
        first,
        revision(HOOKS, &format!("# a comment\ndescription: words\n{PROBE}"))
    );
    assert_ne!(
        first,
        revision(HOOKS, &PROBE.replace("in: hooks", "in: hooks, within: 9s"))
    );
    assert_ne!(
        first,
        revision(&format!("defaults: {{ within: 9s }}\n{HOOKS}"), PROBE)
    );
    let named = PROBE.replace("http://127.0.0.1:1/", "{{ vars.base }}/");
    let with = |base: &str| revision(&format!("vars: {{ base: \"{base}\" }}\n{HOOKS}"), &named);
    assert_ne!(with("http://a.test"), with("http://b.test"));
}

#[test]
fn an_empty_workspace_has_every_default() {
    let dir = folder(&[("landfall.yaml", "# nothing\n")]);
    let workspace = load_dir(dir.path()).workspace.expect("loads");
    assert_eq!(workspace.listen.to_string(), "127.0.0.1:4747");
    assert_eq!(workspace.location.as_ref(), "local");
    assert!(workspace.probes.is_empty() && !workspace.allow_exec);
}

#[test]
fn variables_from_the_command_line_go_before_and_keep_their_type() {
    let files = [
        ("landfall.yaml", "vars: { base: \"http://a.test\", n: 1 }\n"),
        ("probes/.hidden.yaml", "]"),
    ];
    let dir = folder(&files);
    let with = |vars: &[(&str, &str)]| {
        let vars = vars
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect();
        load(
            &LoadOptions {
                dir: Some(dir.path().to_owned()),
                vars,
            },
            &usual(),
        )
    };
    let loaded = with(&[("n", "7")]);
    assert_eq!(loaded.workspace.expect("loads").vars["n"], json!(7));
    let loaded = with(&[("n", "many")]);
    assert!(
        loaded
            .problems
            .render(&loaded.sources, false)
            .contains("expected a number")
    );
    let loaded = with(&[("bsae", "x")]);
    assert!(
        loaded
            .problems
            .render(&loaded.sources, false)
            .contains("nothing names the variable `bsae`")
    );
    assert!(loaded.workspace.is_some(), "a warning only");
}

#[test]
fn the_workspace_is_found_upwards() {
    let dir = folder(&[("landfall.yaml", ""), ("a/b/c.txt", "")]);
    assert_eq!(discover(&dir.path().join("a/b")).as_deref(), Some(dir.path()));
    let none = tempfile::tempdir().expect("a folder");
    let loaded = load_dir(none.path());
    assert!(
        loaded
            .problems
            .render(&loaded.sources, false)
            .contains("there is no `landfall.yaml`")
    );
}

#[test]
fn secrets_come_from_files_too_and_braces_in_them_are_no_template() {
    let dir = folder(&[
        ("landfall.yaml", HOOKS),
        ("key.txt", "a{{b}}c-secret\n"),
        (
            "probes/one.yaml",
            &PROBE.replace("url:", "headers: { x-k: \"k=${file:key.txt}; $${env:X}\" }, url:"),
        ),
    ]);
    let loaded = load_dir(dir.path());
    let said = loaded.problems.render(&loaded.sources, false);
    assert_eq!(said, "");
    let headers = &loaded.expanded()["probes"]["probes/one.yaml"]["request"]["http"]["headers"];
    assert_eq!(headers["x-k"], "k=***; ${env:X}");
}

#[test]
fn a_secret_of_the_file_itself_is_never_drawn() {
    let said = said(&[(
        "landfall.yaml",
        "channels: { inbox: { smtp_sink: { auth: { user: u, password: hunter2hunter2 }, lissten: x } } }\n",
    )]);
    assert!(
        said.contains("lissten") && !said.contains("hunter2hunter2"),
        "{said}"
    );
}

#[test]
fn two_readers_of_yaml_agree_on_every_good_file() {
    fn walk(dir: &Path, seen: &mut usize) {
        for entry in fs::read_dir(dir).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                walk(&path, seen);
            } else if path.extension().is_some_and(|e| e == "yaml") {
                let text = fs::read_to_string(&path).expect("text");
                let one: Value = serde_yaml::from_str(&text).expect("yaml_serde reads it");
                let other: Value = serde_saphyr::from_str(&text).expect("serde-saphyr reads it");
                assert_eq!(one, other, "{}", path.display());
                *seen += 1;
            }
        }
    }
    let mut seen = 0;
    walk(&cases("good"), &mut seen);
    assert!(seen >= 3);
}

#[test]
fn files_of_probes_are_read_in_the_order_of_their_names() {
    let dir = folder(&[("landfall.yaml", HOOKS)]);
    for name in ["z", "a/b", "m"] {
        let text = PROBE.replace("name: one", &format!("name: {}", name.replace('/', "-")));
        write(dir.path(), &format!("probes/{name}.yaml"), text.as_bytes());
    }
    let workspace = load_dir(dir.path()).workspace.expect("loads");
    assert_eq!(
        workspace
            .probes
            .iter()
            .map(|p| p.name.as_ref())
            .collect::<Vec<_>>(),
        ["a-b", "m", "z"]
    );
}

/// 200 probes load in time that grows with their number, not with its square. The figure itself is `check`'s bench.
#[test]
fn two_hundred_probes_load() {
    let dir = folder(&[(
        "landfall.yaml",
        include_str!("../../cases/definitions/good/order-paid/landfall.yaml"),
    )]);
    let text = include_str!("../../cases/definitions/good/order-paid/probes/order-paid.yaml");
    for n in 0..200 {
        let text = text.replace("name: order-paid", &format!("name: order-paid-{n}"));
        write(dir.path(), &format!("probes/{n}.yaml"), text.as_bytes());
    }
    let loaded = load_dir(dir.path());
    assert_eq!(loaded.workspace.expect("loads").probes.len(), 200);
}
