//! A secret of the workspace that the system echoes reaches no stored observation.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use landfall::clock::{Clock, SystemClock};
use landfall::model::Token;
use landfall::store::{self, Location};
use serde_json::{Map, Value, json};

use crate::support::channel::eventually;
use crate::support::peer::Peer;
use crate::support::whole::{self, Whole};

/// Bears what encodings change.
pub(crate) const SECRET: &str = "pl4nted/s3cret+value=x";

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

/// What stands around the first form of the secret in these bytes.
pub(crate) fn found(bytes: &[u8]) -> Option<String> {
    forms().into_iter().find_map(|form| {
        let at = bytes.windows(form.len()).position(|w| w == form.as_bytes())?;
        let (from, to) = (at.saturating_sub(200), (at + form.len() + 20).min(bytes.len()));
        Some(String::from_utf8_lossy(&bytes[from..to]).into_owned())
    })
}

pub(super) async fn planted(kind: &'static str, peer: &mut dyn Peer) {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("secret"), SECRET).unwrap();
    let workspace = json!({
        "vars": { "unused": "${file:secret}" },
        "allow_exec": true,
        "channels": { "place": { (kind): peer.settings() } },
    });
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
    whole::write(dir.path(), &workspace, &probe);
    let path = dir.path().join("landfall.db");
    let options = store::Options::new(SystemClock::start().now(), "test");
    let store = store::open(&Location::Sqlite(path), options).unwrap();
    let mut whole = Whole::start(dir.path(), store.clone()).await;
    assert_eq!(whole.tick().await, 1);
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
    let record = whole.closed().await;
    assert_eq!(record.class, landfall::model::Class::Delivered, "{record:?}");
    whole.end().await;
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
