//! The `http` trigger against servers that the tests start.

mod answers;
mod bodies;
mod connections;
mod failures;
mod peer;
mod proxies;
mod redirects;
mod requests;
mod tls;

use std::path::Path;
use std::sync::{Arc, Mutex};

use landfall::clock::SystemClock;
use landfall::diag::Problems;
use landfall::model::{Answer, Fault, Moment, Response, SendFailure};
use landfall::trigger::{CheckFacts, OpenContext, Prepared, Shot, Trigger, TriggerConfig};
use serde_json::{Value, json};

use crate::support::polled::TestScope;

fn config(value: Value) -> TriggerConfig {
    serde_json::from_value(json!({ "http": value })).unwrap()
}

/// Opens the trigger with a folder for its files.
fn open(root: &Path, value: Value) -> Result<Box<dyn Trigger>, Fault> {
    config(value).open(&OpenContext {
        clock: Arc::new(SystemClock::start()),
        root: root.to_owned(),
    })
}

fn prepare(trigger: &dyn Trigger) -> Result<Prepared, Fault> {
    let names = [
        ("token", json!("t0ken")),
        ("amount", json!(100)),
        ("evil", json!("a\r\nx-evil: yes")),
        ("password", json!("hunter22")),
    ];
    trigger.prepare(&*TestScope::of(&names))
}

/// Fires once; also every instant at which the request was said to have left.
async fn shoot(trigger: &dyn Trigger) -> (Answer, Vec<Moment>) {
    let prepared = prepare(trigger).unwrap();
    let sent = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&sent);
    let shot = Shot {
        run: Value::Null,
        sent: Box::new(move |at| told.lock().unwrap().push(at)),
    };
    let answer = (prepared.fire)(shot).await;
    let sent = sent.lock().unwrap().clone();
    (answer, sent)
}

pub(crate) async fn fire_in(root: &Path, value: Value) -> Answer {
    shoot(&*open(root, value).unwrap()).await.0
}

async fn fire(value: Value) -> Answer {
    fire_in(Path::new("."), value).await
}

async fn response(value: Value) -> Response {
    fire(value).await.outcome.unwrap()
}

async fn failure(value: Value) -> SendFailure {
    fire(value).await.outcome.unwrap_err()
}

/// What loading says of the settings.
fn said(value: Value) -> String {
    let mut problems = Problems::default();
    config(value).check(&CheckFacts::default(), &mut problems);
    let all = problems.all().iter();
    all.map(|p| format!("{}; {}\n", p.message, p.label)).collect()
}
