//! The OTLP/HTTP receiver: binary protobuf, as Spin sends it. <https://opentelemetry.io/docs/specs/otlp/#otlphttp>

mod attribute;
mod body;
mod response;
mod span;
mod wire;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use tokio::sync::Mutex;

use self::body::{Budget, Received};
use self::response::{Rejection, success};
use self::span::{BadTime, Span, Subject};
use crate::forward::Forwarder;
use crate::metrics::Metrics;
use crate::metrics::labels::{Export, Operation, Request as RequestLabels, Trace};

/// The signals of OTLP. Spin sends all three to one address and logs an error every few seconds if one of them is
/// rejected, so metrics and logs are accepted too; they are not read, only forwarded.
const SIGNALS: [Signal; 3] = [
    Signal { name: "traces", path: "/v1/traces", read: true },
    Signal { name: "metrics", path: "/v1/metrics", read: false },
    Signal { name: "logs", path: "/v1/logs", read: false },
];

#[derive(Clone, Copy)]
struct Signal {
    name: &'static str,
    path: &'static str,
    read: bool,
}

/// Receives exports: measures their spans, then passes them on.
#[derive(Clone)]
pub struct Receiver {
    metrics: Arc<Metrics>,
    forward: Option<Forwarder>,
    budget: Budget,
    /// Held while an export is read. One at a time bounds the memory for inflated bodies and leaves the other cores to
    /// the host.
    turn: Arc<Mutex<()>>,
}

impl Receiver {
    /// Without `forward`, exports end here.
    pub fn new(metrics: Metrics, forward: Option<Forwarder>) -> Self {
        for bad in BadTime::ALL {
            metrics.spans_dropped(bad.reason());
        }
        Self { metrics: Arc::new(metrics), forward, budget: Budget::default(), turn: Arc::default() }
    }

    /// `POST /v1/traces`, `/v1/metrics` and `/v1/logs`: 200 with a count of the spans that could not be measured, if
    /// any; else a [`Rejection`].
    pub fn router(self) -> Router {
        let routes = SIGNALS.map(|signal| {
            let handler =
                move |State(receiver): State<Self>, request| async move { receiver.respond(signal, request).await };
            Router::new().route(signal.path, post(handler))
        });
        routes.into_iter().fold(Router::new(), Router::merge).with_state(self)
    }

    async fn respond(&self, signal: Signal, request: Request) -> Response {
        let response = match self.receive(signal, request).await {
            Ok(dropped) => success(dropped),
            Err(rejection) => rejection.into_response(),
        };
        self.metrics.export(Export::new(signal.name, response.status()));
        response
    }

    /// Returns how many spans could not be measured.
    async fn receive(&self, signal: Signal, request: Request) -> Result<i64, Rejection> {
        let (head, body) = request.into_parts();
        let received = body::read(&head.headers, body, &self.budget).await?;
        let turn = self.turn.clone().lock_owned().await;
        let receiver = self.clone();
        let measured = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            let bytes = received.bytes();
            let dropped = receiver.measure(signal, received)?;
            // In this task, so that a measured export is forwarded even when its sender no longer waits for the
            // response.
            if let Some(forward) = &receiver.forward {
                forward.offer(signal.path, &head.headers, bytes);
            }
            Ok(dropped)
        });
        measured.await.unwrap_or(Err(Rejection::Fault))
    }

    fn measure(&self, signal: Signal, received: Received) -> Result<i64, Rejection> {
        let message = received.inflate()?;
        let mut dropped = 0;
        if signal.read {
            // Two passes: a malformed export must not count at all, because its sender may send it again.
            span::each(&message, |_| {})?;
            span::each(&message, |span| dropped += i64::from(self.observe(&span).is_err()))?;
        }
        Ok(dropped)
    }

    fn observe(&self, span: &Span) -> Result<(), BadTime> {
        self.metrics.spans_received.inc();
        let Some(subject) = span.subject() else { return Ok(()) };
        let seconds = span.duration().inspect_err(|bad| {
            self.metrics.spans_dropped(bad.reason()).inc();
        })?;
        let trace = Trace::new(span.trace_id);
        match subject {
            Subject::Request => {
                let labels = RequestLabels::new(span.route(), span.method.text(), span.status.number());
                self.metrics.request(labels, seconds, trace);
            }
            Subject::Operation => self.metrics.operation(Operation::new(span.name, span.failed), seconds, trace),
            Subject::Connection => self.metrics.connection_wait.observe(seconds, trace, None),
        }
        Ok(())
    }
}
