//! Sends spans to a receiver in batches. With a full queue or without a receiver only spans are lost, never a request.

use super::Trace;
use crate::error::Error;
use crate::log::Log;
use bytes::Bytes;
use http::uri::Scheme;
use http::{Request, Response, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use opentelemetry::Context;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, SdkTracerProvider};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::time::timeout;

/// How long spans wait for others to share a batch with. OpenTelemetry's 5 s are long for a person who watches.
const DELAY: Duration = Duration::from_secs(1);
/// The limit for one batch, from connecting to the end of the response.
const SEND_TIMEOUT: Duration = Duration::from_secs(5);
/// Bytes of a response that are read.
const RESPONSE_BYTES: usize = 64 << 10;
/// The limit for the last batch, when a host ends.
const LAST_TIMEOUT: Duration = Duration::from_secs(2);

/// Sends the spans of one host.
pub struct Exporter(SdkTracerProvider);

impl Exporter {
    /// `receiver` is the URL for OTLP requests with spans, for instance `http://127.0.0.1:4318/v1/traces`.
    ///
    /// # Errors
    /// [`Error::Telemetry`] for a URL that is not one of `http://`.
    pub fn start(receiver: &str, log: Log) -> Result<Self, Error> {
        let refused = |reason: &str| Error::Telemetry(format!("{receiver}: {reason}; fix: set an http:// URL"));
        let url: Uri = receiver.parse().map_err(|_| refused("not a URL"))?;
        if url.scheme() != Some(&Scheme::HTTP) {
            return Err(refused("this host offers no TLS"));
        }
        let client = Client {
            http: legacy::Client::builder(TokioExecutor::new()).build_http(),
            runtime: Handle::current(),
            failing: AtomicBool::new(false),
            log,
        };
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(client)
            .with_endpoint(receiver)
            .with_timeout(SEND_TIMEOUT)
            .build()
            .map_err(|error| refused(&error.to_string()))?;
        // The builder reads OTEL_BSP_*.
        let mut batches = BatchConfigBuilder::default();
        if std::env::var_os("OTEL_BSP_SCHEDULE_DELAY").is_none() {
            batches = batches.with_scheduled_delay(DELAY);
        }
        let processor = BatchSpanProcessor::builder(exporter).with_batch_config(batches.build()).build();
        let service = std::env::var("OTEL_SERVICE_NAME").unwrap_or_else(|_| "spin".to_owned());
        let provider = SdkTracerProvider::builder()
            .with_resource(Resource::builder().with_service_name(service).build())
            .with_span_processor(processor)
            .build();
        Ok(Self(provider))
    }

    /// The place for requests from outside.
    pub fn trace(&self) -> Trace {
        Trace(Some((self.0.tracer("spin"), Context::new())))
    }

    /// Sends the spans that wait, if the receiver accepts them within 2 s.
    pub async fn shutdown(&self) {
        let provider = self.0.clone();
        let last = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(LAST_TIMEOUT));
        // The rest is lost, which the client has logged.
        let _ = last.await;
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        // Shutting down waits for the exporter's thread, which waits for this runtime: not on a thread of the runtime.
        let provider = self.0.clone();
        std::thread::spawn(move || provider.shutdown_with_timeout(LAST_TIMEOUT));
    }
}

#[derive(Debug)]
struct Client {
    http: legacy::Client<HttpConnector, Full<Bytes>>,
    /// Sends run here, since batches come from a thread outside of any runtime.
    runtime: Handle,
    /// Whether the last batch was lost: a loss is logged once, not with every batch.
    failing: AtomicBool,
    log: Log,
}

#[async_trait::async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let url = request.uri().clone();
        let http = self.http.clone();
        let sending = async move {
            let response = http.request(request.map(Full::new)).await?;
            let (head, body) = response.into_parts();
            let body = Limited::new(body, RESPONSE_BYTES).collect().await?.to_bytes();
            Ok(Response::from_parts(head, body))
        };
        let result: Result<_, HttpError> =
            match self.runtime.spawn(async { timeout(SEND_TIMEOUT, sending).await }).await {
                Ok(Ok(result)) => result,
                Ok(Err(_)) => Err(format!("no response within {SEND_TIMEOUT:?}").into()),
                Err(error) => Err(error.into()),
            };
        let failure = match &result {
            Ok(response) if response.status().is_success() => None,
            Ok(response) => Some(format!("the response is {}", response.status())),
            Err(error) => Some(error.to_string()),
        };
        if self.failing.swap(failure.is_some(), Ordering::Relaxed) != failure.is_some() {
            self.log.host(
                &"telemetry".into(),
                match failure {
                    Some(reason) => format!("spans are lost, {url} does not accept them: {reason}"),
                    None => format!("{url} accepts spans again"),
                },
            );
        }
        result
    }
}
