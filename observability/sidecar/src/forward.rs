//! Passes received exports on to another receiver, unchanged, without delaying their senders.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, Request, Uri};
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use prometheus_client::metrics::counter::Counter;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use crate::Error;
use crate::metrics::Metrics;

/// The largest number of exports that wait.
const MAX_WAITING: usize = 256;
/// The largest size of the exports that wait, in bytes together.
const MAX_BYTES: usize = 16 << 20;
/// For one export, from connecting to the response.
const TIMEOUT: Duration = Duration::from_secs(10);

struct Export {
    request: Request<Full<Bytes>>,
    _room: OwnedSemaphorePermit,
}

/// Queues exports for the [`Worker`].
#[derive(Clone)]
pub struct Forwarder {
    queue: mpsc::Sender<Export>,
    room: Arc<Semaphore>,
    target: String,
    dropped: Counter,
}

impl Forwarder {
    /// Queues an export for `path`, such as `/v1/traces`. When the queue is full, the export is dropped and counted.
    pub fn offer(&self, path: &str, headers: &HeaderMap, body: Bytes) {
        if self.try_offer(path, headers, body).is_none() {
            self.dropped.inc();
        }
    }

    fn try_offer(&self, path: &str, headers: &HeaderMap, body: Bytes) -> Option<()> {
        let bytes = u32::try_from(body.len()).ok()?;
        let room = self.room.clone().try_acquire_many_owned(bytes).ok()?;
        let mut request = Request::post(format!("{}{path}", self.target));
        for name in [CONTENT_TYPE, CONTENT_ENCODING] {
            if let Some(value) = headers.get(&name) {
                request = request.header(name, value);
            }
        }
        let request = request.body(Full::new(body)).ok()?;
        self.queue.try_send(Export { request, _room: room }).ok()
    }
}

/// The task that sends. It ends when the last [`Forwarder`] is dropped and the queue is empty.
pub struct Worker {
    queue: mpsc::Receiver<Export>,
    client: Client<HttpConnector, Full<Bytes>>,
    target: String,
    passed_on: Counter,
    failed: Counter,
}

/// The queue and the task that empties it. `target` is the receiver's address without `/v1/…`.
///
/// # Errors
/// [`Error::Forward`] when `target` is not a plain HTTP URL.
pub fn new(target: &str, metrics: &Metrics) -> Result<(Forwarder, Worker), Error> {
    let valid = target
        .parse::<Uri>()
        .is_ok_and(|uri| uri.scheme_str() == Some("http") && uri.authority().is_some() && uri.query().is_none());
    if !valid {
        return Err(Error::Forward(target.to_owned()));
    }
    let (sender, queue) = mpsc::channel(MAX_WAITING);
    let target = target.trim_end_matches('/').to_owned();
    let room = Arc::new(Semaphore::new(MAX_BYTES));
    let (passed_on, failed) = (metrics.forwarded("ok"), metrics.forwarded("failed"));
    let client = Client::builder(TokioExecutor::new()).build_http();
    let worker = Worker { queue, client, target: target.clone(), passed_on, failed };
    Ok((Forwarder { queue: sender, room, target, dropped: metrics.forwarded("dropped") }, worker))
}

impl Worker {
    /// Sends the queued exports one after another. Logs the first outcome and each change between success and failure.
    pub async fn run(mut self) {
        let mut reached = None;
        while let Some(export) = self.queue.recv().await {
            let sent = tokio::time::timeout(TIMEOUT, self.send(export)).await;
            let outcome = sent.unwrap_or_else(|_| Err(format!("no response within {TIMEOUT:?}")));
            let counter = if outcome.is_ok() { &self.passed_on } else { &self.failed };
            counter.inc();
            if reached.replace(outcome.is_ok()) != Some(outcome.is_ok()) {
                match outcome {
                    Ok(()) => tracing::info!(target = self.target, "exports are passed on"),
                    Err(error) => tracing::warn!(target = self.target, error, "exports cannot be passed on"),
                }
            }
        }
    }

    async fn send(&self, export: Export) -> Result<(), String> {
        let response = self.client.request(export.request).await;
        match response.map(|response| response.status()) {
            Ok(status) if status.is_success() => Ok(()),
            Ok(status) => Err(status.to_string()),
            // By itself the error only says `client error (Connect)`.
            Err(error) => Err(match std::error::Error::source(&error) {
                Some(cause) => format!("{error}: {cause}"),
                None => error.to_string(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::registry::Registry;

    use super::*;

    #[test]
    fn only_plain_http_urls_are_valid_targets() {
        let metrics = Metrics::register(&mut Registry::default());
        for valid in ["http://collector:4318", "http://127.0.0.1:1/otlp/"] {
            assert!(new(valid, &metrics).is_ok(), "{valid}");
        }
        for invalid in ["", "collector:4318", "https://collector", "http://", "http://a?b", "/v1"] {
            assert!(new(invalid, &metrics).is_err(), "{invalid}");
        }
    }

    #[test]
    fn a_full_queue_drops_and_counts() {
        let metrics = Metrics::register(&mut Registry::default());
        let (forwarder, worker) = new("http://127.0.0.1:1", &metrics).unwrap();
        let offer = |size| forwarder.offer("/v1/traces", &HeaderMap::new(), vec![0; size].into());
        (0..3).for_each(|_| offer(8 << 20));
        assert_eq!(metrics.forwarded("dropped").get(), 1, "two of three fit into MAX_BYTES");
        (0..MAX_WAITING).for_each(|_| offer(0));
        assert_eq!(metrics.forwarded("dropped").get(), 3, "two places were already taken");
        drop(worker);
    }
}
