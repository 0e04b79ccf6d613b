//! An OTLP/HTTP receiver that keeps the spans it gets.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::routing::post;
use http::HeaderMap;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span as Received;
use prost::Message;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::{SOON, eventually};

/// A receiver on a port of its own. Dropping it stops it.
pub struct Receiver {
    address: SocketAddr,
    spans: Spans,
    _server: JoinSet<std::io::Result<()>>,
}

type Spans = Arc<Mutex<Vec<Span>>>;

/// A span with what tests look at.
#[derive(Clone, Debug)]
pub struct Span {
    /// What it was about, as in `GET /items`.
    pub name: String,
    /// `INTERNAL`, `SERVER` or `CLIENT`.
    pub kind: &'static str,
    /// The trace's id, in hexadecimal digits.
    pub trace: String,
    /// Its own id, in hexadecimal digits.
    pub id: String,
    /// The id of its parent; empty for the root of a trace.
    pub parent: String,
    /// Attributes as text, as Spin writes them.
    pub attributes: HashMap<String, String>,
    /// The message of its status, if that is an error.
    pub error: Option<String>,
    /// Unix time in nanoseconds.
    pub start: u64,
    /// Unix time in nanoseconds.
    pub end: u64,
}

impl Receiver {
    /// Starts one.
    pub async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port for the receiver");
        let address = listener.local_addr().expect("an address");
        let spans = Spans::default();
        let routes = Router::new().route("/v1/traces", post(receive)).layer(DefaultBodyLimit::disable());
        let mut server = JoinSet::new();
        server.spawn(axum::serve(listener, routes.with_state(spans.clone())).into_future());
        Self { address, spans, _server: server }
    }

    /// Where a host has to send its spans.
    pub fn url(&self) -> String {
        format!("http://{}/v1/traces", self.address)
    }

    /// The spans received so far.
    pub fn spans(&self) -> Vec<Span> {
        self.spans.lock().expect("the spans").clone()
    }

    /// Waits for a span.
    pub async fn span(&self, what: &str, wanted: impl Fn(&Span) -> bool) -> Span {
        eventually(what, SOON, async || {
            let spans = self.spans();
            spans.iter().find(|span| wanted(span)).cloned().ok_or_else(|| format!("{spans:#?}"))
        })
        .await
    }

    /// Waits until a trace has a span of each of `names`, and returns its spans.
    pub async fn trace(&self, trace: &str, names: &[&str]) -> Vec<Span> {
        for name in names {
            self.span(&format!("{name} in trace {trace}"), |span| span.trace == trace && span.name == *name).await;
        }
        self.spans().into_iter().filter(|span| span.trace == trace).collect()
    }
}

async fn receive(State(spans): State<Spans>, headers: HeaderMap, body: Bytes) {
    assert_eq!(headers["content-type"], "application/x-protobuf");
    let export = ExportTraceServiceRequest::decode(body).expect("an export of spans");
    let scopes = export.resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
    let received = scopes.flat_map(|scope| scope.spans).map(Span::from);
    spans.lock().expect("the spans").extend(received);
}

impl From<Received> for Span {
    fn from(span: Received) -> Self {
        let text = |value: Option<Value>| match value {
            Some(Value::StringValue(text)) => text,
            // Spin's are text, but for the place in its source and the like.
            other => format!("{other:?}"),
        };
        let attributes = span.attributes.into_iter().map(|pair| (pair.key, text(pair.value.and_then(|any| any.value))));
        Self {
            name: span.name,
            kind: ["UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT"][span.kind as usize],
            trace: hex(&span.trace_id),
            id: hex(&span.span_id),
            parent: hex(&span.parent_span_id),
            attributes: attributes.collect(),
            error: span.status.filter(|status| status.code == 2).map(|status| status.message),
            start: span.start_time_unix_nano,
            end: span.end_time_unix_nano,
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
