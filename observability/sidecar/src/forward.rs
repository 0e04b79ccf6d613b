//! Passing exports on to another receiver, byte by byte as they came, without ever holding up who sent them.

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

/// Exports that wait, and the bytes they may hold together.
const MOST_WAITING: usize = 256;
const MOST_BYTES: usize = 16 << 20;
/// For one export, from connecting to the answer.
const TIMEOUT: Duration = Duration::from_secs(10);

struct Export {
    path: &'static str,
    headers: HeaderMap,
    body: Bytes,
    _room: OwnedSemaphorePermit,
}

/// Takes exports and queues them.
#[derive(Clone)]
pub struct Forwarder {
    queue: mpsc::Sender<Export>,
    room: Arc<Semaphore>,
    dropped: Counter,
}

impl Forwarder {
    /// Queues an export, or drops and counts it when the queue is full.
    pub fn offer(&self, path: &'static str, headers: &HeaderMap, body: Bytes) {
        let taken = self.try_offer(path, headers, body);
        if taken.is_none() {
            self.dropped.inc();
        }
    }

    fn try_offer(&self, path: &'static str, headers: &HeaderMap, body: Bytes) -> Option<()> {
        let bytes = u32::try_from(body.len()).ok()?;
        let room = self.room.clone().try_acquire_many_owned(bytes).ok()?;
        let mut kept = HeaderMap::new();
        for name in [CONTENT_TYPE, CONTENT_ENCODING] {
            if let Some(value) = headers.get(&name) {
                kept.insert(name, value.clone());
            }
        }
        let export = Export { path, headers: kept, body, _room: room };
        self.queue.try_send(export).ok()
    }
}

/// The task that sends; ends when the last [`Forwarder`] is gone and the queue is empty.
pub struct Worker {
    queue: mpsc::Receiver<Export>,
    client: Client<HttpConnector, Full<Bytes>>,
    target: String,
    taken: Counter,
    failed: Counter,
}

/// # Errors
/// [`Error::Forward`] when `target` is no plain HTTP address.
pub fn new(target: &str, metrics: &Metrics) -> Result<(Forwarder, Worker), Error> {
    let understood = target
        .parse::<Uri>()
        .is_ok_and(|uri| uri.scheme_str() == Some("http") && uri.authority().is_some() && uri.query().is_none());
    if !understood {
        return Err(Error::Forward(target.to_owned()));
    }
    let (sender, queue) = mpsc::channel(MOST_WAITING);
    let forwarder =
        Forwarder { queue: sender, room: Arc::new(Semaphore::new(MOST_BYTES)), dropped: metrics.forwarded("dropped") };
    let worker = Worker {
        queue,
        client: Client::builder(TokioExecutor::new()).build_http(),
        target: target.trim_end_matches('/').to_owned(),
        taken: metrics.forwarded("ok"),
        failed: metrics.forwarded("failed"),
    };
    Ok((forwarder, worker))
}

impl Worker {
    pub async fn run(mut self) {
        let mut reached = None;
        while let Some(export) = self.queue.recv().await {
            let outcome = match tokio::time::timeout(TIMEOUT, self.send(export)).await {
                Ok(outcome) => outcome,
                Err(_) => Err(format!("no answer within {TIMEOUT:?}")),
            };
            let counter = if outcome.is_ok() { &self.taken } else { &self.failed };
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
        let mut request = Request::post(format!("{}{}", self.target, export.path))
            .body(Full::new(export.body))
            .map_err(|error| error.to_string())?;
        *request.headers_mut() = export.headers;
        let answer = self.client.request(request).await;
        match answer.map(|answer| answer.status()) {
            Ok(status) if status.is_success() => Ok(()),
            Ok(status) => Err(status.to_string()),
            // The cause says more than `client error (Connect)`.
            Err(error) => Err(match std::error::Error::source(&error) {
                Some(cause) => format!("{error}: {cause}"),
                None => error.to_string(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::Build;

    #[test]
    fn only_plain_http_addresses_are_taken() {
        let (metrics, _) = Metrics::new(&Build::default(), &[]);
        for good in ["http://collector:4318", "http://127.0.0.1:1/otlp/"] {
            assert!(new(good, &metrics).is_ok(), "{good}");
        }
        for bad in ["", "collector:4318", "https://collector", "http://", "http://a?b", "/v1"] {
            assert!(new(bad, &metrics).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_full_queue_drops_and_counts() {
        let (metrics, _) = Metrics::new(&Build::default(), &[]);
        let (forwarder, worker) = new("http://127.0.0.1:1", &metrics).unwrap();
        let offer = |size| forwarder.offer("/v1/traces", &HeaderMap::new(), vec![0; size].into());
        (0..3).for_each(|_| offer(8 << 20));
        assert_eq!(metrics.forwarded("dropped").get(), 1, "two of three fit into the bytes");
        (0..MOST_WAITING).for_each(|_| offer(0));
        assert_eq!(metrics.forwarded("dropped").get(), 3, "two places were taken");
        drop(worker);
    }
}
