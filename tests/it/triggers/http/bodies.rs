//! Bodies arrive whole, with their length and their type.

use std::path::Path;

use landfall::model::Reason;
use serde_json::{Value, json};

use super::peer::{Peer, Taken};
use super::{fire_in, open, prepare};

async fn taken(root: &Path, value: Value) -> Taken {
    let peer = Peer::pleased().await;
    let mut value = value;
    value["url"] = json!(peer.url("/"));
    fire_in(root, value).await.outcome.unwrap();
    let taken = peer.only();
    assert_eq!(taken.line(), "POST / HTTP/1.1");
    assert_eq!(
        taken.header("content-length").unwrap(),
        taken.body.len().to_string()
    );
    assert_eq!(taken.header("transfer-encoding"), None);
    taken
}

#[tokio::test]
async fn json_keeps_types_and_order() {
    let value = json!({ "json": { "ref": "{{ token }}", "amount": "{{ amount }}", "a": [1, true, null] } });
    let taken = taken(Path::new("."), value).await;
    assert_eq!(taken.body, r#"{"ref":"t0ken","amount":100,"a":[1,true,null]}"#);
    assert_eq!(taken.header("content-type"), Some("application/json"));
}

#[tokio::test]
async fn a_form_is_encoded() {
    let taken = taken(
        Path::new("."),
        json!({ "form": { "a": "1 & 2", "ref": "{{ token }}" } }),
    )
    .await;
    assert_eq!(taken.body, "a=1+%26+2&ref=t0ken");
    assert_eq!(
        taken.header("content-type"),
        Some("application/x-www-form-urlencoded")
    );
}

#[tokio::test]
async fn a_raw_body_is_as_it_is_and_its_type_can_be_given() {
    let value = json!({ "body": "<ref>{{ token }}</ref>" });
    let plain = taken(Path::new("."), value.clone()).await;
    assert_eq!(plain.body, "<ref>t0ken</ref>");
    assert_eq!(plain.header("content-type"), Some("text/plain; charset=utf-8"));
    let mut value = value;
    value["headers"] = json!({ "Content-Type": "application/xml" });
    let xml = taken(Path::new("."), value).await;
    assert_eq!(xml.header("content-type"), Some("application/xml"));
}

#[tokio::test]
async fn parts_are_texts_and_files() {
    let root = tempfile::tempdir().unwrap();
    std::fs::write(root.path().join("rows.csv"), "a,b\n1,2\n").unwrap();
    let value = json!({ "multipart": [
        { "name": "ref", "text": "{{ token }}" },
        { "name": "rows", "file": "rows.csv", "file_name": "{{ token }}.csv", "content_type": "text/csv" },
    ] });
    let taken = taken(root.path(), value).await;
    let kind = taken.header("content-type").unwrap();
    let boundary = kind.strip_prefix("multipart/form-data; boundary=").unwrap();
    let wanted = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"ref\"\r\n\r\nt0ken\r\n\
         --{boundary}\r\nContent-Disposition: form-data; name=\"rows\"; filename=\"t0ken.csv\"\r\n\
         Content-Type: text/csv\r\n\r\na,b\n1,2\n\r\n--{boundary}--\r\n"
    );
    assert_eq!(taken.body, wanted);
}

#[tokio::test]
async fn a_file_that_is_missing_or_too_large_is_said() {
    let root = tempfile::tempdir().unwrap();
    let large = std::fs::File::create(root.path().join("large")).unwrap();
    large.set_len((16 << 20) + 1).unwrap();
    for (file, wanted) in [
        ("none.csv", "`none.csv` cannot be read: No such file"),
        ("large", "`large` has 16777217 bytes, and a part at most 16777216"),
    ] {
        let value = json!({ "url": "http://127.0.0.1:1/", "multipart": [{ "name": "f", "file": file }] });
        let trigger = open(root.path(), value).unwrap();
        let fault = prepare(&*trigger).err().unwrap();
        assert_eq!(fault.reason, Reason::Input);
        assert!(fault.message.contains(wanted), "{fault}");
    }
}
