//! Sends runs and counts to a collector. What it cannot take is tried again, and dropped and counted where that does
//! not help: telling of runs must never hold up a run.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Client, StatusCode};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::gauges::Sources;
use super::hub::Subscriber;
use crate::clock::Clock;
use crate::definition::Otlp;
use crate::engine::Update;
use crate::model::{Fault, Reason};
use crate::report::metrics::Metrics;
use crate::report::otlp::{self, Teller, Trace};

/// Traces that wait for the collector; more are dropped.
const WAITING: usize = 10_000;
/// Traces in one request.
const BATCH: usize = 512;
/// So long a batch waits to be filled.
const GATHER: Duration = Duration::from_secs(2);
/// A request is tried so often.
const TRIES: u32 = 5;
/// The longest between two tries, whatever the collector asks for.
const LONGEST: Duration = Duration::from_secs(60);

/// Puts the traces of runs that end into the queue.
pub(super) struct Traces {
    queue: mpsc::Sender<Trace>,
    dropped: Arc<AtomicU64>,
}

/// Works through the queue.
pub(super) struct Exporter {
    client: Client,
    settings: Otlp,
    headers: HeaderMap,
    teller: Teller,
    clock: Arc<dyn Clock>,
    queue: mpsc::Receiver<Trace>,
    dropped: Arc<AtomicU64>,
}

/// Both ends of the queue to a collector.
///
/// # Errors
/// A header that is none, or a certificate that cannot be read.
pub(super) fn exporter(
    settings: &Otlp,
    root: &std::path::Path,
    location: &str,
    clock: Arc<dyn Clock>,
) -> Result<(Traces, Exporter), Fault> {
    let mut headers = HeaderMap::new();
    for (name, value) in &settings.headers {
        let wrong = || {
            Fault::new(
                Reason::Input,
                format!("telemetry.otlp: header `{name}` cannot be sent"),
            )
        };
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong())?;
        let mut value = HeaderValue::from_str(&value.0.source).map_err(|_| wrong())?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(otlp::CONTENT_TYPE));
    let mut tls = crate::tls::client(&settings.tls, root)?;
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let client = Client::builder()
        .tls_backend_preconfigured(tls)
        .timeout(settings.timeout)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .user_agent(concat!("landfall/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| Fault::new(Reason::Input, format!("telemetry.otlp: {error}")))?;
    let (sender, queue) = mpsc::channel(WAITING);
    let dropped = Arc::<AtomicU64>::default();
    let traces = Traces {
        queue: sender,
        dropped: dropped.clone(),
    };
    let exporter = Exporter {
        client,
        settings: settings.clone(),
        headers,
        teller: Teller {
            location: location.to_owned(),
            started: clock.now(),
        },
        clock,
        queue,
        dropped,
    };
    Ok((traces, exporter))
}

impl Subscriber for Traces {
    fn take(&self, update: &Update) {
        let trace = match update {
            Update::Closed { record, .. } => Some(Trace::of_run(record)),
            Update::Amended(record) => Trace::of_amendment(record),
            _ => None,
        };
        if let Some(trace) = trace
            && self.queue.try_send(trace).is_err()
        {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Exporter {
    /// Works until `stop`, then sends once more what it has.
    pub(super) async fn run(mut self, counted: Metrics, now: Sources, stop: CancellationToken) {
        let (mut report, mut batch) = (self.clock.sleep(self.settings.every), Vec::new());
        loop {
            let mut full = self.clock.sleep(GATHER);
            let stopped = loop {
                tokio::select! {
                    biased;
                    () = stop.cancelled() => break true,
                    () = &mut report, if self.settings.metrics => {
                        report = self.clock.sleep(self.settings.every);
                        let body = self.teller.metrics(&counted, &now.read().await, self.clock.now());
                        self.send("metrics", body, &stop).await;
                    }
                    Some(trace) = self.queue.recv() => {
                        if self.settings.traces {
                            batch.push(trace);
                        }
                        if batch.len() >= BATCH {
                            break false;
                        }
                    }
                    () = &mut full => break false,
                }
            };
            if stopped {
                while let Ok(trace) = self.queue.try_recv() {
                    batch.push(trace);
                }
            }
            if !batch.is_empty() && self.settings.traces {
                let body = self.teller.traces(std::mem::take(&mut batch));
                self.send("traces", body, &stop).await;
            }
            self.tell_of_drops();
            if stopped {
                if self.settings.metrics {
                    let body = self.teller.metrics(&counted, &now.read().await, self.clock.now());
                    self.send("metrics", body, &stop).await;
                }
                return;
            }
        }
    }

    /// OTLP 1.x, section 'OTLP/HTTP Response': 429, 502, 503 and 504 are tried again, after `Retry-After` where it is
    /// given; any other refusal is final.
    async fn send(&self, signal: &str, body: Vec<u8>, stop: &CancellationToken) {
        let url = format!("{}/v1/{signal}", self.settings.endpoint);
        let body = bytes::Bytes::from(body);
        let mut wait = Duration::from_secs(1);
        for left in (0..TRIES).rev() {
            let request = self.client.post(&url).headers(self.headers.clone());
            let why = match request.body(body.clone()).send().await {
                Ok(answer) if answer.status().is_success() => return,
                Ok(answer) => {
                    let asked = answer.headers().get(RETRY_AFTER);
                    let asked = asked.and_then(|v| v.to_str().ok()?.parse().ok());
                    wait = asked.map_or(wait, Duration::from_secs).min(LONGEST);
                    let status = answer.status();
                    if !again(status) {
                        tracing::warn!(signal, %status, "the collector refuses what it is sent; it is dropped");
                        return;
                    }
                    status.to_string()
                }
                Err(error) => crate::tls::explain(&error),
            };
            if left == 0 || stop.is_cancelled() {
                tracing::warn!(
                    signal,
                    why,
                    "the collector did not take what it was sent; it is dropped"
                );
                return;
            }
            tokio::select! {
                () = self.clock.sleep(wait) => {}
                () = stop.cancelled() => {}
            }
            wait = (wait * 2).min(LONGEST);
        }
    }

    fn tell_of_drops(&self) {
        let dropped = self.dropped.swap(0, Ordering::Relaxed);
        if dropped > 0 {
            tracing::warn!(
                dropped,
                limit = WAITING,
                "traces were dropped: so many wait for the collector already"
            );
        }
    }
}

fn again(status: StatusCode) -> bool {
    matches!(status.as_u16(), 429 | 502 | 503 | 504)
}
