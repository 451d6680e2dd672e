//! The Kubernetes manifests, read without a cluster.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use serde_json::{Value, json};

use super::container::Given;
use super::unit::stop_grace;
use super::{HASH, assert_checks, assert_taken, documents, list, text, words};

fn manifests() -> Vec<Value> {
    documents(&text("deploy/kubernetes.yaml"))
}

fn of_kind(kind: &str) -> Value {
    let mut found = manifests();
    found.retain(|manifest| manifest["kind"] == kind);
    assert_eq!(found.len(), 1, "{kind}");
    found.remove(0)
}

fn pod() -> Value {
    of_kind("StatefulSet")["spec"]["template"].clone()
}

/// The secrets that the pod's variables are made of, with a value that landfall takes.
fn variables() -> Vec<(String, String)> {
    let pod = pod();
    let of_pod = list(&pod["spec"]["containers"][0]["env"]).iter().map(|variable| {
        let key = variable["valueFrom"]["secretKeyRef"]["key"].as_str().unwrap();
        let value = match key {
            "metrics-hash" => HASH,
            "hook-secret" => "whsec_c2VjcmV0LW9mLXRoZS1ob29rcy0xMjM0",
            other => panic!("what is the secret {other}?"),
        };
        (variable["name"].as_str().unwrap().to_owned(), value.to_owned())
    });
    of_pod.collect()
}

/// Lays the ConfigMap out as the kubelet does: files in a hidden folder, and links to what is in it.
fn mount(folder: &Path) {
    let (map, pod) = (of_kind("ConfigMap"), pod());
    let volume = list(&pod["spec"]["volumes"])
        .iter()
        .find(|v| v["name"] == "workspace")
        .unwrap();
    assert_eq!(volume["configMap"]["name"], map["metadata"]["name"]);
    let hidden = "..2026_11_22";
    symlink(hidden, folder.join("..data")).unwrap();
    let mut mounted = BTreeSet::new();
    for item in list(&volume["configMap"]["items"]) {
        let (key, path) = (item["key"].as_str().unwrap(), item["path"].as_str().unwrap());
        let file = folder.join(hidden).join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(
            file,
            map["data"][key].as_str().unwrap_or_else(|| panic!("no {key}")),
        )
        .unwrap();
        let top = Path::new(path).iter().next().unwrap();
        symlink(Path::new("..data").join(top), folder.join(top)).unwrap();
        mounted.insert(key);
    }
    let keys: BTreeSet<&str> = map["data"]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(mounted, keys);
}

#[test]
fn the_workspace_loads_as_it_is_mounted_and_ends_before_the_pod_does() {
    let folder = tempfile::tempdir().unwrap();
    mount(folder.path());
    let variables = variables();
    let borrowed: Vec<(&str, &str)> = variables.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    assert_checks(folder.path(), &borrowed);
    let grace = stop_grace(folder.path(), &Given(variables));
    assert!(pod()["spec"]["terminationGracePeriodSeconds"].as_u64().unwrap() > grace.as_secs());
}

#[test]
fn one_pod_has_the_store() {
    let set = of_kind("StatefulSet");
    assert_eq!(set["spec"]["replicas"], 1);
    let claims = list(&set["spec"]["volumeClaimTemplates"]);
    let claims: Vec<&Value> = claims.iter().map(|claim| &claim["metadata"]["name"]).collect();
    let pod = pod();
    let volumes = list(&pod["spec"]["volumes"]).iter().map(|volume| &volume["name"]);
    let there: Vec<&Value> = claims.into_iter().chain(volumes).collect();
    let container = &pod["spec"]["containers"][0];
    let map = of_kind("ConfigMap");
    let workspace: Value = serde_yaml::from_str(map["data"]["landfall.yaml"].as_str().unwrap()).unwrap();
    let store = workspace["store"]
        .as_str()
        .unwrap()
        .strip_prefix("sqlite:")
        .unwrap();
    let arguments = words(&container["args"]);
    assert_taken(&arguments);
    let mut kept = false;
    for mounted in list(&container["volumeMounts"]) {
        assert!(
            there.contains(&&mounted["name"]),
            "there is no volume {}",
            mounted["name"]
        );
        let path = mounted["mountPath"].as_str().unwrap();
        match mounted["name"].as_str().unwrap() {
            "workspace" => assert!(arguments.contains(&path.to_owned()), "{arguments:?}"),
            "store" => kept = Path::new(store).parent() == Some(Path::new(path)),
            _ => {}
        }
    }
    assert!(kept, "{store} is on no volume that lasts");
}

#[test]
fn what_reaches_it_finds_it() {
    let (set, service, pod) = (of_kind("StatefulSet"), of_kind("Service"), pod());
    let labels = &pod["metadata"]["labels"];
    assert_eq!(&set["spec"]["selector"]["matchLabels"], labels);
    assert_eq!(&service["spec"]["selector"], labels);
    assert_eq!(set["spec"]["serviceName"], service["metadata"]["name"]);
    let map = of_kind("ConfigMap");
    let workspace: Value = serde_yaml::from_str(map["data"]["landfall.yaml"].as_str().unwrap()).unwrap();
    let port = |key: &str| {
        let address = workspace[key].as_str().unwrap();
        address.rsplit(':').next().unwrap().parse::<u16>().unwrap()
    };
    let container = &pod["spec"]["containers"][0];
    let expected = json!([
        { "name": "callbacks", "containerPort": port("listen") },
        { "name": "admin", "containerPort": port("admin") },
    ]);
    assert_eq!(container["ports"], expected);
    for (at, offered) in list(&service["spec"]["ports"]).iter().enumerate() {
        assert_eq!(offered["targetPort"], expected[at]["name"]);
        assert_eq!(offered["port"], expected[at]["containerPort"]);
    }
    // Health is served under these paths (`web::health`).
    let health = fs::read_to_string(crate::repository::root().join("src/web/health.rs")).unwrap();
    for (probe, path) in [
        ("startupProbe", "/healthz"),
        ("livenessProbe", "/healthz"),
        ("readinessProbe", "/readyz"),
    ] {
        assert_eq!(
            container[probe]["httpGet"],
            json!({ "path": path, "port": "admin" }),
            "{probe}"
        );
        assert!(health.contains(&format!("\"{path}\"")), "{path}");
    }
    let monitor = documents(&text("deploy/kubernetes-servicemonitor.yaml")).remove(0);
    assert_eq!(
        monitor["spec"]["selector"]["matchLabels"],
        service["metadata"]["labels"]
    );
    assert_eq!(monitor["spec"]["endpoints"][0]["port"], "admin");
    // The alerts name the job, which is that of the Service.
    assert_eq!(service["metadata"]["name"], "landfall");
}

/// What the profile `restricted` of the pod security standards demands.
#[test]
fn it_keeps_to_the_restricted_profile() {
    let pod = pod();
    let whole = &pod["spec"]["securityContext"];
    assert_eq!(whole["runAsNonRoot"], true);
    assert_eq!(whole["seccompProfile"]["type"], "RuntimeDefault");
    let dockerfile = text("deploy/Dockerfile");
    let user = format!("USER {}:{}\n", whole["runAsUser"], whole["runAsGroup"]);
    assert!(dockerfile.contains(&user), "{user}");
    let container = &pod["spec"]["containers"][0];
    let expected = json!({
        "allowPrivilegeEscalation": false,
        "readOnlyRootFilesystem": true,
        "capabilities": { "drop": ["ALL"] },
    });
    assert_eq!(container["securityContext"], expected);
    assert_eq!(
        container["image"],
        format!("landfall:{}", env!("CARGO_PKG_VERSION"))
    );
    assert!(container["resources"]["limits"]["memory"].is_string());
}
