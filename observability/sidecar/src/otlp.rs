//! The OTLP/HTTP receiver: binary protobuf, as Spin sends it. <https://opentelemetry.io/docs/specs/otlp/#otlphttp>

mod body;
mod point;
pub mod span;
pub mod spin;
pub mod wire;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Extension, Router};
use http::StatusCode;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use tokio::sync::Mutex;

use self::body::{Budget, Received};
use self::wire::{Malformed, write};
use crate::forward::Forwarder;
use crate::metrics::Metrics;
use crate::server::Peer;

const PROTOBUF: &str = "application/x-protobuf";

/// What an export holds. Logs are taken and not looked at: Spin sends them to the same address as the rest, and a refusal would be an
/// error in its log every few seconds. They are passed on like the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Signal {
    Traces,
    Metrics,
    Logs,
}

impl Signal {
    const ALL: [Self; 3] = [Self::Traces, Self::Metrics, Self::Logs];

    fn name(self) -> &'static str {
        match self {
            Self::Traces => "traces",
            Self::Metrics => "metrics",
            Self::Logs => "logs",
        }
    }

    fn path(self) -> &'static str {
        match self {
            Self::Traces => "/v1/traces",
            Self::Metrics => "/v1/metrics",
            Self::Logs => "/v1/logs",
        }
    }
}

/// Why an export is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum Refusal {
    #[error("only {PROTOBUF} is understood")]
    Type,
    #[error("only gzip is understood as an encoding")]
    Encoding,
    #[error("more than {} bytes", body::LIMIT)]
    TooLarge,
    #[error("the body took too long")]
    Slow,
    #[error("too many exports at once")]
    Busy,
    #[error("the body is cut short or not what its headers say")]
    Broken,
    #[error("{0}")]
    Malformed(#[from] Malformed),
    #[error("a fault of this receiver")]
    Fault,
}

impl Refusal {
    fn status(self) -> StatusCode {
        match self {
            Self::Type | Self::Encoding => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Slow => StatusCode::REQUEST_TIMEOUT,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::Broken | Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::Fault => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl IntoResponse for Refusal {
    /// The body is a `google.rpc.Status`, as the specification has it.
    fn into_response(self) -> Response {
        let mut body = Vec::new();
        write::bytes(&mut body, 2, self.to_string().as_bytes());
        let mut response = (self.status(), [(CONTENT_TYPE, PROTOBUF)], body).into_response();
        if self == Self::Busy {
            response.headers_mut().insert(RETRY_AFTER, 1.into());
        }
        response
    }
}

#[derive(Clone)]
pub struct Receiver {
    metrics: Arc<Metrics>,
    forward: Option<Forwarder>,
    budget: Budget,
    /// One export is read at a time: reading is work for one core, and what it needs beyond the body is needed once.
    turn: Arc<Mutex<()>>,
}

impl Receiver {
    pub fn new(metrics: Arc<Metrics>, forward: Option<Forwarder>) -> Self {
        Self { metrics, forward, budget: Budget::default(), turn: Arc::default() }
    }

    pub fn router(self) -> Router {
        let routes = Signal::ALL.map(|signal| {
            let handler = move |State(receiver): State<Self>, Extension(peer), request| async move {
                receiver.answer(signal, peer, request).await
            };
            Router::new().route(signal.path(), post(handler))
        });
        routes.into_iter().fold(Router::new(), Router::merge).with_state(self)
    }

    async fn answer(&self, signal: Signal, Peer(peer): Peer, request: Request) -> Response {
        let response = match self.receive(signal, peer, request).await {
            Ok(body) => ([(CONTENT_TYPE, PROTOBUF)], body).into_response(),
            Err(refusal) => refusal.into_response(),
        };
        self.metrics.answered(signal.name(), response.status().as_u16());
        response
    }

    async fn receive(&self, signal: Signal, peer: IpAddr, request: Request) -> Result<Vec<u8>, Refusal> {
        let (head, body) = request.into_parts();
        let received = body::read(&head.headers, body, &self.budget).await?;
        let turn = self.turn.clone().lock_owned().await;
        let receiver = self.clone();
        let taken = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            let bytes = received.bytes();
            let rejected = receiver.take(signal, peer, received)?;
            // Here, so that what was counted goes on even when the sender no longer waits for the answer.
            if let Some(forward) = &receiver.forward {
                forward.offer(signal.path(), &head.headers, bytes);
            }
            Ok(rejected)
        });
        taken.await.unwrap_or(Err(Refusal::Fault)).map(response)
    }

    /// How many spans or points were of no use.
    fn take(&self, signal: Signal, peer: IpAddr, received: Received) -> Result<u64, Refusal> {
        let message = received.inflate()?;
        let mut rejected = 0;
        match signal {
            Signal::Traces => {
                // Twice: an export that is malformed anywhere counts nowhere, so that sending it again is no double.
                span::each(&message, |_| {})?;
                span::each(&message, |span| rejected += u64::from(!self.metrics.observe(&span)))?;
            }
            Signal::Metrics => self.metrics.spin.take(peer, &message, Instant::now(), |reason| {
                rejected += 1;
                self.metrics.point_dropped(reason);
            })?,
            Signal::Logs => {}
        }
        Ok(rejected)
    }
}

/// An `ExportTraceServiceResponse` or its likes: empty, or with a `partial_success`.
fn response(rejected: u64) -> Vec<u8> {
    let mut response = Vec::new();
    if rejected > 0 {
        let mut partial = Vec::new();
        write::number(&mut partial, 1, rejected);
        write::bytes(&mut partial, 2, b"times or values that cannot be");
        write::bytes(&mut response, 1, &partial);
    }
    response
}
