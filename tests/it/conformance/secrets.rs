//! A secret of the workspace that the system echoes reaches no stored observation.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use landfall::clock::{Clock, SeededRandom, SystemClock};
use landfall::definition::{LoadOptions, ProcessEnvironment, load};
use landfall::engine::{Engine, Options, Setup, Update};
use landfall::lifecycle::Settings;
use landfall::model::{RunRecord, Token};
use landfall::store::{self, Location};
use landfall::web::HttpListener;
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

use crate::support::channel::eventually;
use crate::support::peer::Peer;

/// Bears what encodings change.
pub(crate) const SECRET: &str = "pl4nted/s3cret+value ü";

/// The secret as it is, in base64, and URL-encoded in both spellings.
pub(crate) fn forms() -> Vec<String> {
    let url: String = form_urlencoded::byte_serialize(SECRET.as_bytes()).collect();
    vec![
        SECRET.to_owned(),
        STANDARD.encode(SECRET),
        url.replace('+', "%20"),
        url,
    ]
}

/// Where a form of the secret stands in these bytes.
pub(crate) fn found(bytes: &[u8]) -> Option<String> {
    forms()
        .into_iter()
        .find(|form| bytes.windows(form.len()).any(|w| w == form.as_bytes()))
}

pub(super) async fn planted(kind: &'static str, peer: &mut dyn Peer) {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: String| std::fs::write(dir.path().join(name), text).unwrap();
    write("secret", SECRET.to_owned());
    // JSON is YAML.
    let workspace = json!({
        "vars": { "unused": "${file:secret}" },
        "allow_exec": true,
        "channels": { "place": { (kind): peer.settings() } },
    });
    write("landfall.yaml", workspace.to_string());
    std::fs::create_dir(dir.path().join("probes")).unwrap();
    // The request hands the peer what it must know.
    let offers = peer.nature().offers.iter();
    let wanted: String = offers
        .map(|o| format!("{o}={{{{ channels.place.{o} }}}}\n"))
        .collect();
    let wanted = format!("token={{{{ token }}}}\n{wanted}");
    let probe = json!({
        "name": "secret",
        "routes": { "one": {} },
        "input": {},
        "request": { "exec": { "command": [
            "sh", "-c", "printf %s \"$1\" > \"$2\".part && mv \"$2\".part \"$2\"", "{{ vars.unused }}",
            wanted, dir.path().join("offers").to_str().unwrap(),
        ] } },
        "outcome": [{ "in": "place", "within": "20s", "grace": "0s" }],
        "settle": "0s",
    });
    write("probes/secret.yaml", probe.to_string());
    let options = LoadOptions {
        dir: Some(dir.path().to_owned()),
        vars: Vec::new(),
    };
    let loaded = load(&options, &ProcessEnvironment);
    let said = loaded.problems.render(&loaded.sources, false);
    let workspace = Arc::new(loaded.workspace.expect(&said));
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    let stop = CancellationToken::new();
    let socket = landfall::web::bind(([127, 0, 0, 1], 0).into()).await.unwrap();
    let http = HttpListener::new(socket.local_addr().unwrap(), Default::default(), clock.clone());
    tokio::spawn(http.clone().run(socket, stop.clone()));
    let path = dir.path().join("landfall.db");
    let store = store::open(&Location::Sqlite(path), store::Options::new(clock.now(), "test")).unwrap();
    let setup = Setup {
        workspace: workspace.clone(),
        store: store.clone(),
        clock: clock.clone(),
        random: Arc::new(SeededRandom::new(7)),
        listener: http.clone(),
        settings: Settings::STANDARD,
        options: Options::default(),
    };
    let (engine, mut updates) = Engine::start(setup).await.unwrap();
    let now = engine.now();
    engine
        .tick(
            &workspace.probes[0],
            now,
            now.after(Duration::from_secs(30)),
            &|_| true,
        )
        .await;
    let told = eventually("the request", || {
        std::fs::read_to_string(dir.path().join("offers")).ok()
    })
    .await;
    let told: Map<String, Value> = told
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| {
            (
                name.to_owned(),
                value.parse::<u64>().map_or(json!(value), |n| json!(n)),
            )
        })
        .collect();
    let token = Token::from_record(told["token"].as_str().unwrap()).unwrap();
    let content = forms().join("\r\n");
    peer.put(
        &Value::Object(told),
        peer.nature().places[0],
        &token,
        content.as_bytes(),
    )
    .await;
    let record: Arc<RunRecord> = loop {
        match updates.recv().await.unwrap() {
            Update::Closed { record, .. } => break record,
            Update::Skipped(skip) => panic!("{skip:?}"),
            _ => {}
        }
    };
    assert_eq!(record.class, landfall::model::Class::Delivered, "{record:?}");
    engine.shut_down().await;
    stop.cancel();
    let told = format!("{record:?} {}", serde_json::to_string(&*record).unwrap());
    assert_eq!(found(told.as_bytes()), None, "in the record");
    for entry in std::fs::read_dir(dir.path()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.starts_with("landfall.db") {
            let bytes = std::fs::read(&path).unwrap();
            assert_eq!(found(&bytes), None, "in {name}");
        }
    }
    store.shutdown().await.unwrap();
}
